#!/usr/bin/env python3
"""The files in deploy/monitoring: every metric and label that the dashboard asks for is one that daemons serve; and what
daemons serve is what docs/metrics.md says."""

import json
import re
import shutil
import subprocess
import unittest
import urllib.request

import support

MONITORING = support.ROOT / "deploy" / "monitoring"
DASHBOARD = MONITORING / "grafana" / "dashboards" / "semlink.json"
# Prometheus itself adds these.
ADDED_LABELS = {"job", "instance", "le"}


def documented_metrics():
    """By name: (type, labels), from the table in docs/metrics.md, which a unit test compares with the daemons'."""
    metrics = {}
    for line in (support.ROOT / "docs" / "metrics.md").read_text().splitlines():
        row = re.match(r"\| `(\w+)` \| (\w+) \| ([^|]*) \|", line)
        if row:
            labels = {label for label in row[3].strip().split(", ") if label}
            metrics[row[1]] = (row[2], labels)
    return metrics


def queries():
    """(panel's title, expression, legend) of all queries in the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


def metric_names(expression):
    return re.findall(r"\b(?:semlink|process)_\w+", re.sub(r"\{[^}]*\}", "", expression))


def used_labels(expression, legend):
    used = set(re.findall(r"\{\{(\w+)\}\}", legend))
    for matchers in re.findall(r"\{([^}]*)\}", expression):
        used.update(re.findall(r"(\w+)\s*(?:=~|=|!=|!~)", matchers))
    for names in re.findall(r"\bby \(([^)]*)\)", expression):
        used.update(name.strip() for name in names.split(","))
    return used


def base_name(name, metrics):
    """The metric of a histogram's series."""
    for suffix in ("_bucket", "_sum", "_count"):
        base = name[:-len(suffix)]
        if name.endswith(suffix) and metrics.get(base, ("",))[0] == "histogram":
            return base
    return name


def scrape(log):
    """The page of the daemon with this log, or "" as long as it serves none."""
    address = re.search(r"metrics at (http://\S+)", log.read_text())
    if not address:
        return ""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address[1], timeout=30) as answer:
        return answer.read().decode()


def samples(page):
    """(name, labels) of each sample."""
    for line in page.splitlines():
        sample = re.match(r"(\w+)(?:\{(.*)\})? ", line)
        if sample:
            yield sample[1], set(re.findall(r'(\w+)="', sample[2] or ""))


class DaemonsTest(support.SemlinkTest):
    def wait_for_sample(self, log, sample):
        def page():
            text = scrape(log)
            return text if sample in text else ""
        return support.wait_until(page, f"{sample} of {log.name}")

    def test_serve_what_is_documented(self):
        scenario = self.write("small.yaml", support.SMALL)
        _, address, log = self.start_coordinator(scenario, "--insecure", "--metrics=127.0.0.1:0")
        receiver_log = self.folder / "receiver.log"
        self.start("semlink-receiver", f"--coordinator={address}", "--index=1", "--insecure",
                   "--metrics=127.0.0.1:0", error_file=receiver_log)
        pages = [self.wait_for_sample(log, 'semlink_node_up{receiver="1"} 1'),
                 self.wait_for_sample(receiver_log,
                                      'semlink_wire_bytes_total{receiver="1",direction="sent"}')]
        metrics = documented_metrics()
        for page in pages:
            for name, labels in samples(page):
                self.assertIn(base_name(name, metrics), metrics)
                self.assertEqual(labels - metrics[base_name(name, metrics)][1] - {"le"}, set(), name)


class DashboardTest(unittest.TestCase):
    def test_metrics_and_labels_exist(self):
        metrics = documented_metrics()
        self.assertGreater(len(metrics), 20)
        for title, expression, legend in queries():
            names = metric_names(expression)
            self.assertTrue(names, title)
            labels = set(ADDED_LABELS)
            for name in names:
                self.assertIn(base_name(name, metrics), metrics, title)
                labels |= metrics[base_name(name, metrics)][1]
            self.assertEqual(used_labels(expression, legend) - labels, set(), f"{title}: {expression}")

    def test_a_counter_is_only_looked_at_as_a_rate(self):
        metrics = documented_metrics()
        for title, expression, _ in queries():
            for name in metric_names(expression):
                kind = metrics[base_name(name, metrics)][0]
                if kind in ("counter", "histogram"):
                    self.assertRegex(expression, rf"rate\({name}\b", title)

    def test_shows_what_the_project_measures(self):
        shown = {base_name(name, documented_metrics()) for _, expression, _ in queries()
                 for name in metric_names(expression)}
        for name in ("link_rate_nats", "link_active_ratio", "link_coded_bytes", "message_bytes_total",
                     "wire_bytes_total", "retransmitted_bytes_total", "round_trip_seconds", "refusals_total",
                     "selection_entropy_nats", "accuracy_ratio", "window_seconds", "node_up", "pair_up"):
            self.assertIn(f"semlink_{name}", shown)

    def test_the_data_source_is_the_one_that_is_provisioned(self):
        uid = re.search(r"uid: (\S+)", (MONITORING / "grafana/datasources/prometheus.yml").read_text())[1]
        dashboard = json.loads(DASHBOARD.read_text())
        for panel in dashboard["panels"]:
            self.assertEqual(panel["datasource"]["uid"], uid)
            for target in panel["targets"]:
                self.assertEqual(target["datasource"]["uid"], uid)
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    @unittest.skipUnless(shutil.which("promtool"), "promtool (Debian's prometheus) is not installed")
    def test_prometheus_takes_its_configuration(self):
        result = subprocess.run(["promtool", "check", "config", MONITORING / "prometheus.yml"],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main()
