// SPDX-License-Identifier: Apache-2.0
// The stores, each with the real thing behind it, for the tests that hold for all of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import 'fake-indexeddb/auto';
import { Miniflare } from 'miniflare';
import { fileStore } from 'offcut/stores/files';
import { indexedDBStore } from 'offcut/stores/indexeddb';
import { memoryStore } from 'offcut/stores/memory';
import { r2Store } from 'offcut/stores/r2';
import { s3Store } from 'offcut/stores/s3';

/**
 * @typedef {object} StoreUnderTest
 * @property {string} name
 * @property {string} [skip] why it cannot be tested here
 * @property {() => Promise<{ storage: import('../../js/stores/images.js').Storage, close: () => Promise<void> }>}
 *   open an empty one
 */

/** @type {StoreUnderTest[]} */
export const stores = [
  { name: 'memory', open: async () => ({ storage: memoryStore(), close: async () => {} }) },
  { name: 'files', open: openFiles },
  { name: 'IndexedDB', open: openIndexedDB },
  { name: 'R2', open: () => openR2({ kv: false }) },
  { name: 'R2 and KV', open: () => openR2({ kv: true }) },
  {
    name: 'S3',
    skip: process.env.OFFCUT_TEST_S3
      ? undefined
      : 'OFFCUT_TEST_S3 names no S3 service to test with',
    open: openS3,
  },
];

async function openFiles() {
  const folder = temporaryFolder();
  return {
    storage: fileStore(folder),
    close: async () => rmSync(folder, { recursive: true }),
  };
}

export function temporaryFolder() {
  return mkdtempSync(path.join(tmpdir(), 'offcut-'));
}

let databases = 0;

async function openIndexedDB() {
  return { storage: indexedDBStore({ name: `test-${databases++}` }), close: async () => {} };
}

/** R2 with short pages, so that few images make many. */
export const openPagedR2 = () => openR2({ kv: false, limit: 3 });

/** @param {{ kv: boolean, limit?: number }} options */
async function openR2({ kv, limit }) {
  const miniflare = new Miniflare({
    modules: true,
    script: 'export default { fetch: () => new Response() };',
    compatibilityDate: '2026-01-01',
    r2Buckets: ['BUCKET'],
    kvNamespaces: ['RECORDS'],
  });
  const real = /** @type {any} */ (await miniflare.getR2Bucket('BUCKET'));
  const bucket = limit === undefined ? real : shortPages(real, limit);
  const options = kv ? { kv: await miniflare.getKVNamespace('RECORDS') } : {};
  return {
    storage: r2Store(bucket, { folder: 'offcut', ...options }),
    close: () => miniflare.dispose(),
  };
}

/**
 * @param {any} bucket
 * @param {number} limit of objects in an answer to `list`
 */
function shortPages(bucket, limit) {
  return {
    get: bucket.get.bind(bucket),
    put: bucket.put.bind(bucket),
    head: bucket.head.bind(bucket),
    delete: bucket.delete.bind(bucket),
    list: (/** @type {object} */ options) => bucket.list({ ...options, limit }),
  };
}

/** OFFCUT_TEST_S3 is the address of a service that takes any key, such as moto's. */
async function openS3() {
  const endpoint = process.env.OFFCUT_TEST_S3 ?? '';
  const bucket = `offcut-${Date.now()}`;
  const response = await fetch(`${endpoint}/${bucket}`, { method: 'PUT' });
  if (!response.ok) throw new Error(`no bucket could be made: ${response.status}`);
  const account = { region: 'us-east-1', accessKeyId: 'test', secretAccessKey: 'test' };
  return { storage: s3Store({ endpoint, bucket, ...account }), close: async () => {} };
}
