#!/usr/bin/env python3
"""Bad input: a clear error that names what is wrong, the documented exit code, nothing started."""

import gzip
import math
import random
import socket
import struct
import unittest
import wave

import support

REAL_DATA = support.SMALL.replace(
    "data: {source: synthetic, train_samples: 200, test_samples: 60, audio_variants: 1}",
    "data: {source: av_mnist, audio_variants: 1}")


def write_idx(path, dims, values, compress):
    head = struct.pack(">BBBB", 0, 0, 8, len(dims)) + struct.pack(f">{len(dims)}I", *dims)
    with gzip.open(path, "wb") if compress else open(path, "wb") as file:
        file.write(head + bytes(values))


def write_wav(path, rate, samples=2000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(0.1 * i)))
                                  for i in range(samples)))


def write_data(root):
    """A tiny folder in the published formats: images of noise, recordings of a tone."""
    mnist, recordings = root / "mnist", root / "fsdd" / "recordings"
    mnist.mkdir(parents=True)
    recordings.mkdir(parents=True)
    values = random.Random(1)
    for split, count, compress in (("train", 40, True), ("t10k", 20, False)):
        end = ".gz" if compress else ""
        write_idx(mnist / f"{split}-images-idx3-ubyte{end}", (count, 28, 28),
                  [values.randrange(256) for _ in range(count * 784)], compress)
        write_idx(mnist / f"{split}-labels-idx1-ubyte{end}", (count,),
                  [i % 10 for i in range(count)], compress)
    for digit in range(10):
        for index in (0, 5):
            write_wav(recordings / f"{digit}_theo_{index}.wav", 8000)


class DataTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.root = self.folder / "data"
        write_data(self.root)
        self.scenario = self.write("real.yaml", REAL_DATA)

    def run_on(self, root, transport="inproc", expect=None):
        self.out = self.folder / f"run-{transport}"
        result = support.run("semlink", "run", self.scenario, "--out", self.out,
                             f"--transport={transport}", "--set", f"data.root={root}", "--set",
                             "training.windows=2")
        if expect is None:
            self.assertIn(result.returncode, (1, 2), result.stderr)
        else:
            self.assertEqual(result.returncode, expect, result.stderr)
        return result

    def test_the_sound_folder_works(self):
        # Without this the other tests would prove nothing.
        self.run_on(self.root, expect=0)
        self.assertEqual(support.read_json(self.out / "summary.json")["test_samples"], 20)

    def test_missing_folder(self):
        missing = self.folder / "nowhere"
        result = self.run_on(missing, expect=2)
        self.assert_says(result.stderr, str(missing))
        self.assertFalse((self.out / "metrics.jsonl").exists())

    def test_no_root(self):
        result = self.semlink("run", self.scenario, "--out", self.folder / "run", expect=2)
        self.assert_says(result.stderr, "data.root")

    def test_missing_file(self):
        (self.root / "mnist" / "t10k-labels-idx1-ubyte").unlink()
        self.assert_says(self.run_on(self.root).stderr, "t10k-labels-idx1-ubyte")

    def test_truncated_file(self):
        path = self.root / "mnist" / "t10k-images-idx3-ubyte"
        path.write_bytes(path.read_bytes()[:5000])
        self.assert_says(self.run_on(self.root).stderr, "t10k-images-idx3-ubyte")

    def test_truncated_gzip_file(self):
        path = self.root / "mnist" / "train-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:-2000])
        self.assert_says(self.run_on(self.root).stderr, "train-images-idx3-ubyte.gz")

    def test_a_file_of_something_else(self):
        path = self.root / "mnist" / "t10k-labels-idx1-ubyte"
        path.write_bytes(b"<html>not found</html>")
        self.assert_says(self.run_on(self.root).stderr, "t10k-labels-idx1-ubyte")

    def test_recording_of_another_rate(self):
        write_wav(self.root / "fsdd" / "recordings" / "3_theo_5.wav", 16000)
        result = self.run_on(self.root)
        self.assert_says(result.stderr, "3_theo_5.wav", "16000", "8000")

    def test_truncated_recording(self):
        path = self.root / "fsdd" / "recordings" / "7_theo_0.wav"
        path.write_bytes(path.read_bytes()[:20])
        self.assert_says(self.run_on(self.root).stderr, "7_theo_0.wav")

    def test_a_digit_without_recordings(self):
        (self.root / "fsdd" / "recordings" / "4_theo_0.wav").unlink()
        self.assert_says(self.run_on(self.root).stderr, "digit 4")

    def test_a_daemon_names_the_file(self):
        write_wav(self.root / "fsdd" / "recordings" / "3_theo_5.wav", 16000)
        result = self.run_on(self.root, transport="grpc")
        self.assert_says(result.stderr, "3_theo_5.wav", "transmitter")


