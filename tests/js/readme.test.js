// SPDX-License-Identifier: Apache-2.0
// The programs of the READMEs, as they stand there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { promisify } from 'node:util';
import { createEngine } from 'offcut';
import { network, pathOf } from './helpers.js';

const files = ['README.md', 'js/README.md'].map((name) => readFile(pathOf(name), 'utf8'));
const text = (await Promise.all(files)).join('\n');

/** By their headings, the first is 1. @param {string} heading */
function programs(heading) {
  const [, section = ''] = text.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const [own] = section.split(/^#+ /m);
  return [...own.matchAll(/```js\n([\s\S]*?)```/g)].map(([, program]) => program);
}

/**
 * A folder inside the package, where `offcut` is found by its name, with what the programs name.
 *
 * @param {import('node:test').TestContext} t
 */
async function makeFolder(t) {
  const folder = await mkdtemp(pathOf('build/readme-'));
  t.after(() => rm(folder, { recursive: true }));
  await copyFile(pathOf('examples/photos/fox.jpg'), path.join(folder, 'photo.jpg'));
  await copyFile(pathOf('examples/photos/teapot.jpg'), path.join(folder, 'other.jpg'));
  await writeFile(path.join(folder, 'network.onnx'), network);
  return folder;
}

/** @type {[string, RegExp, string[]][]} heading, what is printed, what is written */
const cases = [
  ['In a program', /name: 'chair'[\s\S]*infer: /, ['chair.png']],
  ['Without blocking', /^(simd128|relaxed) offcut true\n$/, []],
  ['Several threads for one photo', /^2 \d+ [\d.]+\n$/, []],
  ['Many photos', /^missing\.jpg: .*no such file/, ['other-cutout.png', 'photo-cutout.png']],
  ['Stopping, and giving memory back', /^AbortError ERR_CANCELLED\n$/, []],
  ['Headers and other formats', /^\{ format: 'jpeg', width: 1600, height: 1200 \}\n\d+\n$/, []],
  ['Networks run by ONNX Runtime Web', /^\d+ onnxruntime-web\/wasm\n$/, []],
  ['As the API', /^image_[a-z0-9]{24}\n$/, []],
];

for (const [heading, printed, written] of cases) {
  test(heading, async (t) => {
    const folder = await makeFolder(t);
    const [program] = programs(heading);
    const [before, after] =
      heading === 'As the API'
        ? [
            "import { openAsBlob } from 'node:fs'; const file = await openAsBlob('photo.jpg');",
            'console.log(cutout.id);',
          ]
        : ['', ''];
    await writeFile(path.join(folder, 'program.mjs'), `${before}\n${program}\n${after}`);
    const given = new Set(await readdir(folder));
    const run = promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder });
    const { stdout, stderr } = await run;
    assert.match(stdout + stderr, printed);
    const made = (await readdir(folder)).filter((name) => !given.has(name));
    assert.deepEqual(made.sort(), written);
    for (const name of made) {
      assert.equal((await readFile(path.join(folder, name))).readUInt32BE(0), 0x89504e47);
    }
  });
}

test('the worker of one’s own, with ONNX Runtime Web', async (t) => {
  const folder = await makeFolder(t);
  const file = path.join(folder, 'worker.mjs');
  await writeFile(file, programs('Networks run by ONNX Runtime Web')[1]);
  const engine = await createEngine({ model: network, worker: { create: () => new Worker(file) } });
  const { backend, worker } = await engine.removeBackground(path.join(folder, 'photo.jpg'));
  assert.deepEqual([backend, worker], ['onnxruntime-web/wasm', true]);
  assert.equal(engine.backend, backend);
  engine.dispose();
});
