// SPDX-License-Identifier: Apache-2.0

/** @import { Inputs, Outcome } from './batch.js' */
/** @import { Image } from './image.js' */
/** @import { ModelSpec } from './model.js' */
/** @import { RemoveBackgroundOptions } from './options.js' */
/** @import { WorkerLike } from './worker/port.js' */
/** @import { WorkerOptions } from './worker/settings.js' */

import { inOrder } from './batch.js';
import { Direct } from './direct.js';
import { ASYNC_DISPOSE, DISPOSE } from './disposable.js';
import { OffcutError, invalid } from './errors.js';
import { readSpec } from './model.js';
import { readOptions, rules } from './options.js';
import { check, checkOptions, count, upTo } from './rules.js';
import { isBytes, toSource } from './source.js';
import { unlessAborted } from './task.js';
import { isForThreads, readThreads } from './threads.js';
import { Remote } from './worker/remote.js';
import { readWorkerOptions } from './worker/settings.js';

export { OffcutError } from './errors.js';
export { manifest } from './manifest.js';
export { peakMemory } from './memory.js';
export { findModel } from './model.js';

/**
 * @typedef {import('./batch.js').Outcome<Input, Result>} BatchItem
 * @typedef {import('./network.js').Backend} Backend
 * @typedef {import('./memory.js').PictureDetails} PictureDetails
 * @typedef {import('./source.js').Bytes} Bytes
 * @typedef {import('./source.js').Input} Input
 * @typedef {import('./source.js').Source} Source
 */

/** @typedef {import('./profile.js').Operation} Operation */

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
 * @property {string} backend what ran the network: `'offcut'`, or for example
 *   `'onnxruntime-web/webgpu'`
 * @property {boolean} worker whether it was done in a worker
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
 * @property {Backend} [backend] runs the network in place of the core
 * @property {false | WorkerOptions} [worker] works in workers, which `create` makes; default: here
 * @property {number} [threads] that run the network together, 1 to 16, for which `module` has to
 *   be `offcut.threads.wasm` or `offcut.relaxed.threads.wasm`; default 1
 * @property {() => WorkerLike} [helper] makes a worker that is to be a thread of an engine that
 *   works here, for a script that calls `serve` of `offcut/worker`
 */

/**
 * Options of many photos: those of one, for all of them.
 *
 * @typedef {Omit<RemoveBackgroundOptions, 'onProgress'> & BatchOnly} BatchOptions
 *
 * @typedef {object} BatchOnly
 * @property {number} [concurrency] how many photos may be under way; default: what keeps the engine
 *   busy
 * @property {(stage: import('./options.js').Stage, fraction: number, index: number) => void}
 *   [onProgress]
 */

/**
 * The core with a model, ready to take photos. Uses nothing of the host but WebAssembly, and
 * workers where it is given some.
 *
 * @param {EngineParts} parts
 * @returns {Promise<Engine>} rejects if the model cannot be used
 */
export async function createEngine(parts) {
  const engine = new Engine(parts);
  try {
    await engine.warm();
  } catch (error) {
    engine.dispose();
    throw error;
  }
  return engine;
}

const batchRules = { ...rules, concurrency: count };

export class Engine {
  /** @type {Direct | Remote} where the work is done */
  #place;
  #open;

  /** @param {EngineParts} parts */
  constructor(parts) {
    const { module, model, spec, variant = 'simd128', open = (input) => input } = parts;
    // Not by `instanceof`: edge runtimes compile it in another realm.
    if (Object.prototype.toString.call(module) !== '[object WebAssembly.Module]')
      throw invalid('a WebAssembly.Module', 'module', module);
    if (typeof model !== 'function' && !isBytes(model))
      throw invalid('bytes or a function', 'model', model);
    readSpec(spec); // complain here also if it is for workers
    /** How many threads run the network. */
    this.threads = readThreads(parts.threads);
    if (this.threads > 1 && !isForThreads(module))
      throw invalid('a core that was built for threads', 'module', module);
    this.#place = createPlace(parts);
    this.#open = open;
    /** Whether it is known, not assumed, how the model wants to be used. */
    this.described = spec !== undefined;
    /** @type {Variant} which build of the core it is */
    this.variant = variant;
    /** Whether the work is done in workers. */
    this.worker = this.#place.worker;
  }

