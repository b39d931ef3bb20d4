#!/usr/bin/env python3
"""Every method of the table: the same bits in one process and in seven, and the limits that it keeps."""

import unittest

import support

METHODS = ("pom2dib", "pom2dib_nocr", "rsdib", "rsdib_once", "midib", "midib_published", "vddib",
           "dlsc")
IGNORES_LIMITS = ("midib_published", "vddib", "dlsc")
LINKS = 27
SETTINGS = []
for setting in ("training.windows=12", "training.rounds_per_window=5", "method.measuring_share=0.4",
                "data.test_samples=60", "checkpoint.every=5"):
    SETTINGS += ["--set", setting]


class MethodsTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("small.yaml", support.SMALL)

    def train(self, method, transport):
        out = self.folder / f"{method}-{transport}"
        self.semlink("run", self.scenario, "--out", out, f"--transport={transport}", *SETTINGS,
                     "--set", f"method.name={method}")
        return out, support.read_json(out / "summary.json")

    def check_limits(self, method, summary):
        self.assertEqual(summary["method"], method)
        kept = method not in IGNORES_LIMITS
        self.assertEqual(summary["under_limits"], kept)
        self.assertEqual(summary["limits_exceeded"] == 0, kept)
        if method in ("vddib", "dlsc"):
            self.assertEqual((summary["links_mean"], summary["links_max"]), (LINKS, LINKS / 3))
        if method == "midib_published":
            self.assertEqual(summary["links_mean"], 18)  # E_t = 2 transmitters, 3 modalities, 3 tasks
        if method == "midib":
            self.assertLessEqual(summary["links_mean"], 12)
            self.assertGreaterEqual(summary["links_mean"], 8)

    def test_parity_and_limits(self):
        for method in METHODS:
            with self.subTest(method):
                one, inproc = self.train(method, "inproc")
                many, grpc = self.train(method, "grpc")
                for key in ("parameters_sha256", "accuracy", "nce", "rate_nats", "links_mean",
                            "selection_probability", "flops_per_inference"):
                    self.assertEqual(inproc[key], grpc[key], key)
                self.assertEqual(support.parameter_digests(one), support.parameter_digests(many))
                self.check_limits(method, inproc)
                self.assertGreater(inproc["flops_per_inference"], 0)
                estimator = "knn_entropy" if method == "dlsc" else "marginal"
                self.assertEqual(inproc["rate_estimator"], estimator)

    def test_links_of_a_trained_ranking_are_evaluated_alike(self):
        for method in ("midib", "rsdib_once", "rsdib"):
            with self.subTest(method):
                run, summary = self.train(method, "inproc")
                out = self.folder / f"{method}-again"
                self.semlink("evaluate", run, "--transport=inproc", "--out", out)
                again = support.read_json(out / "summary.json")
                for key in ("accuracy", "nce", "rate_nats", "links_mean",
                            "selection_probability_evaluation"):
                    self.assertEqual(again[key], summary[key], key)

    def test_random_once_never_changes(self):
        run, summary = self.train("rsdib_once", "inproc")
        links = support.query(run, "SELECT DISTINCT transmitter, modality, receiver FROM link")
        self.assertEqual(len(links), summary["links_mean"])
        run, summary = self.train("rsdib", "inproc")
        links = support.query(run, "SELECT DISTINCT transmitter, modality, receiver FROM link")
        self.assertEqual(len(links), LINKS)

    def test_killed_while_links_are_measured(self):
        settings = ["--set", "method.name=midib", "--set", "method.measuring_share=0.5", "--set",
                    "training.windows=200", "--set", "checkpoint.every=20"]
        whole, out = self.folder / "whole", self.folder / "broken"
        self.semlink("run", self.scenario, "--out", whole, *settings)
        process = self.start("semlink", "run", self.scenario, "--out", out, *settings,
                             error_file=self.folder / "broken.log")
        metrics = out / "metrics.jsonl"
        support.wait_until(lambda: process.poll() is not None or
                           (metrics.exists() and metrics.read_bytes().count(b"\n") >= 50), "windows")
        self.assertIsNone(process.poll(), (self.folder / "broken.log").read_text())
        support.kill(process)
        self.semlink("run", "--resume", out)
        self.assertEqual(support.parameter_digests(out), support.parameter_digests(whole))


if __name__ == "__main__":
    unittest.main()
