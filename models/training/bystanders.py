# SPDX-License-Identifier: Apache-2.0
"""Asks the teacher about what the masks do not say: bystanders, and what stands in backgrounds.

    python3 models/training/bystanders.py --cache CACHE --teacher u2netp.onnx

People and things beside a subject are often "unknown" in masks made for naming objects, so that a
network never learns that they are no subject: what the teacher calls background becomes that.
Photos that serve as backgrounds are not always empty, and a network should not learn that what
stands out there is background: what the teacher does not call background becomes unknown. Changes
CACHE/pixels.npy, once, after prepare.py; a second run changes nothing more.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np

from records import SIZE, UNKNOWN, Records
from teacher import Teacher

BORDER = 13  # thinner strips of unknown pixels are the edge of a subject
LEAST = 0.005  # share of the picture's area that thicker ones must have
SURE = 0.1  # below, the teacher calls it background


def has_bystander(mask):
    unknown = (mask == UNKNOWN).astype(np.uint8)
    return cv2.erode(unknown, np.ones((BORDER, BORDER), np.uint8)).mean() > LEAST


def settle_bystanders(mask, teachers):
    return np.where((mask == UNKNOWN) & (teachers < SURE), np.uint8(0), mask)


def settle_background(mask, teachers):
    return np.where(teachers < SURE, mask, np.uint8(UNKNOWN))


def settle_all(pixels, numbers, teacher, settle):
    for number in numbers:
        four = pixels[number]
        pixels[number, :, :, 3] = settle(four[:, :, 3], teacher.mask_of(four[:, :, :3]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help=f"{SIZE}x{SIZE} U²-Net as ONNX")
    parser.add_argument("--sets", nargs="+", default=["voc", "coco"])
    args = parser.parse_args()
    teacher, records = Teacher(args.teacher), Records(args.cache)
    pixels = np.load(args.cache / "pixels.npy", mmap_mode="r+")
    beside = [n for name in args.sets for n in records.sets.get(("human", name), [])]
    beside = [n for n in beside if has_bystander(pixels[n, :, :, 3])]
    settle_all(pixels, beside, teacher, settle_bystanders)
    names = records.names("background")
    backgrounds = [n for name in names for n in records.sets["background", name]]
    settle_all(pixels, backgrounds, teacher, settle_background)
    pixels.flush()
    print(f"{len(beside)} masks with bystanders, {len(backgrounds)} backgrounds")


if __name__ == "__main__":
    main()
