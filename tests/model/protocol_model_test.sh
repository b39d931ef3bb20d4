#!/usr/bin/env bash
# Usage: protocol_model_test.sh COMMIT_PML C_COMPILER. Searches the model of the commit protocol in several sizes and fails on
# an error or a search that did not finish; then lets each mutant make its mistake and fails if the search does not see it.
set -euo pipefail

model=$(realpath "$1")
compiler=$2
spin=${SPIN:-spin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# search KIND [-Dname=value ...]: leaves what the search said in `found`. KIND: safety (the assertions) or liveness (goes_on).
search() {
  local kind=$1 options=(-DSAFETY -DNOCLAIM -DCOLLAPSE) run=()
  shift
  if [[ $kind == liveness ]]; then
    options=(-DNOFAIR)
    run=(-a -A -E)
  fi
  rm -f pan pan.*
  "$spin" -a "$@" "$model" >spin.log || { cat spin.log >&2; return 1; }
  "$compiler" -w -O1 -DVECTORSZ=4096 -DMEMLIM=2000 "${options[@]}" -o pan pan.c
  ./pan -m100000 "${run[@]}" >found 2>&1 || true
}

passes() {
  search "$@"
  if ! grep -q 'errors: 0$' found || grep -Eqi 'search not completed|depth too small|assertion violated|out of memory' found; then
    echo "FAILED: $*" >&2
    cat found >&2
    exit 1
  fi
  echo "passed: $*: $(awk '/states, stored/ { s = $1 } /depth reached/ { d = $6 } END { print s " states, depth " d }' found)"
}

fails() {
  search "$@"
  if ! grep -Eq 'assertion violated|acceptance cycle' found; then
    echo "FAILED: the search does not see the mistake of $*" >&2
    cat found >&2
    exit 1
  fi
  echo "seen: $*: $(grep -Em1 'assertion violated|acceptance cycle' found)"
}

passes safety -DN=2 -DWINDOWS=2 -DFAULTS=2
passes safety -DN=2 -DWINDOWS=2 -DFAULTS=2 -DWAIT
passes safety -DN=2 -DWINDOWS=1 -DFAULTS=3
passes safety -DN=3 -DWINDOWS=1 -DFAULTS=1
passes liveness -DN=2 -DWINDOWS=2 -DFAULTS=1
passes liveness -DN=2 -DWINDOWS=2 -DFAULTS=2 -DWAIT
for mutant in 1 2 3 4 5 6 7 8 9; do
  fails safety -DN=2 -DWINDOWS=2 -DFAULTS=2 -DMUTANT=$mutant
done
fails liveness -DN=2 -DWINDOWS=2 -DFAULTS=1 -DMUTANT=6
