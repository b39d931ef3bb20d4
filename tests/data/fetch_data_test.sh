#!/usr/bin/env bash
# scripts/fetch_data.sh against a local server and a table of small files.
# Usage: fetch_data_test.sh PATH/fetch_data.sh
set -euo pipefail
script=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
server=
cleanup() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*" >&2
  echo "--- last output:" >&2
  cat "$work/log" >&2
  exit 1
}
# run EXIT_CODE ARGUMENTS...: the script must end with that code. Its output is in $work/log, the server's requests in $work/seen.
run() {
  local expected=$1 status=0
  shift
  : >"$work/requests"
  bash "$script" "$@" >"$work/log" 2>&1 || status=$?
  [[ $status -eq $expected ]] || fail "exit code $status, expected $expected: $*"
}
expect_log() { grep -qF -- "$1" "$work/log" || fail "the output lacks: $1"; }
expect_request() { grep -qE -- "$1" "$work/requests" || fail "no request like $1: $(cat "$work/requests")"; }
expect_same() { cmp -s "$1" "$2" || fail "$1 differs from $2"; }

# What the server has: one gzip file and one archive like GitHub's.
mkdir -p "$work/www" "$work/tree/digits-1.0/recordings"
head -c 40000 /dev/urandom >"$work/plain"
gzip -nc "$work/plain" >"$work/www/numbers.gz"
for digit in 0 1 2; do head -c 3000 /dev/urandom >"$work/tree/digits-1.0/recordings/${digit}_ann_0.wav"; done
echo "read me" >"$work/tree/digits-1.0/README"
tar -C "$work/tree" -czf "$work/www/v1.tar.gz" digits-1.0
file_sum=$(sha256sum <"$work/plain")
list_sum=$(cd "$work/tree/digits-1.0/recordings" && LC_ALL=C sha256sum ./*.wav | sed 's|\./||' | sha256sum)

python3 "$here/range_server.py" "$work/www" >>"$work/requests" &
server=$!
for _ in $(seq 100); do
  [[ ! -s $work/requests ]] || break
  sleep 0.1
done
url=http://127.0.0.1:$(head -1 "$work/requests")

# table NAME MODE...: a table whose addresses are these modes of the server.
table() {
  local mode files='' archives='' name=$1
  shift
  for mode in "$@"; do
    files+=" $url/$mode/numbers.gz"
    archives+=" $url/$mode/v1.tar.gz"
  done
  printf '# comment\n\nfile mnist/numbers.gz %s%s\nrecordings fsdd/recordings %s%s\n' \
    "${file_sum%% *}" "$files" "${list_sum%% *}" "$archives" >"$work/$name"
}
expect_complete() {
  expect_same "$1/mnist/numbers.gz" "$work/www/numbers.gz"
  diff -r "$1/fsdd/recordings" "$work/tree/digits-1.0/recordings" || fail "recordings differ in $1"
  [[ $(find "$1" -type f | wc -l) -eq 4 ]] || fail "left over in $1: $(find "$1" -type f)"
}

echo "fetches everything, and nothing twice"
table good ok
run 0 "$work/a" --table "$work/good"
expect_complete "$work/a"
run 0 "$work/a" --table "$work/good"
expect_log "numbers.gz: there already"
expect_log "recordings: there already"
[[ ! -s $work/requests ]] || fail "fetched again: $(cat "$work/requests")"

echo "goes on to the next address after a missing, a damaged and a broken one"
table chain missing bad cut ok
run 0 "$work/b" --table "$work/chain"
expect_log "damaged or is not the published file"
expect_complete "$work/b"

echo "replaces a damaged file and a damaged recording"
printf 'x' >>"$work/b/fsdd/recordings/1_ann_0.wav"
head -c 20000 "$work/www/numbers.gz" >"$work/b/mnist/numbers.gz"
run 0 "$work/b" --table "$work/good"
expect_complete "$work/b"

echo "keeps what a broken transfer brought, and continues it"
table broken cut
run 1 "$work/c" --table "$work/broken"
expect_log "2 of 2 could not be had"
expect_log "numbers.gz: FAILED"
[[ -s $work/c/mnist/numbers.gz.part ]] || fail "nothing was kept"
[[ ! -e $work/c/mnist/numbers.gz ]] || fail "a half file got its final name"
size=$(stat -c %s "$work/c/mnist/numbers.gz.part")
run 0 "$work/c" --table "$work/good"
expect_request "^/ok/numbers.gz bytes=$size-"
expect_complete "$work/c"

echo "starts over where a part can't be continued"
for mode in plain ok; do
  rm -rf "$work/d"
  mkdir -p "$work/d/mnist"
  head -c 900 /dev/urandom >"$work/d/mnist/numbers.gz.part"
  table other "$mode"
  run 0 "$work/d" --table "$work/other"
  expect_complete "$work/d"
done
rm -rf "$work/d"
mkdir -p "$work/d/mnist"
cp "$work/www/numbers.gz" "$work/d/mnist/numbers.gz.part"
run 0 "$work/d" --table "$work/good"
expect_complete "$work/d"

echo "a mirror replaces the addresses"
table nowhere missing
run 0 "$work/e" --table "$work/nowhere" --mirror "$url/missing2" --mirror "$url/ok/"
expect_complete "$work/e"
if grep -q '^/missing/' "$work/requests"; then fail "asked an address of the table"; fi

echo "takes another compression of the same content, not other content"
gzip -1 -c "$work/plain" >"$work/www/numbers.gz"
run 0 "$work/f" --table "$work/good"
expect_complete "$work/f"
gzip -c "$work/log" >"$work/www/numbers.gz"
run 1 "$work/g" --table "$work/good"
expect_log "1 of 2 could not be had"
[[ -e $work/g/fsdd/recordings/2_ann_0.wav ]] || fail "did not go on after a failure"

echo "wrong usage"
run 2
expect_log "no folder given"
run 2 "$work/h" --frobnicate
expect_log "unknown option --frobnicate"
run 2 "$work/h" "$work/i"
run 2 "$work/h" --table "$work/none"
expect_log "can't read the table"
run 0 --help
expect_log "Usage:"
echo "all passed"
