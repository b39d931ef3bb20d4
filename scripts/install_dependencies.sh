#!/usr/bin/env bash
# Installs the Debian packages that semlink needs to build and to test itself. Does nothing where all are installed.
# clang and libclang-rt are for the fuzzers only (scripts/fuzz.sh).
# spin is for one test only, which searches the model of the protocol (docs/model); without it that test is left out.
# libopenblas0-pthread matters: without it Debian's libtorch falls back to the reference BLAS and is some 30 times slower.
set -euo pipefail

packages=(
  ca-certificates clang cmake curl g++ git libclang-rt-14-dev lld ninja-build pkg-config python3
  libabsl-dev libbenchmark-dev libcli11-dev libdnnl-dev libgmock-dev libgrpc++-dev libgtest-dev libopenblas0-pthread
  libprotobuf-dev libsndfile1-dev libspdlog-dev libsqlite3-dev libssl-dev libtorch-dev libyaml-cpp-dev
  nlohmann-json3-dev protobuf-compiler protobuf-compiler-grpc spin zlib1g-dev
)

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
