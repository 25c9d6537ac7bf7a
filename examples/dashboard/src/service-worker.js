// SPDX-License-Identifier: Apache-2.0
// Answers for the page when there is no network, and at the addresses of published images always.
import { ImageStore } from '../../../js/stores/images.js';
import { indexedDBStore } from '../../../js/stores/indexeddb.js';

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const { scope } = worker.registration;
const images = new ImageStore(indexedDBStore());

/** What the page is made of, put in by the build; names contain hashes. @type {string[]} */
const files = FILES;
const cacheName = `offcut-dashboard ${VERSION}`;

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  if (method !== 'GET' || !url.startsWith(scope)) return;
  const [, id] = /^images\/(\w+)$/.exec(url.slice(scope.length)) ?? [];
  if (id) event.respondWith(published(id));
  else if (mode === 'navigate') event.respondWith(page(event.request));
  else event.respondWith(file(event.request));
});

async function install() {
  const cache = await caches.open(cacheName);
  await cache.addAll(files.map((name) => new Request(new URL(name, scope), { cache: 'no-cache' })));
}

async function activate() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('offcut-dashboard ') && name !== cacheName);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** @param {string} id */
async function published(id) {
  const record = await images.find(id);
  const bytes = record && (await images.isPublished(id)) && (await images.read(record));
  if (!bytes) return new Response('Not found\n', { status: 404 });
  return new Response(bytes, { headers: { 'content-type': `image/${record.format}` } });
}

/**
 * The newest page there is.
 *
 * @param {Request} request
 */
async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(new URL('./', scope))) ?? Response.error();
  }
}

/**
 * What never changes under its name; photos to try are kept once they were used.
 *
 * @param {Request} request
 */
async function file(request) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && request.url.startsWith(`${scope}assets/`)) {
    const cache = await caches.open(cacheName);
    await cache.put(request, response.clone());
  }
  return response;
}
