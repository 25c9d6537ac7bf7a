// SPDX-License-Identifier: Apache-2.0
import { createStorage } from 'unstorage';
import kvDriver from 'unstorage/drivers/cloudflare-kv-binding';
import r2Driver from 'unstorage/drivers/cloudflare-r2-binding';

/**
 * The part of Cloudflare's bucket that is named here; the rest goes straight to the driver.
 *
 * @typedef {object} Bucket
 * @property {(options: { prefix?: string, cursor?: string }) => Promise<BucketPage>} list
 */

/**
 * @typedef {object} BucketPage
 * @property {{ key: string }[]} objects
 * @property {boolean} truncated
 * @property {string} [cursor]
 */

/**
 * Images in a Cloudflare R2 bucket.
 *
 * With a KV namespace for the records, images are found faster far from the bucket, but KV shows a
 * change elsewhere up to a minute late, and a list may lack what was made in that time.
 *
 * @param {Bucket} bucket the binding
 * @param {{ kv?: object, folder?: string }} [options] `kv` is the binding of a KV namespace for the
 *   records, `folder` a place in the bucket and the namespace for this store alone
 * @returns {import('./images.js').Storage}
 */
export function r2Store(bucket, { kv, folder = '' } = {}) {
  const files = pagedR2Driver(bucket, folder);
  if (!kv) return createStorage({ driver: files });
  const storage = createStorage({
    driver: kvDriver({ binding: /** @type {any} */ (kv), base: folder }),
  });
  return storage.mount('files', pagedR2Driver(bucket, folder ? `${folder}:files` : 'files'));
}

/**
 * unstorage's driver lists the first 1,000 objects and no more; this one follows the cursor.
 *
 * @param {Bucket} bucket
 * @param {string} base
 */
function pagedR2Driver(bucket, base) {
  const driver = r2Driver({ binding: /** @type {any} */ (bucket), base });
  const folder = base ? `${base}:` : '';
  return {
    ...driver,
    /** @param {string} [inside] */
    async getKeys(inside = '') {
      /** @type {string[]} */
      const keys = [];
      /** @type {string | undefined} */
      let cursor;
      do {
        /** @type {BucketPage} */
        const page = await bucket.list({ prefix: folder + inside, ...(cursor && { cursor }) });
        for (const { key } of page.objects) keys.push(key.slice(folder.length));
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor);
      return keys;
    },
  };
}
