// SPDX-License-Identifier: Apache-2.0

/** @import { FromWorker, ToWorker } from './messages.js' */

/**
 * A worker of any host, as far as a pool uses it.
 *
 * @typedef {object} Port
 * @property {(message: ToWorker, transfer?: ArrayBuffer[]) => void} post
 * @property {(busy: boolean) => void} hold whether the process has to wait for it
 * @property {() => void} end
 */

/**
 * @typedef {object} Listeners
 * @property {(message: FromWorker) => void} message
 * @property {(cause: unknown) => void} ended it failed, or ended by itself
 */

/**
 * A worker of the web or of `node:worker_threads`; only what both have in common is asked for.
 *
 * @typedef {object} WorkerLike
 * @property {(message: any, transfer: any[]) => void} postMessage
 * @property {() => unknown} terminate
 */

/**
 * @param {WorkerLike} worker
 * @param {Listeners} listeners
 * @returns {Port}
 */
export function toPort(worker, listeners) {
  const known = /** @type {any} */ (worker);
  if (typeof known.on === 'function') listenNode(known, listeners);
  else listenWeb(known, listeners);
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    hold: (busy) => (busy ? known.ref?.() : known.unref?.()),
    end: () => void worker.terminate(),
  };
}

/**
 * @param {import('node:worker_threads').Worker} worker
 * @param {Listeners} listeners
 */
function listenNode(worker, { message, ended }) {
  worker.on('message', message);
  worker.on('messageerror', ended);
  worker.on('error', ended);
  worker.on('exit', (code) => ended(`exit code ${code}`));
}

/**
 * @param {Worker} worker
 * @param {Listeners} listeners
 */
function listenWeb(worker, { message, ended }) {
  worker.addEventListener('message', ({ data }) => message(data));
  worker.addEventListener('messageerror', () => ended('a message could not be read'));
  worker.addEventListener('error', (event) => {
    event.preventDefault(); // it is reported by us
    ended(event.message || 'its script could not be loaded');
  });
}
