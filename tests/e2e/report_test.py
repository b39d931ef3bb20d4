#!/usr/bin/env python3
"""`semlink report` on runs of the real programs, looked at in a browser. SEMLINK_SCREENSHOTS=DIR keeps the pictures."""

import csv
import html
import io
import json
import os
import pathlib
import re
import shutil
import statistics
import struct
import tempfile
import unittest

import chromium
import support

WINDOWS = 6
PHONE, DESKTOP, PAPER = (360, 740), (1280, 800), (690, 1000)  # PAPER: A4 less its margins


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of each field of a serialised protobuf message."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            size = {1: 8, 5: 4}[tag & 7]
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def read_event_file(path):
    """[(step, {tag: value})], by the descriptions of TFRecord and of TensorBoard's Event."""
    data, at, events = pathlib.Path(path).read_bytes(), 0, []
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert check == masked(data[at:at + 8]), "CRC of a length"
        body = data[at + 12:at + 12 + length]
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(body), "CRC of a record"
        at += 16 + length
        step, scalars = 0, {}
        for number, value in fields(body):
            if number == 2:
                step = value
            if number == 5:
                for _, entry in fields(value):
                    parts = dict(fields(entry))
                    scalars[parts[1].decode()] = struct.unpack("<f", parts[2])[0]
        events.append((step, scalars))
    return events


class RunsTest(support.SemlinkTest):
    """Two seeds of a small scenario and a report on them. Has no tests itself."""

    @classmethod
    def setUpClass(cls):
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="semlink-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        scenario = cls.shared / "small.yaml"
        scenario.write_text(support.SMALL)
        cls.runs = [cls.shared / f"seed{seed}" for seed in (1, 2)]
        for seed, run in enumerate(cls.runs, 1):
            result = support.run("semlink", "run", scenario, "--out", run, "--transport=inproc", "--set", f"seed={seed}",
                                 "--set", f"training.windows={WINDOWS}")
            if result.returncode != 0:
                raise AssertionError(result.stderr)
        cls.page = cls.shared / "report.html"
        result = support.run("semlink", "report", *cls.runs, "-o", cls.page)
        if result.returncode != 0:
            raise AssertionError(result.stderr)
        cls.text = cls.page.read_text()


