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

/** @typedef {{ mask: Uint8Array, cutout: Uint8Array }} Matte PNGs: grey, with alpha */

/**
 * One picture's line of the sheet: the photo, and of each network the mask and the cut-out on
 * white, dark and a colour.
 *
 * @param {Buffer} photo
 * @param {Matte[]} mattes by network
 * @returns {Promise<Buffer[]>} PNGs, no side longer than a cell's
 */
export async function createLine(photo, mattes) {
  const fit = (/** @type {Uint8Array} */ bytes) =>
    sharp(bytes).resize(CELL, CELL, { fit: 'inside' });
  const cells = mattes.flatMap(({ mask, cutout }) => [
    fit(mask),
    ...GROUNDS.map((ground) => fit(cutout).flatten({ background: ground })),
  ]);
  return Promise.all([fit(photo), ...cells].map((cell) => cell.png().toBuffer()));
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
  const width = GAP + lines[0].length * step;
  const height = GAP + lines.length * step;
  await sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite(tiles)
    .toFile(file);
}
