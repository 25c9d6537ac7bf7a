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

golden('fox', { iou: 0.97, mae: 0.0072 });
golden('doll', { iou: 0.91, mae: 0.022 }); // with the shadow between her legs
golden('car', { iou: 0.94, mae: 0.0118 }); // loses a part of the luggage on the roof
golden('sunflower', { iou: 0.825, mae: 0.0436 });
golden('fruit', { iou: 0.955, mae: 0.0113 }); // loses the grapes' stalk
golden('teapot', { iou: 0.955, mae: 0.0098 });
golden('plant', { iou: 0.32, mae: 0.0995 }); // takes the pot for the subject
golden('bicycle', { iou: 0.464, mae: 0.1365 }); // spokes, hard at the network's size

/** @param {string} name */
const cut = async (name) =>
  (await engine.removeBackground(pathOf(`tests/golden/photos/${name}`))).png;

/**
 * Two codings of the same pixels: the same bytes come out.
 *
 * @param {string} name
 * @param {string} plain
 */
function twin(name, plain) {
  test(`${name} gives what ${plain} gives`, async () => {
    const [a, b] = [await cut(name), await cut(plain)];
    assert.ok(Buffer.compare(a, b) === 0, `${a.length} and ${b.length} bytes differ`);
  });
}

twin('fox-arithmetic.jpg', 'fox.jpg');
twin('fox-arithmetic-progressive.jpg', 'fox.jpg');
twin('fox-progressive.jpg', 'fox.jpg');
twin('fox-restart.jpg', 'fox.jpg');
twin('fox-animated.png', 'fox.png');
twin('fox-still-and-animation.png', 'fox.png');
twin('fox-animated.webp', 'fox.png');

test('the small fox is found as well', async () => {
  const { coverage } = await engine.removeBackground(pathOf('tests/golden/photos/fox.jpg'));
  assert.ok(coverage > 0.1 && coverage < 0.4, `coverage ${coverage}`);
});
