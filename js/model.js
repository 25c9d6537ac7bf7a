// SPDX-License-Identifier: Apache-2.0
import { OffcutError, invalid } from './errors.js';
import { manifest } from './manifest.js';

/**
 * How a photo becomes a network's input: squashed to width x height, values v in 0..1 become (v /
 * peak - mean) / std. Mean and std are R, G, B.
 *
 * Where neither this nor the network says a width or a height, the size is free: it follows the
 * upright photo, as the one of 320x320, 384x256, 256x384, 512x192 and 192x512 whose shape is
 * nearest.
 *
 * @typedef {object} ModelInput
 * @property {number} [width] default: what the network asks for, 320 if it leaves only this open
 * @property {number} [height] likewise
 * @property {number[]} [mean] default `[0, 0, 0]`
 * @property {number[]} [std] default `[1, 1, 1]`
 * @property {boolean} [divideByPeak] peak is the largest value in the squashed photo instead of 1;
 *   default `false`
 * @property {boolean} [bgr] the planes go in as B, G, R; default `false`
 */

/**
 * Where the mask is in what the network answers.
 *
 * @typedef {object} ModelOutput
 * @property {number} [index] which output; default 0
 * @property {number} [channel] which channel of it; default 0
 * @property {'none' | 'sigmoid' | 'softmax'} [activation] what is still to be applied; default
 *   `'none'`
 */

/**
 * How a network wants to be used; the same fields as in `models/manifest.json` and in a file
 * `NETWORK.onnx.json`.
 *
 * @typedef {object} ModelSpec
 * @property {ModelInput} [input]
 * @property {ModelOutput} [output]
 */

/**
 * @typedef {ModelSpec & { name: string, file?: string, sha256: string, bytes: number, licence:
 *   string, source: string }} ManifestEntry
 * @typedef {{ default: ManifestEntry & { file: string }, known: ManifestEntry[] }} Manifest
 */

const ACTIVATIONS = ['none', 'sigmoid', 'softmax'];
const SIDE_MAX = 4096;

/**
 * Refuses what is wrong and fills in the defaults. Fields other than `input` and `output` are left
 * alone.
 *
 * @param {unknown} spec
 */
export function readSpec(spec = {}) {
  expectObject(spec, 'the model description');
  const { input = {}, output = {} } = /** @type {ModelSpec} */ (spec);
  expectObject(input, 'input');
  expectObject(output, 'output');
  const { width = 0, height = 0, mean = [0, 0, 0], std = [1, 1, 1] } = input;
  const { divideByPeak = false, bgr = false } = input;
  const { index = 0, channel = 0, activation = 'none' } = output;
  for (const [name, side] of Object.entries({ width, height }))
    expectCount(side, SIDE_MAX, `input.${name}`);
  for (const [name, flag] of Object.entries({ divideByPeak, bgr })) {
    if (typeof flag !== 'boolean') throw invalid('a boolean', `input.${name}`, flag);
  }
  if (!isColour(mean)) throw invalid('three finite numbers', 'input.mean', mean);
  if (!isColour(std) || std.some((value) => value <= 0)) {
    throw invalid('three numbers above 0', 'input.std', std);
  }
  expectCount(index, 65535, 'output.index');
  expectCount(channel, 65535, 'output.channel');
  if (!ACTIVATIONS.includes(activation)) {
    throw invalid("'none', 'sigmoid' or 'softmax'", 'output.activation', activation);
  }
  return {
    input: { width, height, mean, std, divideByPeak, bgr },
    output: { index, channel, activation: ACTIVATIONS.indexOf(activation) },
  };
}

/** @typedef {ReturnType<typeof readSpec>} ResolvedSpec */

/**
 * What the manifest knows about a network, by the hash of its file.
 *
 * @param {Uint8Array} onnx
 * @returns {Promise<ManifestEntry | undefined>} rejects where the host cannot hash, if only that
 *   can tell
 */
export async function findModel(onnx) {
  const entries = [manifest.default, ...manifest.known].filter(
    (entry) => entry.bytes === onnx.length,
  );
  if (entries.length === 0) return undefined;
  if (!globalThis.crypto?.subtle) {
    throw new OffcutError(
      'ERR_UNSUPPORTED',
      'a page that is not secure (https) cannot hash the network to know it: ' +
        'say how it is used, as { data, input, output }',
    );
  }
  const digest = await crypto.subtle.digest('SHA-256', /** @type {BufferSource} */ (onnx));
  const hash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0'));
  return entries.find((entry) => entry.sha256 === hash.join(''));
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function expectObject(value, name) {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid('an object', name, value);
}

/**
 * @param {unknown} value
 * @param {number} max
 * @param {string} name
 */
function expectCount(value, max, name) {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > max) {
    throw invalid(`an integer from 0 to ${max}`, name, value);
  }
}

/** @param {unknown} value */
function isColour(value) {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}
