// SPDX-License-Identifier: Apache-2.0

/** @import { EngineParts, Result } from './core.js' */
/** @import { ResolvedSpec } from './model.js' */
/** @import { Network } from './network.js' */
/** @import { Settings } from './options.js' */
/** @import { Operation } from './profile.js' */
/** @import { Source } from './source.js' */
/** @import { Help } from './worker/messages.js' */

import { Binding } from './binding.js';
import { OffcutError, cancelled } from './errors.js';
import { createImage, nameOfFile } from './image.js';
import { Job, createInput } from './job.js';
import { readSpec } from './model.js';
import { readMask } from './network.js';
import { profileNetwork } from './profile.js';
import { concat, readSource, toBytes } from './source.js';
import { nextTask } from './task.js';
import { expectMayWait, startHelpers } from './threads.js';

/**
 * Above this the memory of an instance is given back after the photo: wasm memory cannot shrink.
 */
const MEMORY_KEPT = 192 * 1024 * 1024;

/**
 * Starts the helpers of an instance, and answers what ends them.
 *
 * @typedef {(orders: Help[]) => Promise<() => void>} Bring
 */

/** The work of an engine in this thread: one photo after the other, in slices. */
export class Direct {
  #parts;
  #bring;
  /** @type {ResolvedSpec} */
  #spec;
  #disposed = false;
  /** @type {Instance | undefined} */
  #instance;
  /** @type {Network | undefined} where not the core runs it */
  #network;
  /** @type {Promise<unknown>} the end of the queue; never rejects */
  #tail = Promise.resolve();

  backend;
  worker = false;
  concurrency = 1;

  /**
   * @param {EngineParts} parts
   * @param {Bring} [bring]
   */
  constructor(parts, bring = (orders) => startHelpers(helperOf(parts), orders)) {
    this.#parts = parts;
    this.#bring = bring;
    this.#spec = readSpec(parts.spec);
    this.backend = parts.backend?.name ?? 'offcut';
  }

  get memoryBytes() {
    return this.#instance?.binding.memoryBytes ?? 0;
  }

  warm() {
    return this.#enqueue(() => this.#ready());
  }

  /**
   * @param {Source} source
   * @param {Settings} settings
   * @returns {Promise<Result>}
   */
  removeBackground(source, settings) {
    return this.#enqueue(() => this.#run(source, settings));
  }

