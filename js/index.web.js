// SPDX-License-Identifier: Apache-2.0

import { createEntry } from './entry.js';
import { compile, read, webHost } from './web.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

/**
 * @typedef {import('./codec.js').Codec} Codec
 * @typedef {import('./codec.js').PictureInfo} PictureInfo
 * @typedef {import('./memory.js').PictureDetails} PictureDetails
 * @typedef {import('./core.js').BatchItem} BatchItem
 * @typedef {import('./core.js').BatchOptions} BatchOptions
 * @typedef {import('./core.js').Result} Result
 * @typedef {import('./core.js').Engine} Engine
 * @typedef {import('./core.js').Source} Source
 * @typedef {import('./core.js').Variant} Variant
 * @typedef {import('./entry.js').EngineOptions} EngineOptions
 * @typedef {import('./entry.js').Model} Model
 * @typedef {import('./core.js').Input} Input
 * @typedef {import('./errors.js').ErrorCode} ErrorCode
 * @typedef {import('./image.js').Image} Image
 * @typedef {import('./network.js').Backend} Backend
 * @typedef {import('./model.js').ModelSpec} ModelSpec
 * @typedef {import('./options.js').RemoveBackgroundOptions} RemoveBackgroundOptions
 * @typedef {import('./options.js').Stage} Stage
 * @typedef {import('./worker/settings.js').WorkerOptions} WorkerOptions
 */

// Each address stands in a `new URL(…, import.meta.url)` of its own: that is the form which
// bundlers know.
const entry = createEntry({
  compile: (variant) =>
    compile(
      variant === 'relaxed'
        ? new URL('../dist/offcut.relaxed.wasm', import.meta.url)
        : new URL('../dist/offcut.wasm', import.meta.url),
    ),
  model: () => read(new URL('../models/default.onnx', import.meta.url)),
  ...webHost,
  workers: {
    create: () => new Worker(new URL('./worker/main.web.js', import.meta.url), { type: 'module' }),
    queue: Infinity, // of Blobs, which take no memory of the page
    // A page must not wait; a worker has nobody who would.
    byDefault: () => typeof document === 'object' && typeof Worker === 'function',
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
