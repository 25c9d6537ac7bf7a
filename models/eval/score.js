// SPDX-License-Identifier: Apache-2.0

/** Sets whose masks say 128 where nobody knows. */
const SETS_WITH_UNKNOWN = ['flower', 'voc', 'coco'];

/**
 * @typedef {object} Score of one picture
 * @property {number} iou of both masks cut at one half; 1 where both are empty
 * @property {number} mae mean absolute difference, 0 to 1
 * @property {number} boundaryIou
 */

/**
 * Compares an alpha matte with the true one. What is unknown counts nowhere.
 *
 * @param {Uint8Array} alpha row by row
 * @param {Uint8Array} truth likewise
 * @param {number} width
 * @param {number} height
 * @param {string} set its name says whether 128 means unknown
 * @returns {Score}
 */
export function score(alpha, truth, width, height, set) {
  const unknown = SETS_WITH_UNKNOWN.includes(set) ? 128 : -1;
  const ours = new Uint8Array(alpha.length);
  const theirs = new Uint8Array(alpha.length);
  let known = 0;
  let difference = 0;
  for (let i = 0; i < alpha.length; i++) {
    if (truth[i] === unknown) continue;
    known++;
    difference += Math.abs(alpha[i] - truth[i]);
    ours[i] = alpha[i] >= 128 ? 1 : 0;
    theirs[i] = truth[i] >= 128 ? 1 : 0;
  }
  const reach = Math.max(1, Math.round(0.02 * Math.hypot(width, height)));
  return {
    iou: overlap(ours, theirs),
    mae: known ? difference / 255 / known : 0,
    boundaryIou: overlap(
      boundary(ours, width, height, reach),
      boundary(theirs, width, height, reach),
    ),
  };
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function overlap(a, b) {
  let both = 0;
  let either = 0;
  for (let i = 0; i < a.length; i++) {
    both += a[i] & b[i];
    either += a[i] | b[i];
  }
  return either ? both / either : 1;
}

/**
 * What of a mask lies within `reach` of its edge (Cheng et al., Boundary IoU, 2021). The picture's
 * border is an edge, as there.
 *
 * @param {Uint8Array} mask 0 and 1
 * @param {number} width
 * @param {number} height
 * @param {number} reach
 */
function boundary(mask, width, height, reach) {
  // A square of 2 reach + 1 fits where a run of that length ends, across and then down.
  const across = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0, run = 0; x < width; x++) {
      run = mask[y * width + x] ? run + 1 : 0;
      if (run > 2 * reach) across[y * width + x - reach] = 1;
    }
  }
  const result = mask.slice();
  for (let x = 0; x < width; x++) {
    for (let y = 0, run = 0; y < height; y++) {
      run = across[y * width + x] ? run + 1 : 0;
      if (run > 2 * reach) result[(y - reach) * width + x] = 0;
    }
  }
  return result;
}

/**
 * The mean of scores.
 *
 * @param {Score[]} scores not empty
 * @returns {{ n: number } & Score}
 */
export function mean(scores) {
  const of = (/** @type {keyof Score} */ key) =>
    Number((scores.reduce((sum, each) => sum + each[key], 0) / scores.length).toFixed(4));
  return { n: scores.length, iou: of('iou'), mae: of('mae'), boundaryIou: of('boundaryIou') };
}
