// SPDX-License-Identifier: Apache-2.0
// What more pixels cost, and whether memory stays flat from photo to photo.
import { createEngine } from 'offcut';
import { createRunner, stages } from './photo.js';
import { jpeg } from './pictures.js';
import { median, round } from './turns.js';

/** 4:3, 1 to 48 megapixels. */
const WIDTHS = [1152, 2048, 4000, 5657, 8000];
const RUNS = 7;
const PHOTOS = 1000;

/**
 * Milliseconds per megapixel: of the second pass, which alone works on every pixel, and of all
 * that is not the network's and the matte's fixed share.
 *
 * @returns {Promise<import('./report.js').Measurement[]>}
 */
async function measureTime() {
  const photos = [];
  for (const width of WIDTHS) photos.push(await jpeg(width, Math.round((width * 3) / 4)));
  const runners = await Promise.all(photos.map(() => createRunner()));
  for (let run = 0; run <= RUNS; run++)
    for (const [i, photo] of photos.entries()) await runners[i].run(photo);
  return WIDTHS.map((width, i) => {
    const { engine, runs } = runners[i];
    const megapixels = (width * Math.round((width * 3) / 4)) / 1e6;
    const [, ...measured] = runs; // the first warms up
    const of = (/** @type {readonly import('offcut').Stage[]} */ names) =>
      median(measured.map((times) => names.reduce((sum, name) => sum + times[name], 0)));
    return {
      bench: 'growth',
      megapixels: round(megapixels),
      oursMs: round(of(stages)),
      encodeMsPerMegapixel: round(of(['encode']) / megapixels),
      decodeMsPerMegapixel: round(of(['decode']) / megapixels),
      memoryBytes: engine.memoryBytes,
    };
  });
}

/** Photos of mixed size, one after the other in one engine. */
async function measureMemory() {
  const engine = await createEngine({ worker: false });
  const sides = [
    [1152, 864],
    [640, 1136],
    [320, 240],
    [2048, 1536],
    [77, 1000],
  ];
  const photos = await Promise.all(sides.map(([width, height]) => jpeg(width, height)));
  for (const photo of photos) await engine.removeBackground(photo);
  const settled = engine.memoryBytes;
  for (let i = 0; i < PHOTOS; i++) await engine.removeBackground(photos[i % photos.length]);
  const memoryBytes = engine.memoryBytes;
  engine.dispose();
  const left = engine.memoryBytes;
  return {
    bench: 'growth',
    photos: PHOTOS,
    memoryBytes,
    growthBytes: memoryBytes - settled,
    disposedBytes: left,
  };
}

/** @type {import('./run.js').Benches} */
export const benches = { growth: async () => [...(await measureTime()), await measureMemory()] };
