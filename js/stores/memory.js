// SPDX-License-Identifier: Apache-2.0
import { createStorage } from 'unstorage';

/**
 * Images in this process's memory, gone with it: the default.
 *
 * @returns {import('./images.js').Storage}
 */
export function memoryStore() {
  return createStorage();
}
