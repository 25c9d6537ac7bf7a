// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { dispose, removeBackground } from '../../js/index.web.js';
import { discJpeg, failure, network, root } from './helpers.js';

// The entry for browsers asks for addresses beside itself. Loaded by Node they are files, which its
// `fetch` refuses, so
// the tests send them to a web server of their own; browsers themselves have their tests in
// tests/hosts.
const nodeFetch = globalThis.fetch;

/** @type {http.Server} */
let server;
/** @type {string[]} paths that were asked for */
let asked = [];
/** @type {(path: string) => number | undefined} another answer than the file */
let refuse = () => undefined;
let wasmType = 'application/wasm';
/** @type {Uint8Array} */
let jpeg;

before(async () => {
  jpeg = await discJpeg();
  server = http.createServer(async (request, response) => {
    const path = String(request.url).slice(1);
    asked.push(path);
    const status = refuse(path);
    if (status) return void response.writeHead(status).end('not now');
    const type = path.endsWith('.wasm') ? wasmType : 'application/octet-stream';
    const bytes = path === 'network.onnx' ? network : await readFile(new URL(path, root));
    response.writeHead(200, { 'content-type': type }).end(bytes);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  globalThis.fetch = (url) => nodeFetch(String(url).replace(root.href, address()));
});

after(() => {
  globalThis.fetch = nodeFetch;
  server.closeAllConnections();
  server.close();
});

function address() {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}/`;
}

test('fetches the core and the network once, with the first photo', async () => {
  asked = [];
  const [one, two] = await Promise.all([
    removeBackground(jpeg),
    removeBackground(new Blob([Buffer.from(jpeg)])),
  ]);
  assert.deepEqual(one.png, two.png);
  assert.equal(new Set(asked).size, asked.length, asked.join(' '));
  const core = one.variant === 'relaxed' ? 'dist/offcut.relaxed.wasm' : 'dist/offcut.wasm';
  assert.deepEqual(asked.sort(), [core, 'models/default.onnx']);
  await removeBackground(jpeg);
  assert.equal(asked.length, 2);
  dispose();
});

test('compiles wasm that comes with another type', async () => {
  wasmType = 'application/octet-stream';
  assert.equal((await removeBackground(jpeg)).image.format, 'png');
  wasmType = 'application/wasm';
  dispose();
});

test('a failed request is an error that names the address, and is tried again', async () => {
  for (const [part, status] of /** @type {const} */ ([
    ['.wasm', 503],
    ['default.onnx', 404],
  ])) {
    refuse = (path) => (path.includes(part) ? status : undefined);
    const error = await failure(removeBackground(jpeg));
    assert.equal(error.code, 'ERR_LOAD');
    assert.ok(
      error.message.includes(part) && error.message.includes(String(status)),
      error.message,
    );
  }
  refuse = () => undefined;
  assert.equal((await removeBackground(jpeg)).image.format, 'png');
  dispose();
  const error = await failure(removeBackground(jpeg, { model: 'http://127.0.0.1:1/network.onnx' }));
  assert.equal(error.code, 'ERR_LOAD');
  assert.ok(error.cause instanceof TypeError);
});

test('an abort does not wait for the network', async () => {
  /** @type {(() => void) | undefined} */
  let answer;
  const slow = new Promise((resolve) => (answer = () => resolve(undefined)));
  const through = globalThis.fetch;
  globalThis.fetch = async (url) => slow.then(() => through(url));
  const abort = new AbortController();
  const job = failure(removeBackground(jpeg, { signal: abort.signal }));
  abort.abort();
  assert.equal((await job).code, 'ERR_CANCELLED');
  answer?.();
  globalThis.fetch = through;
  // The load went on, and is of use.
  assert.equal((await removeBackground(jpeg)).image.format, 'png');
  dispose();
});

test('takes a network by its address, and refuses photos by theirs', async () => {
  const { coverage } = await removeBackground(jpeg, { model: `${address()}network.onnx` });
  assert.ok(coverage > 0.1);
  const error = await failure(removeBackground('photo.jpg'));
  assert.equal(
    error.message,
    'Expected a Uint8Array, ArrayBuffer, Blob or File for input but received "photo.jpg"',
  );
  dispose();
});
