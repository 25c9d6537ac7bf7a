# SPDX-License-Identifier: Apache-2.0
"""Decodes photos and masks once into the cache that train.py reads.

    python3 models/training/prepare.py --data PHOTOS --cache CACHE

PHOTOS/train/<human|teacher|background>/<set>/name.(webp|jpg|jpeg|png) with the mask beside it as
name.png (or name.mask.png where the photo itself is a PNG). Backgrounds need no mask.
"""
import argparse
import json
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image

from records import GROUPS, SIZE, UNKNOWN

# In these sets a mask value of 128 says "unknown"; elsewhere it is an honest half.
SETS_WITH_UNKNOWN = {"flower", "voc", "coco"}


def find_photos(data):
    """All (group, set, photo, mask or None), sorted, so that the cache is reproducible."""
    found = []
    for group in GROUPS:
        for photo in sorted((data / "train" / group).glob("*/*")):
            if photo.suffix.lower() not in (".webp", ".jpg", ".jpeg", ".png"):
                continue
            mask = photo.with_suffix(".mask.png" if photo.suffix == ".png" else ".png")
            if photo.name.endswith(".mask.png") or (photo.suffix == ".png" and is_mask(photo)):
                continue
            if group == "background":
                found.append((group, photo.parent.name, photo, None))
            elif mask.exists():
                found.append((group, photo.parent.name, photo, mask))
    return found


def is_mask(path):
    """A PNG that has a photo of another format beside it is that photo's mask."""
    return any(path.with_suffix(end).exists() for end in (".webp", ".jpg", ".jpeg"))


def shrink_mask(mask, has_unknown):
    """Area-averages the known part; whatever touches an unknown pixel stays unknown."""
    values = np.asarray(mask)
    unknown = (np.abs(values.astype(np.int16) - UNKNOWN) <= 1) & has_unknown
    known = Image.fromarray(np.where(unknown, 0, values).astype(np.uint8))
    small = np.array(known.resize((SIZE, SIZE), Image.BILINEAR))
    small[small == UNKNOWN] = UNKNOWN + 1
    if unknown.any():
        spread = Image.fromarray(unknown.astype(np.uint8) * 255).resize(
            (SIZE, SIZE), Image.BILINEAR
        )
        small[np.asarray(spread) > 32] = UNKNOWN
    return small


def load(entry):
    """One [SIZE, SIZE, 4] record, the photo squashed to the square, and its width / height."""
    _, name, photo, mask = entry
    with Image.open(photo) as image:
        aspect = image.width / image.height
        rgb = np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.BILINEAR))
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    if mask is not None:
        with Image.open(mask) as image:
            alpha = shrink_mask(image.convert("L"), name in SETS_WITH_UNKNOWN)
    return np.dstack([rgb, alpha]), aspect


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train/<group>/<set>/")
    parser.add_argument("--cache", type=Path, required=True, help="folder to write")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    found = find_photos(args.data)
    if not found:
        raise SystemExit(f"no photos with masks under {args.data}/train")
    args.cache.mkdir(parents=True, exist_ok=True)
    pixels = np.lib.format.open_memmap(
        args.cache / "pixels.npy", "w+", np.uint8, (len(found), SIZE, SIZE, 4)
    )
    index = []
    with Pool(args.workers) as pool:
        for number, (record, aspect) in enumerate(pool.imap(load, found, chunksize=32)):
            pixels[number] = record
            group, name, photo, _ = found[number]
            index.append((group, name, photo.name, round(aspect, 4)))
    pixels.flush()
    (args.cache / "index.json").write_text(json.dumps(index), encoding="utf-8")
    print(f"{len(found)} pictures, {pixels.nbytes / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
