#!/usr/bin/env bash
# Usage: scripts/fuzz.sh [SECONDS [NAME...]]. Builds the fuzzers (preset `fuzz`, needs clang) and runs each, or those named, for
# SECONDS (default 60), as many at a time as there are cores, each from its corpus in tests/fuzz/corpus/NAME. Prints how long each ran,
# executions and findings; exits with 1 if there are any. What is found and the corpora as they have grown stay in build-fuzz/fuzzing/NAME.
set -euo pipefail
cd "$(dirname "$0")/.."

limit=${1:-60}
shift || true
if [[ ! $limit =~ ^[1-9][0-9]*$ ]]; then
  echo "error: $limit is no number of seconds: expected scripts/fuzz.sh [SECONDS [NAME...]]" >&2
  exit 2
fi
build=build-fuzz
scripts/install_dependencies.sh --fuzz
if [[ ! -f $build/build.ninja ]]; then
  cmake --preset fuzz >/dev/null
fi

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then
  for folder in tests/fuzz/corpus/*/; do
    names+=("$(basename "$folder")")
  done
fi
cmake --build $build --target "${names[@]/%/_fuzzer}"

# fuzz NAME: runs one and prints its line. Fails if it found something.
fuzz() {
  local name=$1 work=$build/fuzzing/$1 start=$SECONDS status=ok said options
  mkdir -p "$work/corpus" "$work/found"
  options=(-max_total_time="$limit" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
    -artifact_prefix="$work/found/")
  if [[ -f tests/fuzz/$name.dict ]]; then
    options+=(-dict="tests/fuzz/$name.dict")
  fi
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$build/tests/fuzz/${name}_fuzzer" "${options[@]}" "$work/corpus" \
    "tests/fuzz/corpus/$name" >"$work/log" 2>&1 || status=failed
  said=$(awk '/Test unit written to/ { print $NF; exit }' "$work/log")
  [[ $status == ok ]] || said=${said:-"failed: $work/log"}
  printf '%-12s %10s %8s %9s  %s\n' "$name" "$(awk '/number_of_executed_units/ { print $2 }' "$work/log")" $((SECONDS - start)) \
    "$(awk '/peak_rss_mb/ { print $2 }' "$work/log")" "${said:-none}"
  [[ $status == ok ]]
}

echo "At most $limit seconds each."
printf '%-12s %10s %8s %9s  %s\n' fuzzer executions seconds 'peak MiB' findings
started=()
for name in "${names[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge $(nproc) ]]; do
    wait -n || true
  done
  fuzz "$name" &
  started+=($!)
done
findings=0
for pid in "${started[@]}"; do
  wait "$pid" || findings=$((findings + 1))
done
[[ $findings -eq 0 ]]
