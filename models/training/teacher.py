# SPDX-License-Identifier: Apache-2.0
"""The teacher: U²-Net as an ONNX file of SIZE x SIZE, with which photos were labelled."""
import numpy as np

from network import MEAN, STD


class Teacher:
    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name

    def mask_of(self, photo):
        """[SIZE, SIZE] mask in 0..1 of a uint8 photo; U²-Net divides by its brightest value."""
        image = photo.astype(np.float32) / max(1, int(photo.max()))
        planes = ((image - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)[None]
        return self.session.run(None, {self.input: np.ascontiguousarray(planes)})[0][0, 0]
