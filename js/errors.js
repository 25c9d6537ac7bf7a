// SPDX-License-Identifier: Apache-2.0

/**
 * What a failure asks of the caller. The first eleven are the statuses of `src/offcut.h`; the last
 * five exist only here.
 *
 * - `ERR_ARGUMENT`: an argument or option is not valid
 * - `ERR_FORMAT`: the bytes are not a JPEG, PNG or WebP picture
 * - `ERR_UNSUPPORTED`: the file is of a kind that is not supported
 * - `ERR_CORRUPT`: the picture is damaged
 * - `ERR_TRUNCATED`: the picture ends too early
 * - `ERR_LIMIT`: the picture exceeds the configured limits
 * - `ERR_MEMORY`: not enough memory
 * - `ERR_MODEL`: the model cannot be used
 * - `ERR_STATE`: the call came out of order, for example after `dispose()`
 * - `ERR_EMPTY`: no subject was found, and `onEmpty` is `'error'`
 * - `ERR_CANCELLED`: the signal was aborted
 * - `ERR_LOAD`: a file (photo, model or wasm) could not be read or fetched
 * - `ERR_INTERNAL`: a fault of this library; the next call starts afresh
 * - `ERR_NOT_FOUND`: there is no image with this id
 * - `ERR_BUSY`: as many photos wait for a worker as may; try again when some are done
 * - `ERR_WORKER`: a worker could not be started, or ended; the next call starts another
 *
 * @typedef {(typeof CODES)[number]} ErrorCode
 */
export const CODES = /** @type {const} */ ([
  'ERR_ARGUMENT',
  'ERR_FORMAT',
  'ERR_UNSUPPORTED',
  'ERR_CORRUPT',
  'ERR_TRUNCATED',
  'ERR_LIMIT',
  'ERR_MEMORY',
  'ERR_MODEL',
  'ERR_STATE',
  'ERR_EMPTY',
  'ERR_CANCELLED',
  'ERR_LOAD',
  'ERR_INTERNAL',
  'ERR_NOT_FOUND',
  'ERR_BUSY',
  'ERR_WORKER',
]);

/**
 * The one error this package throws. `code` is for programs, `detail` says what was wrong with this
 * input.
 */
export class OffcutError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {{ detail?: string, cause?: unknown }} [more]
   */
  constructor(code, message, { detail = message, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OffcutError';
    /** @type {ErrorCode} */
    this.code = code;
    /** @type {string} */
    this.detail = detail;
  }
}

/**
 * The error of an aborted signal. Its name is that of the signal's reason, so that the usual test
 * for `'AbortError'` or `'TimeoutError'` works; the reason itself is the cause.
 *
 * @param {AbortSignal} signal
 */
export function cancelled(signal) {
  const reason = /** @type {unknown} */ (signal.reason);
  const name = reason instanceof Error || reason instanceof DOMException ? reason.name : '';
  const error = new OffcutError('ERR_CANCELLED', 'cancelled: the signal was aborted', {
    cause: reason,
  });
  error.name = name === 'TimeoutError' ? name : 'AbortError';
  return error;
}

/**
 * The error of an argument, in one form for all: what was expected, and what came.
 *
 * @param {string} expected
 * @param {string} name
 * @param {unknown} actual
 */
export function invalid(expected, name, actual) {
  return new OffcutError(
    'ERR_ARGUMENT',
    `Expected ${expected} for ${name} but received ${describe(actual)}`,
  );
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `${String(value)} of type ${typeof value}`;
  if (Array.isArray(value)) return 'an array';
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return name && name !== 'Object' ? `an instance of ${name}` : 'an object';
}

/** @param {string} text */
function shorten(text) {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
