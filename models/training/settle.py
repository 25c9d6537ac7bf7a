# SPDX-License-Identifier: Apache-2.0
"""Settles what masks leave unknown: bystanders that the teacher takes for background become it.

    python3 models/training/settle.py --cache CACHE --teacher u2netp.onnx

Some sets mark with UNKNOWN, beside the border of the subject, whatever else could have been one:
people in a crowd, a second animal at the edge. Left out of the loss, they teach the network
nothing; but a cut-out should be without them. Changes the cache; does no harm when run again.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from agreement import mask_of, open_teacher
from records import SIZE, UNKNOWN, Records

BACKGROUND = 0.1  # the teacher is sure below
BORDER = 7  # pixels: thinner parts are a subject's border and stay unknown
LEAST = 0.003  # of the picture


def bystanders(mask):
    """Where more than a border is unknown."""
    unknown = (mask == UNKNOWN).astype(np.uint8)
    return cv2.morphologyEx(unknown, cv2.MORPH_OPEN, np.ones((BORDER, BORDER), np.uint8)) > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help=f"{SIZE}x{SIZE} U²-Net as ONNX")
    parser.add_argument("--sets", nargs="+", default=["voc", "coco"])
    args = parser.parse_args()
    teacher = open_teacher(args.teacher)
    records = Records(args.cache, writable=True)
    settled = 0
    for name in args.sets:
        for number in records.sets.get(("human", name), []):
            four = records.pixels[number]
            doubtful = bystanders(four[:, :, 3])
            if doubtful.mean() < LEAST:
                continue
            doubtful &= mask_of(teacher, four[:, :, :3]) < BACKGROUND
            four[:, :, 3][doubtful] = 0
            settled += int(doubtful.mean() >= LEAST)
    records.pixels.flush()
    print(f"{settled} masks settled")


if __name__ == "__main__":
    main()
