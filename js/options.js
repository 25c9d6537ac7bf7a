// SPDX-License-Identifier: Apache-2.0
import { invalid } from './errors.js';
import { NAME_MAX } from './image.js';

/** @typedef {'decode' | 'infer' | 'refine' | 'encode'} Stage */

/** @typedef {'fast' | 'balanced' | 'small'} Speed */

/**
 * Settings of one picture. Everything is optional.
 *
 * @typedef {object} RemoveBackgroundOptions
 * @property {string} [name] of the resulting image, 1 to 30 characters; default: the file's name,
 *   else `'image'`
 * @property {boolean} [mask] answer the alpha matte too, as a grey PNG; default `false`
 * @property {'cutout' | 'mask'} [output] what `png` holds: the subject, or the alpha matte alone as
 *   a grey PNG; default `'cutout'`
 * @property {boolean} [refine] follow the photo's edges and free edge colours of the old
 *   background; `false`: the network's mask enlarged as it is; default `true`
 * @property {'transparent' | 'error'} [onEmpty] what to do where no subject is found; default
 *   `'transparent'`
 * @property {boolean} [eightBit] write 8 bits a sample also for a 16-bit PNG; default `false`
 * @property {boolean} [allowTruncated] decode what is there of a damaged or cut-off file; default
 *   `false`
 * @property {Speed} [speed] of writing the PNG: `'small'` takes several times as long as
 *   `'balanced'` for a smaller file, `'fast'` half as long for a larger one; default `'balanced'`
 * @property {number} [pixelsMax] width times height of the input; default 120,000,000
 * @property {number} [bytesMax] size of the input; default 268,435,456
 * @property {boolean} [transfer] gives the photo's buffer to the worker, if there is one, instead of
 *   a copy: it is empty afterwards. What is read from a file or Blob is never copied. Default
 *   `false`
 * @property {AbortSignal} [signal] stops the work
 * @property {(stage: Stage, fraction: number) => void} [onProgress] called between slices of work;
 *   the fraction is of the stage, 0 to 1
 */

/** The defaults of the limits; the others are the negative or first value. */
export const BYTES_MAX = 256 * 1024 * 1024;
export const PIXELS_MAX = 120_000_000;

/** @type {Record<string, { expected: string, test: (value: any) => boolean }>} */
const rules = {
  name: { expected: `a string of 1 to ${NAME_MAX} characters`, test: isName },
  mask: { expected: 'a boolean', test: isBoolean },
  output: {
    expected: "'cutout' or 'mask'",
    test: (value) => value === 'cutout' || value === 'mask',
  },
  refine: { expected: 'a boolean', test: isBoolean },
  onEmpty: {
    expected: "'transparent' or 'error'",
    test: (value) => value === 'transparent' || value === 'error',
  },
  eightBit: { expected: 'a boolean', test: isBoolean },
  allowTruncated: { expected: 'a boolean', test: isBoolean },
  speed: {
    expected: "'fast', 'balanced' or 'small'",
    test: (value) => value === 'fast' || value === 'balanced' || value === 'small',
  },
  pixelsMax: { expected: 'a positive integer', test: isCount },
  bytesMax: { expected: 'a positive integer', test: isCount },
  transfer: { expected: 'a boolean', test: isBoolean },
  signal: { expected: 'an AbortSignal', test: isSignal },
  onProgress: { expected: 'a function', test: (value) => typeof value === 'function' },
};

/**
 * Refuses what is no object, and an option of another name. `undefined` counts as left out.
 *
 * @param {unknown} options
 * @param {readonly string[]} names
 */
export function expectOptions(options, names) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalid('an object', 'options', options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !names.includes(name)) {
      throw invalid(`one of ${names.join(', ')}`, 'option', name);
    }
  }
}

/**
 * Refuses what is wrong and fills in the defaults. `undefined` counts as left out.
 *
 * @param {unknown} options
 * @param {readonly string[]} [names] of those that may be given
 */
export function readOptions(options = {}, names = Object.keys(rules)) {
  expectOptions(options, names);
  for (const [name, { expected, test }] of Object.entries(rules)) {
    const value = /** @type {Record<string, unknown>} */ (options)[name];
    if (value !== undefined && !test(value)) throw invalid(expected, name, value);
  }
  const {
    name = undefined,
    mask = false,
    output = 'cutout',
    refine = true,
    onEmpty = 'transparent',
    eightBit = false,
    allowTruncated = false,
    speed = 'balanced',
    pixelsMax = PIXELS_MAX,
    bytesMax = BYTES_MAX,
    transfer = false,
    signal = undefined,
    onProgress = undefined,
  } = /** @type {RemoveBackgroundOptions} */ (options);
  return {
    name,
    mask,
    output,
    refine,
    onEmpty,
    eightBit,
    allowTruncated,
    speed,
    pixelsMax,
    bytesMax,
    transfer,
    signal,
    onProgress,
  };
}

/** @typedef {ReturnType<typeof readOptions>} Settings */

/** @param {unknown} value */
function isBoolean(value) {
  return typeof value === 'boolean';
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) > 0;
}

/** @param {unknown} value */
function isName(value) {
  if (typeof value !== 'string') return false;
  const length = [...value].length; // code points, as JSON Schema counts
  return length >= 1 && length <= NAME_MAX;
}

/**
 * By shape: a signal may come from another realm or a polyfill.
 *
 * @param {any} value
 */
function isSignal(value) {
  return (
    typeof value === 'object' &&
    typeof value?.aborted === 'boolean' &&
    typeof value.addEventListener === 'function'
  );
}
