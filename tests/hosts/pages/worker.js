// SPDX-License-Identifier: Apache-2.0
// The suite in a worker.

/* global self */
import * as core from '../../../js/index.web.js';
import { createOffcut } from '../../../js/client/index.web.js';
import { runCore, runImages } from '../suite.js';

self.onmessage = async ({ data: photo }) => {
  try {
    const bytes = new Uint8Array(await (await fetch(photo)).arrayBuffer());
    const offcut = createOffcut({ publicURL: 'https://images.example.com' });
    self.postMessage({
      core: await runCore(core, bytes),
      client: await runImages(offcut.images, bytes),
    });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
