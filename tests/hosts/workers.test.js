// SPDX-License-Identifier: Apache-2.0
// What only a real page can show: its own files without a bundler, under a strict policy, in workers; ONNX Runtime Web.

/* global location, Worker */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { network, pathOf, pixels } from '../js/helpers.js';
import { browsers } from './browsers.js';
import { expectHash } from './expect.js';

/** What `'self'` does not already allow: compiling the core, and nothing else. */
const STRICT = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'`;
const NO_WORKERS = STRICT.replace(/worker-src 'self'/, "worker-src 'none'");

const TYPES = /** @type {Record<string, string>} */ ({
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
});

/** The import map of the documentation, on a page that has nothing else. */
const readme = readFileSync(pathOf('js/server/README.md'), 'utf8');
const [, importMap = ''] = /```html\n([\s\S]*?)```/.exec(readme) ?? [];

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(String(request.url), 'http://localhost');
  if (pathname === '/page') {
    const policy = searchParams.get('policy');
    const headers = {
      'content-type': 'text/html',
      ...(policy && { 'content-security-policy': policy }),
    };
    return void response
      .writeHead(200, headers)
      .end(`<!doctype html><title>A page</title>${searchParams.has('map') ? importMap : ''}`);
  }
  if (pathname === '/network.onnx') return void response.end(network);
  const outside = pathname.startsWith('/shared/') ? '..' : '.';
  const file = pathOf(path.join(outside, path.normalize(pathname)));
  const bytes = await readFile(file).catch(() => undefined);
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
  response.writeHead(bytes ? 200 : 404, { 'content-type': type }).end(bytes);
});

/** @param {string | undefined} policy @param {string} [more] */
function page(policy, more = '') {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const query = policy ? `policy=${encodeURIComponent(policy)}` : '';
  return `http://127.0.0.1:${port}/page?${query}${more}`;
}

// What runs in the page. Each is sent there as its own text.

/** @param {any} options */
async function cutOut(options) {
  const entry = '/js/index.web.js';
  const { removeBackground } = await import(entry);
  try {
    const { png, backend, worker } = await removeBackground('/examples/photos/fox.jpg', options);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', png));
    const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { backend, worker, sha256 };
  } catch (error) {
    const { code, name, message } = /** @type {any} */ (error);
    return { code, name, message };
  }
}

/** How long the page took no turn while a worker worked, and without one; shortest of a few. */
async function gaps() {
  const entry = '/js/index.web.js';
  const { removeBackground } = await import(entry);
  const photo = await (await fetch('/examples/photos/fox.jpg')).blob();
  await removeBackground(photo); // warm
  let shortest = Infinity;
  for (let i = 0; i < 5 && shortest > 50; i++) {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 4);
    await removeBackground(photo);
    clearInterval(timer);
    shortest = Math.min(shortest, longest);
  }
  return shortest;
}

/** An abort while the network runs: how long until it rejects, and until the worker is free again. */
async function abort() {
  const entry = '/js/index.web.js';
  const { createEngine } = await import(entry);
  const engine = await createEngine({ worker: { size: 1 } });
  const photo = await (await fetch('/examples/photos/fox.jpg')).blob();
  await engine.removeBackground(photo); // warm
  const bad = () =>
    engine.removeBackground(new Uint8Array(9)).catch((/** @type {any} */ e) => e.code);
  const begin = performance.now();
  await engine.removeBackground(photo);
  const whole = performance.now() - begin;
  const control = new AbortController();
  let start = 0;
  const error = await engine
    .removeBackground(photo, {
      signal: control.signal,
      onProgress: (/** @type {string} */ stage) => {
        if (stage !== 'infer' || start) return;
        start = performance.now();
        control.abort();
      },
    })
    .catch((/** @type {any} */ e) => e);
  const rejected = performance.now() - start;
  const code = await bad();
  const free = performance.now() - start;
  engine.dispose();
  return { error: error.code, name: error.name, code, whole, rejected, free };
}

/**
 * The mattes of both engines, as data URLs.
 *
 * @param {string} model
 * @param {boolean} inWorker
 */
async function bothEngines(model, inWorker) {
  const [entry, adapter] = ['/js/index.web.js', '/js/ort.js'];
  const runtime = '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs';
  const { createEngine } = await import(entry);
  const { onnxRuntime } = await import(adapter);
  const ort = await import(runtime);
  const photo = await (await fetch('/examples/photos/fox.jpg')).blob();
  const known = { model: new URL(model, location.href).href };
  const create = () => new Worker('/tests/hosts/ort-worker.js', { type: 'module' });
  const other = inWorker ? { worker: { create } } : { backend: onnxRuntime({ ort }) };
  const answers = [];
  for (const options of [{}, other]) {
    const engine = await createEngine({ ...known, ...options });
    const { png, backend, worker } = await engine.removeBackground(photo, { output: 'mask' });
    engine.dispose();
    const text = Array.from(png, (byte) => String.fromCharCode(byte)).join('');
    answers.push({ png: btoa(text), backend, worker });
  }
  return answers;
}

/** The client by an import map. */
async function client() {
  const name = 'offcut/client';
  const { createOffcut } = await import(name);
  const { indexedDBStore } = await import('offcut/stores/indexeddb');
  const offcut = createOffcut({ store: indexedDBStore({ name: 'workers-test' }) });
  const image = await (await fetch('/examples/photos/fox.jpg')).blob();
  const photo = await offcut.images.upload({ image, name: 'fox' });
  const cutout = await offcut.images.removeBackground(photo.id);
  const jpeg = await offcut.images.convert(cutout.id, { format: 'jpeg' });
  const listed = await offcut.images.list();
  const refused = await offcut.images
    .createFromURL({ url: 'https://127.0.0.1/a.png', name: 'a' })
    .catch((/** @type {any} */ error) => error.code);
  const { backend } = offcut;
  for (const { id } of listed.data) await offcut.images.delete(id);
  offcut.dispose();
  return { cutout, jpeg, count: listed.data.length, refused, backend };
}

