// SPDX-License-Identifier: Apache-2.0
// What the npm scripts run: set up and build what the command needs, then the command, where the user stands.
//
//     node wasm/toolchain/start.js COMMAND [ARGUMENTS...]
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt, presets } from './build.js';
import { projectFolder, runMain, say } from './common.js';
import { ensureEmscripten } from './emscripten.js';
import { ensurePackages } from './packages.js';
import { ensureTools } from './tools.js';

/**
 * @typedef {object} Command
 * @property {string} [script] what runs in the end
 * @property {string[]} [args] its first arguments
 * @property {string[]} presets what is built before
 * @property {boolean} development whether it needs the development packages
 * @property {boolean} [inside] whether it runs in this process, so that signals reach it
 */

const wasm = ['wasm', 'wasm-relaxed'];

/** @type {Record<string, Command>} */
const commands = {
  cutout: { script: 'js/cli.js', presets: wasm, development: false },
  serve: { script: 'js/server/node.js', presets: wasm, development: false, inside: true },
  demo: { script: 'examples/dashboard/serve.js', presets: wasm, development: true, inside: true },
  corpus: { script: 'tests/corpus/run.js', presets: ['native', ...wasm], development: false },
  eval: { script: 'models/eval/run.js', presets: wasm, development: true },
  bench: { script: 'tests/bench/run.js', presets: wasm, development: true },
  test: { script: 'tests/run.js', presets, development: true },
  types: {
    script: 'node_modules/typescript/bin/tsc',
    args: ['-p', projectFolder],
    presets: [],
    development: true,
  },
  format: { script: 'wasm/toolchain/format.js', presets: [], development: true },
  build: { presets, development: false },
  setup: { presets: [], development: true },
};

await runMain(async () => {
  const [name, ...args] = process.argv.slice(2);
  const command = commands[name];
  if (!command)
    throw new Error(`expected one of ${Object.keys(commands).join(', ')} but received ${name}`);
  await ensurePackages(command);
  if (name === 'setup') {
    await ensureTools();
    await ensureEmscripten();
    say('everything is set up');
  }
  // `npm run build -- wasm` builds only that.
  await ensureBuilt(name === 'build' && args.length ? args : command.presets);
  if (command.inside) await startInside(command.script ?? '', args);
  else if (command.script)
    process.exitCode = start(command.script, [...(command.args ?? []), ...args]);
});

/** @param {string} script @param {string[]} args */
async function startInside(script, args) {
  const file = path.join(projectFolder, script);
  process.argv.splice(1, Infinity, file, ...args);
  process.chdir(process.env.INIT_CWD || process.cwd());
  await import(pathToFileURL(file).href);
}

/** @param {string} script @param {string[]} args @returns {number} its exit code */
function start(script, args) {
  const result = spawnSync(process.execPath, [path.join(projectFolder, script), ...args], {
    stdio: 'inherit',
    // npm changes to the project's folder; paths on the command line are meant from where the user is.
    cwd: process.env.INIT_CWD || process.cwd(),
  });
  return result.status ?? 130;
}
