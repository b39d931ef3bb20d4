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
        rows = support.query(run, "SELECT number, kind, state FROM window ORDER BY number")
        self.assertEqual([row[0] for row in rows], list(range(len(rows))))
        self.assertEqual({row[2] for row in rows}, {"committed"})
        self.assertEqual([row[1] for row in rows[:trained]], ["train"] * trained)
        self.assertEqual({row[1] for row in rows[trained:]}, {"evaluate"})
        # Each link at most once per window, in no more rounds than the window has.
        twice = support.query(run, "SELECT window, transmitter, modality, receiver FROM link "
                                   "GROUP BY 1, 2, 3, 4 HAVING count(*) > 1")
        self.assertEqual(twice, [])
        long = support.query(run, "SELECT l.window FROM link l JOIN window w ON w.number = "
                                  "l.window WHERE l.rounds < 1 OR l.rounds > w.rounds")
        self.assertEqual(long, [])
        metrics = support.read_lines(run / "metrics.jsonl")
        self.assertEqual([m["window"] for m in metrics], list(range(trained)))

    def check_summary(self, run):
        summary = support.read_json(run / "summary.json")
        self.assertEqual(summary["limits_exceeded"], 0)
        self.assertEqual(summary["links_max"], E_K)
        self.assertEqual(summary["transmitters_max"], E_T)

    def check_one_round_windows(self, run):
        """With one round per window the ledger's links are exactly those of the round."""
        served = support.query(run, "SELECT max(n) FROM (SELECT count(*) AS n FROM link l JOIN "
                                    "window w ON w.number = l.window WHERE w.kind = 'train' "
                                    "GROUP BY l.window, l.transmitter)")[0][0]
        asked = support.query(run, "SELECT max(n) FROM (SELECT count(DISTINCT transmitter) AS n "
                                   "FROM link l JOIN window w ON w.number = l.window "
                                   "WHERE w.kind = 'train' GROUP BY l.window, l.receiver)")[0][0]
        # Reached, so the limits were at work, and not exceeded.
        self.assertEqual(served, E_K)
        self.assertEqual(asked, E_T)

    def check_sums(self, run):
        """With more rounds, at least the sums must fit."""
        rows = support.query(run, "SELECT l.window, l.transmitter, sum(l.rounds), w.rounds FROM "
                                  "link l JOIN window w ON w.number = l.window GROUP BY 1, 2")
        self.assertTrue(rows)
        for window, transmitter, rounds, of in rows:
            self.assertLessEqual(rounds, E_K * of, (window, transmitter))
        rows = support.query(run, "SELECT window, receiver, sum(most), w.rounds FROM (SELECT "
                                  "window, receiver, max(rounds) AS most FROM link GROUP BY "
                                  "window, receiver, transmitter) JOIN window w ON "
                                  "w.number = window GROUP BY 1, 2")
        for window, receiver, rounds, of in rows:
            self.assertLessEqual(rounds, E_T * of, (window, receiver))

    def test_one_round_per_window(self):
        for transport in ("inproc", "grpc"):
            with self.subTest(transport):
                run = self.train(transport, 1)
                self.check_windows(run, 40)
                self.check_summary(run)
                self.check_one_round_windows(run)

    def test_several_rounds_per_window(self):
        run = self.train("grpc", 5)
        self.check_windows(run, 40)
        self.check_summary(run)
        self.check_sums(run)


if __name__ == "__main__":
    unittest.main()
