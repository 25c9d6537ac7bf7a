// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from './image.js' */
/** @import { Rule } from './rules.js' */

import { invalid } from './errors.js';
import { checkOptions, count, flag, oneOf } from './rules.js';

/**
 * What is known of a picture beside its size.
 *
 * @typedef {object} PictureDetails
 * @property {number} [bytes] size of the file; default: a byte a pixel, or for PNG and lossless
 *   WebP all samples
 * @property {number} [orientation] of EXIF; default 1
 * @property {8 | 16} [bits] of a sample; default 8
 * @property {boolean} [alpha] default `false`; with `allowTruncated` what is missing of a PNG or WebP
 *   is transparent: one that is turned then takes as much as one with alpha
 * @property {boolean} [progressive] JPEG; default `false`
 * @property {keyof typeof SAMPLES} [subsampling] of a progressive JPEG; default `'4:4:4'`
 * @property {boolean} [interlaced] PNG; default `false`
 * @property {boolean} [lossless] WebP; default `false`
 * @property {number} [threads] of the engine; default 1
 */

/** Samples a pixel that a JPEG stores. */
const SAMPLES = { '4:0:0': 1, '4:2:0': 1.5, '4:2:2': 2, '4:4:4': 3, cmyk: 4 };

const FORMAT = oneOf(['jpeg', 'png', 'webp']);

/** @type {Rule} */
const size = {
  expected: 'an integer of at least 0',
  test: (value) => Number.isSafeInteger(value) && value >= 0,
};

/** @type {Record<keyof PictureDetails, Rule>} */
const DETAILS = {
  bytes: size,
  orientation: size,
  bits: oneOf([8, 16]),
  alpha: flag,
  progressive: flag,
  subsampling: oneOf(Object.keys(SAMPLES)),
  interlaced: flag,
  lossless: flag,
  threads: count,
};

const MIB = 2 ** 20;

/** The network of this package: its file, the core with it, and what it takes while it runs; bytes. */
const NETWORK = { file: 1.42 * MIB, loaded: 7 * MIB, running: 4.1 * MIB };

/** Every further thread of the network: its stack, and what it takes while the network runs; bytes. */
const THREAD = { stack: 32 * 1024, running: 168 * 1024 };

/** The guide picture: its longer side at most, and bytes a pixel before, while and after alpha is refined. */
const GUIDE = { side: 640, decoded: 12, refining: 44, refined: 25 };

/** Rows under way: bytes a pixel of a row, and buffers of fixed size. */
const ROWS = { perPixel: 100, fixed: 0.75 * MIB };

/** The seven readers of an interlaced PNG: bytes a pixel of a row, and buffers of fixed size. */
const READERS = { perPixel: 96, fixed: 0.5 * MIB };

/**
 * The size to which the core's memory grows at most while it removes the background of one picture
 * with the network of this package: all that WebAssembly takes, the file's bytes included. Not
 * in it are the host's own copies of the file and of the PNG. A little more than the truth, never less; relaxed SIMD on a
 * processor with a dot product of bytes takes about 4 MiB less.
 *
 *     loaded + stacks + bytes + 0.75 MiB + the largest of
 *       running + 12 · guide                           while the network runs
 *       44 · guide                                     while alpha is refined
 *       file + 25 · guide + whole + upright + lines    while pixels are decoded and encoded
 *
 * `loaded` is the core with its network, `running` what that takes while it runs, `file` its ONNX
 * file, see `NETWORK`; every thread but the first has a stack and adds to `running`, see `THREAD`. `guide` is the number of pixels of the picture at 640 on its longer side,
 * `lines` 100 · (width + height), twice that at 16 bits.
 * `whole` is what the decoder keeps of the picture, in bytes a pixel: nothing for baseline JPEG, PNG
 * (interlaced: 96 bytes a pixel of a row and half a MiB) and lossy WebP; 2 a sample for progressive
 * JPEG (3 with 4:2:0, 6 with 4:4:4), 4 for lossless WebP, 5 for lossy WebP with alpha. `upright` is
 * what turning it takes, orientations 3 to 8: 3 bytes a pixel, 4 with alpha, twice that at 16 bits.
 *
 * @param {number} width pixels, as it is meant to be seen
 * @param {number} height
 * @param {Image['format']} format
 * @param {PictureDetails} [details]
 * @returns {number} bytes
 */
export function peakMemory(width, height, format, details = {}) {
  for (const [name, side] of Object.entries({ width, height })) {
    if (!count.test(side)) throw invalid(count.expected, name, side);
  }
  if (!FORMAT.test(format)) throw invalid(FORMAT.expected, 'format', format);
  checkOptions(details, DETAILS);
  const { orientation = 1, bits = 8, alpha = false, threads = 1 } = details;
  const pixels = width * height;
  const { bytes = pixels * fileOf(format, details) } = details;
  const scale = Math.min(1, GUIDE.side / Math.max(width, height));
  const guide = Math.ceil(width * scale) * Math.ceil(height * scale);
  const whole = wholeOf(width, height, format, details);
  const upright = orientation > 2 && orientation < 9 ? pixels * (alpha ? 4 : 3) * (bits / 8) : 0;
  const lines = ROWS.perPixel * (bits / 8) * (width + height);
  const most = Math.max(
    NETWORK.running + (threads - 1) * THREAD.running + GUIDE.decoded * guide,
    GUIDE.refining * guide,
    NETWORK.file + GUIDE.refined * guide + whole + upright + lines,
  );
  const loaded = NETWORK.loaded + (threads - 1) * THREAD.stack;
  return Math.ceil(loaded + bytes + ROWS.fixed + most);
}

/**
 * Bytes a pixel that a file of unknown size may have.
 *
 * @param {Image['format']} format
 * @param {PictureDetails} details
 */
function fileOf(format, { bits = 8, alpha = false, lossless = false }) {
  return format === 'png' || lossless ? (alpha ? 4 : 3) * (bits / 8) : 1;
}

/**
 * Bytes that the decoder keeps.
 *
 * @param {number} width
 * @param {number} height
 * @param {Image['format']} format
 * @param {PictureDetails} details
 */
function wholeOf(width, height, format, details) {
  const { bits = 8, alpha, progressive, interlaced, subsampling = '4:4:4', lossless } = details;
  const pixels = width * height;
  if (format === 'jpeg') return progressive ? 2 * SAMPLES[subsampling] * pixels : 0;
  if (format === 'webp') return (lossless ? 4 : alpha ? 5 : 0) * pixels;
  if (!interlaced) return 0;
  return READERS.fixed + READERS.perPixel * (bits / 8) * Math.max(width, height);
}
