// SPDX-License-Identifier: Apache-2.0
// How large the wasm memory gets with one photo in a new engine, and what peakMemory() says about it.
import { createEngine, peakMemory } from 'offcut';
import { jpeg } from './pictures.js';
import { round } from './turns.js';

/**
 * @param {string} bench
 * @param {number} width as it is meant to be seen
 * @param {number} height
 * @param {{ progressive?: boolean, orientation?: number }} [details]
 */
async function measure(bench, width, height, { progressive = false, orientation = 1 } = {}) {
  const [across, down] = orientation > 4 ? [height, width] : [width, height];
  const photo = await jpeg(across, down, { progressive, orientation });
  const engine = await createEngine({ worker: false });
  let memoryBytes = 0;
  const onProgress = () => (memoryBytes = engine.memoryBytes);
  await engine.removeBackground(photo, { onProgress });
  engine.dispose();
  const details = { bytes: photo.length, progressive, orientation };
  const formulaBytes = peakMemory(width, height, 'jpeg', { ...details, subsampling: '4:2:0' });
  return {
    bench,
    picture: [`${width}x${height}`, progressive && 'progressive', `orientation ${orientation}`]
      .filter(Boolean)
      .join(' '),
    inputBytes: photo.length,
    memoryBytes,
    formulaBytes,
    ratio: round(formulaBytes / memoryBytes),
  };
}

/** @type {import('./run.js').Benches} */
export const benches = {
  'memory-12mp': async () => [
    await measure('memory-12mp', 4000, 3000),
    await measure('memory-12mp', 3000, 4000, { orientation: 6 }),
    await measure('memory-12mp', 4000, 3000, { progressive: true }),
  ],
  'memory-100mp': async () => [await measure('memory-100mp', 12500, 8000)],
};
