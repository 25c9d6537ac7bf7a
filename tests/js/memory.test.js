// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { createEngine, peakMemory } from 'offcut';
import sharp from 'sharp';
import './helpers.js';

/** How much more than the truth peakMemory() may say. */
const MARGIN = 1.15;

const MIB = 2 ** 20;

/**
 * @typedef {import('offcut').PictureDetails} Details
 *
 * @typedef {[width: number, height: number, format: 'jpeg' | 'png' | 'webp', details?: Details]} Case
 *   upright
 */

/** A picture with the noise of a photo, so that its file is about as large as a photo's. */
const noise = {
  channels: /** @type {const} */ (3),
  background: 'grey',
  noise: { type: /** @type {const} */ ('gaussian'), mean: 128, sigma: 12 },
};

/**
 * @param {Case} picture
 * @returns {Promise<Buffer>} its file
 */
async function make([width, height, format, details = {}]) {
  const { orientation = 1, bits, alpha, progressive, subsampling, interlaced, lossless } = details;
  const [across, down] = orientation > 4 ? [height, width] : [width, height];
  const background = { r: 90, g: 120, b: 150, alpha: alpha ? 0.5 : 1 };
  const channels = alpha ? 4 : 3;
  const create = { width: across, height: down, channels, background };
  const plain = sharp({ create, limitInputPixels: false });
  const patch = { ...noise, width: Math.min(512, across), height: Math.min(512, down) };
  const tile = { input: { create: patch }, tile: true, blend: /** @type {const} */ ('atop') };
  const picture = plain.composite([tile]);
  if (!alpha) picture.removeAlpha();
  if (bits === 16) picture.toColourspace('rgb16');
  if (orientation > 1) picture.withMetadata({ orientation });
  if (format === 'png')
    return picture.png({ compressionLevel: 1, progressive: interlaced }).toBuffer();
  if (format === 'webp' && alpha) return withSmoothAlpha(picture, across, down);
  if (format === 'webp') return picture.webp({ lossless, effort: 0 }).toBuffer();
  return picture.jpeg({ quality: 85, progressive, chromaSubsampling: subsampling }).toBuffer();
}

/**
 * A lossy WebP whose alpha is a smooth slope, which is not stored as a palette: that takes the most.
 *
 * @param {sharp.Sharp} picture
 * @param {number} width
 * @param {number} height
 */
async function withSmoothAlpha(picture, width, height) {
  const colours = await picture.removeAlpha().png({ compressionLevel: 0 }).toBuffer();
  const alpha = Buffer.alloc(width * height);
  for (let i = 0; i < alpha.length; i++)
    alpha[i] = 128 + 100 * Math.sin((i % width) / 97) * Math.cos(i / width / 61);
  return sharp(colours)
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .webp({ effort: 2 })
    .toBuffer();
}

/**
 * @param {Buffer} photo
 * @param {number} [threads]
 * @returns {Promise<number>} what a new engine's memory grows to
 */
async function measure(photo, threads) {
  const engine = await createEngine({ variant: 'simd128', worker: false, threads });
  let peak = 0;
  const onProgress = () => (peak = engine.memoryBytes);
  await engine.removeBackground(photo, { onProgress });
  engine.dispose();
  return peak;
}

const [small, middle, large] = /** @type {const} */ ([
  [1152, 864],
  [2304, 1728],
  [4000, 3000],
]);

