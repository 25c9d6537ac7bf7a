// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from './image.js' */
/** @import { Input, Source } from './source.js' */

import { Binding } from './binding.js';
import { ASYNC_DISPOSE, DISPOSE } from './disposable.js';
import { OffcutError, cancelled, invalid } from './errors.js';
import { readOptions, rules } from './options.js';
import { checkOptions, oneOf, upTo } from './rules.js';
import { concat, readSource, toSource } from './source.js';
import { nextTask, unlessAborted } from './task.js';

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

/** @typedef {PictureLimits & { signal?: AbortSignal }} InspectOptions */

/**
 * @typedef {object} ConvertOptions
 * @property {Image['format']} format
 * @property {number} [quality] 1 to 100 for JPEG and WebP; default 80
 * @property {AbortSignal} [signal] stops the work; the end of a WebP is one piece
 * @property {(fraction: number) => void} [onProgress] called between slices of work
 */

/**
 * @typedef {object} Converted
 * @property {Uint8Array<ArrayBuffer>} bytes
 * @property {number} width
 * @property {number} height
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
 * @property {(ctx: number, data: number, size: number, options: number, format: number, quality:
 *   number, conversion: number) => number} offcut_conversion_open
 * @property {(conversion: number) => void} offcut_conversion_free
 * @property {(conversion: number) => number} offcut_conversion_step
 * @property {(conversion: number) => number} offcut_conversion_done
 * @property {(conversion: number) => number} offcut_conversion_fraction
 * @property {(conversion: number) => number} offcut_conversion_width
 * @property {(conversion: number) => number} offcut_conversion_height
 * @property {(conversion: number, size: number) => number} offcut_conversion_output
 */

/** In the order of `offcut_format`, which begins with 1. */
const FORMATS = /** @type {const} */ (['jpeg', 'png', 'webp']);

const INSPECT_RULES = {
  pixelsMax: rules.pixelsMax,
  bytesMax: rules.bytesMax,
  signal: rules.signal,
};
const CONVERT_RULES = {
  format: oneOf(FORMATS),
  quality: upTo(100),
  onProgress: rules.onProgress,
  ...INSPECT_RULES,
};

/** Above this the memory of an instance is given back: wasm memory cannot shrink. */
const MEMORY_KEPT = 64 * 1024 * 1024;

/**
 * The core without a network: reads headers and converts. One instance serves all, is made when it
 * is first needed, and does one thing at a time.
 */
export class Codec {
  #compile;
  #open;
  /** @type {Promise<Binding> | undefined} */
  #binding;
  /** @type {Promise<unknown>} the end of the queue of conversions; never rejects */
  #tail = Promise.resolve();

  /**
   * @param {() => Promise<WebAssembly.Module>} compile
   * @param {(input: Input) => Input} [open] how the host turns a path or URL into a source
   */
  constructor(compile, open = (input) => input) {
    this.#compile = compile;
    this.#open = open;
  }

  /**
   * Reads a picture's header, and refuses what the core would not decode.
   *
   * @param {Input} input
   * @param {InspectOptions} [options]
   * @returns {Promise<PictureInfo>} rejects with an `OffcutError`
   */
  async inspect(input, options) {
    if (options !== undefined) checkOptions(options, INSPECT_RULES);
    const settings = readOptions(options);
    const bytes = await readSource(this.open(input), settings);
    const binding = await this.#ready();
    const data = binding.copyIn(bytes);
    try {
      return readHeader(binding, data, bytes.length, settings);
    } finally {
      if (!binding.broken) binding.c.free(data);
      this.#giveBack(binding);
    }
  }

  /**
   * Makes another file of a picture: upright, with its colour profile; what is transparent is laid
   * on white for JPEG.
   *
   * @param {Input} input bytes must stay unchanged until the promise settles
   * @param {ConvertOptions & PictureLimits} options
   * @returns {Promise<Converted>} rejects with an `OffcutError`, or with what `onProgress` threw
   */
  async convert(input, options) {
    const settings = readConversion(options);
    const source = this.open(input);
    return unlessAborted(settings.signal, () => {
      const turn = this.#tail.then(() => this.#convert(source, settings));
      this.#tail = turn.catch(() => {});
      return turn;
    });
  }

