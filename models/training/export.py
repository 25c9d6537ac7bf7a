# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint as ONNX: norms folded, normalisation and sigmoid inside, stored as fp16.

    python3 models/training/export.py --checkpoint RUN/checkpoint.pt --output network.onnx

Input `image` [1, 3, height, width], RGB in 0..1; output `alpha` [1, 1, height/2, width/2] in 0..1.
Height and width are free, multiples of 64, unless `--size` fixes them. The f32 file is written
beside it as network-f32.onnx: warm starts and quantisation begin there.
"""
import argparse
import itertools
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from network import Network
from to_fp16 import convert

WORDS = {"Concat": "cat", "MaxPool": "pool"}  # other operators are their own, in small letters


class Alpha(nn.Module):
    """The network as it is used: a photo in, alpha out."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return torch.sigmoid(self.network(image))


def load_average(path):
    """The network with a checkpoint's averaged weights, ready for use."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = Network(state["design"])
    network.load_state_dict(state["average"])
    return network.eval()


def fold_norms(module):
    """Replaces every (convolution, batch norm) pair inside by one convolution with a bias."""
    for name, child in module.named_children():
        fold_norms(child)
        if (
            isinstance(child, nn.Sequential)
            and len(child) > 1
            and isinstance(child[1], nn.BatchNorm2d)
        ):
            fused = fuse_conv_bn_eval(child[0], child[1])
            setattr(module, name, nn.Sequential(fused, *list(child)[2:]))
    return module


def module_of(node):
    """`up0`, `up3` for `/network/up.0/block/up.3/up.3.0/Conv`: without places in a Sequential."""
    path = []
    for part in node.name.split("/")[1:-1]:
        if not path or not part.startswith(path[-1] + "."):
            path.append(part)
    return [part.replace(".", "") for part in path if part not in ("network", "block")]


def shorten_names(file):
    """Gives nodes and tensors short names, a fifth of an int8 file otherwise, by what they are.

    The convolution of a module is called like it, `up0.up3`, its weights `up0.up3.w` and its bias
    `up0.up3.b`; other nodes after their module and operator, numbered from the second on:
    `up0.up3.relu`, `up0.cat2`. A tensor is called like the node that makes it, another constant
    after its first reader and its place there: `sub.1`. Inputs and outputs keep their names.
    """
    kept = [value.name for value in (*file.graph.input, *file.graph.output)]
    names = {name: name for name in ("", *kept)}

    def rename(name, base):
        if name not in names:
            stem = base + "." if base[-1].isdigit() else base
            tried = itertools.chain([base], (f"{stem}{number}" for number in itertools.count(2)))
            names[name] = next(new for new in tried if new not in names.values())
        return names[name]

    for node in file.graph.node:
        base = module_of(node)
        if node.op_type != "Conv" or not base:
            base.append(WORDS.get(node.op_type, node.op_type.lower()))
        node.name = rename(node.output[0], ".".join(base))
        for place, name in enumerate(node.input):
            part = "?wb"[place] if node.op_type == "Conv" else place
            node.input[place] = rename(name, f"{node.name}.{part}")
        for place, name in enumerate(node.output):
            node.output[place] = rename(name, f"{node.name}.{place}")
    for constant in file.graph.initializer:
        constant.name = names.get(constant.name, constant.name)
    del file.graph.value_info[:]


def export(network, path, size=None):
    """Writes the f32 file; the batch is 1, height and width are free without a size."""
    model = Alpha(fold_norms(network)).eval()
    options = {"input_names": ["image"], "output_names": ["alpha"], "opset_version": 13}
    if size is None:
        free = {2: "height", 3: "width"}
        half = {axis: f"{side} / 2" for axis, side in free.items()}
        options["dynamic_axes"] = {"image": free, "alpha": half}
    image = torch.zeros(1, 3, size or 320, size or 320)
    torch.onnx.export(model, image, str(path), do_constant_folding=True, **options)
    file = onnx.load(str(path))
    shorten_names(file)
    onnx.checker.check_model(file)
    onnx.save(file, str(path))
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, help="height and width, a multiple of 64")
    args = parser.parse_args()
    if args.size is not None and (args.size < 64 or args.size % 64):
        parser.error(f"--size must be a multiple of 64, received {args.size}")
    full = args.output.with_name(args.output.stem + "-f32.onnx")
    file = export(load_average(args.checkpoint), full, args.size)
    count = convert(file)
    onnx.save(file, str(args.output))
    size = args.output.stat().st_size
    print(f"{args.output}: {size} bytes, {count} tensors as fp16, {len(file.graph.node)} nodes")


if __name__ == "__main__":
    main()
