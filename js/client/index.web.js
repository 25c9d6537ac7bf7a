// SPDX-License-Identifier: Apache-2.0

import { createCodec, createEngine } from '../index.web.js';
import { createClientEntry } from './client.js';
import { get } from './get.web.js';

export { OffcutError } from '../errors.js';

/**
 * @typedef {import('../image.js').Image} Image
 * @typedef {import('./client.js').ClientOptions} ClientOptions
 * @typedef {import('./client.js').Offcut} Offcut
 * @typedef {import('./client.js').StoreOptions} StoreOptions
 * @typedef {import('./fetch-image.js').FetchRules} FetchRules
 * @typedef {import('./images.js').Images} Images
 * @typedef {import('./images.js').List} List
 * @typedef {import('./images.js').Operation} Operation
 * @typedef {import('./images.js').Uploadable} Uploadable
 */

/** A client like the official one of the img-processing.com API that does the work itself. */
export const createOffcut = createClientEntry({ createEngine, createCodec, get });
