#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

/** @import { Task } from './cli/files.js' */
/** @import { Engine, Source } from './index.node.js' */

import { readFileSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { inOrder } from './batch.js';
import { UsageError, expandInputs, planTasks, writeWhole } from './cli/files.js';
import { profileTable } from './cli/profile.js';
import { Progress } from './cli/progress.js';
import { refuseOver } from './source.js';
import { OffcutError, createEngine } from './index.node.js';
import { readOptions } from './options.js';

const EXIT = { ok: 0, failed: 1, usage: 2, unusable: 3, interrupted: 130 };

/** Each photo at work has some tens of megabytes of its own. */
const JOBS_MAX = 4;

const HELP = `
Photos are JPEG, PNG or WebP; results are PNG. Photos are never overwritten.
Without -o the result goes beside the photo as NAME-cutout.png (NAME-mask.png with --mask),
that of stdin to stdout.

Exit codes: 0 all went well, 1 some photos failed (each is named on stderr), 2 wrong usage,
3 the network or the core cannot be used, 130 interrupted.

Examples:
  offcut photo.jpg -o cutout.png
  offcut 'photos/*.jpg' -o cutouts/
  offcut - < photo.jpg > cutout.png`;

/**
 * @typedef {object} PlainFlags
 * @property {string} [output]
 * @property {string} [model]
 * @property {boolean} [mask]
 * @property {boolean} refine
 * @property {boolean} secondLook
 * @property {boolean} [allowTruncated]
 * @property {boolean} [refuseEmpty]
 * @property {import('./options.js').Speed} speed
 * @property {string} [name]
 * @property {number} [jobs]
 * @property {number} [threads]
 * @property {boolean} [profile]
 * @property {boolean} [json]
 * @property {boolean} [quiet]
 *
 * @typedef {PlainFlags & { '8Bit'?: boolean }} Flags
 */

function createCommand() {
  const url = new URL('../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(url, 'utf8'));
  return new Command('offcut')
    .description('Removes the background of photos.')
    .usage('[options] IN...')
    .argument('<IN...>', 'files, folders and globs; - for stdin')
    .option('-o, --output <PATH>', 'a file, a folder (made if missing), or - for stdout')
    .option('-m, --model <FILE>', 'a network of your own (ONNX)')
    .option('--mask', 'write the alpha matte alone, as a grey PNG')
    .option('--no-refine', "enlarge the network's mask as it is")
    .option('--no-second-look', 'see a small subject only once: quicker, less exact')
    .option('--allow-truncated', 'decode what is there of a damaged file')
    .option('--8-bit', 'write 8 bits a sample also for a 16-bit PNG')
    .option('--refuse-empty', 'fail where no subject is found')
    .option('--profile', "say on stderr where the network's time goes, before the photos")
    .addOption(
      new Option('--speed <SPEED>', 'of writing the PNG: fast makes larger files')
        .choices(['fast', 'balanced', 'small'])
        .default('balanced'),
    )
    .option('--name <NAME>', "the image's name in the JSON (default: the file's)")
    .option(
      '-j, --jobs <N>',
      `photos at the same time (default: cores, at most ${JOBS_MAX})`,
      parseJobs,
    )
    .option('-t, --threads <N>', 'that share the network of a photo (default: 1)', parseThreads)
    .option('--json', 'print the Image object of each result, one a line')
    .option('-q, --quiet', 'no progress bar')
    .version(version, '-V, --version')
    .addHelpText('after', HELP)
    .exitOverride();
}

/** @param {string} text */
function parseJobs(text) {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('Expected 1 to 99.');
  return Number(text);
}

/** @param {string} text */
function parseThreads(text) {
  if (!/^([1-9]|1[0-6])$/.test(text)) throw new InvalidArgumentError('Expected 1 to 16.');
  return Number(text);
}

/**
 * @param {Task} task
 * @param {Engine} engine
 * @param {Flags} flags
 * @param {Progress} progress
 * @param {AbortSignal} signal
 * @returns {Promise<import('./image.js').Image>}
 */
async function runTask({ input, output }, engine, flags, progress, signal) {
  const { png, image } = await engine.removeBackground(openInput(input), {
    name: flags.name,
    output: flags.mask ? 'mask' : 'cutout',
    refine: flags.refine,
    secondLook: flags.secondLook,
    allowTruncated: flags.allowTruncated,
    eightBit: flags['8Bit'],
    onEmpty: flags.refuseEmpty ? 'error' : 'transparent',
    speed: flags.speed,
    signal,
    onProgress: (stage, fraction) => progress.update(input, stage, fraction),
  });
  if (output === '-') await writeOut(png);
  else await writeWhole(output, png);
  return image;
}

/** @param {unknown} error */
function explain(error) {
  if (!(error instanceof OffcutError))
    return String(error instanceof Error ? error.message : error);
  return `${error.code === 'ERR_LOAD' ? error.detail : error.message} (${error.code})`;
}

/**
 * @param {string} input
 * @returns {string | Source}
 */
function openInput(input) {
  return input === '-' ? { read: readIn } : input;
}

/** @param {number} bytesMax */
async function readIn(bytesMax) {
  const chunks = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    size += chunk.length;
    refuseOver(size, bytesMax);
  }
  return Buffer.concat(chunks);
}

/**
 * @param {string | Uint8Array} data
 * @returns {Promise<void>}
 */
function writeOut(data) {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * @param {string[]} inputs
 * @param {Flags} flags
 * @param {AbortSignal} signal
 * @returns {Promise<number>} exit code
 */
async function cutOut(inputs, flags, signal) {
  checkName(flags.name);
  const { files, unmatched } = await expandInputs(inputs);
  for (const pattern of unmatched) process.stderr.write(`${pattern}: no photo found\n`);
  if (files.length === 0) return EXIT.failed;
  const tasks = await planTasks(files, flags.output, flags.mask ? '-mask' : '-cutout');
  if (flags.json && tasks[0].output === '-') {
    throw new UsageError('--json and the picture both want stdout; give -o a file');
  }
  const engine = await load(flags, tasks.length);
  if (!engine) return EXIT.unusable;
  if (flags.profile) process.stderr.write(profileTable(await engine.profile()));
  const progress = new Progress(tasks.length, process.stderr.isTTY && !flags.quiet);
  const failures = await runAll(tasks, engine, flags, progress, signal);
  progress.stop();
  engine.dispose();
  if (signal.aborted) return EXIT.interrupted;
  return failures + unmatched.length > 0 ? EXIT.failed : EXIT.ok;
}

/**
 * Failures and JSON come in the order of the photos, whichever is done first.
 *
 * @param {Task[]} tasks
 * @param {Engine} engine
 * @param {Flags} flags
 * @param {Progress} progress
 * @param {AbortSignal} signal
 * @returns {Promise<number>} failures
 */
async function runAll(tasks, engine, flags, progress, signal) {
  const { concurrency } = engine;
  const run = async (/** @type {Task} */ task) => {
    try {
      return await runTask(task, engine, flags, progress, signal);
    } finally {
      progress.next(task.input);
    }
  };
  let failures = 0;
  for await (const { input, result, error } of inOrder(tasks, { concurrency }, run)) {
    if (signal.aborted) break;
    if (result && flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    if (!error) continue;
    progress.say(`${input.input}: ${explain(error)}`);
    failures++;
  }
  return failures;
}

/** @param {string | undefined} name */
function checkName(name) {
  try {
    readOptions({ name });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/**
 * @param {Flags} flags
 * @param {number} photos
 * @returns {Promise<Engine | undefined>} `undefined` if the core or the network cannot be used
 */
async function load({ model, jobs, threads }, photos) {
  const most = jobs ?? Math.min(os.availableParallelism(), JOBS_MAX);
  const size = Math.min(most, photos);
  try {
    const engine = await createEngine({ model, worker: size > 1 && { size }, threads });
    if (!engine.described) {
      process.stderr.write(
        `${model}: unknown network: the photo goes in as RGB in 0..1 and the first output ` +
          `is taken as the mask; ${model}.json can say otherwise\n`,
      );
    }
    return engine;
  } catch (error) {
    process.stderr.write(`offcut: ${error instanceof Error ? error.message : error}\n`);
    return undefined;
  }
}

async function main() {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  process.stdout.on('error', () => process.exit(EXIT.failed)); // the reader went away
  const command = createCommand();
  try {
    command.parse();
    process.exitCode = await cutOut(command.args, command.opts(), abort.signal);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage; // commander has said why
    } else if (error instanceof UsageError) {
      process.stderr.write(`offcut: ${error.message}\n`);
      process.exitCode = EXIT.usage;
    } else {
      throw error;
    }
  }
}

await main();
