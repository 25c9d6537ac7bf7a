# SPDX-License-Identifier: Apache-2.0
"""Cuts a trained network of the form "wide" down to the form "nested", a start for training it.

    python3 models/training/prune.py --cache CACHE --network wide-f32.onnx --output start.pt

Of every layer the channels stay that matter most to the loss by first-order Taylor expansion
(Molchanov et al. 2017, arXiv:1611.06440); of a scale's residual blocks the first ones stay.
"""
import argparse
from pathlib import Path

import numpy as np
import torch

from augment import draw_batch
from network import Network
from records import Records
from train import loss_of, to_tensors
from warmstart import warm_start


def batches(records, count, size):
    for number in range(count):
        yield to_tensors(draw_batch(records, np.random.default_rng((7, number)), 8, size))


def importance(network, pairs):
    """{module: [channels]}: mean square of sum(activation * gradient) behind every block."""
    scores, hooks = {}, []

    def keep(module, _, output):
        def add(gradient):
            change = (output.detach() * gradient).sum((2, 3)).pow(2).mean(0)
            scores[module] = scores.get(module, 0) + change

        output.register_hook(add)

    for module in network.modules():
        if is_layer(module):
            hooks.append(module.register_forward_hook(keep))
    for image, target, valid in pairs:
        loss_of(network(image)[:1], target, valid).backward()
    for hook in hooks:
        hook.remove()
    return scores


def is_layer(module):
    """What puts out channels: convolution with norm (and ReLU), or a residual block."""
    from network import Residual

    return isinstance(module, Residual) or (
        isinstance(module, torch.nn.Sequential)
        and len(module) > 1
        and isinstance(module[1], torch.nn.BatchNorm2d)
    )


def strongest(scores, count):
    return scores.argsort(descending=True)[:count].sort().values


def cut(layer, source, outputs, inputs):
    """Copies the chosen part of one convolution and its norm."""
    layer[0].weight.copy_(source[0].weight[outputs][:, inputs])
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(layer[1], name).copy_(getattr(source[1], name)[outputs])


@torch.no_grad()
def slice_into(small, big, scores):
    """Level by level down, then up; returns nothing, `small` is filled."""
    skips = [strongest(scores[big.stem], small.stem[0].out_channels)]
    cut(small.stem, big.stem, skips[0], torch.arange(3))
    for narrow, broad in zip(small.down, big.down):
        stream = strongest(sum(scores[part] for part in broad), narrow[0][0].out_channels)
        cut(narrow[0], broad[0], stream, skips[-1])
        for block, source in zip(narrow[1:], broad[1:]):
            inner = strongest(scores[source.branch[0]], block.branch[0][0].out_channels)
            cut(block.branch[0], source.branch[0], inner, stream)
            cut(block.branch[1], source.branch[1], stream, inner)
        skips.append(stream)
    coarse = skips[-1]
    for level in reversed(range(len(small.up))):
        up, source = small.up[level], big.up[level]
        merged = strongest(scores[source.merge], up.merge[0].out_channels)
        refined = strongest(scores[source.refine], up.refine[0].out_channels)
        shift = big.up[level].merge[0].in_channels - len(
            scores[big.stem if level == 0 else big.down[level - 1][-1]]
        )
        cut(up.merge, source.merge, merged, torch.cat([coarse, skips[level] + shift]))
        cut(up.refine, source.refine, refined, merged)
        small.head[level].weight.copy_(big.head[level].weight[:, refined])
        small.head[level].bias.copy_(big.head[level].bias)
        coarse = refined


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args()
    torch.set_num_threads(1)
    records, big, small = Records(args.cache), Network("wide"), Network("nested")
    warm_start(big, args.network, (image for image, _, _ in batches(records, 12, args.size)))
    big.train()
    for norm in big.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eval()
    slice_into(small, big, importance(big, batches(records, 30, args.size)))
    torch.save({"average": small.state_dict(), "design": "nested"}, args.output)


if __name__ == "__main__":
    main()
