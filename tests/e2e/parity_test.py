#!/usr/bin/env python3
"""The same scenario and seed give the same parameters, in one process and in seven."""

import unittest

import support


class ParityTest(support.SemlinkTest):
    """Runs the small scenario once per class; the tests compare other runs with it."""

    @classmethod
    def setUpClass(cls):
        cls.train_once("--transport=inproc")

    def train(self, name, *arguments, scenario=None):
        out = self.folder / name
        self.semlink("run", scenario or self.scenario, "--out", out, *arguments)
        return out

    def assert_same_parameters(self, one, other):
        first, second = (support.read_json(run / "summary.json") for run in (one, other))
        self.assertEqual(first["parameters_sha256"], second["parameters_sha256"])
        self.assertEqual(first["windows"], second["windows"])
        self.assertEqual(support.parameter_digests(one), support.parameter_digests(other))

    def test_every_node_has_parameters(self):
        nodes = [f"{role}{i}.safetensors" for role in ("receiver", "transmitter")
                 for i in (1, 2, 3)]
        self.assertEqual(sorted(support.parameter_digests(self.trained)), nodes)
        self.assertEqual(support.read_json(self.trained / "summary.json")["windows"], 50)

    def test_separate_processes_give_the_same_bits(self):
        run = self.train("grpc", "--transport=grpc")
        self.assert_same_parameters(self.trained, run)
        inproc, grpc = (support.read_json(r / "summary.json") for r in (self.trained, run))
        for key in ("accuracy", "nce", "rate_nats", "links_mean", "selection_probability"):
            self.assertEqual(inproc[key], grpc[key], key)

    def test_a_second_run_gives_the_same_bits(self):
        self.assert_same_parameters(self.trained, self.train("again", "--transport=inproc"))

    def test_broadcast_randomness_gives_the_same_bits_as_derived(self):
        run = self.train("broadcast", "--transport=grpc", "--set",
                         "common_randomness.source=broadcast")
        self.assert_same_parameters(self.trained, run)

    def test_another_seed_gives_other_parameters(self):
        run = self.train("seed", "--transport=inproc", "--set", "seed=2", "--set",
                         "training.windows=2")
        fresh = self.train("short", "--transport=inproc", "--set", "training.windows=2")
        first, second = support.parameter_digests(run), support.parameter_digests(fresh)
        self.assertEqual(sorted(first), sorted(second))
        for name, digest in first.items():
            self.assertNotEqual(digest, second[name], name)

    def test_training_changes_the_parameters(self):
        short = self.train("short", "--transport=inproc", "--set", "training.windows=2")
        first, second = map(support.parameter_digests, (short, self.trained))
        for name, digest in first.items():
            self.assertNotEqual(digest, second[name], name)

    def test_uneven_nodes_give_the_same_bits(self):
        small = []
        for setting in ("training.windows=20", "training.rounds_per_window=5",
                        "training.batch_size=8", "model.hidden1=64", "model.hidden2=32",
                        "model.embedding=8", "data.train_samples=200", "data.test_samples=60",
                        "evaluation.cr_draws=2"):
            small += ["--set", setting]
        scenario = support.ROOT / "configs" / "uneven.yaml"
        inproc = self.train("inproc", "--transport=inproc", *small, scenario=scenario)
        grpc = self.train("grpc", "--transport=grpc", *small, scenario=scenario)
        self.assert_same_parameters(inproc, grpc)
        self.assertEqual(len(support.parameter_digests(grpc)), 5 + 4)


if __name__ == "__main__":
    unittest.main()
