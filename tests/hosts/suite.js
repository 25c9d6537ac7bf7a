// SPDX-License-Identifier: Apache-2.0
// What every host must do, in plain JavaScript for all of them. It judges nothing: it reports what
// happened, as JSON, and the test compares that with what happened in its own Node.

/** @import { Engine, Input, Result } from '../../js/core.js' */
/** @import { EngineOptions } from '../../js/entry.js' */
/** @import { Image } from '../../js/image.js' */
/** @import { RemoveBackgroundOptions } from '../../js/options.js' */

/**
 * The functions of the entry `offcut`.
 *
 * @typedef {object} Core
 * @property {(input: Input, options?: RemoveBackgroundOptions) => Promise<Result>} removeBackground
 * @property {(options?: EngineOptions) => Promise<Pick<Engine, 'removeBackground' | 'dispose'>>} createEngine
 */

/**
 * The calls of a client: our own, or one of a server.
 *
 * @typedef {object} Images
 * @property {(body: { image: any, name: string }) => Promise<Image>} upload
 * @property {(id: string, body?: { name?: string }) => Promise<Image>} removeBackground
 * @property {(id: string) => Promise<Image>} retrieve
 * @property {(query: { take: number }) => Promise<{ data: Image[] }>} list
 * @property {(id: string) => Promise<Response>} download
 * @property {(id: string, body: any) => Promise<Image>} convert
 * @property {(id: string) => Promise<Image>} publish
 * @property {(id: string) => Promise<Image>} unpublish
 * @property {(id: string) => Promise<unknown>} delete
 */

const badBytes = new TextEncoder().encode('This is not a picture.');

/**
 * @param {Core} core
 * @param {Uint8Array} photo
 */
export async function runCore({ removeBackground, createEngine }, photo) {
  const { png, image, variant, coverage } = await removeBackground(photo, { name: 'fox' });
  /** @type {Record<string, string>} hash of the PNG by the build that made it */
  const sha256 = { [variant]: await hashOf(png) };
  if (variant !== 'simd128') {
    const engine = await createEngine({ variant: 'simd128' });
    sha256.simd128 = await hashOf((await engine.removeBackground(photo)).png);
    engine.dispose();
  }
  return {
    sha256,
    image: { ...image, id: image.id.length, size: image.size === png.length, created_at: '' },
    hasSubject: coverage > 0.05 && coverage < 0.95,
    badBytes: await failureOf(removeBackground(badBytes)),
    cutOff: await failureOf(removeBackground(photo.subarray(0, photo.length / 2))),
    aborted: await abortIn(removeBackground, photo),
  };
}

/**
 * Aborts in the middle of the network's run.
 *
 * @param {Core['removeBackground']} removeBackground
 * @param {Uint8Array} photo
 */
async function abortIn(removeBackground, photo) {
  const controller = new AbortController();
  const { signal } = controller;
  let start = 0;
  const onProgress = (/** @type {string} */ stage) => {
    if (stage !== 'infer' || signal.aborted) return;
    start = performance.now();
    controller.abort();
  };
  const failure = await failureOf(removeBackground(photo, { signal, onProgress }));
  return { ...failure, soon: performance.now() - start < 250 };
}

/**
 * @param {Images} images
 * @param {Uint8Array} bytes
 */
export async function runImages(images, bytes) {
  const photo = await images.upload({ image: bytes, name: 'fox' });
  const cutout = await images.removeBackground(photo.id, { name: 'cut-out' });
  const retrieved = await images.retrieve(cutout.id);
  const { data } = await images.list({ take: 10 });
  const file = await images.download(cutout.id);
  const png = new Uint8Array(await file.arrayBuffer());
  const converted = await images.convert(cutout.id, { format: 'webp', quality: 80 });
  const published = await images.publish(cutout.id);
  const unpublished = await images.unpublish(cutout.id);
  await images.delete(cutout.id);
  return {
    sha256: await hashOf(png),
    type: file.headers.get('content-type'),
    fields: Object.keys(cutout),
    sameWhenRetrieved: JSON.stringify(retrieved) === JSON.stringify(cutout),
    size: cutout.size === png.length,
    list: data.map(({ name }) => name),
    converted: [converted.name, converted.format, converted.width, converted.height],
    published: published.url?.endsWith(`/${cutout.id}`),
    unpublished: unpublished.url,
    deleted: await failureOf(images.retrieve(cutout.id)),
    badBytes: await failureOf(images.upload({ image: badBytes, name: 'bad' })),
  };
}

/**
 * The calls over HTTP.
 *
 * @param {string} base address of a server
 * @param {(url: string, init: any) => Promise<Response>} [send]
 * @returns {Images}
 */
export function httpImages(base, send = (url, init) => fetch(url, init)) {
  /** @param {string} method @param {string} path @param {any} [body] */
  const request = async (method, path, body) => {
    const isForm = body instanceof FormData;
    const headers = body && !isForm ? { 'content-type': 'application/json' } : {};
    const response = await send(`${base}/v1/images${path}`, {
      method,
      headers,
      body: body && !isForm ? JSON.stringify(body) : body,
    });
    if (response.ok) return response;
    const { title } = await response.json();
    throw Object.assign(new Error(title), { code: response.status });
  };
  /** @param {string} method @param {string} path @param {any} [body] */
  const json = async (method, path, body) => (await request(method, path, body)).json();
  return {
    upload: async ({ image, name }) => {
      const form = new FormData();
      form.set('image', new Blob([image]), 'photo');
      form.set('name', name);
      return json('POST', '/upload', form);
    },
    removeBackground: (id, body) => json('POST', `/${id}/remove-background`, body ?? {}),
    retrieve: (id) => json('GET', `/${id}`),
    list: ({ take }) => json('GET', `?take=${take}`),
    download: (id) => request('GET', `/${id}/download`),
    convert: (id, body) => json('POST', `/${id}/convert`, body),
    publish: (id) => json('POST', `/${id}/publish`),
    unpublish: (id) => json('POST', `/${id}/unpublish`),
    delete: (id) => request('DELETE', `/${id}`),
  };
}

/** @param {Promise<unknown>} promise */
async function failureOf(promise) {
  return promise.then(
    () => ({ code: 'no error', name: '' }),
    (error) => ({ code: error.code ?? error.message, name: error.name }),
  );
}

/** @param {Uint8Array} bytes */
export async function hashOf(bytes) {
  const digest = await crypto.subtle.digest('SHA-256', /** @type {any} */ (bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
