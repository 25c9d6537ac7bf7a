// SPDX-License-Identifier: Apache-2.0
// What an engine and its workers say to each other.

/** @import { ConvertOptions, Converted, PictureLimits } from '../codec.js' */
/** @import { Result, Variant } from '../core.js' */
/** @import { ErrorCode } from '../errors.js' */
/** @import { ModelSpec } from '../model.js' */
/** @import { Settings } from '../options.js' */
/** @import { Operation } from '../profile.js' */

import { OffcutError } from '../errors.js';

/**
 * What can be asked of a worker, by name: the argument and the answer.
 *
 * @typedef {object} Calls
 * @property {{ args: undefined, answer: void }} warm
 * @property {{ args: CutOut, answer: Result }} removeBackground
 * @property {{ args: number, answer: Operation[] }} profile
 * @property {{ args: Conversion, answer: Converted }} convert
 */

/**
 * @typedef {object} CutOut
 * @property {string} [name] of the file
 * @property {Uint8Array} bytes
 * @property {Omit<Settings, 'signal' | 'onProgress'>} settings
 */

/** @typedef {{ bytes: Uint8Array, options: ConvertOptions & PictureLimits }} Conversion */

/**
 * The first message to a worker. The model is not in it: the worker asks when it needs it.
 *
 * @typedef {object} Start
 * @property {'start'} type
 * @property {WebAssembly.Module} module
 * @property {ModelSpec} [spec]
 * @property {Variant} [variant]
 * @property {number} [threads]
 */

/**
 * The only message to a worker that is a thread of an instance elsewhere.
 *
 * @typedef {object} Help
 * @property {'help'} type
 * @property {WebAssembly.Module} module
 * @property {WebAssembly.Memory} memory
 * @property {number} ctx of C
 * @property {number} lane 1, 2…
 * @property {number} stack where it begins
 */

/**
 * @typedef {Start
 *   | Help
 *   | { type: 'call', method: keyof Calls, args: any, progress: boolean }
 *   | { type: 'abort' }
 *   | { type: 'helpers', error?: PlainError }
 *   | { type: 'model', bytes?: Uint8Array, error?: PlainError }} ToWorker
 */

/** How the worker is: with every answer. @typedef {{ backend: string, memoryBytes: number }} Report */

/**
 * `ready` says a helper. `helpers` asks for workers in place of those asked for before, and is
 * answered when they are at work, or not if there are none to start.
 *
 * @typedef {{ type: 'model' }
 *   | { type: 'ready' }
 *   | { type: 'failed', error: PlainError }
 *   | { type: 'helpers', orders: Help[] }
 *   | { type: 'progress', args: any[] }
 *   | ({ type: 'answer', value?: any, error?: PlainError } & Partial<Report>)} FromWorker
 */

/**
 * An error as it can be sent.
 *
 * @typedef {object} PlainError
 * @property {string} name
 * @property {string} message
 * @property {ErrorCode} [code]
 * @property {string} [detail]
 */

/**
 * @param {unknown} error
 * @returns {PlainError}
 */
export function toPlain(error) {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  return error instanceof OffcutError
    ? { name, message, code: error.code, detail: error.detail }
    : { name, message };
}

/** @param {PlainError} plain */
export function fromPlain({ name, message, code, detail }) {
  const error = code ? new OffcutError(code, message, { detail }) : new Error(message);
  error.name = name;
  return error;
}
