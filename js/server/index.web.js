// SPDX-License-Identifier: Apache-2.0

import { get } from '../client/get.web.js';
import { createCodec, createEngine } from '../index.web.js';
import { createServerEntry } from './server.js';

export { OffcutError } from '../errors.js';

/**
 * @typedef {import('./keys.js').ApiKey} ApiKey
 * @typedef {import('./server.js').LogEntry} LogEntry
 * @typedef {import('./server.js').Server} Server
 * @typedef {import('./server.js').ServerOptions} ServerOptions
 */

/** The img-processing.com API as a function from a `Request` to a `Response`. */
export const createServer = createServerEntry({ createEngine, createCodec, get });
