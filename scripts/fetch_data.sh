#!/usr/bin/env bash
# Fetches the public files of AV-MNIST into DIR/mnist and DIR/fsdd/recordings, and checks what they hold (see data_files.txt).
# Run it again after an interruption: what is there and right is kept, a half-fetched file is continued.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: fetch_data.sh DIR [--mirror URL]... [--table FILE]
  DIR           folder to make; afterwards: semlink run configs/av_mnist_pom2dib.yaml --set data.root=DIR
  --mirror URL  take every file from URL/NAME instead of the addresses in the table; may be given several times
  --table FILE  list of files, checksums and addresses (default: data_files.txt beside this script)
Exit codes: 0 all files are there and right, 1 some could not be had, 2 wrong usage.
TEXT
}

say() { printf '%s\n' "$*" >&2; }
wrong_usage() {
  say "fetch_data.sh: $*"
  usage >&2
  exit 2
}

dir=
table="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/data_files.txt"
mirrors=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --mirror) [[ $# -ge 2 ]] || wrong_usage "--mirror needs a URL"; mirrors+=("${2%/}"); shift 2 ;;
    --table) [[ $# -ge 2 ]] || wrong_usage "--table needs a file"; table=$2; shift 2 ;;
    -*) wrong_usage "unknown option $1" ;;
    *) [[ -z $dir ]] || wrong_usage "more than one folder: $dir and $1"; dir=$1; shift ;;
  esac
done
[[ -n $dir ]] || wrong_usage "no folder given"
[[ -r $table ]] || wrong_usage "can't read the table $table"
for tool in curl gzip tar sha256sum; do
  command -v "$tool" >/dev/null || { say "fetch_data.sh: $tool is not installed"; exit 1; }
done

# SHA-256 of what a gzip file holds; nothing if it is damaged or missing.
content_sha256() {
  local sum
  sum=$(gzip -dc -- "$1" 2>/dev/null | sha256sum) || return 0
  printf '%s' "${sum%% *}"
}

# SHA-256 of the list of recordings in a folder; nothing if there are none.
recordings_sha256() {
  local sum
  sum=$(cd "$1" 2>/dev/null && LC_ALL=C && export LC_ALL && sha256sum -- *.wav 2>/dev/null | sha256sum) || return 0
  printf '%s' "${sum%% *}"
}

# download URL PART: into PART, continued if it is there. 0: fetched; 1: failed, PART is worth continuing; 2: failed, PART can't be
# continued from there (the server knows no ranges, or has nothing beyond it).
download() {
  local url=$1 part=$2 http status=0
  http=$(curl --fail --location --silent --show-error --connect-timeout 20 --speed-limit 500 \
    --speed-time 60 --retry 2 --retry-delay 1 --continue-at - --write-out '%{http_code}' \
    --output "$part" "$url") || status=$?
  [[ $status -ne 0 ]] || return 0
  [[ $http != 416 && $status -ne 33 && $status -ne 36 ]] || return 2
  return 1
}

# Checks the fetched archive or file PART against SHA256 and puts it in its place TARGET.
accept_file() {
  local part=$1 target=$2 sha256=$3
  [[ $(content_sha256 "$part") == "$sha256" ]] || return 1
  mv -f -- "$part" "$target"
}

accept_recordings() {
  local part=$1 target=$2 sha256=$3 fresh=$2.new
  rm -rf -- "$fresh"
  mkdir -p -- "$fresh"
  # The archive's own top folder carries the version in its name.
  if ! tar -C "$fresh" -xzf "$part" --wildcards --strip-components=2 '*/recordings/*.wav' 2>/dev/null ||
    [[ $(recordings_sha256 "$fresh") != "$sha256" ]]; then
    rm -rf -- "$fresh"
    return 1
  fi
  rm -rf -- "$target" && mv -- "$fresh" "$target" && rm -f -- "$part"
}

# is_right KIND TARGET SHA256
is_right() {
  case $1 in
    file) [[ $(content_sha256 "$2") == "$3" ]] ;;
    recordings) [[ $(recordings_sha256 "$2") == "$3" ]] ;;
  esac
}

# try_address KIND TARGET SHA256 URL: 0 if TARGET is right in the end. A transfer that broke off leaves TARGET.part.
try_address() {
  local kind=$1 target=$2 sha256=$3 url=$4 part=$2.part left_over status
  while true; do
    # The part of an earlier run may come from another address, or be complete already. If it leads to nothing, start over once.
    left_over=no
    [[ ! -s $part ]] || left_over=yes
    status=0
    download "$url" "$part" || status=$?
    if [[ $status -ne 1 && -s $part ]]; then
      if "accept_$kind" "$part" "$target" "$sha256"; then return 0; fi
      rm -f -- "$part"
      if [[ $left_over == no ]]; then
        say "$target: what came is damaged or is not the published file"
        return 1
      fi
    else
      return 1
    fi
  done
}

# fetch KIND TARGET SHA256 URL...: 0 if TARGET is right in the end.
fetch() {
  local kind=$1 target=$2 sha256=$3 url
  shift 3
  if is_right "$kind" "$target" "$sha256"; then
    say "$target: there already"
    return 0
  fi
  mkdir -p -- "$(dirname "$target")"
  for url in "$@"; do
    say "$target: fetching $url"
    if try_address "$kind" "$target" "$sha256" "$url"; then
      say "$target: ok"
      return 0
    fi
  done
  say "$target: FAILED: no address gave the published file. Try --mirror URL, or put the file there by hand."
  return 1
}

mkdir -p -- "$dir" || { say "fetch_data.sh: can't make $dir"; exit 1; }
failed=0
rows=0
while read -r kind path sha256 urls; do
  [[ -n $kind && $kind != \#* ]] || continue
  [[ $kind == file || $kind == recordings ]] || wrong_usage "$table: unknown kind $kind"
  read -r -a addresses <<<"$urls"
  [[ ${#addresses[@]} -gt 0 ]] || wrong_usage "$table: no address for $path"
  if [[ ${#mirrors[@]} -gt 0 ]]; then
    name=${addresses[0]##*/}
    addresses=("${mirrors[@]/%//$name}")
  fi
  rows=$((rows + 1))
  fetch "$kind" "$dir/$path" "$sha256" "${addresses[@]}" || failed=$((failed + 1))
done <"$table"
[[ $rows -gt 0 ]] || wrong_usage "$table names no files"
if [[ $failed -gt 0 ]]; then
  say "$failed of $rows could not be had; run this again to go on"
  exit 1
fi
say "All of it is in $dir. Use it with --set data.root=$dir"
