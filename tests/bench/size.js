// SPDX-License-Identifier: Apache-2.0
// What a browser has to fetch before its first photo.
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const root = new URL('../../', import.meta.url);

/** @param {string} file */
function sizesOf(file) {
  const bytes = readFileSync(new URL(file, root));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  return { raw: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
}

/** @type {import('./run.js').Benches} */
export const benches = {
  size: async () => {
    const wasm = sizesOf('dist/offcut.wasm');
    const model = sizesOf('models/default.onnx');
    return [
      {
        bench: 'size',
        wasmBytes: wasm.raw,
        wasmBrotliBytes: wasm.brotli,
        modelBytes: model.raw,
        modelBrotliBytes: model.brotli,
        totalBrotliBytes: wasm.brotli + model.brotli,
      },
    ];
  },
};
