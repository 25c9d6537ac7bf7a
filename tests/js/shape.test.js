// SPDX-License-Identifier: Apache-2.0
// Networks whose input size is free run at the shape of the photo.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { createEngine } from 'offcut';
import { onnxRuntime } from 'offcut/ort';
import * as ort from 'onnxruntime-web/wasm';
import { withFreeSize } from '../oracle/onnx.js';
import { disc, discJpeg, failure, pathOf, pixels } from './helpers.js';
import { brightnessNetwork } from './onnx.js';

const real = readFileSync(pathOf('models/default.onnx'));
const brightness = withFreeSize(brightnessNetwork());

/** Photos as they are meant to be seen, and the sizes that they ask for. */
const shapes = /** @type {const} */ ([
  [200, 200, '320x320'],
  [400, 300, '384x256'],
  [300, 400, '256x384'],
  [500, 200, '512x192'],
  [200, 500, '192x512'],
]);

/** @param {string} size */
const sidesOf = (size) => ({
  width: Number(size.split('x')[0]),
  height: Number(size.split('x')[1]),
});

/** A backend that answers what it is given, and keeps what it was given. */
function recorder() {
  /** @type {string[]} */
  const sizes = [];
  const backend = {
    name: 'recorder',
    load: async () => ({
      name: 'recorder',
      width: 0,
      height: 0,
      run: async (
        /** @type {Float32Array} */ input,
        /** @type {{ width: number, height: number }} */ { width, height },
      ) => {
        sizes.push(`${width}x${height}`);
        assert.equal(input.length, 3 * width * height);
        return { data: input, dims: [1, 3, height, width] };
      },
      dispose: () => {},
    }),
  };
  return { backend, sizes };
}

test('each photo gets the size nearest to its shape, as it is meant to be seen', async () => {
  const { backend, sizes } = recorder();
  const engine = await createEngine({ model: real, backend, worker: false });
  for (const [width, height, size] of shapes) {
    await engine.removeBackground(await discJpeg({ width, height }));
    assert.equal(sizes.splice(0)[0], size);
    const turned = disc({ width: height, height: width }).withMetadata({ orientation: 6 });
    await engine.removeBackground(await turned.jpeg().toBuffer());
    assert.equal(sizes.splice(0)[0], size, 'turned');
  }
  engine.dispose();
});

test('with one look the core gives what it gives at that size alone, whatever came before', async () => {
  const options = /** @type {const} */ ({ output: 'mask', secondLook: false });
  const free = await createEngine({ model: real, worker: false });
  const square = await createEngine({
    model: { data: real, input: { width: 320, height: 320 } },
    worker: false,
  });
  for (const [width, height, size] of [...shapes, ...shapes.toReversed()]) {
    const input = sidesOf(size);
    const fixed = await createEngine({ model: { data: real, input }, worker: false });
    const photo = await discJpeg({ width, height });
    const [got, expected, squashed] = await Promise.all(
      [free, fixed, square].map((engine) => engine.removeBackground(photo, options)),
    );
    assert.deepEqual(got.png, expected.png, size);
    assert.ok(got.coverage > 0.01);
    if (size !== '320x320') assert.notDeepEqual(got.png, squashed.png, size);
    fixed.dispose();
  }
  free.dispose();
  square.dispose();
});

test('the core gives what it gives when it is new, whatever came before', async () => {
  const used = await createEngine({ model: real, worker: false });
  const square = await createEngine({
    model: { data: real, input: { width: 320, height: 320 } },
    worker: false,
  });
  for (const [width, height, size] of [...shapes, ...shapes.toReversed()]) {
    const unused = await createEngine({ model: real, worker: false });
    const photo = await discJpeg({ width, height });
    const [got, expected, squashed] = await Promise.all(
      [used, unused, square].map((engine) => engine.removeBackground(photo, { output: 'mask' })),
    );
    assert.deepEqual(got.png, expected.png, size);
    assert.ok(got.coverage > 0.01);
    assert.notDeepEqual(got.png, squashed.png, size);
    unused.dispose();
  }
  used.dispose();
  square.dispose();
});

test('what fills the photo is seen once, as at that size alone', async () => {
  const free = await createEngine({ model: brightness, worker: false });
  for (const [width, height, size] of shapes) {
    const model = { data: brightness, input: sidesOf(size) };
    const fixed = await createEngine({ model, worker: false });
    const photo = await disc({ width, height, radius: Math.max(width, height) / 2 })
      .jpeg()
      .toBuffer();
    const [got, expected] = await Promise.all(
      [free, fixed].map((engine) => engine.removeBackground(photo, { output: 'mask' })),
    );
    assert.deepEqual(got.png, expected.png, size);
    assert.ok(got.coverage > 0.5 && got.coverage < 0.99, `${size}: ${got.coverage}`);
    fixed.dispose();
  }
  free.dispose();
});

/**
 * The largest difference of what two engines make of a photo.
 *
 * @param {import('offcut').Engine[]} engines
 * @param {Uint8Array} photo
 */
async function apart(engines, photo) {
  const [a, b] = await Promise.all(
    engines.map(async (engine) =>
      pixels((await engine.removeBackground(photo, { output: 'mask' })).png),
    ),
  );
  return a.samples.reduce((most, value, i) => Math.max(most, Math.abs(value - b.samples[i])), 0);
}

test('ONNX Runtime Web gives the same matte', async () => {
  for (const model of [brightness, real]) {
    const own = await createEngine({ model });
    const other = await createEngine({ model, backend: onnxRuntime({ ort }) });
    for (const [width, height, size] of shapes) {
      const most = await apart([own, other], await discJpeg({ width, height }));
      assert.ok(most <= 2, `${size}: ${most} apart`);
    }
    own.dispose();
    other.dispose();
  }
});

test('a description that says a size is followed; one that says a side leaves 320 for the other', async () => {
  const photo = await discJpeg({ width: 400, height: 300 });
  for (const input of [{ width: 64, height: 128 }, { height: 320 }]) {
    const model = { data: real, input };
    const engines = [
      await createEngine({ model }),
      await createEngine({ model, backend: onnxRuntime({ ort }) }),
      await createEngine({ model: { data: real, input: { width: 320, ...input } } }),
      await createEngine({ model: real }),
    ];
    const [own, other, same, free] = engines;
    const most = await apart([own, other], photo);
    assert.ok(most <= 2, `${JSON.stringify(input)}: ${most} apart`);
    assert.equal(await apart([own, same], photo), 0);
    assert.ok((await apart([own, free], photo)) > 0, JSON.stringify(input));
    for (const engine of engines) engine.dispose();
  }
  const wrong = { data: brightnessNetwork(), input: { height: 65 } };
  assert.equal((await failure(createEngine({ model: wrong }))).code, 'ERR_ARGUMENT');
});

test('profile() is of the size of the photo before, at first of a square', async () => {
  const engine = await createEngine({ model: real, worker: false });
  const work = async () => {
    const operations = await engine.profile({ runs: 1 });
    return operations.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
  };
  const square = await work();
  await engine.removeBackground(await discJpeg({ width: 400, height: 300 }));
  assert.equal((await work()) / square, (384 * 256) / (320 * 320));
  engine.dispose();
});
