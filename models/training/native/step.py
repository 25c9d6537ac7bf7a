# SPDX-License-Identifier: Apache-2.0
"""The training step in C: what network.py and train.py say, in half the time.

The C beside this file takes one picture after the other through the whole network and back, so that
what a block works on stays in the cache. It knows no batch norm: norms keep the statistics that they
come with, and their scale and offset are trained as part of the convolutions.
"""
import ctypes
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from network import MEAN, STD, DilatedRsu, Rsu, convolutions_in_order, truth_at

HERE = Path(__file__).resolve().parent
FLAGS = "-O3 -std=gnu11 -fPIC -shared".split()
SOURCES = ("convolution.c", "resample.c", "loss.c", "step.c")
# What /proc/cpuinfo calls it -> the file with the products, and what gcc calls the processor.
PROCESSORS = {
    "amx_bf16": ("products_amx.c", "sapphirerapids"),
    "avx512_bf16": ("products_avx512.c", "cooperlake"),
}
CONVOLUTION, POOL, DOUBLE, SUM = range(4)
STEM = 64  # channels of the picture in 4x4 patches: 48 and zeros


class Operation(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("convolution", ctypes.c_int), ("inputs", ctypes.c_int * 2),
                ("output", ctypes.c_int), ("relu", ctypes.c_int), ("add", ctypes.c_int * 2)]  # fmt: skip


class Convolution(ctypes.Structure):
    _fields_ = [("outputs", ctypes.c_int), ("taps", ctypes.c_int), ("dilation", ctypes.c_int),
                ("sources", ctypes.c_int), ("inputs", ctypes.c_int * 2),
                ("weight", ctypes.c_void_p), ("bias", ctypes.c_void_p),
                ("weight_gradient", ctypes.c_void_p), ("bias_gradient", ctypes.c_void_p),
                ("forward", ctypes.c_void_p), ("back", ctypes.c_void_p * 2)]  # fmt: skip


def processors():
    """Those of PROCESSORS that this machine is, best first."""
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text(encoding="utf-8").split()) if info.exists() else set()
    return [name for name in PROCESSORS if name in flags]


def compile_library(name):
    """The C as a shared library for one of PROCESSORS."""
    products, machine = PROCESSORS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "step.so")
        sources = [str(HERE / source) for source in (*SOURCES, products)]
        subprocess.run(["gcc", *FLAGS, f"-march={machine}", "-o", path, *sources, "-lm"], check=True)
        library = ctypes.CDLL(path)
    library.products_allow.restype = library.convolution_begin.restype = ctypes.c_bool
    library.tape_new.restype = ctypes.c_void_p
    library.tape_run.restype = ctypes.c_float
    return library


def padded(count):
    """Channels of a map that holds so many: 16 at a time."""
    return (count + 15) // 16 * 16


