# SPDX-License-Identifier: Apache-2.0
"""The network: a residual U-net of dense 3x3 convolutions, made for the int8 engine.

ReLU after every convolution keeps activations in 0..127 once quantised; every channel count is a
multiple of 8; the stem has stride 2 and the finest scale is half the input, whose edges the
refinement sharpens afterwards.
"""
import torch
from torch import nn
from torch.nn import functional

CHANNELS = (16, 32, 64, 96, 128, 160)
BLOCKS = (1, 2, 2, 2, 2)
DILATION = ((1, 1), (1, 1), (1, 1), (1, 1), (1, 2))
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


def convolution(inputs, outputs, stride=1, dilation=1):
    """3x3 convolution + batch norm (folded at export) + ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """x + two convolutions, then ReLU."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.first = convolution(channels, channels, 1, dilation)
        self.second = convolution(channels, channels, 1, dilation)[:2]

    def forward(self, x):
        return functional.relu(x + self.second(self.first(x)))


class Up(nn.Module):
    """Brings a coarse map to its neighbour's scale and merges the two."""

    def __init__(self, coarse, fine):
        super().__init__()
        self.merge = convolution(coarse + fine, fine)
        self.refine = convolution(fine, fine)

    def forward(self, coarse, fine):
        if self.training:
            coarse = Upsample2x.apply(coarse)
        else:
            coarse = functional.interpolate(
                coarse, scale_factor=2, mode="bilinear", align_corners=False
            )
        return self.refine(self.merge(torch.cat([coarse, fine], 1)))


class Network(nn.Module):
    """[N, 3, H, W] RGB in 0..1, H and W multiples of 64 -> logits [N, 1, H/2, W/2].

    While training, a list of logits at all five decoder scales, finest first (deep supervision).
    """

    def __init__(self, channels=CHANNELS, blocks=BLOCKS):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.stem = convolution(3, channels[0], 2)
        self.down = nn.ModuleList()
        for level, count in enumerate(blocks):
            block = [convolution(channels[level], channels[level + 1], 2)]
            block += [Residual(channels[level + 1], DILATION[level][i]) for i in range(count)]
            self.down.append(nn.Sequential(*block))
        levels = range(len(blocks))
        self.up = nn.ModuleList(Up(channels[level + 1], channels[level]) for level in levels)
        self.head = nn.ModuleList(nn.Conv2d(channels[level], 1, 3, 1, 1) for level in levels)

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
