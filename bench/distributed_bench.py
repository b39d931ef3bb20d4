#!/usr/bin/env python3
"""One process per node against all nodes in one process: the same scenario, in turn.

Prints wall and CPU seconds per training window, message and wire bytes per window, and the peak
memory of each daemon. Limits: wall 0.8 times and CPU 1.25 times those of one process (on two free
cores), 700 MiB per daemon.
"""

import argparse
import pathlib
import sqlite3
import statistics
import tempfile

import daemon_runs as runs

WALL_LIMIT = 0.8
CPU_LIMIT = 1.25
MEMORY_LIMIT_MIB = 700


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    runs.add_arguments(parser)
    parser.add_argument("--windows", type=int, default=40, help="windows to measure [%(default)s]")
    parser.add_argument("--warmup", type=int, default=10, help="windows before them [%(default)s]")
    parser.add_argument("--repetitions", type=int, default=3,
                        help="runs over each transport [%(default)s]")
    return parser.parse_args()


def measure(options, transport, folder):
    """Trains once. The figures leave out joining, loading data, and the evaluation."""
    last = options.warmup + options.windows
    # A window more, so that the last one that counts is over before the training is.
    settings = options.set + [f"training.windows={last + 1}", "evaluation.cr_draws=1",
                              "evaluation.samples=100"]
    arguments = ["run", options.scenario, "--out", folder, f"--transport={transport}"]
    process = runs.start(arguments, options.bin, settings)
    began, first_window = runs.wait_for_windows(process, folder, options.warmup)
    nodes = runs.nodes_of(process.pid)
    cpu = -runs.cpu_seconds(nodes)
    ended, last_window = runs.wait_for_windows(process, folder, last)
    cpu += runs.cpu_seconds(nodes)
    runs.finish(process)
    windows = last_window - first_window
    metrics = runs.read_metrics(folder)[first_window:last_window]
    return {
        "median": statistics.median(m["seconds"] for m in metrics),
        "mean": (ended - began) / windows,
        "cpu": cpu / windows,
        "links": statistics.mean(m["links_total"] for m in metrics),
        "folder": folder,
    }


def print_times(results):
    print(f"{'':10} {'wall s, median':>15} {'wall s, mean':>13} {'CPU s':>8} {'links':>7}   "
          "per window, by run")
    for transport in ("inproc", "grpc"):
        for result in results[transport]:
            print(f"{transport:10} {result['median']:15.4f} {result['mean']:13.4f} "
                  f"{result['cpu']:8.4f} {result['links']:7.2f}")

    def ratio(key):
        grpc, inproc = (statistics.median(r[key] for r in results[t]) for t in ("grpc", "inproc"))
        return grpc / inproc

    wall, mean, cpu = ratio("median"), ratio("mean"), ratio("cpu")
    print(f"\nwall, grpc / inproc: {wall:.2f} (mean {mean:.2f}); limit {WALL_LIMIT} on two free "
          f"cores: {runs.verdict(wall <= WALL_LIMIT)}")
    print(f"CPU,  grpc / inproc: {cpu:.2f}; limit {CPU_LIMIT}: {runs.verdict(cpu <= CPU_LIMIT)}")


def per_window(folder, table):
    """Bytes per training window by kind (or 'wire'), each connection counted once.

    The ledger has with every window what was carried since the window before.
    """
    kind = "t.kind" if table == "traffic" else "'wire'"
    # Data connections as their transmitter saw them, control streams as the node saw them.
    query = f"""
        SELECT t.window, {kind}, sum(t.bytes_sent + t.bytes_received)
        FROM {table} t JOIN window w ON w.number = t.window
        WHERE w.kind = 'train' AND (t.node LIKE 'transmitter%' OR t.peer = 'coordinator')
        GROUP BY 1, 2 ORDER BY 1"""
    ledger = sqlite3.connect(f"file:{folder}/ledger.sqlite?mode=ro", uri=True)
    series = {}
    for window, name, total in ledger.execute(query):
        series.setdefault(name, []).append((window, total))
    ledger.close()
    return {name: sum(total for _, total in points[1:]) / (points[-1][0] - points[0][0])
            for name, points in series.items() if len(points) > 1}


def print_bytes(folder):
    messages = per_window(folder, "traffic")
    wire = per_window(folder, "wire")
    if not messages:
        print("\nno figures of traffic: measure at least 2 windows")
        return
    print("\nmessage bytes per window, both directions, each connection once")
    for kind, count in sorted(messages.items()):
        print(f"  {kind:10} {count:12,.0f}")
    total = sum(messages.values())
    print(f"  {'all':10} {total:12,.0f}")
    if wire:
        print(f"wire bytes per window: {wire['wire']:,.0f}, {wire['wire'] / total:.3f} times the "
              "message bytes")


def print_memory(folder):
    peaks = runs.read_json(folder / "summary.json")["peak_rss_bytes"]
    print(f"\npeak resident memory per daemon, MiB; limit {MEMORY_LIMIT_MIB}")
    for node, peak in peaks.items():
        mib = peak / 2**20
        print(f"  {node:14} {mib:7.0f}   {runs.verdict(mib <= MEMORY_LIMIT_MIB)}")


def main():
    options = parse_arguments()
    results = {"inproc": [], "grpc": []}
    with tempfile.TemporaryDirectory(prefix="semlink-bench-") as folder:
        for repetition in range(options.repetitions):
            for transport, measured in results.items():
                out = pathlib.Path(folder) / f"{transport}{repetition}"
                measured.append(measure(options, transport, out))
        print_times(results)
        print_bytes(results["grpc"][-1]["folder"])
        print_memory(results["grpc"][-1]["folder"])


if __name__ == "__main__":
    main()
