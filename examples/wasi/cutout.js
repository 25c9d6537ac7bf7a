// SPDX-License-Identifier: Apache-2.0
// The WASI command in Node: a photo on its standard input, the subject's PNG on its standard output.
//
//     node cutout.js [OPTIONS] < photo.jpg > cutout.png
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

const command = new URL('../../dist/offcut.wasi.wasm', import.meta.url);
const wasi = new WASI({
  version: 'preview1',
  args: ['offcut', ...process.argv.slice(2)],
  preopens: { '.': '.' }, // for --model FILE
});
const module = await WebAssembly.compile(await readFile(command));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
