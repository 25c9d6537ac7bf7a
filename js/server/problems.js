// SPDX-License-Identifier: Apache-2.0

/** @import { ErrorCode } from '../errors.js' */

import { OffcutError } from '../errors.js';

/** Titles by HTTP status; the `type` of a problem is made of them too. */
const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Validation Error',
  429: 'Too Many Requests',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** @typedef {keyof typeof TITLES} ProblemStatus */

const TYPES = 'https://docs.img-processing.com/errors/';

/** A request that fails, in the words of the API. */
export class Problem extends Error {
  /**
   * @param {ProblemStatus} status
   * @param {string | string[]} message a list for 422
   * @param {{ cause?: unknown, retryAfter?: number }} [more]
   */
  constructor(status, message, { cause, retryAfter } = {}) {
    super(String(message), { cause });
    this.status = status;
    this.retryAfter = retryAfter;
    this.body = {
      type: TYPES + TITLES[status].toLowerCase().replaceAll(' ', '-'),
      error: TITLES[status],
      title: TITLES[status],
      status,
      ...(Array.isArray(message) ? { errors: message } : { message }),
    };
  }
}

/** What the sender can do something about. @type {ErrorCode[]} */
const CLIENT_ERRORS = [
  'ERR_ARGUMENT',
  'ERR_FORMAT',
  'ERR_UNSUPPORTED',
  'ERR_CORRUPT',
  'ERR_TRUNCATED',
  'ERR_LIMIT',
  'ERR_EMPTY',
];

/**
 * What to answer to an error. Faults of our own are not described to the outside.
 *
 * @param {unknown} error
 * @returns {Problem}
 */
export function toProblem(error) {
  if (error instanceof Problem) return error;
  const cause = error;
  const { code, message } = error instanceof OffcutError ? error : { code: '', message: '' };
  if (code === 'ERR_NOT_FOUND') return new Problem(404, message, { cause });
  if (CLIENT_ERRORS.some((known) => known === code)) return new Problem(422, [message], { cause });
  if (code === 'ERR_CANCELLED') return new Problem(499, 'The request was cancelled.', { cause });
  if (code === 'ERR_MEMORY') {
    return new Problem(503, 'There is not enough memory for this now.', { cause, retryAfter: 5 });
  }
  if (code === 'ERR_BUSY') {
    return new Problem(503, 'There is too much to do at the moment.', { cause, retryAfter: 1 });
  }
  const status = /** @type {{ status?: number } | null} */ (error)?.status; // of the libraries
  if (status === 400) return new Problem(400, 'The body of the request cannot be read.', { cause });
  if (status === 415) {
    return new Problem(415, 'The body of the request is of a type that is not supported here.');
  }
  return new Problem(500, 'Something went wrong.', { cause });
}