class ReportTest(RunsTest):
    def figure_at(self, source):
        """What the lines that one "RUN/FILE:LINE[-LINE] POINTER" names say, and their mean."""
        run, file, first, last, pointer = re.fullmatch(r"([^/]+)/([a-z.]+):(\d+)(?:-(\d+))? /(.*)", source).groups()
        text = (self.shared / run / file).read_text()
        if file == "summary.json":
            value = json.loads(text)
            for key in pointer.split("/"):
                value = value[int(key)] if isinstance(value, list) else value[key]
            self.assertIn(json.dumps(value), text.splitlines()[int(first) - 1])
            return value
        values = []
        for line in text.splitlines()[int(first) - 1:int(last or first)]:
            value = json.loads(line)
            for key in pointer.split("/"):
                value = value[int(key)] if isinstance(value, list) else value[key]
            values.append(value)
        return statistics.fmean(values)

    def test_figures_trace_to_lines_of_the_run_folders(self):
        checked = set()
        for value, source in re.findall(r'<td[^>]* data-value="([^"]+)" data-source="([^"]+)"', self.text):
            parts = html.unescape(source).split("; ")
            key = parts[0].split(" ")[-1].split("/")[1] if " /" in parts[0] else ""
            if key not in ("accuracy", "nce", "rate_nats", "loss", "links_mean", "seconds_per_window", "selection_entropy"):
                continue
            mean = statistics.fmean(self.figure_at(part) for part in parts)
            self.assertAlmostEqual(float(value), mean * (100 if key == "accuracy" else 1), places=6, msg=source)
            checked.add((key, parts[0].split(":")[0]))
        self.assertGreaterEqual(len(checked), 8, checked)

    def test_tables_for_other_programs(self):
        rows = list(csv.DictReader(io.StringIO(self.semlink("report", *self.runs, "--format=csv").stdout)))
        rate = next(row for row in rows if row["table"] == "quality" and row["column"] == "sum-rate")
        mean = statistics.fmean(support.read_json(run / "summary.json")["rate_nats"] for run in self.runs)
        self.assertAlmostEqual(float(rate["value"]), mean)
        self.assertEqual(rate["n"], "2")
        self.assertGreater(float(rate["interval95"]), 0)
        tables = json.loads(self.semlink("report", *self.runs, "--format=json", "--table=quality").stdout)["tables"]
        self.assertEqual([table["id"] for table in tables], ["quality"])
        latex = self.semlink("report", *self.runs, "--format=latex", "--table=cost").stdout
        self.assert_says(latex, r"\begin{tabular}", r"\bottomrule")
        self.assert_says(self.semlink("report", *self.runs, "--format=csv", "--table=x", expect=2).stderr,
                         "--table: found x", "quality")

    def test_event_files_of_tensorboard(self):
        folder = self.folder / "tb"
        self.semlink("report", *self.runs, "--tensorboard", folder)
        files = sorted(folder.glob("*/events.out.tfevents.*"))
        self.assertEqual([file.parent.name for file in files], ["seed1", "seed2"])
        events = read_event_file(files[0])
        lines = support.read_lines(self.runs[0] / "metrics.jsonl")
        self.assertEqual(len(events), 1 + WINDOWS + 1)
        for (step, scalars), line in zip(events[1:], lines):
            self.assertEqual(step, line["window"])
            self.assertAlmostEqual(scalars["train/loss/1 parity"], line["loss"][0], places=5)
            self.assertAlmostEqual(scalars["train/rate_nats"], line["rate_nats"], places=3)

    def test_a_damaged_run_is_named_and_the_rest_is_shown(self):
        damaged = self.folder / "damaged"
        shutil.copytree(self.runs[1], damaged)
        (damaged / "summary.json").unlink()
        lines = (damaged / "metrics.jsonl").read_text().splitlines()
        lines[2] = lines[2][:40]
        (damaged / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        page = self.folder / "report.html"
        result = self.semlink("report", self.runs[0], damaged, "-o", page)
        self.assert_says(result.stderr, "damaged/metrics.jsonl:3: found no JSON object", "damaged/summary.json: is not there")
        self.assert_says(page.read_text(), "What is missing", "damaged/metrics.jsonl:3")

    def test_without_a_run_there_is_no_report(self):
        page = self.folder / "report.html"
        self.assert_says(self.semlink("report", self.folder / "nowhere", "-o", page, expect=2).stderr, "no such run folder")
        self.assert_says(self.semlink("report", self.folder, "-o", page, expect=2).stderr, "no scenario.yaml")
        self.assert_says(self.semlink("report", self.runs[0], expect=2).stderr, "-o report.html")
        self.assertFalse(page.exists())


@unittest.skipUnless(chromium.find(), "NOT LOOKED AT: no Chromium; scripts/install_dependencies.sh --tests installs it")
class BrowserTest(RunsTest):
    """The page in a browser. SEMLINK_REPORT_PAGE=FILE looks at another page."""

    @classmethod
    def setUpClass(cls):
        other = os.environ.get("SEMLINK_REPORT_PAGE")
        if other:
            cls.page = pathlib.Path(other).resolve()
        else:
            super().setUpClass()
        cls.browser = chromium.Chromium(chromium.find())
        cls.addClassCleanup(cls.browser.close)

    def keep(self, name, data):
        folder = os.environ.get("SEMLINK_SCREENSHOTS")
        if folder:
            (pathlib.Path(folder) / name).write_bytes(data)

    def look(self, size, scheme, media="screen"):
        self.browser.view(*size, scheme, media)
        events = self.browser.open(self.page.as_uri())
        wrong = [e["params"] for e in events if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded",
                                                                     "Runtime.consoleAPICalled")]
        self.assertEqual(wrong, [])
        asked = [e["params"]["request"]["url"] for e in events if e.get("method") == "Network.requestWillBeSent"]
        self.assertEqual([url for url in asked if not url.startswith("data:")], [self.page.as_uri()])

    def test_no_width_overflows_in_any_light(self):
        for size in (PHONE, DESKTOP):
            for scheme in ("light", "dark"):
                with self.subTest(size=size, scheme=scheme):
                    self.look(size, scheme)
                    self.browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
                    self.keep(f"{size[0]}-{scheme}.png", self.browser.screenshot())
                    self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), size[0])

    def test_light_and_dark_can_be_read(self):
        for scheme in ("light", "dark"):
            self.look(DESKTOP, scheme)
            ground, text = (self.browser.evaluate(
                f"getComputedStyle(document.body).{what}.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0)")
                for what in ("backgroundColor", "color"))
            self.assertGreater((ground - text) * (1 if scheme == "light" else -1), 450, scheme)
            faint = self.browser.evaluate("""[...document.querySelectorAll('svg text')].filter(
                t => getComputedStyle(t).fill != getComputedStyle(document.body).color).length""")
            self.assertEqual(faint, 0)

    def test_text_in_plots_is_legible_on_a_phone(self):
        self.look(PHONE, "light")
        smallest = self.browser.evaluate("""Math.min(...[...document.querySelectorAll('figure > svg text')].filter(
            t => t.getBoundingClientRect().height > 0).map(
            t => parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getScreenCTM().a))""")
        self.assertGreaterEqual(smallest, 8.5)

    def test_every_picture_has_words(self):
        self.look(DESKTOP, "light")
        wordless = self.browser.evaluate("""[...document.querySelectorAll('svg:not([aria-hidden])')].filter(
            s => s.getAttribute('role') != 'img' || !s.getAttribute('aria-labelledby').split(' ').every(
                id => document.getElementById(id).textContent.length > 3)).length""")
        self.assertEqual(wordless, 0)
        self.assertGreater(self.browser.evaluate("document.querySelectorAll('svg[role=img]').length"), 8)

    def test_text_does_not_leave_its_picture(self):
        self.look(DESKTOP, "light")
        outside = self.browser.evaluate("""[...document.querySelectorAll('svg[role=img] text')].filter(t => {
            const a = t.getBoundingClientRect(), b = t.ownerSVGElement.getBoundingClientRect();
            return a.width > 0 && (a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1);
        }).map(t => t.ownerSVGElement.querySelector('title').textContent + ': ' + t.textContent)""")
        self.assertEqual(outside, [])

    def test_it_prints(self):
        self.look(PAPER, "dark", "print")
        self.assertLessEqual(self.browser.evaluate("document.documentElement.scrollWidth"), PAPER[0])
        ground = self.browser.evaluate("getComputedStyle(document.body).getPropertyValue('--ground').trim()")
        self.assertEqual(ground, "#ffffff")
        pdf = self.browser.pdf()
        self.keep("print.pdf", pdf)
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(pdf), 20000)


if __name__ == "__main__":
    unittest.main()
