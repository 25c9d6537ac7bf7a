// SPDX-License-Identifier: Apache-2.0

/** @import { Codec, PictureLimits } from '../codec.js' */
/** @import { Engine } from '../core.js' */
/** @import { EngineOptions } from '../entry.js' */
/** @import { Rule } from '../rules.js' */
/** @import { Stage, Storage } from '../stores/images.js' */
/** @import { FetchRules, Get } from './fetch-image.js' */
/** @import { Context, Operation, Workshop } from './images.js' */

import { ASYNC_DISPOSE, DISPOSE } from '../disposable.js';
import { engineRules } from '../entry.js';
import { PIXELS_MAX } from '../options.js';
import { anything, callback, checkOptions, count, oneOf, text } from '../rules.js';
import { ImageStore } from '../stores/images.js';
import { memoryStore } from '../stores/memory.js';
import { createFetchImage } from './fetch-image.js';
import { Images } from './images.js';

/**
 * @typedef {object} StoreOptions
 * @property {Storage} [store] where images are kept: one of `offcut/stores/…`,
 *   or any `Storage` of the package unstorage; default: in memory
 * @property {GivenEngine} [engine] default: one is made of the options below when it is first needed
 * @property {PictureLimits} [limits] of pictures that come in; default 20 MiB and 120,000,000
 *   pixels
 * @property {FetchRules} [fetch] where `createFromURL` may fetch from
 */

/**
 * An engine of yours. Clients do not dispose of it.
 *
 * @typedef {Pick<Engine, 'removeBackground'> & Partial<Engine>} GivenEngine
 */

/**
 * @typedef {object} ClientOptions
 * @property {Stage} [stage] images of `'live'` and `'test'` do not see each other; default `'live'`
 * @property {string} [baseURL] address of the `offcut/server` that serves this store, if there is
 *   one: the links of lists begin with it
 * @property {string} [publicURL] what the addresses of published images begin with, if not with
 *   `baseURL/images`
 * @property {(count: number, operation: Operation) => void} [onUsage] called when an operation
 *   succeeded, with what it counts as
 */

/**
 * @typedef {object} Client
 * @property {Images} images the calls of the API
 * @property {number} usage how many operations it has done; removing a background counts as two
 * @property {Pick<Engine, 'variant' | 'backend' | 'worker'> | undefined} backend what removes
 *   backgrounds: which build of the core, what runs the network, and whether in a worker;
 *   `undefined` before it was first needed
 * @property {() => Promise<number>} sweep removes what crashes left in the store, of how many
 *   images; worth a call now and then
 * @property {() => void} dispose gives the memory of the engine back, unless it was given; the
 *   images stay
 * @property {() => Promise<void>} close as `dispose()`, when the work under way is done
 */

/** @typedef {Readonly<Client> & Disposable & AsyncDisposable} Offcut */

/**
 * How a host makes what does the work.
 *
 * @typedef {object} ClientHost
 * @property {(options: EngineOptions) => Promise<Engine>} createEngine
 * @property {(options: Pick<EngineOptions, 'variant' | 'module' | 'worker'>) => Codec} createCodec
 * @property {Get} get
 */

/** What the API allows. */
const UPLOAD_BYTES_MAX = 20 * 1024 * 1024;

const limitRules = { bytesMax: count, pixelsMax: count };

/** @type {Record<keyof (StoreOptions & EngineOptions), Rule>} */
export const backendRules = {
  store: { expected: 'a Storage', test: (store) => typeof store?.getItemRaw === 'function' },
  engine: {
    expected: 'an engine',
    test: (engine) => typeof engine?.removeBackground === 'function',
  },
  limits: anything,
  fetch: anything,
  ...engineRules,
};

const clientRules = {
  stage: oneOf(['live', 'test']),
  baseURL: text,
  publicURL: text,
  onUsage: callback,
  ...backendRules,
};

/** A clock that is this far ahead was set back, and is followed. */
const AHEAD_MAX_MS = 1000;

/**
 * A store and what works on it; the clients of its stages share it.
 *
 * @param {ClientHost} host
 * @param {StoreOptions & EngineOptions} options that follow `backendRules`
 */
