// SPDX-License-Identifier: Apache-2.0
// The suite and the examples in real browsers: in a page, in a worker, in a service worker without a network.

/* global document */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { build } from 'vite';
import { pathOf } from '../js/helpers.js';
import { browsers } from './browsers.js';
import { expectCore, expectHash, expectImages, photo, photoPath } from './expect.js';
import { missing, tools } from './tools.js';

const folder = mkdtempSync(path.join(tmpdir(), 'offcut-'));

before(async () => {
  if (browsers.every(({ skip }) => skip)) return;
  await build({
    root: pathOf('tests/hosts/pages'),
    base: './',
    configFile: false,
    logLevel: 'warn',
    worker: { format: 'es' },
    build: { outDir: path.join(folder, 'pages'), emptyOutDir: true, target: 'es2023' },
  });
});

after(() => rmSync(folder, { recursive: true, force: true }));

for (const { name, skip, launch } of browsers) {
  describe(name, { skip }, () => {
    /** @type {import('./browsers.js').Browser} */
    let browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser?.close());

    test('the suite in a page', async (t) => {
      await browser.open(`${await serveFolder(t, path.join(folder, 'pages'))}/index.html`);
      const report = await browser.evaluate(() => /** @type {any} */ (globalThis).suiteInPage());
      await expectCore(report.core);
      await expectImages(report.client);
    });

    test('the suite in a worker', async (t) => {
      await browser.open(`${await serveFolder(t, path.join(folder, 'pages'))}/index.html`);
      const report = await browser.evaluate(() => /** @type {any} */ (globalThis).suiteInWorker());
      await expectCore(report.core);
      await expectImages(report.client);
    });

    test('threads, where the page is isolated', async (t) => {
      const photoAddress = '/examples/photos/fox.jpg';
      await browser.open(`${await serveFolder(t, pathOf('.'))}/examples/browser/index.html`);
      const plain = await browser.evaluate(inThreads, photoAddress);
      assert.equal(plain.error.code, 'ERR_UNSUPPORTED');
      assert.match(plain.error.message, /cross-origin isolated|SharedArrayBuffer/);
      const url = await serveFolder(t, pathOf('.'), isolation);
      await browser.open(`${url}/examples/browser/index.html`);
      const shares = await browser.evaluate(() => typeof SharedArrayBuffer === 'function');
      if (!shares) return t.diagnostic('this browser shares no memory, isolated or not');
      const inPage = await browser.evaluate(inThreads, photoAddress, { worker: false });
      assert.equal(inPage.error.code, 'ERR_UNSUPPORTED');
      assert.match(inPage.error.message, /a page must not wait/);
      const { sha256, threads, worker, left, error } = await browser.evaluate(
        inThreads,
        photoAddress,
      );
      assert.equal(error, undefined);
      assert.deepEqual({ threads, worker, left }, { threads: 2, worker: true, left: 0 });
      await expectHash(sha256);
    });

    for (const example of ['browser', 'worker']) {
      test(`the example ${example}`, async (t) => {
        await browser.open(`${await serveFolder(t, pathOf('.'))}/examples/${example}/index.html`);
        await browser.evaluate(untilStatus, 'ready');
        await expectHash(await cutOut(browser));
      });
    }

    test('the example service-worker', { skip: missing('esbuild') }, async (t) => {
      const site = path.join(folder, name);
      const env = { ...process.env, PATH: `${path.dirname(tools.esbuild)}:${process.env.PATH}` };
      const cwd = pathOf('examples/service-worker');
      execFileSync('sh', ['build.sh', path.relative(cwd, site)], { cwd, env });
      const server = await startSite(site);
      t.after(() => server.close());
      await browser.open(server.url);
      await browser.evaluate(untilStatus, 'ready');
      await server.close();

      await browser.open(server.url);
      await browser.evaluate(untilStatus, 'ready');
      await expectHash(await cutOut(browser));
      const report = await browser.evaluate(
        suiteByFetch,
        readFileSync(pathOf('tests/hosts/suite.js'), 'utf8'),
        Buffer.from(photo).toString('base64'),
      );
      // The example's own two are there as well.
      assert.deepEqual(report.list.splice(2), ['photo', 'photo']);
      await expectImages(report, { http: true });
    });
  });
}

/**
 * Chooses the photo in a page of the examples, and answers the hash of the PNG that comes of it.
 *
 * @param {import('./browsers.js').Browser} browser
 */
async function cutOut(browser) {
  await browser.choose('input', photoPath);
  return browser.evaluate(async () => {
    const picture = /** @type {HTMLImageElement} */ (document.querySelector('img'));
    const status = /** @type {HTMLElement} */ (document.querySelector('[role=status]'));
    const end = Date.now() + 60_000;
    while (!status.textContent?.startsWith('done')) {
      if (Date.now() > end) throw new Error(`not done after a minute: ${status.textContent}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await picture.decode();
    const png = await (await fetch(picture.src)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', png));
    return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  });
}

/** In the page. @param {string} text */
async function untilStatus(text) {
  const status = () => document.querySelector('[role=status]')?.textContent;
  while (status() !== text) await new Promise((resolve) => setTimeout(resolve, 50));
}

/**
 * In the page, which cannot load the suite without a network.
 *
 * @param {string} source
 * @param {string} base64 the photo
 */
async function suiteByFetch(source, base64) {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const { httpImages, runImages } = await import(url);
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return runImages(httpImages(''), bytes);
}

/** What a page has to be served with to share memory, and what a careful one is. */
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'content-security-policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
};

/**
 * In the page.
 *
 * @param {string} address of the photo
 * @param {import('offcut').EngineOptions} [options]
 */
async function inThreads(address, options) {
  const script = '/js/index.web.js';
  const { createEngine } = await import(script);
  try {
    const engine = await createEngine({ threads: 2, ...options });
    const photo = await (await fetch(address)).blob();
    let last = new Uint8Array();
    for (let i = 0; i < 3; i++) last = (await engine.removeBackground(photo)).png;
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', last));
    const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const { threads, worker } = engine;
    engine.dispose();
    return { sha256, threads, worker, left: engine.memoryBytes };
  } catch (error) {
    return { error: { code: error.code, message: error.message } };
  }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} root
 * @param {Record<string, string>} [headers]
 */
async function serveFolder(t, root, headers) {
  const { url, close } = await startSite(root, headers);
  t.after(close);
  return url;
}

/**
 * @param {string} root
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
function startSite(root, headers = {}) {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
  });
  app.use(serveStatic({ root: path.relative(process.cwd(), root) || '.' }));
  return new Promise((resolve) => {
    const server = /** @type {import('node:http').Server} */ (
      serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
        const close = async () => {
          server.closeAllConnections();
          await new Promise((done) => server.close(done));
        };
        resolve({ url: `http://127.0.0.1:${port}`, close });
      })
    );
  });
}
