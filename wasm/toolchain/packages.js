// SPDX-License-Identifier: Apache-2.0
// The npm packages of package-lock.json. npm's own record of what it installed tells whether anything is missing.
import fs from 'node:fs';
import path from 'node:path';
import { projectFolder, run, say, withLock } from './common.js';

/**
 * @param {{ development: boolean }} options whether the development packages are needed too
 */
export async function ensurePackages({ development }) {
  if (isComplete(development)) return;
  await withLock('npm', async () => {
    if (isComplete(development)) return;
    say(`installing npm packages${development ? ' for development' : ''}`);
    const fresh = !fs.existsSync(installedFile);
    const args = [fresh ? 'ci' : 'install', '--ignore-scripts', '--no-audit', '--no-fund'];
    if (!development) args.push('--omit=dev');
    const advice = 'Check that npm reaches its registry (`npm ping` tells), then run this again.';
    const npm = process.env.npm_execpath;
    if (npm && path.basename(npm) === 'npm-cli.js')
      run(process.execPath, [npm, ...args], { cwd: projectFolder, advice });
    else run('npm', args, { cwd: projectFolder, advice });
  });
}

const installedFile = path.join(projectFolder, 'node_modules/.package-lock.json');

/** @param {boolean} development */
function isComplete(development) {
  if (!fs.existsSync(installedFile)) return false;
  const installed = readPackages(installedFile);
  return Object.entries(readPackages(path.join(projectFolder, 'package-lock.json'))).every(
    ([name, wanted]) => {
      if (name === '' || wanted.optional || wanted.devOptional || (wanted.dev && !development))
        return true;
      return installed[name]?.version === wanted.version;
    },
  );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }>}
 */
function readPackages(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8')).packages;
}
