"""What the end-to-end tests share: small scenarios, and programs that can't outlive their test."""

import collections
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("SEMLINK_BIN", ROOT / "build" / "bin"))
# Far above what is needed: a busy machine or a sanitizer must not fail a test.
PATIENCE = 240

# The paper's 3 x 3 nodes with networks and data small enough for a test.
SMALL = """\
name: small
seed: 1
data: {source: synthetic, train_samples: 200, test_samples: 60, audio_variants: 1}
transmitters:
  - {modalities: [noise, noise, image_fft]}
  - {modalities: [noise, image_fft, mel]}
  - {modalities: [image_fft, mel, noise]}
receivers: [{task: parity}, {task: ring}, {task: digit}]
model: {hidden1: 64, hidden2: 32, embedding: 8}
limits: {e_t: 2, e_k: 4}
training: {windows: 50, rounds_per_window: 5, batch_size: 8}
evaluation: {cr_draws: 2}
"""


class SemlinkTest(unittest.TestCase):
    """A test with a folder of its own, which is removed with every process that was started."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semlink-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    @classmethod
    def train_once(cls, *arguments):
        """For setUpClass: trains SMALL, for all tests of the class, in the run folder `cls.trained`.
        Returns the ended process."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="semlink-e2e-"))
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.scenario = folder / "small.yaml"
        cls.scenario.write_text(SMALL)
        cls.trained = folder / "run"
        result = run("semlink", "run", cls.scenario, "--out", cls.trained, *arguments)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        return result

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def start(self, program, *arguments, error_file=None):
        """Starts a program; it is killed at the end of the test if it still runs."""
        process = start(program, *arguments, error_file=error_file)
        self.addCleanup(kill, process)
        return process

    def start_run(self, out, *arguments, windows=2):
        """`semlink run ARGUMENTS` whose run folder is `out`, once so many windows are committed. It
        goes on; what it has said is self.said(out)."""
        log = self.folder / f"{out.name}.log"
        process = self.start("semlink", "run", *arguments, error_file=log)
        wait_until(lambda: windows_of(out) >= windows or process.poll() is not None,
                   f"{windows} windows")
        self.assertIsNone(process.poll(), log.read_text())
        return process

    def said(self, out):
        return (self.folder / f"{out.name}.log").read_text()

    def start_coordinator(self, scenario, *arguments):
        """A coordinator of the run folder `run` on a free port: the process, its address, its log."""
        log, port_file = self.folder / "coordinator.log", self.folder / "port"
        process = self.start("semlink-coordinator", "--scenario", scenario, "--out",
                             self.folder / "run", "--listen=127.0.0.1:0", "--port-file", port_file,
                             *arguments, error_file=log)
        wait_until(lambda: port_file.exists() or process.poll() is not None, "a port")
        self.assertIsNone(process.poll(), log.read_text())
        return process, f"127.0.0.1:{port_file.read_text().strip()}", log

    def run_program(self, program, *arguments):
        return run(program, *arguments)

    def semlink(self, *arguments, expect=0):
        """Runs `semlink ...` to its end and checks the exit code."""
        result = run("semlink", *arguments)
        self.assertEqual(result.returncode, expect,
                         f"semlink {' '.join(map(str, arguments))}\n{result.stdout}{result.stderr}")
        return result

    def assert_says(self, text, *parts):
        for part in parts:
            self.assertIn(part.lower(), text.lower())


def _environment():
    return dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def _path(program):
    path = BIN / program
    if not path.exists():
        raise AssertionError(f"{path} is not built: build it, or set SEMLINK_BIN to its folder")
    return str(path)


def run(program, *arguments, patience=PATIENCE):
    command = [_path(program)] + [str(a) for a in arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=patience, env=_environment())


def start(program, *arguments, error_file=None):
    """A process in a group of its own, as a shell starts it."""
    command = [_path(program)] + [str(a) for a in arguments]
    errors = open(error_file, "w") if error_file else subprocess.PIPE
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True,
                                env=_environment(), start_new_session=True)
    finally:
        if error_file:
            errors.close()


def kill(process):
    """SIGKILL to a program and to the processes that it started, as a power cut would. Nothing
    happens to one that was killed before."""
    if process.poll() is None:
        pids = children_of(process.pid) + [process.pid]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # A child that is still about to die could still commit a window.
        wait_until(lambda: not any(is_running(pid) for pid in pids), "the end of what was killed")
    if not process.stdout.closed:
        process.communicate()


def wait_until(condition, what, seconds=PATIENCE):
    """Returns the first true value of condition(); fails if there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def why_no_namespaces(*programs):
    """Why a test can't have network namespaces with these programs and nftables here; "" if it can."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    missing = [program for program in ("ip", "nft", *programs) if not shutil.which(program)]
    if missing:
        return f"not installed: {', '.join(missing)} (packages iproute2, nftables, ethtool)"

    def tried(*words):
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    name = f"semlink-try-{os.getpid()}"
    made = tried("ip", "netns", "add", name)
    if made.returncode != 0:
        return f"can't make a network namespace: {made.stdout.strip()}"
    try:
        table = tried("ip", "netns", "exec", name, "nft", "add", "table", "inet", "semlink_try")
        return f"can't use nftables: {table.stdout.strip()}" if table.returncode != 0 else ""
    finally:
        tried("ip", "netns", "del", name)


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())


def read_lines(path):
    """The complete lines of a .jsonl file that may still grow; none if there is no file yet."""
    path = pathlib.Path(path)
    if not path.exists():
        return []
    text = path.read_text()
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def windows_of(run_folder):
    """Training windows committed so far."""
    path = pathlib.Path(run_folder) / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def events_of(run_folder, name):
    """The events of this name, in their order."""
    return [event for event in read_lines(pathlib.Path(run_folder) / "events.jsonl")
            if event["event"] == name]


def joined(run_folder, node):
    """How often the coordinator has taken this node in."""
    return sum(event["node"] == node for event in events_of(run_folder, "node_joined"))


def most_used(run):
    """The most links that a transmitter served, and the most transmitters that a receiver drew on, in any round of any
    committed window: (links, transmitters)."""
    served = collections.Counter()
    asked = collections.defaultdict(set)
    for window, transmitter, modality, receiver, rounds in query(
            run, "SELECT window, transmitter, modality, receiver, round_list FROM link"):
        for r in json.loads(rounds):
            served[window, transmitter, r] += 1
            asked[window, receiver, r].add(transmitter)
    return max(served.values()), max(map(len, asked.values()))


def query(run_folder, sql):
    ledger = sqlite3.connect(f"file:{run_folder}/ledger.sqlite?mode=ro", uri=True)
    try:
        return ledger.execute(sql).fetchall()
    finally:
        ledger.close()


def parameter_digests(run_folder):
    """SHA-256 of each file in parameters/, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((pathlib.Path(run_folder) / "parameters").iterdir())}


def node_pids(run_folder):
    """Process ids by node name, as the nodes told the coordinator."""
    return {event["node"]: event["pid"] for event in events_of(run_folder, "node_joined")}


def is_running(pid):
    """Whether the process is there, and no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid):
    """Ids of the processes that `pid` started and that still run."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry.name))
    return found