  /**
   * @param {number} runs
   * @returns {Promise<Operation[]>}
   */
  profile(runs) {
    return this.#enqueue(async () => {
      const { binding, model, network } = await this.#ready();
      if (network) {
        const detail = `operations are timed where the core runs the network, not ${this.backend}`;
        throw new OffcutError('ERR_UNSUPPORTED', detail);
      }
      return profileNetwork(binding, model, runs);
    });
  }

  dispose() {
    this.#disposed = true;
    this.#drop();
    const network = this.#network;
    this.#network = undefined;
    // Whether it could be ended does not matter to whoever does not need it any more.
    void (async () => network?.dispose())().catch(() => {});
  }

  /** When what is under way and waits is done, `dispose()`. */
  async close() {
    await this.#tail;
    this.dispose();
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
      this.#drop();
      const instance = await this.#load();
      this.#instance = instance;
      if (this.#disposed) this.#drop();
      this.#alive();
    }
    return this.#instance;
  }

  #drop() {
    this.#instance?.end();
    this.#instance = undefined;
  }

  async #load() {
    const { module, backend, threads = 1 } = this.#parts;
    if (!backend) {
      const instance = await Instance.create(module, await this.#modelBytes(), this.#spec);
      if (threads > 1) await instance.share(module, threads, this.#bring);
      return instance;
    }
    this.#network ??= await backend.load(await this.#modelBytes(), this.#spec);
    const network = this.#network;
    if (this.#disposed) this.dispose(); // the network came too late for the first time
    this.backend = network.name;
    return new Instance(await Binding.create(module), 0, network);
  }

  async #modelBytes() {
    const { model } = this.#parts;
    return toBytes(typeof model === 'function' ? await model() : model);
  }

  /**
   * @param {Source} source
   * @param {Settings} settings
   * @returns {Promise<Result>}
   */
  async #run(source, settings) {
    this.#alive();
    const bytes = await readSource(source, settings);
    const { binding, model, network } = await this.#ready();
    const start = performance.now();
    const input = network && inputOf(network, this.#spec);
    /** @type {Job | undefined} */
    let job;
    try {
      job = new Job(binding, { model, input, bytes, settings });
      const passes = settings.mask && settings.output !== 'mask' ? 2 : 1;
      const png = await this.#drive(job, settings, { pass: 0, passes, network });
      const { coverage, box } = job.subject; // a second pass would say the same
      let mask = settings.mask ? png : undefined;
      if (passes === 2) {
        job.again('mask');
        mask = await this.#drive(job, settings, { pass: 1, passes });
      }
      const name = settings.name ?? nameOfFile(source.name) ?? 'image';
      const image = createImage({ name, ...job.size, format: 'png', size: png.length });
      const timings = { ...job.timings, total: performance.now() - start };
      const { variant = 'simd128' } = this.#parts;
      const how = { variant, backend: this.backend, worker: false };
      return { png, image, ...(mask && { mask }), coverage, box, timings, ...how };
    } finally {
      job?.free();
      if (this.memoryBytes > MEMORY_KEPT) this.#drop();
    }
  }

  /**
   * Steps until the job is done; between steps the host may do other things, and stop it.
   *
   * @param {Job} job
   * @param {Settings} settings
   * @param {{ pass: number, passes: number, network?: Network }} turn how often the encoder has run
   *   and will have run
   * @returns {Promise<Uint8Array<ArrayBuffer>>} the PNG
   */
  async #drive(job, { signal, onProgress }, { pass, passes, network }) {
    /** @type {Uint8Array[]} */
    const chunks = [];
    while (!job.done) {
      const stage = job.stage;
      if (network && stage === 'infer') await this.#infer(job, network);
      else {
        const chunk = job.step();
        if (chunk) chunks.push(chunk);
      }
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

  /**
   * The mask from elsewhere.
   *
   * @param {Job} job
   * @param {Network} network
   */
  async #infer(job, network) {
    const start = performance.now();
    const output = await network.run(job.input, job.inputSize);
    this.#alive();
    job.takeAnswer(readMask(output, this.#spec.output));
    job.timings.infer += performance.now() - start;
  }
}

/**
 * @param {Network} network
 * @param {ResolvedSpec} spec
 * @returns {ResolvedSpec}
 */
function inputOf({ width, height }, { input, output }) {
  return { input: { ...input, width, height }, output };
}

/** @param {EngineParts} parts */
function helperOf({ helper }) {
  if (helper) return helper;
  throw new OffcutError('ERR_UNSUPPORTED', 'this host has no workers to be threads: give helper');
}

/** An instance of the wasm module, with a model in it or the network that stands in for one. */
class Instance {
  /** Ends what helps it. */
  end = () => {};

  /**
   * @param {Binding} binding
   * @param {number} model 0 where there is a network
   * @param {Network} [network]
   */
  constructor(binding, model, network) {
    this.binding = binding;
    this.model = model;
    this.network = network;
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

  /**
   * Has the network done by several threads.
   *
   * @param {WebAssembly.Module} module
   * @param {number} threads
   * @param {Bring} bring
   */
  async share(module, threads, bring) {
    expectMayWait();
    const { c, ctx } = this.binding;
    this.binding.check(c.offcut_threads_set(ctx, threads));
    const orders = Array.from({ length: threads - 1 }, (_, i) => ({
      type: /** @type {const} */ ('help'),
      ...{ module, memory: c.memory, ctx, lane: i + 1, stack: c.offcut_threads_stack(ctx, i + 1) },
    }));
    this.end = await bring(orders);
  }
}
