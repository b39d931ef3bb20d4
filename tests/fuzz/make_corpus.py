#!/usr/bin/env python3
"""Writes the seeds of the corpora and the scenario reader's dictionary: make_corpus.py FOLDER. Inputs that were found later, by a
fuzzer or by hand, lie beside them under names of their own; this script leaves them alone."""

import gzip
import json
import math
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def write(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def without_comments(text):
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")) + "\n"


def scenario(folder):
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        write(folder, "seed_" + path.stem, without_comments(path.read_text()).encode())
    small = (
        "name: small\ntransmitters: [{modalities: [noise, image_fft]}]\nreceivers: [{task: parity}, {task: digit}]\n"
        "model: {hidden1: 8, embedding: 4}\nlimits: {e_t: 1, e_k: 2}\ntraining: {windows: 2}\n"
    )
    write(folder, "seed_set", (small + "\n--set\ntransmitters.1.device=cpu\ntraining.windows=3\nlimits.e_t=2\n").encode())
    write(folder, "seed_mistakes", b"name: [1]\ntransmitters: {}\nlimits: {e_t: -1, e_kk: 1e999}\nmodel: ~\n--- \n&a [*a]\n")
    write(folder, "seed_anchors", b"a: &a [1,2]\nb: &b [*a,*a]\nname: *b\nmodel: {<<: *a}\n")


def safetensors(tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, shape in tensors:
        count = math.prod(shape)
        end = len(data) + 4 * count
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), end]}
        data += struct.pack(f"<{count}f", *range(count))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def store(folder):
    tensors = [("encoder.weight", [2, 3]), ("b", [3]), ("empty", [0]), ("scalar", [])]
    owner = {
        "checksum": "0" * 64,
        "format": "semlink checkpoint",
        "node": "transmitter1",
        "scenario_sha256": "a" * 64,
        "seed": "7",
        "version": "1",
        "window": "3",
    }
    write(folder, "seed_safetensors", b"\0" + safetensors(tensors, {"key": "text"}))
    write(folder, "seed_none", b"\0" + safetensors([], {}))
    write(folder, "seed_checkpoint_wrong_sum", b"\1" + safetensors(tensors, owner))
    write(folder, "seed_checkpoint", b"\2" + safetensors(tensors, owner))
    write(folder, "seed_checkpoint_other", b"\2" + safetensors(tensors, {**owner, "version": "2"}))


def idx(folder):
    def array(dims, size=None):
        count = math.prod(dims) if size is None else size
        return struct.pack(f">BBBB{len(dims)}I", 0, 0, 8, len(dims), *dims) + bytes(i & 255 for i in range(count))

    write(folder, "seed_labels", b"\0" + array([5]))
    write(folder, "seed_images", b"\2" + array([2, 3, 4]))
    write(folder, "seed_images_gzip", b"\2" + gzip.compress(array([2, 3, 4]), mtime=0))
    write(folder, "seed_short_gzip", b"\2" + gzip.compress(array([2, 3, 4]), mtime=0)[:-6])
    write(folder, "seed_promises_much", b"\2" + array([1 << 20, 28, 28], 10))
    write(folder, "seed_overflow", b"\2" + array([1 << 31, 1 << 31, 4], 10))
    write(folder, "seed_bomb_gzip", b"\0" + gzip.compress(array([1000]) + b"\0" * 100000, mtime=0))


def wav(folder):
    def riff(fmt, data):
        body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
        return b"RIFF" + struct.pack("<I", len(body)) + body

    def kind(code, bits, rate=8000, channels=1):
        width = bits // 8 * channels
        return struct.pack("<HHIIHH", code, channels, rate, rate * width, width, bits)

    tone = [math.sin(0.3 * i) for i in range(60)]
    pcm = struct.pack("<60h", *(int(20000 * x) for x in tone))
    write(folder, "seed_pcm16", riff(kind(1, 16), pcm))
    write(folder, "seed_pcm8", riff(kind(1, 8), bytes(int(128 + 100 * x) for x in tone)))
    write(folder, "seed_float", riff(kind(3, 32), struct.pack("<60f", *tone)))
    write(folder, "seed_double", riff(kind(3, 64), struct.pack("<60d", *tone)))
    write(folder, "seed_mulaw", riff(kind(7, 8), bytes(range(60))))
    write(folder, "seed_stereo", riff(kind(1, 16, channels=2), pcm))
    write(folder, "seed_rate", riff(kind(1, 16, rate=16000), pcm))
    write(folder, "seed_short", riff(kind(1, 16), pcm)[:-9])
    write(folder, "found_nan_samples", riff(kind(3, 32), struct.pack("<4f", math.nan, math.inf, 1e30, -7)))


def claims(folder):
    def link(k, m, t, rounds):
        return bytes([k, m, t, len(rounds), *rounds])

    limits = bytes([0, 1, 1, 1, 1, 1, 0xFF, 3])  # E_t 1, E_k 2, K 2, M 2 and 2, T 2, all up, 4 rounds
    first = bytes([3]) + link(0, 0, 0, [0, 1, 2]) + link(0, 1, 0, [0, 3]) + link(0, 1, 1, [0, 1])
    second = bytes([3]) + link(1, 0, 0, [0, 1]) + link(0, 0, 0, [2]) + link(1, 1, 1, [3, 3])
    write(folder, "seed_contended", limits + first + second)
    write(folder, "seed_out_of_range", limits + bytes([1]) + link(0, 255, 255, [255, 0]))


