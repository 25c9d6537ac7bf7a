// SPDX-License-Identifier: Apache-2.0
import sharp from 'sharp';

const CELL = 240;
const GAP = 8;
const PAPER = { r: 128, g: 128, b: 128 };
const GROUNDS = [
  { r: 255, g: 255, b: 255 },
  { r: 24, g: 24, b: 24 },
  { r: 255, g: 0, b: 255 },
];

/**
 * One picture's line of the sheet: photo, mask, and the cut-out on white, dark and a colour.
 *
 * @param {Buffer} photo
 * @param {Uint8Array} mask a grey PNG
 * @param {Uint8Array} cutout
 * @returns {Promise<Buffer[]>} PNGs, no side longer than a cell's
 */
export async function createLine(photo, mask, cutout) {
  const fit = (/** @type {Uint8Array} */ bytes) =>
    sharp(bytes).resize(CELL, CELL, { fit: 'inside' });
  return Promise.all([
    fit(photo).png().toBuffer(),
    fit(mask).png().toBuffer(),
    ...GROUNDS.map((ground) => fit(cutout).flatten({ background: ground }).png().toBuffer()),
  ]);
}

/**
 * @param {Uint8Array[][]} lines
 * @param {string} file
 */
export async function writeSheet(lines, file) {
  const step = CELL + GAP;
  const tiles = lines.flatMap((line, row) =>
    line.map((tile, column) => ({
      input: Buffer.from(tile),
      left: GAP + column * step,
      top: GAP + row * step,
    })),
  );
  const width = GAP + (2 + GROUNDS.length) * step;
  const height = GAP + lines.length * step;
  await sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite(tiles)
    .toFile(file);
}
