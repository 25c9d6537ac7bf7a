// SPDX-License-Identifier: Apache-2.0
// Photos to measure with.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const photos = new URL('../../examples/photos/', import.meta.url);

/** A fox in grass at 1600x1200: hair all round, so refinement and colours have their work. */
const FOX = fileURLToPath(new URL('fox.jpg', photos));

/** What a camera's noise makes of a flat grey, of 255. */
const GRAIN = 6;

/**
 * The fox at any size, with grain as a camera adds it: without it an enlarged photo would be
 * a far smaller file than a real one.
 *
 * @param {number} width
 * @param {number} height
 * @returns {sharp.Sharp}
 */
export function photo(width, height) {
  const noise = { type: /** @type {const} */ ('gaussian'), mean: 128, sigma: GRAIN };
  const grain = { width, height, channels: /** @type {const} */ (3), background: 'grey', noise };
  return sharp(FOX, { limitInputPixels: false })
    .resize(width, height, { fit: 'cover' })
    .composite([{ input: { create: grain }, blend: 'soft-light' }]);
}

/**
 * @param {number} width
 * @param {number} height
 * @param {import('sharp').JpegOptions & { orientation?: number }} [options]
 * @returns {Promise<Buffer>}
 */
export async function jpeg(width, height, { orientation, ...options } = {}) {
  const picture = photo(width, height);
  if (orientation) picture.withMetadata({ orientation });
  return picture.jpeg({ quality: 90, ...options }).toBuffer();
}
