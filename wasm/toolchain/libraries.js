// SPDX-License-Identifier: Apache-2.0
// Fetches the source of one C library into the cache folder, checks its hash and applies our patch. libraries.cmake
// calls this with its pins and reads the folder from stdout.
//
//     node libraries.js NAME VERSION … URL … SHA256 … DEBIAN … DEBIAN_SHA256 … [PATCH …]
//
// Upstream's archive comes first; where upstream is out of reach, the archive of Debian 12's source package serves.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Apt, debianRelease } from './apt.js';
import {
  cacheFolder,
  cachePath,
  isMain,
  once,
  run,
  runMain,
  say,
  SetupError,
  sha256,
  which,
} from './common.js';

/**
 * @typedef {object} Library
 * @property {string} NAME
 * @property {string} VERSION
 * @property {string} URL
 * @property {string} SHA256 of upstream's archive
 * @property {string} DEBIAN the name of Debian's source package
 * @property {string} DEBIAN_SHA256 of its upstream archive (the same, unless Debian took files out)
 * @property {string} [PATCH] a file in patches/
 */

/** @param {Library} library */
async function ensureSource(library) {
  const patch = library.PATCH
    ? fileURLToPath(new URL(`patches/${library.PATCH}`, import.meta.url))
    : '';
  const recipe = { sha256: library.SHA256, patch: patch && sha256(fs.readFileSync(patch)) };
  fs.mkdirSync(cachePath('sources'), { recursive: true });
  return once(`sources/${library.NAME}-${library.VERSION}`, recipe, (folder) => {
    const archive = fetchArchive(library);
    unpackArchive(archive, folder);
    if (patch) applyPatch(patch, folder);
  });
}

/** @param {string} archive @param {string} folder */
function unpackArchive(archive, folder) {
  const args = ['-x', '--no-same-owner', '--strip-components=1', '-C', folder];
  // A small Debian has no bzip2, but Python (Emscripten needs it) can do the same.
  if (archive.endsWith('.bz2') && !which('bzip2')) {
    const unzip = `${archive}.tar`;
    const program =
      'import bz2, shutil, sys; shutil.copyfileobj(bz2.open(sys.argv[1]), open(sys.argv[2], "wb"))';
    run('python3', ['-c', program, archive, unzip]);
    run('tar', [...args, '-f', unzip]);
    fs.rmSync(unzip);
  } else {
    run('tar', [...args, '-f', archive]);
  }
}

/** @param {Library} library @returns {string} a checked file */
function fetchArchive(library) {
  const folder = cachePath('downloads');
  fs.mkdirSync(folder, { recursive: true });
  const wanted = [library.SHA256, library.DEBIAN_SHA256];
  const have = fs.readdirSync(folder).map((name) => path.join(folder, name));
  const kept = have.find((file) => wanted.includes(hashOf(file)));
  if (kept) return kept;
  say(`fetching ${library.NAME} ${library.VERSION}`);
  return fetchUpstream(library, folder) || fetchDebian(library, folder);
}

/** @param {string} file */
function hashOf(file) {
  return fs.statSync(file).isFile() ? sha256(fs.readFileSync(file)) : '';
}

/** @param {Library} library @param {string} folder @returns {string} the file, '' if upstream is out of reach */
function fetchUpstream(library, folder) {
  const file = path.join(
    folder,
    `${library.NAME}-${library.VERSION}-${path.basename(library.URL)}`,
  );
  const fetcher = which('curl')
    ? ['curl', '-fsSL', '--connect-timeout', '10', '--max-time', '300', '-o', file, library.URL]
    : [process.execPath, '-e', downloadScript, library.URL, file];
  const result = spawnSync(fetcher[0], fetcher.slice(1), { stdio: 'ignore' });
  if (result.signal) throw new SetupError('interrupted; run the command again to go on.');
  if (result.status === 0) return checked(file, library.SHA256);
  fs.rmSync(file, { force: true });
  return '';
}

const downloadScript = `
const response = await fetch(process.argv[1], { signal: AbortSignal.timeout(300000) }).catch(() => undefined);
if (!response?.ok) process.exit(1);
const { writeFileSync } = await import('node:fs');
writeFileSync(process.argv[2], Buffer.from(await response.arrayBuffer()));
`;

/** @param {Library} library @param {string} folder */
function fetchDebian(library, folder) {
  if (!debianRelease()) {
    throw new SetupError(
      `cannot fetch ${library.URL}\nCheck the network (a proxy is taken from https_proxy), or put that file into\n` +
        `${folder} yourself, and run this again.`,
    );
  }
  say('upstream is out of reach: taking the source package of Debian 12');
  const apt = new Apt('bookworm', 'deb-src');
  if (!fs.existsSync(apt.env.APT_CONFIG)) apt.update();
  const part = path.join(folder, `${library.NAME}.part`);
  fs.rmSync(part, { recursive: true, force: true });
  fs.mkdirSync(part);
  apt.fetchSource(library.DEBIAN, part);
  const names = fs.readdirSync(part).filter((name) => /\.orig\.tar\.\w+$/.test(name));
  if (names.length !== 1)
    throw new SetupError(`expected one archive of ${library.DEBIAN}, found ${names.length}`);
  const file = path.join(folder, names[0]);
  fs.renameSync(path.join(part, names[0]), file);
  fs.rmSync(part, { recursive: true });
  return checked(file, library.DEBIAN_SHA256);
}

/** @param {string} file @param {string} expected */
function checked(file, expected) {
  const actual = hashOf(file);
  if (actual === expected) return file;
  fs.rmSync(file);
  throw new SetupError(
    `${path.basename(file)} is not what it should be: expected SHA-256\n${expected} but got\n${actual}\n` +
      'It was deleted. If this happens again, something changes files on their way to this machine.',
  );
}

/** @param {string} patch @param {string} folder */
function applyPatch(patch, folder) {
  // git looks for a repository around the folder unless it is told not to.
  const env = { GIT_DIR: undefined, GIT_CEILING_DIRECTORIES: cacheFolder };
  if (which('patch'))
    run('patch', ['-s', '-p1', '--no-backup-if-mismatch', '-i', patch], { cwd: folder });
  else run('git', ['apply', '-p1', '--whitespace=nowarn', patch], { cwd: folder, env });
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const [name, ...rest] = process.argv.slice(2);
    const pairs = Array.from({ length: rest.length / 2 }, (_, i) => [rest[2 * i], rest[2 * i + 1]]);
    const library = /** @type {Library} */ ({ NAME: name, ...Object.fromEntries(pairs) });
    process.stdout.write(await ensureSource(library));
  });
}
