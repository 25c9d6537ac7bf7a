// SPDX-License-Identifier: Apache-2.0

/** @import { Stage } from '../options.js' */

import { SingleBar } from 'cli-progress';

/** How the time of a photo divides into its stages, roughly. */
const START = { decode: 0, infer: 0.12, refine: 0.62, encode: 0.65, end: 1 };
const NEXT = /** @type {const} */ ({
  decode: 'infer',
  infer: 'refine',
  refine: 'encode',
  encode: 'end',
});

/**
 * @param {Stage} stage
 * @param {number} fraction of the stage
 * @returns {number} of the photo
 */
function overall(stage, fraction) {
  return START[stage] + fraction * (START[NEXT[stage]] - START[stage]);
}

/** One line on the terminal for all photos of a run; without a terminal nothing. */
export class Progress {
  #bar;
  #total;
  #done = 0;
  /** @type {Map<string, number>} how far the photos under way are, by file */
  #parts = new Map();

  /**
   * @param {number} total photos
   * @param {boolean} visible
   */
  constructor(total, visible) {
    this.#total = total;
    this.#bar = visible
      ? new SingleBar({
          format: '{bar} {percentage}% | {value}/{total} | {file} {stage}',
          formatValue: (value, _options, type) =>
            type === 'value' ? String(Math.floor(value)) : String(value),
          barsize: 30,
          hideCursor: true,
          clearOnComplete: true,
          stream: process.stderr,
        })
      : undefined;
    this.#start();
  }

  /**
   * @param {string} file
   * @param {Stage} stage
   * @param {number} fraction
   */
  update(file, stage, fraction) {
    this.#parts.set(file, overall(stage, fraction));
    this.#bar?.update(this.#value(), { file, stage });
  }

  /**
   * The photo is done, well or badly.
   *
   * @param {string} file
   */
  next(file) {
    this.#parts.delete(file);
    this.#done++;
    this.#bar?.update(this.#value());
  }

  /**
   * A line for people, above the bar.
   *
   * @param {string} text
   */
  say(text) {
    this.#bar?.stop();
    process.stderr.write(`${text}\n`);
    this.#start();
  }

  stop() {
    this.#bar?.stop();
  }

  #start() {
    this.#bar?.start(this.#total, this.#value(), { file: '', stage: '' });
  }

  #value() {
    return [...this.#parts.values()].reduce((sum, part) => sum + part, this.#done);
  }
}
