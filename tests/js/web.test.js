// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import test, { after, before } from 'node:test';
import { dispose, removeBackground } from '../../js/index.web.js';
import { discJpeg, failure, network, root } from './helpers.js';

// The entry for browsers asks for addresses beside itself. Loaded by Node they are files, which its
// `fetch` refuses, so the tests send them to a web server of their own; browsers themselves have
// their tests in tests/hosts.
const nodeFetch = globalThis.fetch;

/** @type {http.Server} */
let server;
/** @type {string[]} paths that were asked for */
let asked = [];
/** @type {(path: string) => number | undefined} another answer than the file */
let refuse = () => undefined;
let wasmType = 'application/wasm';
/** @type {Uint8Array | undefined} instead of the wasm */
let wasmBytes;
/** @type {Uint8Array} */
let jpeg;

before(async () => {
  jpeg = await discJpeg();
  server = http.createServer(async (request, response) => {
    const path = String(request.url).slice(1).replace(/\?.*/, '');
    asked.push(path);
    const status = refuse(path);
    if (status) return void response.writeHead(status).end('not now');
    const type = path.endsWith('.wasm') ? wasmType : 'application/octet-stream';
    response.writeHead(200, { 'content-type': type });
    if (path === 'broken.jpg')
      return void response.write(jpeg.subarray(0, 1000), () => response.destroy());
    if (path === 'endless.jpg') return endless(response);
    if (path === 'network.onnx') response.end(network);
    else if (path === 'a%20disc.jpg') response.end(jpeg);
    else if (path.endsWith('.wasm') && wasmBytes) response.end(wasmBytes);
    else response.end(await readFile(new URL(path, root)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  globalThis.fetch = (url, init) => nodeFetch(String(url).replace(root.href, address()), init);
});

after(() => {
  globalThis.fetch = nodeFetch;
  server.closeAllConnections();
  server.close();
});

/**
 * A photo that never ends.
 *
 * @param {http.ServerResponse} response
 */
function endless(response) {
  const timer = setInterval(() => response.write(new Uint8Array(1000)), 5);
  response.on('close', () => {
    clearInterval(timer);
    asked.push('closed');
  });
}

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

test('what is no wasm, or a page in its place, is an error that names the address', async () => {
  wasmBytes = Buffer.from('<!doctype html><title>not found</title>');
  for (const [type, reason] of [
    ['text/html; charset=utf-8', /offcut\S*\.wasm is a page \(text\/html\)/],
    ['application/wasm', /offcut\S*\.wasm could not be compiled: CompileError/],
    ['text/plain', /offcut\S*\.wasm could not be compiled: CompileError/],
  ]) {
    wasmType = String(type);
    const error = await failure(removeBackground(jpeg));
    assert.equal(error.code, 'ERR_LOAD');
    assert.match(error.message, /** @type {RegExp} */ (reason));
  }
  wasmType = 'application/wasm';
  wasmBytes = undefined;
  assert.equal((await removeBackground(jpeg)).image.format, 'png');
  dispose();
});

test('takes a network and photos by their addresses', async () => {
  const model = `${address()}network.onnx`;
  const { coverage, png } = await removeBackground(jpeg, { model });
  assert.ok(coverage > 0.1);
  const object = URL.createObjectURL(new Blob([Buffer.from(jpeg)]));
  for (const [photo, name] of /** @type {const} */ ([
    [`${address()}a%20disc.jpg?size=1`, 'a disc'],
    [new URL('a disc.jpg', address()), 'a disc'],
    [object, 'image'],
    [`data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`, 'image'],
  ])) {
    const result = await removeBackground(photo, { model });
    assert.deepEqual(result.png, png);
    assert.equal(result.image.name, name);
  }
  URL.revokeObjectURL(object);
  const loads = () => asked.filter((path) => path === 'network.onnx').length;
  const before = loads();
  for (let i = 0; i < 2; i++) await removeBackground(jpeg, { model: new URL(model) });
  assert.equal(loads(), before, 'the same address is the same network');
});

test('a photo that cannot be fetched is an error that says why', async () => {
  const model = network;
  for (const [photo, code, reason] of /** @type {[string, string, RegExp][]} */ ([
    [`${address()}broken.jpg`, 'ERR_LOAD', /broken\.jpg could not be fetched: TypeError/],
    ['http://', 'ERR_LOAD', /could not be fetched: TypeError/],
    [`${address()}endless.jpg`, 'ERR_LIMIT', /expected at most 2000 bytes/],
    ['', 'ERR_ARGUMENT', /Expected .* for input but received ""/],
  ])) {
    const error = await failure(removeBackground(photo, { model, bytesMax: 2000 }));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, reason);
  }
  assert.ok(jpeg.length > 2000);
  const error = await failure(
    removeBackground(`${address()}a disc.jpg`, { model, bytesMax: 2000 }),
  );
  assert.equal(error.code, 'ERR_LIMIT');
  dispose();
});

test('an abort ends the download of the photo', { timeout: 20_000 }, async () => {
  asked = [];
  const abort = new AbortController();
  const job = failure(removeBackground(`${address()}endless.jpg`, { signal: abort.signal }));
  while (!asked.includes('endless.jpg')) await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  assert.equal((await job).code, 'ERR_CANCELLED');
  while (!asked.includes('closed')) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(await removeBackground(jpeg)); // it is not in the way of the next
  dispose();
});
