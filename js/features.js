// SPDX-License-Identifier: Apache-2.0

/** @import { Variant } from './core.js' */

import { OffcutError } from './errors.js';

// Modules of one function, as small as they can be, that are valid only where the host knows the
// instruction.
const simd128 = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]; // i8x16.popcnt
const relaxed = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15,
  65, 2, 253, 15, 253, 128, 2, 11,
]; // i8x16.relaxed_swizzle
// Two dot products of bytes in a row, 5 + 3 * 4 * 4 + 1 * 2 * 4: V8's baseline compiler got the sum
// wrong as long as relaxed SIMD was an experiment (seen in 11.3, which is Node 20).
const dots = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 33, 1,
  31, 0, 65, 1, 253, 15, 65, 2, 253, 15, 65, 3, 253, 15, 65, 4, 253, 15, 65, 5, 253, 17, 253, 147,
  2, 253, 147, 2, 253, 27, 0, 11,
]; // i32x4.relaxed_dot_i8x16_i7x16_add
const exceptions = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 6, 64, 25, 11, 11,
]; // try, catch_all

/** @param {number[]} module */
function supports(module) {
  return WebAssembly.validate(new Uint8Array(module));
}

/** Whether the dot products of bytes are right. */
function addsRightly() {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(dots)));
    return /** @type {() => number} */ (exports.f)() === 61;
  } catch {
    return false; // a policy forbids to compile; what compiles the core will say so
  }
}

/**
 * The fastest build that this host can run.
 *
 * @returns {Variant}
 */
export function chooseVariant() {
  if (typeof WebAssembly !== 'object') throw missing('WebAssembly');
  if (!supports(simd128)) throw missing('WebAssembly SIMD');
  if (!supports(exceptions)) throw missing('WebAssembly exceptions');
  return supports(relaxed) && addsRightly() ? 'relaxed' : 'simd128';
}

/** @param {string} feature */
function missing(feature) {
  return new OffcutError('ERR_UNSUPPORTED', `this host lacks ${feature}`);
}
