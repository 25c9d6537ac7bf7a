// SPDX-License-Identifier: Apache-2.0
// The package as users get it: packed by npm, unpacked, with its production dependencies beside it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathOf } from '../js/helpers.js';

/** @typedef {{ dev?: boolean, devOptional?: boolean, hasInstallScript?: boolean }} Locked */

/** What is installed where users install the package, by its path. */
export function productionTree() {
  const { packages } = JSON.parse(fs.readFileSync(pathOf('package-lock.json'), 'utf8'));
  return Object.entries(/** @type {Record<string, Locked>} */ (packages)).filter(
    ([name, { dev, devOptional }]) => name !== '' && !dev && !devOptional,
  );
}

/**
 * Packs the project, with types made now, and installs it in a folder.
 *
 * @param {string} folder gets `offcut.tgz` and `node_modules`
 * @returns {string} where the package is
 */
export function installPackage(folder) {
  const home = path.join(folder, 'node_modules/offcut');
  const tarball = path.join(folder, 'offcut.tgz');
  fs.mkdirSync(home, { recursive: true });
  for (const [name] of productionTree()) {
    fs.cpSync(pathOf(name), path.join(folder, name), { recursive: true });
  }
  pack(pathOf(''), tarball);
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', home]);
  // Not into the checkout, where another test may be at it and checks them.
  const types = path.join(home, 'types');
  const tsc = [pathOf('node_modules/typescript/bin/tsc'), '-p', pathOf(''), '--noCheck'];
  fs.rmSync(types, { recursive: true, force: true });
  execFileSync(process.execPath, [...tsc, '--outDir', types]);
  pack(home, tarball);
  return home;
}

/** @param {string} folder @param {string} tarball */
function pack(folder, tarball) {
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination'];
  const options = { cwd: folder, encoding: /** @type {const} */ ('utf8') };
  const name = execFileSync('npm', [...args, path.dirname(tarball)], options).trim();
  fs.renameSync(path.join(path.dirname(tarball), name), tarball);
}
