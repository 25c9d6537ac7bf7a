// SPDX-License-Identifier: Apache-2.0

import { get } from '../client/get.web.js';
import { createCodec, createEngine } from '../index.web.js';
import { createServerEntry } from './server.js';

export { OffcutError } from '../errors.js';

/** The img-processing.com API as a function from a `Request` to a `Response`. */
export const createServer = createServerEntry({ createEngine, createCodec, get });
