// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from './image.js' */
/** @import { ModelSpec, ResolvedSpec } from './model.js' */
/** @import { RemoveBackgroundOptions, Settings } from './options.js' */

import { Binding } from './binding.js';
import { OffcutError, cancelled, invalid } from './errors.js';
import { createImage, nameOfFile } from './image.js';
import { Job } from './job.js';
import { readSpec } from './model.js';
import { readOptions } from './options.js';
import { nextTask, unlessAborted } from './task.js';

export { OffcutError } from './errors.js';
export { findModel } from './model.js';

/**
 * Where a photo's bytes come from when they are not at hand yet: read when its turn has come.
 *
 * @typedef {object} Source
 * @property {string} [name] of the file
 * @property {(bytesMax: number) => Promise<Uint8Array>} read may refuse more than `bytesMax` bytes
 */

/** @typedef {Uint8Array | ArrayBuffer | ArrayBufferView} Bytes */

/**
 * A photo. Paths and URLs are for hosts with files: the Node entry takes them.
 *
 * @typedef {Bytes | Blob | Source | string | URL} Input
 */

/**
 * What became of a photo.
 *
 * @typedef {object} Result
 * @property {Uint8Array<ArrayBuffer>} png the subject as a PNG with straight alpha; the alpha matte
 *   where `output` is `'mask'`
 * @property {Image} image the eight fields that describe `png`
 * @property {Uint8Array<ArrayBuffer>} [mask] the alpha matte as a grey PNG, where the option `mask`
 *   asks for it
 * @property {number} coverage mean of alpha, 0 to 1; 0 if no subject was found
 * @property {Box} box holds every pixel that is at least half opaque; all 0 if there is none
 * @property {Timings} timings
 * @property {Variant} variant which build of the core did it
 */

/**
 * @typedef {object} Box in pixels of `png`
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 */

/**
 * Milliseconds. The stages count work only; `total` is from the photo's bytes to the PNG's, other
 * tasks in between included.
 *
 * @typedef {object} Timings
 * @property {number} decode
 * @property {number} infer
 * @property {number} refine
 * @property {number} encode
 * @property {number} total
 */

/** @typedef {'simd128' | 'relaxed'} Variant */

/**
 * @typedef {object} EngineParts
 * @property {WebAssembly.Module} module `offcut.wasm` or `offcut.relaxed.wasm`, compiled
 * @property {Bytes | (() => Bytes | Promise<Bytes>)} model an ONNX file. A function is asked again
 *   if the engine has to begin anew; then the bytes need not stay in memory
 * @property {ModelSpec} [spec] how the model wants to be used; default: RGB in 0..1, the first
 *   output is the mask
 * @property {Variant} [variant] what `result.variant` says; default `'simd128'`
 * @property {(input: Input) => Input} [open] how the host turns a path or URL into a source
 */

/**
 * Above this the memory of an instance is given back after the photo: wasm memory cannot shrink.
 */
const MEMORY_KEPT = 192 * 1024 * 1024;

/**
 * The core with a model, ready to take photos, one after the other. Uses nothing of the host but
 * WebAssembly.
 *
 * @param {EngineParts} parts
 * @returns {Promise<Engine>} rejects if the model cannot be used
 */
export async function createEngine(parts) {
  const engine = new Engine(parts);
  await engine.warm();
  return engine;
}

export class Engine {
  #module;
  #model;
  /** @type {ResolvedSpec} */
  #spec;
  #open;
  #disposed = false;
  /** @type {Instance | undefined} */
  #instance;
  /** @type {Promise<unknown>} the end of the queue; never rejects */
  #tail = Promise.resolve();