class ScenarioTest(support.SemlinkTest):
    # (what to replace, by what, what the message must name)
    MISTAKES = [
        ("e_k: 4", "e_x: 4", ["e_x"]),
        ("e_t: 2", "e_t: two", ["e_t"]),
        ("e_t: 2", "e_t: 0", ["e_t"]),
        ("e_t: 2", "e_t: 7", ["e_t"]),
        ("windows: 50", "windows: -1", ["windows"]),
        ("batch_size: 8", "batch_size: 1.5", ["batch_size"]),
        ("source: synthetic", "source: mnist", ["source", "av_mnist"]),
        ("{task: ring}", "{task: rong}", ["task", "rong"]),
        ("[noise, noise, image_fft]", "[noise, nois, image_fft]", ["nois"]),
        ("[noise, noise, image_fft]", "[]", ["modalities"]),
        ("receivers: [{task: parity}, {task: ring}, {task: digit}]", "receivers: []",
         ["receivers"]),
        ("cr_draws: 2", "cr_draws: 0", ["cr_draws"]),
        ("hidden1: 64", "hidden1: [64]", ["hidden1"]),
        ("seed: 1", "seed: 1\nseed: 2", ["seed"]),
        ("seed: 1", "seed: {", [""]),
    ]

    def test_mistakes_name_file_line_and_key(self):
        for number, (old, new, parts) in enumerate(self.MISTAKES):
            with self.subTest(new):
                self.assertIn(old, support.SMALL)
                path = self.write(f"mistake{number}.yaml", support.SMALL.replace(old, new))
                result = self.semlink("validate", path, expect=2)
                self.assertRegex(result.stderr, rf"mistake{number}\.yaml:\d+")
                self.assert_says(result.stderr, *parts)

    def test_a_run_with_a_mistake_starts_nothing(self):
        path = self.write("mistake.yaml", support.SMALL.replace("e_t: 2", "e_t: two"))
        for transport in ("inproc", "grpc"):
            result = self.semlink("run", path, f"--transport={transport}", "--out",
                                  self.folder / "run", expect=2)
            self.assert_says(result.stderr, "mistake.yaml", "e_t")
            self.assertFalse((self.folder / "run").exists())
        result = self.run_program("semlink-coordinator", "--scenario", path, "--out",
                                  self.folder / "run", "--listen=127.0.0.1:0", "--insecure")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assert_says(result.stderr, "e_t")

    def test_a_mistake_on_the_command_line(self):
        path = self.write("good.yaml", support.SMALL)
        result = self.semlink("run", path, "--set", "training.widows=3", "--out",
                              self.folder / "run", expect=2)
        self.assert_says(result.stderr, "--set", "training.widows", "windows")

    def test_all_mistakes_at_once(self):
        text = support.SMALL.replace("e_t: 2", "e_t: two").replace("seed: 1", "sead: 1")
        result = self.semlink("validate", self.write("mistakes.yaml", text), expect=2)
        self.assert_says(result.stderr, "e_t", "sead")


class ConnectionTest(support.SemlinkTest):
    def small_coordinator(self):
        return self.start_coordinator(self.write("small.yaml", support.SMALL), "--insecure")

    def test_port_in_use(self):
        scenario = self.write("small.yaml", support.SMALL)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            result = self.run_program("semlink-coordinator", "--scenario", scenario, "--out",
                                      self.folder / "a", f"--listen=127.0.0.1:{port}", "--insecure")
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assert_says(result.stderr, port, "in use")
            result = self.semlink("run", scenario, "--out", self.folder / "b", "--port", port,
                                  expect=3)
            self.assert_says(result.stderr, port, "in use")
            result = self.run_program("semlink-transmitter", "--coordinator=127.0.0.1:1",
                                      "--index=1", f"--listen=127.0.0.1:{port}", "--insecure")
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assert_says(result.stderr, port, "in use")

    def test_a_node_that_is_not_in_the_scenario(self):
        coordinator, address, log = self.small_coordinator()
        for program in ("semlink-transmitter", "semlink-receiver"):
            result = self.run_program(program, f"--coordinator={address}", "--index=4",
                                      "--insecure")
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assert_says(result.stderr, "refused", "4")
        self.assertIsNone(coordinator.poll(), log.read_text())
        refused = support.events_of(self.folder / "run", "refused")
        self.assertEqual([e["node"] for e in refused], ["transmitter4", "receiver4"])

    def test_a_second_node_of_the_same_name(self):
        coordinator, address, log = self.small_coordinator()
        first = self.start("semlink-transmitter", f"--coordinator={address}", "--index=1",
                           "--insecure",
                           error_file=self.folder / "first.log")
        support.wait_until(lambda: support.node_pids(self.folder / "run").get("transmitter1"),
                           "transmitter1")
        # It goes on trying: the first one may be dead without the coordinator knowing yet.
        result = self.run_program("semlink-transmitter", f"--coordinator={address}", "--index=1",
                                  "--insecure", "--wait=3")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assert_says(result.stderr, "live", "transmitter1")
        self.assertIsNone(first.poll())
        self.assertIsNone(coordinator.poll(), log.read_text())

    def test_beyond_this_machine_needs_tls(self):
        scenario = self.write("small.yaml", support.SMALL)
        result = self.run_program("semlink-coordinator", "--scenario", scenario, "--out",
                                  self.folder / "run", "--listen=0.0.0.0:0", "--insecure")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assert_says(result.stderr, "0.0.0.0", "loopback", "--tls")

    def test_malformed_addresses(self):
        for address in ("nonsense", "127.0.0.1", "127.0.0.1:99999", ":"):
            with self.subTest(address):
                result = self.run_program("semlink-receiver", f"--coordinator={address}",
                                          "--index=1", "--wait=2", "--insecure")
                self.assertEqual(result.returncode, 2, result.stderr)


if __name__ == "__main__":
    unittest.main()
