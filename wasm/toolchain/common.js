// SPDX-License-Identifier: Apache-2.0
// What the set-up scripts share. Only Node's own modules: npm packages may not be there yet.
// Everything for people goes to stderr; stdout belongs to the command they asked for.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The user's cache folder, where all downloads and tools live. */
export const cacheFolder = path.join(
  process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'),
  'offcut',
);

/** A failure that the user can do something about: printed without a stack trace. */
export class SetupError extends Error {}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`offcut: ${text}\n`);
}

/** @param {string | Uint8Array} data */
export function sha256(data) {
  return createHash('sha256').update(data).digest('hex');
}

/** A path under the cache folder. @param {string[]} parts */
export function cachePath(...parts) {
  return path.join(cacheFolder, ...parts);
}

/**
 * The full path of a program on the PATH, or ''.
 * @param {string} name
 */
export function which(name) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (folder && fs.statSync(file).isFile()) return file;
    } catch {
      // not there: look on
    }
  }
  return '';
}

/**
 * Runs a command to its end, its output on stderr; throws when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, advice?: string }} [options]
 */
export function run(command, args, { cwd, env, advice } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2],
  });
  finish(command, args, result, advice);
}

/**
 * Runs a command and answers its stdout.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, advice?: string }} [options]
 * @returns {string}
 */
export function capture(command, args, { cwd, env, advice } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.status !== 0) process.stderr.write(String(result.stderr ?? ''));
  finish(command, args, result, advice);
  return result.stdout;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncReturns<any>} result
 * @param {string} [advice]
 */
function finish(command, args, result, advice) {
  if (result.signal === 'SIGINT')
    throw new SetupError('interrupted; run the command again to go on.');
  if (result.status === 0) return;
  const shown = [path.basename(command), ...args.slice(0, 4)].join(' ');
  const reason = result.error?.message ?? result.signal ?? `exit code ${result.status}`;
  throw new SetupError(`\`${shown}\` failed (${reason}).${advice ? `\n${advice}` : ''}`);
}

/**
 * Where `once` makes a folder.
 * @param {string} name
 * @param {unknown} recipe
 */
export function folderOf(name, recipe) {
  return cachePath(`${name}-${sha256(JSON.stringify(recipe)).slice(0, 12)}`);
}

/**
 * Makes a folder of the cache once: into a temporary folder that gets its name only when it is complete, so that an
 * interruption never leaves half of it. The name holds a hash of the recipe: another recipe, another folder.
 * @param {string} name
 * @param {unknown} recipe whatever decides what comes out, as JSON
 * @param {(folder: string, finalFolder: string) => void | Promise<void>} make gets the folder to fill, and the name
 *   that it will have
 * @returns {Promise<string>} the folder
 */
export async function once(name, recipe, make) {
  const folder = folderOf(name, recipe);
  if (fs.existsSync(folder)) return folder;
  return withLock(name.replaceAll('/', '-'), async () => {
    if (fs.existsSync(folder)) return folder;
    const part = `${folder}.part`;
    fs.rmSync(part, { recursive: true, force: true });
    fs.mkdirSync(part, { recursive: true });
    await make(part, folder);
    fs.renameSync(part, folder);
    return folder;
  });
}

/**
 * Runs work while no other process does the same; the lock of a process that is gone is taken over.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(name, work) {
  const file = cachePath(`${name}.lock`);
  makeCacheFolder();
  for (let told = false; !takeLock(file); told = true) {
    if (!told) say('waiting for another set-up on this machine to finish');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/**
 * Links make it atomic: a lock is never seen without its owner's number in it.
 * @param {string} file
 */
function takeLock(file) {
  const own = `${file}.${process.pid}`;
  fs.writeFileSync(own, String(process.pid));
  try {
    for (;;) {
      try {
        fs.linkSync(own, file);
        return true;
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      if (!removeStaleLock(file)) return false;
    }
  } finally {
    fs.rmSync(own, { force: true });
  }
}

/** @param {string} file @returns {boolean} whether it is worth trying again */
function removeStaleLock(file) {
  const stale = `${file}.${process.pid}.stale`;
  try {
    const owner = fs.readFileSync(file, 'utf8');
    if (isRunning(Number(owner))) return false;
    fs.renameSync(file, stale);
    // Another process may have been faster and hold it by now: give it back.
    if (fs.readFileSync(stale, 'utf8') !== owner) fs.linkSync(stale, file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  } finally {
    fs.rmSync(stale, { force: true });
  }
  return true;
}

/** @param {number} owner a process */
function isRunning(owner) {
  if (owner === process.pid) return false;
  try {
    process.kill(owner, 0);
  } catch (error) {
    // EPERM: it runs, under another user.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
  // The number may belong to some other program by now.
  const command = `/proc/${owner}/cmdline`;
  return !fs.existsSync(command) || fs.readFileSync(command, 'utf8').includes('node');
}

function makeCacheFolder() {
  try {
    fs.mkdirSync(cacheFolder, { recursive: true });
  } catch (error) {
    const reason = /** @type {Error} */ (error).message;
    throw new SetupError(
      `cannot write to the cache folder ${cacheFolder} (${reason}).\n` +
        'Set XDG_CACHE_HOME to a folder of yours with 1.5 GB of room, then run this again.',
    );
  }
}

/**
 * The frame of every script here: expected failures end with their message, others with their stack.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

/** Whether this module is the script that was started. @param {string} url the module's import.meta.url */
export function isMain(url) {
  return process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(url);
}
