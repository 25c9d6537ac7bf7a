// SPDX-License-Identifier: Apache-2.0
// Builds presets of CMakePresets.json with all the set-up they need; in milliseconds when nothing changed.
//
//     node wasm/toolchain/build.js [PRESET...]        all but asan and tsan without one
import fs from 'node:fs';
import path from 'node:path';
import { cachePath, isMain, projectFolder, run, runMain, say, sha256, withLock } from './common.js';
import { ensureEmscripten, findEmscripten } from './emscripten.js';
import { ensureTools } from './tools.js';

export const presets = [
  'native',
  'wasm',
  'wasm-relaxed',
  'wasm-threads',
  'wasm-relaxed-threads',
  'wasi',
];

/** What each preset makes, to see that it is still there. @type {Record<string, string>} */
const products = {
  wasm: 'dist/offcut.wasm',
  'wasm-relaxed': 'dist/offcut.relaxed.wasm',
  'wasm-threads': 'dist/offcut.threads.wasm',
  'wasm-relaxed-threads': 'dist/offcut.relaxed.threads.wasm',
  wasi: 'dist/offcut.wasi.wasm',
};

/** @param {string[]} wanted */
export async function ensureBuilt(wanted) {
  if (wanted.every(isUpToDate)) return;
  await withLock(`build-${sha256(projectFolder).slice(0, 12)}`, async () => {
    for (const preset of wanted) if (!isUpToDate(preset)) await build(preset);
  });
}

/** @param {string} preset */
async function build(preset) {
  const tools = await ensureTools();
  if (preset in products) await ensureEmscripten();
  // Taken before, so that an edit during the build causes another one.
  const state = stateOf(preset);
  const folder = path.join(projectFolder, 'build', preset);
  say(`building ${preset}`);
  const options = { cwd: projectFolder, env: tools.env };
  configure(preset, folder, tools);
  const advice = "The compiler's message is above.";
  run(tools.cmake, ['--build', '--preset', preset], { ...options, advice });
  fs.writeFileSync(path.join(folder, '.built'), state);
}

/**
 * Ninja sees to it that CMake runs again when its files change; this is for the first time, and for another CMake or
 * Emscripten than last time.
 * @param {string} preset
 * @param {string} folder
 * @param {import('./tools.js').Tools} tools
 */
function configure(preset, folder, tools) {
  const record = path.join(folder, '.configured');
  const state = JSON.stringify([tools.cmake, preset in products ? findEmscripten() : '']);
  if (fs.existsSync(record) && fs.readFileSync(record, 'utf8') === state) return;
  if (fs.existsSync(record)) fs.rmSync(folder, { recursive: true });
  const advice =
    'The reason is above. If the build folder is at fault: delete `build` and run this again.';
  run(tools.cmake, ['--preset', preset], { cwd: projectFolder, env: tools.env, advice });
  fs.writeFileSync(record, state);
  // What the C libraries' sources were found with, where Debian's were taken.
  fs.rmSync(cachePath('apt/bookworm-deb-src'), { recursive: true, force: true });
}

/** @param {string} preset */
function isUpToDate(preset) {
  const record = path.join(projectFolder, 'build', preset, '.built');
  if (!fs.existsSync(record)) return false;
  const product = products[preset];
  if (product && !fs.existsSync(path.join(projectFolder, product))) return false;
  return fs.readFileSync(record, 'utf8') === stateOf(preset);
}

/** Everything the build reads, by name, size and time. @param {string} preset */
function stateOf(preset) {
  const inputs = ['CMakeLists.txt', 'CMakePresets.json', 'src', 'wasm'];
  if (!(preset in products)) inputs.push('tests/c', 'tests/corpus', 'tests/oracle');
  const lines = inputs.flatMap((input) => listFiles(path.join(projectFolder, input)));
  return sha256([findEmscripten(), cachePath(), ...lines].join('\n'));
}

/** @param {string} item @returns {string[]} */
function listFiles(item) {
  const stat = fs.statSync(item, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [`${item} ${stat.size} ${stat.mtimeMs}`];
  return fs
    .readdirSync(item)
    .sort()
    .filter((name) => !name.endsWith('.js'))
    .flatMap((name) => listFiles(path.join(item, name)));
}

if (isMain(import.meta.url)) {
  const wanted = process.argv.slice(2);
  await runMain(() => ensureBuilt(wanted.length ? wanted : presets));
}
