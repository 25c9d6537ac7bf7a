// SPDX-License-Identifier: Apache-2.0

/** @import { Inputs } from './batch.js' */
/** @import { BatchOptions, Engine, Input, Result, Variant } from './core.js' */
/** @import { Backend } from './network.js' */
/** @import { WorkerHost, WorkerOptions } from './worker/settings.js' */
/** @import { ModelSpec } from './model.js' */
/** @import { RemoveBackgroundOptions } from './options.js' */
/** @import { Rule } from './rules.js' */

import { Codec } from './codec.js';
import { createEngine as createBareEngine, removeBackgrounds as removeAll } from './core.js';
import { OffcutError } from './errors.js';
import { chooseVariant } from './features.js';
import { manifest } from './manifest.js';
import { findModel, readSpec } from './model.js';
import { rules } from './options.js';
import { anything, checkOptions, oneOf } from './rules.js';
import { isBytes, toBytes, toSource } from './source.js';
import { unlessAborted } from './task.js';
import { readThreads } from './threads.js';
import { RemoteCodec } from './worker/remote.js';
import { readWorkerOptions } from './worker/settings.js';

/**
 * A network: the bytes of an ONNX file, or in Node the path or `file:` URL of one, in browsers its
 * URL.
 *
 * @typedef {Uint8Array | ArrayBuffer | Blob | string | URL} ModelData
 */

/**
 * A network of your own, with or without a description of how it wants to be used. Without one, the
 * networks that `models/manifest.json` lists are known by their hash, Node looks for `FILE.json`
 * beside FILE, and for any other the photo goes in as RGB in 0..1 and the first output is taken as
 * the mask.
 *
 * @typedef {ModelData | (ModelSpec & { data: ModelData })} Model
 */

/**
 * @typedef {object} EngineOptions
 * @property {Model} [model] default: the network in this package
 * @property {Variant} [variant] default: the fastest that the host can run
 * @property {WebAssembly.Module | ((variant: Variant, forThreads: boolean) => WebAssembly.Module |
 *   Promise<WebAssembly.Module>)} [module] the core, compiled, or what compiles it, where it should
 *   not be loaded from this package
 * @property {boolean | WorkerOptions} [worker] work in workers, so that nothing waits for it.
 *   Default: `true` in pages, which work by themselves where no worker can be started; elsewhere
 *   `false`
 * @property {number} [threads] that run the network together, 1 to 16; results are the same bytes.
 *   Pages have to be cross-origin isolated, and the engine in a worker. Default 1
 * @property {Backend} [backend] runs the network in place of the core, see `offcut/ort`
 */

/**
 * Where a rule allows anything, what uses the option checks it.
 *
 * @type {Record<keyof EngineOptions, Rule>}
 */
export const engineRules = {
  model: anything,
  variant: oneOf(['relaxed', 'simd128']),
  module: anything,
  worker: anything,
  threads: anything,
  backend: { expected: 'a backend', test: (backend) => typeof backend?.load === 'function' },
};

const sharedRules = { ...rules, model: anything, worker: anything };
const codecRules = { variant: engineRules.variant, module: anything, worker: anything };

/**
 * The engine that `removeBackground` keeps.
 *
 * @typedef {Pick<EngineOptions, 'model' | 'worker'>} SharedOptions
 */

/**
 * What an entry knows about its host: how to find bytes.
 *
 * @typedef {object} Host
 * @property {(variant: Variant, forThreads: boolean) => Promise<WebAssembly.Module>} compile the
 *   core from this package
 * @property {Variant} [variant] where there is only one build of it
 * @property {() => Promise<Uint8Array>} model the network of this package
 * @property {(input: Input) => Input} open a path or URL, where the host has files; anything else
 *   as it is
 * @property {(address: string | URL) => Promise<Uint8Array>} readModel refuses what is no address
 * @property {(address: string | URL) => Promise<ModelSpec | undefined>} [readSidecar]
 * @property {WorkerHost & { byDefault?: () => boolean }} [workers]
 */

/**
 * The functions that every entry exports, on the bytes that its host finds. Nothing happens before
 * the first call.
 *
 * @param {Host} host
 */
