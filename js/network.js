// SPDX-License-Identifier: Apache-2.0
// Networks that something else than the core runs; `ort.js` has one.

/** @import { ResolvedSpec } from './model.js' */

import { OffcutError } from './errors.js';

/**
 * Runs networks in place of the core; `offcut/ort` makes one of ONNX Runtime Web.
 *
 * @typedef {object} Backend
 * @property {string} name for `result.backend`
 * @property {(onnx: Uint8Array, spec: ResolvedSpec) => Promise<Network>} load called again after a
 *   failure
 */

/**
 * @typedef {object} Network
 * @property {string} name for `result.backend`: what runs it, now that this is known
 * @property {number} width of the input; with a height of 0 too, 0: it follows the photo's shape
 * @property {number} height of the input
 * @property {(input: Float32Array, size: { width: number, height: number }) => Promise<Tensor>} run
 *   `input` is [1, 3, height, width], normalised; the answer is the output that the description
 *   names, before the activation. Called again, with another size, where a network of free size
 *   looks twice; never before it settled
 * @property {() => void | Promise<void>} dispose
 */

/** @typedef {{ data: ArrayLike<number>, dims: readonly number[] }} Tensor row-major */

/** @typedef {{ data: Float32Array, width: number, height: number }} Mask 0 to 1 */

/** By their number in C. */
const [SIGMOID, SOFTMAX] = [1, 2];

/**
 * The mask in what a network answers, as `src/nn` finds it in its own networks' answers.
 *
 * @param {Tensor} output
 * @param {ResolvedSpec['output']} spec
 * @returns {Mask}
 */
export function readMask({ data, dims }, { channel, activation }) {
  const { channels, width, height, step, next } = layoutOf(dims);
  if (channel >= channels) {
    throw new OffcutError(
      'ERR_MODEL',
      `the network's output has ${channels} channels: there is no number ${channel}`,
    );
  }
  const mask = new Float32Array(width * height);
  for (let i = 0; i < mask.length; i++) {
    const value = data[i * next + channel * step];
    if (activation === SIGMOID) mask[i] = 1 / (1 + Math.exp(-value));
    else if (activation === SOFTMAX) mask[i] = softmax(data, i * next, step, channels, value);
    else mask[i] = value;
  }
  return { data: mask, width, height };
}

/**
 * Channels come first, or last if the last dimension is the small one.
 *
 * @param {readonly number[]} dims
 */
function layoutOf(dims) {
  const batch = dims.slice(0, -3);
  if (dims.length < 2 || batch.some((side) => side !== 1) || dims.includes(0)) {
    throw new OffcutError('ERR_MODEL', `the network's output [${dims}] is not a mask`);
  }
  const [first, second, last] = dims.length === 2 ? [1, ...dims] : dims.slice(-3);
  if (last < first || (last === 1 && first > 1)) {
    return { channels: last, height: first, width: second, step: 1, next: last };
  }
  return { channels: first, height: second, width: last, step: second * last, next: 1 };
}

/**
 * @param {ArrayLike<number>} data
 * @param {number} start
 * @param {number} step
 * @param {number} channels
 * @param {number} value
 */
function softmax(data, start, step, channels, value) {
  let peak = value;
  for (let c = 0; c < channels; c++) peak = Math.max(peak, data[start + c * step]);
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += Math.exp(data[start + c * step] - peak);
  return Math.exp(value - peak) / sum;
}