  /**
   * @protected
   * @param {Input} input
   * @returns {Source}
   */
  open(input) {
    return toSource(this.#open(input));
  }

  /** Size of the wasm memory, 0 while there is none. */
  async memoryBytes() {
    return (await this.#binding)?.memoryBytes ?? 0;
  }

  /** Gives the memory back; what is under way is finished, and the next call begins anew. */
  dispose() {
    this.#binding = undefined;
  }

  /** As `dispose()`, when the conversions under way and waiting are done. */
  async close() {
    await this.#tail;
    this.#binding = undefined;
  }

  [DISPOSE]() {
    this.dispose();
  }

  [ASYNC_DISPOSE]() {
    return this.close();
  }

  /**
   * @param {Source} source
   * @param {ConversionSettings} settings
   */
  async #convert(source, settings) {
    const bytes = await readSource(source, settings);
    const binding = await this.#ready();
    /** @type {Conversion | undefined} */
    let conversion;
    try {
      conversion = new Conversion(binding, bytes, settings);
      return await conversion.run(settings);
    } finally {
      conversion?.free();
      this.#giveBack(binding);
    }
  }

  /**
   * Whoever has the instance still may go on with it; the next gets a new one.
   *
   * @param {Binding} binding
   */
  #giveBack(binding) {
    if (binding.memoryBytes > MEMORY_KEPT) this.#binding = undefined;
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

/** A picture on its way into another file. */
class Conversion {
  #binding;
  #c;
  #data;
  #conversion = 0;

  /**
   * @param {Binding} binding
   * @param {Uint8Array} bytes
   * @param {ConversionSettings} settings
   */
  constructor(binding, bytes, { format, quality = 0, ...limits }) {
    this.#binding = binding;
    this.#c = exportsOf(binding);
    this.#data = binding.copyIn(bytes);
    const number = FORMATS.indexOf(format) + 1;
    try {
      this.#conversion = withOptions(binding, limits, (options) =>
        binding.statusOut((out) =>
          this.#c.offcut_conversion_open(
            binding.ctx,
            this.#data,
            bytes.length,
            options,
            number,
            quality,
            out,
          ),
        ),
      );
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /**
   * Steps until it is done; between steps the host may do other things, and stop it.
   *
   * @param {ConvertOptions} options
   * @returns {Promise<Converted>}
   */
  async run({ signal, onProgress }) {
    const c = this.#c;
    /** @type {Uint8Array[]} */
    const parts = [];
    while (!c.offcut_conversion_done(this.#conversion)) {
      this.#binding.check(c.offcut_conversion_step(this.#conversion));
      const output = this.#binding.viewOut((out) =>
        c.offcut_conversion_output(this.#conversion, out),
      );
      if (output.length > 0) parts.push(output.slice());
      onProgress?.(c.offcut_conversion_fraction(this.#conversion));
      await nextTask();
      if (signal?.aborted) throw cancelled(signal);
    }
    const width = c.offcut_conversion_width(this.#conversion) >>> 0;
    const height = c.offcut_conversion_height(this.#conversion) >>> 0;
    return { bytes: concat(parts), width, height };
  }

  free() {
    if (this.#binding.broken) return;
    this.#c.offcut_conversion_free(this.#conversion);
    this.#c.free(this.#data);
    this.#conversion = 0;
    this.#data = 0;
  }
}

/**
 * Refuses what is wrong and fills in the defaults.
 *
 * @param {ConvertOptions & PictureLimits} options
 */
export function readConversion(options) {
  checkConversion(options);
  const { format, quality, onProgress, ...more } = options;
  const { pixelsMax, bytesMax, signal } = readOptions(more);
  return { format, quality, pixelsMax, bytesMax, signal, onProgress };
}

/** @typedef {ReturnType<typeof readConversion>} ConversionSettings */

/** @param {ConvertOptions & PictureLimits} options */
export function checkConversion(options) {
  checkOptions(options, CONVERT_RULES);
  const { format } = options;
  if (format === undefined) throw invalid(CONVERT_RULES.format.expected, 'format', format);
}

/**
 * @param {Binding} binding
 * @param {number} data
 * @param {number} size
 * @param {Required<PictureLimits>} limits
 * @returns {PictureInfo}
 */
function readHeader(binding, data, size, limits) {
  const c = exportsOf(binding);
  const decoder = withOptions(binding, limits, (options) =>
    binding.statusOut((out) => c.offcut_decoder_open(binding.ctx, data, size, options, out)),
  );
  const info = c.offcut_decoder_info(decoder);
  const format = FORMATS[c.offcut_info_format(info) - 1];
  const sides = [c.offcut_info_width(info) >>> 0, c.offcut_info_height(info) >>> 0];
  if (c.offcut_info_orientation(info) > 4) sides.reverse();
  c.offcut_decoder_close(decoder);
  return { format, width: sides[0], height: sides[1] };
}

/**
 * @param {Binding} binding
 * @param {Required<PictureLimits>} limits
 * @param {(options: number) => number} callee
 */
function withOptions(binding, { pixelsMax, bytesMax }, callee) {
  const { c } = binding;
  const options = c.offcut_options_new();
  if (!options) throw new OffcutError('ERR_MEMORY', 'not enough memory');
  try {
    c.offcut_options_set_pixels_max(options, pixelsMax);
    c.offcut_options_set_bytes_max(options, bytesMax);
    return callee(options);
  } finally {
    if (!binding.broken) c.free(options);
  }
}

/** @param {Binding} binding */
function exportsOf({ c }) {
  return /** @type {import('./binding.js').Exports & CodecExports} */ (c);
}
