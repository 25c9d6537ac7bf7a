// SPDX-License-Identifier: Apache-2.0
// Finds Emscripten, or makes it from Debian's packages, unpacked in the cache folder.
//
//     node emscripten.js          prints the folder that holds emcc; fails if there is none yet
//
// An Emscripten of the user's own (on the PATH, or named by EMSDK) comes first. Debian 13 has a recent one as a
// package; on Debian 12 that package runs with Debian 12's clang 19, and its binaryen with Debian 13's C library
// beside it, through that library's own loader.
import fs from 'node:fs';
import path from 'node:path';
import { Apt, debianRelease, unpack, withoutCLibrary } from './apt.js';
import {
  capture,
  cachePath,
  isMain,
  once,
  runMain,
  say,
  SetupError,
  sha256,
  which,
} from './common.js';

const minimum = [3, 1, 69];
const recipe = { version: 1, emscripten: '3.1.69', llvm: '19' };
const llvmTools = [
  ...[
    'clang',
    'clang++',
    'wasm-ld',
    'llvm-ar',
    'llvm-cxxfilt',
    'llvm-dwarfdump',
    'llvm-dwp',
    'llvm-nm',
  ],
  ...['llvm-objcopy', 'llvm-ranlib', 'llvm-readobj', 'llvm-size', 'llvm-strip', 'llvm-symbolizer'],
];
// What is left out of Debian's 1.6 GB of prebuilt system libraries: variants for threads, debugging, sanitizers and C++
// exceptions. emcc builds any that is asked for all the same, but that takes a minute.
const unneeded = [
  './usr/share/doc',
  './usr/share/emscripten/test',
  '*/wasm32-emscripten/lto-pic',
  '*/wasm32-emscripten/pic',
  ...[
    'asan',
    'ubsan',
    'lsan',
    'mt',
    'ww',
    'debug',
    'except',
    'ofb',
    'full_es3',
    'emu',
    'wasmfs',
    'embind',
  ].flatMap((word) => [
    `*/wasm32-emscripten/*lib${word}*`,
    `*/wasm32-emscripten/*lib*-${word}*`,
    `*/wasm32-emscripten/*_${word}*`,
  ]),
];

/** @param {string} folder @returns {number[] | undefined} its version, if Emscripten is there */
function versionIn(folder) {
  const file = path.join(folder, 'emscripten-version.txt');
  if (!fs.existsSync(path.join(folder, 'emcc')) || !fs.existsSync(file)) return undefined;
  return fs.readFileSync(file, 'utf8').replaceAll('"', '').trim().split(/[.-]/, 3).map(Number);
}

/** @param {number[]} version */
function isRecent(version) {
  for (let i = 0; i < 3; i++) {
    if (version[i] !== minimum[i]) return version[i] > minimum[i];
  }
  return true;
}

/** The Emscripten of the user's own, '' if there is none that is recent enough. */
function ownEmscripten() {
  const folders = [];
  if (process.env.EMSDK) folders.push(path.join(process.env.EMSDK, 'upstream/emscripten'));
  const emcc = which('emcc');
  if (emcc) {
    const real = path.dirname(fs.realpathSync(emcc));
    folders.push(path.dirname(emcc), real, path.join(real, '../libexec'), '/usr/share/emscripten');
  }
  for (const folder of folders) {
    const version = versionIn(folder);
    if (version && isRecent(version)) return folder;
  }
  return '';
}

/** The folder of an Emscripten that is there, or ''. Takes a millisecond. */
export function findEmscripten() {
  const own = ownEmscripten();
  if (own) return own;
  const folder = path.join(
    cachePath(`emscripten-${sha256(JSON.stringify(recipe)).slice(0, 12)}`),
    'emscripten',
  );
  return fs.existsSync(folder) ? folder : '';
}

/** Makes sure that there is Emscripten, and answers its folder. */
export async function ensureEmscripten() {
  const found = findEmscripten();
  if (found) return found;
  const release = debianRelease();
  if (!['bookworm', 'trixie'].includes(release)) {
    throw new SetupError(
      `Emscripten ${minimum.join('.')} or later is needed and this is not Debian 12 or 13, where it can be set up by itself.\n` +
        'Install it as https://emscripten.org/docs/getting_started tells, so that `emcc` is on the PATH, and run this again.',
    );
  }
  say('setting up Emscripten in the cache folder: downloads 310 MB, needs no root, happens once');
  const folder = await once('emscripten', recipe, (part, finalFolder) =>
    make(part, finalFolder, release),
  );
  return path.join(folder, 'emscripten');
}

/**
 * @param {string} part
 * @param {string} finalFolder
 * @param {string} release
 */
