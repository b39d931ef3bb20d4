#!/usr/bin/env python3
"""Runs that are broken on purpose: each kind of fault, live and from a scenario, and what is left of the run."""

import json
import subprocess
import time
import unittest

import support

WINDOWS = 60

# One of each kind, on a run of WINDOWS windows. Short: the tests are about survival, not endurance.
KINDS = {
    "kill": "{kind: kill, target: transmitter2, for: 2s}",
    "pause": "{kind: pause, target: receiver1, for: 2s}",
    "restart": "{kind: restart, target: transmitter3}",
    "cut_link": "{kind: cut, target: 'transmitter1:receiver2', for: 2s}",
    "cut_direction": "{kind: cut, target: 'transmitter1>receiver2', for: 2s}",
    "cut_node": "{kind: cut, target: transmitter3, for: 3s}",
    "drop": "{kind: drop, target: 'transmitter1:receiver1', probability: 0.2, for: 3s}",
    "delay": "{kind: delay, target: transmitter1, delay: 30ms, jitter: 20ms, for: 3s}",
    "throttle": "{kind: throttle, target: 'transmitter2:receiver3', rate: 200kB/s, for: 3s}",
    "duplicate": "{kind: duplicate, target: all, probability: 0.3, for: 3s}",
    "reorder": "{kind: reorder, target: 'transmitter2:receiver2', probability: 0.2, for: 3s}",
    "corrupt": "{kind: corrupt, target: 'transmitter3:receiver1', probability: 0.1, for: 3s}",
}


