// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from './image.js' */

import { Binding } from './binding.js';
import { OffcutError, invalid } from './errors.js';
import { BYTES_MAX, PIXELS_MAX } from './options.js';

/**
 * What a picture's header says, the way it is meant to be seen: upright.
 *
 * @typedef {object} PictureInfo
 * @property {Image['format']} format
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {object} PictureLimits
 * @property {number} [pixelsMax] width times height; default 120,000,000
 * @property {number} [bytesMax] default 268,435,456
 */

/**
 * @typedef {object} ConvertOptions
 * @property {Image['format']} format
 * @property {number} [quality] 1 to 100 for JPEG and WebP; default 80
 * @property {AbortSignal} [signal]
 */

/**
 * The exports that only this file uses.
 *
 * @typedef {object} CodecExports
 * @property {(ctx: number, data: number, size: number, options: number, decoder: number) => number}
 *   offcut_decoder_open
 * @property {(decoder: number) => void} offcut_decoder_close
 * @property {(decoder: number) => number} offcut_decoder_info
 * @property {(info: number) => number} offcut_info_format
 * @property {(info: number) => number} offcut_info_width
 * @property {(info: number) => number} offcut_info_height
 * @property {(info: number) => number} offcut_info_orientation
 */

/** In the order of `offcut_format`, which begins with 1. */
const FORMATS = /** @type {const} */ (['jpeg', 'png', 'webp']);

/**
 * The core without a network: reads headers. One instance serves all and is made when it is first
 * needed.
 */
export class Codec {
  #compile;
  /** @type {Promise<Binding> | undefined} */
  #binding;

  /** @param {() => Promise<WebAssembly.Module>} compile */
  constructor(compile) {
    this.#compile = compile;
  }

  /**
   * Reads a picture's header, and refuses what the core would not decode.
   *
   * @param {Uint8Array} bytes
   * @param {PictureLimits} [limits]
   * @returns {Promise<PictureInfo>}
   */
  async inspect(bytes, limits = {}) {
    if (!(bytes instanceof Uint8Array)) throw invalid('a Uint8Array', 'bytes', bytes);
    const binding = await this.#ready();
    const data = binding.copyIn(bytes);
    try {
      return readHeader(binding, data, bytes.length, limits);
    } finally {
      if (!binding.broken) binding.c.free(data);
    }
  }

  /**
   * Makes another file of a picture: upright, the alpha kept, or on white where the format has none.
   *
   * @param {Uint8Array} bytes
   * @param {ConvertOptions} options
   * @returns {Promise<{ bytes: Uint8Array, width: number, height: number }>}
   */
  async convert(bytes, { format }) {
    if (!(bytes instanceof Uint8Array)) throw invalid('a Uint8Array', 'bytes', bytes);
    throw new OffcutError('ERR_UNSUPPORTED', `this build of the core cannot write ${format}`);
  }

  /** Gives the memory back; the next call begins anew. */
  dispose() {
    this.#binding = undefined;
  }

  /** @returns {Promise<Binding>} */
  async #ready() {
    if ((await this.#binding?.catch(() => undefined))?.broken) this.#binding = undefined;
    if (!this.#binding) {
      const binding = this.#compile().then((module) => Binding.create(module));
      this.#binding = binding;
      binding.catch(() => {
        if (this.#binding === binding) this.#binding = undefined;
      });
    }
    return this.#binding;
  }
}

/**
 * @param {Binding} binding
 * @param {number} data
 * @param {number} size
 * @param {PictureLimits} limits
 * @returns {PictureInfo}
 */
function readHeader(binding, data, size, { pixelsMax = PIXELS_MAX, bytesMax = BYTES_MAX }) {
  const { ctx } = binding;
  const c = /** @type {import('./binding.js').Exports & CodecExports} */ (binding.c);
  const options = c.offcut_options_new();
  if (!options) throw new OffcutError('ERR_MEMORY', 'not enough memory');
  let decoder = 0;
  try {
    c.offcut_options_set_pixels_max(options, pixelsMax);
    c.offcut_options_set_bytes_max(options, bytesMax);
    decoder = binding.statusOut((out) => c.offcut_decoder_open(ctx, data, size, options, out));
    const info = c.offcut_decoder_info(decoder);
    const format = FORMATS[c.offcut_info_format(info) - 1];
    const sides = [c.offcut_info_width(info) >>> 0, c.offcut_info_height(info) >>> 0];
    if (c.offcut_info_orientation(info) > 4) sides.reverse();
    return { format, width: sides[0], height: sides[1] };
  } finally {
    if (!binding.broken) {
      c.offcut_decoder_close(decoder);
      c.free(options);
    }
  }
}
