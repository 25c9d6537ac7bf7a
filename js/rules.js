// SPDX-License-Identifier: Apache-2.0
import { invalid } from './errors.js';

/**
 * What an option may be. `undefined` counts as left out and is never asked about.
 *
 * @typedef {object} Rule
 * @property {string} expected for the error
 * @property {(value: any) => boolean} test
 */

/** @type {Rule} */
export const anything = { expected: '', test: () => true };

/** @type {Rule} */
export const flag = { expected: 'a boolean', test: (value) => typeof value === 'boolean' };

/** @type {Rule} */
export const count = {
  expected: 'a positive integer',
  test: (value) => Number.isSafeInteger(value) && value > 0,
};

/**
 * @param {number} most
 * @returns {Rule}
 */
export function upTo(most) {
  const expected = `an integer from 1 to ${most}`;
  return { expected, test: (value) => count.test(value) && value <= most };
}

/** @type {Rule} */
export const text = { expected: 'a string', test: (value) => typeof value === 'string' };

/** @type {Rule} */
export const texts = {
  expected: 'a list of strings',
  test: (value) => Array.isArray(value) && value.every(text.test),
};

/** @type {Rule} */
export const callback = { expected: 'a function', test: (value) => typeof value === 'function' };

/**
 * By shape: a signal may come from another realm or a polyfill.
 *
 * @type {Rule}
 */
export const signal = {
  expected: 'an AbortSignal',
  test: (value) =>
    typeof value?.aborted === 'boolean' && typeof value.addEventListener === 'function',
};

/**
 * @param {readonly (string | number)[]} values
 * @returns {Rule}
 */
export function oneOf(values) {
  const texts = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)));
  const expected = `${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`;
  return { expected, test: (value) => values.includes(value) };
}

/**
 * Refuses what is no object, what has no rule, and what is not as its rule says.
 *
 * @param {unknown} options
 * @param {Record<string, Rule>} rules
 * @param {string} [what] they are
 */
export function checkOptions(options, rules, what = 'options') {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalid('an object', what, options);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) throw invalid(`one of ${Object.keys(rules).join(', ')}`, 'option', name);
    check(value, rule, name);
  }
}

/**
 * Refuses what is not as its rule says.
 *
 * @param {unknown} value
 * @param {Rule} rule
 * @param {string} name
 */
export function check(value, rule, name) {
  if (!rule.test(value)) throw invalid(rule.expected, name, value);
}
