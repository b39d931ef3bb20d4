#!/usr/bin/env python3
"""A short run on generated data learns: plainly better than chance."""

import unittest

import support

# Of the accuracy of who always names the most frequent class.
CHANCE = {"parity": 0.5, "ring": 0.5, "digit": 0.1}
WANTED = {"parity": 0.60, "ring": 0.60, "digit": 0.30}


class QualityTest(support.SemlinkTest):
    def test_a_short_run_is_better_than_chance(self):
        scenario = self.write("quality.yaml", support.SMALL)
        out = self.folder / "run"
        settings = []
        for setting in ("data.train_samples=2000", "data.test_samples=500", "model.hidden1=128",
                        "model.hidden2=64", "model.embedding=16", "training.windows=200",
                        "training.rounds_per_window=10", "training.batch_size=20",
                        "training.learning_rate_codec=1e-3", "evaluation.cr_draws=4"):
            settings += ["--set", setting]
        self.semlink("run", scenario, "--transport=inproc", "--out", out, *settings)
        summary = support.read_json(out / "summary.json")
        for task, accuracy in zip(WANTED, summary["accuracy"]):
            self.assertGreater(accuracy, WANTED[task], f"{task}: chance is {CHANCE[task]}")
        # Knowing nothing costs log 2, about 1.5 and log 10 nats.
        self.assertGreater(summary["nce"], -3.8)
        metrics = support.read_lines(out / "metrics.jsonl")
        first, last = (sum(sum(m["loss"]) for m in part) for part in (metrics[:20], metrics[-20:]))
        self.assertLess(last, 0.9 * first)


if __name__ == "__main__":
    unittest.main()
