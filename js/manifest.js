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
    name: 'offcut-6',
    file: 'default.onnx',
    sha256: 'ce6f5d8c4025abcf50e63dd3eb4d3e19d196a880731187069c15dc26e5ae7494',
    bytes: 1480857,
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
      name: 'offcut-6 (f32)',
      file: 'default-f32.onnx',
      sha256: 'ffe09895a93a42270742bcf200fdf420e4ac58220a272000df75bf53e3ad1689',
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
