// SPDX-License-Identifier: Apache-2.0
// CMake and Ninja: the machine's own where they serve, else Debian's packages, unpacked in the cache folder.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Apt, debianRelease, unpack, withoutCLibrary } from './apt.js';
import { capture, cachePath, once, say, SetupError, sha256, which } from './common.js';

const recipe = { version: 1, packages: ['cmake', 'ninja-build'] };
const minimum = [3, 21];

/**
 * @typedef {object} Tools
 * @property {string} cmake
 * @property {string} ctest
 * @property {Record<string, string>} env what they and their children need
 */

/** @returns {Promise<Tools>} */
export async function ensureTools() {
  needCompiler();
  if (which('ninja') && hasRecentCmake()) return { cmake: 'cmake', ctest: 'ctest', env: {} };
  const folder = cachePath(`tools-${sha256(JSON.stringify(recipe)).slice(0, 12)}`);
  if (!fs.existsSync(folder)) {
    const release = debianRelease();
    if (!release) {
      throw new SetupError(
        `CMake ${minimum.join('.')} or later and Ninja are needed. Install them (most systems call the packages\n` +
          '`cmake` and `ninja-build`) so that `cmake` and `ninja` are on the PATH, and run this again.',
      );
    }
    say('setting up cmake and ninja in the cache folder: needs no root, happens once');
    const programs = { cmake: 'bin/cmake', ctest: 'bin/ctest', ninja: 'bin/ninja' };
    await once('tools', recipe, (part) =>
      makePrivate(part, release, recipe.packages, ['cmake-data'], programs),
    );
  }
  const bin = path.join(folder, 'bin');
  return {
    cmake: path.join(bin, 'cmake'),
    ctest: path.join(bin, 'ctest'),
    env: { PATH: `${bin}${path.delimiter}${process.env.PATH}` },
  };
}

/** The only thing that cannot be set up from here: it belongs to the system. */
function needCompiler() {
  if (process.env.CC || which('cc')) return;
  throw new SetupError(
    'a C compiler is needed (`cc`). On Debian, as root: apt-get install gcc libc6-dev\nThen run this again.',
  );
}

function hasRecentCmake() {
  if (!which('cmake')) return false;
  const answer = spawnSync('cmake', ['--version'], { encoding: 'utf8' });
  const version = /version (\d+)\.(\d+)/
    .exec(answer.stdout ?? '')
    ?.slice(1)
    .map(Number);
  if (!version) return false;
  return version[0] > minimum[0] || (version[0] === minimum[0] && version[1] >= minimum[1]);
}

/**
 * Unpacks packages with what they need, and writes bin/NAME for each of the programs.
 * @param {string} part
 * @param {string} release
 * @param {string[]} packages
 * @param {string[]} alone more packages, without what they need
 * @param {Record<string, string>} programs paths under usr/
 */
function makePrivate(part, release, packages, alone, programs) {
  const apt = new Apt(release);
  apt.update();
  const debs = withoutCLibrary(apt.fetchWithNeeds(packages, alone));
  unpack(debs, path.join(part, 'root'), ['./usr/share/doc', './usr/share/man']);
  fs.mkdirSync(path.join(part, 'bin'));
  const triplet =
    fs.readdirSync(path.join(part, 'root/usr/lib')).find((name) => name.endsWith('-linux-gnu')) ??
    '';
  for (const [name, program] of Object.entries(programs)) {
    const lines = [
      '#!/bin/sh',
      'root="${0%/*}/../root"',
      `LD_LIBRARY_PATH="$root/usr/lib/${triplet}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$root/usr/${program}" "$@"`,
    ];
    fs.writeFileSync(path.join(part, 'bin', name), `${lines.join('\n')}\n`, { mode: 0o755 });
    capture(path.join(part, 'bin', name), ['--version']);
  }
  apt.clean();
}

/**
 * clang and clang-format 19 for the developers' checks, from the machine or from Debian.
 * @returns {Promise<{ clang: string, clangFormat: string, tools: Tools }>}
 */
export async function ensureClang() {
  const tools = await ensureTools();
  const own = { clang: which('clang-19'), clangFormat: which('clang-format-19') };
  if (own.clang && own.clangFormat) return { ...own, tools };
  const release = debianRelease();
  if (!release)
    throw new SetupError(
      "clang-19 and clang-format-19 are needed on the PATH for the developers' checks.",
    );
  const packages = ['clang-19', 'clang-format-19'];
  const alone = ['libclang-common-19-dev', 'libclang-cpp19', 'libllvm19'];
  const folder = await once('clang', { version: 1, packages }, (part) => {
    say(
      "setting up clang 19 in the cache folder for the developers' checks: needs no root, happens once",
    );
    makePrivate(part, release, packages, alone, {
      clang: 'lib/llvm-19/bin/clang',
      'clang-format': 'lib/llvm-19/bin/clang-format',
    });
  });
  return {
    clang: path.join(folder, 'bin/clang'),
    clangFormat: path.join(folder, 'bin/clang-format'),
    tools,
  };
}
