# SPDX-License-Identifier: Apache-2.0
"""Finds which of the teacher's masks it stands by: how far the mirrored photo's mask agrees.

    python3 models/training/agreement.py --cache CACHE --teacher u2netp.onnx

Writes CACHE/agreement.json, {picture number: soft IoU of the cached mask and the mask of the
mirrored photo}; train.py then leaves out what is under records.AGREEMENT. Goes on where it stopped.
"""
import argparse
import json
import os
from pathlib import Path

import numpy as np

from records import SIZE, Records
from teacher import Teacher


def soft_overlap(one, other):
    return float(np.minimum(one, other).sum() / max(1.0, np.maximum(one, other).sum()))


def save(found, path):
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found), encoding="utf-8")
    os.replace(part, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help=f"{SIZE}x{SIZE} U²-Net as ONNX")
    args = parser.parse_args()
    teacher = Teacher(args.teacher)
    path = args.cache / "agreement.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    records = Records(args.cache)
    numbers = [n for name in records.names("teacher") for n in records.sets["teacher", name]]
    for count, number in enumerate(numbers, 1):
        if str(number) in found:
            continue
        four = records.pixels[number]
        mirrored = teacher.mask_of(four[:, ::-1, :3])[:, ::-1]
        found[str(number)] = soft_overlap(four[:, :, 3] / np.float32(255), mirrored)
        if count % 200 == 0:
            save(found, path)
    save(found, path)
    kept = sum(value >= 0.8 for value in found.values())
    print(f"{len(found)} masks of the teacher, {kept} agree to 0.8 or better")


if __name__ == "__main__":
    main()
