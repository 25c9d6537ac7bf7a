// SPDX-License-Identifier: Apache-2.0
// The native command: what it writes where, and what it says when it cannot.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** @param {string} file from the top of the checkout */
const pathOf = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

const command = pathOf('build/native/offcut');
const skip = existsSync(command) ? false : 'there is no native build';
const cutOut = [command, '-m', pathOf('models/default.onnx'), pathOf('examples/photos/fox.jpg')];
const top = mkdtempSync(path.join(tmpdir(), 'offcut-command-'));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(top, 'test-'));
});
after(() => rmSync(top, { recursive: true }));

/** @param {string[]} words */
function run([program, ...args]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'latin1' });
  return { status, stdout, stderr };
}

/** @param {string} file */
function assertPng(file) {
  const bytes = readFileSync(file);
  assert.equal(bytes.toString('latin1', 0, 4), '\x89PNG');
  assert.equal(bytes.toString('latin1', bytes.length - 8, bytes.length - 4), 'IEND');
}

test('writes a file, and leaves nothing beside it', { skip }, () => {
  const file = path.join(folder, 'out.png');
  writeFileSync(file, 'what was there before');
  assert.deepEqual(run([...cutOut, '-o', file]), { status: 0, stdout: '', stderr: '' });
  assertPng(file);
  assert.deepEqual(readdirSync(folder), ['out.png']);
});

test('a link stays a link', { skip }, () => {
  const [link, file] = ['link.png', 'out.png'].map((name) => path.join(folder, name));
  writeFileSync(file, '');
  symlinkSync(file, link);
  assert.equal(run([...cutOut, '-o', link]).status, 0);
  assert.ok(lstatSync(link).isSymbolicLink());
  assertPng(file);
});

test('a pipe stays a pipe', { skip }, () => {
  const [pipe, copy] = ['pipe', 'copy.png'].map((name) => path.join(folder, name));
  execFileSync('mkfifo', [pipe]);
  const script = 'timeout 60 cat "$0" > "$1" & shift; "$@"; code=$?; wait; exit $code';
  assert.equal(run(['sh', '-c', script, pipe, copy, ...cutOut, '-o', pipe]).status, 0);
  assert.ok(lstatSync(pipe).isFIFO());
  assertPng(copy);
});

test('says why, and how it failed is its exit code', { skip }, () => {
  const missing = path.join(folder, 'missing');
  const cases = /** @type {const} */ ([
    [[command, '--version'], 0, ''],
    [[command, '--speed', 'late'], 64, 'late is not a valid value'],
    [[command, '-m', missing], 74, `${missing}: cannot open: No such file`],
    [[...cutOut, '-o', path.join(missing, 'out.png')], 74, 'cannot write: No such file'],
    [[...cutOut, '-o', folder], 74, 'cannot write: Is a directory'],
    [[...cutOut.slice(0, 3), pathOf('package.json')], 2, 'bytes that begin 7b 0a'],
  ]);
  for (const [words, status, text] of cases) {
    const result = run([...words]);
    assert.equal(result.status, status, result.stderr);
    assert.ok(result.stderr.includes(text), result.stderr);
  }
  assert.deepEqual(readdirSync(folder), []);
});
