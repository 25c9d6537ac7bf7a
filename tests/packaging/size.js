// SPDX-License-Identifier: Apache-2.0
// What a page downloads, compressed, and how much it may be.
import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { projectFolder } from '../../wasm/toolchain/common.js';

/** The core in either build. */
const CORE_BYTES_MAX = 300_000;

/** Scripts, one core and the network, before the first photo. */
const PAGE_BYTES_MAX = 2_000_000;

/**
 * A script and all that it names, as a browser or bundler finds it.
 *
 * @param {string} file
 * @param {Set<string>} [found]
 */
function reach(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  if (!file.endsWith('.js')) return found;
  const text = fs.readFileSync(path.join(projectFolder, file), 'utf8');
  const names =
    /^(?:import|export)\b[^;]*?['"](\..*?)['"];|new URL\('(\..*?)', import\.meta\.url\)/gm;
  for (const [, imported, named] of text.matchAll(names))
    reach(path.join(path.dirname(file), imported ?? named), found);
  return found;
}

/** @param {string} file */
function compressed(file) {
  return brotliCompressSync(fs.readFileSync(path.join(projectFolder, file))).length;
}

/** @returns {import('../run.js').Counts} */
export function sizes() {
  const files = [...reach('js/index.web.js')];
  const sizeOf = Object.fromEntries(files.map((file) => [file, compressed(file)]));
  const cores = files.filter((file) => file.endsWith('.wasm'));
  const rest = files.filter((file) => !cores.includes(file));
  const core = Math.max(...cores.map((file) => sizeOf[file]));
  const page = core + rest.reduce((sum, file) => sum + sizeOf[file], 0);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [what, bytes, bytesMax] of /** @type {const} */ ([
    [cores.join(' or '), core, CORE_BYTES_MAX],
    [`what a page loads (${files.length - cores.length + 1} files)`, page, PAGE_BYTES_MAX],
  ])) {
    process.stdout.write(`${what}: ${bytes} bytes brotli, at most ${bytesMax}\n`);
    counts[bytes <= bytesMax ? 'passed' : 'failed']++;
  }
  return counts;
}
