// SPDX-License-Identifier: Apache-2.0
import { createStorage } from 'unstorage';
import indexedDB from 'unstorage/drivers/indexedb';

/**
 * Images in the browser's own database: they stay after the page is closed, and the page, its
 * workers and its service worker share them.
 *
 * @param {{ name?: string }} [options] `name` of the database, default `'offcut'`
 * @returns {import('./images.js').Storage}
 */
export function indexedDBStore({ name = 'offcut' } = {}) {
  return createStorage({ driver: indexedDB({ dbName: name, storeName: 'images' }) });
}
