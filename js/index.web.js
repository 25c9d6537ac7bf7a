// SPDX-License-Identifier: Apache-2.0

import { addressOfBuild } from './builds.js';
import { createEntry } from './entry.js';
import { compile, read, webHost } from './web.js';

export { OffcutError } from './errors.js';
export { peakMemory } from './memory.js';

export const { removeBackground, removeBackgrounds, createEngine, createCodec, dispose } =
  createEntry({
    compile: (variant, forThreads) => compile(addressOfBuild(variant, forThreads)),
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
