// SPDX-License-Identifier: Apache-2.0
// Adds images to a folder, and writes the id of each that is done:  store-writer.js FOLDER COUNT BYTES
import { writeSync } from 'node:fs';
import { fileStore } from 'offcut/stores/files';
import { createImage } from '../../js/image.js';
import { ImageStore } from '../../js/stores/images.js';

const [folder, count, size] = process.argv.slice(2);
const store = new ImageStore(fileStore(folder));
const bytes = new Uint8Array(Number(size)).fill(7);
for (let i = 0; i < Number(count); i++) {
  const facts = { name: 'written', width: 1, height: 1, format: /** @type {const} */ ('png') };
  const { url, ...image } = createImage({ ...facts, size: bytes.length });
  if (url !== null) throw new Error('a new image is not published');
  await store.add({ ...image, stage: 'live' }, bytes);
  writeSync(1, `${image.id}\n`);
}
