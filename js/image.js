// SPDX-License-Identifier: Apache-2.0

/**
 * A picture as the img-processing.com API describes it: these eight fields in this order.
 *
 * @typedef {object} Image
 * @property {string} id `image_` and 24 characters
 * @property {string} name 1 to 30 characters, not unique
 * @property {string | null} url where it is published; `null` if it is not
 * @property {number} width pixels
 * @property {number} height pixels
 * @property {'png' | 'jpeg' | 'webp'} format
 * @property {number} size bytes
 * @property {string} created_at ISO 8601, UTC
 */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const SYMBOLS = `${LETTERS}0123456789`;
const ID_LENGTH = 24;

/** The most characters a name may have. */
export const NAME_MAX = 30;

/**
 * @param {{ name: string, width: number, height: number, format: Image['format'], size: number }}
 *   facts
 * @returns {Image}
 */
export function createImage({ name, width, height, format, size }) {
  return {
    id: createImageId(),
    name,
    url: null,
    width,
    height,
    format,
    size,
    created_at: new Date().toISOString(),
  };
}

/**
 * `image_`, a letter, and 23 letters and digits: 123 random bits in the shape of the API's ids.
 * Written here because the core imports no package: pages load it without a bundler.
 */
function createImageId() {
  let id = '';
  while (id.length < ID_LENGTH) {
    const symbols = id === '' ? LETTERS : SYMBOLS;
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    // What is left above the last whole multiple would make the first symbols likelier.
    if (byte < 256 - (256 % symbols.length)) id += symbols[byte % symbols.length];
  }
  return `image_${id}`;
}

/**
 * The name of a picture that came from a file: without folders and ending, cut to the length a name
 * may have.
 *
 * @param {string | undefined} fileName
 * @returns {string | undefined} `undefined` if nothing is left
 */
export function nameOfFile(fileName) {
  const base = fileName?.split(/[\\/]/).pop() ?? '';
  const stem = base.replace(/(?<=.)\.[^.]*$/u, '').trim();
  return [...stem].slice(0, NAME_MAX).join('').trim() || undefined;
}
