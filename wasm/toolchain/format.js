// SPDX-License-Identifier: Apache-2.0
// Formats the project's C and JavaScript.
//
//     node wasm/toolchain/format.js [--check]        --check changes nothing and fails if something would change
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { capture, isMain, projectFolder, runMain } from './common.js';
import { ensureClang } from './tools.js';

/** Files of the repository, new ones included. */
export function projectFiles() {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const listed = capture('git', args, { cwd: projectFolder });
  const names = listed.split('\n').filter(Boolean);
  return names.filter((name) => fs.existsSync(path.join(projectFolder, name)));
}

/** @param {{ check: boolean }} options @returns {Promise<boolean>} whether all is as it should be */
export async function formatC({ check }) {
  const { clangFormat } = await ensureClang();
  const files = projectFiles().filter((name) =>
    /^(src|wasm|tests|examples|models)\/.*\.[ch]$/.test(name),
  );
  return show(clangFormat, [
    ...(check ? ['--dry-run', '--Werror', '--ferror-limit=10'] : ['-i']),
    ...files,
  ]);
}

/** @param {{ check: boolean }} options @returns {boolean} */
export function formatJavaScript({ check }) {
  const folders = ['js', 'tests', 'wasm', 'models', 'examples'];
  const files = ['*.{js,json}', ...folders.map((folder) => `${folder}/**/*.js`)];
  const prettier = path.join(projectFolder, 'node_modules/prettier/bin/prettier.cjs');
  const mode = check ? '--check' : '--write';
  return show(process.execPath, [prettier, mode, '--log-level', 'warn', ...files]);
}

/** @param {string} program @param {string[]} args */
function show(program, args) {
  const options = { cwd: projectFolder, stdio: /** @type {const} */ ('inherit') };
  return spawnSync(program, args, options).status === 0;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const check = process.argv.includes('--check');
    const done = [await formatC({ check }), formatJavaScript({ check })];
    process.exitCode = done.every(Boolean) ? 0 : 1;
  });
}
