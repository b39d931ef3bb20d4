#!/usr/bin/env python3
"""What the subcommands do with a finished run and with one that is going on."""

import json
import subprocess
import unittest

import support


class LinkageTest(support.SemlinkTest):
    def test_these_load_no_libtorch(self):
        for program in ("semlink", "semlink-coordinator"):
            loaded = subprocess.run(["ldd", support.BIN / program], capture_output=True, text=True, check=True)
            self.assertIn("libc.so", loaded.stdout)
            self.assertNotIn("torch", loaded.stdout, f"{program} must start within 0.1 s")


class FinishedRunTest(support.SemlinkTest):
    @classmethod
    def setUpClass(cls):
        cls.result = cls.train_once("--set", "training.windows=12", "--format=json")

    def test_run_prints_json_that_is_the_summary(self):
        printed = json.loads(self.result.stdout)
        self.assertEqual(printed.pop("run_folder"), str(self.trained))
        self.assertEqual(printed, support.read_json(self.trained / "summary.json"))

    def test_run_folder_is_complete(self):
        for name in ("scenario.yaml", "env.json", "metrics.jsonl", "events.jsonl", "ledger.sqlite",
                     "parameters", "summary.json"):
            self.assertTrue((self.trained / name).exists(), name)
        summary = support.read_json(self.trained / "summary.json")
        for key in ("windows", "accuracy", "nce", "nce_per_task", "rate_nats", "rate_estimator",
                    "links_mean", "links_max", "limits_exceeded", "selection_probability",
                    "message_bytes", "wire_bytes", "seconds_per_window", "parameters_sha256",
                    "test_samples", "cr_draws", "peak_rss_bytes"):
            self.assertIn(key, summary)
        self.assertEqual(summary["windows"], 12)
        self.assertEqual(summary["test_samples"], 60)
        self.assertEqual(summary["cr_draws"], 2)
        # A connection per transmitter and receiver carried each kind of data message.
        kinds = {(b["transmitter"], b["receiver"], b["kind"]) for b in summary["message_bytes"]
                 if "transmitter" in b and b["bytes"] > 0}
        for k in (1, 2, 3):
            for t in (1, 2, 3):
                for kind in ("request", "feature", "gradient"):
                    self.assertIn((k, t, kind), kinds)
        self.assertEqual(support.read_lines(self.trained / "events.jsonl")[-1]["event"], "finished")

    def test_wire_bytes_exceed_message_bytes(self):
        summary = support.read_json(self.trained / "summary.json")
        messages = sum(b["bytes"] for b in summary["message_bytes"] if "transmitter" in b)
        wire = sum(w["sent"] + w["received"] for w in summary["wire_bytes"] if "transmitter" in w)
        self.assertGreater(wire, messages)
        self.assertLess(wire, 2 * messages + 1e6)

    def test_evaluate_gives_what_the_run_gave(self):
        out = self.folder / "evaluation"
        result = self.semlink("evaluate", self.trained, "--transport=inproc", "--out", out,
                              "--format=json")
        evaluated, summary = json.loads(result.stdout), support.read_json(
            self.trained / "summary.json")
        for key in ("accuracy", "nce", "rate_nats", "links_mean", "cr_draws", "test_samples"):
            self.assertEqual(evaluated[key], summary[key], key)

    def test_evaluate_over_grpc_takes_other_draws(self):
        result = self.semlink("evaluate", self.trained, "--draws", 3, "--format=json", "--out",
                              self.folder / "evaluation")
        evaluated = json.loads(result.stdout)
        self.assertEqual(evaluated["cr_draws"], 3)
        self.assertEqual(len(evaluated["accuracy_per_draw"]), 3)
        self.assertEqual(evaluated["limits_exceeded"], 0)

    def test_evaluate_prints_a_table(self):
        result = self.semlink("evaluate", self.trained, "--transport=inproc", "--draws", 1,
                              "--out", self.folder / "evaluation")
        self.assert_says(result.stdout, "parity", "ring", "digit", "accuracy", "run folder")

    def test_infer_decides_the_same_over_both_transports(self):
        correct = {}
        for transport in ("grpc", "inproc"):
            result = self.semlink("infer", self.trained, f"--transport={transport}", "--samples",
                                  50, "--batch", 5, "--in-flight", 3, "--format=json", "--out",
                                  self.folder / transport)
            measured = json.loads(result.stdout)
            self.assertEqual((measured["batch"], measured["in_flight"]), (5, 3))
            self.assertGreater(measured["samples_per_second"], 0)
            for receiver in measured["receivers"]:
                self.assertEqual(receiver["samples"], 50)
                latency = receiver["latency_us"]
                self.assertLessEqual(0, latency["p50"])
                self.assertLessEqual(latency["p50"], latency["p90"])
                self.assertLessEqual(latency["p90"], latency["p99"])
                self.assertLessEqual(latency["p99"], latency["max"])
            correct[transport] = [r["correct"] for r in measured["receivers"]]
        self.assertEqual(correct["grpc"], correct["inproc"])

    def test_infer_starts_over_after_the_last_test_sample(self):
        result = self.semlink("infer", self.trained, "--transport=inproc", "--samples", 150,
                              "--batch", 7, "--format=json", "--out", self.folder / "inference")
        for receiver in json.loads(result.stdout)["receivers"]:
            self.assertEqual(receiver["samples"], 150)

    def test_infer_prints_text(self):
        result = self.semlink("infer", self.trained, "--transport=inproc", "--samples", 10, "--out",
                              self.folder / "inference")
        self.assert_says(result.stdout, "samples", "p99")

    def test_a_folder_that_holds_a_run_is_refused(self):
        before = support.parameter_digests(self.trained)
        result = self.semlink("run", self.trained / "scenario.yaml", "--out", self.trained,
                              expect=2)
        self.assert_says(result.stderr, str(self.trained), "not empty")
        self.assertEqual(support.parameter_digests(self.trained), before)

    def test_status_of_an_ended_run(self):
        result = self.semlink("status", self.trained, expect=3)
        self.assertNotEqual(result.stderr, "")


