// SPDX-License-Identifier: Apache-2.0
// Puts a photo and its cut-out side by side, the cut-out on a checkerboard: the picture in the README.
// Usage: node before-after.js PHOTO CUTOUT OUT.png|OUT.webp [HEIGHT]
import sharp from 'sharp';

const SQUARE = 12;
const GAP = 12;
const RADIUS = 14;

/**
 * @param {number} width
 * @param {number} height
 */
function checkerboard(width, height) {
  const tile = `<pattern id="p" width="${2 * SQUARE}" height="${2 * SQUARE}" patternUnits="userSpaceOnUse">
    <path d="M0 0h${SQUARE}v${SQUARE}H0zM${SQUARE} ${SQUARE}h${SQUARE}v${SQUARE}H${SQUARE}z" fill="#d4d6da"/></pattern>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    ${tile}<rect width="100%" height="100%" fill="#f4f5f7"/><rect width="100%" height="100%" fill="url(#p)"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/**
 * Rounds the corners of a picture.
 *
 * @param {Buffer} picture
 * @param {number} width
 * @param {number} height
 */
function rounded(picture, width, height) {
  const shape = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="${width}" height="${height}" rx="${RADIUS}"/></svg>`;
  return sharp(picture)
    .composite([{ input: Buffer.from(shape), blend: 'dest-in' }])
    .png()
    .toBuffer();
}

/**
 * @param {string} photo
 * @param {string} cutout
 * @param {string} out
 * @param {number} height
 */
async function beforeAfter(photo, cutout, out, height) {
  const left = await sharp(photo)
    .autoOrient()
    .resize({ height })
    .png()
    .toBuffer({ resolveWithObject: true });
  const { width } = left.info;
  const subject = await sharp(cutout).resize(width, height).png().toBuffer();
  const right = await sharp(await checkerboard(width, height))
    .composite([{ input: subject }])
    .png()
    .toBuffer();
  const pair = sharp({
    create: {
      width: 2 * width + GAP,
      height,
      channels: 4,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    },
  }).composite([
    { input: await rounded(left.data, width, height), left: 0, top: 0 },
    { input: await rounded(right, width, height), left: width + GAP, top: 0 },
  ]);
  const small = out.endsWith('.webp')
    ? pair.webp({ quality: 86, alphaQuality: 90, effort: 6 })
    : pair.png({ palette: true, quality: 95, effort: 10 });
  await small.toFile(out);
}

const [photo, cutout, out, height = '600'] = process.argv.slice(2);
if (!out) {
  console.error('usage: node before-after.js PHOTO CUTOUT OUT.png|OUT.webp [HEIGHT]');
  process.exit(2);
}
await beforeAfter(photo, cutout, out, Number(height));
