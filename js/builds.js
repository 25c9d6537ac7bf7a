// SPDX-License-Identifier: Apache-2.0

/** @import { Variant } from './core.js' */

/**
 * Where a build of the core is. Each address stands in a `new URL(…, import.meta.url)` of its own:
 * that is the form which bundlers know, and some build for Node.
 *
 * @param {Variant} variant
 * @param {boolean} forThreads
 */
export function addressOfBuild(variant, forThreads) {
  if (variant === 'relaxed') {
    return forThreads
      ? new URL('../dist/offcut.relaxed.threads.wasm', import.meta.url)
      : new URL('../dist/offcut.relaxed.wasm', import.meta.url);
  }
  return forThreads
    ? new URL('../dist/offcut.threads.wasm', import.meta.url)
    : new URL('../dist/offcut.wasm', import.meta.url);
}
