// SPDX-License-Identifier: Apache-2.0

/** @import { Manifest } from './model.js' */

/**
 * The networks whose use is known: that of this package, and some made by others. They are
 * recognised by their hash. The same as `models/manifest.json`, in the one form that every host
 * and every bundler loads.
 *
 * @type {Manifest}
 */
export const manifest = {
  default: {
    name: 'offcut-7',
    file: 'default.onnx',
    sha256: '0c73dcd85fdc940e6bea144f3b8a50f5e665c2d09a563281760677f170c8e403',
    bytes: 1480750,
    licence: 'Apache-2.0',
    source: "trained by this project from a start of U²-Netp's weights, see MODEL_CARD.md",
    input: {
      mean: [0, 0, 0],
      std: [1, 1, 1],
      divideByPeak: false,
      bgr: false,
    },
    output: {
      index: 0,
      channel: 0,
      activation: 'none',
    },
  },
  known: [
    {
      name: 'offcut-7 (f32)',
      file: 'default-f32.onnx',
      sha256: '8e4054ef5b300f64a6efd53c6c600fdf2b4a67e47fe94796da146554320f381b',
      bytes: 5385504,
      licence: 'Apache-2.0',
      source: 'the default network before quantisation, see MODEL_CARD.md',
      input: {
        mean: [0, 0, 0],
        std: [1, 1, 1],
        divideByPeak: false,
        bgr: false,
      },
      output: {
        index: 0,
        channel: 0,
        activation: 'none',
      },
    },
    {
      name: 'U²-Netp',
      sha256: '7f23e4680d279891688275c5239ca003a47f2cb9a83d4a30c8713514609d19f8',
      bytes: 4533656,
      licence: 'Apache-2.0',
      source: 'weights of github.com/xuebinqin/U-2-Net at fp16 precision, as 320x320 ONNX',
      input: {
        width: 320,
        height: 320,
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        divideByPeak: true,
        bgr: false,
      },
      output: {
        index: 0,
        channel: 0,
        activation: 'none',
      },
    },
    {
      name: 'SINet',
      sha256: 'f35b9e40a455248ddb53fcae605b7cb3f0fcebaa6aa7c6e4d76e928cfb0ce995',
      bytes: 436866,
      licence: 'MIT',
      source:
        'github.com/anilsathyan7/Portrait-Segmentation, SINet/SINet.onnx; (v * 255 - mean) / std / 255 there',
      input: {
        width: 320,
        height: 320,
        mean: [0.49769459, 0.4362842, 0.4034919],
        std: [66.355705, 62.82138, 62.93292],
        divideByPeak: false,
        bgr: true,
      },
      output: {
        index: 0,
        channel: 1,
        activation: 'softmax',
      },
    },
    {
      name: 'PrismaNet',
      sha256: 'aeef118740b74a908886f247457c9866b5c002769eda4bb901f049dc7821b1c0',
      bytes: 3730400,
      licence: 'MIT',
      source: 'github.com/anilsathyan7/Portrait-Segmentation, deepstream_multiseg/prisma_nchw.onnx',
      input: {
        width: 256,
        height: 256,
        mean: [0, 0, 0],
        std: [1, 1, 1],
        divideByPeak: false,
        bgr: false,
      },
      output: {
        index: 0,
        channel: 0,
        activation: 'none',
      },
    },
  ],
};
