// SPDX-License-Identifier: Apache-2.0
// One engine in a thread of its own; workers.js holds the other end.
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine } from '../index.node.js';

/** @import { Engine } from '../index.node.js' */
/** @import { Answer, Order } from './workers.js' */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

/**
 * @param {Answer} answer
 * @param {ArrayBuffer[]} [transfer]
 */
function send(answer, transfer = []) {
  port.postMessage(answer, transfer);
}

/** @param {any} error */
function sendError({ name, code, message, detail }) {
  send({ kind: 'error', name, code, message, detail });
}

/**
 * @param {Engine} engine
 * @param {Order} order
 */
async function work(engine, { input, options }) {
  try {
    const { png, image } = await engine.removeBackground(input, {
      ...options,
      onProgress: (stage, fraction) => send({ kind: 'progress', stage, fraction }),
    });
    send({ kind: 'result', png, image }, [png.buffer]);
  } catch (error) {
    sendError(error);
  }
}

try {
  const engine = await createEngine({ model: workerData.model });
  port.on('message', (order) => work(engine, order));
  send({ kind: 'ready', described: engine.described });
} catch (error) {
  sendError(error);
}
