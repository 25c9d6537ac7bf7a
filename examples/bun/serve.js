// SPDX-License-Identifier: Apache-2.0
// The API in Bun, with its images in the folder `images`, for this machine alone.
//
//     bun serve.js

/* global Bun */
import { createServer } from 'offcut/server';
import { fileStore } from 'offcut/stores/files';

const { fetch } = createServer({ apiKeys: false, store: fileStore('images') });
// A picture takes longer than the ten seconds that Bun gives a connection, if many come at once.
const { url } = Bun.serve({
  hostname: '127.0.0.1',
  port: Bun.env.PORT ?? 8787,
  idleTimeout: 120,
  fetch,
});
console.log(`Listening on ${url}`);
