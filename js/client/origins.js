// SPDX-License-Identifier: Apache-2.0
import ipaddr from 'ipaddr.js';
import { invalid } from '../errors.js';

/** Where `createFromURL` may fetch from, unless the options say otherwise: as the API's list. */
export const ORIGINS = [
  'https://storage.img-processing.com',
  'https://s3.amazonaws.com',
  'https://s3.*.amazonaws.com',
  'https://*.s3.amazonaws.com',
  'https://*.s3.*.amazonaws.com',
  'https://*.blob.core.windows.net',
  'https://*.r2.dev',
  'https://www.dropbox.com',
  'https://storage.googleapis.com',
  'https://drive.google.com',
  'https://1drv.ms',
];

/** Where those send a visitor on to; not allowed as a beginning. */
export const REDIRECT_ORIGINS = [
  'https://*.dropboxusercontent.com',
  'https://drive.usercontent.google.com',
  'https://onedrive.live.com',
  'https://api.onedrive.com',
  'https://*.1drv.com',
];

/**
 * A test for a list of origins. `*` alone is any https origin; as the first label of a host it
 * stands for one or more labels, elsewhere for one.
 *
 * @param {readonly string[]} patterns
 * @returns {(url: URL) => boolean}
 */
export function originTest(patterns) {
  const tests = patterns.map(toExpression);
  return (url) => tests.some((test) => test.test(`${url.protocol}//${url.host}`));
}

/** @param {string} pattern */
function toExpression(pattern) {
  if (pattern === '*') return /^https:/;
  const [, scheme, host] = /^(https?:)\/\/([\w.*:[\]-]+)\/?$/i.exec(pattern) ?? [];
  if (!host) throw invalid("an origin such as 'https://*.example.com'", 'origins', pattern);
  const source = host
    .toLowerCase()
    .replace(/[.[\]-]/g, '\\$&')
    .replace(/^\*\\\./, '(?:[^./:]+\\.)+')
    .replace(/\*/g, '[^./:]+');
  return new RegExp(`^${scheme.toLowerCase()}//${source}$`);
}

/**
 * Is this an address of the public internet? Private, local, reserved and translated ones are not.
 *
 * @param {string} address IPv4 or IPv6
 */
export function isPublicAddress(address) {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/**
 * Whether the name alone tells that a host is not on the public internet. What a name resolves to
 * is checked where it is resolved.
 *
 * @param {URL} url
 */
export function isPrivateHost({ hostname }) {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (ipaddr.isValid(host)) return !isPublicAddress(host);
  return !host.includes('.') || /\.(?:localhost|local|internal|home\.arpa)$/.test(host);
}
