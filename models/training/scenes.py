# SPDX-License-Identifier: Apache-2.0
"""Cuts scenes out of the cached photos and keeps those about which the teacher is decided.

    python3 models/training/scenes.py --cache CACHE --teacher u2netp.onnx

Which of many things is the subject is learned from scenes of all kinds, of which there are never
enough. Photos that serve as backgrounds hold such things, and a part of a photo is a scene of its
own, with a subject of its own. Appends to the cache, once, the set "scenes" of the group "teacher".
"""
import argparse
import json
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np

from agreement import soft_overlap
from records import AGREEMENT, SIZE, Records
from teacher import Teacher

SET = "scenes"
FROM_BACKGROUNDS = 0.6  # share of the parts; the others are of photos that the teacher labelled
# Sets with one thing per photo: its parts are no scenes.
PLAIN = ("clothing", "ccpun", "kangaroo", "raccoon", "mcats")
LEAST = 0.55  # side of a part, of the photo's


def sources_of(records):
    """Numbers of the pictures that parts are cut from: of backgrounds and of the teacher's, if any."""
    sources = []
    for group in ("background", "teacher"):
        names = [name for name in records.names(group) if name not in PLAIN]
        sources.append([n for name in names for n in records.sets[group, name]])
    return sources


def draw_part(records, sources, rng):
    """(photo uint8 [SIZE, SIZE, 3], number of the picture it is a part of)."""
    backgrounds, labelled = sources
    chosen = backgrounds if rng.random() < FROM_BACKGROUNDS else labelled
    number = int(rng.choice(chosen or backgrounds or labelled))
    side = int(SIZE * rng.uniform(LEAST, 1.0))
    top, left = rng.integers(0, SIZE - side + 1, 2)
    part = records.pixels[number, top : top + side, left : left + side, :3]
    return cv2.resize(part, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), number


def is_decided(mask):
    """There is one subject, neither tiny nor everything, and little doubt about its parts."""
    inside = float((mask > 0.5).mean())
    doubt = float(((mask > 0.2) & (mask < 0.8)).mean())
    return mask.max() > 0.9 and 0.02 < inside < 0.75 and doubt < 0.2 * inside


def decided_mask(teacher, photo):
    """The mean of the teacher's masks of the photo and of its mirror image, where both say the same."""
    mask = teacher.mask_of(photo)
    if not is_decided(mask):
        return None
    mirrored = teacher.mask_of(photo[:, ::-1])[:, ::-1]
    return (mask + mirrored) / 2 if soft_overlap(mask, mirrored) > AGREEMENT else None


def look(task):
    """One process: (scenes uint8 [N, SIZE, SIZE, 4], numbers of the pictures they are parts of)."""
    folder, path, seed, count = task
    records, teacher = Records(folder), Teacher(path)
    rng, scenes, numbers = np.random.default_rng(seed), [], []
    sources = sources_of(records)
    for _ in range(count):
        photo, number = draw_part(records, sources, rng)
        mask = decided_mask(teacher, photo)
        if mask is not None:
            scenes.append(np.dstack([photo, np.rint(mask * 255).astype(np.uint8)]))
            numbers.append(number)
    return np.stack(scenes) if scenes else np.empty((0, SIZE, SIZE, 4), np.uint8), numbers


def append(path, pixels):
    """Lengthens a .npy file in place; NumPy leaves room in its header for a longer shape."""
    count = len(np.load(path, mmap_mode="r")) + len(pixels)
    with open(path, "r+b") as file:
        file.seek(0, 2)
        file.write(pixels.tobytes())
        file.seek(0)
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, SIZE, SIZE, 4)}
        np.lib.format.write_array_header_1_0(file, header)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--teacher", type=Path, required=True, help=f"{SIZE}x{SIZE} U²-Net as ONNX")
    parser.add_argument("--looks", type=int, default=4000, help="how many parts to draw")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    records = Records(args.cache)
    if ("teacher", SET) in records.sets:
        raise SystemExit(f"{args.cache} has its scenes already")
    if not any(sources_of(records)):
        raise SystemExit(f"expected backgrounds or the teacher's pictures in {args.cache}, found none")
    index = json.loads((args.cache / "index.json").read_text(encoding="utf-8"))
    each = -(-args.looks // args.workers)
    tasks = [(args.cache, args.teacher, seed, each) for seed in range(args.workers)]
    with Pool(args.workers) as pool:
        for scenes, numbers in pool.imap(look, tasks):
            append(args.cache / "pixels.npy", scenes)
            index += [("teacher", SET, index[n][2], index[n][3]) for n in numbers]
    (args.cache / "index.json").write_text(json.dumps(index), encoding="utf-8")
    print(f"{sum(entry[1] == SET for entry in index)} scenes of {args.looks} parts")


if __name__ == "__main__":
    main()
