// SPDX-License-Identifier: Apache-2.0
// A worker of run.js: has an engine of its own, takes one picture after the other.
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { createEngine } from '../../js/index.node.js';
import { score } from './score.js';
import { createLine } from './sheet.js';

/** @import { Engine } from '../../js/index.node.js' */

/**
 * @typedef {object} Picture
 * @property {string} set
 * @property {string} photo path
 * @property {string} truth path
 * @property {boolean} show whether it gets a line of the contact sheet
 *
 * @typedef {object} Answer
 * @property {import('./score.js').Score} [score]
 * @property {Uint8Array[]} [line]
 * @property {string} [error]
 */

/** @type {{ models: (string | undefined)[], refine: boolean }} the first network is scored */
const { models, refine } = workerData;
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);

/** @param {Uint8Array} png */
function readGrey(png) {
  return sharp(png)
    .toColourspace('b-w')
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
}

/**
 * @param {Engine} engine
 * @param {Buffer} photo
 */
async function cutOut(engine, photo) {
  const { png, mask } = await engine.removeBackground(photo, { mask: true, refine });
  return { cutout: png, mask: /** @type {Uint8Array} */ (mask) };
}

/**
 * @param {Engine[]} engines
 * @param {Picture} picture
 * @returns {Promise<Answer>}
 */
async function evaluate(engines, picture) {
  const photo = await readFile(picture.photo);
  const { png } = await engines[0].removeBackground(photo, { output: 'mask', refine });
  const alpha = await readGrey(png);
  const truth = await readGrey(await readFile(picture.truth));
  const { width, height } = truth.info;
  if (alpha.info.width !== width || alpha.info.height !== height)
    throw new Error(
      `the photo is ${alpha.info.width}x${alpha.info.height}, its mask ${width}x${height}`,
    );
  const answer = { score: score(alpha.data, truth.data, width, height, picture.set) };
  if (!picture.show) return answer;
  const mattes = await Promise.all(engines.map((engine) => cutOut(engine, photo)));
  return { ...answer, line: await createLine(photo, mattes) };
}

sharp.concurrency(1); // the workers are the concurrency
// As a promise: pictures may be asked for before the network is loaded.
const ready = Promise.all(models.map((model) => createEngine({ model })));
port.on('message', async (/** @type {Picture} */ picture) => {
  try {
    port.postMessage(await evaluate(await ready, picture));
  } catch (error) {
    port.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
