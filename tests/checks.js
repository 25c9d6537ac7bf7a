// SPDX-License-Identifier: Apache-2.0
// The developers' checks beyond `npm test`: sanitizers, a second compiler, formatting, types, house rules.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ensureBuilt } from '../wasm/toolchain/build.js';
import { projectFolder } from '../wasm/toolchain/common.js';
import { formatC, formatJavaScript, projectFiles } from '../wasm/toolchain/format.js';
import { missing, tools, trainingFolder } from './hosts/tools.js';
import { ensureClang } from '../wasm/toolchain/tools.js';
import { sizes } from './packaging/size.js';

/** @typedef {import('./run.js').Counts} Counts */

/**
 * @param {object} tools
 * @param {(command: string, args: string[], env?: Record<string, string>) => number} tools.show
 * @param {(preset: string) => Promise<Counts>} tools.runCTest
 * @returns {[string, () => Counts | Promise<Counts>][]}
 */
export function checks({ show, runCTest }) {
  /** One check that is an exit code. @param {number} exitCode */
  const one = (exitCode) => ({
    passed: exitCode === 0 ? 1 : 0,
    failed: exitCode === 0 ? 0 : 1,
    skipped: 0,
  });
  const bin = (/** @type {string} */ name) => path.join('node_modules/.bin', name);
  return [
    [
      'sanitizers',
      async () => {
        await ensureBuilt(['asan']);
        return runCTest('asan');
      },
    ],
    [
      'thread sanitizer',
      async () => {
        await ensureBuilt(['tsan']);
        return runCTest('tsan');
      },
    ],
    [
      'decoder corpus under sanitizers',
      () => {
        const run = ['tests/corpus/run.js', '--native'];
        const env = { OFFCUT_DECODE: path.join(projectFolder, 'build/asan/offcut-decode') };
        return one(
          show(process.execPath, run, env) || show(process.execPath, [...run, '--damaged'], env),
        );
      },
    ],
    ['clang', async () => one(await buildWithClang(show))],
    ['header as C++', async () => one(await checkHeader(show))],
    ['formatting of C', async () => one((await formatC({ check: true })) ? 0 : 1)],
    [
      'types',
      () =>
        one(
          show(bin('tsc'), [
            '-p',
            '.',
            '--noEmit',
            '--declaration',
            'false',
            '--emitDeclarationOnly',
            'false',
          ]),
        ),
    ],
    ['types of the dashboard', () => one(show(bin('tsc'), ['-p', 'examples/dashboard']))],
    ['types of the tools', () => one(show(bin('tsc'), ['-p', 'wasm/toolchain']))],
    ['lint', () => one(show(bin('eslint'), ['.']))],
    ['formatting of JavaScript', () => one(formatJavaScript({ check: true }) ? 0 : 1)],
    ['20 steps of training', trainABit],
    ['size', sizes],
    ['house rules', houseRules],
  ];
}

/** Compiles everything native with clang and -Werror. @param {(command: string, args: string[], env?: Record<string, string>) => number} show */
async function buildWithClang(show) {
  const { clang, tools } = await ensureClang();
  const env = { ...tools.env, CC: clang };
  const folder = 'build/clang';
  const configure = ['-S', '.', '-B', folder, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Debug'];
  return show(tools.cmake, configure, env) || show(tools.cmake, ['--build', folder], env);
}

/** @param {(command: string, args: string[]) => number} show */
async function checkHeader(show) {
  const { clang } = await ensureClang();
  const warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
  return show(clang, ['-std=c++11', ...warnings, '-fsyntax-only', '-x', 'c++', 'src/offcut.h']);
}

/** models/training/smoke.py, one line for each of its checks. @returns {Counts} */
function trainABit() {
  const reason = missing('torch');
  if (reason) {
    process.stdout.write(`${reason}\n`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const { stdout, status } = spawnSync(tools.torch, ['-W', 'ignore', 'models/training/smoke.py'], {
    cwd: projectFolder,
    env: { ...process.env, PYTHONPATH: trainingFolder },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  const lines = stdout.split('\n');
  const count = (/** @type {string} */ word) =>
    lines.filter((line) => line.startsWith(word)).length;
  const failed = Math.max(count('FAIL '), status === 0 ? 0 : 1);
  return { passed: count('ok '), failed, skipped: count('SKIP: ') };
}

// Written so that this file does not match itself.
const forbidden = [
  {
    what: 'the host of a package registry or mirror',
    pattern: /deb\.debian\.or[g]|registry\.npmj[s]|pypi\.or[g]|files\.pythonhoste[d]/,
  },
  { what: 'a path of one machine', pattern: /(^|[^\w.])\/(work|farm|root|home\/\w+)\/[\w.]/ },
  { what: 'work left over', pattern: /\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b/ },
];
const linesMax = 600;
const bytesMax = 7 << 20;

/** What a machine can see of the rules for files. @returns {Counts} */
function houseRules() {
  const findings = projectFiles().flatMap((name) => {
    const bytes = fs.readFileSync(path.join(projectFolder, name));
    if (bytes.length > bytesMax)
      return [`${name}: ${bytes.length} bytes, expected at most ${bytesMax}`];
    // Generated by npm; other people's words.
    if (bytes.includes(0) || name === 'package-lock.json' || name.endsWith('.patch')) return [];
    return textFindings(name, bytes.toString('utf8'));
  });
  for (const finding of findings) process.stdout.write(`${finding}\n`);
  return { passed: findings.length ? 0 : 1, failed: findings.length, skipped: 0 };
}

/** @param {string} name @param {string} text */
function textFindings(name, text) {
  const lines = text.split('\n');
  const isCode = /\.(c|h|js|py|sh|cmake)$/.test(name);
  const found = lines.flatMap((line, i) =>
    forbidden
      .filter(({ pattern }) => pattern.test(line))
      .map(({ what }) => `${name}:${i + 1}: ${what}`),
  );
  if (isCode && lines.length > linesMax)
    found.push(`${name}: ${lines.length} lines, expected at most ${linesMax}`);
  if (isCode && !lines.slice(0, 3).some((line) => line.includes('SPDX-License-Identifier')))
    found.push(`${name}: no SPDX line`);
  return found;
}
