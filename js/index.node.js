// SPDX-License-Identifier: Apache-2.0

import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { addressOfBuild } from './builds.js';
import { refuseOver } from './source.js';
import { createEntry } from './entry.js';
import { OffcutError, invalid } from './errors.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

/**
 * @typedef {import('./codec.js').Codec} Codec
 * @typedef {import('./codec.js').ConvertOptions} ConvertOptions
 * @typedef {import('./codec.js').Converted} Converted
 * @typedef {import('./codec.js').PictureInfo} PictureInfo
 * @typedef {import('./codec.js').PictureLimits} PictureLimits
 * @typedef {import('./memory.js').PictureDetails} PictureDetails
 * @typedef {import('./core.js').BatchItem} BatchItem
 * @typedef {import('./core.js').BatchOptions} BatchOptions
 * @typedef {import('./core.js').Box} Box
 * @typedef {import('./core.js').Operation} Operation
 * @typedef {import('./core.js').Result} Result
 * @typedef {import('./core.js').Timings} Timings
 * @typedef {import('./core.js').Engine} Engine
 * @typedef {import('./core.js').Source} Source
 * @typedef {import('./core.js').Variant} Variant
 * @typedef {import('./entry.js').EngineOptions} EngineOptions
 * @typedef {import('./entry.js').Model} Model
 * @typedef {import('./core.js').Input} Input
 * @typedef {import('./errors.js').ErrorCode} ErrorCode
 * @typedef {import('./image.js').Image} Image
 * @typedef {import('./network.js').Backend} Backend
 * @typedef {import('./network.js').Network} Network
 * @typedef {import('./network.js').Tensor} Tensor
 * @typedef {import('./model.js').ModelSpec} ModelSpec
 * @typedef {import('./options.js').RemoveBackgroundOptions} RemoveBackgroundOptions
 * @typedef {import('./options.js').Speed} Speed
 * @typedef {import('./options.js').Stage} Stage
 * @typedef {import('./worker/settings.js').WorkerOptions} WorkerOptions
 */

const entry = createEntry({
  compile: (variant, forThreads) => compile(addressOfBuild(variant, forThreads)),
  model: () => read(new URL('../models/default.onnx', import.meta.url)),
  open,
  readModel: async (address) => read(toPath(address, 'model')),
  readSidecar: async (address) => {
    const path = `${toPath(address, 'model')}.json`;
    const found = await stat(path).catch(() => undefined);
    return found?.isFile() ? parse(await read(path), path) : undefined;
  },
  workers: {
    // Without the flags of this process, of which `--input-type` would stop a file.
    create: () => new Worker(new URL('./worker/main.node.js', import.meta.url), { execArgv: [] }),
    // Each has some tens of megabytes of its own.
    get size() {
      return Math.min(availableParallelism(), 4);
    },
  },
});

/**
 * Removes the background of one photo. The first call loads the core and the network; they stay
 * for the next, until `dispose()`.
 */
export const removeBackground = entry.removeBackground;

/**
 * Removes the backgrounds of many photos, and yields what became of them in the order of the
 * photos. One that fails is yielded with its `error` and does not stop the others.
 */
export const removeBackgrounds = entry.removeBackgrounds;

/**
 * An engine of your own: a network, loaded, with its own memory, for which you call `dispose()`.
 */
export const createEngine = entry.createEngine;

/**
 * The core without a network, for what needs none: `inspect` reads a picture's header.
 */
export const createCodec = entry.createCodec;

/**
 * Gives back what `removeBackground` keeps. The next call loads it again; photos under way are not
 * disturbed.
 */
export const dispose = entry.dispose;

/**
 * @param {Input} input
 * @returns {Input}
 */
function open(input) {
  if (typeof input !== 'string' && !(input instanceof URL)) return input;
  const path = toPath(input, 'input');
  return {
    name: path,
    transfer: true,
    read: async (bytesMax, signal) => {
      const { size } = await stat(path).catch(unreadable(path));
      refuseOver(size, bytesMax);
      return read(path, signal);
    },
  };
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function toPath(value, name) {
  const text = value instanceof URL ? value.href : value;
  if (typeof text !== 'string' || text === '')
    throw invalid('bytes, a path or a file: URL', name, value);
  if (text.startsWith('file:')) return fileURLToPath(text);
  // Two letters at least: c:\photo.jpg is a path.
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(text))
    throw invalid('bytes, a path or a file: URL', name, value);
  return text;
}

/** @param {URL} file */
async function compile(file) {
  return WebAssembly.compile(await read(file)).catch((cause) => {
    throw new OffcutError('ERR_LOAD', `${file} could not be compiled: ${cause}`, { cause });
  });
}

/**
 * @param {string | URL} file
 * @param {AbortSignal} [signal]
 */
async function read(file, signal) {
  return readFile(file, { signal }).catch(unreadable(String(file)));
}

/**
 * @param {string} file
 * @returns {(cause: any) => never}
 */
function unreadable(file) {
  return (cause) => {
    const reason = cause?.code === 'ENOENT' ? 'no such file' : (cause?.message ?? String(cause));
    throw new OffcutError('ERR_LOAD', `${file} could not be read: ${reason}`, {
      detail: reason,
      cause,
    });
  };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} file
 */
function parse(bytes, file) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new OffcutError('ERR_LOAD', `${file} is not JSON: ${cause}`, { cause });
  }
}
