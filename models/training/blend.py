# SPDX-License-Identifier: Apache-2.0
"""Averages networks of one training: what each of them knows, less of what each of them overdoes.

    python3 models/training/blend.py --networks end-f32.onnx:0.6 middle-f32.onnx:0.2 start-f32.onnx:0.2 \
        --output network-f32.onnx

Networks that a training went through lie in one valley, so that the means of their weights are a
network too, and one that does better on pictures unlike those of the training (Wortsman et al. 2022,
arXiv:2109.01903). The files are those that export.py wrote of checkpoints of one form.
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def share(text):
    """ "network-f32.onnx:0.6" -> (path, 0.6)"""
    path, _, part = text.rpartition(":")
    return Path(path), float(part)


def blend(models, shares):
    """The first ModelProto with the weighted means of all models' float constants."""
    result = models[0]
    constants = [{i.name: numpy_helper.to_array(i) for i in m.graph.initializer} for m in models]
    if any(c.keys() != constants[0].keys() for c in constants):
        raise ValueError("expected networks of one form, found other constants in some")
    for constant in result.graph.initializer:
        values = [c[constant.name] for c in constants]
        if values[0].dtype != np.float32:
            continue
        mean = sum(part * value.astype(np.float64) for part, value in zip(shares, values))
        constant.CopyFrom(numpy_helper.from_array(mean.astype(np.float32), constant.name))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=share, nargs="+", required=True, metavar="FILE:SHARE")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    paths, shares = zip(*args.networks)
    if abs(sum(shares) - 1) > 1e-6:
        parser.error(f"expected shares that add up to 1, received {sum(shares)}")
    onnx.save(blend([onnx.load(str(path)) for path in paths], shares), str(args.output))


if __name__ == "__main__":
    main()
