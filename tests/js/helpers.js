// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import sharp from 'sharp';
import { brightnessNetwork } from './onnx.js';

// Node 20 has relaxed SIMD behind a flag, and wrong in its baseline compiler; the tests want both builds everywhere.
if (process.versions.v8.startsWith('11.3.')) {
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  v8.setFlagsFromString('--no-liftoff');
}

/** @type {import('offcut').Variant[]} */
export const variants = ['simd128', 'relaxed'];

export const root = new URL('../../', import.meta.url);

/** A network whose mask is the photo's brightness. */
export const network = brightnessNetwork();

/** @param {string} path from the top of the checkout */
export function pathOf(path) {
  return fileURLToPath(new URL(path, root));
}

/** @param {string} path from the top of the checkout */
export function bytesOf(path) {
  return new Uint8Array(readFileSync(pathOf(path)));
}

/** The photos of the examples, as paths; at least one is needed. */
export function examplePhotos() {
  const folder = pathOf('examples/photos');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const photos = names.filter((name) => name.endsWith('.jpg')).sort();
  assert.ok(photos.length > 0, 'examples/photos has a .jpg');
  return photos.map((name) => `${folder}/${name}`);
}

/**
 * A white disc on black, for `network`: the disc is the subject. Its centre is off the picture's,
 * so that a turned or mirrored result shows.
 *
 * @param {{ width?: number, height?: number, radius?: number }} [size]
 */
export function disc({ width = 200, height = 160, radius = Math.min(width, height) / 4 } = {}) {
  return sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
        <rect width="100%" height="100%" fill="black"/>
        <circle cx="${width * 0.35}" cy="${height * 0.4}" r="${radius}" fill="white"/>
      </svg>`,
    ),
  ).removeAlpha();
}

/** @param {{ width?: number, height?: number }} [size] */
export async function discJpeg(size) {
  return new Uint8Array(await disc(size).jpeg({ quality: 95 }).toBuffer());
}

/**
 * The samples of a PNG, by another library.
 *
 * @param {Uint8Array} png
 */
export async function pixels(png) {
  const image = sharp(png);
  const { depth, channels, space, icc, density, orientation, exif } = await image.metadata();
  const wide = depth === 'ushort';
  const raw = wide ? image.toColourspace('rgb16').raw({ depth: 'ushort' }) : image.raw();
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const samples = wide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  return {
    width: info.width,
    height: info.height,
    channels,
    depth,
    space,
    icc,
    density,
    orientation,
    exif,
    samples,
    /** @param {number} x @param {number} y */
    at: (x, y) => [
      ...samples.subarray((y * info.width + x) * info.channels).subarray(0, info.channels),
    ],
  };
}

/**
 * The error that a promise rejects with.
 *
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
export async function failure(promise) {
  return promise.then(
    () => assert.fail('expected a rejection'),
    (error) => error,
  );
}
