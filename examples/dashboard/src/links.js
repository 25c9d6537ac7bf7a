// SPDX-License-Identifier: Apache-2.0
import { createStore, del, entries, set } from 'idb-keyval';

/**
 * Which cut-out was made of which photo: the API's image object does not say.
 *
 * @typedef {object} Links
 * @property {(photo: string, cutout: string) => Promise<void>} set
 * @property {(photo: string) => Promise<void>} delete
 * @property {() => Promise<Map<string, string>>} all from photos' ids to cut-outs' ids
 */

/** @returns {Links} */
export function createLinks() {
  const store = createStore('offcut-dashboard', 'links');
  return {
    set: (photo, cutout) => set(photo, cutout, store),
    delete: (photo) => del(photo, store),
    all: async () => new Map(await entries(store)),
  };
}
