// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { createStorage } from 'unstorage';
import fsDriver from 'unstorage/drivers/fs-lite';

/** A file that is being written is no older than this. */
const WRITING_MAX_MS = 60 * 60 * 1000;

/**
 * Images as files of a folder. Several processes may use it at once.
 *
 * @param {string} folder is made when the first image comes
 * @returns {import('./images.js').Storage}
 */
export function fileStore(folder) {
  const storage = createStorage({ driver: atomicDriver(folder, 'other') });
  // Mounts of their own, so that listing one kind of key reads no other folder.
  for (const kind of ['files', 'order', 'published', 'records']) {
    storage.mount(kind, atomicDriver(folder, kind));
  }
  return storage;
}

/**
 * unstorage's driver, but a file is there whole or not at all, and on the disk when the write is
 * reported done.
 *
 * @param {string} folder
 * @param {string} kind
 */
function atomicDriver(folder, kind) {
  const base = path.resolve(folder, kind);
  const temporary = path.resolve(folder, 'tmp');
  const driver = fsDriver({ base });
  /** @type {Promise<void> | undefined} */
  let cleaned;
  /** @param {string} key @param {string | Uint8Array} value */
  const write = async (key, value) => {
    cleaned ??= removeLeftovers(temporary);
    await cleaned;
    await writeWhole(path.join(base, ...key.split(':')), value, temporary);
  };
  return { ...driver, setItem: write, setItemRaw: write };
}

/**
 * @param {string} target
 * @param {string | Uint8Array} value
 * @param {string} temporary folder on the same disk
 */
async function writeWhole(target, value, temporary) {
  const draft = path.join(temporary, randomUUID());
  await mkdir(temporary, { recursive: true });
  await mkdir(path.dirname(target), { recursive: true });
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(value);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, target);
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw error;
  }
  await syncFolder(path.dirname(target));
}

/**
 * Makes a rename last through a power cut. Not every system lets a folder be opened; there the
 * rename is as good as it gets.
 *
 * @param {string} folder
 */
async function syncFolder(folder) {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (!handle) return;
  await handle.sync().catch(() => {});
  await handle.close();
}

/**
 * What a crash left half-written.
 *
 * @param {string} folder
 */
async function removeLeftovers(folder) {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > WRITING_MAX_MS) await unlink(file).catch(() => {});
  }
}
