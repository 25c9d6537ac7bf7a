// SPDX-License-Identifier: Apache-2.0

import { createCodec, createEngine } from '../index.web.js';
import { createClientEntry } from './client.js';
import { get } from './get.web.js';

export { OffcutError } from '../errors.js';

/** A client like the official one of the img-processing.com API that does the work itself. */
export const createOffcut = createClientEntry({ createEngine, createCodec, get });
