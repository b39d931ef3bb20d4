#!/usr/bin/env python3
"""`semlink evaluate` of several runs, with the published pairing of the test set beside ours."""

import unittest

import support

PUBLISHED = ("--set", "data.pairing=reference", "--name", "reference", "--transport=inproc")


class EvaluateTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        scenario = self.write("small.yaml", support.SMALL)
        self.runs = [self.folder / f"seed{seed}" for seed in (1, 2)]
        for seed, run in enumerate(self.runs, 1):
            self.semlink("run", scenario, "--out", run, "--transport=inproc", "--set", "training.windows=10", "--set",
                         f"seed={seed}", "--set", "data.test_samples=300")

    def test_scores_trained_runs_with_the_published_pairing(self):
        self.semlink("evaluate", *self.runs, *PUBLISHED)
        for run in self.runs:
            ours = support.read_json(run / "summary.json")
            published = support.read_json(run / "evaluations" / "reference" / "summary.json")
            self.assertEqual(ours["test_samples"], published["test_samples"])
            self.assertNotEqual(ours["nce"], published["nce"])
            # It is the pairing that differs: what else an evaluation draws is drawn again alike.
            self.semlink("evaluate", run, "--name", "again", "--transport=inproc")
            again = support.read_json(run / "evaluations" / "again" / "summary.json")
            self.assertEqual(ours["nce"], again["nce"])
        page = self.folder / "report.html"
        folders = [run / "evaluations" / "reference" for run in self.runs]
        self.semlink("report", *self.runs, *folders, "-o", page)
        text = page.read_text()
        self.assert_says(text, "4 runs in 2 settings", "pairing = reference", "pairing = uniform")
        table = self.semlink("report", *self.runs, *folders, "--format=csv", "--table=quality").stdout
        self.assertIn("pairing = reference", table)

    def test_mistakes_are_said_before_anything_starts(self):
        result = self.semlink("evaluate", *self.runs, "--out", self.folder / "one", expect=2)
        self.assert_says(result.stderr, "one folder for 2 runs", "--name")
        result = self.semlink("evaluate", self.runs[0], self.folder / "none", "--name", "x", expect=2)
        self.assert_says(result.stderr, "none")
        self.assertFalse((self.runs[0] / "evaluations").exists())
        result = self.semlink("evaluate", self.runs[0], "--name", "../x", expect=2)
        self.assert_says(result.stderr, "without '/'")


if __name__ == "__main__":
    unittest.main()
