// SPDX-License-Identifier: Apache-2.0
// The command for WASI, run by the examples in Node and in wasmtime.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { pathOf } from '../js/helpers.js';
import { expectPng, photo, photoPath } from './expect.js';
import { scratch } from './process.js';
import { missing, pythonFolder, tools } from './tools.js';

/**
 * @typedef {object} Run
 * @property {number | null} status
 * @property {string} stderr
 * @property {Uint8Array} png
 */

/**
 * @typedef {(photo: string, cutout: string, options: string[], cwd?: string) => Run} RunHost
 *
 * @type {{ name: string, skip: string | false, run: RunHost }[]}
 */
const hosts = [
  { name: 'node:wasi', skip: false, run: runInNode },
  { name: 'wasmtime', skip: missing('wasmtime'), run: runInWasmtime },
];

/** @type {RunHost} */
function runInNode(photo, _cutout, options, cwd) {
  const example = pathOf('examples/wasi/cutout.js');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', example, ...options],
    { input: readFileSync(photo), cwd, maxBuffer: 1 << 26 },
  );
  return { status, stderr: String(stderr), png: new Uint8Array(stdout) };
}

/** @type {RunHost} */
function runInWasmtime(photo, cutout, options, cwd) {
  const example = pathOf('examples/wasi/cutout.py');
  const { status, stderr } = spawnSync(tools.wasmtime, [example, photo, cutout, ...options], {
    env: { ...process.env, PYTHONPATH: pythonFolder },
    cwd,
    encoding: 'utf8',
  });
  return { status, stderr, png: new Uint8Array(readFileSync(cutout)) };
}

for (const { name, skip, run } of hosts) {
  test(`${name}: the network inside`, { skip }, async (t) => {
    const { status, stderr, png } = run(photoPath, path.join(scratch(t), 'cutout.png'), []);
    assert.equal(status, 0, stderr);
    await expectPng(png);
  });

  test(`${name}: a network of one's own`, { skip }, async (t) => {
    const cutout = path.join(scratch(t), 'cutout.png');
    const { status, stderr, png } = run(photoPath, cutout, ['--model', 'models/default.onnx']);
    assert.equal(status, 0, stderr);
    await expectPng(png);
  });

  test(`${name}: files by their paths`, { skip }, async (t) => {
    const folder = scratch(t);
    copyFileSync(photoPath, path.join(folder, 'photo.jpg'));
    const nothing = path.join(folder, 'nothing.png');
    const options = ['photo.jpg', '--output', 'cutout.png'];
    const { status, stderr, png } = run(photoPath, nothing, options, folder);
    assert.equal(status, 0, stderr);
    assert.equal(png.length, 0);
    await expectPng(readFileSync(path.join(folder, 'cutout.png')));
  });

  test(`${name}: failures are exit codes`, { skip }, (t) => {
    const folder = scratch(t);
    const cutout = path.join(folder, 'cutout.png');
    const cutOff = path.join(folder, 'photo.jpg');
    writeFileSync(cutOff, photo.subarray(0, photo.length / 2));
    assert.equal(run(cutOff, cutout, []).status, 5); // OFFCUT_ERR_TRUNCATED
    writeFileSync(cutOff, 'not a picture');
    assert.equal(run(cutOff, cutout, []).status, 2); // OFFCUT_ERR_FORMAT
    assert.equal(run(cutOff, cutout, ['--no-such-option']).status, 64);
    const { status, stderr } = run(photoPath, cutout, ['--model', 'no-such-file']);
    assert.equal(status, 74, stderr);
  });
}
