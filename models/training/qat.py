# SPDX-License-Identifier: Apache-2.0
"""Quantisation-aware fine-tuning: an int8 network whose weights have learned to live with rounding.

    python3 models/training/qat.py --network network-f32.onnx --photos PHOTOS --cache CACHE \\
        --output network-int8.onnx --steps 300

The ranges are found as quantise.py finds them, from PHOTOS. Then the weights are trained on CACHE's
pictures to give the f32 network's mask while every tensor that will be int8 is rounded on the way
(gradients pass straight through the rounding: Jacob et al. 2018, arXiv:1712.05877).
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from augment import draw_batch
from quantise import (
    LEVELS,
    Graph,
    calibrate,
    correct_biases,
    fold,
    load_photos,
    size_of,
    steps_of,
    weight_scales,
    write,
)
from records import Records


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def convolve(node, x, weight, bias=None):
    """Pads are even on both sides in our family of networks."""
    given = attributes(node)
    pads, stride = given.get("pads", [0] * 4), given.get("strides", [1, 1])
    dilation, groups = given.get("dilations", [1, 1]), given.get("group", 1)
    return functional.conv2d(x, weight, bias, stride, pads[:2], dilation, groups)


def pool(node, x):
    """Unpadded, as in our family of networks."""
    given = attributes(node)
    return functional.max_pool2d(x, given["kernel_shape"], given["strides"])


def enlarge(_, x, *rest):
    """Doubling, bilinear at half pixels: the only Resize of our family."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


OPERATORS = {
    "Conv": convolve,
    "MaxPool": pool,
    "Resize": enlarge,
    "Relu": lambda _, x: functional.relu(x),
    "Add": lambda _, x, y: x + y,
    "Sub": lambda _, x, y: x - y,
    "Mul": lambda _, x, y: x * y,
    "Div": lambda _, x, y: x / y,
    "Concat": lambda node, *parts: torch.cat(parts, attributes(node)["axis"]),
    "Sigmoid": lambda _, x: x,  # the loss wants logits
}


class Rounded(nn.Module):
    """A folded ONNX graph as a module; with scales, rounded as the int8 network will be."""

    def __init__(self, model, scales=None):
        super().__init__()
        self.graph = Graph(model)
        self.scale = steps_of(self.graph, scales) if scales else {}
        unknown = {node.op_type for node in self.graph.nodes} - OPERATORS.keys()
        if unknown:
            raise ValueError(f"expected only {sorted(OPERATORS)}, found {sorted(unknown)}")
        self.fixed, self.trained = {}, nn.ParameterDict()
        learned = {n for c in self.graph.nodes if c.op_type == "Conv" for n in c.input[1:]}
        for name, value in self.graph.constants.items():
            array = torch.from_numpy(numpy_helper.to_array(value).copy())
            if name in learned:
                self.trained[key(name)] = nn.Parameter(array)
            else:
                self.fixed[name] = array

    def forward(self, image):
        values = {**self.fixed, self.graph.inputs[0]: self.rounded(self.graph.inputs[0], image)}
        for node in self.graph.nodes:
            inputs = [self.weight(n) if key(n) in self.trained else values.get(n)
                      for n in node.input]  # fmt: skip
            result = OPERATORS[node.op_type](node, *inputs)
            values[node.output[0]] = self.rounded(node.output[0], result)
        return values[self.graph.outputs[0]]

    def rounded(self, name, x):
        if name not in self.scale:
            return x
        return torch.fake_quantize_per_tensor_affine(x, float(self.scale[name]), 0, -128, LEVELS)

    def weight(self, name):
        """Rounded to the steps that quantise.py will take."""
        weight = self.trained[key(name)]
        if weight.ndim < 4 or not self.scale:
            return weight
        steps = torch.from_numpy(weight_scales(weight.detach().numpy())).clamp_min(1e-9)
        zero = torch.zeros(len(steps), dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(weight, steps, zero, 0, -LEVELS, LEVELS)

    def store(self, model):
        """Puts the trained weights into the ModelProto's constants."""
        for constant in model.graph.initializer:
            if key(constant.name) in self.trained:
                array = self.trained[key(constant.name)].detach().numpy()
                constant.CopyFrom(numpy_helper.from_array(array, constant.name))


def key(name):
    """ParameterDict takes no dots."""
    return name.replace(".", "/")


def train(student, teacher, args, size):
    """Cross entropy against the f32 network's mask; the rate falls to nothing in a cosine."""
    records = Records(args.cache)
    optimizer = torch.optim.Adam(student.parameters(), args.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    for step in range(args.steps):
        rng = np.random.default_rng((args.seed, step))
        photos = draw_batch(records, rng, args.batch, size)[0]
        image = torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            mask = torch.sigmoid(teacher(image))
        loss = functional.binary_cross_entropy_with_logits(student(image), mask)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 20 == 0 or step + 1 == args.steps:
            print(f"{step + 1}/{args.steps} loss {float(loss.detach()):.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, required=True, help="f32 ONNX that export.py wrote")
    parser.add_argument("--photos", type=Path, required=True, help="pictures to take ranges from")
    parser.add_argument("--count", type=int, default=160, help="how many of them")
    parser.add_argument("--cache", type=Path, required=True, help="what prepare.py wrote")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=3e-5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    model = fold(args.network)
    photos = list(load_photos(args.photos, args.count, size_of(model)))
    ranges = calibrate(model, [p for i, p in enumerate(photos) if i % 5], photos[::5])
    teacher, scales = Rounded(model).requires_grad_(False), ranges["scales"]
    model = correct_biases(model, ranges["means"])
    student = Rounded(model, scales)
    train(student, teacher, args, size_of(model)[0])
    student.store(model)
    result = write(model, scales)
    onnx.save(result, str(args.output))
    print(f"{args.output}: {args.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
