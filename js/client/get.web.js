// SPDX-License-Identifier: Apache-2.0

/** @import { Answer, Get } from './fetch-image.js' */

import { chunksOf } from '../source.js';

/**
 * One request by `fetch`. Browsers do not show where a redirect leads, so there it is followed and
 * checked afterwards; they keep pages from reading what other origins did not allow anyway. Workers
 * show it, and cannot reach private networks.
 *
 * @type {Get}
 */
export async function get(url, { signal }) {
  /** @type {RequestInit} */
  const init = {
    signal,
    credentials: 'omit',
    headers: { accept: 'image/*' },
  };
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (response.type !== 'opaqueredirect') return toAnswer(response);
  const followed = await fetch(url, { ...init, redirect: 'follow' });
  return { ...toAnswer(followed), url: followed.url };
}

/**
 * @param {Response} response
 * @returns {Answer}
 */
function toAnswer(response) {
  const length = response.headers.get('content-length');
  return {
    status: response.status,
    location: response.headers.get('location'),
    length: length === null ? NaN : Number(length),
    body: chunksOf(response.body),
    close: () => void response.body?.cancel().catch(() => {}),
  };
}
