#!/usr/bin/env bash
# Installs the Debian packages that semlink needs. Does nothing where all are installed.
# Usage: scripts/install_dependencies.sh [--tests] [--fuzz] [--docker] [--without-torch]
#   --tests  also what only the tests use: chromium looks at reports, iproute2, nftables and ethtool make and break networks,
#            spin searches the model of the protocol, python3-torch reads exported parameters
#   --fuzz   also clang, for scripts/fuzz.sh
#   --docker also a Docker engine and what the test of the containers needs beside it
#   --without-torch  everything but libtorch and the libraries below it, where another libtorch is to be used
# libopenblas0-pthread matters: without it Debian's libtorch falls back to the reference BLAS and is some 30 times slower.
set -euo pipefail

packages=(
  ca-certificates cmake curl g++ git lld ninja-build openssl pkg-config python3
  libabsl-dev libbenchmark-dev libcli11-dev libcpp-httplib-dev libgmock-dev libgrpc++-dev libgtest-dev libnanoflann-dev
  libprotobuf-dev libsndfile1-dev libspdlog-dev libsqlite3-dev libssl-dev libyaml-cpp-dev
  nlohmann-json3-dev prometheus-cpp-dev protobuf-compiler protobuf-compiler-grpc zlib1g-dev
)
torch=(libdnnl-dev libopenblas0-pthread libtorch-dev)
for argument in "$@"; do
  case $argument in
    --tests) packages+=(chromium ethtool iproute2 nftables python3-torch spin) ;;
    --fuzz) packages+=(clang libclang-rt-14-dev) ;;
    --docker)
      packages+=(debootstrap iptables)
      # Another engine than Debian's is as good, and not to be replaced.
      command -v dockerd >/dev/null || packages+=(docker.io)
      command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1 || packages+=(docker-compose)
      ;;
    --without-torch) torch=() ;;
    *) echo "error: unknown argument $argument: expected --tests, --fuzz, --docker or --without-torch" >&2; exit 2 ;;
  esac
done
packages+=("${torch[@]}")

missing=()
for package in "${packages[@]}"; do
  if [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) != "install ok installed" ]]; then
    missing+=("$package")
  fi
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "All ${#packages[@]} packages are installed."
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "error: need root or sudo to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
  >/tmp/semlink-apt.log 2>&1 || { tail -n 20 /tmp/semlink-apt.log >&2; exit 1; }
