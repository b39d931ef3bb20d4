#!/usr/bin/env python3
"""Faults at the kernel's level: four nodes, each in a network namespace of its own, on a bridge in a fifth. Root only."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

import support

SCENARIO = """\
name: kernel
seed: 1
data: {source: synthetic, train_samples: 200, test_samples: 60, audio_variants: 1}
transmitters:
  - {modalities: [noise, image_fft]}
  - {modalities: [image_fft, mel]}
receivers: [{task: parity}]
model: {hidden1: 32, hidden2: 16, embedding: 8}
limits: {e_t: 2, e_k: 4}
training: {windows: 1000000, rounds_per_window: 5, batch_size: 8}
timeouts: {silence: 2}
"""
NODES = ["coordinator", "transmitter1", "transmitter2", "receiver1"]
PORT = 7433


def command(*words, check=True):
    result = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, timeout=support.PATIENCE)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {result.stderr}")
    return result


def end(process):
    process.kill()
    process.wait(timeout=support.PATIENCE)


REASON = support.why_no_namespaces("tc")
if REASON:
    print(f"SKIPPED: {REASON}", flush=True)


class Networks:
    """A bridge in a namespace, and a namespace with an address on it for each node."""

    def __init__(self):
        self.names = {name: f"semlink-{os.getpid()}-{i}"
                      for i, name in enumerate(["bridge"] + NODES)}
        self.addresses = {name: f"10.77.0.{i + 1}" for i, name in enumerate(NODES)}

    def make(self):
        for name in self.names.values():
            command("ip", "netns", "add", name)
            command("ip", "-n", name, "link", "set", "lo", "up")
        bridge = self.names["bridge"]
        command("ip", "-n", bridge, "link", "add", "br0", "type", "bridge")
        command("ip", "-n", bridge, "link", "set", "br0", "up")
        for i, (node, address) in enumerate(self.addresses.items()):
            name = self.names[node]
            command("ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", "name",
                    f"port{i}", "netns", bridge)
            command("ip", "-n", bridge, "link", "set", f"port{i}", "master", "br0", "up")
            command("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            command("ip", "-n", name, "link", "set", "eth0", "up")

    def remove(self):
        for name in self.names.values():
            command("ip", "netns", "del", name, check=False)

    def inside(self, node, *words):
        return ["ip", "netns", "exec", self.names[node]] + [str(word) for word in words]

    def state(self, node):
        """All of the namespace that a fault may change, as text."""
        return (command(*self.inside(node, "nft", "list", "ruleset")).stdout +
                command(*self.inside(node, "tc", "qdisc", "show")).stdout)

    def states(self):
        return {node: self.state(node) for node in NODES}

    def retransmitted(self, pid):
        """Segments that a process's network has sent again."""
        names, values = [line.split() for line in
                         pathlib.Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
                         if line.startswith("Tcp:")]
        return int(values[names.index("RetransSegs")])


