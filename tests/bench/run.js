// SPDX-License-Identifier: Apache-2.0
// All benchmarks, each in a process of its own, one after the other.
//
//     node tests/bench/run.js [--json] [NAME...]    NAME: photo, engine, …
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { table } from './report.js';

const tools = ['run.js', 'report.js'];

const args = process.argv.slice(2);
const json = args.includes('--json');
const wanted = args.filter((arg) => !arg.startsWith('-'));
const here = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(here)
  .filter((file) => file.endsWith('.js') && !tools.includes(file))
  .map((file) => file.slice(0, -3))
  .filter((name) => wanted.length === 0 || wanted.includes(name));

if (names.length === 0) {
  console.error(`there is no benchmark ${wanted.join(', ')}`);
  process.exitCode = 2;
}
for (const name of names) {
  const { status, stdout } = spawnSync(process.execPath, [`${here}${name}.js`, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (json) process.stdout.write(stdout);
  else if (stdout.trim())
    console.log(
      table(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    );
  if (status !== 0) {
    console.error(`${name} failed (${status})`);
    process.exitCode = 1;
  }
}
