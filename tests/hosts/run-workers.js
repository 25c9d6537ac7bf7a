// SPDX-License-Identifier: Apache-2.0
// A pool of workers in whatever runs this file: Node, Deno or Bun. Prints what became of its photos, and must end by
// itself: workers that wait do not keep a process.
//
//     node tests/hosts/run-workers.js PHOTO
import process from 'node:process';
import { createEngine } from 'offcut';
import { hashOf } from './suite.js';

const photo = process.argv[2];
const engine = await createEngine({ worker: { size: 2, queue: 1 } });
const codeOf = (/** @type {Promise<unknown>} */ promise) =>
  promise.then(
    () => 'done',
    (error) => error.code,
  );

const results = await Promise.all([0, 1].map(() => engine.removeBackground(photo)));
const abort = new AbortController();
const aborted = await codeOf(
  engine.removeBackground(photo, {
    signal: abort.signal,
    onProgress: (stage) => stage === 'infer' && abort.abort(),
  }),
);
const bad = await codeOf(engine.removeBackground(new Uint8Array(9)));
const all = [0, 1, 2, 3].map(() => codeOf(engine.removeBackground(photo)));
const busy = await all[3];
await Promise.all(all);
const hashes = await Promise.all(results.map(({ png }) => hashOf(png)));
const workers = results.map(({ worker }) => worker);
console.log(JSON.stringify({ hashes, workers, aborted, bad, busy }));
