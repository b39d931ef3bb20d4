#!/usr/bin/env python3
"""docs/extend: the code on the pages is that of the files, and their commands do what they say. Runs the programs that have the
examples compiled in: build/examples/bin."""

import re
import shlex
import subprocess
import sys
import unittest

import support

support.BIN = support.BIN.parent / "examples" / "bin"
PAGES = sorted((support.ROOT / "docs" / "extend").glob("*.md"))
EXAMPLES = support.ROOT / "examples" / "extend"
# Smaller than on the pages: a test has less time.
SMALLER = ["--set", "training.windows=4", "--set", "training.rounds_per_window=5", "--set", "evaluation.cr_draws=2",
           "--set", "data.train_samples=300", "--set", "data.test_samples=100"]


def blocks(page):
    """(line before, language, text) of every fenced block of a page."""
    found, before, fence = [], "", None
    for line in page.read_text().splitlines(keepends=True):
        if fence is None and line.startswith("```"):
            fence, text = line[3:].strip(), []
        elif fence is not None and line == "```\n":
            found.append((before, fence, "".join(text)))
            before, fence = "", None
        elif fence is not None:
            text.append(line)
        elif line.strip():
            before = line.strip()
    return found


def quotes(page):
    """(file, quoted text): the blocks after a line that is a path in backticks and a colon."""
    named = [(re.fullmatch(r"`([^`]+)`:", before), text) for before, _, text in blocks(page)]
    return [(match[1], text) for match, text in named if match]


def commands(page):
    """The commands of a page, but for those that build, as lists of words, in their order."""
    lines = [line for _, language, text in blocks(page) if not language for line in text.splitlines()]
    return [shlex.split(line) for line in lines if not line.startswith("cmake ")]


class ExtendTest(support.SemlinkTest):
    def test_pages_quote_the_files(self):
        quoted = set()
        for page in PAGES:
            for name, text in quotes(page):
                self.assertEqual(text, (support.ROOT / name).read_text(), f"{page.name}: {name}")
                quoted.add(name)
        files = {str(path.relative_to(support.ROOT)) for path in EXAMPLES.iterdir() if path.is_file()}
        self.assertEqual(quoted, files)

    def run_command(self, words):
        """A command of a page, with its files in the test's folder."""
        words = [word.replace("runs/", f"{self.folder}/") for word in words]
        words = [str(self.folder / word) if word == "methods.html" else word for word in words]
        if words[0] == "build/bin/semlink":
            smaller = SMALLER if words[1] == "run" else []
            return self.semlink(*words[1:2], *[str(support.ROOT / w) if w.startswith("examples/") else w for w in words[2:]],
                                *smaller).stdout
        script = support.ROOT / words[0]
        subprocess.run([sys.executable, str(script), *words[1:]], check=True, timeout=support.PATIENCE)
        return ""

    def test_the_commands_of_the_pages(self):
        ran = []
        for page in PAGES:
            for words in commands(page):
                with self.subTest(page=page.name, command=" ".join(words)):
                    self.run_command(words)
                    ran.append(words[:2])
        self.assertEqual(ran.count(["build/bin/semlink", "run"]), 5)
        self.assertEqual(ran.count(["build/bin/semlink", "validate"]), 4)
        summary = support.read_json(self.folder / "ink_profile" / "summary.json")
        self.assertEqual(summary["windows"], 4)
        self.assertEqual(support.read_json(self.folder / "round_robin" / "summary.json")["method"], "round_robin")
        self.assertIn("round_robin", (self.folder / "methods.html").read_text())

    def train(self, name, *arguments):
        out = self.folder / name
        self.semlink("run", EXAMPLES / f"{name}.yaml", "--out", out, "--transport=inproc", *arguments)
        return support.read_json(out / "summary.json")

    def test_machines_are_learned_from_both_sensors(self):
        data = self.folder / "data"
        subprocess.run([sys.executable, str(EXAMPLES / "make_machines.py"), str(data)], check=True)
        summary = self.train("machines", "--set", f"data.root={data}")
        self.assertGreater(summary["accuracy"][0], 0.8)  # with one sensor: at most 0.5
        self.assertEqual(summary["test_samples"], 500)

    def test_loops_are_told_apart(self):
        summary = self.train("loops", "--set", "data.train_samples=1000", "--set", "data.test_samples=200")
        self.assertGreater(summary["accuracy"][1], 0.7)  # always "no loop": 0.6

    def test_round_robin_is_the_same_in_seven_processes(self):
        digests = []
        for transport in ("inproc", "grpc"):
            out = self.folder / transport
            self.semlink("run", EXAMPLES / "round_robin.yaml", "--out", out, f"--transport={transport}", *SMALLER)
            summary = support.read_json(out / "summary.json")
            self.assertEqual((summary["method"], summary["limits_exceeded"]), ("round_robin", 0))
            digests.append(support.parameter_digests(out))
        self.assertEqual(digests[0], digests[1])
        self.assertGreater(len(digests[0]), 5)


if __name__ == "__main__":
    unittest.main()
