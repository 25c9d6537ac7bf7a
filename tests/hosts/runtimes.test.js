// SPDX-License-Identifier: Apache-2.0
// Node, Deno and Bun: the suite inside, the examples as they stand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { pathOf } from '../js/helpers.js';
import { expectCore, expectHash, expectImages, expectPng, photo, photoPath } from './expect.js';
import { scratch, startServer } from './process.js';
import { httpImages, runImages } from './suite.js';
import { missing, tools } from './tools.js';

/**
 * @typedef {object} Runtime
 * @property {'node20' | 'node22' | 'node24' | 'deno' | 'bun'} tool
 * @property {string} folder of its examples
 * @property {string[]} cutout arguments that let it read and write
 * @property {string[]} [serve] arguments that let it serve
 */

const files = ['--allow-read', '--allow-write'];

/** @type {Runtime[]} */
const runtimes = [
  { tool: 'node20', folder: 'node', cutout: [] },
  { tool: 'node22', folder: 'node', cutout: [] },
  { tool: 'node24', folder: 'node', cutout: [] },
  {
    tool: 'deno',
    folder: 'deno',
    cutout: ['run', ...files],
    serve: ['run', ...files, '--allow-net', '--allow-env'],
  },
  { tool: 'bun', folder: 'bun', cutout: [], serve: [] },
];

const execute = promisify(execFile);

for (const { tool, folder, cutout, serve } of runtimes) {
  const program = tools[tool];
  const skip = missing(tool);

  test(`${tool}: the suite`, { skip }, async () => {
    const { stdout } = await execute(program, [
      ...(tool === 'deno' ? ['run', '--allow-all'] : []),
      pathOf('tests/hosts/run-suite.js'),
      photoPath,
    ]);
    const report = JSON.parse(stdout);
    await expectCore(report.core);
    await expectImages(report.client);
  });

  test(`${tool}: in workers`, { skip }, async () => {
    const { stdout } = await execute(program, [
      ...(tool === 'deno' ? ['run', '--allow-all'] : []),
      pathOf('tests/hosts/run-workers.js'),
      photoPath,
    ]);
    const { hashes, ...report } = JSON.parse(stdout);
    for (const hash of hashes) await expectHash(hash);
    assert.deepEqual(report, {
      workers: [true, true],
      aborted: 'ERR_CANCELLED',
      bad: 'ERR_FORMAT',
      busy: 'ERR_BUSY',
    });
  });

  test(`${tool}: the example cuts out`, { skip }, async (t) => {
    const output = path.join(scratch(t), 'cutout.png');
    const example = pathOf(`examples/${folder}/cutout.js`);
    const { stdout } = await execute(program, [...cutout, example, photoPath, output]);
    assert.match(stdout, /1600 x 1200 in \d+ ms, (simd128|relaxed)/);
    await expectPng(readFileSync(output));
  });

  if (!serve) continue;
  test(`${tool}: the example serves`, { skip }, async (t) => {
    const server = pathOf(`examples/${folder}/serve.js`);
    const env = { ...process.env, PORT: '0', NO_COLOR: '1' };
    const base = await startServer(t, program, [...serve, server], { cwd: scratch(t), env });
    await expectImages(await runImages(httpImages(base), photo), { http: true });
  });
}
