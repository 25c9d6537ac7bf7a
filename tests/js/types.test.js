// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { pathOf } from './helpers.js';

/** @param {string[]} args */
function tsc(args) {
  const script = pathOf('node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], { cwd: pathOf('') });
  return { status, output: String(stdout) };
}

test('the sources pass strict checks and give declarations, which users can use', () => {
  const sources = tsc([]);
  assert.equal(sources.output, '');
  assert.equal(sources.status, 0);
  const usage = tsc(['-p', 'tests/js/types']);
  assert.equal(usage.output, '');
  assert.equal(usage.status, 0);
});
