#!/usr/bin/env python3
"""`semlink ledger` on a run of the real programs, finished and going on."""

import csv
import io
import json
import shutil
import sqlite3
import statistics
import time
import unittest

import support

SUBJECTS = ("links", "rates", "refusals", "failures", "windows", "checkpoints", "members", "faults")
WINDOWS = 8


class LedgerTest(support.SemlinkTest):
    @classmethod
    def setUpClass(cls):
        result = cls.train_once("--transport=inproc", "--set", f"training.windows={WINDOWS}",
                                "--format=json")
        cls.summary = json.loads(result.stdout)

    def rows(self, *arguments):
        return json.loads(self.semlink("ledger", self.trained, *arguments, "--format=json").stdout)

    def test_overview_agrees_with_the_summary(self):
        overview = self.rows()
        self.assertEqual(overview["state"], "finished")
        self.assertEqual(overview["coordinator_starts"], 1)
        self.assertEqual(overview["scenario"], "small")
        self.assertEqual(overview["parameters_sha256"], self.summary["parameters_sha256"])
        text = self.semlink("ledger", self.trained).stdout
        self.assert_says(text, "finished", self.summary["parameters_sha256"])

    def test_links_per_round_keep_the_limits(self):
        served, drawn = {}, {}
        for link in self.rows("links", "--each"):
            self.assertEqual(len(link["round_list"]), link["rounds"])
            for r in link["round_list"]:
                at = (link["window"], r)
                served[at, link["transmitter"]] = served.get((at, link["transmitter"]), 0) + 1
                drawn.setdefault((at, link["receiver"]), set()).add(link["transmitter"])
        self.assertEqual(max(served.values()), self.summary["links_max"])
        self.assertEqual(max(map(len, drawn.values())), self.summary["transmitters_max"])

    def test_windows_are_those_of_metrics(self):
        metrics = support.read_lines(self.trained / "metrics.jsonl")
        windows = self.rows("windows", "--to", WINDOWS - 1)
        self.assertEqual([w["window"] for w in windows], list(range(WINDOWS)))
        self.assertEqual([w["seconds"] for w in windows], [m["seconds"] for m in metrics])
        for window in windows:
            self.assertEqual(window["state"], "committed")
            self.assertEqual(window["cr_seed"], 1)
        self.assertEqual([w["window"] for w in self.rows("windows", "--from=2", "--to=4")],
                         [2, 3, 4])

    def test_rates_are_the_figures_of_metrics(self):
        nats, rounds = {}, {}
        for line in support.read_lines(self.trained / "metrics.jsonl"):
            for link in line["link"]:
                key = (link["transmitter"], link["modality"], link["receiver"])
                nats[key] = nats.get(key, 0) + link["rate_nats"] * link["rounds"]
                rounds[key] = rounds.get(key, 0) + link["rounds"]
        shown = {(r["transmitter"], r["modality"], r["receiver"]): r
                 for r in self.rows("rates", "--to", WINDOWS - 1) if r["modality"] is not None}
        self.assertEqual(set(shown), set(nats))
        for key, row in shown.items():
            self.assertEqual(row["rounds"], rounds[key])
            self.assertAlmostEqual(row["rate_nats"], nats[key] / rounds[key], places=9)
            self.assertGreater(row["coded_bits"], 0)

    def test_message_bytes_of_a_pair(self):
        summary = {}
        for entry in self.summary["message_bytes"]:
            if "transmitter" in entry:
                summary[entry["transmitter"], entry["receiver"], entry["kind"]] = entry["bytes"]
        pairs = [r for r in self.rows("rates") if r["modality"] is None]
        self.assertEqual(len(pairs), 9)
        for pair in pairs:
            for kind in ("request", "feature", "gradient"):
                self.assertEqual(pair[f"{kind}_bytes"] or 0,
                                 summary.get((pair["transmitter"], pair["receiver"], kind), 0))

    def test_csv_has_what_json_has(self):
        for subject in SUBJECTS:
            rows = self.rows(subject)
            text = self.semlink("ledger", self.trained, subject, "--format=csv").stdout
            table = list(csv.DictReader(io.StringIO(text)))
            self.assertEqual(len(table), len(rows), subject)
            for cells, row in zip(table, rows):
                for name, value in row.items():
                    if isinstance(value, float):
                        self.assertEqual(float(cells[name]), value)
                    elif isinstance(value, (int, str)):
                        self.assertEqual(cells[name], str(value))
                    elif value is None:
                        self.assertEqual(cells[name], "")

    def test_tables_fit_a_terminal(self):
        for subject in SUBJECTS:
            text = self.semlink("ledger", self.trained, subject).stdout
            for line in text.splitlines():
                self.assertLessEqual(len(line), 100, f"{subject}: {line}")
        text = self.semlink("ledger", self.trained, "refusals", "--from=99999").stdout
        self.assert_says(text, "reason", "(none)")

    def test_answers_at_once(self):
        seconds = []
        for _ in range(9):
            start = time.monotonic()
            self.semlink("ledger", self.trained, "links")
            seconds.append(time.monotonic() - start)
        # 0.1 s on an idle machine; this one may be busy or run a sanitizer.
        self.assertLess(min(seconds), 1.0, statistics.median(seconds))

    def test_wrong_calls_say_why(self):
        result = self.semlink("ledger", self.folder / "none", expect=2)
        self.assert_says(result.stderr, "there is no ledger", "none/ledger.sqlite")
        result = self.semlink("ledger", self.trained, "--from=5", "--to=3", expect=2)
        self.assert_says(result.stderr, "--from 5 is greater than --to 3")
        self.semlink("ledger", self.trained, "nonsense", expect=2)
        result = self.semlink("ledger", self.trained, "windows", "--each", expect=2)
        self.assert_says(result.stderr, "--each goes with")
        self.write("ledger.sqlite", "x" * 5000)
        result = self.semlink("ledger", self.folder, expect=1)
        self.assert_says(result.stderr, "can't read", "ledger.sqlite")
        copy = self.folder / "old.sqlite"
        shutil.copy(self.trained / "ledger.sqlite", copy)
        with sqlite3.connect(copy) as database:
            database.execute("UPDATE meta SET value = '1'")
        result = self.semlink("ledger", copy, expect=2)
        self.assert_says(result.stderr, "schema version 1", "reads version 4")

    def test_help_has_examples(self):
        self.assert_says(self.semlink("ledger", "--help").stdout, "examples:",
                         "semlink ledger runs/first rates", "--format")

    def test_reads_a_run_that_goes_on_and_one_that_was_killed(self):
        scenario = self.write("long.yaml", support.SMALL)
        out = self.folder / "run"
        process = self.start_run(out, scenario, "--out", out, "--transport=inproc", "--set",
                                 "training.windows=100000", windows=5)
        seen = json.loads(self.semlink("ledger", out, "--format=json").stdout)["windows"]
        self.assertGreaterEqual(seen, 5)
        support.kill(process)
        overview = json.loads(self.semlink("ledger", out, "--format=json").stdout)
        self.assertGreaterEqual(overview["windows"], seen)
        self.assertEqual(overview["state"], "running")
        windows = json.loads(self.semlink("ledger", out, "windows", "--format=json").stdout)
        self.assertEqual([w["window"] for w in windows], list(range(overview["windows"])))


if __name__ == "__main__":
    unittest.main()
