// SPDX-License-Identifier: Apache-2.0
// The whole way, decoder to PNG, with the default network on rendered photos whose true alpha is known.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { createEngine } from 'offcut';
import sharp from 'sharp';
import { pathOf } from '../js/helpers.js';

/** @type {import('offcut').Engine} */
let engine;

before(async () => {
  engine = await createEngine();
});

after(() => engine.dispose());

/**
 * How far an alpha is from the true one: intersection over union at one half, mean absolute difference.
 *
 * @param {Uint8Array} alpha
 * @param {Uint8Array} truth
 */
function score(alpha, truth) {
  assert.equal(alpha.length, truth.length);
  let both = 0;
  let either = 0;
  let difference = 0;
  for (let i = 0; i < alpha.length; i++) {
    const a = alpha[i] > 127;
    const b = truth[i] > 127;
    both += Number(a && b);
    either += Number(a || b);
    difference += Math.abs(alpha[i] - truth[i]);
  }
  return { iou: both / either, mae: difference / 255 / alpha.length };
}

/** @param {Uint8Array | string} picture @param {number} channel */
async function plane(picture, channel) {
  return new Uint8Array(await sharp(picture).extractChannel(channel).raw().toBuffer());
}

/**
 * The floors are a little under what the default network reached when they were set: a change of the
 * rounding passes, a lost part of the subject does not. A better network raises them.
 *
 * @param {string} name
 * @param {{ iou: number, mae: number }} floor
 */
function golden(name, floor) {
  test(`${name}: the subject is found`, async (t) => {
    const { png } = await engine.removeBackground(pathOf(`examples/photos/${name}.jpg`));
    const truth = await plane(pathOf(`examples/photos/masks/${name}.png`), 0);
    const { iou, mae } = score(await plane(png, 3), truth);
    const result = `iou ${iou.toFixed(3)}, mean difference ${mae.toFixed(4)}`;
    t.diagnostic(result);
    assert.ok(iou >= floor.iou && mae <= floor.mae, result);
  });
}

golden('fox', { iou: 0.9, mae: 0.03 });
golden('car', { iou: 0.8, mae: 0.06 });