class Recorder:
    """Follows a network in the order of its forward pass and writes down what C has to do."""

    def __init__(self, numbers, height, width):
        self.numbers = numbers  # Conv2d -> its number
        self.maps, self.operations = [], []
        self.image = self.map(STEM, height // 2, width // 2)

    def map(self, channels, height, width):
        self.maps.append([padded(channels), height, width, 0])
        return len(self.maps) - 1

    def record(self, kind, inputs, shape, conv=None, relu=False):
        output = self.map(*shape)
        number = -1 if conv is None else self.numbers[conv]
        ends = (ctypes.c_int * 2)(*(list(inputs) + [-1])[:2])
        self.operations.append(Operation(kind, number, ends, output, relu))
        return output

    def convolve(self, layer, inputs):
        conv = layer if isinstance(layer, nn.Conv2d) else layer[0]
        size = self.maps[inputs[0]][1:3]
        shape = (conv.out_channels, *size)
        return self.record(CONVOLUTION, inputs, shape, conv, layer is not conv)

    def pool(self, x):
        channels, height, width, _ = self.maps[x]
        return self.record(POOL, [x], (channels, height // 2, width // 2))

    def double(self, x):
        channels, height, width, _ = self.maps[x]
        return self.record(DOUBLE, [x], (channels, 2 * height, 2 * width))

    def block(self, block, inputs):
        """Rsu and DilatedRsu."""
        x = self.convolve(block.enter, inputs)
        if isinstance(block, DilatedRsu):
            skips = [x]
            for down in block.down:
                skips.append(self.convolve(down, [skips[-1]]))
            y = skips.pop()
        else:
            skips = [self.convolve(block.down[0], [x])]
            for down in block.down[1:]:
                skips.append(self.convolve(down, [self.pool(skips[-1])]))
            y = self.convolve(block.bottom, [skips[-1]])
        for up, skip in zip(block.up, reversed(skips)):
            if self.maps[y][1:3] != self.maps[skip][1:3]:
                y = self.double(y)
            y = self.convolve(up, [y, skip])
        return self.record(SUM, [y, x], self.maps[x][:3])

    def network(self, network):
        """The maps of the logits, finest first."""
        x = self.block(network.stem, [self.image])
        skips = [x]
        for down in network.down:
            skips.append(self.block(down[1], [self.pool(skips[-1])]))
        x = skips.pop()
        heads = []
        for level in reversed(range(len(network.up))):
            x = self.block(network.up[level].block, [self.double(x), skips[level]])
            heads.insert(0, self.convolve(network.head[level], [x]))
        self.pad(network)
        return heads

    def pad(self, network):
        """All maps of one size get the padding that their furthest tap needs."""
        reach = {conv: conv.dilation[0] for conv in network.modules() if isinstance(conv, nn.Conv2d)}
        names = {number: conv for conv, number in self.numbers.items()}
        need = {}
        for operation in self.operations:
            size = tuple(self.maps[operation.output][1:3])
            conv = names.get(operation.convolution)
            need[size] = max(need.get(size, 1), reach.get(conv, 1))
        for part in self.maps:
            part[3] = need[tuple(part[1:3])]


class NativeStep:
    """Loss and gradients of a batch for a network made of U-blocks."""

    def __init__(self, network, name=None):
        if not isinstance(network.stem, Rsu):
            raise ValueError(f"expected a network of U-blocks, received {type(network.stem)}")
        if not processors():
            raise RuntimeError(f"expected a processor with one of {list(PROCESSORS)}, found none")
        name = name or processors()[0]
        self.native = compile_library(name)
        if not self.native.products_allow():
            raise RuntimeError(f"expected leave to use {name}, the system gave none")
        self.network, self.tapes = network, {}
        self.pairs = convolutions_in_order(network)
        self.pairs += [(head, None) for head in network.head[1:]]  # these run in training only
        self.numbers = {conv: number for number, (conv, _) in enumerate(self.pairs)}
        self.table = np.ascontiguousarray(
            ((np.arange(256) / 255)[None] - np.array(MEAN)[:, None]) / np.array(STD)[:, None],
            np.float32,
        )
        self.gradients = []
        self.convolutions = self._convolutions()

    def _convolutions(self):
        """What C knows of them: shapes, and where their gradients go."""
        widths = self._widths()
        result = (Convolution * len(self.pairs))()
        for number, (conv, _) in enumerate(self.pairs):
            c, outputs = result[number], padded(conv.out_channels)
            # The stem's patches hold all of its taps.
            c.taps = 1 if conv.in_channels == 3 else conv.kernel_size[0] ** 2
            c.outputs, c.dilation, c.sources = conv.out_channels, conv.dilation[0], len(widths[number])
            c.inputs[: c.sources] = widths[number]
            gradient = torch.zeros(c.taps * sum(widths[number]) * outputs), torch.zeros(outputs)
            self.gradients.append(gradient)
            c.weight_gradient, c.bias_gradient = (part.data_ptr() for part in gradient)
            if not self.native.convolution_begin(ctypes.byref(c)):
                raise MemoryError("no memory for the network's weights")
        return result

    def _widths(self):
        """Convolution number -> channels of each map that it reads, found by recording."""
        recorder = Recorder(self.numbers, 64, 64)
        recorder.network(self.network)
        return {
            op.convolution: [recorder.maps[i][0] for i in op.inputs if i >= 0]
            for op in recorder.operations
            if op.kind == CONVOLUTION
        }

    def _tape(self, height, width):
        if (height, width) not in self.tapes:
            recorder = Recorder(self.numbers, height, width)
            heads = recorder.network(self.network)
            maps = np.array(recorder.maps, np.int32)
            operations = (Operation * len(recorder.operations))(*recorder.operations)
            tape = self.native.tape_new(
                maps.ctypes.data_as(ctypes.c_void_p), len(maps), operations, len(operations),
                self.convolutions)  # fmt: skip
            if not tape:
                raise MemoryError(f"no memory for maps of {height} x {width}, or they are too large")
            sizes = [tuple(recorder.maps[head][1:3]) for head in heads]
            self.tapes[height, width] = ctypes.c_void_p(tape), (ctypes.c_int * len(heads))(*heads), sizes
        return self.tapes[height, width]

    def _folded(self):
        """[(weight, bias)] with the norms folded in, as functions of the trained parameters."""
        folded = []
        for conv, norm in self.pairs:
            weight, bias = conv.weight, conv.bias
            if norm is not None:
                scale = norm.weight / (norm.running_var + norm.eps).sqrt()
                weight, bias = weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale
            if conv.in_channels == 3:
                weight = weight.permute(0, 2, 3, 1).flatten(1)
                weight = functional.pad(weight, (0, STEM - weight.shape[1]))
            folded.append((weight.contiguous(), bias.contiguous()))
        return folded

    def _unpacked(self, number):
        """The gradients of one folded weight and bias in torch's order."""
        c, (weight, bias) = self.convolutions[number], self.gradients[number]
        outputs, parts, first = padded(c.outputs), [], 0
        for channels in c.inputs[: c.sources]:
            size = c.taps * channels * outputs
            parts.append(weight[first : first + size].view(c.taps, channels, outputs).permute(2, 1, 0))
            first += size
        return torch.cat(parts, 1)[: c.outputs], bias[: c.outputs]

    def backward(self, photos, target, valid, scale_weight):
        """The batch's loss; the gradients go to the network's parameters.

        photos: uint8 [N, H, W, 3], contiguous; target and valid: float [N, 1, H, W].
        """
        folded = self._folded()
        for c, (weight, bias) in zip(self.convolutions, folded):
            c.weight, c.bias = weight.data_ptr(), bias.data_ptr()
            self.native.convolution_pack(ctypes.byref(c))
        for pair in self.gradients:
            for part in pair:
                part.zero_()
        count, height, width, _ = photos.shape
        tape, heads, sizes = self._tape(height, width)
        truths, masks = zip(*(truth_at(target, valid, size) for size in sizes))
        share = (ctypes.c_float * len(heads))(*(weight / count for weight in scale_weight))
        loss = 0.0
        for number in range(count):
            ends = [
                (ctypes.c_void_p * len(heads))(*(part[number].data_ptr() for part in parts))
                for parts in (truths, masks)
            ]
            loss += self.native.tape_run(
                tape, ctypes.c_void_p(photos[number].data_ptr()),
                self.table.ctypes.data_as(ctypes.c_void_p), len(heads), heads, *ends, share)  # fmt: skip
        outputs, gradients = [], []
        for number, pair in enumerate(folded):
            for value, gradient in zip(pair, self._unpacked(number)):
                outputs.append(value)
                gradients.append(gradient.reshape(value.shape))
        torch.autograd.backward(outputs, gradients)
        return loss
