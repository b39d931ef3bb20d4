#!/usr/bin/env python3
"""Inference (Algorithm 2) over gRPC, one process per node: latency and throughput.

Trains for a few windows first, unless --run names a finished run. Limits: p99 under 10 ms at one
sample per request and one request under way; at least 2000 samples per second for all receivers
together.
"""

import argparse
import json
import pathlib
import tempfile

import daemon_runs as runs

LATENCY_LIMIT_MS = 10
THROUGHPUT_LIMIT = 2000


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    runs.add_arguments(parser)
    parser.add_argument("--run", type=pathlib.Path, help="run folder [train a short one]")
    parser.add_argument("--windows", type=int, default=30,
                        help="training windows without --run [%(default)s]")
    parser.add_argument("--samples", type=int, default=2000,
                        help="samples per receiver and setting [%(default)s]")
    parser.add_argument("--batch", type=int, default=32,
                        help="samples per request for throughput [%(default)s]")
    parser.add_argument("--in-flight", type=int, default=4,
                        help="requests under way for throughput [%(default)s]")
    parser.add_argument("--repetitions", type=int, default=3, help="[%(default)s]")
    return parser.parse_args()


def infer(options, run, out, batch, in_flight):
    arguments = ["infer", run, "--transport=grpc", "--batch", batch, "--in-flight", in_flight,
                 "--samples", options.samples, "--out", out, "--format=json"]
    return json.loads(runs.run(arguments, options.bin, []))


def show(name, results):
    print(f"\n{name}")
    for result in results:
        for number, receiver in enumerate(result["receivers"], start=1):
            latency = receiver["latency_us"]
            print(f"  receiver{number} {receiver['task']:7} {receiver['samples_per_second']:9.0f} "
                  f"samples/s   latency ms: p50 {latency['p50'] / 1e3:6.2f}   "
                  f"p99 {latency['p99'] / 1e3:6.2f}   max {latency['max'] / 1e3:6.2f}")
        print(f"  all receivers     {result['samples_per_second']:9.0f} samples/s")


def middle(values):
    values = sorted(values)
    return values[len(values) // 2]


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="semlink-bench-") as folder:
        folder = pathlib.Path(folder)
        run = options.run
        if run is None:
            run = folder / "run"
            runs.run(["run", options.scenario, "--out", run, "--transport=grpc"], options.bin,
                     options.set + [f"training.windows={options.windows}", "evaluation.cr_draws=1",
                                    "evaluation.samples=100"])
        latency, throughput = [], []
        for i in range(options.repetitions):
            latency.append(infer(options, run, folder / f"latency{i}", 1, 1))
            throughput.append(
                infer(options, run, folder / f"throughput{i}", options.batch, options.in_flight))
    show("one sample per request, one request under way", latency)
    show(f"{options.batch} samples per request, {options.in_flight} requests under way", throughput)
    worst = middle(max(r["latency_us"]["p99"] for r in result["receivers"]) / 1e3
                   for result in latency)
    rate = middle(result["samples_per_second"] for result in throughput)
    print(f"\np99 at one sample: {worst:.2f} ms for the slowest receiver (median of the runs); "
          f"limit {LATENCY_LIMIT_MS}: {runs.verdict(worst < LATENCY_LIMIT_MS)}")
    print(f"throughput: {rate:.0f} samples/s for all receivers (median of the runs); wanted "
          f"{THROUGHPUT_LIMIT}: {runs.verdict(rate >= THROUGHPUT_LIMIT)}")


if __name__ == "__main__":
    main()
