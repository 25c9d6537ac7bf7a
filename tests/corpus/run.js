// SPDX-License-Identifier: Apache-2.0
// node tests/corpus/run.js [FOLDER...] [--native] [--wasm] [--relaxed] [--damaged] [--verbose]
// Decodes every file of a corpus and compares with its MANIFEST.tsv, natively and in WebAssembly.
// OFFCUT_DECODE and OFFCUT_WASM name other builds (the asan preset's, for one).
// --damaged decodes what is there of damaged files; then a refusal is no longer asked for.
// Without a folder: the shared corpus beside the checkout, skipped where that is absent.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { judge } from './judge.js';
import { readManifest } from './manifest.js';
import { NativeDecoder } from './native.js';
import { WasmDecoder } from './wasm.js';

const USAGE =
  'Usage: npm run corpus -- [FOLDER...] [--native] [--wasm] [--relaxed] [--damaged] [--verbose]\n' +
  '                         [--timeout SECONDS]';

/** A file that takes longer counts as a hang. The largest decodes in a few seconds. */
const TIMEOUT_SECONDS = 60;

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * @typedef {object} Side
 * @property {string} name
 * @property {{ decode(file: string): Promise<import('./judge.js').Outcome>, close(): Promise<string> }} decoder
 */

/**
 * @param {Record<string, string | boolean | undefined>} options
 * @returns {Side[]}
 */
function chooseSides(options) {
  const milliseconds = Number(options.timeout ?? TIMEOUT_SECONDS) * 1000;
  if (!(milliseconds > 0)) throw new Error(`expected seconds, received ${options.timeout}`);
  const all = !options.native && !options.wasm && !options.relaxed;
  const damaged = options.damaged === true;
  const program = process.env.OFFCUT_DECODE ?? join(root, 'build/native/offcut-decode');
  /** @type {Side[]} */
  const sides = [];
  if (all || options.native) {
    sides.push({
      name: 'native',
      decoder: new NativeDecoder(need(program), milliseconds, damaged),
    });
  }
  if (all || options.wasm) {
    const file = need(process.env.OFFCUT_WASM ?? join(root, 'dist/offcut.wasm'));
    sides.push({ name: 'wasm', decoder: new WasmDecoder(file, milliseconds, damaged) });
  }
  if (options.relaxed) {
    const file = need(join(root, 'dist/offcut.relaxed.wasm'));
    sides.push({ name: 'relaxed', decoder: new WasmDecoder(file, milliseconds, damaged) });
  }
  return sides;
}

/** @param {string} file */
function need(file) {
  if (!existsSync(file)) throw new Error(`${file} is missing: it is made by the build`);
  return file;
}

/**
 * @param {import('./manifest.js').Row[]} rows
 * @param {Side} side
 * @param {boolean} verbose
 */
async function runSide(rows, side, verbose) {
  const begun = performance.now();
  /** @type {Map<string, { passed: number, failed: number }>} */
  const groups = new Map();
  /** @type {string[]} */
  const failures = [];
  for (const row of rows) {
    const outcome = await side.decoder.decode(row.file);
    const wrong = judge(row, outcome);
    if (verbose) console.log(`${side.name}\t${row.path}\t${outcome.status}\t${outcome.detail}`);
    const group = groups.get(row.group) ?? { passed: 0, failed: 0 };
    groups.set(row.group, group);
    group[wrong ? 'failed' : 'passed']++;
    if (wrong) failures.push(`${side.name}: ${row.path}: ${wrong}`);
  }
  const complaint = await side.decoder.close();
  if (complaint) failures.push(`${side.name}: at the end: ${complaint}`);
  return { name: side.name, groups, failures, seconds: (performance.now() - begun) / 1000 };
}

/** @param {Awaited<ReturnType<typeof runSide>>} result */
function report({ name, groups, seconds }) {
  console.log(`\n${name}, ${seconds.toFixed(1)} s`);
  const width = Math.max(...[...groups.keys()].map((group) => group.length));
  for (const [group, { passed, failed }] of [...groups].sort()) {
    const bad = failed ? `, ${failed} failed` : '';
    console.log(`  ${group.padEnd(width)}  ${String(passed).padStart(5)} passed${bad}`);
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      native: { type: 'boolean' },
      wasm: { type: 'boolean' },
      relaxed: { type: 'boolean' },
      damaged: { type: 'boolean' },
      verbose: { type: 'boolean' },
      timeout: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const shared = join(root, '../shared/corpora');
  if (positionals.length === 0 && !existsSync(shared)) {
    console.log('skipped: no ../shared/corpora beside the checkout, and no folder given');
    return 0;
  }
  const folders = positionals.length > 0 ? positionals : [shared];
  const listed = folders.flatMap((folder) => readManifest(folder));
  const rows = listed.filter((row) => existsSync(row.file));
  const missing = listed.filter((row) => !rows.includes(row));
  if (values.damaged) {
    for (const row of rows) if (row.expected === 'refuse') row.expected = 'either';
  }
  const sides = chooseSides(values);
  const results = await Promise.all(
    sides.map((side) => runSide(rows, side, values.verbose === true)),
  );
  results.forEach(report);
  if (missing.length > 0) {
    console.log(`\nlisted in MANIFEST.tsv but not there, so not counted: ${missing.length} files`);
    for (const row of missing) console.log(`  ${row.path}`);
  }
  const failures = results.flatMap((result) => result.failures);
  if (failures.length > 0) console.log(`\n${failures.join('\n')}`);
  console.log(
    `\n${rows.length * sides.length - failures.length} passed, ${failures.length} failed`,
  );
  return failures.length > 0 || rows.length === 0 ? 1 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(`${error.message}\n${USAGE}`);
    process.exitCode = 2;
  },
);