@unittest.skipIf(REASON, REASON)
class NamespacesTest(support.SemlinkTest):
    """One run, to which one thing after the other is done."""

    @classmethod
    def setUpClass(cls):
        cls.holder = support.SemlinkTest()
        cls.holder.setUp()
        cls.addClassCleanup(cls.holder.doCleanups)
        cls.networks = Networks()
        cls.addClassCleanup(cls.networks.remove)
        cls.networks.make()
        cls.before = cls.networks.states()
        cls.processes = {}
        scenario = cls.holder.write("kernel.yaml", SCENARIO)
        cls.certs = cls.holder.folder / "certs"
        hosts = [word for a in cls.networks.addresses.values() for word in ("--host", a)]
        cls.holder.semlink("certs", cls.certs, "--scenario", scenario, *hosts)
        cls.out = cls.holder.folder / "run"
        cls.start_node("coordinator", "semlink-coordinator", "--scenario", scenario, "--out",
                       cls.out, "--listen", f"0.0.0.0:{PORT}")
        for i in (1, 2):
            cls.start_transmitter(i)
        cls.start_node("receiver1", "semlink-receiver", "--index", 1, *cls.dialling())
        cls.wait_for_windows(3)

    @classmethod
    def dialling(cls):
        return ["--coordinator", f"{cls.networks.addresses['coordinator']}:{PORT}"]

    @classmethod
    def start_transmitter(cls, i):
        address = cls.networks.addresses[f"transmitter{i}"]
        cls.start_node(f"transmitter{i}", "semlink-transmitter", "--index", i, "--listen",
                       f"{address}:7001", *cls.dialling())

    @classmethod
    def start_node(cls, node, program, *arguments):
        log = open(cls.holder.folder / f"{node}.log", "a")
        with log:
            process = subprocess.Popen(
                cls.networks.inside(node, support.BIN / program, *arguments, "--tls", cls.certs),
                stdout=log, stderr=log, env=dict(os.environ, OMP_NUM_THREADS="1"),
                start_new_session=True)
        cls.addClassCleanup(end, process)
        cls.processes[node] = process

    @classmethod
    def log_of(cls, node):
        return (cls.holder.folder / f"{node}.log").read_text()

    @classmethod
    def metrics(cls):
        return support.read_lines(cls.out / "metrics.jsonl")

    @classmethod
    def wait_for_windows(cls, more):
        """Waits for so many windows from now on; gives them."""
        start = len(cls.metrics())

        def enough():
            ended = [node for node in NODES if cls.processes[node].poll() is not None]
            if ended:
                raise AssertionError(f"{ended[0]} has ended: {cls.log_of(ended[0])[-3000:]}")
            return len(cls.metrics()) >= start + more
        support.wait_until(enough, f"{more} windows")
        return cls.metrics()[start:]

    def operator(self, *words, expect=0):
        result = command(*self.networks.inside(
            "coordinator", support.BIN / "semlink", *words, *self.dialling(), "--tls", self.certs),
            check=False)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result

    def fault(self, *words, expect=0):
        return self.operator("fault", *words, expect=expect)

    def clear(self):
        """Ends all faults and waits until every network is what it was."""
        self.fault("clear")
        support.wait_until(lambda: self.networks.states() == self.before, "the old networks", 30)

    def tearDown(self):
        self.clear()
        super().tearDown()

    def seconds_of(self, windows):
        times = sorted(line["seconds"] for line in windows)
        return times[len(times) // 2]

    def test_throttle_makes_windows_slower(self):
        fast = self.seconds_of(self.wait_for_windows(20))
        self.fault("add", "throttle", "transmitter1>receiver1", "--rate=2kB/s", "--level=kernel")
        self.wait_for_windows(2)  # the bucket is full at first
        slow = self.seconds_of(self.wait_for_windows(4))
        self.assertGreater(slow, 2 * fast + 0.1)
        rules = self.networks.state("transmitter1")
        self.assertRegex(rules, r"counter packets [1-9]\d* bytes \d+ meta priority set 5e1:")
        shown = command(*self.networks.inside("transmitter1", "tc", "-s", "qdisc", "show")).stdout
        self.assertRegex(shown, r"qdisc tbf [^\n]*rate 16Kbit[^\n]*\n Sent [1-9]\d* bytes")
        for node in ("coordinator", "transmitter2", "receiver1"):
            self.assertEqual(self.networks.state(node), self.before[node], node)
        self.clear()
        support.wait_until(lambda: self.seconds_of(self.wait_for_windows(5)) < slow / 2,
                           "windows as fast as before")

    def test_loss_makes_tcp_send_again(self):
        pids = [self.processes[node].pid for node in ("transmitter1", "receiver1")]
        before = sum(map(self.networks.retransmitted, pids))
        self.fault("add", "drop", "transmitter1:receiver1", "--probability=0.05", "--level=kernel")

        def dropped():
            self.wait_for_windows(5)
            counters = re.findall(r"counter packets (\d+)", self.networks.state("receiver1"))
            return sum(map(int, counters)) >= 5
        support.wait_until(dropped, "five lost packets")
        self.wait_for_windows(5)
        self.assertGreater(sum(map(self.networks.retransmitted, pids)), before)
        self.assertEqual(self.status()["cut"], [], "TCP repairs it")

    def status(self):
        return json.loads(self.operator("status", "--format=json").stdout)

    def test_a_cut_pair_fails_and_heals(self):
        self.fault("add", "cut", "transmitter1:receiver1", "--level=kernel")
        cut = support.wait_until(lambda: self.status()["cut"], "the end of the pair")
        self.assertEqual(len(cut), 1, "no other pair, and no node")
        self.wait_for_windows(3)
        time.sleep(3)  # it dials again meanwhile
        self.assertEqual(len(self.status()["cut"]), 1, "a new connection is cut too")
        self.clear()
        support.wait_until(lambda: not self.status()["cut"], "the pair")
        self.wait_for_windows(3)

    def test_a_cut_from_the_coordinator_can_be_ended(self):
        self.fault("add", "cut", "transmitter2:coordinator", "--level=kernel")

        def up():
            return [n for n in self.status()["nodes"] if n["node"] == "transmitter2"][0]["up"]
        support.wait_until(lambda: not up(), "the loss of the node")
        self.assertEqual(self.networks.state("transmitter2"), self.before["transmitter2"])
        self.clear()
        support.wait_until(up, "its return")
        self.wait_for_windows(3)

    def test_what_the_kernel_cant_do_is_refused(self):
        netem = command(*self.networks.inside("transmitter2", "tc", "qdisc", "add", "dev", "lo",
                                              "root", "netem", "delay", "1ms"), check=False)
        if netem.returncode == 0:
            command(*self.networks.inside("transmitter2", "tc", "qdisc", "del", "dev", "lo", "root"))
            self.fault("add", "delay", "transmitter1>receiver1", "--delay=5ms", "--level=kernel")
            self.assertIn("netem", self.networks.state("transmitter1"))
            return
        # A fault that can be done stays while one that can't is tried.
        self.fault("add", "throttle", "transmitter1>receiver1", "--rate=1MB/s", "--level=kernel")
        refused = self.fault("add", "delay", "transmitter1>receiver1", "--delay=5ms",
                             "--level=kernel", expect=1)
        self.assert_says(refused.stderr, "transmitter1", "no netem", "on messages instead",
                         "delay transmitter1>receiver1 --delay 5ms")
        listed = json.loads(self.fault("list", "--format=json").stdout)["faults"]
        self.assertEqual([fault["kind"] for fault in map(self.words, listed)], ["throttle"])
        self.assertIn("tbf", self.networks.state("transmitter1"))
        failed = [e for e in support.read_lines(self.out / "events.jsonl")
                  if e["event"] == "fault_failed"]
        self.assertEqual(failed[-1]["node"], "transmitter1")

    def words(self, listed):
        kind, target = listed["fault"].split()[:2]
        return {"kind": kind, "target": target}

    def test_nodes_leave_their_network_as_it_was(self):
        self.fault("add", "throttle", "transmitter2>receiver1", "--rate=1MB/s", "--level=kernel")
        self.assertIn("semlink_transmitter2", self.networks.state("transmitter2"))
        process = self.processes["transmitter2"]
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=support.PATIENCE)
        self.assertEqual(self.networks.state("transmitter2"), self.before["transmitter2"])
        self.start_transmitter(2)
        support.wait_until(lambda: "tbf" in self.networks.state("transmitter2"), "it anew")
        process = self.processes["transmitter2"]
        process.kill()
        process.wait(timeout=support.PATIENCE)
        self.assertIn("tbf", self.networks.state("transmitter2"), "nobody is left to remove it")
        self.fault("clear")
        self.start_transmitter(2)
        support.wait_until(
            lambda: self.networks.state("transmitter2") == self.before["transmitter2"],
            "the removal of what the dead process has left")
        self.wait_for_windows(3)

    def test_dry_run_shows_what_would_be_done(self):
        shown = self.fault("add", "throttle", "transmitter1>receiver1", "--rate=1MB/s",
                           "--level=kernel", "--dry-run").stdout
        self.assert_says(shown, "# transmitter1, to begin", "tbf rate 8000000bit", "sport 7001",
                         "<address of receiver1>", "# transmitter1, to end")
        self.assertEqual(json.loads(self.fault("list", "--format=json").stdout)["faults"], [])