class RunningTest(support.SemlinkTest):
    def test_status_and_links_while_running(self):
        scenario = self.write("small.yaml", support.SMALL)
        out = self.folder / "run"
        process = self.start_run(out, scenario, "--out", out, "--set", "training.windows=100000",
                                 windows=3)
        status = json.loads(self.semlink("status", out, "--format=json").stdout)
        port = (out / "coordinator.port").read_text().strip()
        by_address = self.semlink("status", "--coordinator", f"127.0.0.1:{port}", "--insecure")
        self.assert_says(by_address.stdout, "training", "transmitter1", "receiver3")
        self.assertGreaterEqual(status["window"], 3)
        links = json.loads(self.semlink("links", out, "--windows=2", "--format=json").stdout)
        self.assertEqual(links["windows"], 2)
        self.assertGreater(len(links["links"]), 0)
        self.assertEqual(len(links["pairs"]), 3 * 3 + 6)  # and each node with the coordinator
        for pair in links["pairs"]:
            self.assertGreater(pair["message_bytes"]["there"] + pair["message_bytes"]["back"], 0, pair)
        self.assert_says(self.semlink("links", out).stdout, "transmitter1", "receiver3", "up for")
        self.assertEqual(process.poll(), None)


class UsageTest(support.SemlinkTest):
    def test_help(self):
        for arguments in (["--help"], ["run", "--help"], ["evaluate", "--help"],
                          ["infer", "--help"], ["validate", "--help"], ["status", "--help"],
                          ["data", "--help"]):
            result = self.semlink(*arguments)
            self.assert_says(result.stdout, "usage")
        for program in ("semlink-coordinator", "semlink-transmitter", "semlink-receiver"):
            result = self.run_program(program, "--help")
            self.assertEqual(result.returncode, 0)
            self.assert_says(result.stdout, "usage", "--listen" if program != "semlink-receiver"
                             else "--coordinator", "exit codes")

    def test_wrong_usage_is_2(self):
        for arguments in ([], ["fly"], ["run"], ["run", "x.yaml", "--transport=pigeon"],
                          ["run", "x.yaml", "--port=70000"], ["infer", "x", "--batch=0"],
                          ["evaluate"], ["validate"], ["run", "x.yaml", "--format=xml"]):
            with self.subTest(arguments):
                self.semlink(*arguments, expect=2)
        for program in ("semlink-coordinator", "semlink-transmitter", "semlink-receiver"):
            self.assertEqual(self.run_program(program).returncode, 2)
        self.assertEqual(
            self.run_program("semlink-receiver", "--coordinator=127.0.0.1:1", "--index=0")
            .returncode, 2)

    def test_missing_things_are_2(self):
        missing = self.folder / "missing"
        for arguments in (["run", missing], ["validate", missing], ["evaluate", missing],
                          ["infer", missing]):
            with self.subTest(arguments[0]):
                self.assert_says(self.semlink(*arguments, expect=2).stderr, str(missing))

    def test_no_coordinator_is_3(self):
        self.semlink("status", "--coordinator", "127.0.0.1:1", "--insecure", expect=3)
        self.semlink("status", self.folder, expect=3)
        fault = ["fault", "add", "throttle", "transmitter1>receiver1", "--rate=1MB/s", "--level=kernel", "--dry-run"]
        self.semlink(*fault, "--coordinator", "127.0.0.1:1", "--insecure", expect=3)
        self.semlink(*fault, "--run", self.folder, expect=3)

    def test_validate_prints_json(self):
        good = self.write("good.yaml", support.SMALL)
        valid = json.loads(self.semlink("validate", good, "--format=json").stdout)
        self.assertTrue(valid["valid"])
        self.assertEqual((valid["transmitters"], valid["receivers"]), (3, 3))
        bad = self.write("bad.yaml", support.SMALL + "colour: red\n")
        invalid = json.loads(self.semlink("validate", bad, "--format=json", expect=2).stdout)
        self.assertFalse(invalid["valid"])
        self.assertIn("colour", " ".join(invalid["mistakes"]))

    def test_the_resolved_scenario_is_valid_and_the_same(self):
        good = self.write("good.yaml", support.SMALL)
        resolved = self.semlink("validate", good, "--resolved").stdout
        again = self.write("resolved.yaml", resolved)
        self.assertEqual(self.semlink("validate", again, "--resolved").stdout, resolved)


if __name__ == "__main__":
    unittest.main()
