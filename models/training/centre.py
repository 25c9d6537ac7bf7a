# SPDX-License-Identifier: Apache-2.0
"""Shifts a network's answers so that those of HALF become one half.

    python3 models/training/centre.py --network network.onnx --half 0.57 --output centred.onnx

The soft IoU of the training's loss makes a network call more subject than there is: its masks are
most exact when cut above one half. This is a change of the last convolution's bias, by -ln(half / (1 -
half)); it takes what export.py, quantise.py and qat.py write.
"""
import argparse
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def last_bias(model):
    """The last convolution's bias as the integers or floats that the file holds, and their step."""
    constants = {constant.name: constant for constant in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    name = [node for node in model.graph.node if node.op_type == "Conv"][-1].input[2]
    if name in constants:
        return constants[name], 1.0
    bias, step = (constants[part] for part in makers[name].input)
    return bias, numpy_helper.to_array(step).item()


def centre(model, half):
    """Changes the model in place."""
    bias, step = last_bias(model)
    value = numpy_helper.to_array(bias)
    shifted = value - math.log(half / (1 - half)) / step
    if value.dtype == np.int32:
        shifted = np.rint(shifted)
    bias.CopyFrom(numpy_helper.from_array(shifted.astype(value.dtype), bias.name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--half", type=float, required=True, help="above 0, below 1")
    args = parser.parse_args()
    if not 0 < args.half < 1:
        parser.error(f"expected --half between 0 and 1, received {args.half}")
    model = onnx.load(str(args.network))
    centre(model, args.half)
    onnx.save(model, str(args.output))


if __name__ == "__main__":
    main()
