// SPDX-License-Identifier: Apache-2.0

/** @import { Image, RemoveBackgroundOptions, Stage } from '../index.node.js' */

import { Worker } from 'node:worker_threads';
import { OffcutError, createEngine } from '../index.node.js';

/**
 * What the command needs of an engine, wherever it runs.
 *
 * @typedef {object} Lane
 * @property {boolean} described
 * @property {(input: string | Source, options: RemoveBackgroundOptions) => Promise<CutOut>}
 *   removeBackground
 * @property {() => void} dispose
 *
 * @typedef {import('../index.node.js').Source} Source
 * @typedef {{ png: Uint8Array, image: Image }} CutOut
 */

/**
 * What goes to a worker, and what comes back.
 *
 * @typedef {{ input: string, options: RemoveBackgroundOptions }} Order
 *
 * @typedef {object} ErrorAnswer
 * @property {'error'} kind
 * @property {string} name
 * @property {any} code
 * @property {string} message
 * @property {string} detail
 *
 * @typedef {{ kind: 'ready', described: boolean }} ReadyAnswer
 * @typedef {{ kind: 'progress', stage: Stage, fraction: number }} ProgressAnswer
 * @typedef {{ kind: 'result', png: Uint8Array<ArrayBuffer>, image: Image }} ResultAnswer
 * @typedef {ErrorAnswer | ReadyAnswer | ProgressAnswer | ResultAnswer} Answer
 */

/**
 * Engines that can work at the same time: one in this thread, or several in threads of their own.
 *
 * @param {number} count
 * @param {string | undefined} model
 * @returns {Promise<Lane[]>}
 */
export async function createLanes(count, model) {
  if (count === 1) return [await createEngine({ model })];
  const lanes = Array.from({ length: count }, () => new WorkerLane(model));
  try {
    await Promise.all(lanes.map((lane) => lane.start()));
  } catch (error) {
    for (const lane of lanes) lane.dispose();
    throw error;
  }
  return lanes;
}

/** An engine in a worker, one photo at a time. A worker that has ended is followed by another. */
class WorkerLane {
  #model;
  /** @type {Worker | undefined} */
  #worker;
  described = true;

  /** @param {string | undefined} model */
  constructor(model) {
    this.#model = model;
  }

  /** Rejects if the engine cannot be made. */
  async start() {
    const url = new URL('./worker.js', import.meta.url);
    const worker = new Worker(url, { workerData: { model: this.#model } });
    worker.once('exit', () => (this.#worker = undefined));
    this.#worker = worker;
    const answer = await nextAnswer(worker);
    if (answer.kind === 'ready') this.described = answer.described;
    return worker;
  }

  /**
   * @param {string | Source} input
   * @param {RemoveBackgroundOptions} options
   * @returns {Promise<CutOut>}
   */
  async removeBackground(input, { onProgress, signal, ...options }) {
    const worker = this.#worker ?? (await this.start());
    const stop = () => this.dispose(); // the worker ends, and with it what it was doing
    signal?.addEventListener('abort', stop, { once: true });
    try {
      worker.postMessage({ input, options });
      return /** @type {ResultAnswer} */ (await nextAnswer(worker, onProgress));
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  dispose() {
    void this.#worker?.terminate();
  }
}

/**
 * The next answer that is not progress.
 *
 * @param {Worker} worker
 * @param {(stage: Stage, fraction: number) => void} [onProgress]
 * @returns {Promise<Exclude<Answer, ErrorAnswer>>}
 */
function nextAnswer(worker, onProgress) {
  return new Promise((resolve, reject) => {
    const settle = (/** @type {() => void} */ action) => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      action();
    };
    const onMessage = (/** @type {Answer} */ answer) => {
      if (answer.kind === 'progress') onProgress?.(answer.stage, answer.fraction);
      else if (answer.kind === 'error') settle(() => reject(toError(answer)));
      else settle(() => resolve(answer));
    };
    const onError = (/** @type {unknown} */ cause) =>
      settle(() => reject(new OffcutError('ERR_INTERNAL', `a worker failed: ${cause}`, { cause })));
    const onExit = () => settle(() => reject(new OffcutError('ERR_CANCELLED', 'cancelled')));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

/** @param {ErrorAnswer} answer */
function toError({ name, code, message, detail }) {
  const error = code ? new OffcutError(code, message, { detail }) : new Error(message);
  error.name = name;
  return error;
}
