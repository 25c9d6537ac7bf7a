// SPDX-License-Identifier: Apache-2.0
// For Vercel's and Next's edge runtime. It refuses to compile bytes and imports wasm compiled, so
// there is one build, the faster; the network is an asset beside it.

import module from '../dist/offcut.relaxed.wasm?module';
import { createEntry } from './entry.js';
import { read, webHost } from './web.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

export const { removeBackground, removeBackgrounds, createEngine, createCodec, dispose } =
  createEntry({
    ...webHost,
    compile: async () => module,
    model: () => read(new URL('../models/default.onnx', import.meta.url)),
  });
