# SPDX-License-Identifier: Apache-2.0
"""Fills a fresh network from an exported one whose batch norms were folded away.

Each norm is rebuilt from what its convolution puts out on real pictures: the same function as
before, with unit variance in front of the norm again, so that training goes on where it ended.
"""
import numpy as np
import torch

from network import convolutions_in_order


def read_convolutions(path):
    """[(weights, bias)] of an ONNX file's Conv nodes in graph order, as float32."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    return [
        tuple(values[name].astype(np.float32) for name in node.input[1:3]) for node in convolutions
    ]


@torch.no_grad()
def warm_start(network, path, batches):
    """Copies the weights of the ONNX file and rebuilds the norms from batches of images."""
    rebuild_norms(network, fill(network, read_convolutions(path)), batches)


@torch.no_grad()
def fill(network, found):
    """Copies weights and biases in graph order; the (convolution, norm or None) pairs."""
    pairs = convolutions_in_order(network)
    if len(found) != len(pairs):
        raise ValueError(f"expected {len(pairs)} convolutions, found {len(found)}")
    for (conv, norm), (weights, bias) in zip(pairs, found):
        if tuple(conv.weight.shape) != weights.shape:
            raise ValueError(f"expected {tuple(conv.weight.shape)} weights, found {weights.shape}")
        conv.weight.copy_(torch.from_numpy(weights.copy()))
        if norm is None:
            conv.bias.copy_(torch.from_numpy(bias.copy()))
        else:
            _pass_through(norm, torch.from_numpy(bias.copy()))
    return pairs


@torch.no_grad()
def rebuild_norms(network, pairs, batches):
    """Measures every convolution over the batches of images and puts a norm behind it."""
    statistics = _measure(network, [conv for conv, norm in pairs if norm is not None], batches)
    for conv, norm in pairs:
        if norm is not None:
            _rebuild(conv, norm, *statistics[conv])


def _pass_through(norm, bias):
    """A norm that only adds the bias."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def _measure(network, convolutions, batches):
    """Mean and deviation of every convolution's output channels over the batches."""
    sums = {conv: [0, 0, 0] for conv in convolutions}

    def add(conv, _, output):
        sums[conv][0] += output.shape[0] * output.shape[2] * output.shape[3]
        sums[conv][1] = sums[conv][1] + output.double().sum((0, 2, 3))
        sums[conv][2] = sums[conv][2] + output.double().pow(2).sum((0, 2, 3))

    hooks = [conv.register_forward_hook(add) for conv in convolutions]
    network.eval()
    for image in batches:
        network(image)
    for hook in hooks:
        hook.remove()
    means = {conv: (total / count) for conv, (count, total, _) in sums.items()}
    return {
        conv: (means[conv], (squares / count - means[conv] ** 2).clamp_min(0).sqrt())
        for conv, (count, _, squares) in sums.items()
    }


def _rebuild(conv, norm, mean, deviation):
    """Unit variance in front of the norm, its scale and offset behind; the function stays."""
    deviation = deviation.clamp_min(1e-3).float()
    mean, offset = mean.float(), norm.bias.clone()
    conv.weight.div_(deviation.view(-1, 1, 1, 1))
    norm.running_mean.copy_(mean / deviation)
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.copy_(deviation)
    norm.bias.copy_(mean + offset)