function make(part, finalFolder, release) {
  const apt = new Apt(release);
  apt.update();
  const newer = release === 'trixie' ? apt : new Apt('trixie');
  if (newer !== apt) newer.update();

  say('fetching clang, lld and llvm');
  const llvm = apt.fetchWithNeeds(
    ['libclang-cpp19', 'libllvm19', 'lld-19'],
    ['clang-19', 'libclang-common-19-dev', 'llvm-19'],
  );
  say('fetching Emscripten and binaryen');
  const emscripten = newer.fetch(['emscripten']);
  const acorn = newer.fetch(['node-acorn']);
  const binaryen = newer.fetch(['binaryen', 'libc6', 'libstdc++6', 'libgcc-s1']);

  say('unpacking (half a minute)');
  unpack(withoutCLibrary(llvm), path.join(part, 'llvm'), [
    './usr/share/doc',
    './usr/share/man',
    '*/llvm-19/build',
  ]);
  unpack(binaryen, path.join(part, 'binaryen'), ['./usr/share']);
  unpack([...emscripten, ...acorn], path.join(part, 'unpacked'), unneeded);
  fs.renameSync(path.join(part, 'unpacked/usr/share/emscripten'), path.join(part, 'emscripten'));
  fs.mkdirSync(path.join(part, 'emscripten/node_modules'));
  fs.renameSync(
    path.join(part, 'unpacked/usr/share/nodejs/acorn'),
    path.join(part, 'emscripten/node_modules/acorn'),
  );
  fs.rmSync(path.join(part, 'unpacked'), { recursive: true });
  writeWrappers(part);
  writeConfiguration(part, finalFolder);
  tryOut(part);
  for (const used of new Set([apt, newer])) used.clean();
}

/** The programs find their libraries through these, whatever the environment. @param {string} folder */
function writeWrappers(folder) {
  const triplet = fs
    .readdirSync(path.join(folder, 'llvm/usr/lib'))
    .find((name) => name.endsWith('-linux-gnu'));
  fs.mkdirSync(path.join(folder, 'bin'));
  for (const tool of llvmTools) {
    script(path.join(folder, 'bin', tool), 'llvm', [
      `LD_LIBRARY_PATH="$root/usr/lib/${triplet}" exec "$root/usr/lib/llvm-19/bin/${tool}" "$@"`,
    ]);
  }
  const loader = fs
    .readdirSync(path.join(folder, `binaryen/usr/lib/${triplet}`))
    .find((name) => /^ld-linux/.test(name));
  for (const tool of fs.readdirSync(path.join(folder, 'binaryen/usr/bin'))) {
    script(path.join(folder, 'bin', tool), 'binaryen', [
      `libraries="$root/usr/lib/${triplet}"`,
      `exec "$libraries/${loader}" --library-path "$libraries" "$root/usr/bin/${tool}" "$@"`,
    ]);
  }
}

/** @param {string} file @param {string} part @param {string[]} lines */
function script(file, part, lines) {
  const text = ['#!/bin/sh', `root="\${0%/*}/../${part}"`, ...lines, ''].join('\n');
  fs.writeFileSync(file, text, { mode: 0o755 });
}

/** @param {string} part @param {string} finalFolder */
function writeConfiguration(part, finalFolder) {
  fs.rmSync(path.join(part, 'emscripten/tools/config_template.py'), { force: true });
  const text = `import os, shutil
ROOT = ${JSON.stringify(finalFolder)}
if not os.path.exists(ROOT):
  ROOT += '.part'  # while it is being tried out
LLVM_ROOT = ROOT + '/bin'
BINARYEN_ROOT = ROOT
NODE_JS = shutil.which('node')
CACHE = ROOT + '/emscripten/cache'
`;
  fs.writeFileSync(path.join(part, 'emscripten/.emscripten'), text);
}

/** Compiles and runs a program: better now than in the middle of a build. @param {string} part */
function tryOut(part) {
  const source = path.join(part, 'try.c');
  const wasm = path.join(part, 'try.wasm');
  fs.writeFileSync(
    source,
    '#include <stdlib.h>\nint answer(void) { return (int)strtol("42", NULL, 10); }\n',
  );
  const flags = ['-O2', '-sSTANDALONE_WASM', '--no-entry', '-sEXPORTED_FUNCTIONS=_answer'];
  const advice =
    'The Emscripten that was set up does not work on this machine; please report this with the lines above.';
  capture(path.join(part, 'emscripten/emcc'), [source, ...flags, '-o', wasm], {
    env: cleanEnvironment,
    advice,
  });
  const module = new WebAssembly.Module(fs.readFileSync(wasm));
  if (!WebAssembly.Module.exports(module).some((item) => item.name === 'answer'))
    throw new SetupError(advice);
  fs.rmSync(source);
  fs.rmSync(wasm);
  // It holds the path of the trial; finding another path, emcc would throw its system libraries away.
  fs.rmSync(path.join(part, 'emscripten/cache/sanity.txt'), { force: true });
}

/** Settings of some other Emscripten must not reach this one. */
export const cleanEnvironment = Object.fromEntries(
  Object.keys(process.env)
    .filter((key) => /^(EM_|EMCC_|EMSDK|_EMCC|LLVM_ROOT|BINARYEN)/.test(key))
    .map((key) => [key, undefined]),
);

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const folder = findEmscripten();
    if (!folder) throw new SetupError('Emscripten is not set up; `npm run setup` does it.');
    process.stdout.write(folder);
  });
}
