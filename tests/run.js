// SPDX-License-Identifier: Apache-2.0
// All tests, one after the other, and their sum as the last line: "N passed, N failed, N skipped".
//
//     npm test                        everything is built before
//     node tests/run.js [--checks]    with the developers' checks (.ci/run), which take longer
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder, runMain } from '../wasm/toolchain/common.js';
import { ensureTools } from '../wasm/toolchain/tools.js';
import { checks } from './checks.js';
import { ensureHosts } from './hosts/tools.js';
import { ensurePackaging } from './packaging/tools.js';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const reports = path.join(projectFolder, 'build/reports');

/**
 * Runs a program with its output shown, and answers its exit code.
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function show(command, args, env) {
  const options = { cwd: projectFolder, env: { ...process.env, ...env } };
  return (
    spawnSync(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 1
  );
}

/**
 * A runner that fails without a failed test is a failure of its own: it crashed.
 * @param {Counts} counts
 * @param {number} exitCode
 * @returns {Counts}
 */
function withCrash(counts, exitCode) {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** @param {string} preset @returns {Promise<Counts>} */
export async function runCTest(preset) {
  const report = path.join(reports, `ctest-${preset}.xml`);
  fs.rmSync(report, { force: true });
  const tools = await ensureTools();
  const args = ['--preset', preset, '-j2', '--no-tests=error', '--output-junit', report];
  const exitCode = show(tools.ctest, args, tools.env);
  const text = fs.existsSync(report) ? fs.readFileSync(report, 'utf8') : '';
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`\\b${name}="(\\d+)"`).exec(text)?.[1] ?? 0);
  const skipped = count('skipped') + count('disabled');
  const failed = count('failures');
  return withCrash({ passed: count('tests') - failed - skipped, failed, skipped }, exitCode);
}

/** Every *.test.js under tests. @returns {Counts} */
function runNodeTests() {
  const report = path.join(reports, 'node.tap');
  fs.rmSync(report, { force: true });
  const files = fs
    .readdirSync(path.join(projectFolder, 'tests'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.test.js') && !name.includes('node_modules'))
    .sort()
    .map((name) => path.join('tests', name));
  const args = ['--test', '--test-reporter=spec', '--test-reporter-destination=stdout'];
  args.push('--test-reporter=tap', `--test-reporter-destination=${report}`, ...files);
  const exitCode = show(process.execPath, args);
  const text = fs.existsSync(report) ? fs.readFileSync(report, 'utf8') : '';
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  return withCrash(
    { passed: count('pass'), failed, skipped: count('skipped') + count('todo') },
    exitCode,
  );
}

/** The decoder corpus; its runner counts by itself. @returns {Counts} */
function runCorpus() {
  const result = spawnSync(process.execPath, ['tests/corpus/run.js'], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(result.stdout);
  const last = result.stdout.trim().split('\n').at(-1) ?? '';
  if (result.status === 0 && last.startsWith('skipped'))
    return { passed: 0, failed: 0, skipped: 1 };
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`(\\d+) ${name}`).exec(last)?.[1] ?? 0);
  return withCrash(
    { passed: count('passed'), failed: count('failed'), skipped: count('skipped') },
    result.status ?? 1,
  );
}

/** @type {[string, () => Counts | Promise<Counts>][]} */
const suites = [
  ['C tests', () => runCTest('native')],
  ['JavaScript tests', runNodeTests],
  ['decoder corpus', runCorpus],
];

await runMain(async () => {
  fs.mkdirSync(reports, { recursive: true });
  if (process.argv.includes('--checks')) {
    await ensureHosts();
    await ensurePackaging();
    suites.push(...checks({ show, runCTest }));
  }
  /** @type {[string, Counts][]} */
  const results = [];
  for (const [name, run] of suites) {
    process.stdout.write(`\n=== ${name}\n`);
    results.push([name, await run()]);
  }
  const sum = { passed: 0, failed: 0, skipped: 0 };
  process.stdout.write('\n=== sum\n');
  for (const [name, { passed, failed, skipped }] of results) {
    process.stdout.write(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
  process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
});
