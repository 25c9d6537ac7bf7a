// SPDX-License-Identifier: Apache-2.0
import { OffcutError, invalid } from './errors.js';
import { unlessAborted } from './task.js';

/**
 * Where a photo's bytes come from when they are not at hand yet: read when its turn has come.
 *
 * @typedef {object} Source
 * @property {string} [name] of the file
 * @property {(bytesMax: number, signal?: AbortSignal) => Promise<Uint8Array>} read may refuse more
 *   than `bytesMax` bytes; once `signal` is aborted nobody waits for it any more
 * @property {boolean} [transfer] whether nobody else needs what `read` answers: it is then given to
 *   a worker without a copy; default `false`
 */

/** @typedef {Uint8Array | ArrayBuffer | ArrayBufferView} Bytes */

/**
 * What is read once, when its turn has come: a stream of the web or of Node, the answer to a
 * `fetch`, and the question.
 *
 * @typedef {ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | Response | Request} Stream
 */

/**
 * A photo. Text and URLs are paths and `file:` URLs in Node, Deno and Bun, elsewhere addresses to
 * fetch from; `offcut/core` takes neither.
 *
 * @typedef {Bytes | Blob | Stream | Source | string | URL} Input
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
 * By shape: classes are not the same in every realm.
 *
 * @param {unknown} input
 * @param {string} [name] for the error
 * @returns {Source}
 */
export function toSource(input, name = 'input') {
  if (isBytes(input)) return { read: async () => toBytes(input) };
  const given = typeof input === 'object' ? /** @type {any} */ (input) : undefined;
  if (typeof given?.getReader === 'function') return streamSource(() => chunksOf(given));
  if (typeof given?.body?.getReader === 'function') return streamSource(() => chunksOf(given.body));
  // Before `read`: the streams of Node have that too.
  if (typeof given?.[Symbol.asyncIterator] === 'function') return streamSource(() => given);
  if (typeof given?.read === 'function') return given;
  if (typeof given?.arrayBuffer === 'function') return blobSource(given);
  throw invalid('bytes, a Blob, File, Response or stream', name, input);
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
      return new Uint8Array(await blob.arrayBuffer().catch(unreadable));
    },
  };
}

/**
 * @param {() => AsyncIterable<Uint8Array>} open
 * @returns {Source}
 */
function streamSource(open) {
  return {
    transfer: true,
    read: async (bytesMax, signal) => {
      try {
        return await readAll(open(), bytesMax, signal);
      } catch (cause) {
        throw cause instanceof OffcutError ? cause : unreadable(cause);
      }
    },
  };
}

/**
 * @param {unknown} cause
 * @returns {never}
 */
function unreadable(cause) {
  throw new OffcutError('ERR_LOAD', `the photo could not be read: ${cause}`, { cause });
}

/**
 * The bytes of a photo whose turn has come. An abort does not wait for a source that is slow.
 *
 * @param {Source} source
 * @param {{ bytesMax: number, signal?: AbortSignal }} settings
 */
export async function readSource(source, { bytesMax, signal }) {
  const bytes = await unlessAborted(signal, async () => source.read(bytesMax, signal));
  if (!isBytes(bytes)) throw invalid('bytes', 'what read() answers', bytes);
  return toBytes(bytes);
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

/**
 * All of a stream in one piece.
 *
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {number} bytesMax
 * @param {AbortSignal} [signal] heard between chunks
 */
export async function readAll(chunks, bytesMax, signal) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted(); // leaving the loop closes the source
    if (!isBytes(chunk)) throw invalid('bytes', 'a part of the stream', chunk);
    size += chunk.byteLength;
    refuseOver(size, bytesMax);
    parts.push(toBytes(chunk));
  }
  return concat(parts);
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
