#!/usr/bin/env python3
"""`semlink score`: sets of links scored by the real programs."""

import csv
import json
import os
import signal
import unittest

import support

# One transmitter with an image and with noise, one with noise: 1.1->1 is the one link that tells anything.
TINY = """\
name: tiny
seed: 5
data: {source: synthetic, train_samples: 400, test_samples: 100, audio_variants: 1}
transmitters: [{modalities: [image_fft, noise]}, {modalities: [noise]}]
receivers: [{task: parity}]
model: {hidden1: 32, hidden2: 16, embedding: 4}
limits: {e_t: 1, e_k: 1}
training: {windows: 60, rounds_per_window: 5, batch_size: 20, beta: 1.0e-3, gamma: 0.01, learning_rate_codec: 5.0e-3}
evaluation: {cr_draws: 4}
"""


class ScoreTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("tiny.yaml", TINY)
        self.out = self.folder / "runs"

    def score(self, *arguments, expect=0):
        return self.semlink("score", self.scenario, *arguments, "--out", self.out, "--jobs", 2, expect=expect)

    def test_the_score_is_the_objective_on_the_test_samples(self):
        result = json.loads(self.score("--links", "1.1->1", "--seeds", 2, "--format=json").stdout)
        scored = result["sets"][0]
        self.assertEqual(scored["links"], "1.1->1")
        self.assertAlmostEqual(scored["score"], sum(run["score"] for run in scored["runs"]) / 2, places=12)
        for run, seed in zip(scored["runs"], (5, 6)):
            self.assertEqual(run["seed"], seed)
            summary = support.read_json(f"{run['run_folder']}/summary.json")
            self.assertEqual(summary["link_sets_evaluation"], {"1.1->1": 1.0})
            self.assertEqual(summary["limits_exceeded"], 0)
            # What the ledger says of the evaluation: loss and cross-entropy per window, weighted by samples.
            rows = support.query(run["run_folder"], "SELECT result.samples, result.loss, cross_entropy FROM result "
                                 "JOIN window ON number = window AND kind = 'evaluate'")
            samples = sum(row[0] for row in rows)
            self.assertEqual(samples, 100)
            self.assertAlmostEqual(sum(n * loss for n, loss, _ in rows) / samples, run["score"], places=6)
            # Its parts: CE + beta (CE of the local decoder + I) + gamma per link.
            rest = run["score"] - sum(n * ce for n, _, ce in rows) / samples - 0.01
            local = (rest - 1e-3 * summary["rate_nats"]) / 1e-3
            self.assertGreater(local, 0)
            self.assertLess(local, 2)

    def test_exhaustive_search_against_a_method(self):
        arguments = ("--search", "exhaustive", "--seeds", 1, "--against", "rsdib_once")
        result = json.loads(self.score(*arguments, "--format=json").stdout)
        self.assertEqual([scored["links"] for scored in result["sets"]][0], "1.1->1")
        self.assertEqual(sorted(scored["links"] for scored in result["sets"]), ["1.1->1", "1.2->1", "2.1->1"])
        used = result["methods"][0]["runs"][0]["used"][0]
        self.assertIn(used["verdict"], ("the best", "worse than the best", "not among the scored sets"))
        # Again: nothing is trained a second time, and all formats say the same.
        again = self.score(*arguments, "--format=csv")
        self.assertEqual(again.stderr.count(": was finished: "), 4)
        rows = list(csv.DictReader(again.stdout.split("\n\n")[0].splitlines()))
        self.assertEqual([row["links"] for row in rows], [scored["links"] for scored in result["sets"]])
        self.assertAlmostEqual(float(rows[1]["score"]), result["sets"][1]["score"], places=6)
        self.assert_says(self.score("--search", "greedy", "--seeds", 1).stdout, "lowest score: 1.1->1", "3 sets, greedy")

    def test_goes_on_after_an_interrupt(self):
        command = ("score", self.scenario, "--links", "1.1->1", "--seeds", 2, "--jobs", 1, "--out", self.out,
                   "--set", "training.windows=300")
        process = self.start("semlink", *command)
        run = self.out / "links=1.1-1,seed=6"
        support.wait_until(lambda: support.windows_of(run) > 0, "the second run")
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=support.PATIENCE)
        self.assertEqual(process.returncode, 130, errors)
        self.assertFalse((run / "summary.json").exists())
        result = self.semlink(*command)
        self.assertIn("links=1.1-1,seed=5: was finished", result.stderr)
        self.assertTrue((run / "summary.json").exists())

    def test_mistakes_are_said_before_anything_starts(self):
        self.assert_says(self.score(expect=2).stderr, "--links", "--search")
        self.assert_says(self.score("--links", "1.1", expect=2).stderr, "'1.1' is no TRANSMITTER.MODALITY->RECEIVER")
        self.assert_says(self.score("--links", "1.1->1,1.2->1", expect=2).stderr, "at most E_k = 1 links of transmitter 1")
        self.assert_says(self.score("--links", "1.3->1", expect=2).stderr, "at most 2 modalities of transmitter 1")
        self.assert_says(self.score("--search", "exhaustive", "--max-sets", 2, expect=2).stderr, "found 3 feasible sets", "at most 2")
        self.assert_says(self.score("--search", "greedy", "--against", "dlsc", expect=2).stderr, "--against: found 'dlsc'")
        self.assert_says(self.score("--links", "1.1->1", "--set", "limits.e_t=9", expect=2).stderr, "limits.e_t: found 9")
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
