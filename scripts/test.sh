#!/usr/bin/env bash
# Installs what is missing, builds everything, and runs all tests.
# Usage: scripts/test.sh [ctest options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_dependencies.sh --tests --docker
cmake --preset release -DSEMLINK_TESTS=ON -DSEMLINK_BENCH=ON >/dev/null
cmake --build --preset release
ctest --preset release "$@"
