// SPDX-License-Identifier: Apache-2.0
import { AwsClient } from 'aws4fetch';
import { createStorage } from 'unstorage';
import s3Driver from 'unstorage/drivers/s3';
import { OffcutError } from '../errors.js';

/**
 * Images in a bucket of any service that speaks S3.
 *
 * @param {object} options
 * @param {string} options.endpoint such as `https://s3.eu-west-1.amazonaws.com`; the bucket is put
 *   behind it, as every such service understands
 * @param {string} options.bucket
 * @param {string} options.region
 * @param {string} options.accessKeyId
 * @param {string} options.secretAccessKey
 * @returns {import('./images.js').Storage}
 */
export function s3Store({ endpoint, bucket, region, accessKeyId, secretAccessKey }) {
  const account = { region, accessKeyId, secretAccessKey };
  const client = new AwsClient({ service: 's3', ...account });
  const driver = s3Driver({ ...account, endpoint, bucket });
  const url = `${endpoint.replace(/\/+$/, '')}/${bucket}`;
  return createStorage({
    driver: { ...driver, getKeys: (base = '') => listKeys(client, url, base) },
  });
}

/**
 * unstorage's driver lists the first 1,000 objects of the whole bucket; this one asks for the part
 * that is wanted and reads on to its end.
 *
 * @param {AwsClient} client
 * @param {string} url of the bucket
 * @param {string} base
 */
async function listKeys(client, url, base) {
  /** @type {string[]} */
  const keys = [];
  /** @type {string | undefined} */
  let token;
  do {
    const query = new URLSearchParams({ 'list-type': '2', prefix: base.replaceAll(':', '/') });
    if (token) query.set('continuation-token', token);
    const response = await client.fetch(`${url}?${query}`);
    const xml = await response.text();
    if (!response.ok) {
      throw new OffcutError('ERR_LOAD', `the bucket could not be listed: ${response.status}`, {
        detail: xml.slice(0, 300),
      });
    }
    for (const [, key] of xml.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(key);
    token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1];
  } while (token);
  return keys; // ours have no character that XML would escape
}
