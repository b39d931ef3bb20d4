#!/usr/bin/env python3
"""What the seven daemons of a run serve at /metrics while it goes on, against each other; and Prometheus itself, where it is
installed, with the configuration and the dashboard of deploy/monitoring."""

import json
import re
import shutil
import socket
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

import monitoring_test
import support

NODES = [f"{role}{n}" for role in ("transmitter", "receiver") for n in (1, 2, 3)]
ASK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(address, path):
    with ASK.open(f"http://{address}{path}", timeout=20) as answer:
        return answer.read().decode()


def parse(page):
    """{name: {labels: value}}, labels as a frozenset of (name, value)."""
    samples = {}
    for line in page.splitlines():
        found = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
        if found:
            labels = frozenset(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            samples.setdefault(found[1], {})[labels] = float(found[3])
    return samples


def total(samples, name, **labels):
    """The sum over all samples of that name with these labels."""
    wanted = {(key, str(value)) for key, value in labels.items()}
    return sum(value for found, value in samples.get(name, {}).items() if wanted <= found)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class LiveRunTest(support.SemlinkTest):
    @classmethod
    def setUpClass(cls):
        cls.holder = support.SemlinkTest()
        cls.holder.setUp()
        cls.addClassCleanup(cls.holder.doCleanups)
        scenario = cls.holder.write("small.yaml", support.SMALL.replace("windows: 50", "windows: 100000"))
        _, coordinator, log = cls.holder.start_coordinator(scenario, "--insecure", "--metrics=127.0.0.1:0")
        logs = {"coordinator": log}
        for node in NODES:
            logs[node] = cls.holder.folder / f"{node}.log"
            cls.holder.start(f"semlink-{node[:-1]}", f"--coordinator={coordinator}", f"--index={node[-1]}",
                             "--insecure", "--metrics=127.0.0.1:0", error_file=logs[node])
        cls.addresses = {node: support.wait_until(lambda log=log: cls.address_in(log), f"metrics of {node}")
                         for node, log in logs.items()}
        support.wait_until(lambda: support.windows_of(cls.holder.folder / "run") >= 5, "5 windows")

    @staticmethod
    def address_in(log):
        found = re.search(r"metrics at http://(\S+)/metrics", log.read_text())
        return found and found[1]

    def scrape(self, node):
        return parse(fetch(self.addresses[node], "/metrics"))

    def test_the_coordinator_serves_the_run(self):
        before = total(self.scrape("coordinator"), "semlink_run_windows")
        support.wait_until(lambda: total(self.scrape("coordinator"), "semlink_run_windows") > before + 2, "more windows")
        after = self.scrape("coordinator")
        self.assertEqual(total(after, "semlink_node_up"), 6)
        self.assertEqual(total(after, "semlink_pair_up"), 9)
        committed = total(after, "semlink_windows_committed_total", kind="train")
        self.assertEqual(total(after, "semlink_run_windows"), committed)
        self.assertEqual(total(after, "semlink_window_seconds_count", kind="train"), committed)
        for receiver, task in enumerate(("parity", "ring", "digit"), 1):
            accuracy = total(after, "semlink_accuracy_ratio", receiver=receiver, task=task)
            self.assertTrue(0 < accuracy <= 1, accuracy)
            self.assertGreater(total(after, "semlink_loss_nats", receiver=receiver, task=task), 0)
        self.assertEqual(len(after["semlink_link_active_ratio"]), 27)

    def test_both_ends_of_a_pair_agree(self):
        received, sent = self.scrape("receiver2"), self.scrape("transmitter1")  # in this order
        pair = {"transmitter": 1, "receiver": 2}
        got = total(received, "semlink_message_bytes_total", direction="received", kind="feature", **pair)
        gone = total(sent, "semlink_message_bytes_total", direction="sent", kind="feature", **pair)
        self.assertGreater(got, 0)
        self.assertGreaterEqual(gone, got)
        self.assertGreater(total(sent, "semlink_wire_bytes_total", direction="sent", **pair),
                           total(sent, "semlink_wire_payload_bytes_total", direction="sent", **pair))
        self.assertGreater(total(sent, "semlink_round_trip_seconds", **pair), 0)
        self.assertEqual(total(sent, "semlink_connections_total", **pair), 1)
        self.assertGreater(total(sent, "semlink_windows_reported_total"), 0)

    @unittest.skipUnless(shutil.which("promtool"), "promtool (Debian's prometheus) is not installed")
    def test_promtool_has_nothing_to_say(self):
        for node, address in self.addresses.items():
            result = subprocess.run(["promtool", "check", "metrics"], input=fetch(address, "/metrics"), text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((result.returncode, result.stdout), (0, ""), node)

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
    def test_prometheus_scrapes_and_answers_the_dashboard(self):
        config = (monitoring_test.MONITORING / "prometheus.yml").read_text()
        for node, address in self.addresses.items():
            self.assertIn(f"'{node}:9464'", config)
            config = config.replace(f"'{node}:9464'", f"'{address}'")
        path = self.write("prometheus.yml", config)
        address = f"127.0.0.1:{free_port()}"
        with open(self.folder / "prometheus.log", "w") as log:
            server = subprocess.Popen(
                ["prometheus", f"--config.file={path}", f"--web.listen-address={address}",
                 f"--storage.tsdb.path={self.folder / 'tsdb'}"], stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

        def ask(question):
            try:
                answer = json.loads(fetch(address, "/api/v1/query?" + urllib.parse.urlencode({"query": question})))
            except urllib.error.URLError:
                return []  # not up yet
            self.assertEqual(answer["status"], "success", question)
            return answer["data"]["result"]

        support.wait_until(lambda: len(ask("up == 1")) == 7, "seven targets that are up")
        support.wait_until(lambda: ask("rate(semlink_windows_committed_total[10s]) > 0"), "a rate")
        for title, expression, _ in monitoring_test.queries():
            # What nothing failed, or was sent again, has no sample.
            if title not in ("Failures", "Retransmitted"):
                support.wait_until(lambda expression=expression: ask(expression), f"{title}: {expression}", 60)


if __name__ == "__main__":
    unittest.main()
