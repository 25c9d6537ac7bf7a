// SPDX-License-Identifier: Apache-2.0
import { serveOn } from './serve.js';

/**
 * Makes this worker one of an engine's, with what you give it: for a worker of your own, see the
 * option `worker.create`.
 *
 * @param {import('./serve.js').ServeOptions} [options]
 */
export function serve(options) {
  const scope = /** @type {Worker} */ (/** @type {unknown} */ (globalThis));
  const host = {
    post: (/** @type {any} */ message, /** @type {ArrayBuffer[]} */ transfer = []) =>
      scope.postMessage(message, transfer),
    listen: (/** @type {(message: any) => void} */ listener) =>
      scope.addEventListener('message', ({ data }) => listener(data)),
  };
  serveOn(host, options);
}
