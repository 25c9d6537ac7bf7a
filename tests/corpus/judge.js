// SPDX-License-Identifier: Apache-2.0
// Whether what a decoder did with a file is what the manifest asks for.

import { createHash } from 'node:crypto';
import { endianness } from 'node:os';

/**
 * What a decoder did. status is a name of OFFCUT_STATUS_LIST; or CRASH, TIMEOUT, UNREADABLE.
 * @typedef {object} Outcome
 * @property {string} status
 * @property {string} detail
 * @property {number} width
 * @property {number} height
 * @property {number} bits
 * @property {number} orientation
 * @property {Uint8Array} pixels
 * @property {number} [memory] bytes the WebAssembly memory had grown to
 */

/** Statuses that mean "this file is refused", as opposed to "something of ours went wrong". */
const REFUSALS = new Set([
  'ERR_FORMAT',
  'ERR_UNSUPPORTED',
  'ERR_CORRUPT',
  'ERR_TRUNCATED',
  'ERR_LIMIT',
]);

/** The policy's megapixels, and the memory that a picture may take beside 12 bytes a pixel. */
const PIXELS_MAX = 120e6;
const MEMORY_BASE = 64 * 2 ** 20;

/**
 * @param {import('./manifest.js').Row} row
 * @param {Outcome} outcome
 * @returns {string} what is wrong, '' if nothing is
 */
export function judge(row, outcome) {
  const decoded = outcome.status === 'OK';
  if (!decoded && !REFUSALS.has(outcome.status)) return `${outcome.status} ${outcome.detail}`;
  if (!decoded && outcome.detail === '') return `${outcome.status} without a detail`;
  const memory = judgeMemory(row, outcome);
  if (memory) return memory;
  switch (row.expected) {
    case 'refuse':
      return decoded ? `expected a refusal, decoded ${size(outcome)}` : '';
    case 'either':
    case 'limit':
      return decoded ? judgeSize(row, outcome) : '';
    case 'decode':
      if (!decoded) return `expected a picture, received ${outcome.status}: ${outcome.detail}`;
      return judgeSize(row, outcome) || judgeOrientation(row, outcome) || judgePixels(row, outcome);
    default:
      return `the manifest expects "${row.expected}", which has no meaning here`;
  }
}

/** @param {{ width: number, height: number }} picture */
function size({ width, height }) {
  return `${width}x${height}`;
}

/**
 * @param {import('./manifest.js').Row} row
 * @param {Outcome} outcome
 */
function judgeSize(row, outcome) {
  if (row.width === 0 || size(row) === size(outcome)) return '';
  return `expected ${size(row)}, received ${size(outcome)}`;
}

/**
 * @param {import('./manifest.js').Row} row
 * @param {Outcome} outcome
 */
function judgeOrientation(row, outcome) {
  if (row.orientation === 0 || row.orientation === outcome.orientation) return '';
  return `expected orientation ${row.orientation}, received ${outcome.orientation}`;
}

/**
 * @param {import('./manifest.js').Row} row
 * @param {Outcome} outcome
 */
function judgePixels(row, outcome) {
  if (!row.exact || row.hashes.length === 0) return '';
  const hashes = toEightBits(outcome).map((bytes) => sha256(bytes));
  if (hashes.some((hash) => row.hashes.includes(hash))) return '';
  return `expected pixels ${row.hashes.join(' or ')}, received ${hashes.join(' or ')}`;
}

/**
 * The memory of a picture that is kept whole, and of its decoding, is 12 bytes a pixel; whatever a
 * header says beyond the limit of pixels must not cost memory at all.
 * @param {import('./manifest.js').Row} row
 * @param {Outcome} outcome
 */
function judgeMemory(row, outcome) {
  if (outcome.memory === undefined) return '';
  const pixels = row.width * row.height;
  const most = MEMORY_BASE + 2 * row.size + (pixels <= PIXELS_MAX ? 12 * pixels : 0);
  if (outcome.memory <= most) return '';
  return `expected at most ${most} bytes of memory, received ${outcome.memory}`;
}

/**
 * The two ways from 16 to 8 bits that the manifest knows: scaled, and the high byte alone.
 * @param {Outcome} outcome
 * @returns {Uint8Array[]}
 */
function toEightBits({ bits, pixels }) {
  if (bits === 8) return [pixels];
  const high = endianness() === 'LE' ? 1 : 0;
  const scaled = new Uint8Array(pixels.length / 2);
  const stripped = new Uint8Array(pixels.length / 2);
  for (let i = 0; i < scaled.length; i++) {
    const value = pixels[2 * i + high] * 256 + pixels[2 * i + 1 - high];
    scaled[i] = (value * 255 + 32895) >>> 16;
    stripped[i] = value >>> 8;
  }
  return [scaled, stripped];
}

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
