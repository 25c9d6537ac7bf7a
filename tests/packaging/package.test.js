// SPDX-License-Identifier: Apache-2.0
// What is in the package, what installing it brings, and what importing it does.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';
import { pathOf } from '../js/helpers.js';
import { installPackage, productionTree } from './pack.js';
import { missing, tool, toolFile } from './tools.js';

const execute = promisify(execFile);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'offcut-'));
/** Where the package is. */
let home = '';
/** @type {{ name: string, exports: Record<string, string | Record<string, string>> }} */
let description;

before(() => {
  home = installPackage(folder);
  description = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'));
});

after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** @param {string} top @returns {string[]} the files below it */
function filesOf(top) {
  const entries = fs.readdirSync(top, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => path.join(parentPath, name));
}

test('holds what is meant to be in it, and nothing of this machine', () => {
  const wanted = [
    /^(package\.json|LICENSE|(README|CHANGELOG|THIRD_PARTY)\.md)$/,
    /^js\/[\w./-]+\.(js|md)$/,
    /^types\/[\w./-]+\.d\.ts$/,
    /^dist\/offcut(\.\w+)*\.wasm$/,
    /^models\/(default\.onnx|MODEL_CARD\.md)$/,
  ];
  const own = [pathOf(''), `${os.homedir()}/`, `${folder}/`];
  for (const file of filesOf(home)) {
    const name = path.relative(home, file);
    assert.ok(
      wanted.some((pattern) => pattern.test(name)),
      `${name} is in the package`,
    );
    const bytes = fs.readFileSync(file);
    for (const place of own) assert.ok(!bytes.includes(place), `${name} names ${place}`);
  }
});

test('every export leads to a file, types first, default last', () => {
  const targets = Object.entries(description.exports).flatMap(([subpath, target]) => {
    if (typeof target === 'string') return [target];
    const conditions = Object.keys(target);
    assert.equal(conditions[0], 'types', subpath);
    assert.equal(conditions.at(-1), 'default', subpath);
    return Object.values(target);
  });
  for (const target of targets) assert.ok(fs.existsSync(path.join(home, target)), target);
});

test('an entry exports the same in every host', { skip: missing }, async () => {
  const { build } = await tool('esbuild');
  for (const [subpath, target] of Object.entries(description.exports)) {
    if (typeof target === 'string') continue;
    const files = Object.values(target).filter((name) => name.endsWith('.js'));
    const entryPoints = [...new Set(files)].map((name) => path.join(home, name));
    const options = { entryPoints, format: 'esm', metafile: true, write: false, outdir: home };
    const { outputs } = (await build(options)).metafile;
    const lists = Object.values(outputs).map((output) => [...output.exports].sort().join());
    assert.equal(new Set(lists).size, 1, `${subpath}: ${lists.join(' or ')}`);
    assert.ok(lists[0]);
  }
});

test('its types need no others, and no skipLibCheck', async () => {
  fs.copyFileSync(
    pathOf('tests/packaging/fixtures/types/usage.mts'),
    path.join(folder, 'usage.mts'),
  );
  const tsc = [pathOf('node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--types', ''];
  const options = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,dom'];
  const { stdout } = await execute(
    process.execPath,
    [...tsc, ...options, '--skipLibCheck', 'false', 'usage.mts'],
    { cwd: folder },
  ).catch((error) => error);
  assert.equal(stdout, '');
});

test('needs nothing native and runs nothing when it is installed', () => {
  const tree = productionTree();
  assert.ok(tree.length > 0);
  for (const [name, { hasInstallScript }] of tree) assert.ok(!hasInstallScript, name);
  for (const file of filesOf(path.join(folder, 'node_modules'))) {
    assert.doesNotMatch(path.basename(file), /\.(node|gyp|so|dylib|dll)$|\.so\.\d/, file);
  }
});

test('importing an entry does nothing but that', async () => {
  const entries = Object.values(description.exports).flatMap((target) =>
    typeof target === 'string'
      ? []
      : Object.entries(target).filter(
          ([name]) => !['types', 'workerd', 'edge-light'].includes(name),
        ),
  );
  const files = [...new Set(entries.map(([, target]) => path.join(home, target)))];
  assert.ok(files.length > 10);
  for (const file of files) {
    const { stdout } = await execute(process.execPath, [pathOf('tests/packaging/probe.js'), file]);
    assert.deepEqual(JSON.parse(stdout), { calls: [], left: [] }, file);
  }
});

test('publint and are-the-types-wrong find nothing', { skip: missing }, async () => {
  const lint = await execute(process.execPath, [
    toolFile('publint/src/cli.js'),
    ...[home, '--strict', '--pack', 'npm'],
  ]);
  assert.match(lint.stdout, /All good!/);
  const files = Object.entries(description.exports).filter(([, to]) => typeof to === 'string');
  // Its exit code tells.
  await execute(process.execPath, [
    toolFile('@arethetypeswrong/cli/dist/index.js'),
    path.join(folder, 'offcut.tgz'),
    ...['--profile', 'esm-only', '--no-color', '--exclude-entrypoints'],
    ...files.map(([name]) => name.slice(2)),
  ]);
});
