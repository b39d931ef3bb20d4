#!/usr/bin/env python3
"""`semlink sweep`: a grid of runs of the real programs, interrupted, gone on with, and as a job array."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import unittest

import support

SHORT = ("--set", "training.windows=3", "--set", "evaluation.cr_draws=1")
GRID = ("--grid", "beta=0,1e-3", "--grid", "seed=1..2")
NAMES = ["beta=0,seed=1", "beta=0,seed=2", "beta=1e-3,seed=1", "beta=1e-3,seed=2"]


class SweepTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("small.yaml", support.SMALL)
        self.out = self.folder / "runs"

    def finished(self):
        return sorted(path.parent.name for path in self.out.glob("*/summary.json"))

    def test_runs_the_grid_and_leaves_alone_what_is_finished(self):
        arguments = ("sweep", self.scenario, *GRID, *SHORT, "--out", self.out, "--jobs", 2)
        result = self.semlink(*arguments, "--format=json")
        self.assertEqual(self.finished(), NAMES)
        self.assertEqual([pathlib.Path(run["run_folder"]).name for run in json.loads(result.stdout)], NAMES)
        self.assertEqual(sum(": finished: accuracy" in line for line in result.stderr.splitlines()), 4)
        before = {name: (self.out / name / "summary.json").stat().st_mtime_ns for name in NAMES}
        again = self.semlink(*arguments)
        self.assertEqual(sum(": was finished: " in line for line in again.stderr.splitlines()), 4)
        self.assertEqual(before, {name: (self.out / name / "summary.json").stat().st_mtime_ns for name in NAMES})
        # A run of the sweep is the run that its command says.
        alone = self.folder / "alone"
        self.semlink("run", self.scenario, "--transport=inproc", *SHORT, "--set", "training.beta=1e-3", "--set", "seed=2",
                     "--out", alone)
        self.assertEqual(support.read_json(alone / "summary.json")["parameters_sha256"],
                         support.read_json(self.out / NAMES[3] / "summary.json")["parameters_sha256"])
        page = self.folder / "report.html"
        self.semlink("report", *sorted(self.out.glob("*")), "-o", page)
        self.assertIn("4 runs in 2 settings", page.read_text())

    def test_goes_on_after_an_interrupt(self):
        arguments = ("sweep", self.scenario, "--grid", "seed=1..2", "--set", "training.windows=400", "--set",
                     "evaluation.cr_draws=1", "--out", self.out, "--jobs", "1")
        process = self.start("semlink", *arguments)
        support.wait_until(lambda: len(support.read_lines(self.out / "seed=1" / "metrics.jsonl")) > 2, "a few windows")
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=support.PATIENCE)
        self.assertEqual(process.returncode, 130, errors)
        self.assert_says(errors, "interrupted", "goes on with this sweep")
        self.assertEqual(self.finished(), [])
        self.assertEqual(self.semlink("sweep", self.scenario, "--grid", "seed=1..2", "--set", "training.windows=400", "--set",
                                      "evaluation.cr_draws=1", "--out", self.out, "--jobs", "1", "--count").stdout, "2\n")
        aside = self.out / ".sweep" / "stopped" / "seed=1-1"
        # Nothing to go on from, also for those who ask for processes now.
        resumed = self.semlink(*arguments, "--transport=grpc")
        self.assert_says(resumed.stderr, f"seed=1: begins again; what was there is in {aside}")
        self.assertEqual(self.finished(), ["seed=1", "seed=2"])
        self.assertTrue((aside / "metrics.jsonl").exists())
        self.assertNotIn("resumed", [e["event"] for e in support.read_lines(self.out / "seed=1" / "events.jsonl")])

    def test_resumes_daemons_from_their_checkpoints(self):
        arguments = ("sweep", self.scenario, "--grid", "seed=1", "--set", "training.windows=600", "--set", "checkpoint.every=5",
                     "--set", "evaluation.cr_draws=1", "--transport=grpc", "--out", self.out)
        process = self.start("semlink", *arguments)
        run = self.out / "seed=1"
        support.wait_until(lambda: any(e["event"] == "checkpoint" and e["complete"] for e in
                                       support.read_lines(run / "events.jsonl")), "a checkpoint")
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=support.PATIENCE)
        self.assertFalse((run / "summary.json").exists())
        self.semlink(*arguments)
        self.assertEqual(self.finished(), ["seed=1"])
        self.assertIn("resumed", [e["event"] for e in support.read_lines(run / "events.jsonl")])

    def test_a_failed_run_is_said_and_the_others_go_on(self):
        (self.out / "seed=1").mkdir(parents=True)
        (self.out / "seed=1" / "scenario.yaml").write_text(support.SMALL)  # of another scenario: never touched
        result = self.semlink("sweep", self.scenario, "--grid", "seed=1..2", *SHORT, "--out", self.out, expect=1)
        self.assert_says(result.stderr, "seed=1: FAILED: ", "another scenario")
        self.assertEqual(self.finished(), ["seed=2"])
        self.assertEqual((self.out / "seed=1" / "scenario.yaml").read_text(), support.SMALL)

    def test_a_folder_of_somebody_else_is_left_alone(self):
        (self.out / "seed=1").mkdir(parents=True)
        (self.out / "seed=1" / "notes.txt").write_text("mine")
        result = self.semlink("sweep", self.scenario, "--grid", "seed=1", *SHORT, "--out", self.out, expect=1)
        self.assert_says(result.stderr, "seed=1: FAILED: ", "none of a run")
        self.assertEqual((self.out / "seed=1" / "notes.txt").read_text(), "mine")

    def test_mistakes_are_said_before_anything_starts(self):
        grid = self.write("grid.yaml", "scenario: small.yaml\nout: x\ngrid:\n  seed: 1..2\n  training.betta: [0, 1]\n")
        error = self.semlink("sweep", grid, "--out", self.out, expect=2).stderr
        self.assert_says(error, f"{grid}:5", "betta", "beta")
        self.write("grid.yaml", "scenario: small.yaml\nseeds: 3\ngrid: [1]\n")
        error = self.semlink("sweep", grid, "--out", self.out, expect=2).stderr
        self.assert_says(error, f"{grid}:2: seeds", f"{grid}:3: grid.1")
        self.assert_says(self.semlink("sweep", self.scenario, "--grid", "beta", expect=2).stderr, "KEY=VALUE")
        self.assert_says(self.semlink("sweep", self.scenario, "--grid", "seed=1..2", "--grid", "seeds=3", expect=2).stderr,
                         "--grid seeds=3: found a second axis")
        self.assert_says(self.semlink("sweep", self.scenario, *GRID, "--task", 4, "--out", self.out, expect=2).stderr, "0 to 3")
        self.assertFalse(self.out.exists())

    def test_as_a_job_array(self):
        grid = self.write("grid.yaml", f"scenario: small.yaml\nout: {self.out}\nset: {{training.windows: 2, evaluation.cr_draws: 1}}\n"
                                       "grid:\n  - {method: pom2dib, seed: 1..2}\n  - {method: pom2dib_nocr, seed: 1}\n")
        self.assertEqual(self.semlink("sweep", grid, "--count").stdout, "3\n")
        commands = self.semlink("sweep", grid, "--print-commands").stdout.splitlines()
        self.assertEqual(len(commands), 3)
        self.assertEqual(shlex.split(commands[2])[:2], ["semlink", "run"])
        script = support.ROOT / "deploy" / "sweep" / "slurm_array.sh"
        environment = dict(os.environ, SEMLINK=str(support.BIN / "semlink"), SLURM_ARRAY_TASK_ID="2", OMP_NUM_THREADS="1")
        subprocess.run([script, grid], env=environment, check=True, timeout=support.PATIENCE, capture_output=True)
        self.assertEqual(self.finished(), ["method=pom2dib_nocr,seed=1"])
        # What Kubernetes runs, with its index put in as Kubernetes does.
        job = (support.ROOT / "deploy" / "sweep" / "kubernetes_job.yaml").read_text()
        command = next(line for line in job.splitlines() if "command: [" in line).split("[", 1)[1].rstrip("]").split(", ")
        words = [word.replace("$(JOB_COMPLETION_INDEX)", "0").replace("/grid/grid.yaml", str(grid)).replace("/runs/sweep", str(self.out))
                 for word in command]
        self.semlink(*words[1:])
        self.assertEqual(self.finished(), ["method=pom2dib,seed=1", "method=pom2dib_nocr,seed=1"])


if __name__ == "__main__":
    unittest.main()
