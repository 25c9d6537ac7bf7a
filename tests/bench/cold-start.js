// SPDX-License-Identifier: Apache-2.0
// A new process: from before the import until the first 1-megapixel cut-out is there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { jpeg } from './pictures.js';
import { comparison, median, round } from './turns.js';

const RUNS = 7;

const ours = `
  const { createEngine } = await import('offcut');
  const imported = performance.now();
  const engine = await createEngine();
  const loaded = performance.now();
  await engine.removeBackground(process.argv[1]);`;

const theirs = `
  const { readFile } = await import('node:fs/promises');
  const { cutoutByOthers } = await import('./tests/bench/peers.js');
  const imported = performance.now();
  const cutOut = await cutoutByOthers();
  const loaded = performance.now();
  await cutOut(await readFile(process.argv[1]));`;

/**
 * @param {string} script
 * @param {string} file
 * @returns {Record<'total' | 'import' | 'load' | 'photo', number>} milliseconds
 */
function run(script, file) {
  const whole = `
    const start = performance.now();
    ${script}
    const end = performance.now();
    const times = { total: end - start, import: imported - start, load: loaded - imported, photo: end - loaded };
    process.stdout.write(JSON.stringify(times));`;
  const args = ['--input-type=module', '-e', whole, file];
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  return JSON.parse(String(execFileSync(process.execPath, args, { cwd })));
}

/** @type {import('./run.js').Benches} */
export const benches = {
  'cold-start': async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'offcut-bench-'));
    const file = path.join(folder, 'photo.jpg');
    try {
      writeFileSync(file, await jpeg(1152, 864));
      const runs = Array.from({ length: RUNS }, () => [run(ours, file), run(theirs, file)]);
      const part = (/** @type {number} */ who, /** @type {keyof ReturnType<typeof run>} */ name) =>
        round(median(runs.map((pair) => pair[who][name])));
      const facts = {
        importMs: part(0, 'import'),
        loadMs: part(0, 'load'),
        photoMs: part(0, 'photo'),
      };
      const peer = 'sharp + onnxruntime-web';
      return [comparison('cold-start', part(0, 'total'), peer, part(1, 'total'), facts)];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
