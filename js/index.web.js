// SPDX-License-Identifier: Apache-2.0

import { createEntry } from './entry.js';
import { compile, read, webHost } from './web.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

// Each address stands in a `new URL(…, import.meta.url)` of its own: that is the form which
// bundlers know.
export const { removeBackground, removeBackgrounds, createEngine, createCodec, dispose } =
  createEntry({
    compile: (variant, forThreads) =>
      compile(
        variant === 'relaxed'
          ? forThreads
            ? new URL('../dist/offcut.relaxed.threads.wasm', import.meta.url)
            : new URL('../dist/offcut.relaxed.wasm', import.meta.url)
          : forThreads
            ? new URL('../dist/offcut.threads.wasm', import.meta.url)
            : new URL('../dist/offcut.wasm', import.meta.url),
      ),
    model: () => read(new URL('../models/default.onnx', import.meta.url)),
    ...webHost,
    workers: {
      create: () =>
        new Worker(new URL('./worker/main.web.js', import.meta.url), { type: 'module' }),
      queue: Infinity, // of Blobs, which take no memory of the page
      // A page must not wait; a worker has nobody who would.
      byDefault: () => typeof document === 'object' && typeof Worker === 'function',
    },
  });