@unittest.skipIf(REASON, REASON)
class OneNetworkTest(support.SemlinkTest):
    """All nodes in one namespace, on its loopback."""

    def setUp(self):
        super().setUp()
        self.networks = Networks()
        self.name = self.networks.names["coordinator"]
        self.addCleanup(command, "ip", "netns", "del", self.name, check=False)
        command("ip", "netns", "add", self.name)
        command("ip", "-n", self.name, "link", "set", "lo", "up")
        self.out = self.folder / "run"

    def inside(self, *words):
        return self.networks.inside("coordinator", *words)

    def run_with(self, windows, fault):
        scenario = self.write("kernel.yaml", SCENARIO)
        return command(*self.inside(support.BIN / "semlink", "run", scenario, "--out", self.out,
                                    "--set", f"training.windows={windows}", "--set",
                                    f"faults=[{fault}]"), check=False)

    def test_only_the_pair_that_is_meant_is_cut(self):
        before = self.networks.state("coordinator")
        result = self.run_with(
            40, "{at_window: 3, kind: cut, target: 'transmitter2:receiver1', level: kernel}")
        self.assertEqual(result.returncode, 0, result.stderr)
        pairs = {(e["transmitter"], e["receiver"])
                 for e in support.read_lines(self.out / "events.jsonl") if e["event"] == "pair_down"}
        self.assertEqual(pairs, {("transmitter2", "receiver1")})
        self.assertEqual(self.networks.state("coordinator"), before)

    def test_a_fault_of_the_scenario_that_cant_be_done_ends_the_run(self):
        command(*self.inside("tc", "qdisc", "add", "dev", "lo", "root", "handle", "77:", "pfifo"))
        before = self.networks.state("coordinator")
        result = self.run_with(1000000, "{at_window: 3, kind: throttle, rate: 1MB/s, "
                                        "target: 'transmitter1>receiver1', level: kernel}")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assert_says(result.stderr, "fault 1", "transmitter1 can't carry it out",
                         "pfifo 77: that is not semlink's")
        self.assertEqual(self.networks.state("coordinator"), before)


if __name__ == "__main__":
    unittest.main()