def window(folder):
    def varint(n):
        return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)

    def field(number, value):
        if isinstance(value, bytes):
            return varint(number << 3 | 2) + varint(len(value)) + value
        return varint(number << 3) + varint(value)

    def link(k, m, t, rounds):
        return field(2, field(1, k) + field(2, m) + field(3, t) + field(4, bytes(rounds)))

    def act(sender, kind, body=b""):
        return bytes([sender, kind]) + (bytes([len(body)]) + body if kind not in (3, 7) else b"")

    claim = act(0, 4, link(0, 0, 0, [0, 2]) + link(0, 1, 1, [1])) + act(1, 4, link(1, 0, 1, [1, 2])) + act(0, 3)
    reports = b"".join(act(sender, 5) for sender in range(4))
    used = field(9, field(1, 0) + field(2, 0) + field(3, 0) + field(4, 2))
    failed = field(14, field(1, 0) + field(2, 1) + field(3, 2))
    write(folder, "seed_train", b"\0\0" + claim + reports)
    write(folder, "seed_train_links", b"\0\0" + claim + act(0, 5, used) + act(3, 5, failed) + act(1, 5) + act(2, 5))
    write(folder, "seed_train_one_down", b"\0\2" + claim + reports)
    write(folder, "seed_train_cut", b"\0\x10" + claim + reports)
    write(folder, "seed_evaluate", b"\1\0" + claim + reports)
    infer = field(2, 10) + field(3, 5)
    write(folder, "seed_infer", b"\2\0" + act(0, 4, link(0, 0, 0, [0])) + act(1, 4) + act(0, 3) + act(2, 6, infer) + act(3, 6, infer))


def transmitter(folder):
    grant = bytes([6, 0])
    asked = bytes([0, 7, 0, 1, 5, 0])
    train = bytes([4, 0]) + asked + grant + bytes([2, 0, 3, 0, 8, 0])
    evaluate = bytes([5, 0, 0]) + asked + grant + bytes([8, 0])
    infer = bytes([5, 1, 0]) + bytes([0, 1, 0, 1, 1, 0]) + grant + bytes([10, 0, 8, 0])
    write(folder, "seed_train", train + train)
    write(folder, "seed_abort", bytes([4, 0]) + asked + grant + bytes([2, 0, 9, 0]) + train)
    write(folder, "seed_evaluate", evaluate + infer)
    write(folder, "seed_lost", bytes([4, 0]) + asked + bytes([12, 1, 1]) + grant + bytes([2, 0, 12, 0, 8, 0]))
    write(folder, "seed_wrong", bytes([4, 0]) + asked + grant + bytes([2, 1, 1, 1, 3, 0, 2, 9]) + bytes([11, 0, 0, 11, 3, 0]))


def receiver(folder):
    train = bytes([4, 0, 6, 0, 0, 0, 1, 0, 8, 0])
    write(folder, "seed_train", train + train)
    write(folder, "seed_abort", bytes([4, 0, 6, 0, 0, 0, 9, 0]) + train)
    write(folder, "seed_evaluate", bytes([5, 0, 0, 6, 0, 0, 0, 1, 0, 8, 0]))
    write(folder, "seed_infer", bytes([5, 1, 0, 6, 0, 10, 0]) + bytes([0, 0, 1, 0]) * 6 + bytes([8, 0]))
    write(folder, "seed_lost", bytes([4, 0, 6, 0, 0, 0, 12, 1, 1, 12, 0, 8, 0]))
    write(folder, "seed_wrong", bytes([4, 0, 6, 0, 0, 1, 1, 1, 3, 0, 2, 9, 1, 0, 11, 0, 0, 11, 3, 0]))


def coordinator(folder):
    def claims(first=b"\0"):
        return bytes([0, 0]) + first + b"\0" + bytes([1, 0, 0, 0])

    reports = bytes([0, 3, 0, 1, 3, 0, 2, 3, 0, 3, 3, 0])
    window = claims(b"\2\0\7") + reports
    everyone = lambda kind, tail=b"\0": b"".join(bytes([node, kind]) + tail for node in range(4))
    write(folder, "seed_run", b"\1" + window * 2 + everyone(12) + everyone(11) + claims() + reports + claims() + reports)
    write(folder, "seed_lost", b"\1" + claims() + reports[:6] + bytes([2, 13, 2, 7, 0, 2, 8, 1, 1, 0]) + window)
    write(folder, "seed_silent", b"\1" + claims() + bytes([0, 14, 199]) + window)
    write(folder, "seed_join", b"\0" + everyone(7) + everyone(8, b"\0\0") + everyone(9) + bytes([0, 10, 0, 1, 0, 10, 1, 1]))
    write(folder, "seed_wrong", b"\1" + bytes([0, 0, 1, 3, 1, 2, 1, 0, 0, 1, 3, 0]) + window)


def dictionary(path):
    text = "\n".join(p.read_text() for p in sorted((ROOT / "configs").glob("*.yaml")))
    text += (ROOT / "docs" / "scenario.md").read_text()
    words = sorted(set(re.findall(r"\b[a-z][a-z0-9_]{2,}\b(?=:)", text)) | set(re.findall(r"`([a-z][a-z0-9_]+)`", text)))
    path.write_text("".join(f'"{word}"\n' for word in words) + '"\\x0a--set\\x0a"\n"&a "\n"*a"\n"<<: "\n".nan"\n".inf"\n')


def main():
    folder = pathlib.Path(sys.argv[1])
    for make in (scenario, store, idx, wav, claims, window, transmitter, receiver, coordinator):
        make(folder / make.__name__)
    dictionary(folder.parent / "scenario.dict")


if __name__ == "__main__":
    main()
