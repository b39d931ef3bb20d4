#!/usr/bin/env python3
"""No committed window exceeds a limit, and every window is committed once, as the ledger has it."""

import unittest

import support

E_T = 2
E_K = 3


class LimitsTest(support.SemlinkTest):
    def train(self, transport, rounds):
        scenario = self.write("limits.yaml", support.SMALL)
        out = self.folder / f"{transport}{rounds}"
        self.semlink("run", scenario, "--out", out, f"--transport={transport}",
                     "--set", f"limits.e_t={E_T}", "--set", f"limits.e_k={E_K}",
                     "--set", "training.windows=40",
                     "--set", f"training.rounds_per_window={rounds}")
        return out

    def check_windows(self, run, trained):
        rows = support.query(run, "SELECT number, kind FROM window ORDER BY number")
        self.assertEqual([number for number, _ in rows], list(range(len(rows))))
        self.assertEqual([kind for _, kind in rows[:trained]], ["train"] * trained)
        self.assertEqual({kind for _, kind in rows[trained:]}, {"evaluate"})
        metrics = support.read_lines(run / "metrics.jsonl")
        self.assertEqual([m["window"] for m in metrics], list(range(trained)))

    def check_limits(self, run):
        served, asked = support.most_used(run)
        # Reached, so the limits were at work, and not exceeded.
        self.assertEqual((served, asked), (E_K, E_T))
        summary = support.read_json(run / "summary.json")
        self.assertEqual(summary["limits_exceeded"], 0)
        self.assertEqual(summary["links_max"], E_K)
        self.assertEqual(summary["transmitters_max"], E_T)

    def test_one_round_per_window(self):
        for transport in ("inproc", "grpc"):
            with self.subTest(transport):
                run = self.train(transport, 1)
                self.check_windows(run, 40)
                self.check_limits(run)

    def test_several_rounds_per_window(self):
        run = self.train("grpc", 5)
        self.check_windows(run, 40)
        self.check_limits(run)


if __name__ == "__main__":
    unittest.main()
