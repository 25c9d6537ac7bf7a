// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { createEngine, dispose, removeBackground } from 'offcut';
import { discJpeg, failure, network } from './helpers.js';

/** @type {string} */
let folder;
/** @type {Uint8Array} */
let jpeg;
/** @type {Uint8Array} what every kind of input must give */
let expected;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'offcut-'));
  jpeg = await discJpeg();
  await writeFile(path.join(folder, 'a disc.jpg'), jpeg);
  expected = (await removeBackground(jpeg, { model: network })).png;
});

after(async () => {
  dispose();
  await rm(folder, { recursive: true });
});

/** @type {Record<string, () => [any, string]>} input, name of the image */
const kinds = {
  Uint8Array: () => [jpeg, 'image'],
  'Uint8Array inside a larger buffer': () => {
    const larger = new Uint8Array(jpeg.length + 20).fill(255);
    larger.set(jpeg, 7);
    return [larger.subarray(7, 7 + jpeg.length), 'image'];
  },
  ArrayBuffer: () => [jpeg.slice().buffer, 'image'],
  'ArrayBuffer of another realm': () => {
    const view = vm.runInNewContext(`new Uint8Array(${jpeg.length})`);
    view.set(jpeg);
    return [view.buffer, 'image'];
  },
  DataView: () => [new DataView(jpeg.slice().buffer), 'image'],
  Buffer: () => [Buffer.from(jpeg), 'image'],
  'SharedArrayBuffer view': () => {
    const view = new Uint8Array(new SharedArrayBuffer(jpeg.length));
    view.set(jpeg);
    return [view, 'image'];
  },
  Blob: () => [new Blob([Buffer.from(jpeg)]), 'image'],
  File: () => [new File([Buffer.from(jpeg)], 'me.at.sea.jpg'), 'me.at.sea'],
  Response: () => [new Response(Buffer.from(jpeg)), 'image'],
  'stream of the web': () => [new Blob([Buffer.from(jpeg)]).stream(), 'image'],
  'stream of Node': () => [createReadStream(path.join(folder, 'a disc.jpg')), 'image'],
  'async iterable': () => [parts(), 'image'],
  Source: () => [{ name: 'x/y.webp', read: async () => jpeg }, 'y'],
  path: () => [path.join(folder, 'a disc.jpg'), 'a disc'],
  'relative path': () => [path.relative('.', path.join(folder, 'a disc.jpg')), 'a disc'],
  'file: URL': () => [pathToFileURL(path.join(folder, 'a disc.jpg')), 'a disc'],
  'file: URL as text': () => [pathToFileURL(path.join(folder, 'a disc.jpg')).href, 'a disc'],
};

async function* parts() {
  yield jpeg.subarray(0, 1000);
  yield Buffer.from(jpeg.subarray(1000));
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`takes a photo as ${kind}`, async () => {
    const [input, name] = make();
    const { png, image } = await removeBackground(input, { model: network });
    assert.deepEqual(png, expected);
    assert.equal(image.name, name);
  });
}

test('refuses what is no photo, and says what it got', async () => {
  for (const [input, got] of /** @type {[any, string][]} */ ([
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42 of type number'],
    [{}, 'an object'],
    [[1, 2, 3], 'an array'],
    ['', '""'],
    ['https://example.test/a.jpg', '"https://example.test/a.jpg"'],
    [new URL('https://example.test/a.jpg'), 'an instance of URL'],
  ])) {
    const error = await failure(removeBackground(input, { model: network }));
    assert.equal(error.code, 'ERR_ARGUMENT');
    assert.match(error.message, /^Expected .* for input but received /);
    assert.ok(error.message.endsWith(` but received ${got}`), error.message);
  }
});

test('streams are held to the limits, and what is wrong with one is said', async () => {
  const used = new Response(Buffer.from(jpeg));
  await used.arrayBuffer();
  const missing = createReadStream(path.join(folder, 'missing.jpg'));
  async function* words() {
    yield 'a photo';
  }
  for (const [input, code, reason] of /** @type {[any, string, RegExp][]} */ ([
    [new Blob([Buffer.from(jpeg)]).stream(), 'ERR_LIMIT', /at most 1000 bytes/],
    [used, 'ERR_LOAD', /could not be read: TypeError/],
    [missing, 'ERR_LOAD', /could not be read: Error: ENOENT/],
    [words(), 'ERR_ARGUMENT', /Expected bytes for a part of the stream but received "a photo"/],
    [{ read: async () => 'a photo' }, 'ERR_ARGUMENT', /Expected bytes for what read\(\) answers/],
  ])) {
    const error = await failure(removeBackground(input, { model: network, bytesMax: 1000 }));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, reason);
  }
});

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'here';
  test(`a source that is stuck does not hold up others once aborted, ${where}`, async () => {
    const engine = await createEngine({ model: network, worker: worker && { size: 1 } });
    const abort = new AbortController();
    const stuck = { read: () => new Promise(() => {}) };
    const job = failure(engine.removeBackground(stuck, { signal: abort.signal }));
    const next = engine.removeBackground(jpeg);
    setTimeout(() => abort.abort(), 20);
    assert.equal((await job).code, 'ERR_CANCELLED');
    assert.deepEqual((await next).png, expected);
    engine.dispose();
  });
}

test('an engine takes paths too', async () => {
  const engine = await createEngine({ model: network });
  const { png } = await engine.removeBackground(path.join(folder, 'a disc.jpg'));
  assert.deepEqual(png, expected);
  engine.dispose();
});

test('takes a network as bytes, Blob, path and URL, with a description or without', async () => {
  const file = path.join(folder, 'network.onnx');
  await writeFile(file, network);
  for (const model of [
    Buffer.from(network),
    network.slice().buffer,
    new Blob([Buffer.from(network)]),
    file,
    pathToFileURL(file),
    { data: network },
    { data: file, input: {}, output: { index: 0 } },
  ]) {
    const { png } = await removeBackground(jpeg, { model });
    assert.deepEqual(png, expected);
  }
  for (const model of [5, null, '', {}, 'ftp://example.test/x.onnx']) {
    const error = await failure(removeBackground(jpeg, { model: /** @type {any} */ (model) }));
    assert.equal(error.code, 'ERR_ARGUMENT', String(model));
    assert.match(error.message, /for model but received/);
  }
});

test('a description beside the network is read, and one given in the call goes first', async () => {
  const file = path.join(folder, 'described.onnx');
  await writeFile(file, network);
  // Brightness 0..1 becomes 1..0: the background is the subject.
  await writeFile(
    `${file}.json`,
    JSON.stringify({ input: { mean: [1, 1, 1] }, output: { activation: 'sigmoid' } }),
  );
  const lit = await removeBackground(jpeg, { model: file, refine: false, output: 'mask' });
  const given = { data: file, output: { activation: /** @type {const} */ ('none') } };
  const plain = await removeBackground(jpeg, { model: given, refine: false, output: 'mask' });
  assert.ok(lit.coverage > plain.coverage + 0.1, `${lit.coverage} and ${plain.coverage}`);
  await writeFile(`${file}.json`, '{ "input": ');
  const error = await failure(createEngine({ model: file }));
  assert.equal(error.code, 'ERR_LOAD');
  assert.match(error.message, /described\.onnx\.json is not JSON/);
});
