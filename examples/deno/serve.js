// SPDX-License-Identifier: Apache-2.0
// The API in Deno, with its images in the folder `images`, for this machine alone.
//
//     deno run --allow-net --allow-read --allow-write --allow-env serve.js

/* global Deno */
import { createServer } from 'offcut/server';
import { fileStore } from 'offcut/stores/files';

const server = createServer({ apiKeys: false, store: fileStore('images') });
const port = Number(Deno.env.get('PORT') ?? 8787);
Deno.serve({ hostname: '127.0.0.1', port }, (request) => server.fetch(request));
