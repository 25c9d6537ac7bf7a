# SPDX-License-Identifier: Apache-2.0
"""Stores a network's f32 weights as fp16, each followed by a Cast back to f32.

The graph still computes in f32 everywhere, so any ONNX runtime gives the same result as long as it runs
Cast; only the file is half as large. Small constants (biases, normalisation) stay f32: they cost nothing
and rounding them costs accuracy.

    python to_fp16.py IN.onnx OUT.onnx
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VALUES_MIN = 1024  # smaller tensors stay as they are
FP16_MAX = 65504.0


def halve(initializer):
    """The fp16 twin of an initialiser, or None where it would not pay or not fit."""
    if initializer.data_type != TensorProto.FLOAT:
        return None
    values = numpy_helper.to_array(initializer)
    if values.size < VALUES_MIN or np.abs(values).max() > FP16_MAX:
        return None
    return numpy_helper.from_array(values.astype(np.float16), initializer.name + "_fp16")


def convert(model):
    graph = model.graph
    kept, casts = [], []
    for initializer in graph.initializer:
        half = halve(initializer)
        if half is None:
            kept.append(initializer)
            continue
        kept.append(half)
        casts.append(
            helper.make_node(
                "Cast",
                [half.name],
                [initializer.name],
                name="cast_" + initializer.name,
                to=TensorProto.FLOAT,
            )
        )
    nodes = casts + list(graph.node)
    names = {initializer.name for initializer in graph.initializer}
    inputs = [value for value in graph.input if value.name not in names]
    for field, values in (("initializer", kept), ("node", nodes), ("input", inputs)):
        graph.ClearField(field)
        getattr(graph, field).extend(values)
    del graph.value_info[:]
    onnx.checker.check_model(model)
    return len(casts)


def main():
    source, target = sys.argv[1:]
    model = onnx.load(source)
    count = convert(model)
    onnx.save(model, target)
    print(f"{target}: {count} tensors stored as fp16")


if __name__ == "__main__":
    main()
