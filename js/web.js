// SPDX-License-Identifier: Apache-2.0

/** @import { Input } from './core.js' */

import { OffcutError, invalid } from './errors.js';

/** How hosts with `fetch` and without files find bytes. */
export const webHost = {
  /** @param {Input} input */
  open: (input) => {
    if (typeof input === 'string' || input instanceof URL) {
      throw invalid('a Uint8Array, ArrayBuffer, Blob or File', 'input', input);
    }
    return input;
  },
  /** @param {string | URL} address */
  readModel: async (address) => {
    if (typeof address === 'string' || address instanceof URL) return read(address);
    throw invalid('bytes or a URL', 'model', address);
  },
};

/** @param {URL} url */
export async function compile(url) {
  const response = await load(url);
  // Some servers send wasm with another type; compiling while it arrives needs the right one.
  if (response.headers.get('content-type')?.startsWith('application/wasm')) {
    return WebAssembly.compileStreaming(response);
  }
  return WebAssembly.compile(await response.arrayBuffer());
}

/** @param {string | URL} url */
export async function read(url) {
  const response = await load(url);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {string | URL} url */
async function load(url) {
  const response = await fetch(url).catch((cause) => {
    throw new OffcutError('ERR_LOAD', `${url} could not be fetched: ${cause}`, { cause });
  });
  if (!response.ok) {
    throw new OffcutError(
      'ERR_LOAD',
      `${url} could not be fetched: the server answered ${response.status}`,
    );
  }
  return response;
}
