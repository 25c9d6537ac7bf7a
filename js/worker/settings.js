// SPDX-License-Identifier: Apache-2.0

/** @import { PoolSettings } from './pool.js' */
/** @import { WorkerLike } from './port.js' */

import { OffcutError, invalid } from '../errors.js';
import { check, upTo } from '../rules.js';

/**
 * Workers to work in.
 *
 * @typedef {object} WorkerOptions
 * @property {number} [size] how many there may be, each with its own memory; they are started when
 *   they are needed. Default: 1 in browsers, in Node as many as there are cores but at most 4
 * @property {number} [queue] how many photos may wait for one; more are refused with `ERR_BUSY`.
 *   Default 256, in browsers no limit
 * @property {() => WorkerLike} [create] makes one, for a script of your own that calls `serve` of
 *   `offcut/worker`, or where a bundler cannot find the one of this package
 */

/**
 * What the host has.
 *
 * @typedef {object} WorkerHost
 * @property {() => WorkerLike} [create]
 * @property {number} [size] default of the option
 * @property {number} [queue] likewise
 */

const QUEUE = 256;
const SIZE_MAX = 99;

/**
 * Refuses what is wrong and fills in the defaults.
 *
 * @param {boolean | WorkerOptions | undefined} worker
 * @param {WorkerHost} [host]
 * @returns {PoolSettings | undefined} `undefined`: no workers
 */
export function readWorkerOptions(worker, host = {}) {
  if (worker === false || worker === undefined) return undefined;
  if (worker !== true && (typeof worker !== 'object' || worker === null)) {
    throw invalid('a boolean or { size, queue, create }', 'worker', worker);
  }
  const given = worker === true ? {} : worker;
  const { size = host.size ?? 1, queue = host.queue ?? QUEUE, create = host.create } = given;
  check(size, upTo(SIZE_MAX), 'worker.size');
  if (queue !== Infinity && !(Number.isInteger(queue) && queue >= 0)) {
    throw invalid('an integer of at least 0, or Infinity', 'worker.queue', queue);
  }
  if (create === undefined) {
    throw new OffcutError('ERR_UNSUPPORTED', 'this host has no workers of its own: give create');
  }
  if (typeof create !== 'function') throw invalid('a function', 'worker.create', create);
  return { size, queue, create };
}
