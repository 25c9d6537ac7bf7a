// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';

const PICTURE = /\.(jpe?g|png|webp)$/i;
const OTHER_PICTURE = /\.(jpe?g|webp|gif|bmp|tiff?|avif)$/i;

/** A mistake in how the command was called. */
export class UsageError extends Error {}

/**
 * One photo and where its result goes; `-` is stdin or stdout.
 *
 * @typedef {{ input: string, output: string }} Task
 */

/**
 * Files as they are, the pictures of a folder, what a glob matches; each file once.
 *
 * @param {string[]} inputs
 * @returns {Promise<{ files: string[], unmatched: string[] }>} a name that matches nothing is kept
 *   as a file, so that reading it says why; a glob without a match is not
 */
export async function expandInputs(inputs) {
  const files = new Map();
  const unmatched = [];
  for (const input of inputs) {
    const found = await expandInput(input);
    if (found.length === 0) unmatched.push(input);
    for (const file of found) files.set(await identity(file), file);
  }
  return { files: [...files.values()], unmatched };
}

/** @param {string} input */
async function expandInput(input) {
  if (input === '-') return [input];
  const found = await stat(input).catch(() => undefined);
  if (found?.isDirectory()) {
    const names = (await readdir(input)).filter((name) => PICTURE.test(name)).sort();
    return names.map((name) => path.join(input, name));
  }
  if (found || !isDynamicPattern(input)) return [input];
  const pattern = path.sep === '\\' ? input.replaceAll('\\', '/') : input;
  return (await glob(pattern, { expandDirectories: false })).sort();
}

/**
 * Where each result goes.
 *
 * @param {string[]} files
 * @param {string | undefined} output a file, a folder, `-`, or `undefined` for beside each input
 * @param {string} suffix of names beside the input, for example `-cutout`
 * @returns {Promise<Task[]>}
 */
export async function planTasks(files, output, suffix) {
  const inputs = new Set(await Promise.all(files.map(identity)));
  const single = files.length === 1;
  if (output === '-' || (output === undefined && single && files[0] === '-')) {
    if (!single) throw new UsageError('stdout takes one photo; give -o a folder for several');
    return [{ input: files[0], output: '-' }];
  }
  if (output !== undefined && !(await isFolder(output, single))) {
    if (!single) throw new UsageError(`-o ${output} is a file; give a folder for several photos`);
    return [{ input: files[0], output: await checkFile(output, inputs) }];
  }
  const tasks = [];
  const taken = new Set(inputs);
  for (const input of files) {
    const folder = output ?? (input === '-' ? '.' : path.dirname(input));
    const stem = input === '-' ? 'image' : path.parse(input).name;
    tasks.push({
      input,
      output: await freeName(folder, stem, output ? '' : suffix, suffix, taken),
    });
  }
  return tasks;
}

/**
 * @param {string} output
 * @param {boolean} single one photo: a name that does not exist is a file
 */
async function isFolder(output, single) {
  const found = await stat(output).catch(() => undefined);
  return found ? found.isDirectory() : !single || /[\\/]$/.test(output);
}

/**
 * @param {string} output
 * @param {Set<string>} inputs
 */
async function checkFile(output, inputs) {
  if (OTHER_PICTURE.test(output)) throw new UsageError(`-o ${output}: the result is a PNG`);
  if (inputs.has(await identity(output))) {
    throw new UsageError(`-o ${output} is the photo itself, which is never overwritten`);
  }
  return output;
}

/**
 * A name that is neither a photo of this run nor a result of it; results of earlier runs are
 * replaced.
 *
 * @param {string} folder
 * @param {string} stem
 * @param {string} suffix
 * @param {string} fallback suffix where the plain name is a photo
 * @param {Set<string>} taken grows
 */
async function freeName(folder, stem, suffix, fallback, taken) {
  const names = [`${stem}${suffix}`, `${stem}${fallback}`];
  for (let i = 0; ; i++) {
    const name = names[i] ?? `${stem}${suffix}-${i}`;
    const file = path.join(folder, `${name}.png`);
    const id = await identity(file);
    if (taken.has(id)) continue;
    taken.add(id);
    return file;
  }
}

/**
 * The same text for the same file, however it is written; also for one that does not exist yet.
 *
 * @param {string} file
 * @returns {Promise<string>}
 */
async function identity(file) {
  if (file === '-') return file;
  const absolute = path.resolve(file);
  const real = await realpath(absolute).catch(() => undefined);
  if (real !== undefined) return real;
  const parent = path.dirname(absolute);
  return parent === absolute
    ? absolute
    : path.join(await identity(parent), path.basename(absolute));
}

/**
 * Writes beside the file first and renames then, so that nobody sees half a picture and a failure
 * leaves what was there. Pipes and devices are written as they are.
 *
 * @param {string} file
 * @param {Uint8Array} bytes
 */
export async function writeWhole(file, bytes) {
  const found = await stat(file).catch(() => undefined);
  if (found && !found.isFile()) {
    await writeFile(file, bytes);
    return;
  }
  const target = found ? await realpath(file) : file; // a link stays a link
  const folder = path.dirname(target);
  await mkdir(folder, { recursive: true });
  const temporary = path.join(folder, `.${path.basename(target)}.${process.pid}.tmp`);
  try {
    await writeFile(temporary, bytes, { flag: 'wx', mode: found?.mode });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
