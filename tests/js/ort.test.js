// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { createEngine } from 'offcut';
import { onnxRuntime } from 'offcut/ort';
import * as ort from 'onnxruntime-web/wasm';
import { discJpeg, examplePhotos, failure, network, pathOf, pixels } from './helpers.js';
import { brightnessNetwork } from './onnx.js';

const [photo] = examplePhotos().filter((path) => path.endsWith('fox.jpg'));

/**
 * How much of one engine's mask is within 2/255 of another's, 0 to 1.
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} two
 */
async function agreement(one, two) {
  const [a, b] = [await pixels(one), await pixels(two)];
  assert.equal(a.samples.length, b.samples.length);
  const far = a.samples.filter((value, i) => Math.abs(value - b.samples[i]) > 2);
  return 1 - far.length / a.samples.length;
}

/** What `offcut/ort` is tested with: networks of others, where they are at hand, and our own. */
const networks = [
  { name: 'the default network', model: pathOf('models/default.onnx') },
  ...['u2netp', 'SINet', 'prisma_nchw'].map((name) => ({
    name,
    model: pathOf(`../shared/models/${name}.onnx`),
  })),
];

for (const { name, model } of networks) {
  const skip = !existsSync(model) && 'no networks of others at hand';
  test(`ONNX Runtime Web gives the same matte: ${name}`, { skip }, async () => {
    const own = await createEngine({ model });
    const backend = onnxRuntime({ ort });
    const other = await createEngine({ model, backend });
    assert.equal(own.backend, 'offcut');
    assert.equal(other.backend, 'onnxruntime-web/wasm');
    const expected = await own.removeBackground(photo, { output: 'mask' });
    const { png, ...result } = await other.removeBackground(photo, { output: 'mask' });
    assert.equal(result.backend, 'onnxruntime-web/wasm');
    assert.ok(result.timings.infer > 0);
    assert.ok(expected.coverage > 0.01 && expected.coverage < 0.99, `${expected.coverage}`);
    const same = await agreement(png, expected.png);
    assert.ok(same >= 0.999, `${same} of the pixels are the same`);
    own.dispose();
    other.dispose();
  });
}

test('networks that take rows of pixels, and answer so, are understood', async () => {
  const jpeg = await discJpeg();
  const model = brightnessNetwork({ channelsLast: true });
  const own = await createEngine({ model });
  const other = await createEngine({ model, backend: onnxRuntime({ ort }) });
  const [expected, result] = await Promise.all(
    [own, other].map((engine) => engine.removeBackground(jpeg, { output: 'mask' })),
  );
  assert.ok(expected.coverage > 0.05);
  assert.ok((await agreement(result.png, expected.png)) >= 0.999);
  own.dispose();
  other.dispose();
});

test('photos at the same time take turns; an abort rejects at once', async () => {
  const jpeg = await discJpeg();
  const engines = await Promise.all(
    [1, 2].map(() => createEngine({ model: network, backend: onnxRuntime({ ort }) })),
  );
  const results = await Promise.all([
    ...engines.map((engine) => engine.removeBackground(jpeg)),
    ...engines.map((engine) => engine.removeBackground(jpeg)),
  ]);
  for (const { png } of results) assert.deepEqual(png, results[0].png);
  const abort = new AbortController();
  const job = engines[0].removeBackground(jpeg, {
    signal: abort.signal,
    onProgress: (stage) => stage === 'infer' && abort.abort(),
  });
  assert.equal((await failure(job)).code, 'ERR_CANCELLED');
  assert.ok(await engines[0].removeBackground(jpeg));
  for (const engine of engines) engine.dispose();
  assert.equal((await failure(engines[0].removeBackground(jpeg))).code, 'ERR_STATE');
});

test('providers that do not work are passed over, and named if none does', async () => {
  const executionProviders = ['webgpu', 'wasm'];
  const backend = onnxRuntime({ ort, executionProviders });
  const engine = await createEngine({ model: network, backend });
  assert.equal(engine.backend, 'onnxruntime-web/wasm');
  engine.dispose();
  const none = onnxRuntime({ ort, executionProviders: ['webgpu'] });
  const error = await failure(createEngine({ model: network, backend: none }));
  assert.equal(error.code, 'ERR_MODEL');
  assert.match(error.message, /webgpu: /);
});

test('what cannot be is refused', async () => {
  const backend = onnxRuntime({ ort });
  const worker = await failure(createEngine({ backend, worker: true }));
  assert.equal(worker.code, 'ERR_ARGUMENT');
  const bytes = await failure(createEngine({ model: new Uint8Array(100), backend }));
  assert.equal(bytes.code, 'ERR_MODEL');
  const model = { data: network, output: { channel: 7 } };
  assert.match((await failure(createEngine({ model, backend }))).message, /no number 7/);
  const sized = { data: network, input: { width: 7 } };
  assert.match((await failure(createEngine({ model: sized, backend }))).message, /side/);
  assert.throws(() => onnxRuntime({ ort: /** @type {any} */ ({}) }), { code: 'ERR_ARGUMENT' });
  assert.throws(() => onnxRuntime({ ort, threads: 0 }), { code: 'ERR_ARGUMENT' });
});
