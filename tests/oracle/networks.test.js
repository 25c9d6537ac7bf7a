// SPDX-License-Identifier: Apache-2.0
// Whole networks on photos: our three builds against ONNX Runtime, at most 1e-3 apart on masks of 0 to 1. A quantised
// network gives the same bytes in all three, and the integers of its last quantised tensor are those of ONNX Runtime:
// models/training/quantise.py chooses scales with which the sums are exact in f32 too.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { compare, engines, oracle } from './engines.js';
import { lastQuantised } from './onnx.js';

const TOLERANCE = 1e-3;
const root = new URL('../../', import.meta.url);
const shared = new URL('../shared/', root);

/**
 * @typedef {{ width: number, height: number }} Size
 *
 * @typedef {object} Network
 * @property {URL} file
 * @property {number} side
 * @property {Size[]} [sizes] its height and width are free: runs at these too
 * @property {number[]} [mean]
 * @property {number[]} [std]
 * @property {boolean} [peak] divides by the largest value
 * @property {boolean} [softmax] its output are logits of two channels
 */

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const sizes = [
  { width: 384, height: 256 },
  { width: 192, height: 512 },
];

/** @type {Record<string, Network>} */
const networks = {
  default: { file: new URL('models/default.onnx', root), side: 320, sizes },
  'default-f32': { file: new URL('models/default-f32.onnx', root), side: 320, sizes },
  first: { file: new URL('models/first.onnx', shared), side: 320 },
  u2netp: { file: new URL('models/u2netp.onnx', shared), side: 320, peak: true, ...imagenet },
  SINet: {
    file: new URL('models/SINet.onnx', shared),
    side: 320,
    softmax: true,
    // As its authors feed it: 0 to 255, less the mean, over a deviation of about 60 and 255 again.
    mean: [0.402, 0.422, 0.485],
    std: [61.8, 60.5, 58.5],
  },
  prisma: { file: new URL('models/prisma_nchw.onnx', shared), side: 256 },
};

const builds = engines();

/** Photos: the examples, and some that people took. */
function photos() {
  const own = new URL('examples/photos/', root);
  const names = existsSync(own) ? readdirSync(own).filter((name) => name.endsWith('.jpg')) : [];
  const files = names
    .sort()
    .slice(0, 1)
    .map((name) => new URL(name, own));
  for (const set of ['ccp', 'davis']) {
    const folder = new URL(`data/eval/${set}/`, shared);
    if (!existsSync(folder)) continue;
    const [name] = readdirSync(folder)
      .filter((file) => file.endsWith('.webp'))
      .sort();
    files.push(new URL(name, folder));
  }
  return files;
}

/**
 * The file and the sizes at which it is tested.
 *
 * @param {Network} network
 */
function filesOf({ file, side, sizes = [] }) {
  const onnx = readFileSync(file);
  return [{ width: side, height: side }, ...sizes].map((size) => ({ onnx, ...size }));
}

/**
 * @param {URL} photo
 * @param {Network} network
 * @param {Size} size
 */
async function prepare(photo, { peak, mean = [0, 0, 0], std = [1, 1, 1] }, { width, height }) {
  const data = await sharp(fileURLToPath(photo))
    .resize(width, height, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  const top = peak ? data.reduce((a, b) => Math.max(a, b), 1) : 255;
  const pixels = width * height;
  const input = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) input[c * pixels + i] = (data[3 * i + c] / top - mean[c]) / std[c];
  return input;
}

/** Two planes of logits -> the second one's probability. @param {Float32Array[]} planes */
function softmax([a, b]) {
  return a.map((value, i) => 1 / (1 + Math.exp(value - b[i])));
}

/**
 * @param {Uint8Array} onnx
 * @param {Float32Array} input
 * @param {Size} size
 * @param {import('node:test').TestContext} t
 */
async function sameInAllBuilds(onnx, input, size, t) {
  /** @type {Float32Array | undefined} */
  let first;
  for (const [build, run] of Object.entries(builds)) {
    const { data } = await run(onnx, input, size);
    first ??= data;
    t.diagnostic(
      `${build}, ${size.width}x${size.height}: ${createHash('sha256').update(data).digest('hex').slice(0, 12)}`,
    );
    assert.ok(Buffer.from(data.buffer).equals(Buffer.from(first.buffer)), `${build} differs`);
  }
}

/**
 * @param {{ file: Uint8Array, step: number }} quantised
 * @param {Float32Array} input
 * @param {Size} sides
 */
async function sameIntegers({ file, step }, input, { width, height }) {
  const [expected] = await oracle(file, [input], [1, 3, height, width], 'disabled');
  const [, channels] = expected.dims;
  const size = expected.data.length / channels;
  let apart = 0;
  const [run] = Object.values(builds);
  for (let channel = 0; channel < channels; channel += 4) {
    const { data } = await run(file, input, { width, height, channel });
    const theirs = expected.data.subarray(channel * size, (channel + 1) * size);
    for (let i = 0; i < size; i++)
      apart += Math.round(Math.abs(data[i] - theirs[i]) / step) > 0 ? 1 : 0;
  }
  assert.equal(apart, 0, `${apart} integers differ`);
}

for (const [name, network] of Object.entries(networks)) {
  const quantised = existsSync(network.file) && lastQuantised(readFileSync(network.file));
  if (!quantised) continue;
  test(`${name}, quantised: the same bytes in all builds, the same integers as ONNX Runtime`, async (t) => {
    assert.ok(Object.keys(builds).length > 0, 'there is a build');
    for (const { onnx, ...size } of filesOf(network)) {
      const last = lastQuantised(onnx);
      for (const photo of photos()) {
        const input = await prepare(photo, network, size);
        await sameInAllBuilds(onnx, input, size, t);
        if (last) await sameIntegers(last, input, size);
      }
    }
  });
}

/**
 * @param {Network} network
 * @param {Size & { onnx: Uint8Array }} file
 * @param {import('node:test').TestContext} t
 */
async function agree(network, { onnx, ...size }, t) {
  const files = photos();
  assert.ok(files.length > 0, 'there are photos');
  const inputs = await Promise.all(files.map((photo) => prepare(photo, network, size)));
  const results = await oracle(onnx, inputs, [1, 3, size.height, size.width]);
  for (const [index, photo] of files.entries()) {
    const input = inputs[index];
    const expected = results[index];
    const area = expected.data.length / expected.dims[1];
    const planes = Array.from({ length: expected.dims[1] }, (_, channel) =>
      expected.data.slice(channel * area, (channel + 1) * area),
    );
    for (const [build, run] of Object.entries(builds)) {
      const masks = [];
      for (const channel of planes.keys())
        masks.push((await run(onnx, input, { ...size, channel })).data);
      const ours = network.softmax ? softmax(masks) : masks[0];
      const theirs = network.softmax ? softmax(planes) : planes[0];
      const { difference } = compare(ours, theirs);
      const label = `${build}, ${photo.pathname.split('/').pop()}: ${difference.toExponential(1)}`;
      t.diagnostic(label);
      assert.ok(difference <= TOLERANCE, label);
    }
  }
}

for (const [name, network] of Object.entries(networks)) {
  if (existsSync(network.file) && lastQuantised(readFileSync(network.file))) continue;
  const missing = !existsSync(network.file) && `${fileURLToPath(network.file)} is not there`;
  test(`${name} agrees with ONNX Runtime`, { skip: missing }, async (t) => {
    assert.ok(Object.keys(builds).length > 0, 'there is a build');
    for (const file of filesOf(network)) await agree(network, file, t);
  });
}
