// SPDX-License-Identifier: Apache-2.0
// A corpus is a folder with MANIFEST.tsv; one object a row, columns that are missing read as ''.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Row
 * @property {string} path inside the corpus
 * @property {string} file where it lies
 * @property {number} size
 * @property {string} group
 * @property {string} expected decode, refuse, either or limit
 * @property {number} width 0 if it is not known
 * @property {number} height
 * @property {string[]} hashes SHA-256 of the RGBA bytes at 8 bits; one of them must match
 * @property {boolean} exact whether the hash must match
 * @property {number} orientation 0 if it is not known
 */

const EXACT = new Set(['certain', 'libjpeg-stable']);

/**
 * @param {string} folder
 * @returns {Row[]}
 */
export function readManifest(folder) {
  const lines = readFileSync(join(folder, 'MANIFEST.tsv'), 'utf8').split(/\r?\n/);
  const names = (lines.shift() ?? '').split('\t');
  if (!names.includes('path') || !names.includes('expected')) {
    throw new Error('MANIFEST.tsv: expected columns path and expected');
  }
  return lines.filter((line) => line !== '').map((line) => readRow(folder, names, line));
}

/**
 * @param {string} folder
 * @param {string[]} names
 * @param {string} line
 * @returns {Row}
 */
function readRow(folder, names, line) {
  const values = line.split('\t');
  const get = (/** @type {string} */ name) => values[names.indexOf(name)] ?? '';
  const exif = get('orientation_exif');
  return {
    path: get('path'),
    file: join(folder, get('path')),
    size: Number(get('size')),
    group: get('group') || get('format') || 'all',
    expected: get('expected'),
    width: Number(get('width')),
    height: Number(get('height')),
    hashes: [get('rgba8_sha256'), get('rgba8_strip16_sha256')].filter((hash) => hash !== ''),
    exact: EXACT.has(get('confidence')),
    orientation: /^[0-8]$/.test(exif) ? Number(exif) || 1 : 0,
  };
}
