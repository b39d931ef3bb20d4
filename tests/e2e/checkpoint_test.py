#!/usr/bin/env python3
"""Checkpoints as docs/formats/checkpoint.md says, read with the standard library alone."""

import hashlib
import json
import struct
import unittest

import support


def read_safetensors(path):
    """The header's metadata and {name: (shape, bytes)}."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    body = data[8 + size:]
    return metadata, {name: (entry["shape"], body[slice(*entry["data_offsets"])]) for name, entry in header.items()}


class CheckpointTest(support.SemlinkTest):
    def test_files_of_a_run(self):
        scenario = self.write("small.yaml", support.SMALL + "checkpoint: {every: 10, keep: 2}\n")
        out = self.folder / "run"
        self.semlink("run", scenario, "--transport=grpc", "--out", out)
        resolved = hashlib.sha256((out / "scenario.yaml").read_bytes()).hexdigest()
        nodes = sorted(path.stem for path in (out / "parameters").glob("*.safetensors"))
        self.assertEqual(len(nodes), 6)
        for node in nodes:
            files = sorted((out / "checkpoints" / node).iterdir())
            # The last two that were complete when the third was asked for.
            self.assertEqual([file.name for file in files],
                             [f"window-0000{window}.safetensors" for window in (30, 40, 50)])
            for file in files:
                data = file.read_bytes()
                metadata, tensors = read_safetensors(file)
                checksum = metadata["checksum"]
                self.assertEqual(
                    hashlib.sha256(data.replace(checksum.encode(), b"0" * 64, 1)).hexdigest(), checksum)
                self.assertEqual(metadata["format"], "semlink checkpoint")
                self.assertEqual(metadata["version"], "1")
                self.assertEqual(metadata["node"], node)
                self.assertEqual(metadata["seed"], "1")
                self.assertEqual(f"window-{int(metadata['window']):06d}.safetensors", file.name)
                self.assertEqual(metadata["scenario_sha256"], resolved)
                self.assertEqual("baseline" in metadata, node.startswith("receiver"))
            # The last one holds the parameters that the run ended with, and as many moments.
            _, parameters = read_safetensors(out / "parameters" / f"{node}.safetensors")
            for name, value in parameters.items():
                self.assertEqual(tensors[name], value, f"{node} {name}")
            for learner in {name.split(".")[0] for name in parameters}:
                count = sum(len(data) // 4 for name, (_, data) in parameters.items()
                            if name.startswith(learner + "."))
                for moment in ("first", "second"):
                    self.assertEqual(tensors[f"{learner}.adamw.{moment}_moment"][0], [count])
                self.assertLessEqual(int(metadata[f"{learner}.adamw.steps"]), 50)
            self.assertGreaterEqual(int(metadata["selector.adamw.steps"]), 40)


if __name__ == "__main__":
    unittest.main()
