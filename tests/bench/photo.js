// SPDX-License-Identifier: Apache-2.0
// From a JPEG to a PNG with the network of the package, and the same by sharp and ONNX Runtime Web.
import { readFileSync } from 'node:fs';
import { createEngine } from 'offcut';
import { variants } from './core.js';
import { cutoutByOthers } from './peers.js';
import { jpeg } from './pictures.js';
import { comparison, median, now, round, takeTurns } from './turns.js';

/** @type {readonly import('offcut').Stage[]} */
export const stages = ['decode', 'infer', 'refine', 'encode'];

/**
 * An engine, and what the stages of each run took.
 *
 * @param {import('offcut').Variant} [variant]
 */
export async function createRunner(variant) {
  const engine = await createEngine({ variant, worker: false });
  /** @type {Record<import('offcut').Stage, number>[]} */
  const runs = [];
  const run = async (/** @type {Uint8Array} */ photo) => {
    const times = { decode: 0, infer: 0, refine: 0, encode: 0 };
    let last = now();
    const onProgress = (/** @type {import('offcut').Stage} */ stage) => {
      const start = last;
      last = now();
      times[stage] += last - start;
    };
    const result = await engine.removeBackground(photo, { onProgress });
    runs.push(times);
    return result;
  };
  return { engine, runs, run };
}

/**
 * @param {string} bench
 * @param {Uint8Array} photo
 */
async function compare(bench, photo) {
  const others = await cutoutByOthers();
  const ours = { relaxed: await createRunner('relaxed'), simd128: await createRunner('simd128') };
  const outputs = { relaxed: 0, simd128: 0, peer: 0 };
  const times = await takeTurns({
    relaxed: async () => (outputs.relaxed = (await ours.relaxed.run(photo)).png.length),
    simd128: async () => (outputs.simd128 = (await ours.simd128.run(photo)).png.length),
    peer: async () => (outputs.peer = (await others(photo)).length),
  });
  return variants.map((variant) => {
    const { engine, runs } = ours[variant];
    const part = (/** @type {import('offcut').Stage} */ stage) =>
      round(median(runs.map((run) => run[stage])));
    return comparison(bench, times[variant], 'sharp + onnxruntime-web', times.peer, {
      variant,
      ...Object.fromEntries(stages.map((stage) => [`${stage}Ms`, part(stage)])),
      memoryBytes: engine.memoryBytes,
      outputBytes: outputs[variant],
      peerOutputBytes: outputs.peer,
    });
  });
}

/** What the second look takes: a photo with a small subject, with it and without. */
async function looks() {
  const engine = await createEngine({ worker: false });
  const photo = await jpeg(1152, 864);
  const { twice, once } = await takeTurns({
    twice: () => engine.removeBackground(photo),
    once: () => engine.removeBackground(photo, { secondLook: false }),
  });
  engine.dispose();
  return [comparison('second-look', twice, 'one look', once)];
}

/** @type {import('./run.js').Benches} */
export const benches = {
  'photo-1mp': async () => compare('photo-1mp', await jpeg(1152, 864)),
  'photo-12mp': async () => {
    const teapot = new URL('../../examples/photos/teapot.jpg', import.meta.url); // 4000x3000
    return compare('photo-12mp', readFileSync(teapot));
  },
  'second-look': looks,
};
