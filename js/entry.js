// SPDX-License-Identifier: Apache-2.0

/** @import { Engine, Input, Result, Variant } from './core.js' */
/** @import { Manifest, ModelSpec } from './model.js' */
/** @import { RemoveBackgroundOptions } from './options.js' */

import { Codec } from './codec.js';
import { createEngine as createBareEngine } from './core.js';
import { invalid } from './errors.js';
import { chooseVariant } from './features.js';
import { findModel, readSpec } from './model.js';
import { readOptions } from './options.js';
import { unlessAborted } from './task.js';

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
 * @property {WebAssembly.Module} [module] the core, compiled, where it should not be loaded from
 *   this package
 */

/**
 * What an entry knows about its host: how to find bytes.
 *
 * @typedef {object} Host
 * @property {(variant: Variant) => Promise<WebAssembly.Module>} compile the core from this package
 * @property {() => Promise<Uint8Array>} model the network of this package
 * @property {() => Promise<Manifest>} manifest
 * @property {(input: Input) => Input} open a path or URL, where the host has files; anything else
 *   as it is
 * @property {(data: ModelData) => Promise<Uint8Array>} readModel
 * @property {(data: ModelData) => Promise<ModelSpec | undefined>} readSidecar
 */

/**
 * The functions that every entry exports, on the bytes that its host finds. Nothing happens before
 * the first call.
 *
 * @param {Host} host
 */
export function createEntry(host) {
  const modules = new Retrying();
  const shared = { own: new Retrying(), brought: new Retrying() };

  /**
   * Removes the background of one photo. The first call loads the core and the network; they stay
   * for the next, until `dispose()`.
   *
   * @param {Input} input
   * @param {RemoveBackgroundOptions & { model?: Model }} [options]
   * @returns {Promise<Result>} rejects with an `OffcutError`
   */
  async function removeBackground(input, options) {
    const { model, ...rest } = options ?? {};
    // Complain before anything is loaded.
    const { signal } = readOptions(options === null ? null : rest);
    const photo = host.open(input);
    return unlessAborted(signal, async () => {
      const engine = await sharedEngine(model);
      return engine.removeBackground(photo, rest);
    });
  }

  /**
   * The engine of this package's network, or that of the last other network.
   *
   * @param {Model | undefined} model
   */
  function sharedEngine(model) {
    const slot = model === undefined ? shared.own : shared.brought;
    const key = [dataOf(model), JSON.stringify(specOf(model))];
    return slot.get(key, () => createEngine({ model }));
  }

  /**
   * An engine of your own: a network, loaded, with its own memory, for which you call `dispose()`.
   *
   * @param {EngineOptions} [options]
   * @returns {Promise<Engine>}
   */
  async function createEngine({ model, variant = chooseVariant(), module } = {}) {
    if (variant !== 'relaxed' && variant !== 'simd128') {
      throw invalid("'relaxed' or 'simd128'", 'variant', variant);
    }
    const spec = await findSpec(model);
    return createBareEngine({
      module: module ?? (await load(variant)),
      model: model === undefined ? host.model : () => host.readModel(dataOf(model)),
      spec,
      variant,
      open: host.open,
    });
  }

  /**
   * The core without a network, for what needs none.
   *
   * @param {Pick<EngineOptions, 'variant' | 'module'>} [options]
   * @returns {Codec}
   */
  function createCodec({ variant, module } = {}) {
    return new Codec(async () => module ?? load(variant ?? chooseVariant()));
  }

  /** @param {Variant} variant */
  function load(variant) {
    return modules.get([variant], () => host.compile(variant));
  }

  /** @param {Model | undefined} model */
  async function findSpec(model) {
    if (model === undefined) return (await host.manifest()).default;
    const given = specOf(model) ?? (await host.readSidecar(dataOf(model)));
    if (given) return given;
    return findModel(await host.manifest(), await host.readModel(dataOf(model)));
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

  return { removeBackground, createEngine, createCodec, dispose };
}

/**
 * Remembers one promise for as long as it is asked for with the same key, but never a failure.
 */
class Retrying {
  /** @type {unknown[]} */
  #key = [];
  /** @type {Promise<any> | undefined} */
  #promise;

  /**
   * @template T
   * @param {unknown[]} key
   * @param {() => Promise<T>} create
   * @returns {Promise<T>}
   */
  get(key, create) {
    if (this.#promise && key.every((part, i) => part === this.#key[i])) return this.#promise;
    const promise = create();
    this.#key = key;
    this.#promise = promise;
    promise.catch(() => {
      if (this.#promise === promise) this.clear();
    });
    return promise;
  }

  clear() {
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
