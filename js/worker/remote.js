// SPDX-License-Identifier: Apache-2.0

/** @import { ConvertOptions, Converted, PictureLimits } from '../codec.js' */
/** @import { EngineParts, Result } from '../core.js' */
/** @import { Settings } from '../options.js' */
/** @import { Operation } from '../profile.js' */
/** @import { Input, Source } from '../source.js' */
/** @import { Start } from './messages.js' */
/** @import { Lane, PoolSettings } from './pool.js' */

import { Codec, readConversion } from '../codec.js';
import { OffcutError } from '../errors.js';
import { readSource, toBytes } from '../source.js';
import { unlessAborted } from '../task.js';
import { Pool } from './pool.js';

/** The work of an engine in workers. */
export class Remote {
  #pool;

  worker = true;
  backend = 'offcut';

  /**
   * @param {EngineParts} parts
   * @param {PoolSettings} settings
   */
  constructor({ module, model, spec, variant, threads }, settings) {
    this.#pool = new Pool(settings, {
      start: async () => ({ type: 'start', module, spec, variant, threads }),
      model: async () => toBytes(typeof model === 'function' ? await model() : model),
    });
  }

  get memoryBytes() {
    return this.#pool.memoryBytes;
  }

  /** So many that a worker that is done finds the next photo waiting. */
  get concurrency() {
    return this.#pool.size + Math.min(1, this.#pool.queue);
  }

  warm() {
    return this.#pool.run(async (lane) => {
      await lane.call('warm', undefined);
      this.backend = lane.backend ?? this.backend;
    });
  }

  /**
   * @param {Source} source
   * @param {Settings} settings
   * @returns {Promise<Result>}
   */
  removeBackground(source, { signal, onProgress, ...settings }) {
    return this.#pool.run(async (lane) => {
      const { bytesMax } = settings;
      const read = await readSource(source, { bytesMax, signal });
      const bytes = toGive(read, settings.transfer || source.transfer === true);
      const order = { name: source.name, bytes, settings };
      const options = { transfer: [bytes.buffer], signal, onProgress };
      return lane.call('removeBackground', order, options);
    }, signal);
  }

  /**
   * @param {number} runs
   * @returns {Promise<Operation[]>}
   */
  profile(runs) {
    return this.#pool.run((lane) => lane.call('profile', runs));
  }

  dispose() {
    this.#pool.dispose();
  }

  close() {
    return this.#pool.close();
  }
}

/** A codec that converts in a worker. Headers are read here: that takes no time. */
export class RemoteCodec extends Codec {
  #settings;
  #mayStay;
  #start;
  /** @type {Pool | undefined} */
  #pool;

  /**
   * @param {() => Promise<WebAssembly.Module>} compile
   * @param {PoolSettings} settings one worker is enough
   * @param {boolean} mayStay convert here where no worker can be started
   * @param {(input: Input) => Input} [open]
   */
  constructor(compile, settings, mayStay, open) {
    super(compile, open);
    this.#settings = { ...settings, size: 1 };
    this.#mayStay = mayStay;
    /** @returns {Promise<Start>} */
    this.#start = async () => ({ type: 'start', module: await compile() });
  }

  /**
   * @override
   * @param {Input} input
   * @param {ConvertOptions & PictureLimits} options
   * @returns {Promise<Converted>}
   */
  async convert(input, options) {
    const { signal, onProgress, ...plain } = readConversion(options);
    const bytes = await readSource(this.open(input), { bytesMax: plain.bytesMax, signal });
    this.#pool ??= new Pool(this.#settings, { start: this.#start });
    const pool = this.#pool;
    const task = (/** @type {Lane} */ lane) => {
      const copy = toGive(bytes, false); // the bytes are still needed if the worker fails
      const order = { bytes: copy, options: plain };
      return lane.call('convert', order, { transfer: [copy.buffer], signal, onProgress });
    };
    try {
      return await unlessAborted(signal, () => pool.run(task, signal));
    } catch (error) {
      const isWorkers = error instanceof OffcutError && error.code === 'ERR_WORKER';
      if (!isWorkers || !this.#mayStay) throw error;
      return super.convert(bytes, options);
    }
  }

  /** @override */
  async memoryBytes() {
    return (await super.memoryBytes()) + (this.#pool?.memoryBytes ?? 0);
  }

  /** @override */
  dispose() {
    super.dispose();
    void this.close();
  }

  /** @override */
  async close() {
    const pool = this.#pool;
    this.#pool = undefined;
    await Promise.all([pool?.close(), super.close()]);
  }
}

/**
 * Bytes that may be given away: these themselves, or a copy.
 *
 * @param {Uint8Array} bytes
 * @param {boolean} own
 */
function toGive(bytes, own) {
  const { buffer, byteLength } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return /** @type {Uint8Array<ArrayBuffer>} */ (own && isWhole ? bytes : new Uint8Array(bytes));
}
