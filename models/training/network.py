# SPDX-License-Identifier: Apache-2.0
"""The network: a residual U-net of dense 3x3 convolutions, made for the int8 engine.

ReLU after every convolution keeps activations in 0..127 once quantised; every channel count is a
multiple of 8; the stem has stride 2 and the finest scale is half the input, whose edges the
refinement sharpens afterwards.
"""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

WIDE = 192  # channels from which a dense 3x3 costs too many weights
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Upsample2x(torch.autograd.Function):
    """Bilinear 2x (half-pixel) whose gradient is slices: torch 1.13's own is a slow scalar loop."""

    @staticmethod
    def forward(ctx, x):
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    @staticmethod
    def backward(ctx, grad):
        return _gather_2x(_gather_2x(grad, 3), 2)


def _gather_2x(grad, dim):
    """Transpose of the 1-D weights (1/4, 3/4); the border feeds itself."""
    even, odd = _every_second(grad, dim, 0), _every_second(grad, dim, 1)
    out = (even + odd).mul_(0.75)
    half = out.shape[dim]
    out.narrow(dim, 0, half - 1).add_(even.narrow(dim, 1, half - 1), alpha=0.25)
    out.narrow(dim, 1, half - 1).add_(odd.narrow(dim, 0, half - 1), alpha=0.25)
    out.narrow(dim, 0, 1).add_(even.narrow(dim, 0, 1), alpha=0.25)
    out.narrow(dim, half - 1, 1).add_(odd.narrow(dim, half - 1, 1), alpha=0.25)
    return out


def _every_second(x, dim, start):
    return x[:, :, start::2] if dim == 2 else x[:, :, :, start::2]


def convolution(inputs, outputs, stride=1, dilation=1, side=3):
    """3x3 convolution (or 4x4, which a stride of 2 centres) + batch norm (folded at export) + ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def pointwise(inputs, outputs):
    """1x1 convolution + batch norm (folded at export) + ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """x + branch(x), then ReLU; the branch's last ReLU is left out."""

    def __init__(self, *branch):
        super().__init__()
        self.branch = nn.Sequential(*branch[:-1], branch[-1][:2])

    def forward(self, x):
        return functional.relu(x + self.branch(x))


def basic(channels, dilation=1):
    """Two 3x3 convolutions, as in ResNet-18."""
    return Residual(
        convolution(channels, channels, 1, dilation), convolution(channels, channels, 1, dilation)
    )


def bottleneck(channels, inner, dilation=1):
    """1x1 to fewer channels, 3x3, 1x1 back, as in ResNet-50: depth for few weights."""
    return Residual(
        pointwise(channels, inner),
        convolution(inner, inner, 1, dilation),
        pointwise(inner, channels),
    )


def resize_2x(x, training):
    if training:
        return Upsample2x.apply(x)
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class AddUp(nn.Module):
    """Coarse map by 1x1 to its finer neighbour's channels, up, added, refined."""

    def __init__(self, coarse, fine):
        super().__init__()
        self.reduce = pointwise(coarse, fine)
        self.refine = convolution(fine, fine) if fine < WIDE else bottleneck(fine, 64)

    def forward(self, coarse, fine):
        return self.refine(resize_2x(self.reduce(coarse), self.training) + fine)


class ConcatUp(nn.Module):
    """Coarse map up, beside its finer neighbour, merged and refined."""

    def __init__(self, coarse, fine):
        super().__init__()
        self.merge = convolution(coarse + fine, fine)
        self.refine = convolution(fine, fine)

    def forward(self, coarse, fine):
        return self.refine(self.merge(torch.cat([resize_2x(coarse, self.training), fine], 1)))


