// SPDX-License-Identifier: Apache-2.0
// Work on decoded pictures with the browser's own canvas.

/**
 * What lies behind a cut-out: a colour or a picture; `undefined` is nothing.
 *
 * @typedef {{ colour: string } | { picture: Blob } | undefined} Backdrop
 */

/** A cut-out whose alpha is below this everywhere, of 255, has nothing to see. */
const ALPHA_SEEN = 8;

/**
 * Draws a picture, cropped to fill, small.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Blob} blob
 */
export async function drawThumb(canvas, blob) {
  const picture = await createImageBitmap(blob);
  const context = contextOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  drawCovering(context, picture);
  picture.close();
}

/**
 * Whether there is nothing to see in a cut-out. The browser shrinks it, so that few pixels are
 * looked at.
 *
 * @param {Blob} cutout
 */
export async function isEmpty(cutout) {
  const picture = await createImageBitmap(cutout);
  const context = contextOf(canvasOf(64, 64));
  context.drawImage(picture, 0, 0, 64, 64);
  picture.close();
  const { data } = context.getImageData(0, 0, 64, 64);
  return data.every((value, i) => i % 4 !== 3 || value < ALPHA_SEEN);
}

/**
 * The cut-out with something behind it, as PNG.
 *
 * @param {Blob} cutout
 * @param {NonNullable<Backdrop>} backdrop
 */
export async function flatten(cutout, backdrop) {
  const picture = await createImageBitmap(cutout);
  const context = contextOf(canvasOf(picture.width, picture.height));
  if ('colour' in backdrop) fill(context, backdrop.colour);
  else await drawBackdrop(context, backdrop.picture);
  context.drawImage(picture, 0, 0);
  picture.close();
  return toPng(context);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Blob} blob
 */
async function drawBackdrop(context, blob) {
  const picture = await createImageBitmap(blob);
  drawCovering(context, picture);
  picture.close();
}

/**
 * The alpha matte of a cut-out as a grey PNG.
 *
 * @param {Blob} cutout
 */
export async function matteOf(cutout) {
  const picture = await createImageBitmap(cutout);
  const context = contextOf(canvasOf(picture.width, picture.height));
  context.drawImage(picture, 0, 0);
  picture.close();
  context.globalCompositeOperation = 'source-in'; // white with the cut-out's alpha
  fill(context, '#fff');
  context.globalCompositeOperation = 'destination-over';
  fill(context, '#000');
  return toPng(context);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ImageBitmap} picture
 */
function drawCovering(context, picture) {
  const { width, height } = context.canvas;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 */
function fill(context, colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

/**
 * @param {number} width
 * @param {number} height
 */
function canvasOf(width, height) {
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser has no 2D canvas');
  return context;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @returns {Promise<Blob>}
 */
function toPng({ canvas }) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no memory for the PNG'))));
  });
}
