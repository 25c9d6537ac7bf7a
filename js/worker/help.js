// SPDX-License-Identifier: Apache-2.0

/** @import { Help } from './messages.js' */

/** Helpers neither print nor read files. */
const ERRNO_BADF = 8;

/**
 * Makes this worker a thread of another instance's network. Never returns: who started the worker
 * ends it.
 *
 * @param {Help} order
 * @param {() => void} ready called when all is there
 */
export async function help({ module, memory, ctx, lane, stack }, ready) {
  const nothing = () => ERRNO_BADF;
  const { exports } = await WebAssembly.instantiate(module, {
    env: { memory },
    wasi_snapshot_preview1: { fd_write: nothing, fd_close: nothing, fd_seek: nothing },
  });
  const c = /** @type {Record<string, (...values: number[]) => void>} */ (exports);
  c._emscripten_stack_restore(stack);
  ready();
  c.offcut_threads_help(ctx, lane);
}
