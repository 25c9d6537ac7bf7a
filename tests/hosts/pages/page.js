// SPDX-License-Identifier: Apache-2.0
// The suite in a page, with the images in IndexedDB, and the same in a worker of the page.

/* global window, Worker */
import * as core from '../../../js/index.web.js';
import { createOffcut } from '../../../js/client/index.web.js';
import { indexedDBStore } from '../../../js/stores/indexeddb.js';
import { runCore, runImages } from '../suite.js';

const photo = new URL('../../../examples/photos/fox.jpg', import.meta.url);

window.suiteInPage = async () => {
  const bytes = new Uint8Array(await (await fetch(photo)).arrayBuffer());
  const store = indexedDBStore({ name: `suite-${Date.now()}` });
  const offcut = createOffcut({ store, publicURL: 'https://images.example.com' });
  return { core: await runCore(core, bytes), client: await runImages(offcut.images, bytes) };
};

window.suiteInWorker = async () => {
  const worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
  const report = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(data.error) : resolve(data));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(photo.href);
  });
  worker.terminate();
  return report;
};
