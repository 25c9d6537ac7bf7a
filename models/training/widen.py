# SPDX-License-Identifier: Apache-2.0
"""Gives a trained network more channels inside its coarse U-blocks; what it computes stays the same.

    python3 models/training/widen.py --cache CACHE --network network-f32.onnx --output start.pt

The file of the form "blocks" becomes a start of the form "wide". New channels look at everything
with random weights, but nothing looks at them yet (Chen et al. 2016, arXiv:1511.05641): the training
finds out what they are good for.
"""
import argparse
from pathlib import Path

import numpy as np
import torch

from augment import draw_batch
from network import DilatedRsu, Network, Rsu, convolutions_in_order
from records import Records
from train import to_tensors
from warmstart import fill, read_convolutions, rebuild_norms


@torch.no_grad()
def place(layer, source, parts=1):
    """Copies a convolution and its norm into a wider one, whose inputs are so many joined tensors."""
    weight, narrow = layer[0].weight, source[0].weight
    outputs, inputs = narrow.shape[0], narrow.shape[1] // parts
    step = weight.shape[1] // parts
    for part in range(parts):
        columns = weight[:outputs, part * step : (part + 1) * step]
        columns.zero_()
        columns[:, :inputs] = narrow[:, part * inputs : (part + 1) * inputs]
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(layer[1], name)[:outputs] = getattr(source[1], name)


def widen(wide, narrow):
    """Fills `wide` from `narrow`, block by block."""
    wide.load_state_dict(
        {
            name: value if value.shape == part.shape else part
            for (name, value), part in zip(narrow.state_dict().items(), wide.state_dict().values())
        }
    )
    for block, source in zip(wide.modules(), narrow.modules()):
        if not isinstance(block, (Rsu, DilatedRsu)):
            continue
        for layer, old in zip(block.down, source.down):
            place(layer, old)
        if isinstance(block, Rsu):
            place(block.bottom, source.bottom)
        for layer, old in zip(block.up, source.up):
            place(layer, old, parts=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="what prepare.py wrote")
    parser.add_argument("--network", type=Path, required=True, help="f32 ONNX that export.py wrote")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    records, narrow, wide = Records(args.cache), Network("blocks"), Network("wide")
    fill(narrow, read_convolutions(args.network))
    widen(wide, narrow)
    rngs = (np.random.default_rng((7, number)) for number in range(12))
    images = (to_tensors(draw_batch(records, rng, 16, 256))[0] for rng in rngs)
    rebuild_norms(wide, convolutions_in_order(wide), images)
    torch.save({"average": wide.state_dict(), "design": "wide"}, args.output)


if __name__ == "__main__":
    main()
