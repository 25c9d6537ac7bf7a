// SPDX-License-Identifier: Apache-2.0
import { parentPort } from 'node:worker_threads';
import { OffcutError } from '../errors.js';
import { serveOn } from './serve.js';

/**
 * Makes this worker thread one of an engine's, with what you give it: for a worker of your own, see
 * the option `worker.create`.
 *
 * @param {import('./serve.js').ServeOptions} [options]
 */
export function serve(options) {
  const port = parentPort;
  if (!port) throw new OffcutError('ERR_STATE', 'serve() is for worker threads');
  const host = {
    post: port.postMessage.bind(port),
    listen: (/** @type {(message: any) => void} */ listener) => void port.on('message', listener),
  };
  serveOn(host, options);
}
