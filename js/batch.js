// SPDX-License-Identifier: Apache-2.0

import { invalid } from './errors.js';
import { unlessAborted } from './task.js';

/**
 * What became of one of many.
 *
 * @template I, T
 * @typedef {{ index: number, input: I, result: T, error?: undefined }
 *   | { index: number, input: I, result?: undefined, error: Error }} Outcome
 */

/**
 * @template I
 * @typedef {Iterable<I> | AsyncIterable<I>} Inputs
 */

/**
 * Does the work for each input, some at the same time, and yields what became of them in the order
 * of the inputs. A failure is yielded too and does not stop the others; an aborted signal stops
 * all. Inputs are taken only as fast as outcomes are, and whoever leaves the loop stops what is
 * under way.
 *
 * @template I, T
 * @param {Inputs<I>} inputs
 * @param {{ concurrency: number, signal?: AbortSignal }} options
 * @param {(input: I, index: number, signal: AbortSignal) => Promise<T>} work
 * @returns {AsyncGenerator<Outcome<I, T>, void, undefined>}
 */
export async function* inOrder(inputs, { concurrency, signal }, work) {
  if (!(Number.isInteger(concurrency) && concurrency > 0)) {
    throw invalid('a positive integer', 'concurrency', concurrency);
  }
  const iterator = iterate(inputs);
  const abort = new AbortController();
  const stop = () => abort.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { signal: abort.signal });
  /** @type {Promise<Outcome<I, T>>[]} under way, in order */
  const pending = [];
  /** @type {Promise<{ taken: IteratorResult<I> }> | undefined} */
  let next;
  let index = 0;
  let ended = false;
  try {
    for (;;) {
      if (!ended && pending.length < concurrency) next ??= take(iterator);
      if (!next && pending.length === 0) return;
      // Of these two alone: a promise that outlives a race keeps the winner's value in memory.
      const race = async () => Promise.race([next ?? pending[0], pending[0] ?? next]);
      const first = await unlessAborted(signal, race);
      if ('taken' in first) {
        next = undefined;
        ended = first.taken.done === true;
        if (!ended) pending.push(settle(first.taken.value, index++, work, abort.signal));
      } else {
        pending.shift();
        yield first;
      }
    }
  } finally {
    abort.abort(); // what is under way, if not all was done
    if (!ended) void close(iterator);
  }
}

/**
 * Not waited for: an iterator that is stuck in `next` answers to this only afterwards.
 *
 * @param {Iterator<unknown> | AsyncIterator<unknown>} iterator
 */
async function close(iterator) {
  try {
    await iterator.return?.();
  } catch {
    // Whoever left does not want to know.
  }
}

/**
 * @template I
 * @param {Inputs<I>} inputs
 * @returns {Iterator<I> | AsyncIterator<I>}
 */
function iterate(inputs) {
  const source = /** @type {Partial<Iterable<I> & AsyncIterable<I>>} */ (Object(inputs));
  const iterator = source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.();
  if (!iterator || typeof inputs === 'string') throw invalid('an iterable', 'inputs', inputs);
  return iterator;
}

/**
 * @template I
 * @param {Iterator<I> | AsyncIterator<I>} iterator
 */
async function take(iterator) {
  return { taken: await iterator.next() };
}

/**
 * @template I, T
 * @param {I} input
 * @param {number} index
 * @param {(input: I, index: number, signal: AbortSignal) => Promise<T>} work
 * @param {AbortSignal} signal
 * @returns {Promise<Outcome<I, T>>}
 */
async function settle(input, index, work, signal) {
  try {
    return { index, input, result: await work(input, index, signal) };
  } catch (error) {
    return { index, input, error: /** @type {Error} */ (error) };
  }
}
