// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Binding } from '../../js/binding.js';
import { CODES } from '../../js/errors.js';
import { bytesOf, pathOf, variants } from './helpers.js';

const files = { simd128: 'dist/offcut.wasm', relaxed: 'dist/offcut.relaxed.wasm' };

for (const variant of variants) {
  const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf(files[variant]));

  test(`${variant}: exports what the list says, and its memory`, async () => {
    const module = await WebAssembly.compile(bytes);
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    const listed = readFileSync(pathOf('wasm/exports.txt'), 'utf8').trim().split('\n');
    for (const name of listed) assert.ok(names.includes(name), name);
    assert.ok(names.includes('memory'));
  });

  test(`${variant}: imports only what the shim has`, async () => {
    const module = await WebAssembly.compile(bytes);
    for (const { module: space, kind } of WebAssembly.Module.imports(module)) {
      assert.equal(kind, 'function');
      assert.ok(space === 'wasi_snapshot_preview1' || space === 'env', space);
    }
    assert.ok(await Binding.create(module)); // a missing one would be a LinkError
  });

  test(`${variant}: version and error codes agree with the package`, async () => {
    const binding = await Binding.create(await WebAssembly.compile(bytes));
    const { version } = JSON.parse(readFileSync(pathOf('package.json'), 'utf8'));
    assert.equal(binding.text(binding.c.offcut_version()), version);
    const statuses = [];
    for (let status = 1; binding.c.offcut_status_name(status); status++) {
      statuses.push(binding.text(binding.c.offcut_status_name(status)));
      assert.ok(binding.text(binding.c.offcut_status_text(status)).length > 0);
    }
    assert.equal(statuses.length, 11);
    assert.deepEqual(CODES.slice(0, 11), statuses); // those after them exist in JavaScript only
  });
}
