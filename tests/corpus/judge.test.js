// SPDX-License-Identifier: Apache-2.0
// The corpus check itself: it has to fail where something is wrong, and to survive what it runs.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { judge } from './judge.js';
import { readManifest } from './manifest.js';
import { NativeDecoder } from './native.js';

const pixels = Uint8Array.of(1, 2, 3, 255, 4, 5, 6, 255);
const hash = createHash('sha256').update(pixels).digest('hex');

const row = {
  ...{ path: 'a', file: 'a', size: 100, group: 'g', expected: 'decode', width: 2, height: 1 },
  ...{ hashes: [hash], exact: true, orientation: 6 },
};
const picture = {
  ...{ status: 'OK', detail: '', width: 2, height: 1, bits: 8, orientation: 6, pixels },
};
const refusal = { ...picture, status: 'ERR_CORRUPT', detail: 'x', pixels: new Uint8Array(0) };

test('a picture has to be the right one', () => {
  assert.equal(judge(row, picture), '');
  assert.match(judge(row, refusal), /expected a picture/);
  assert.match(judge(row, { ...picture, width: 1, height: 2 }), /expected 2x1, received 1x2/);
  assert.match(judge(row, { ...picture, orientation: 1 }), /expected orientation 6/);
  assert.match(judge(row, { ...picture, pixels: pixels.map((v) => v ^ 1) }), /expected pixels/);
  assert.equal(judge({ ...row, exact: false, hashes: ['?'] }, picture), '');
  assert.equal(judge({ ...row, orientation: 0, width: 0 }, { ...picture, width: 9 }), '');
});

test('16 bits match when scaled or when stripped', () => {
  const wide = new Uint16Array([0x0100, 0x02ff, 0x0380, 0xffff, 0x0400, 0x0500, 0x0600, 0xffff]);
  const outcome = { ...picture, bits: 16, pixels: new Uint8Array(wide.buffer) };
  assert.equal(judge(row, outcome), '');
  const scaled = Uint8Array.of(1, 3, 3, 255, 4, 5, 6, 255);
  const other = createHash('sha256').update(scaled).digest('hex');
  assert.equal(judge({ ...row, hashes: [other] }, outcome), '');
  assert.match(judge({ ...row, hashes: ['?'] }, outcome), /expected pixels/);
});

test('a refusal has to be one', () => {
  const refuse = { ...row, expected: 'refuse' };
  assert.equal(judge(refuse, refusal), '');
  assert.match(judge(refuse, picture), /expected a refusal/);
  assert.match(judge(refuse, { ...refusal, detail: '' }), /without a detail/);
  for (const status of ['CRASH', 'TIMEOUT', 'UNREADABLE', 'ERR_MEMORY', 'ERR_STATE']) {
    for (const expected of ['refuse', 'either', 'limit', 'decode']) {
      assert.notEqual(judge({ ...row, expected }, { ...refusal, status }), '', status);
    }
  }
  assert.match(judge({ ...row, expected: 'perhaps' }, picture), /no meaning/);
});

test('memory is bounded, and what a header claims beyond the limit costs none', () => {
  const limit = { ...row, expected: 'limit', width: 60000, height: 60000 };
  assert.equal(judge(limit, { ...refusal, memory: 60e6 }), '');
  assert.match(judge(limit, { ...refusal, memory: 100e6 }), /of memory/);
  const large = { ...row, expected: 'either', width: 4000, height: 3000 };
  assert.equal(judge(large, { ...refusal, memory: 100e6 }), '');
  assert.match(judge(large, { ...refusal, memory: 300e6 }), /of memory/);
});

test('a manifest may lack columns', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'offcut-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'MANIFEST.tsv'), 'expected\tpath\r\nrefuse\tx/y.png\r\n\r\n');
  const [only, ...others] = readManifest(folder);
  assert.equal(others.length, 0);
  assert.equal(only.file, join(folder, 'x/y.png'));
  assert.deepEqual([only.expected, only.width, only.exact], ['refuse', 0, false]);
  assert.deepEqual(only.hashes, []);
  writeFileSync(join(folder, 'MANIFEST.tsv'), 'name\tresult\n');
  assert.throws(() => readManifest(folder), /expected columns/);
});

test('a decoder that dies or hangs costs one file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'offcut-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'decoder');
  writeFileSync(
    program,
    `#!/bin/sh
while read -r path; do
  case $path in
    dies) echo sorry >&2; exit 3;;
    hangs) exec sleep 60;;
    *) printf 'OK\\t1\\t1\\t8\\t1\\t4\\t\\n'; sleep 0.1; printf 'a\\nb\\n';;
  esac
done
`,
  );
  chmodSync(program, 0o755);
  const decoder = new NativeDecoder(program, 1000, false);
  const statuses = [];
  for (const file of ['one', 'dies', 'two', 'hangs', 'three']) {
    const outcome = await decoder.decode(file);
    statuses.push(outcome.status);
    if (outcome.status === 'OK') assert.equal(Buffer.from(outcome.pixels).toString(), 'a\nb\n');
    if (outcome.status === 'CRASH') assert.match(outcome.detail, /exit 3 sorry/);
  }
  assert.deepEqual(statuses, ['OK', 'CRASH', 'OK', 'TIMEOUT', 'OK']);
  assert.equal(await decoder.close(), '');
  await decoder.decode('one');
  const child = decoder.child;
  child?.stdin.write('dies\n');
  assert.match(await decoder.close(), /exit 3/);
});
