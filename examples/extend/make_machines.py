#!/usr/bin/env python3
"""make_machines.py DIR: writes train.csv and test.csv with measurements of machines that never were.

Faults 0 and 1 differ from 2 and 3 in the vibration, 0 and 2 from 1 and 3 in the temperature: a receiver needs both sensors."""

import math
import pathlib
import random
import sys


def sample(rng):
    fault = rng.randrange(4)
    pitch = 2 if fault < 2 else 5
    vibration = [math.sin(2 * math.pi * pitch * i / 16) + rng.gauss(0, 0.5) for i in range(16)]
    warmth = 1 if fault % 2 else -1
    temperature = [warmth + rng.gauss(0, 0.7) for _ in range(4)]
    return ",".join([str(fault)] + [f"{x:.4f}" for x in vibration + temperature])


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = random.Random(1)
for name, size in (("train.csv", 2000), ("test.csv", 500)):
    (folder / name).write_text("".join(sample(rng) + "\n" for _ in range(size)))
