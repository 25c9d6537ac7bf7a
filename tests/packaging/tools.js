// SPDX-License-Identifier: Apache-2.0
// The bundlers that the fixtures are built with, and what judges the package. A test skips where they are not
// installed; `node tests/packaging/tools.js` installs them (npm) into the cache folder.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
  folderOf,
  isMain,
  once,
  projectFolder,
  run,
  runMain,
  say,
} from '../../wasm/toolchain/common.js';

const lists = path.join(projectFolder, 'tests/packaging/tools');
const recipe = fs.readFileSync(path.join(lists, 'package-lock.json'), 'utf8');

/** Its `node_modules` holds the tools; fixtures are built below it, so that they find them. */
export const toolsFolder = folderOf('packaging', recipe);

/** Why a test that needs the tools is skipped, or false: the option `skip` of a test. */
export const missing =
  !fs.existsSync(toolsFolder) && 'not installed: bundlers (node tests/packaging/tools.js)';

/** Loads one of the tools. @param {string} name */
export function tool(name) {
  const resolve = createRequire(path.join(toolsFolder, 'package.json')).resolve;
  return import(resolve(name));
}

/** A file below the tools' `node_modules`. @param {string} name */
export function toolFile(name) {
  return path.join(toolsFolder, 'node_modules', name);
}

/** Installs them, or says why not; then their tests skip. */
export async function ensurePackaging() {
  try {
    await once('packaging', recipe, (folder) => {
      for (const name of ['package.json', 'package-lock.json'])
        fs.copyFileSync(path.join(lists, name), path.join(folder, name));
      // Not `npm ci`: it insists on Next's optional packages for other systems, which not every registry has.
      run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
    });
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\nThe tests that need it will skip.`);
  }
}

if (isMain(import.meta.url)) await runMain(ensurePackaging);
