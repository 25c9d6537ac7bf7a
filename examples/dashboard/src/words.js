// SPDX-License-Identifier: Apache-2.0

/** @import { Entry, Step } from './library.js' */

/** @type {Record<Step, string>} */
const STEPS = {
  store: 'Storing the photo',
  decode: 'Reading the photo',
  infer: 'Finding the subject',
  refine: 'Following its edges',
  encode: 'Writing the picture',
};

/**
 * What to tell a person about a failure.
 *
 * @typedef {object} Failure
 * @property {string} title
 * @property {string} text what to do about it
 * @property {boolean} [again] whether it is worth trying again
 */

/** By the name of an error of the browser, or an error's code. @type {Record<string, Failure>} */
const FAILURES = {
  ERR_FORMAT: { title: 'This is not a photo', text: 'Choose a JPEG, PNG or WebP file.' },
  ERR_UNSUPPORTED: {
    title: 'This kind of file is not supported',
    text: 'Save it as an ordinary JPEG or PNG.',
  },
  ERR_CORRUPT: { title: 'This file is damaged', text: 'Try the original, or export it again.' },
  ERR_TRUNCATED: {
    title: 'This file ends too early',
    text: 'It may not have been copied completely.',
  },
  ERR_LIMIT: {
    title: 'This photo is too large',
    text: 'Photos of up to 20 MB and 120 megapixels work here.',
  },
  ERR_MEMORY: {
    title: 'Not enough memory',
    text: 'Close some tabs, then try again.',
    again: true,
  },
  ERR_CANCELLED: { title: 'Cancelled', text: 'The photo is still here.', again: true },
  ERR_NOT_FOUND: { title: 'This photo is gone', text: 'It was deleted in another tab.' },
  ERR_LOAD: {
    title: 'Offcut could not be loaded',
    text: 'Its files are fetched once, and then work offline. Check the connection, then try again.',
    again: true,
  },
  QuotaExceededError: {
    title: 'No room left',
    text: 'The browser has no storage left for this page. Delete some photos, then try again.',
    again: true,
  },
  NotReadableError: { title: 'This file could not be read', text: 'Choose it again.' },
  NotFoundError: { title: 'This file could not be read', text: 'A folder cannot be cut out.' },
};

/** @type {Failure} */
const UNFINISHED = {
  title: 'Not finished',
  text: 'The page was closed before the cut-out was done.',
  again: true,
};

/** @type {Failure} */
const UNKNOWN = {
  title: 'Something went wrong',
  text: 'That is a fault of this page, not of the photo.',
  again: true,
};

/**
 * @param {unknown} error
 * @returns {Failure & { code: string }} `code`: the error's own words, for who wants to know
 */
export function describeFailure(error) {
  if (error === undefined) return { ...UNFINISHED, code: '' };
  const { code, name, detail, message, cause } = /** @type {any} */ (error);
  if (name === 'AbortError') return { ...FAILURES.ERR_CANCELLED, code: '' };
  const key = [cause?.name, code, name].find((word) => Object.hasOwn(FAILURES, word));
  const words = [key ?? name, detail ?? message].filter(Boolean).join(': ');
  return { ...(key ? FAILURES[key] : UNKNOWN), code: words };
}

/** What goes on with an entry, in a line. @param {Entry} entry */
export function describeState({ state, step, fraction, source, cutout, error }) {
  if (state === 'waiting') return 'Waiting';
  if (state === 'failed') return describeFailure(error).title;
  if (state === 'working') return `${Math.round(fraction * 100)} % · ${STEPS[step ?? 'store']}`;
  const { width, height } = cutout ?? source ?? { width: 0, height: 0 };
  return `${width} × ${height}`;
}

/** @param {Entry} entry */
export function describeStep({ state, step }) {
  return state === 'waiting' ? 'Waiting for its turn' : STEPS[step ?? 'store'];
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const [unit, size] = bytes < 1e6 ? ['kilobyte', bytes / 1e3] : ['megabyte', bytes / 1e6];
  const options = { style: 'unit', unit, maximumSignificantDigits: size < 100 ? 2 : 3 };
  return new Intl.NumberFormat('en', /** @type {any} */ (options)).format(Number(size));
}
