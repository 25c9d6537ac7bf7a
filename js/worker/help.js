// SPDX-License-Identifier: Apache-2.0

/** @import { Help } from './messages.js' */

import { hostImports } from '../binding.js';

/**
 * Makes this worker a thread of another instance's network. Never returns: who started the worker
 * ends it.
 *
 * @param {Help} order
 * @param {() => void} ready called when all is there
 */
export async function help({ module, memory, ctx, lane, stack }, ready) {
  const { exports } = await WebAssembly.instantiate(module, {
    ...hostImports(() => memory),
    env: { memory },
  });
  const c = /** @type {Record<string, (...values: number[]) => void>} */ (exports);
  c._emscripten_stack_restore(stack);
  ready();
  c.offcut_threads_help(ctx, lane);
}
