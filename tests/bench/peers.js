// SPDX-License-Identifier: Apache-2.0
// What others would use: ONNX Runtime Web on one thread, alone and between sharp's decoder and encoder.
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import sharp from 'sharp';
// Not by `offcut/core`: loading that would count against the peer in the bench of the cold start.
import { manifest } from '../../js/manifest.js';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
sharp.concurrency(1);

const root = new URL('../../', import.meta.url);

/** Leaves out QuantizeLinear and DequantizeLinear: what is left is an f32 network. */
const dequantised = { session: { disable_quant_qdq: '1', enable_quant_qdq_cleanup: '1' } };

/** @param {Uint8Array} onnx */
export function isQuantised(onnx) {
  return Buffer.from(onnx.buffer, onnx.byteOffset, onnx.length).includes('DequantizeLinear');
}

/** What the package says of its own network. */
export function defaultNetwork() {
  const spec = manifest.default;
  return { onnx: readFileSync(new URL(`models/${spec.file}`, root)), spec };
}

/**
 * A network in f32, also if the file is int8.
 *
 * @param {Uint8Array} onnx
 * @returns {Promise<(input: Float32Array, side: number) => Promise<ort.Tensor>>} one run
 */
export async function onnxRuntime(onnx) {
  const session = await ort.InferenceSession.create(onnx, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    ...(isQuantised(onnx) && { extra: dequantised }),
  });
  const [inputName] = session.inputNames;
  const [outputName] = session.outputNames;
  return async (input, side) => {
    const picture = new ort.Tensor('float32', input, [1, 3, side, side]);
    return (await session.run({ [inputName]: picture }))[outputName];
  };
}

/**
 * A cut-out with the package's network by sharp and ONNX Runtime: the mask enlarged, no refinement,
 * no freed colours, the PNG as fast as sharp writes it.
 *
 * @returns {Promise<(photo: Uint8Array) => Promise<Buffer>>}
 */
export async function cutoutByOthers() {
  const { onnx, spec } = defaultNetwork();
  const side = spec.input?.width ?? 320;
  const { mean = [0, 0, 0], std = [1, 1, 1] } = spec.input ?? {};
  const run = await onnxRuntime(onnx);
  return async (photo) => {
    const picture = sharp(photo).rotate().removeAlpha();
    const small = await picture.clone().resize(side, side, { fit: 'fill' }).raw().toBuffer();
    const input = new Float32Array(3 * side * side);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < side * side; i++)
        input[c * side * side + i] = (small[3 * i + c] / 255 - mean[c]) / std[c];
    const { data, dims } = await run(input, side);
    const mask = Uint8Array.from(/** @type {Float32Array} */ (data), (value) => value * 255);
    const [maskHeight, maskWidth] = dims.slice(-2);
    const { data: rgb, info } = await picture.raw().toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const alpha = await sharp(mask, {
      raw: { width: maskWidth, height: maskHeight, channels: 1 },
    })
      .resize(width, height, { fit: 'fill' })
      .raw()
      .toBuffer();
    return sharp(rgb, { raw: { width, height, channels: 3 } })
      .joinChannel(alpha, { raw: { width, height, channels: 1 } })
      .png({ compressionLevel: 1 })
      .toBuffer();
  };
}
