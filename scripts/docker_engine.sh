#!/usr/bin/env bash
# A Docker engine for tests, with the base image of deploy/Dockerfile.
# Usage: scripts/docker_engine.sh start FOLDER   prints the DOCKER_HOST to use: of the engine that runs here, or of one that it starts with
#                                                all its files in FOLDER. Code 3, and the reason, where none can be had
#        scripts/docker_engine.sh stop FOLDER    ends the engine that it started there, and removes its files
set -euo pipefail

base=debian:bookworm-slim
[[ $# -eq 2 && $1 =~ ^(start|stop)$ ]] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
folder=$(realpath -m "$2")
pid_file=$folder/dockerd.pid

give_up() {
  echo "no Docker engine: $*" >&2
  exit 3
}

is_up() { DOCKER_HOST=$1 timeout 20 docker info >/dev/null 2>&1; }

# One engine of our own, which shares nothing with another but the kernel.
start_engine() {
  command -v dockerd >/dev/null || give_up "dockerd is not installed: scripts/install_dependencies.sh --docker"
  [[ $(id -u) -eq 0 ]] || give_up "only root can start dockerd, and none runs"
  mkdir -p "$folder"
  # Away from the terminal: Ctrl-C is for the test, which ends the engine itself.
  setsid dockerd --host "unix://$folder/docker.sock" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$pid_file" >"$folder/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 60); do
    is_up "unix://$folder/docker.sock" && return
    kill -0 $! 2>/dev/null || break
    sleep 1
  done
  give_up "dockerd did not start: $(tail -n 3 "$folder/dockerd.log")"
}

# From the registry, or else made of Debian's packages.
make_base() {
  docker image inspect "$base" >/dev/null 2>&1 && return
  timeout 120 docker pull -q "$base" >/dev/null 2>&1 && return
  command -v debootstrap >/dev/null || give_up "$base can't be pulled, and debootstrap is not installed"
  local root
  root=$(mktemp -d)
  debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1 || give_up "debootstrap: $(tail -n 1 "$root.log")"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -c . | docker import - "$base" >/dev/null
  rm -rf "$root" "$root.log"
}

stop_engine() {
  [[ -f $pid_file ]] || return 0
  local pid
  pid=$(<"$pid_file")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 300); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  rm -rf "$folder"
}

if [[ $1 == stop ]]; then
  stop_engine
  exit 0
fi
host=${DOCKER_HOST:-unix:///var/run/docker.sock}
if ! is_up "$host"; then
  host=unix://$folder/docker.sock
  start_engine
fi
export DOCKER_HOST=$host
make_base
echo "$host"
