// SPDX-License-Identifier: Apache-2.0
// A network of free size looks at a small subject again, from near.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createEngine } from 'offcut';
import { onnxRuntime } from 'offcut/ort';
import * as ort from 'onnxruntime-web/wasm';
import sharp from 'sharp';
import { withFreeSize } from '../oracle/onnx.js';
import { brightnessNetwork } from './onnx.js';

const model = withFreeSize(brightnessNetwork());
const [width, height] = [1600, 1200];

/** A white comb, its back at the left, teeth too fine for the first look; and the photo around it. */
async function comb() {
  const teeth = Array.from(
    { length: 20 },
    (_tooth, i) => `<rect x="950" y="${300 + 12 * i}" width="150" height="9" fill="white"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="black"/>
    <rect x="850" y="300" width="100" height="240" fill="white"/>${teeth.join('')}</svg>`;
  const photo = sharp(Buffer.from(svg)).removeAlpha();
  const truth = await photo.clone().extractChannel(0).raw().toBuffer();
  return { photo: new Uint8Array(await photo.png().toBuffer()), truth };
}

/**
 * The mean difference of a mask from the truth, of samples in 0 to 255.
 *
 * @param {Uint8Array} png
 * @param {Uint8Array} truth
 */
async function errorOf(png, truth) {
  const samples = await sharp(png).extractChannel(0).raw().toBuffer();
  return truth.reduce((sum, t, i) => sum + Math.abs(samples[i] - t), 0) / truth.length;
}

test('a small subject has more detail, where it was', async () => {
  const { photo, truth } = await comb();
  const options = /** @type {const} */ ({ output: 'mask', refine: false });
  const fixed = await createEngine({ model: { data: model, input: { width: 384, height: 256 } } });
  const free = await createEngine({ model });
  const other = await createEngine({ model, backend: onnxRuntime({ ort }) });
  const [first, own, elsewhere] = await Promise.all(
    [fixed, free, other].map(async (engine) =>
      errorOf((await engine.removeBackground(photo, options)).png, truth),
    ),
  );
  for (const engine of [free, other]) {
    const { png } = await engine.removeBackground(photo, { ...options, secondLook: false });
    assert.ok(Math.abs((await errorOf(png, truth)) - first) < 0.01 * first, 'one look, if asked');
  }
  assert.ok(own < 0.95 * first, `${own} with a second look, ${first} without`);
  assert.ok(Math.abs(own - elsewhere) < 0.01 * own, `${own} here, ${elsewhere} in ONNX Runtime`);
  for (const engine of [fixed, free, other]) engine.dispose();
});

test('progress goes on through both looks', async () => {
  const { photo } = await comb();
  const engine = await createEngine({ model, worker: false });
  /** @type {number[]} */
  const fractions = [];
  await engine.removeBackground(photo, {
    onProgress: (stage, fraction) => stage === 'infer' && fractions.push(fraction),
  });
  assert.ok(fractions.every((fraction, i) => i === 0 || fraction >= fractions[i - 1]));
  assert.ok(fractions.length >= 2 && fractions[0] <= 0.5 && fractions.at(-1) === 1);
  engine.dispose();
});
