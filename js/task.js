// SPDX-License-Identifier: Apache-2.0
import { cancelled } from './errors.js';

/**
 * What hosts may offer; none has all of it.
 *
 * @typedef {object} TaskHost
 * @property {(task: () => void) => void} [setImmediate]
 * @property {{ yield?: () => Promise<void> }} [scheduler]
 */

/**
 * Lets the host do what waits: draw, answer, abort. A promise alone would not; what follows
 * `scheduler.yield` comes before messages in Chromium, so that a worker would not hear of an abort;
 * and `setTimeout` waits up to 4 ms.
 *
 * @returns {Promise<void>}
 */
export function nextTask() {
  const host = /** @type {TaskHost} */ (/** @type {unknown} */ (globalThis));
  const { setImmediate, scheduler } = host;
  // Next's edge runtime has the names of these, but they only complain.
  if (!('EdgeRuntime' in host)) {
    if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
    if (typeof MessageChannel === 'function') return nextMessage();
  }
  if (typeof scheduler?.yield === 'function') return scheduler.yield();
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** @returns {Promise<void>} */
function nextMessage() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * Rejects as soon as the signal is aborted, also while the task still waits for its turn or for the
 * network.
 *
 * @template T
 * @param {AbortSignal | undefined} signal
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
export async function unlessAborted(signal, task) {
  if (!signal) return task();
  if (signal.aborted) throw cancelled(signal);
  return new Promise((resolve, reject) => {
    const stop = () => reject(cancelled(signal));
    signal.addEventListener('abort', stop, { once: true });
    task()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
