// SPDX-License-Identifier: Apache-2.0
// Several threads for one network: helpers, which are workers with an instance of the same module
// on the same memory. `src/base/team.h` says how they share the work.

/** @import { Help } from './worker/messages.js' */
/** @import { WorkerLike } from './worker/port.js' */

import { OffcutError } from './errors.js';
import { check, upTo } from './rules.js';
import { fromPlain } from './worker/messages.js';
import { toPort } from './worker/port.js';

/** `OFFCUT_THREADS_MAX` */
const THREADS_MAX = 16;

/** What the module is linked with, and the most that it may grow to, in pages of 64 KiB. */
const PAGES = { initial: 16, maximum: 65536, least: 4096 };

/**
 * Refuses what is no number of threads, and several where the host cannot have them.
 *
 * @param {number} [threads]
 */
export function readThreads(threads = 1) {
  check(threads, upTo(THREADS_MAX), 'threads');
  if (threads === 1) return threads;
  const isIsolated = globalThis.crossOriginIsolated;
  if (typeof SharedArrayBuffer !== 'function' || isIsolated === false) {
    const page =
      isIsolated === false
        ? 'a page that is cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin ' +
          'and Cross-Origin-Embedder-Policy: require-corp), and this one is not'
        : 'SharedArrayBuffer, which this host lacks';
    throw new OffcutError('ERR_UNSUPPORTED', `expected for ${threads} threads: ${page}`);
  }
  return threads;
}

/** Refuses to use threads where one must not wait for others: that is a page. */
export function expectMayWait() {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0); // it is 0: no waiting
  } catch (cause) {
    const detail = 'threads need an engine that works in a worker: a page must not wait for them';
    throw new OffcutError('ERR_UNSUPPORTED', detail, { cause });
  }
}

/**
 * Whether it is one of the builds for threads: they import their memory.
 *
 * @param {WebAssembly.Module} module
 */
export function isForThreads(module) {
  const isModule = Object.prototype.toString.call(module) === '[object WebAssembly.Module]';
  return isModule && WebAssembly.Module.imports(module).some(({ kind }) => kind === 'memory');
}

/**
 * As large as the host can promise it: some have no room for 4 GiB of addresses.
 *
 * @returns {WebAssembly.Memory}
 */
export function createSharedMemory() {
  const { initial, least } = PAGES;
  for (let { maximum } = PAGES; ; maximum /= 4) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared: true });
    } catch (cause) {
      if (maximum > least) continue;
      throw new OffcutError('ERR_MEMORY', `not enough memory to begin: ${cause}`, { cause });
    }
  }
}

/**
 * Starts a worker for each order and waits until all are at work. They do not keep a process
 * alive.
 *
 * @param {() => WorkerLike} create
 * @param {Help[]} orders
 * @returns {Promise<() => void>} ends them
 */
export async function startHelpers(create, orders) {
  /** @type {import('./worker/port.js').Port[]} */
  const ports = [];
  const end = () => ports.forEach((port) => port.end());
  try {
    await Promise.all(orders.map((order) => startHelper(create, order, ports)));
  } catch (cause) {
    end();
    const reason = cause instanceof Error ? cause.message : String(cause);
    const detail = `a thread could not be started: ${reason}`;
    throw new OffcutError('ERR_WORKER', detail, { detail: reason, cause });
  }
  for (const port of ports) port.hold(false);
  return end;
}

/**
 * @param {() => WorkerLike} create
 * @param {Help} order
 * @param {import('./worker/port.js').Port[]} ports where the worker's goes
 * @returns {Promise<unknown>}
 */
function startHelper(create, order, ports) {
  return new Promise((resolve, reject) => {
    const port = toPort(create(), {
      message: (message) =>
        message.type === 'failed' ? reject(fromPlain(message.error)) : resolve(undefined),
      ended: reject,
    });
    ports.push(port);
    port.post(order);
  });
}
