#!/usr/bin/env python3
"""What a run leaves is read by other programs: torch.load, and any safetensors reader."""

import json
import shutil
import struct
import subprocess
import sys
import unittest

import support

# Values that show a wrong order, sign or width.
TENSORS = {
    "decoder.block1.linear1.weight": ([2, 3], [1.0, -2.5, 3.0, 4.0, 5.25, -6.0]),
    "decoder.output.bias": ([4], [0.0, 1e-30, -1e30, 0.1]),
    "scalar": ([], [7.0]),
}

READ_WITH_TORCH = """
import json, sys, torch
tensors = torch.load(sys.argv[1])
print(json.dumps({name: [list(tensor.shape), tensor.flatten().tolist(), str(tensor.dtype)]
                  for name, tensor in tensors.items()}))
"""


def python_with_torch():
    """A Python that has torch (Debian: python3-torch), or None."""
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run(
                [python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    return None


def float32(values):
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class ExportTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.folder / "run"
        self.source = self.run_folder / "parameters" / "receiver1.safetensors"
        write_safetensors(self.source, TENSORS)

    def test_torch_load_reads_the_same_values(self):
        python = python_with_torch()
        if python is None:
            self.skipTest("no Python with torch on this machine (Debian: python3-torch)")
        self.semlink("export", self.run_folder)
        output = subprocess.run([python, "-c", READ_WITH_TORCH, self.run_folder / "export" / "receiver1.pt"],
                                check=True, capture_output=True, text=True).stdout
        expected = {name: [shape, float32(values), "torch.float32"] for name, (shape, values) in TENSORS.items()}
        self.assertEqual(json.loads(output), expected)

    def test_safetensors_are_the_same_bytes(self):
        self.semlink("export", self.run_folder, "--format", "safetensors", "--out", self.folder / "there")
        self.assertEqual((self.folder / "there" / "receiver1.safetensors").read_bytes(), self.source.read_bytes())

    def test_a_single_file(self):
        self.semlink("export", self.source, expect=2)  # where to?
        self.semlink("export", self.source, "--out", self.folder / "one")
        self.assertTrue((self.folder / "one" / "receiver1.pt").exists())

    def test_what_is_damaged_is_not_passed_on(self):
        self.source.write_bytes(self.source.read_bytes()[:-1])
        for form in ("torch", "safetensors"):
            self.semlink("export", self.run_folder, "--format", form, expect=1)
        self.assertEqual(list((self.run_folder / "export").glob("*")), [])

    def test_a_file_of_another_kind(self):
        notes = self.write("notes.txt", "not tensors")
        for arguments in ([], ["--out", self.folder / "there"], ["--format=safetensors"]):
            result = self.semlink("export", notes, *arguments, expect=2)
            self.assert_says(result.stderr, "notes.txt", "is no .safetensors file")
        self.assertFalse((self.folder / "there").exists())

    def test_no_run(self):
        self.semlink("export", self.folder / "nothing", expect=2)


if __name__ == "__main__":
    unittest.main()
