# SPDX-License-Identifier: Apache-2.0
"""The cache of decoded pictures: one uint8 array [count, SIZE, SIZE, 4] (RGB, mask) and its index.

The index says of each picture [group, set, file name, width / height of the photo].

Mask bytes: 0 background .. 255 subject, and exactly UNKNOWN where nobody knows, which the loss
leaves out.
"""
import copy
import json
import math
from pathlib import Path

import numpy as np

SIZE = 320
UNKNOWN = 128
AGREEMENT = 0.8  # the teacher's masks that agree less with themselves are left out
GROUPS = ("human", "teacher", "background")


def shape_of(aspect):
    """-1 tall, 0 about square, 1 wide: what is nearest of 2:3, 1:1 and 3:2."""
    return round(max(-1.0, min(1.0, math.log(aspect) / math.log(1.5))))


class Records:
    """Read-only view of a cache folder that prepare.py wrote."""

    def __init__(self, folder):
        folder = Path(folder)
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        self.sets = {}
        doubtful = self._doubtful(folder / "agreement.json")
        self.aspects = [aspect for _, _, _, aspect in index]
        for number, (group, name, _, _) in enumerate(index):
            if number in doubtful:
                continue
            self.sets.setdefault((group, name), []).append(number)
        if len(index) != len(self.pixels):
            found = len(self.pixels)
            raise ValueError(f"expected {len(index)} pictures in the cache, found {found}")

    def like(self, number):
        """The part whose photos are as wide, tall or square as the photo of that number."""
        part, kind = copy.copy(self), shape_of(self.aspects[number])
        part.sets = {
            key: [n for n in numbers if shape_of(self.aspects[n]) == kind]
            for key, numbers in self.sets.items()
        }
        part.sets = {key: numbers for key, numbers in part.sets.items() if numbers}
        return part

    @staticmethod
    def _doubtful(path):
        """Numbers of the pictures that agreement.py found the teacher unsure of."""
        if not path.exists():
            return set()
        found = json.loads(path.read_text(encoding="utf-8"))
        return {int(number) for number, overlap in found.items() if overlap < AGREEMENT}

    def names(self, group):
        """The sets of one group, sorted."""
        return sorted(name for kind, name in self.sets if kind == group)
