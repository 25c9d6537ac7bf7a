// SPDX-License-Identifier: Apache-2.0
// The worker's half. Import maps do not reach workers, so without a bundler the entry is named by its path.

/* global self */
import { removeBackground } from '../../js/index.web.js';

self.addEventListener('message', async ({ data: photo }) => {
  try {
    const { png, variant } = await removeBackground(photo);
    self.postMessage({ png, variant }, [png.buffer]);
  } catch (error) {
    self.postMessage({ error: error.message });
  }
});
