"""Starts `semlink` and watches what its processes use. Shared by the benchmarks in Python."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
ROOT = pathlib.Path(__file__).resolve().parent.parent
STALLED_SECONDS = 300  # without a committed window


def add_arguments(parser):
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin",
                        help="folder of the semlink programs [%(default)s]")
    parser.add_argument("--scenario", type=pathlib.Path, default=ROOT / "configs/quickstart.yaml",
                        help="scenario file [%(default)s]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                        help="replaces a value of the scenario; may be repeated")


def start(arguments, binaries, scenario_settings):
    """A process of `semlink arguments --set ...`, one thread per node."""
    arguments = list(arguments)
    for setting in scenario_settings:
        arguments += ["--set", setting]
    return start_program(binaries / "semlink", arguments)


def start_program(program, arguments):
    """A process; two spinning thread pools on two cores are slower than one thread each."""
    errors = tempfile.TemporaryFile(mode="w+")  # a pipe that nobody reads would fill up and stop it
    process = subprocess.Popen([str(program)] + [str(a) for a in arguments], text=True,
                               stdout=subprocess.PIPE, stderr=errors,
                               env=dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"))
    process.errors = errors
    return process


def run(arguments, binaries, settings):
    """Runs it to its end and returns its standard output; ends the benchmark if it fails."""
    return finish(start(arguments, binaries, settings))


def finish(process):
    output, _ = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{process.args[0]} ended with {process.returncode}:\n{_errors(process)}")
    return output


def _errors(process):
    process.errors.seek(0)
    return process.errors.read()


def interrupt(process, seconds=60):
    """Ends a run as Ctrl-C does, and by force what has not ended after so long."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        for pid in nodes_of(process.pid) + [process.pid]:
            os.kill(pid, signal.SIGKILL)
        process.communicate()


def resolved_scenario(options, settings=()):
    """`semlink validate --format=json` of the scenario with --set and these settings: transmitters,
    receivers, resolved (YAML with every key)."""
    command = ["validate", options.scenario, "--format=json"]
    return json.loads(run(command, options.bin, options.set + list(settings)))


def nodes_of(pid):
    """Process ids of the programs that `semlink` with this id started."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(entry.name)
            if fields and int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def _stat(pid):
    """/proc/PID/stat from the state on, or None if the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def committed_windows(run_folder):
    try:
        return (run_folder / "metrics.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def wait_for_windows(process, run_folder, count):
    """Returns once `count` training windows are committed, with the clock and the windows then."""
    before, grew_at = -1, 0
    while True:
        done = committed_windows(run_folder)
        now = time.monotonic()
        if done >= count:
            return now, done
        if process.poll() is not None:
            finish(process)
            sys.exit(f"the run ended after {done} windows, before window {count}")
        if done > before:
            before, grew_at = done, now
        if now - grew_at > STALLED_SECONDS:
            interrupt(process)
            sys.exit(f"no window was committed in {STALLED_SECONDS} s; {done} of {count} are:\n"
                     f"{_errors(process)}")
        time.sleep(0.004)


def read_metrics(run_folder):
    with open(run_folder / "metrics.jsonl") as lines:
        return [json.loads(line) for line in lines]


def read_json(path):
    with open(path) as file:
        return json.load(file)


def verdict(kept):
    return "kept" if kept else "NOT kept"
