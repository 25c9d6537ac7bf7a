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
 * A photo costs a fixed share (the network, the matte) and its pixels: what each further megapixel
 * costs is the difference to the photo before.
 *
 * @returns {Promise<import('./report.js').Measurement[]>}
 */
async function measureTime() {
  const photos = [];
  for (const width of WIDTHS) photos.push(await jpeg(width, Math.round((width * 3) / 4)));
  const runners = await Promise.all(photos.map(() => createRunner()));
  for (let run = 0; run <= RUNS; run++)
    for (const [i, photo] of photos.entries()) await runners[i].run(photo);
  const measured = WIDTHS.map((width, i) => {
    const [, ...runs] = runners[i].runs; // the first warms up
    const of = (/** @type {readonly import('offcut').Stage[]} */ names) =>
      median(runs.map((times) => names.reduce((sum, name) => sum + times[name], 0)));
    const megapixels = (width * Math.round((width * 3) / 4)) / 1e6;
    const { memoryBytes } = runners[i].engine;
    runners[i].engine.dispose();
    return { megapixels, total: of(stages), encode: of(['encode']), memoryBytes };
  });
  return measured.map(({ megapixels, total, encode, memoryBytes }, i) => {
    const before = measured[i - 1];
    const further = before && (total - before.total) / (megapixels - before.megapixels);
    return {
      bench: 'growth',
      megapixels: round(megapixels),
      oursMs: round(total),
      perFurtherMegapixelMs: further && round(further),
      encodePerMegapixelMs: round(encode / megapixels),
      memoryBytes,
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
    bench: 'memory-1000',
    photos: PHOTOS,
    memoryBytes,
    growthBytes: memoryBytes - settled,
    disposedBytes: left,
  };
}

/** @type {import('./run.js').Benches} */
export const benches = {
  growth: measureTime,
  'memory-1000': async () => [await measureMemory()],
};