class Rsu(nn.Module):
    """Residual U-block of U²-Net (Qin et al. 2020, arXiv:2005.09007, figure 2): x + U(x).

    Pooled depth - 2 times on the way down, so its sides must be multiples of 2^(depth - 2).
    """

    def __init__(self, depth, inputs, inner, outputs, stride=1):
        super().__init__()
        side = 3 if stride == 1 else 4
        self.enter = convolution(inputs, outputs, stride, side=side)
        self.down = nn.ModuleList(
            [convolution(outputs, inner)] + [convolution(inner, inner) for _ in range(depth - 2)]
        )
        self.bottom = convolution(inner, inner, 1, 2)
        self.up = nn.ModuleList(
            [convolution(2 * inner, inner) for _ in range(depth - 2)]
            + [convolution(2 * inner, outputs)]
        )

    def forward(self, x):
        x = self.enter(x)
        skips = [self.down[0](x)]
        for down in self.down[1:]:
            skips.append(down(functional.max_pool2d(skips[-1], 2)))
        y = self.bottom(skips[-1])
        for up, skip in zip(self.up, reversed(skips)):
            if y.shape != skip.shape:
                y = resize_2x(y, self.training)
            y = up(torch.cat([y, skip], 1))
        return y + x


class DilatedRsu(nn.Module):
    """The same where the map is too small to pool: dilations 1, 2, 4 and 8 instead."""

    def __init__(self, inputs, inner, outputs):
        super().__init__()
        self.enter = convolution(inputs, outputs)
        self.down = nn.ModuleList(
            convolution(inner if k else outputs, inner, 1, 1 << k) for k in range(4)
        )
        self.up = nn.ModuleList(
            convolution(2 * inner, outputs if k == 0 else inner, 1, 1 << k) for k in (2, 1, 0)
        )

    def forward(self, x):
        x = self.enter(x)
        skips = [x]
        for down in self.down:
            skips.append(down(skips[-1]))
        y = skips.pop()
        for up in self.up:
            y = up(torch.cat([y, skips.pop()], 1))
        return y + x


class ConcatRsu(nn.Module):
    """Coarse map up, beside its finer neighbour, through an U-block."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, coarse, fine):
        return self.block(torch.cat([resize_2x(coarse, self.training), fine], 1))


@dataclass
class Form:
    """A design's parts: the stem; down and up from the finest scale; channels behind each up."""

    stem: nn.Module
    down: list
    up: list
    channels: list


def stage(inputs, outputs, blocks):
    return nn.Sequential(convolution(inputs, outputs, 2), *blocks)


def residual(up, c, stages):
    """A stem and a decoder that fit the stages with channels c, finest first."""
    return Form(convolution(3, c[0], 2), stages, [up(b, a) for a, b in zip(c, c[1:])], c[:-1])


def plain(c=(16, 32, 64, 96, 128, 128)):
    """Dense 3x3 everywhere."""
    return residual(
        AddUp,
        c,
        [
            stage(c[0], c[1], [basic(c[1])]),
            stage(c[1], c[2], [basic(c[2]) for _ in range(2)]),
            stage(c[2], c[3], [basic(c[3]) for _ in range(2)]),
            stage(c[3], c[4], [basic(c[4])]),
            nn.Sequential(
                pointwise(c[4], 64),
                convolution(64, c[5], 2),
                bottleneck(c[5], 64),
                bottleneck(c[5], 64, 2),
            ),
        ],
    )


def deep(c=(16, 32, 64, 128, 256, 192)):
    """3x3 at the fine scales, many bottlenecks at the coarse ones."""
    return residual(
        AddUp,
        c,
        [
            stage(c[0], c[1], [basic(c[1])]),
            stage(c[1], c[2], [basic(c[2]) for _ in range(2)]),
            stage(c[2], c[3], [bottleneck(c[3], 64) for _ in range(5)]),
            nn.Sequential(
                pointwise(c[3], 64),
                convolution(64, c[4], 2),
                *[bottleneck(c[4], 72, 1 + i % 2) for i in range(4)],
            ),
            nn.Sequential(
                pointwise(c[4], 64),
                convolution(64, c[5], 2),
                *[bottleneck(c[5], 64, 1 + i % 2) for i in range(2)],
            ),
        ],
    )


