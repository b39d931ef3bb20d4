#!/usr/bin/env python3
"""A run that was killed whole and resumed ends as one that was not."""

import signal
import unittest

import support

SCENARIO = support.SMALL.replace("windows: 50", "windows: 400") + "checkpoint: {every: 20}\n"


class ResumeTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("small.yaml", SCENARIO)

    def start_broken(self, windows):
        out = self.folder / "broken"
        return self.start_run(out, self.scenario, "--out", out, windows=windows), out

    def check_equal(self, resumed, whole):
        self.assertEqual(support.parameter_digests(resumed), support.parameter_digests(whole))
        for key in ("accuracy", "nce", "rate_nats", "links_mean", "windows"):
            self.assertEqual(support.read_json(resumed / "summary.json")[key],
                             support.read_json(whole / "summary.json")[key], key)
        numbers = [row[0] for row in support.query(resumed, "SELECT number FROM window ORDER BY 1")]
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertEqual([line["window"] for line in support.read_lines(resumed / "metrics.jsonl")],
                         list(range(400)))

    def test_killed_twice_and_resumed(self):
        whole = self.folder / "whole"
        self.semlink("run", self.scenario, "--out", whole)
        process, out = self.start_broken(30)
        support.kill(process)
        again = self.start_run(out, "--resume", out, windows=75)
        support.kill(again)
        self.semlink("run", "--resume", out)
        self.check_equal(out, whole)
        starts = support.query(out, "SELECT count(*) FROM start")[0][0]
        self.assertEqual(starts, 3)

    def test_a_damaged_checkpoint_is_not_used(self):
        whole = self.folder / "whole"
        self.semlink("run", self.scenario, "--out", whole)
        process, out = self.start_broken(65)
        support.kill(process)
        files = sorted((out / "checkpoints" / "receiver2").glob("window-*.safetensors"))
        self.assertGreaterEqual(len(files), 2)
        data = bytearray(files[-1].read_bytes())
        data[len(data) // 2] ^= 1
        files[-1].write_bytes(bytes(data))
        self.semlink("run", "--resume", out)
        refused = support.events_of(out, "checkpoint_refused")
        self.assertEqual([event["node"] for event in refused], ["receiver2"])
        self.check_equal(out, whole)

    def test_interrupted_and_resumed(self):
        process, out = self.start_broken(30)
        process.send_signal(signal.SIGINT)
        process.wait()
        self.assertEqual(process.returncode, 130)
        self.assert_says(self.said(out), "semlink run --resume")
        self.semlink("run", "--resume", out)
        self.assertEqual(support.read_json(out / "summary.json")["windows"], 400)

    def test_nothing_to_resume(self):
        result = self.semlink("run", "--resume", self.folder / "none", expect=2)
        self.assert_says(result.stderr, "holds no run")


if __name__ == "__main__":
    unittest.main()
