#!/usr/bin/env bash
# Installs what is missing, builds, and trains PoM2-DIB on generated data with seven processes on this machine.
# Usage: scripts/quickstart.sh [semlink run options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install_dependencies.sh
cmake --preset release -DSEMLINK_TESTS=OFF -DSEMLINK_BENCH=OFF >/dev/null
cmake --build --preset release
exec build/bin/semlink run configs/quickstart.yaml "$@"
