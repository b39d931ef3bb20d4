#!/usr/bin/env python3
"""What the loss of a transmitter costs, and what renormalising the selection is worth.

Trains a scenario twice, with policy.renormalise true and false, and kills each transmitter in turn
for some seconds while the rest goes on (on_failure: degrade). Prints the accuracy per task in the
training windows before, during and after each loss.
"""

import argparse
import json
import pathlib
import sqlite3
import tempfile

import daemon_runs as runs

AROUND = 50  # windows before and after a loss that are averaged


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    runs.add_arguments(parser)
    parser.add_argument("--calm", type=int, default=400,
                        help="windows before the first loss [%(default)s]")
    parser.add_argument("--apart", type=int, default=120,
                        help="windows between two losses [%(default)s]")
    parser.add_argument("--seconds", type=int, default=15,
                        help="how long each is away [%(default)s]")
    parser.add_argument("--keep", type=pathlib.Path,
                        help="new folder for the runs [a temporary one]")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        parser.error(f"--keep: {options.keep} is there already: name a new folder")
    return options


def settings_of(options, renormalise):
    """What replaces values of the scenario, its faults among them, and the number of transmitters."""
    # Its own faults would blur what those here cost.
    count = runs.resolved_scenario(options, ["faults=[]"])["transmitters"]
    faults = ", ".join(f"{{at_window: {options.calm + k * options.apart}, kind: kill, "
                       f"target: transmitter{k + 1}, for: {options.seconds}s}}" for k in range(count))
    windows = options.calm + count * options.apart
    return options.set + [f"training.windows={windows}", f"policy.renormalise={renormalise}",
                          "on_failure=degrade", "evaluation.cr_draws=1", f"faults=[{faults}]"], count


def absences(run, node):
    """Training windows in whose view the node was down."""
    ledger = sqlite3.connect(f"file:{run}/ledger.sqlite?mode=ro", uri=True)
    rows = ledger.execute("SELECT w.number FROM window w JOIN view v ON v.number = w.view WHERE "
                          "w.kind = 'train' AND v.node = ? AND NOT v.up ORDER BY 1", (node,)).fetchall()
    ledger.close()
    return [row[0] for row in rows]


def mean(metrics, windows):
    chosen = [metrics[w]["accuracy"] for w in windows if 0 <= w < len(metrics)]
    if not chosen:
        return "-"
    return " / ".join(f"{100 * sum(values) / len(values):5.1f}" for values in zip(*chosen))


def report(run, count):
    metrics = runs.read_metrics(run)
    for k in range(1, count + 1):
        away = absences(run, f"transmitter{k}")
        if not away:
            print(f"  transmitter{k}: was never away")
            continue
        first, last = away[0], away[-1]
        print(f"  transmitter{k}, away in {len(away)} windows from {first}:")
        print(f"    {AROUND} windows before    {mean(metrics, range(first - AROUND, first))} %")
        print(f"    first 10 without     {mean(metrics, away[:10])} %")
        print(f"    all without          {mean(metrics, away)} %")
        print(f"    first 10 back        {mean(metrics, range(last + 1, last + 11))} %")
        print(f"    {AROUND} windows after     {mean(metrics, range(last + 1, last + 1 + AROUND))} %")


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="semlink-loss-") as temporary:
        folder = options.keep or pathlib.Path(temporary)
        for renormalise in ("true", "false"):
            settings, count = settings_of(options, renormalise)
            run = folder / f"run-{renormalise}"
            runs.run(["run", options.scenario, "--out", run], options.bin, settings)
            print(f"policy.renormalise={renormalise}: accuracy per task")
            report(run, count)
            accuracies = json.dumps(runs.read_json(run / "summary.json")["accuracy"])
            print(f"  whole test set at the end: {accuracies}", flush=True)


if __name__ == "__main__":
    main()
