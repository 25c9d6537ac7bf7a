// SPDX-License-Identifier: Apache-2.0
// Whole networks on photos: our three builds against ONNX Runtime, at most 1e-3 apart on masks of 0 to 1.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { compare, engines, oracle } from './engines.js';

const TOLERANCE = 1e-3;
const root = new URL('../../', import.meta.url);
const shared = new URL('../shared/', root);

/**
 * @typedef {object} Network
 * @property {URL} file
 * @property {number} side
 * @property {number[]} [mean]
 * @property {number[]} [std]
 * @property {boolean} [peak] divides by the largest value
 * @property {boolean} [softmax] its output are logits of two channels
 */

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** @type {Record<string, Network>} */
const networks = {
  default: { file: new URL('models/default.onnx', root), side: 320 },
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
 * @param {URL} photo
 * @param {Network} network
 */
async function prepare(photo, { side, peak, mean = [0, 0, 0], std = [1, 1, 1] }) {
  const data = await sharp(fileURLToPath(photo))
    .resize(side, side, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  const top = peak ? data.reduce((a, b) => Math.max(a, b), 1) : 255;
  const pixels = side * side;
  const input = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) input[c * pixels + i] = (data[3 * i + c] / top - mean[c]) / std[c];
  return input;
}

/** Two planes of logits -> the second one's probability. @param {Float32Array[]} planes */
function softmax([a, b]) {
  return a.map((value, i) => 1 / (1 + Math.exp(value - b[i])));
}

for (const [name, network] of Object.entries(networks)) {
  const missing = !existsSync(network.file) && `${fileURLToPath(network.file)} is not there`;
  test(`${name} agrees with ONNX Runtime`, { skip: missing }, async (t) => {
    assert.ok(Object.keys(builds).length > 0, 'there is a build');
    const onnx = readFileSync(network.file);
    const files = photos();
    assert.ok(files.length > 0, 'there are photos');
    const inputs = await Promise.all(files.map((photo) => prepare(photo, network)));
    const results = await oracle(onnx, inputs, [1, 3, network.side, network.side]);
    for (const [index, photo] of files.entries()) {
      const input = inputs[index];
      const expected = results[index];
      const size = expected.data.length / expected.dims[1];
      const planes = Array.from({ length: expected.dims[1] }, (_, channel) =>
        expected.data.slice(channel * size, (channel + 1) * size),
      );
      for (const [build, run] of Object.entries(builds)) {
        const masks = [];
        for (const channel of planes.keys()) masks.push((await run(onnx, input, { channel })).data);
        const ours = network.softmax ? softmax(masks) : masks[0];
        const theirs = network.softmax ? softmax(planes) : planes[0];
        const { difference } = compare(ours, theirs);
        const label = `${build}, ${photo.pathname.split('/').pop()}: ${difference.toExponential(1)}`;
        t.diagnostic(label);
        assert.ok(difference <= TOLERANCE, label);
      }
    }
  });
}
