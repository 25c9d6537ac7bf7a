// SPDX-License-Identifier: Apache-2.0
// Who is faster: everyone in one process, taking turns.

/** How often each runs. */
const RUNS = 7;

/** Before it counts: V8 compiles again while it warms up. */
const WARM_RUNS = 3;

/** Milliseconds of what measurements count, see `useCpuTime`. */
export let now = () => performance.now();

/**
 * From now on all measurements count the time that the processor spent on this process instead of
 * the time that went by: the same on an idle machine, and it stays so on a busy one.
 */
export function useCpuTime() {
  now = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
}

/**
 * @template T
 * @param {() => T | Promise<T>} task
 * @returns {Promise<{ ms: number, value: T }>}
 */
export async function timed(task) {
  const start = now();
  const value = await task();
  return { ms: now() - start, value };
}

/**
 * Runs each in turn, in reverse order every second time.
 *
 * @template {string} Name
 * @param {Record<Name, () => unknown>} runners
 * @param {{ runs?: number, warmRuns?: number }} [settings]
 * @returns {Promise<Record<Name, number>>} the median of each, milliseconds
 */
export async function takeTurns(runners, { runs = RUNS, warmRuns = WARM_RUNS } = {}) {
  const names = /** @type {Name[]} */ (Object.keys(runners));
  const times = /** @type {Record<Name, number[]>} */ (
    Object.fromEntries(names.map((name) => [name, []]))
  );
  for (const name of names) for (let i = 0; i < warmRuns; i++) await runners[name]();
  for (let i = 0; i < runs; i++) {
    for (const name of i % 2 ? [...names].reverse() : names)
      times[name].push((await timed(runners[name])).ms);
  }
  return /** @type {Record<Name, number>} */ (
    Object.fromEntries(names.map((name) => [name, round(median(times[name]))]))
  );
}

/**
 * @param {string} bench
 * @param {number} oursMs
 * @param {string} peer
 * @param {number} peerMs
 * @param {Record<string, string | number | undefined>} [facts]
 * @returns {import('./report.js').Measurement}
 */
export function comparison(bench, oursMs, peer, peerMs, facts = {}) {
  return { bench, ...facts, oursMs, peer, peerMs, ratio: round(peerMs / oursMs) };
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {number} value */
export function round(value) {
  return Math.round(value * 100) / 100;
}