/** @type {Case[]} */
const pictures = [
  [300, 300, 'jpeg'],
  [300, 200, 'jpeg'],
  [200, 600, 'jpeg'],
  [300, 200, 'jpeg', { threads: 2 }],
  [300, 200, 'jpeg', { threads: 16 }],
  [...small, 'jpeg'],
  [1000, 1000, 'jpeg'],
  [...large, 'jpeg'],
  [12500, 8000, 'jpeg'],
  [200, 20000, 'jpeg'],
  [20000, 200, 'jpeg'],
  [...large, 'jpeg', { orientation: 3 }],
  [3000, 4000, 'jpeg', { orientation: 6 }],
  [...small, 'jpeg', { progressive: true, subsampling: '4:2:0' }],
  [...large, 'jpeg', { progressive: true, subsampling: '4:2:0' }],
  [6000, 4000, 'jpeg', { progressive: true, subsampling: '4:4:4' }],
  [3000, 4000, 'jpeg', { progressive: true, subsampling: '4:2:0', orientation: 6 }],
  [...small, 'png'],
  [...large, 'png'],
  [...middle, 'png', { bits: 16 }],
  [...large, 'png', { alpha: true, orientation: 8 }],
  [...small, 'png', { interlaced: true }],
  [...large, 'png', { interlaced: true }],
  [...middle, 'png', { interlaced: true, bits: 16 }],
  [...large, 'webp'],
  [3000, 4000, 'webp', { orientation: 5 }],
  [...middle, 'webp', { alpha: true }],
  [...small, 'webp', { lossless: true }],
  [...large, 'webp', { lossless: true }],
];

test('peakMemory() is a little more than the truth, never less', async (t) => {
  for (const picture of pictures) {
    const [width, height, format, details] = picture;
    const name = `${width}x${height} ${format} ${details ? JSON.stringify(details) : ''}`;
    await t.test(name, async () => {
      const photo = await make(picture);
      const said = peakMemory(width, height, format, { ...details, bytes: photo.length });
      const truth = await measure(photo, details?.threads);
      const numbers = `said ${(said / MIB).toFixed(1)} MiB, took ${(truth / MIB).toFixed(1)} MiB`;
      assert.ok(said >= truth, numbers);
      assert.ok(said <= MARGIN * truth, numbers);
    });
  }
});

test('peakMemory() without the size of the file assumes a large one', () => {
  assert.ok(peakMemory(4000, 3000, 'jpeg') > peakMemory(4000, 3000, 'jpeg', { bytes: 6e6 }));
  assert.ok(peakMemory(4000, 3000, 'png') > peakMemory(4000, 3000, 'png', { bytes: 20e6 }));
});

test('peakMemory() refuses what is no size and no format', () => {
  const invalid = { code: 'ERR_ARGUMENT' };
  assert.throws(() => peakMemory(0, 1, 'jpeg'), invalid);
  assert.throws(() => peakMemory(1, 1.5, 'jpeg'), invalid);
  assert.throws(() => peakMemory(1, 1, /** @type {any} */ ('gif')), invalid);
  for (const details of /** @type {any[]} */ ([
    null,
    { bytes: -1 },
    { bits: 12 },
    { orientation: 'up' },
    { progressive: true, subsampling: '4:1:1' },
    { alpha: 1 },
    { interlace: true },
  ])) {
    assert.throws(() => peakMemory(10, 10, 'jpeg', details), invalid, JSON.stringify(details));
  }
  const turned = (/** @type {number} */ orientation) =>
    peakMemory(4000, 3000, 'png', { orientation });
  assert.equal(turned(9), turned(1), 'as the decoder takes it');
  assert.ok(turned(6) > turned(1));
});

test('memory stays flat over many photos of mixed size, and dispose() gives it back', async () => {
  const photos = await Promise.all(
    /** @type {Case[]} */ ([
      [...small, 'jpeg'],
      [320, 240, 'png'],
      [640, 1136, 'webp'],
      [1000, 1000, 'jpeg', { progressive: true, subsampling: '4:2:0' }],
      [77, 1000, 'webp', { lossless: true }],
    ]).map(make),
  );
  const engine = await createEngine({ worker: false });
  const round = async () => {
    for (const photo of photos) await engine.removeBackground(photo);
  };
  for (let i = 0; i < 2; i++) await round();
  const settled = engine.memoryBytes;
  for (let i = 0; i < 6; i++) await round();
  assert.equal(engine.memoryBytes, settled);
  engine.dispose();
  assert.equal(engine.memoryBytes, 0);
});
