// SPDX-License-Identifier: Apache-2.0
// Benchmarks, each in a process of its own, one after the other.
//
//     npm run bench -- [--json] [--cpu] [--int8 FILE [--f32 FILE]] [NAME...]
//
// --cpu counts processor time instead of the time that goes by: for busy machines. --int8 is a network for engine-int8 in
// place of the package's, --f32 what ONNX Runtime Web runs against it; without, the same file less its quantisation.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { table } from './report.js';
import { useCpuTime } from './turns.js';

/**
 * @typedef {{ int8?: string, f32?: string }} Options
 *
 * @typedef {Record<string, (options: Options) => Promise<import('./report.js').Measurement[] |
 *   string>>} Benches what each measured, or why it was left out
 */

/** Which file has which. */
const files = {
  'engine-f32': './engine.js',
  'engine-int8': './engine.js',
  threads: './engine.js',
  'photo-1mp': './photo.js',
  'photo-12mp': './photo.js',
  'second-look': './photo.js',
  'memory-12mp': './memory.js',
  'memory-100mp': './memory.js',
  'memory-1000': './growth.js',
  'cold-start': './cold-start.js',
  growth: './growth.js',
  sharp: './sharp.js',
  size: './size.js',
};

/** @typedef {keyof typeof files} Name */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean' },
    cpu: { type: 'boolean' },
    int8: { type: 'string' },
    f32: { type: 'string' },
    here: { type: 'boolean' }, // in this process
  },
});
const names = /** @type {Name[]} */ (positionals.length ? positionals : Object.keys(files));
const unknown = names.filter((name) => !Object.hasOwn(files, name));

if (unknown.length) {
  console.error(`expected one of ${Object.keys(files).join(', ')} but received ${unknown[0]}`);
  process.exitCode = 2;
} else if (values.here) {
  await runHere(names[0]);
} else {
  for (const name of names) runInProcess(name);
}

/** @param {Name} name */
async function runHere(name) {
  if (values.cpu) useCpuTime();
  const { benches } = /** @type {{ benches: Benches }} */ (await import(files[name]));
  const result = await benches[name](values);
  if (typeof result === 'string') console.error(`${name}: left out, ${result}`);
  else for (const measurement of result) console.log(JSON.stringify(measurement));
}

/** @param {Name} name */
function runInProcess(name) {
  const { cpu, int8, f32 } = values;
  const options = [cpu && '--cpu', int8 && `--int8=${int8}`, f32 && `--f32=${f32}`];
  const args = ['--here', name, ...options.filter((option) => typeof option === 'string')];
  const { status, stdout } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
  );
  const lines = stdout.trim().split('\n').filter(Boolean);
  if (values.json) for (const line of lines) console.log(line);
  else if (lines.length) console.log(table(lines.map((line) => JSON.parse(line))));
  if (status === 0) return;
  console.error(`${name} failed (${status})`);
  process.exitCode = 1;
}
