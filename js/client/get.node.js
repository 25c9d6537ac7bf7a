// SPDX-License-Identifier: Apache-2.0

/** @import { Answer, Get } from './fetch-image.js' */

import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { privateAddress } from './fetch-image.js';
import { isPublicAddress } from './origins.js';

/**
 * One request by Node's own client, because it takes a resolver: the addresses that are checked are
 * the ones it then connects to, so a name cannot point elsewhere in between.
 *
 * @type {Get}
 */
export function get(url, { signal, allowPrivate }) {
  const { request } = url.protocol === 'http:' ? http : https;
  const options = {
    signal,
    agent: false,
    lookup: allowPrivate ? undefined : publicLookup(url),
    headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'offcut' },
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (incoming) => resolve(toAnswer(incoming)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/**
 * @param {http.IncomingMessage} incoming
 * @returns {Answer}
 */
function toAnswer(incoming) {
  const { 'content-length': length, location } = incoming.headers;
  return {
    status: incoming.statusCode ?? 0,
    location: location ?? null,
    length: length === undefined ? NaN : Number(length),
    body: incoming,
    close: () => incoming.destroy(),
  };
}

/**
 * A resolver that refuses a name if any of its addresses is not public.
 *
 * @param {URL} url
 * @returns {import('node:net').LookupFunction}
 */
function publicLookup(url) {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '');
      if (found.length === 0 || !found.every(({ address }) => isPublicAddress(address))) {
        return callback(privateAddress(url), '');
      }
      if (options.all) return callback(null, found);
      return callback(null, found[0].address, found[0].family);
    });
  };
}