  /** @param {EngineParts} parts */
  constructor({ module, model, spec, variant = 'simd128', open = (input) => input }) {
    if (!(module instanceof WebAssembly.Module))
      throw invalid('a WebAssembly.Module', 'module', module);
    if (typeof model !== 'function' && !isBytes(model))
      throw invalid('bytes or a function', 'model', model);
    this.#module = module;
    this.#model = model;
    this.#spec = readSpec(spec);
    this.#open = open;
    /** Whether it is known, not assumed, how the model wants to be used. */
    this.described = spec !== undefined;
    /** @type {Variant} */
    this.variant = variant;
  }

  /** Size of the wasm memory, 0 while there is none. */
  get memoryBytes() {
    return this.#instance?.binding.memoryBytes ?? 0;
  }

  /** Loads the model now rather than with the first photo. */
  async warm() {
    await this.#enqueue(() => this.#ready());
  }

  /**
   * Removes the background of one photo. Photos wait for each other; bytes that are handed in must
   * stay unchanged until the promise settles.
   *
   * @param {Input} input
   * @param {RemoveBackgroundOptions} [options]
   * @returns {Promise<Result>} rejects with an `OffcutError`, or with what `onProgress` threw
   */
  async removeBackground(input, options) {
    const settings = readOptions(options);
    const source = toSource(this.#open(input));
    return unlessAborted(settings.signal, () => this.#enqueue(() => this.#run(source, settings)));
  }

  /** Gives the memory back. Photos under way or waiting are rejected with `ERR_STATE`. */
  dispose() {
    this.#disposed = true;
    this.#instance = undefined;
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #enqueue(task) {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }

  #alive() {
    if (this.#disposed) throw new OffcutError('ERR_STATE', 'this engine was disposed of');
  }

  /** The instance; a new one at first, after a fault and after a very large photo. */
  async #ready() {
    this.#alive();
    if (!this.#instance || this.#instance.binding.broken) {
      this.#instance = undefined;
      const model = typeof this.#model === 'function' ? await this.#model() : this.#model;
      const instance = await Instance.create(this.#module, toBytes(model), this.#spec);
      this.#alive();
      this.#instance = instance;
    }
    return this.#instance;
  }

  /**
   * @param {Source} source
   * @param {Settings} settings
   * @returns {Promise<Result>}
   */
  async #run(source, settings) {
    this.#alive();
    const { signal } = settings;
    if (signal?.aborted) throw cancelled(signal);
    const bytes = await source.read(settings.bytesMax);
    const { binding, model } = await this.#ready();
    const start = performance.now();
    const job = new Job(binding, model, bytes, settings);
    try {
      const passes = settings.mask && settings.output !== 'mask' ? 2 : 1;
      const png = await this.#drive(job, settings, { pass: 0, passes });
      const { coverage, box } = job.subject; // a second pass would say the same
      let mask = settings.mask ? png : undefined;
      if (passes === 2) {
        job.again('mask');
        mask = await this.#drive(job, settings, { pass: 1, passes });
      }
      const name = settings.name ?? nameOfFile(source.name) ?? 'image';
      const image = createImage({ name, ...job.size, format: 'png', size: png.length });
      const timings = { ...job.timings, total: performance.now() - start };
      return { png, image, ...(mask && { mask }), coverage, box, timings, variant: this.variant };
    } finally {
      job.free();
      if (this.memoryBytes > MEMORY_KEPT) this.#instance = undefined;
    }
  }

  /**
   * Steps until the job is done; between steps the host may do other things, and stop it.
   *
   * @param {Job} job
   * @param {Settings} settings
   * @param {{ pass: number, passes: number }} turn how often the encoder has run and will have run
   * @returns {Promise<Uint8Array<ArrayBuffer>>} the PNG
   */
  async #drive(job, { signal, onProgress }, { pass, passes }) {
    /** @type {Uint8Array[]} */
    const chunks = [];
    while (!job.done) {
      const stage = job.stage;
      const chunk = job.step();
      if (chunk) chunks.push(chunk);
      if (onProgress) {
        const fraction = job.done || job.stage !== stage ? 1 : job.fraction;
        onProgress(stage, stage === 'encode' ? (pass + fraction) / passes : fraction);
      }
      await nextTask();
      this.#alive();
      if (signal?.aborted) throw cancelled(signal);
    }
    return concat(chunks);
  }
}

/** An instance of the wasm module with a model in it. */
class Instance {
  /**
   * @param {Binding} binding
   * @param {number} model
   */
  constructor(binding, model) {
    this.binding = binding;
    this.model = model;
  }

