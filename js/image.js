// SPDX-License-Identifier: Apache-2.0
import { createId } from '@paralleldrive/cuid2';

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

/** The most characters a name may have. */
export const NAME_MAX = 30;

/**
 * @param {{ name: string, width: number, height: number, format: Image['format'], size: number }}
 *   facts
 * @returns {Image}
 */
export function createImage({ name, width, height, format, size }) {
  return {
    id: `image_${createId()}`,
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
