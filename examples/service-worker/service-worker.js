// SPDX-License-Identifier: Apache-2.0
// The API in a service worker: requests of the page to /v1/images are answered here, with the images in IndexedDB.
// What that takes is fetched when the service worker is installed, and kept.

/* global self, caches */
import { createServer } from 'offcut/server';
import { indexedDBStore } from 'offcut/stores/indexeddb';

const CACHE = 'offcut-example-1';
const core = 'offcut.wasm';
const network = 'default.onnx';

self.addEventListener('install', (event) => {
  const fill = async () => (await caches.open(CACHE)).addAll(['./', 'page.js', core, network]);
  event.waitUntil(fill());
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin !== self.location.origin) return;
  const isApi = /^\/(v1|images)\//.test(pathname) || pathname === '/openapi.json';
  event.respondWith(isApi ? answer(event.request) : cached(event.request));
});

async function cached(request) {
  return (await caches.match(request)) ?? fetch(request);
}

let server;

async function answer(request) {
  server ??= startServer();
  try {
    return (await server).fetch(request);
  } catch (error) {
    server = undefined; // so that the next request tries again
    throw error;
  }
}

async function startServer() {
  const [wasm, onnx] = await Promise.all([caches.match(core), caches.match(network)]);
  return createServer({
    apiKeys: false, // no other site can send requests here
    rateLimit: false,
    store: indexedDBStore(),
    module: await WebAssembly.compile(await wasm.arrayBuffer()),
    variant: 'simd128',
    model: await onnx.blob(),
  });
}
