#!/usr/bin/env bash
# A sweep as a job array of Slurm: one task per run (docs/sweep.md).
#
#   sbatch --array=0-$(($(semlink sweep grid.yaml --count) - 1))%8 deploy/sweep/slurm_array.sh grid.yaml --out /shared/runs/beta
#
# %8: at most eight at a time. The grid, its data and --out lie on a file system that all machines share. The same command
# goes on with a sweep that was interrupted: finished runs end at once.
#SBATCH --job-name=semlink-sweep
#SBATCH --output=semlink-sweep-%A-%a.log
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=08:00:00
#SBATCH --signal=INT@120
set -euo pipefail

if [[ $# -lt 1 ]]; then
  echo "usage: sbatch --array=0-LAST $0 GRID [arguments of semlink sweep]" >&2
  exit 2
fi
: "${SLURM_ARRAY_TASK_ID:?not set: submit this with sbatch --array=0-LAST}"
# --signal=INT above reaches the job step two minutes before the time is up: the run ends as after Ctrl-C. Not `exec`, but
# srun where there is one, as Slurm signals steps.
run=()
if command -v srun >/dev/null; then run=(srun --ntasks=1); fi
"${run[@]}" "${SEMLINK:-semlink}" sweep "$@" --task "$SLURM_ARRAY_TASK_ID"
