// SPDX-License-Identifier: Apache-2.0

/** @import { Stage } from '../stores/images.js' */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { OffcutError } from '../errors.js';

/**
 * An API key: `live_…` or `test_…`, or only its hash, `live:` or `test:` and the SHA-256 of the
 * whole key in hexadecimal digits.
 *
 * @typedef {string} ApiKey
 */

/**
 * @typedef {object} KeyOwner
 * @property {Stage} stage
 * @property {string} id of the key, not secret: the beginning of its hash
 */

/**
 * Keeps the hashes of keys, never the keys.
 *
 * @param {readonly ApiKey[]} keys
 * @returns {(presented: string | undefined) => KeyOwner | undefined}
 */
export function createKeyRing(keys) {
  const ring = keys.map(readKey);
  return (presented) => {
    if (presented === undefined) return undefined;
    const hash = sha256(utf8ToBytes(presented));
    /** @type {KeyOwner | undefined} */
    let owner;
    // Every key is looked at to its end, so the time tells nothing.
    for (const key of ring) {
      if (isEqual(key.hash, hash)) owner = key.owner;
    }
    return owner;
  };
}

/** @param {ApiKey} key */
function readKey(key) {
  const [, stage, separator, rest] = /^(live|test)([_:])(.+)$/.exec(key) ?? [];
  const isHash = separator === ':';
  if (!stage || (isHash && !/^[\da-f]{64}$/i.test(rest))) {
    // Without the key: messages end up in logs.
    throw new OffcutError(
      'ERR_ARGUMENT',
      "Expected 'live_…', 'test_…', or 'live:' or 'test:' and a SHA-256 for each of apiKeys",
    );
  }
  const hash = isHash ? hexToBytes(rest) : sha256(utf8ToBytes(key));
  const id = bytesToHex(hash).slice(0, 8);
  return { hash, owner: { stage: /** @type {Stage} */ (stage), id } };
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b of the same length
 */
function isEqual(a, b) {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
