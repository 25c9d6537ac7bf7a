// SPDX-License-Identifier: Apache-2.0
/// <reference lib="esnext.disposable" preserve="true" />

// The names by which `using` and `await using` find what to call. Where the host does not know them
// yet, nothing asks for them.

/** @type {typeof Symbol.dispose} */
export const DISPOSE = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/** @type {typeof Symbol.asyncDispose} */
export const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
