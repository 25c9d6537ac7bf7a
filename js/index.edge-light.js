// SPDX-License-Identifier: Apache-2.0
// For Vercel's and Next's edge runtime. It refuses to compile bytes and imports wasm compiled, so
// there is one build, which old Nodes take too; the network is an asset beside it.

import module from '../dist/offcut.wasm?module';
import { createEntry } from './entry.js';
import { read, webHost } from './web.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

export const { removeBackground, removeBackgrounds, createEngine, createCodec, dispose } =
  createEntry({
    ...webHost,
    compile: async () => module,
    variant: 'simd128',
    model: () => read(new URL('../models/default.onnx', import.meta.url)),
  });