export function createBackend(host, options) {
  const { store = memoryStore(), limits = {}, fetch: rules, ...engineOptions } = options;
  checkOptions(limits, limitRules, 'limits');
  const { bytesMax = UPLOAD_BYTES_MAX, pixelsMax = PIXELS_MAX } = limits;
  const images = new ImageStore(store);
  const workshop = createWorkshop(host, engineOptions);
  /** @type {Context} */
  const context = {
    store: images,
    workshop,
    fetchImage: createFetchImage(host.get, rules),
    limits: { bytesMax, pixelsMax },
    now: createClock(),
  };
  return { context, sweep: () => images.sweep(), workshop };
}

/**
 * The `createOffcut` of a host.
 *
 * @param {ClientHost} host
 */
export function createClientEntry(host) {
  /**
   * A client like the official one of the img-processing.com API, except that it does the work
   * itself: nothing leaves this machine. Nothing is loaded before it is needed.
   *
   * @param {ClientOptions & StoreOptions & EngineOptions} [options]
   * @returns {Offcut}
   */
  return function createOffcut(options = {}) {
    checkOptions(options, clientRules);
    const { stage = 'live', baseURL = '', onUsage, ...rest } = options;
    const { publicURL = baseURL && `${trim(baseURL)}/images`, ...backendOptions } = rest;
    const { context, sweep, workshop } = createBackend(host, backendOptions);
    let usage = 0;
    const images = new Images(context, {
      stage,
      baseURL: trim(baseURL),
      publicURL: publicURL === '' ? undefined : trim(publicURL),
      onUsage: (count, operation) => {
        usage += count;
        onUsage?.(count, operation);
      },
    });
    return {
      images,
      get usage() {
        return usage;
      },
      get backend() {
        return workshop.backend;
      },
      sweep,
      dispose: workshop.dispose,
      close: workshop.close,
      [DISPOSE]: workshop.dispose,
      [ASYNC_DISPOSE]: workshop.close,
    };
  };
}

/**
 * @param {ClientHost} host
 * @param {Pick<StoreOptions, 'engine'> & EngineOptions} options
 * @returns {Workshop & Ending}
 *
 * @typedef {object} Ending
 * @property {Pick<Engine, 'variant' | 'backend' | 'worker'> | undefined} backend
 * @property {() => void} dispose
 * @property {() => Promise<void>} close
 */
function createWorkshop(host, { engine: given, ...options }) {
  const { variant, module, worker } = options;
  const codec = host.createCodec({ variant, module, worker });
  /** @type {Promise<Engine> | undefined} */
  let own;
  /** @type {GivenEngine | undefined} */
  let engine = given;
  const ready = async () => {
    if (given) return given;
    if (!own) {
      const next = host.createEngine(options);
      own = next;
      next.catch(() => {
        if (own === next) own = undefined; // the next call tries again
      });
    }
    engine = await own;
    return engine;
  };
  /** @param {'dispose' | 'close'} how */
  const leave = async (how) => {
    const last = own?.catch(() => undefined);
    own = undefined;
    await Promise.all([codec[how](), last?.then((engine) => engine?.[how]())]);
  };
  return {
    removeBackground: async (bytes, settings) => (await ready()).removeBackground(bytes, settings),
    inspect: (bytes, limits) => codec.inspect(bytes, limits),
    convert: (bytes, settings) => codec.convert(bytes, settings),
    concurrency: async () => (await ready()).concurrency ?? 1,
    get backend() {
      if (!engine?.variant) return undefined;
      const { variant, backend = 'offcut', worker = false } = engine;
      return { variant, backend, worker };
    },
    dispose: () => void leave('dispose'),
    close: () => leave('close'),
  };
}

/**
 * The time, but never the same twice: the list shows images in the order in which they were made.
 */
function createClock() {
  let last = 0;
  return () => {
    const now = Date.now();
    last = now > last || last - now > AHEAD_MAX_MS ? now : last + 1;
    return last;
  };
}

/** @param {string} url */
function trim(url) {
  return url.replace(/\/+$/, '');
}
