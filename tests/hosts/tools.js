// SPDX-License-Identifier: Apache-2.0
// The runtimes that the tests run in. A test skips what is not there; `node tests/hosts/tools.js` installs it: other
// Nodes, Deno, Bun and wrangler (npm), wasmtime and what training imports (PyPI) into the cache folder, browsers and
// PyTorch (Debian) where it is root.
import fs from 'node:fs';
import path from 'node:path';
import {
  folderOf,
  isMain,
  once,
  projectFolder,
  run,
  runMain,
  say,
  which,
} from '../../wasm/toolchain/common.js';

const lists = path.join(projectFolder, 'tests/hosts/tools');
const npmRecipe = fs.readFileSync(path.join(lists, 'package-lock.json'), 'utf8');
const pythonRecipe = fs.readFileSync(path.join(lists, 'requirements.txt'), 'utf8');
const trainingRecipe = fs.readFileSync(path.join(lists, 'training.txt'), 'utf8');
const npmFolder = folderOf('hosts-npm', npmRecipe);

/** Where `import wasmtime` finds its package. */
export const pythonFolder = folderOf('hosts-python', pythonRecipe);

/** Where Debian's Python, which has PyTorch, finds what else training imports. */
export const trainingFolder = folderOf('hosts-training', trainingRecipe);

/** Each program's path, or '' where it is not installed. */
export const tools = {
  node20: npmFile('node20/bin/node'),
  node22: npmFile('node22/bin/node'),
  node24: npmFile('node24/bin/node'),
  deno: npmFile('@deno/linux-x64-glibc/deno'),
  bun: npmFile('@oven/bun-linux-x64/bin/bun'),
  wrangler: npmFile('wrangler/bin/wrangler.js'),
  esbuild: npmFile('@esbuild/linux-x64/bin/esbuild'),
  wasmtime: fs.existsSync(pythonFolder) ? which('python3') : '',
  chromium: which('chromium') || which('chromium-browser') || which('google-chrome'),
  firefox: which('firefox-esr') || which('firefox'),
  webkit: which('WebKitWebDriver'),
  xvfb: which('Xvfb'),
  /** Looked up when it is asked for: the process that installs it uses it too. */
  get torch() {
    return ['torch', 'PIL'].every((name) => fs.existsSync(`/usr/lib/python3/dist-packages/${name}`))
      ? '/usr/bin/python3'
      : '';
  },
};

const debianPackages = {
  chromium: 'chromium',
  firefox: 'firefox-esr',
  webkit: 'webkit2gtk-driver',
  xvfb: 'xvfb',
  torch: ['python3-torch', 'python3-pil'],
};

/**
 * Why a test that needs these is skipped, or false: the option `skip` of a test.
 *
 * @param {(keyof typeof tools)[]} names
 */
export function missing(...names) {
  const absent = names.filter((name) => !tools[name]);
  return absent.length > 0 && `not installed: ${absent.join(', ')} (node tests/hosts/tools.js)`;
}

/** Installs what can be had here. What cannot is said, and its tests skip. */
export async function ensureHosts() {
  await attempt(() =>
    once('hosts-npm', npmRecipe, (folder) => {
      for (const name of ['package.json', 'package-lock.json'])
        fs.copyFileSync(path.join(lists, name), path.join(folder, name));
      run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
    }),
  );
  await attempt(() => once('hosts-python', pythonRecipe, pipInto('requirements.txt')));
  await attempt(() => once('hosts-training', trainingRecipe, pipInto('training.txt')));
  const absent = Object.entries(debianPackages)
    .filter(([name]) => !tools[/** @type {keyof typeof tools} */ (name)])
    .flatMap(([, names]) => names);
  if (absent.length > 0) await attempt(() => installPackages(absent));
}

/** @param {string} list */
function pipInto(list) {
  return (/** @type {string} */ folder) => {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder];
    run('python3', [...pip, '-r', path.join(lists, list)]);
  };
}

/** @param {string[]} packages */
function installPackages(packages) {
  if (!which('apt-get') || process.getuid?.() !== 0) {
    say(`for all tests, install: ${packages.join(' ')}`);
    return;
  }
  const options = ['-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-q', 'update'], { env });
  run('apt-get', ['install', ...options, ...packages], { env });
}

/** @param {() => unknown} install */
async function attempt(install) {
  try {
    await install();
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}\nThe tests that need it will skip.`);
  }
}

/** @param {string} name below node_modules */
function npmFile(name) {
  const file = path.join(npmFolder, 'node_modules', name);
  return fs.existsSync(file) ? file : '';
}

if (isMain(import.meta.url)) await runMain(ensureHosts);
