// SPDX-License-Identifier: Apache-2.0

/** @import { Input } from './core.js' */

import { OffcutError, invalid } from './errors.js';
import { chunksOf, readAll, refuseOver } from './source.js';

/** How hosts with `fetch` and without files find bytes. */
export const webHost = {
  /**
   * @param {Input} input
   * @returns {Input}
   */
  open: (input) => {
    if (!isAddress(input)) return input;
    return { name: fileNameOf(input), transfer: true, read: read.bind(undefined, input) };
  },
  /** @param {string | URL} address */
  readModel: async (address) => {
    if (isAddress(address)) return read(address);
    throw invalid('bytes or a URL', 'model', address);
  },
};

/**
 * @param {unknown} value
 * @returns {value is string | URL}
 */
function isAddress(value) {
  return (typeof value === 'string' && value !== '') || value instanceof URL;
}

/** @param {string | URL} url */
function fileNameOf(url) {
  try {
    const { protocol, pathname } = new URL(url, 'https://offcut.invalid');
    // `blob:` and `data:` have no names.
    return protocol.startsWith('http') ? decodeURIComponent(pathname) : undefined;
  } catch {
    return undefined; // `fetch` will say what is wrong with it, if anything is
  }
}

/** @param {URL} url */
export async function compile(url) {
  const response = await load(url);
  // Some servers send wasm with another type; compiling while it arrives needs the right one.
  const isWasm = response.headers.get('content-type')?.startsWith('application/wasm');
  try {
    if (isWasm) return await WebAssembly.compileStreaming(response);
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw failed(url, 'could not be compiled', cause);
  }
}

/**
 * @param {string | URL} url
 * @param {number} [bytesMax]
 * @param {AbortSignal} [signal]
 */
export async function read(url, bytesMax = Infinity, signal) {
  const response = await load(url, signal);
  try {
    if (bytesMax === Infinity) return new Uint8Array(await response.arrayBuffer());
    refuseOver(Number(response.headers.get('content-length')), bytesMax);
    return await readAll(chunksOf(response.body), bytesMax, signal);
  } catch (cause) {
    throw cause instanceof OffcutError ? cause : failed(url, 'could not be fetched', cause);
  }
}

/**
 * @param {string | URL} url
 * @param {AbortSignal} [signal]
 */
async function load(url, signal) {
  const response = await fetch(url, { signal }).catch((cause) => {
    throw failed(url, `could not be fetched${isElsewhere(url) ? FORBIDDEN : ''}`, cause);
  });
  if (!response.ok) {
    throw failed(url, 'could not be fetched', `the server answered ${response.status}`);
  }
  // What servers of pages send for an address that they do not know.
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw failed(url, 'is a page (text/html)', 'the file itself was expected there');
  }
  return response;
}

/** Browsers do not tell a page why a request to another origin failed. */
const FORBIDDEN = ' (does its server let this page read it, by CORS?)';

/** @param {string | URL} url */
function isElsewhere(url) {
  const { origin } = globalThis.location ?? {};
  return origin !== undefined && /^https?:/i.test(String(url)) && !String(url).startsWith(origin);
}

/**
 * @param {string | URL} url
 * @param {string} what
 * @param {unknown} cause
 */
function failed(url, what, cause) {
  const address = String(url).slice(0, 200); // `data:` may be long
  return new OffcutError('ERR_LOAD', `${address} ${what}: ${cause}`, { cause });
}
