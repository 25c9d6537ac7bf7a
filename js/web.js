// SPDX-License-Identifier: Apache-2.0

/** @import { Input } from './core.js' */
/** @import { ModelData } from './entry.js' */

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
  /** @param {ModelData} data */
  readModel: async (data) => {
    if (data instanceof Blob) return new Uint8Array(await data.arrayBuffer());
    if (data instanceof Uint8Array) return data;
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    if (typeof data !== 'string' && !(data instanceof URL))
      throw invalid('bytes or a URL', 'model', data);
    return read(data);
  },
  readSidecar: async () => undefined,
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
