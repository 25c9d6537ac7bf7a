# SPDX-License-Identifier: Apache-2.0
"""Makes the start of the training from U²-Netp: half the input's scale, cut at the finest scales.

    python3 models/training/prune.py --cache CACHE --network u2netp.onnx --output start.pt

U²-Netp becomes the form "u2net": the same behind a stem of stride 2. Then the channels of its two
finest scales that matter least to the loss by first-order Taylor expansion (Molchanov et al. 2017,
arXiv:1611.06440) are left out, which is the form "blocks".
"""
import argparse
from pathlib import Path

import numpy as np
import torch

from augment import draw_batch
from network import Network
from records import Records
from train import loss_of, to_tensors
from warmstart import fill, read_convolutions, rebuild_norms

SIDES = 7  # convolutions at the end of U²-Net that make and join its six side outputs
# A 3x3 kernel at half the scale as a 4x4 one of stride 2: the centre's row lies on two rows.
SPREAD = torch.tensor([[1, 0, 0], [0, 0.5, 0], [0, 0.5, 0], [0, 0, 1]])


def batches(records, count, size):
    for number in range(count):
        yield to_tensors(draw_batch(records, np.random.default_rng((7, number)), 8, size))


def from_u2net(path, images):
    """The form "u2net" with the weights of U²-Netp's ONNX file."""
    network = Network("u2net")
    found = read_convolutions(path)
    first, bias = found[0]
    stem = (SPREAD @ torch.from_numpy(first) @ SPREAD.T).numpy()
    heads = found[-SIDES:-1]
    pairs = fill(network, [(stem, bias), *found[1:-SIDES], heads[0]])
    for head, (weights, bias) in zip(network.head, heads):
        head.weight.data.copy_(torch.from_numpy(weights.copy()))
        head.bias.data.copy_(torch.from_numpy(bias.copy()))
    rebuild_norms(network, pairs, images)
    return network


def importance(network, blocks, pairs):
    """For each U-block [channels]: mean square of sum(activation * gradient) of what it puts out."""
    scores = [0] * len(blocks)

    def keep(number):
        def follow(_, __, output):
            def add(gradient):
                change = (output.detach() * gradient).sum((2, 3)).pow(2).mean(0)
                scores[number] = scores[number] + change

            output.register_hook(add)

        return follow

    hooks = [block.register_forward_hook(keep(n)) for n, block in enumerate(blocks)]
    for image, target, valid in pairs:
        loss_of(network(image), target, valid).backward()
    for hook in hooks:
        hook.remove()
    return scores


@torch.no_grad()
def cut(layer, source, outputs=None, inputs=None):
    """Copies the chosen outputs and inputs (all of them if None) of a convolution and its norm."""
    outputs = torch.arange(source[0].out_channels) if outputs is None else outputs
    inputs = torch.arange(source[0].in_channels) if inputs is None else inputs
    layer[0].weight.copy_(source[0].weight[outputs][:, inputs])
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(layer[1], name).copy_(getattr(source[1], name)[outputs])


def cut_block(block, source, outputs=None, inputs=None):
    """A U-block that keeps its inner channels and the chosen outputs and inputs (None: all)."""
    block.load_state_dict(
        {
            name: value if value.shape == part.shape else part
            for (name, value), part in zip(source.state_dict().items(), block.state_dict().values())
        }
    )
    cut(block.enter, source.enter, outputs, inputs)
    cut(block.down[0], source.down[0], inputs=outputs)
    cut(block.up[-1], source.up[-1], outputs)


@torch.no_grad()
def slice_into(small, big, first, second, last):
    """Fills `small` from `big` with the channels that stay at the finest scales."""
    shift = big.up[1].block.enter[0].out_channels
    whole = [*zip(small.down[1:], big.down[1:]), *zip(small.up[2:], big.up[2:])]
    for module, source in [*whole, *zip(small.head[2:], big.head[2:])]:
        module.load_state_dict(source.state_dict())
    cut_block(small.stem, big.stem, first)
    cut_block(small.down[0][1], big.down[0][1], inputs=first)
    cut_block(small.up[1].block, big.up[1].block, second)
    joined = torch.cat([second, first + shift])
    cut_block(small.up[0].block, big.up[0].block, last, joined)
    for head, source, kept in zip(small.head, big.head, (last, second)):
        head.weight.copy_(source.weight[:, kept])
        head.bias.copy_(source.bias)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=320)
    args = parser.parse_args()
    torch.set_num_threads(1)
    records, small = Records(args.cache), Network("blocks")
    big = from_u2net(args.network, (image for image, _, _ in batches(records, 8, args.size)))
    big.train()
    for norm in big.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eval()
    scores = importance(
        big, [big.stem, big.up[1].block, big.up[0].block], batches(records, 16, 256)
    )
    counts = [
        block.enter[0].out_channels for block in (small.stem, small.up[1].block, small.up[0].block)
    ]
    kept = [score.argsort(descending=True)[:n].sort().values for score, n in zip(scores, counts)]
    slice_into(small, big, *kept)
    torch.save({"average": small.state_dict(), "design": "blocks"}, args.output)


if __name__ == "__main__":
    main()