/**
 * @param {string} one PNG, base64
 * @param {string} two
 */
async function assertSame(one, two) {
  const [a, b] = await Promise.all([one, two].map((png) => pixels(Buffer.from(png, 'base64'))));
  let same = 0;
  a.samples.forEach((value, i) => (same += Number(Math.abs(value - b.samples[i]) <= 2)));
  assert.ok(same >= 0.999 * a.samples.length, `${same / a.samples.length} are the same`);
}

before(() => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined))));
after(() => {
  server.closeAllConnections();
  server.close();
});

for (const { name, skip, launch } of browsers) {
  describe(name, { skip }, () => {
    /** @type {import('./browsers.js').Browser} */
    let browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser?.close());

    test('a page works in a worker, under a strict policy, without a bundler', async () => {
      await browser.open(page(STRICT));
      const { backend, worker, sha256 } = await browser.evaluate(cutOut, {});
      assert.deepEqual([backend, worker], ['offcut', true]);
      await expectHash(sha256);
      const longest = await browser.evaluate(gaps);
      assert.ok(longest < 50, `${longest} ms without a turn`);
    });

    test('where no worker may be started the page works itself, unless it must not', async () => {
      await browser.open(page(NO_WORKERS));
      const { worker, sha256 } = await browser.evaluate(cutOut, {});
      assert.equal(worker, false);
      await expectHash(sha256);
      const refused = await browser.evaluate(cutOut, { worker: true });
      assert.equal(refused.code, 'ERR_WORKER');
    });

    test('a policy that forbids WebAssembly is an error that says so', async (t) => {
      await browser.open(page("default-src 'self'; script-src 'self'"));
      const { code, message, sha256 } = await browser.evaluate(cutOut, {});
      if (sha256 && name === 'WebKitGTK') return t.skip('this WebKit compiles all the same');
      assert.equal(code, 'ERR_LOAD', message);
      assert.match(message, /\.wasm could not be compiled: \w*Error: .*(policy|CSP|unsafe-eval)/i);
    });

    test('an abort reaches the worker', async () => {
      await browser.open(page(STRICT));
      const { error, name, code, whole, rejected, free } = await browser.evaluate(abort);
      assert.deepEqual([error, name, code], ['ERR_CANCELLED', 'AbortError', 'ERR_FORMAT']);
      assert.ok(rejected < 50, `${rejected} ms until it rejected`);
      assert.ok(free < whole / 2, `${free} ms until the worker was free, of ${whole}`);
    });

    test('the client by the import map of the documentation', async () => {
      await browser.open(page(undefined, '&map'));
      const { cutout, jpeg, count, refused, backend } = await browser.evaluate(client);
      assert.deepEqual(
        [cutout.format, jpeg.format, count, refused],
        ['png', 'jpeg', 3, 'ERR_ARGUMENT'],
      );
      assert.equal(backend.worker, true);
    });

    // One browser is enough to show that the adapter works in browsers; the others take as long.
    const networks = name === 'Chromium' ? ['u2netp', 'SINet', 'prisma_nchw'] : [];
    for (const [i, network] of networks.entries()) {
      const file = `shared/models/${network}.onnx`;
      const absent = !existsSync(pathOf(`../${file}`)) && 'no networks of others at hand';
      test(`ONNX Runtime Web gives the same matte: ${network}`, { skip: absent }, async () => {
        await browser.open(page(STRICT));
        const [own, other] = await browser.evaluate(bothEngines, `/${file}`, i % 2 === 0);
        assert.deepEqual([own.backend, other.backend], ['offcut', 'onnxruntime-web/wasm']);
        assert.equal(other.worker, i % 2 === 0);
        await assertSame(own.png, other.png);
      });
    }
  });
}

/** Our own matte and that of WebGPU, as long as the page has that. */
async function webgpu() {
  const gpu = /** @type {any} */ (navigator).gpu;
  if (!(await gpu?.requestAdapter())) return undefined;
  const [entry, adapter] = ['/js/index.web.js', '/js/ort.js'];
  const runtime = '/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs';
  const { createEngine } = await import(entry);
  const { onnxRuntime } = await import(adapter);
  const ort = await import(runtime);
  const photo = await (await fetch('/examples/photos/fox.jpg')).blob();
  const model = { data: `${location.origin}/network.onnx`, input: {} };
  const backend = onnxRuntime({ ort, executionProviders: ['webgpu', 'wasm'] });
  const engines = [await createEngine({ model }), await createEngine({ model, backend })];
  const answers = [];
  for (const engine of engines) {
    const { png } = await engine.removeBackground(photo, { output: 'mask' });
    const text = Array.from(png, (byte) => String.fromCharCode(byte)).join('');
    answers.push({ png: btoa(text), backend: engine.backend });
  }
  return answers;
}

const [chromium] = browsers;

test('ONNX Runtime Web on WebGPU, drawn by software', { skip: chromium.skip }, async (t) => {
  const browser = await chromium.launch([
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--enable-features=Vulkan',
  ]);
  t.after(() => browser.close());
  await browser.open(page(undefined));
  const answers = await browser.evaluate(webgpu);
  if (!answers) return t.skip('this Chromium has no WebGPU');
  const [own, other] = answers;
  assert.deepEqual([own.backend, other.backend], ['offcut', 'onnxruntime-web/webgpu']);
  await assertSame(own.png, other.png);
});