class FaultTest(support.SemlinkTest):
    def faults(self, *entries):
        """--set arguments for these faults, from window 10 on."""
        listed = ", ".join("{at_window: 10, " + entry[1:] for entry in entries)
        return ["--set", f"faults=[{listed}]"]

    def run_whole(self, *arguments):
        scenario = self.write("small.yaml", support.SMALL)
        self.out = self.folder / "run"
        result = self.run_program("semlink", "run", scenario, "--out", self.out, "--set",
                                  f"training.windows={WINDOWS}", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_nothing_is_lost()
        return result

    def assert_nothing_is_lost(self, windows=WINDOWS):
        """Committed windows are consecutive, none is repeated, none exceeds a limit."""
        rows = support.query(self.out, "SELECT number FROM window ORDER BY number")
        self.assertEqual([row[0] for row in rows], list(range(len(rows))))
        summary = support.read_json(self.out / "summary.json")
        self.assertEqual(summary["windows"], windows)
        self.assertEqual(summary["limits_exceeded"], 0)
        metrics = [line["window"] for line in support.read_lines(self.out / "metrics.jsonl")]
        self.assertEqual(metrics, list(range(windows)))

    def events(self, name):
        return support.events_of(self.out, name)

    def start_long_run(self, windows, *arguments):
        """A run that is under way and has so many windows that a few commands fit in beside it."""
        scenario = self.write("small.yaml", support.SMALL)
        self.out = self.folder / "run"
        return self.start_run(self.out, scenario, "--out", self.out, "--set",
                              f"training.windows={windows}", *arguments)

    def fault(self, *arguments, expect=0):
        return self.semlink("fault", *arguments, "--run", self.out, expect=expect)

    def finish(self, process, windows):
        try:
            code = process.wait(timeout=support.PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail("the run did not end: " + self.said(self.out))
        self.assertEqual(code, 0, self.said(self.out))
        self.assert_nothing_is_lost(windows)


class EveryKindTest(FaultTest):
    def check(self, name):
        self.run_whole(*self.faults(KINDS[name]))
        began = self.events("fault_began")
        self.assertEqual([e["window"] for e in began], [10])
        self.assertEqual(began[0]["kind"], KINDS[name].split()[1].rstrip(","))
        if name in ("kill", "restart"):
            node = began[0]["nodes"][0]
            self.assertEqual(support.joined(self.out, node), 2, "the node came back")
        if name in ("cut_link", "cut_direction", "drop", "corrupt"):
            self.assertTrue(self.events("pair_down"), "the link noticed")
        if name == "cut_node":
            self.assertTrue(self.events("node_lost"), "the coordinator noticed")


for _name in KINDS:
    setattr(EveryKindTest, f"test_{_name}", lambda self, name=_name: self.check(name))


class CoordinatorTest(FaultTest):
    def test_a_run_survives_the_kill_of_its_coordinator(self):
        result = self.run_whole(*self.faults("{kind: restart, target: coordinator}"))
        self.assert_says(result.stderr, "coordinator was ended by signal 9")
        self.assertEqual(len(self.events("fault_began")), 1, "once, not after each start")


class LiveTest(FaultTest):
    def test_add_list_clear(self):
        # The run waits for the node that is held down, so it can't end meanwhile.
        process = self.start_long_run(600, "--set", "on_failure=wait")
        added = json.loads(self.fault("add", "cut", "transmitter1:receiver1", "--format=json").stdout)
        self.assertEqual(added["id"], 1)
        self.fault("add", "kill", "transmitter2")
        support.wait_until(lambda: len(self.events("fault_began")) == 2, "both to begin")
        listed = json.loads(self.fault("list", "--format=json").stdout)["faults"]
        self.assertEqual([f["fault"] for f in listed],
                         ["cut transmitter1:receiver1", "kill transmitter2"])
        support.wait_until(lambda: [e for e in self.events("node_lost") if e["node"] == "transmitter2"],
                           "the loss of the node")
        status = json.loads(self.semlink("status", self.out, "--format=json").stdout)
        self.assertEqual(len(status["faults"]), 2)
        self.assertFalse([n for n in status["nodes"] if n["node"] == "transmitter2"][0]["up"])
        time.sleep(1.5)
        self.assertEqual(support.joined(self.out, "transmitter2"), 1, "the fault keeps it down")
        cleared = json.loads(self.fault("clear", "--format=json").stdout)["cleared"]
        self.assertEqual(cleared, [1, 2])
        support.wait_until(lambda: support.joined(self.out, "transmitter2") == 2, "its return")
        self.assertEqual(json.loads(self.fault("list", "--format=json").stdout)["faults"], [])
        self.finish(process, 600)
        self.assert_says(self.fault("list", "--as-scenario").stdout, "kind: kill", "kind: cut")

    def test_clear_wakes_a_paused_node(self):
        process = self.start_long_run(600)
        self.fault("add", "pause", "receiver1", "--for", "10min")
        support.wait_until(lambda: self.events("fault_began"), "the pause")
        time.sleep(0.5)
        self.fault("clear", "1")
        self.finish(process, 600)

    def test_mistakes_are_explained(self):
        process = self.start_long_run(100000)
        self.assert_says(self.fault("add", "kill", "transmitter9", expect=2).stderr,
                         "transmitter9 (there are 3 transmitters")
        self.assert_says(self.fault("add", "drop", "all", expect=2).stderr, "--probability")
        self.assert_says(self.fault("clear", "7", expect=2).stderr, "no fault 7 is active")
        process.kill()

    def test_nobody_there(self):
        self.semlink("fault", "list", "--coordinator", "127.0.0.1:1", "--insecure", expect=3)
        self.semlink("fault", "list", "--run", self.folder, expect=3)


class ScenarioTest(FaultTest):
    def test_one_process_has_nothing_to_break(self):
        scenario = self.write("small.yaml", support.SMALL)
        result = self.run_program("semlink", "run", scenario, "--out", self.folder / "run",
                                  "--transport=inproc", *self.faults(KINDS["drop"]))
        self.assertEqual(result.returncode, 2)
        self.assert_says(result.stderr, "faults", "inproc")

    def test_a_run_can_be_played_again(self):
        self.run_whole(*self.faults(KINDS["drop"]))
        first = self.events("fault_began")[0]["fault"]
        listed = self.semlink("fault", "list", "--run", self.out, "--as-scenario").stdout
        scenario = self.write("again.yaml", support.SMALL + listed)
        out = self.folder / "again"
        self.semlink("run", scenario, "--out", out, "--set", f"training.windows={WINDOWS}")
        self.assertEqual([e["fault"] for e in support.events_of(out, "fault_began")], [first])


if __name__ == "__main__":
    unittest.main()
