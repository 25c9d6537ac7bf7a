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

MEAN = np.array((0.485, 0.456, 0.406), np.float32)
STD = np.array((0.229, 0.224, 0.225), np.float32)


def mask_of(session, photo):
    """[SIZE, SIZE] mask in 0..1 of a uint8 photo; U²-Net divides by the photo's brightest value."""
    image = photo.astype(np.float32) / max(1, int(photo.max()))
    planes = ((image - MEAN) / STD).transpose(2, 0, 1)[None]
    name = session.get_inputs()[0].name
    return session.run(None, {name: np.ascontiguousarray(planes)})[0][0, 0]


def soft_overlap(one, other):
    return float(np.minimum(one, other).sum() / max(1.0, np.maximum(one, other).sum()))


def save(found, path):
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found), encoding="utf-8")
    os.replace(part, path)


def main():
    import onnxruntime

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help=f"{SIZE}x{SIZE} U²-Net as ONNX")
    args = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(args.teacher), options, providers=["CPUExecutionProvider"]
    )
    path = args.cache / "agreement.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    records = Records(args.cache)
    numbers = [n for name in records.names("teacher") for n in records.sets["teacher", name]]
    for count, number in enumerate(numbers, 1):
        if str(number) in found:
            continue
        four = records.pixels[number]
        mirrored = mask_of(session, four[:, ::-1, :3])[:, ::-1]
        found[str(number)] = soft_overlap(four[:, :, 3] / np.float32(255), mirrored)
        if count % 200 == 0:
            save(found, path)
    save(found, path)
    kept = sum(value >= 0.8 for value in found.values())
    print(f"{len(found)} masks of the teacher, {kept} agree to 0.8 or better")


if __name__ == "__main__":
    main()
