#!/usr/bin/env python3
"""Wire bytes in the ledger against what nftables counts between two network namespaces, without and with loss.

Needs root, `ip`, `nft` and `ethtool`, and a kernel that lets it make namespaces; else it is skipped, and says why. Everything is in
namespaces that the test makes and removes. Transmitter and coordinator are in one, the receiver in the other; a veth pair joins them,
without segmentation or receive offload, so that nftables sees the packets as they are on the wire."""

import json
import os
import signal
import subprocess
import unittest

import support

SCENARIO = """\
name: wire
seed: 1
data: {source: synthetic, train_samples: 400, test_samples: 60, audio_variants: 1}
transmitters: [{modalities: [image_fft, mel]}]
receivers: [{task: digit}]
model: {hidden1: 32, hidden2: 32, embedding: 64}
limits: {e_t: 1, e_k: 2}
training: {windows: %d, rounds_per_window: 10, batch_size: 40}
evaluation: {cr_draws: 1}
"""
TRANSMITTER, RECEIVER = "10.213.77.1", "10.213.77.2"
CONTROL_PORT, DATA_PORT = 7433, 7500

# Two counters around the loss: what was on the wire, and what arrived.
RULES = """
table inet semlink_wire {
  counter sent {}
  counter arrived {}
  chain input {
    type filter hook input priority 0; policy accept;
    tcp %s %d counter name sent
    %s
    tcp %s %d counter name arrived
  }
}
"""
LOSS = "tcp %s %d numgen random mod 100 < %d drop"


def command(*arguments):
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


REASON = support.why_no_namespaces("ethtool")
if REASON:
    print(f"\n*** wire_test.py checks NOTHING here: {REASON} ***\n", flush=True)


class Namespace:
    def __init__(self, name):
        self.name = name
        self.run("true", enter=False)

    def run(self, *arguments, enter=True):
        words = ["ip", "netns", "exec", self.name, *arguments] if enter else ["ip", "netns", "add", self.name]
        result = command(*map(str, words))
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: {result.stdout}")
        return result.stdout

    def counters(self):
        """Bytes by name, headers of IP and TCP included."""
        listed = json.loads(self.run("nft", "--json", "list", "counters", "table", "inet", "semlink_wire"))
        return {item["counter"]["name"]: item["counter"]["bytes"] for item in listed["nftables"]
                if "counter" in item}


@unittest.skipIf(REASON, REASON)
class WireTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        prefix = f"semlink-{os.getpid()}"
        self.addCleanup(self.remove_namespaces, prefix)
        self.far, self.near = Namespace(f"{prefix}-rx"), Namespace(f"{prefix}-tx")
        command("ip", "link", "add", "wire0", "netns", self.near.name, "type", "veth", "peer", "name", "wire0",
                "netns", self.far.name)
        for space, address in ((self.near, TRANSMITTER), (self.far, RECEIVER)):
            space.run("ethtool", "-K", "wire0", "tso", "off", "gso", "off", "gro", "off")
            space.run("ip", "address", "add", f"{address}/24", "dev", "wire0")
            space.run("ip", "link", "set", "lo", "up")
            space.run("ip", "link", "set", "wire0", "up")

    def remove_namespaces(self, prefix):
        for end in ("rx", "tx"):
            command("ip", "netns", "del", f"{prefix}-{end}")

    def count(self, loss):
        """Counts, and loses, what goes over the data connection in each direction."""
        for space, port in ((self.far, "sport"), (self.near, "dport")):
            lose = LOSS % (port, DATA_PORT, loss) if loss else ""
            path = self.write("rules.nft", RULES % (port, DATA_PORT, lose, port, DATA_PORT))
            space.run("nft", "-f", path)

    def start_in(self, space, log, program, *arguments):
        words = ["ip", "netns", "exec", space.name, str(support.BIN / program), *map(str, arguments)]
        with open(log, "w") as errors:
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True,
                                       env=dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"))
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def train(self, windows):
        scenario = self.write("wire.yaml", SCENARIO % windows)
        certificates, self.out = self.folder / "certs", self.folder / "run"
        self.semlink("certs", certificates, "--scenario", scenario)
        log = self.folder / "coordinator.log"
        coordinator = self.start_in(self.near, log, "semlink-coordinator", "--scenario", scenario, "--out",
                                    self.out, f"--listen={TRANSMITTER}:{CONTROL_PORT}", "--tls", certificates)
        member = ("--coordinator", f"{TRANSMITTER}:{CONTROL_PORT}", "--index", 1, "--tls", certificates)
        self.start_in(self.near, self.folder / "transmitter.log", "semlink-transmitter", *member,
                      f"--listen={TRANSMITTER}:{DATA_PORT}")
        self.start_in(self.far, self.folder / "receiver.log", "semlink-receiver", *member)
        self.assertEqual(coordinator.wait(timeout=support.PATIENCE), 0, log.read_text())

    def reported(self):
        """What the two ends of the pair say, over all windows."""
        rows = support.query(self.out, "SELECT node, sum(bytes_sent), sum(bytes_received), sum(retransmitted), "
                             "sum(payload_sent), sum(segments_sent), max(connection) FROM wire "
                             "WHERE node <> 'coordinator' AND peer <> 'coordinator' GROUP BY node")
        columns = ("sent", "received", "retransmitted", "payload", "segments", "connections")
        return {row[0]: dict(zip(columns, row[1:])) for row in rows}

    def assert_agreement(self):
        """Each end's account of each direction is within 2 % of what nftables counted."""
        reported = self.reported()
        down, up = self.far.counters(), self.near.counters()
        pairs = {"transmitter1 sent": (reported["transmitter1"]["sent"], down["sent"]),
                 "receiver1 received": (reported["receiver1"]["received"], down["arrived"]),
                 "receiver1 sent": (reported["receiver1"]["sent"], up["sent"]),
                 "transmitter1 received": (reported["transmitter1"]["received"], up["arrived"])}
        for what, (kernel, counted) in pairs.items():
            print(f"{what}: {kernel} bytes by TCP_INFO, {counted} by nftables, {kernel / counted - 1:+.2%}",
                  flush=True)
        for what, (kernel, counted) in pairs.items():
            self.assertLess(abs(kernel / counted - 1), 0.02, what)
        self.assertGreater(down["sent"], 1e6)
        return reported, down, up

    def test_without_loss(self):
        self.count(loss=0)
        self.train(windows=30)
        reported, down, _ = self.assert_agreement()
        self.assertEqual(down["sent"], down["arrived"])
        for end in reported.values():
            self.assertEqual(end["connections"], 1)
            # On a busy machine TCP sends some again that was only late.
            self.assertLess(end["retransmitted"], end["sent"] / 50)

    def test_with_five_percent_loss(self):
        self.count(loss=5)
        self.train(windows=30)
        reported, down, up = self.assert_agreement()
        for counted, end in ((down, "transmitter1"), (up, "receiver1")):
            lost = counted["sent"] - counted["arrived"]
            self.assertAlmostEqual(lost / counted["sent"], 0.05, delta=0.025)
            self.assertAlmostEqual(reported[end]["retransmitted"] / reported[end]["sent"], 0.05, delta=0.04)


if __name__ == "__main__":
    unittest.main()