  /** What runs the network: `'offcut'`, or for example `'onnxruntime-web/webgpu'`. */
  get backend() {
    return this.#place.backend;
  }

  /** How many photos under way at the same time keep it busy. */
  get concurrency() {
    return this.#place.concurrency;
  }

  /** Size of the wasm memory, of all workers together; 0 while there is none. */
  get memoryBytes() {
    return this.#place.memoryBytes;
  }

  /** Loads the model now rather than with the first photo. */
  async warm() {
    await this.#place.warm();
  }

  /**
   * Removes the background of one photo. Photos wait for each other, or for a worker that is free;
   * bytes that are handed in must stay unchanged until the promise settles.
   *
   * @param {Input} input
   * @param {RemoveBackgroundOptions} [options]
   * @returns {Promise<Result>} rejects with an `OffcutError`, or with what `onProgress` threw
   */
  async removeBackground(input, options) {
    const settings = readOptions(options);
    const source = toSource(this.#open(input));
    return unlessAborted(settings.signal, () => this.#place.removeBackground(source, settings));
  }

  /**
   * Removes the backgrounds of many photos, and yields what became of them in the order of the
   * photos. One that fails is yielded with its `error` and does not stop the others. Photos are
   * taken as fast as results are.
   *
   * @param {Inputs<Input>} inputs
   * @param {BatchOptions} [options]
   * @returns {AsyncGenerator<Outcome<Input, Result>, void, undefined>} throws only where the
   *   signal is aborted, where `inputs` does, and for wrong options
   */
  removeBackgrounds(inputs, options) {
    return removeBackgrounds(async () => this, inputs, options);
  }

  /**
   * Where the network's time goes: runs it some times and tells the least time of each operation.
   * One of free size runs at that of the photo before, at first of a square one.
   *
   * @param {{ runs?: number }} [options] runs: default 7
   * @returns {Promise<Operation[]>} in their order; rejects with `ERR_UNSUPPORTED` where a `backend`
   *   runs the network
   */
  async profile({ runs = 7 } = {}) {
    check(runs, upTo(1000), 'runs');
    return this.#place.profile(runs);
  }

  /** Gives the memory back. Photos under way or waiting are rejected with `ERR_STATE`. */
  dispose() {
    this.#place.dispose();
  }

  /** Gives the memory back when the photos under way and waiting are done. */
  async close() {
    await this.#place.close();
  }

  [DISPOSE]() {
    this.dispose();
  }

  [ASYNC_DISPOSE]() {
    return this.close();
  }
}

/**
 * As `Engine.removeBackgrounds`, on an engine that may still have to be made.
 *
 * @param {() => Promise<Pick<Engine, 'removeBackground' | 'concurrency'>>} ready
 * @param {Inputs<Input>} inputs
 * @param {BatchOptions} [options]
 * @returns {AsyncGenerator<Outcome<Input, Result>, void, undefined>}
 */
export async function* removeBackgrounds(ready, inputs, options) {
  if (options !== undefined) checkOptions(options, batchRules);
  const { concurrency, onProgress, signal, ...rest } = options ?? {};
  const engine = await unlessAborted(signal, ready);
  const limits = { concurrency: concurrency ?? engine.concurrency, signal };
  yield* inOrder(inputs, limits, async (input, index, stop) =>
    // Each asks for it: another call may have disposed of the one before.
    (await ready()).removeBackground(input, {
      ...rest,
      signal: stop,
      onProgress: onProgress && ((stage, fraction) => onProgress(stage, fraction, index)),
    }),
  );
}

/** @param {EngineParts} parts */
function createPlace(parts) {
  const { worker = false, backend, threads = 1 } = parts;
  if (backend && threads > 1) {
    throw new OffcutError('ERR_ARGUMENT', 'threads are of the core, and a backend is in its place');
  }
  const settings = readWorkerOptions(worker);
  if (!settings) return new Direct(parts);
  if (backend) {
    const detail = 'a backend works where it is: give it to serve() in a worker of your own';
    throw new OffcutError('ERR_ARGUMENT', detail);
  }
  return new Remote(parts, settings);
}