def nested(c=(16, 32, 56, 80, 96, 96), blocks=(1, 2, 2, 1, 1)):
    """Concatenating decoder, two 3x3 a scale."""
    return residual(
        ConcatUp,
        c,
        [
            stage(
                coarse_in,
                coarse,
                [basic(coarse, 1 + (level == 4 and i == 1)) for i in range(count)],
            )
            for level, (coarse_in, coarse, count) in enumerate(zip(c, c[1:], blocks))
        ],
    )


def u2net(first=64, second=64, last=64, c=64, inner=16, coarse=16):
    """U²-Netp behind a stride-2 stem; `first` encoder channels, `second` and `last` decoder ones,
    `inner` ones inside the U-blocks, `coarse` ones inside those from 1/16 of the input's scale on."""

    def below(block):
        return nn.Sequential(nn.MaxPool2d(2), block)

    down = [
        below(Rsu(6, first, inner, c)),
        below(Rsu(5, c, inner, c)),
        below(Rsu(4, c, coarse, c)),
        below(DilatedRsu(c, coarse, c)),
        below(DilatedRsu(c, coarse, c)),
    ]
    up = [
        Rsu(7, second + first, inner, last),
        Rsu(6, 2 * c, inner, second),
        Rsu(5, 2 * c, inner, c),
        Rsu(4, 2 * c, coarse, c),
        DilatedRsu(2 * c, coarse, c),
    ]
    channels = [last, second, c, c, c]
    return Form(Rsu(7, 3, inner, first, 2), down, [ConcatRsu(block) for block in up], channels)


def blocks():
    """U²-Netp cut down at the two finest scales."""
    return u2net(first=32, second=32, last=16)


def wide():
    """The same with twice the channels where they cost hardly any multiply-adds."""
    return u2net(first=32, second=32, last=16, coarse=32)


DESIGNS = {
    "plain": plain,
    "deep": deep,
    "nested": nested,
    "u2net": u2net,
    "blocks": blocks,
    "wide": wide,
}


class Network(nn.Module):
    """[N, 3, H, W] RGB in 0..1, H and W multiples of 64 -> logits [N, 1, H/2, W/2].

    While training, a list of logits at all five decoder scales, finest first (deep supervision).
    """

    def __init__(self, design="wide"):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        form = DESIGNS[design]()
        self.stem = form.stem
        self.down = nn.ModuleList(form.down)
        self.up = nn.ModuleList(form.up)
        self.head = nn.ModuleList(nn.Conv2d(fine, 1, 3, 1, 1) for fine in form.channels)

    def forward(self, image):
        x = self.stem((image - self.mean) / self.std)
        skips = [x]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = skips.pop()
        logits = []
        for level in reversed(range(len(self.up))):
            x = self.up[level](x, skips[level])
            if self.training or level == 0:
                logits.insert(0, self.head[level](x))
        return logits if self.training else logits[0]


def truth_at(target, valid, size):
    """(truth, weight) of a mask of that size: means over its pixels, of the truth where it is known."""
    weight = functional.adaptive_avg_pool2d(valid, size)
    truth = functional.adaptive_avg_pool2d(target * valid, size) / weight.clamp_min(1e-3)
    return truth.clamp(0, 1), weight


def convolutions_in_order(network, size=64):
    """The (convolution, batch norm or None) pairs in the order in which they run."""
    order, hooks = [], []
    norms = {}
    for parent in network.modules():
        children = list(parent.children()) if isinstance(parent, nn.Sequential) else []
        for conv, norm in zip(children, children[1:]):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                norms[conv] = norm
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(lambda conv, *_: order.append(conv)))
    was_training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return [(conv, norms.get(conv)) for conv in order]


def count_macs(network, size):
    """Multiply-accumulates of one forward pass at size x size, convolutions only."""
    total = [0]

    def count(conv, _, output):
        taps = conv.in_channels // conv.groups * conv.kernel_size[0] * conv.kernel_size[1]
        total[0] += taps * output[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return total[0]
