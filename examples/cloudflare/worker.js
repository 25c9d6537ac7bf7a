// SPDX-License-Identifier: Apache-2.0
// The API in a Cloudflare Worker, with its images in an R2 bucket.
import { createServer } from 'offcut/server';
import { r2Store } from 'offcut/stores/r2';

let server;

export default {
  fetch(request, env) {
    server ??= createServer({
      apiKeys: env.OFFCUT_API_KEYS.split(','),
      store: r2Store(env.IMAGES),
      log: ({ status, error }) => status >= 500 && console.error(error),
    });
    return server.fetch(request);
  },
};