export function createEntry(host) {
  const modules = new Retrying();
  const close = (/** @type {Engine} */ engine) => void engine.close();
  const shared = { own: new Retrying(close), brought: new Retrying(close) };

  /**
   * Removes the background of one photo. The first call loads the core and the network; they stay
   * for the next, until `dispose()`.
   *
   * @param {Input} input
   * @param {RemoveBackgroundOptions & SharedOptions} [options]
   * @returns {Promise<Result>} rejects with an `OffcutError`
   */
  async function removeBackground(input, options) {
    // Complain before anything is loaded.
    if (options !== undefined) checkOptions(options, sharedRules);
    const { model, worker, ...rest } = options ?? {};
    const photo = toSource(host.open(input));
    return unlessAborted(rest.signal, async () => {
      const engine = await sharedEngine({ model, worker });
      return engine.removeBackground(photo, rest);
    });
  }

  /**
   * Removes the backgrounds of many photos, and yields what became of them in the order of the
   * photos. One that fails is yielded with its `error` and does not stop the others.
   *
   * @param {Inputs<Input>} inputs
   * @param {BatchOptions & SharedOptions} [options]
   * @returns {ReturnType<Engine['removeBackgrounds']>}
   */
  function removeBackgrounds(inputs, options) {
    const { model, worker, ...rest } = options ?? {};
    return removeAll(() => sharedEngine({ model, worker }), inputs, rest);
  }

  /**
   * The engine of this package's network, or that of the last other network.
   *
   * @param {SharedOptions} options
   * @returns {Promise<Engine>}
   */
  function sharedEngine({ model, worker }) {
    const slot = model === undefined ? shared.own : shared.brought;
    const isObject = typeof worker === 'object' && worker !== null;
    const { size, queue, create } = isObject ? worker : {};
    const data = dataOf(model);
    const address = data instanceof URL ? data.href : data;
    const key = [address, JSON.stringify(specOf(model)), isObject || worker];
    return slot.get([...key, size, queue, create], () => createEngine({ model, worker }));
  }

  /**
   * An engine of your own: a network, loaded, with its own memory, for which you call `dispose()`.
   *
   * @param {EngineOptions} [options]
   * @returns {Promise<Engine>}
   */
  async function createEngine(options = {}) {
    checkOptions(options, engineRules);
    const { model, variant, module, worker, threads, backend } = options;
    const core = chooseCore({ variant, module }, readThreads(threads) > 1);
    const isDefault = worker === undefined && !backend && host.workers?.byDefault?.() === true;
    const workers = readWorkerOptions(isDefault || worker, host.workers);
    const spec = await findSpec(model);
    const parts = {
      module: await core.load(),
      model: model === undefined ? host.model : () => readModel(dataOf(model)),
      spec,
      variant: core.variant,
      open: host.open,
      threads,
      helper: host.workers?.create,
      backend,
    };
    if (!isDefault) return createBareEngine({ ...parts, worker: workers ?? false });
    return createBareEngine({ ...parts, worker: workers }).catch((error) => {
      // For example where the page's security policy forbids workers.
      if (!isWorkerError(error) || parts.threads) throw error;
      return createBareEngine(parts);
    });
  }

  /**
   * The core without a network, for what needs none.
   *
   * @param {Pick<EngineOptions, 'variant' | 'module' | 'worker'>} [options]
   * @returns {Codec}
   */
  function createCodec(options = {}) {
    checkOptions(options, codecRules);
    const { variant, module, worker } = options;
    const load = async () => chooseCore({ variant, module }).load();
    const isDefault = worker === undefined && host.workers?.byDefault?.() === true;
    const workers = readWorkerOptions(isDefault || worker, host.workers);
    const { open } = host;
    return workers ? new RemoteCodec(load, workers, isDefault, open) : new Codec(load, open);
  }

  /**
   * @param {Pick<EngineOptions, 'variant' | 'module'>} options
   * @param {boolean} [forThreads]
   */
  function chooseCore({ variant = host.variant ?? chooseVariant(), module }, forThreads = false) {
    if (module && typeof module !== 'function') return { variant, load: async () => module };
    const compile = module ?? host.compile;
    const key = [variant, forThreads, compile];
    const load = () => modules.get(key, async () => compile(variant, forThreads));
    return { variant, load };
  }

  /** @param {Model | undefined} model */
  async function findSpec(model) {
    if (model === undefined) return manifest.default;
    const data = dataOf(model);
    const isAddress = typeof data === 'string' || data instanceof URL;
    const given = specOf(model) ?? (isAddress ? await host.readSidecar?.(data) : undefined);
    return given ?? findModel(await readModel(data));
  }

  /** @param {ModelData} data */
  async function readModel(data) {
    if (data instanceof Blob) return new Uint8Array(await data.arrayBuffer());
    return isBytes(data) ? toBytes(data) : host.readModel(data);
  }

  /**
   * Gives back what `removeBackground` keeps. The next call loads it again; photos under way are
   * not disturbed.
   */
  function dispose() {
    modules.clear();
    shared.own.clear();
    shared.brought.clear();
  }

  return { removeBackground, removeBackgrounds, createEngine, createCodec, dispose };
}

/** @param {unknown} error */
function isWorkerError(error) {
  return error instanceof OffcutError && error.code === 'ERR_WORKER';
}

/**
 * Remembers one promise for as long as it is asked for with the same key, but never a failure.
 */
class Retrying {
  /** @type {unknown[]} */
  #key = [];
  /** @type {Promise<any> | undefined} */
  #promise;
  #drop;

  /** @param {(value: any) => void} [drop] called with what is not remembered any more */
  constructor(drop = () => {}) {
    this.#drop = drop;
  }

  /**
   * @template T
   * @param {unknown[]} key
   * @param {() => Promise<T>} create
   * @returns {Promise<T>}
   */
  get(key, create) {
    if (this.#promise && key.every((part, i) => part === this.#key[i])) return this.#promise;
    this.clear();
    const promise = create();
    this.#key = key;
    this.#promise = promise;
    promise.catch(() => {
      if (this.#promise === promise) this.clear();
    });
    return promise;
  }

  clear() {
    this.#promise?.then(this.#drop, () => {});
    this.#key = [];
    this.#promise = undefined;
  }
}

/**
 * @param {Model | undefined} model
 * @returns {model is ModelSpec & { data: ModelData }}
 */
function isDescribed(model) {
  return typeof model === 'object' && model !== null && 'data' in model && model.data !== undefined;
}

/**
 * @param {Model | undefined} model
 * @returns {ModelData}
 */
function dataOf(model) {
  return /** @type {ModelData} */ (isDescribed(model) ? model.data : model);
}

/**
 * The description given with the model, checked; `undefined` where none was given.
 *
 * @param {Model | undefined} model
 * @returns {ModelSpec | undefined}
 */
function specOf(model) {
  if (!isDescribed(model)) return undefined;
  const { input, output } = model;
  if (input === undefined && output === undefined) return undefined;
  readSpec({ input, output });
  return { input, output };
}