  /**
   * @param {WebAssembly.Module} module
   * @param {Uint8Array} onnx
   * @param {ResolvedSpec} spec
   */
  static async create(module, onnx, spec) {
    const binding = await Binding.create(module);
    const { c, ctx } = binding;
    const input = createInput(binding, spec);
    const data = binding.copyIn(onnx);
    try {
      const model = binding.statusOut((out) =>
        c.offcut_model_load(ctx, data, onnx.length, input, out),
      );
      return new Instance(binding, model);
    } finally {
      if (!binding.broken) {
        c.free(data);
        c.free(input);
      }
    }
  }
}

/**
 * @param {Binding} binding
 * @param {ResolvedSpec} spec
 * @returns {number} the caller's
 */
function createInput({ c }, { input, output }) {
  const pointer = c.offcut_input_new();
  if (!pointer) throw new OffcutError('ERR_MEMORY', 'not enough memory');
  const [red, green, blue] = input.mean;
  const [redStd, greenStd, blueStd] = input.std;
  c.offcut_input_set_size(pointer, input.width, input.height);
  c.offcut_input_set_mean(pointer, red, green, blue);
  c.offcut_input_set_std(pointer, redStd, greenStd, blueStd);
  c.offcut_input_set_divide_by_peak(pointer, Number(input.divideByPeak));
  c.offcut_input_set_bgr(pointer, Number(input.bgr));
  c.offcut_input_set_activation(pointer, output.activation);
  c.offcut_input_set_output(pointer, output.index, output.channel);
  return pointer;
}

/**
 * @param {unknown} value
 * @returns {value is Bytes}
 */
function isBytes(value) {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return true;
  // An ArrayBuffer of another realm, as test runners and vm contexts make them.
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** @param {Bytes} value */
function toBytes(value) {
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Uint8Array(value);
}

/**
 * @param {unknown} input
 * @returns {Source}
 */
function toSource(input) {
  if (isBytes(input)) return { read: async () => toBytes(input) };
  const source = /** @type {Partial<Blob & File & Source> | null | undefined} */ (input);
  if (typeof source === 'object' && typeof source?.read === 'function')
    return /** @type {Source} */ (source);
  if (typeof source === 'object' && typeof source?.arrayBuffer === 'function') {
    return blobSource(/** @type {Blob & { name?: string }} */ (source));
  }
  throw invalid('a Uint8Array, ArrayBuffer, Blob or File', 'input', input);
}

/**
 * @param {Blob & { name?: string }} blob
 * @returns {Source}
 */
function blobSource(blob) {
  return {
    name: blob.name,
    read: async (bytesMax) => {
      refuseOver(blob.size, bytesMax);
      try {
        return new Uint8Array(await blob.arrayBuffer());
      } catch (cause) {
        throw new OffcutError('ERR_LOAD', `the photo could not be read: ${cause}`, { cause });
      }
    },
  };
}

/**
 * Refuses before the bytes are in memory; the core checks again.
 *
 * @param {number} size
 * @param {number} bytesMax
 */
export function refuseOver(size, bytesMax) {
  if (!(size > bytesMax)) return;
  const detail = `expected at most ${bytesMax} bytes, received ${size}`;
  throw new OffcutError('ERR_LIMIT', `the picture exceeds the configured limits: ${detail}`, {
    detail,
  });
}

/** @param {Uint8Array[]} chunks */
function concat(chunks) {
  const result = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}
