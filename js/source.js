// SPDX-License-Identifier: Apache-2.0
import { OffcutError, invalid } from './errors.js';

/**
 * Where a photo's bytes come from when they are not at hand yet: read when its turn has come.
 *
 * @typedef {object} Source
 * @property {string} [name] of the file
 * @property {(bytesMax: number) => Promise<Uint8Array>} read may refuse more than `bytesMax` bytes
 * @property {boolean} [transfer] whether nobody else needs what `read` answers: it is then given to
 *   a worker without a copy; default `false`
 */

/** @typedef {Uint8Array | ArrayBuffer | ArrayBufferView} Bytes */

/**
 * A photo. Paths and URLs are for hosts with files: the Node entry takes them.
 *
 * @typedef {Bytes | Blob | Source | string | URL} Input
 */

/**
 * @param {unknown} value
 * @returns {value is Bytes}
 */
export function isBytes(value) {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return true;
  // An ArrayBuffer of another realm, as test runners and vm contexts make them.
  return Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** @param {Bytes} value */
export function toBytes(value) {
  if (value.byteLength === 0) return new Uint8Array(); // perhaps its buffer was given away
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return new Uint8Array(value);
}

/**
 * @param {unknown} input
 * @returns {Source}
 */
export function toSource(input) {
  if (isBytes(input)) return { read: async () => toBytes(input) };
  const source = /** @type {Partial<Blob & File & Source> | null | undefined} */ (input);
  if (typeof source === 'object' && typeof source?.read === 'function')
    return /** @type {Source} */ (source);
  if (typeof source === 'object' && typeof source?.arrayBuffer === 'function') {
    return blobSource(/** @type {Blob & { name?: string }} */ (source));
  }
  throw invalid('a Uint8Array, ArrayBuffer, Blob or File', 'input', input);
}

/**
 * @param {Blob & { name?: string }} blob
 * @returns {Source}
 */
function blobSource(blob) {
  return {
    name: blob.name,
    transfer: true,
    read: async (bytesMax) => {
      refuseOver(blob.size, bytesMax);
      try {
        return new Uint8Array(await blob.arrayBuffer());
      } catch (cause) {
        throw new OffcutError('ERR_LOAD', `the photo could not be read: ${cause}`, { cause });
      }
    },
  };
}

/**
 * Refuses before the bytes are in memory; the core checks again.
 *
 * @param {number} size
 * @param {number} bytesMax
 */
export function refuseOver(size, bytesMax) {
  if (!(size > bytesMax)) return;
  const detail = `expected at most ${bytesMax} bytes, received ${size}`;
  throw new OffcutError('ERR_LIMIT', `the picture exceeds the configured limits: ${detail}`, {
    detail,
  });
}

/** @param {Uint8Array[]} chunks */
export function concat(chunks) {
  const result = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

/**
 * Not every browser iterates over streams.
 *
 * @param {ReadableStream<Uint8Array> | null} stream
 */
export async function* chunksOf(stream) {
  if (!stream) return;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}
