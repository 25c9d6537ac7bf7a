// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { score } from '../../models/eval/score.js';
import { brightnessNetwork } from './onnx.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** A mask of 100 x 100 with one square in it: left, top, side. */
function square(/** @type {number} */ left, /** @type {number} */ top, /** @type {number} */ side) {
  const mask = new Uint8Array(10000);
  for (let y = top; y < top + side; y++) mask.fill(255, y * 100 + left, y * 100 + left + side);
  return mask;
}

/** The known value of a share of areas. */
function near(/** @type {number} */ actual, /** @type {number} */ expected) {
  assert.ok(Math.abs(actual - expected) < 1e-9, `expected ${expected} but received ${actual}`);
}

test('a mask scores full marks against itself', () => {
  const mask = square(20, 20, 60);
  assert.deepEqual(score(mask, mask, 100, 100, 'x'), { iou: 1, mae: 0, boundaryIou: 1 });
});

test('two empty masks agree', () => {
  const empty = new Uint8Array(10000);
  assert.deepEqual(score(empty, empty, 100, 100, 'x'), { iou: 1, mae: 0, boundaryIou: 1 });
});

test('IoU, MAE and boundary IoU of squares one in the other', () => {
  const result = score(square(20, 20, 60), square(30, 30, 40), 100, 100, 'x');
  near(result.iou, 1600 / 3600);
  near(result.mae, 2000 / 10000);
  // 2 % of the diagonal is 3 pixels: the rings, 3 wide, are 10 apart.
  near(result.boundaryIou, 0);
});

test('boundary IoU sees what IoU hardly does', () => {
  const result = score(square(20, 20, 60), square(21, 20, 60), 100, 100, 'x');
  near(result.iou, (59 * 60) / (61 * 60));
  const ring = 60 * 60 - 54 * 54;
  // Of the ring's four sides two only move along themselves; the others overlap in 2 of 3 columns.
  const both = 59 * 6 + 2 * 2 * 54;
  near(result.boundaryIou, both / (2 * ring - both));
});

test("the picture's border is an edge", () => {
  const full = square(0, 0, 100);
  const result = score(full, square(0, 0, 50), 100, 100, 'x');
  const [large, small] = [10000 - 94 * 94, 2500 - 44 * 44];
  const both = 50 * 3 + 47 * 3; // the top and the left of the small one
  near(result.boundaryIou, both / (large + small - both));
});

test('128 counts nowhere where it means unknown', () => {
  const truth = square(20, 20, 60).fill(128, 0, 5000);
  const alpha = square(20, 50, 30).fill(255, 0, 5000);
  alpha.set(truth.subarray(5000), 5000);
  const known = score(alpha, truth, 100, 100, 'voc');
  assert.deepEqual([known.iou, known.mae], [1, 0]);
  assert.ok(score(alpha, truth, 100, 100, 'horse').mae > 0.1);
});

test('half transparent counts by half for MAE and as in for IoU', () => {
  const alpha = square(20, 20, 60).map((value) => (value ? 128 : 0));
  const result = score(alpha, square(20, 20, 60), 100, 100, 'x');
  assert.equal(result.iou, 1);
  near(result.mae, (0.36 * 127) / 255);
});

/** @type {string} */
let folder;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'offcut-eval-'));
  await mkdir(path.join(folder, 'scenes'));
  const photos = path.join(root, 'examples/photos');
  for (const name of ['fox', 'car']) {
    await copyFile(path.join(photos, `${name}.jpg`), path.join(folder, `scenes/${name}.jpg`));
    await copyFile(path.join(photos, `masks/${name}.png`), path.join(folder, `scenes/${name}.png`));
  }
});
after(() => rm(folder, { recursive: true, force: true }));

/** @param {string[]} args */
async function evaluate(...args) {
  const { stdout } = await run(process.execPath, ['models/eval/run.js', ...args], { cwd: root });
  return stdout;
}

test('the command scores a folder, draws a sheet, and refinement is what it adds', async () => {
  const sheet = path.join(folder, 'sheet.png');
  const refined = JSON.parse(await evaluate(folder, '--json', '--sheet', sheet)).sets.scenes;
  const plain = JSON.parse(await evaluate(folder, '--json', '--no-refine')).sets.scenes;
  assert.equal(refined.n, 2);
  assert.deepEqual(Object.keys(refined), ['n', 'iou', 'mae', 'boundaryIou']);
  assert.ok(refined.boundaryIou > plain.boundaryIou, JSON.stringify({ refined, plain }));
  const { width, height } = await sharp(sheet).metadata();
  assert.deepEqual([width, height], [8 + 5 * 248, 8 + 2 * 248]);
});

test('another network beside the first on the sheet', async () => {
  const sheet = path.join(folder, 'beside.png');
  const network = path.join(folder, 'network.onnx');
  await writeFile(network, brightnessNetwork());
  const flags = ['--sheet', sheet, '--rows', '1', '--beside', network];
  const table = await evaluate(folder, ...flags);
  assert.equal(table, await evaluate(folder), 'the scores are those of the first');
  const { width, height } = await sharp(sheet).metadata();
  assert.deepEqual([width, height], [8 + 9 * 248, 8 + 248]);
  const [first, other] = await Promise.all(
    [1, 5].map((column) =>
      sharp(sheet)
        .extract({ left: 8 + column * 248, top: 8, width: 240, height: 180 })
        .raw()
        .toBuffer(),
    ),
  );
  assert.notDeepEqual(first, other);
});

test('one bad picture is named and does not stop the rest', async () => {
  const odd = path.join(folder, 'scenes/odd.jpg');
  await writeFile(odd, 'no picture');
  await writeFile(odd.replace('.jpg', '.png'), 'no picture');
  const failure = await evaluate(folder).catch((error) => error);
  assert.equal(failure.code, 1);
  assert.match(failure.stderr, /odd\.jpg/);
  assert.match(failure.stdout, /scenes +2 /);
});

test('a folder without pictures is refused', async () => {
  const failure = await evaluate(path.join(root, 'src')).catch((error) => error);
  assert.equal(failure.code, 2);
  assert.match(failure.stderr, /no SET\/NAME/);
});
