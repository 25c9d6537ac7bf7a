// SPDX-License-Identifier: Apache-2.0
import { checkOptions, count, flag, texts } from '../rules.js';
import { readAll, refuseOver } from '../source.js';
import { OffcutError, cancelled, invalid } from '../errors.js';
import { ORIGINS, REDIRECT_ORIGINS, isPrivateHost, originTest } from './origins.js';

/**
 * Rules for `createFromURL`.
 *
 * @typedef {object} FetchRules
 * @property {readonly string[]} [origins] where an address may point, also after a redirect:
 *   `'https://photos.example.com'`, `'https://*.example.com'`, or `'*'` for any https origin;
 *   default: the storage services that the img-processing.com API allows
 * @property {boolean} [allowPrivate] also hosts of private networks and this machine; default
 *   `false`
 * @property {number} [timeout] milliseconds for all of it; default 15,000
 */

/**
 * One answer of a server.
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {string | null} location of a redirect
 * @property {number} length that is announced; NaN if none is
 * @property {AsyncIterable<Uint8Array>} body
 * @property {() => void} close
 * @property {string} [url] where the answer came from, if the host followed redirects by itself
 */

/**
 * What a host does: one request, if possible without following redirects.
 *
 * @typedef {(url: URL, options: { signal: AbortSignal, allowPrivate: boolean }) => Promise<Answer>}
 *   Get
 */

/** @typedef {ReturnType<typeof createFetchImage>} FetchImage */

const REDIRECTS_MAX = 5;

const RULES = { origins: texts, allowPrivate: flag, timeout: count };

/**
 * A function that fetches pictures from where the rules allow it.
 *
 * @param {Get} get
 * @param {FetchRules} [rules]
 */
export function createFetchImage(get, rules = {}) {
  checkOptions(rules, RULES, 'fetch');
  const { origins, allowPrivate = false, timeout = 15_000 } = rules;
  const isAllowed = originTest(origins ?? ORIGINS);
  const isAllowedLater = originTest(origins ?? [...ORIGINS, ...REDIRECT_ORIGINS]);
  const check = (/** @type {URL} */ url, /** @type {boolean} */ first) => {
    if (!(first ? isAllowed(url) : isAllowedLater(url)) || url.username || url.password) {
      throw invalid('a URL of an allowed origin', 'url', url.origin);
    }
    if (!allowPrivate && isPrivateHost(url)) throw privateAddress(url);
    return url;
  };

  /**
   * @param {string | URL} address
   * @param {{ bytesMax: number, signal?: AbortSignal }} limits
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  return async function fetchImage(address, { bytesMax, signal }) {
    let url = check(parse(address), true);
    const clock = deadline(signal, timeout);
    try {
      for (let redirects = 0; ; redirects++) {
        const answer = await get(url, { signal: clock.signal, allowPrivate });
        try {
          if (answer.url) check(parse(answer.url), false);
          if (!isRedirect(answer)) return await readAnswer(url, answer, bytesMax);
        } finally {
          answer.close();
        }
        if (redirects >= REDIRECTS_MAX) throw unreachable(url, 'too many redirects');
        url = check(parse(new URL(answer.location ?? '', url)), false);
      }
    } catch (error) {
      if (signal?.aborted) throw cancelled(signal);
      if (clock.signal.aborted) throw unreachable(url, `no answer within ${timeout} ms`);
      throw error instanceof OffcutError ? error : unreachable(url, 'no connection', error);
    } finally {
      clock.stop();
    }
  };
}

/** @param {URL} url */
export function privateAddress(url) {
  return invalid('the URL of a host on the public internet', 'url', url.origin);
}

/** @param {Answer} answer */
function isRedirect({ status, location }) {
  return location !== null && [301, 302, 303, 307, 308].includes(status);
}

/**
 * @param {URL} url
 * @param {Answer} answer
 * @param {number} bytesMax
 */
async function readAnswer(url, { status, length, body }, bytesMax) {
  if (status < 200 || status > 299) throw unreachable(url, `the server answered ${status}`);
  refuseOver(length, bytesMax);
  return readAll(body, bytesMax);
}

/** @param {string | URL} address */
function parse(address) {
  try {
    return new URL(address);
  } catch {
    throw invalid('an absolute URL', 'url', address);
  }
}

/**
 * @param {URL} url
 * @param {string} reason
 * @param {unknown} [cause]
 */
function unreachable({ origin, pathname }, reason, cause) {
  return new OffcutError('ERR_LOAD', `${origin}${pathname} could not be fetched: ${reason}`, {
    detail: reason,
    cause,
  });
}

/**
 * A signal that is aborted with the caller's or when the time is up.
 *
 * @param {AbortSignal | undefined} signal
 * @param {number} milliseconds
 */
function deadline(signal, milliseconds) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, milliseconds);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const stop = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
  return { signal: controller.signal, stop };
}
