// SPDX-License-Identifier: Apache-2.0
import { NAME_MAX } from './image.js';
import { callback, checkOptions, count, flag, oneOf, signal } from './rules.js';

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
 * @property {boolean} [secondLook] let the network see a small subject again, from near; `false`:
 *   quicker, less exact; default `true`
 * @property {'transparent' | 'error'} [onEmpty] what to do where no subject is found; default
 *   `'transparent'`
 * @property {boolean} [eightBit] write 8 bits a sample also for a 16-bit PNG; default `false`
 * @property {boolean} [allowTruncated] decode what is there of a damaged or cut-off file; default
 *   `false`
 * @property {Speed} [speed] of writing the PNG: `'small'` takes several times as long as
 *   `'balanced'` for a smaller file, `'fast'` somewhat less for a larger one; default `'balanced'`
 * @property {number} [pixelsMax] width times height of the input; default 120,000,000
 * @property {number} [bytesMax] size of the input; default 268,435,456
 * @property {boolean} [transfer] gives the photo's buffer to the worker, if there is one, instead
 *   of a copy: it is empty afterwards. What is read from a file or Blob is never copied. Default
 *   `false`
 * @property {AbortSignal} [signal] stops the work
 * @property {(stage: Stage, fraction: number) => void} [onProgress] called between slices of work;
 *   the fraction is of the stage, 0 to 1
 */

/** The defaults of the limits; the others are the negative or first value. */
const BYTES_MAX = 256 * 1024 * 1024;
export const PIXELS_MAX = 120_000_000;

export const rules = {
  name: { expected: `a string of 1 to ${NAME_MAX} characters`, test: isName },
  mask: flag,
  output: oneOf(['cutout', 'mask']),
  refine: flag,
  secondLook: flag,
  onEmpty: oneOf(['transparent', 'error']),
  eightBit: flag,
  allowTruncated: flag,
  speed: oneOf(['fast', 'balanced', 'small']),
  pixelsMax: count,
  bytesMax: count,
  transfer: flag,
  signal,
  onProgress: callback,
};

/**
 * Refuses what is wrong and fills in the defaults.
 *
 * @param {unknown} options
 */
export function readOptions(options = {}) {
  checkOptions(options, rules);
  const {
    name = undefined,
    mask = false,
    output = 'cutout',
    refine = true,
    secondLook = true,
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
    secondLook,
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
function isName(value) {
  if (typeof value !== 'string') return false;
  const length = [...value].length; // code points, as JSON Schema counts
  return length >= 1 && length <= NAME_MAX;
}
