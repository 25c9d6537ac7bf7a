// SPDX-License-Identifier: Apache-2.0
// The worker's side: one call at a time, aborts and models in between.

/** @import { Backend } from '../network.js' */
/** @import { CutOut, Conversion, FromWorker, Help, Report, Start, ToWorker } from './messages.js' */

import { Codec } from '../codec.js';
import { Direct } from '../direct.js';
import { OffcutError } from '../errors.js';
import { help } from './help.js';
import { fromPlain, toPlain } from './messages.js';

/**
 * @typedef {object} ServeOptions
 * @property {Backend} [backend] runs the network in place of the core, see `offcut/ort`
 */

/**
 * The other end, as web workers and `node:worker_threads` both have it.
 *
 * @typedef {object} Host
 * @property {(message: FromWorker, transfer?: ArrayBuffer[]) => void} post
 * @property {(listener: (message: ToWorker) => void) => void} listen
 */

/**
 * Makes this worker one of an engine's.
 *
 * @param {Host} host
 * @param {ServeOptions} [options]
 */
export function serveOn({ post, listen }, { backend } = {}) {
  /** @type {Workshop | undefined} */
  let workshop;
  /** @type {AbortController | undefined} of the call under way */
  let abort;
  /** @type {((message: Extract<ToWorker, { type: 'model' }>) => void) | undefined} */
  let takeModel;
  /** @type {((message: Extract<ToWorker, { type: 'helpers' }>) => void) | undefined} */
  let takeHelpers;

  const model = async () => {
    post({ type: 'model' });
    const { bytes, error } = await new Promise((resolve) => (takeModel = resolve));
    if (error) throw fromPlain(error);
    return bytes;
  };

  /** @param {Help[]} orders */
  const bring = async (orders) => {
    post({ type: 'helpers', orders });
    const { error } = await new Promise((resolve) => (takeHelpers = resolve));
    if (error) throw fromPlain(error);
    return () => post({ type: 'helpers', orders: [] });
  };

  /** @param {Help} order */
  const beHelper = async (order) => {
    try {
      await help(order, () => post({ type: 'ready' }));
    } catch (error) {
      post({ type: 'failed', error: toPlain(error) });
    }
  };

  /** @param {Extract<ToWorker, { type: 'call' }>} call */
  const answer = async ({ method, args, progress }) => {
    abort = new AbortController();
    const { signal } = abort;
    const onProgress = progress
      ? (/** @type {unknown[]} */ ...values) => post({ type: 'progress', args: values })
      : undefined;
    try {
      if (!workshop) throw new OffcutError('ERR_STATE', 'this worker was not told what to do');
      const { value, transfer } = await workshop[method](args, { signal, onProgress });
      post({ type: 'answer', value, ...(await workshop.report()) }, transfer);
    } catch (error) {
      post({ type: 'answer', error: toPlain(error), ...(await workshop?.report()) });
    }
  };

  listen((message) => {
    if (message.type === 'start') workshop = new Workshop(message, { model, backend, bring });
    else if (message.type === 'help') void beHelper(message);
    else if (message.type === 'call') void answer(message);
    else if (message.type === 'model') takeModel?.(message);
    else if (message.type === 'helpers') takeHelpers?.(message);
    else abort?.abort();
  });
}

/** @typedef {{ signal: AbortSignal, onProgress: ((...args: any[]) => void) | undefined }} Control */

/** What can be asked for; both parts load what they need when they are first used. */
class Workshop {
  #direct;
  #codec;

  /**
   * @param {Start} start
   * @param {{ model: () => Promise<Uint8Array>, backend: Backend | undefined, bring:
   *   import('../direct.js').Bring }} means
   */
  constructor({ module, spec, variant, threads }, { model, backend, bring }) {
    this.#direct = new Direct({ module, model, spec, variant, backend, threads }, bring);
    this.#codec = new Codec(async () => module);
  }

  /** @returns {Promise<Report>} */
  async report() {
    const { backend, memoryBytes } = this.#direct;
    return { backend, memoryBytes: memoryBytes + (await this.#codec.memoryBytes()) };
  }

  async warm() {
    await this.#direct.warm();
    return { value: undefined, transfer: [] };
  }

  /**
   * @param {CutOut} order
   * @param {Control} control
   */
  async removeBackground({ name, bytes, settings }, control) {
    const source = { name, read: async () => bytes };
    const result = await this.#direct.removeBackground(source, { ...settings, ...control });
    const buffers = [result.png.buffer, ...(result.mask ? [result.mask.buffer] : [])];
    // `png` and `mask` may be the same bytes.
    return { value: { ...result, worker: true }, transfer: [...new Set(buffers)] };
  }

  /** @param {number} runs */
  async profile(runs) {
    return { value: await this.#direct.profile(runs), transfer: [] };
  }

  /**
   * @param {Conversion} order
   * @param {Control} control
   */
  async convert({ bytes, options }, control) {
    const value = await this.#codec.convert(bytes, { ...options, ...control });
    return { value, transfer: [value.bytes.buffer] };
  }
}
