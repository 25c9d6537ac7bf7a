// SPDX-License-Identifier: Apache-2.0
// How good the cut-outs are: the final alpha of every photo of a folder against a true mask.
//
//     npm run eval -- FOLDER [--model FILE] [--json] [--no-refine] [--sheet out.png]
//
// FOLDER holds SET/NAME.webp (or .jpg) and SET/NAME.png, the mask.
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { Command, InvalidArgumentError } from 'commander';
import { createEngine } from '../../js/index.node.js';
import { mean } from './score.js';
import { writeSheet } from './sheet.js';

/** @import { Picture, Answer } from './worker.js' */
/** @import { Score } from './score.js' */

/**
 * @typedef {object} Flags
 * @property {string} [model]
 * @property {boolean} [json]
 * @property {boolean} refine
 * @property {string} [sheet]
 * @property {string} [beside]
 * @property {number} rows
 * @property {number} jobs
 * @property {boolean} [each]
 */

/** @param {string} text */
function count(text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Expected 1 or more.');
  return value;
}

const command = new Command('npm run eval --')
  .description(
    'Measures cut-outs against true masks: mean IoU at 0.5, MAE and boundary IoU per set.',
  )
  .argument('<FOLDER>', 'holds SET/NAME.webp or .jpg and SET/NAME.png, the mask')
  .option('--model <FILE>', 'another network than the default')
  .option('--json', 'print {"sets":{"NAME":{"n","iou","mae","boundaryIou"}}}')
  .option('--no-refine', "score the network's mask as it is")
  .option(
    '--sheet <FILE>',
    'write a contact sheet: photo, mask, cut-out on white, dark and a colour',
  )
  .option('--beside <FILE>', "another network's mask and cut-outs beside those on the sheet")
  .option('--rows <N>', 'pictures on the contact sheet, spread over all', count, 24)
  .option('--jobs <N>', 'pictures at a time', count, Math.min(2, os.availableParallelism()))
  .option('--each', 'print every picture too')
  .parse();
const [folder] = command.args;
/** @type {Flags} */
const flags = command.opts();

/** @returns {Picture[]} */
function findPictures() {
  const sets = readdirSync(folder)
    .filter((name) => statSync(path.join(folder, name)).isDirectory())
    .sort();
  const pictures = sets.flatMap((set) =>
    readdirSync(path.join(folder, set))
      .filter((file) => /\.(webp|jpe?g)$/i.test(file))
      .sort()
      .map((file) => {
        const photo = path.join(folder, set, file);
        return { set, photo, truth: photo.replace(/\.\w+$/, '.png'), show: false };
      })
      .filter(({ truth }) => existsSync(truth)),
  );
  const rows = flags.sheet ? Math.min(flags.rows, pictures.length) : 0;
  for (let i = 0; i < rows; i++) pictures[Math.floor((i * pictures.length) / rows)].show = true;
  return pictures;
}

/** The network that is scored, `undefined` for the default, and one for the sheet. */
function models() {
  return [flags.model, ...(flags.sheet && flags.beside ? [flags.beside] : [])].map(
    (file) => file && path.resolve(file),
  );
}

/** @param {number} done @param {number} all */
function showProgress(done, all) {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done < all ? `\r${done} of ${all} pictures` : `\r${' '.repeat(40)}\r`);
}

/**
 * Lets a worker take pictures until none is left.
 *
 * @param {Picture[]} pictures
 * @param {{ next: number, done: number }} queue
 * @param {Answer[]} answers by the picture's index
 */
async function work(pictures, queue, answers) {
  const worker = new Worker(new URL('worker.js', import.meta.url), {
    workerData: { models: models(), refine: flags.refine },
  });
  try {
    while (queue.next < pictures.length) {
      const index = queue.next++;
      worker.postMessage(pictures[index]);
      [answers[index]] = await once(worker, 'message'); // rejects with what ended the worker
      showProgress(++queue.done, pictures.length);
    }
  } finally {
    queue.next = pictures.length; // after a failure the other workers stop too
    await worker.terminate();
  }
}

/** @param {Picture[]} pictures @param {Answer[]} answers */
function summarise(pictures, answers) {
  /** @type {Record<string, Score[]>} */
  const scores = {};
  for (const [i, { set, photo }] of pictures.entries()) {
    const { score, error } = answers[i];
    if (error !== undefined) {
      console.error(`${photo}: ${error}`);
      process.exitCode = 1;
    }
    if (!score) continue;
    (scores[set] ??= []).push(score);
    if (flags.each) console.error(`${photo}: ${JSON.stringify(mean([score]))}`);
  }
  return Object.fromEntries(Object.entries(scores).map(([set, list]) => [set, mean(list)]));
}

/** @param {Record<string, ReturnType<typeof mean>>} sets */
function print(sets) {
  if (flags.json) return console.log(JSON.stringify({ sets }));
  const several = Object.keys(sets).length > 1;
  const all = several ? { ...sets, 'mean of sets': mean(Object.values(sets)) } : sets;
  const width = Math.max(...Object.keys(all).map((name) => name.length));
  console.log(`${'set'.padEnd(width)}    n     IoU     MAE  boundary IoU`);
  for (const [name, { n, iou, mae, boundaryIou }] of Object.entries(all)) {
    const figures = [iou.toFixed(4), mae.toFixed(4), boundaryIou.toFixed(4).padStart(12)];
    console.log(`${name.padEnd(width)} ${String(n).padStart(4)}  ${figures.join('  ')}`);
  }
}

async function main() {
  if (!existsSync(folder)) throw new Error(`${folder}: no such folder`);
  const pictures = findPictures();
  if (pictures.length === 0) throw new Error(`${folder}: no SET/NAME.webp with SET/NAME.png`);
  // A network that cannot be used should say so once.
  for (const model of models()) (await createEngine({ model })).dispose();
  /** @type {Answer[]} */
  const answers = [];
  const queue = { next: 0, done: 0 };
  const jobs = Array.from({ length: Math.min(flags.jobs, pictures.length) });
  await Promise.all(jobs.map(() => work(pictures, queue, answers)));
  print(summarise(pictures, answers));
  const lines = answers.flatMap(({ line }) => (line ? [line] : []));
  if (flags.sheet && lines.length > 0) await writeSheet(lines, flags.sheet);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
