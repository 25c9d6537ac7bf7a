// SPDX-License-Identifier: Apache-2.0
// For Cloudflare Workers. They refuse to compile bytes and import wasm compiled, so there is one
// build, the faster. Wrangler takes `.bin` for data without being told: the network by that name.

import module from '../dist/offcut.relaxed.wasm';
import network from 'offcut/default.bin';
import { createEntry } from './entry.js';
import { webHost } from './web.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

export const { removeBackground, removeBackgrounds, createEngine, createCodec, dispose } =
  createEntry({
    ...webHost,
    compile: async () => module,
    variant: 'relaxed',
    model: async () => new Uint8Array(network),
  });
