// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import v8 from 'node:v8';
import vm from 'node:vm';
import { createEngine, dispose, removeBackground, removeBackgrounds } from 'offcut';
import { createOffcut } from 'offcut/client';
import { inOrder } from '../../js/batch.js';
import { discJpeg, failure, network } from './helpers.js';

/** @type {Uint8Array[]} of these widths */
let photos;
const widths = [180, 200, 220, 240];

before(async () => {
  photos = await Promise.all(widths.map((width) => discJpeg({ width, height: 150 })));
});

/**
 * @template T
 * @param {AsyncIterable<T>} iterable
 */
async function collect(iterable) {
  /** @type {T[]} */
  const all = [];
  for await (const item of iterable) all.push(item);
  return all;
}

for (const worker of [false, { size: 3 }]) {
  test(`results come in order, failures among them, ${worker ? 'workers' : 'here'}`, async () => {
    const bad = new Uint8Array(9);
    const inputs = [photos[0], bad, photos[1], 'no.jpg', photos[2], photos[3]];
    /** @type {Set<number>} */
    const seen = new Set();
    const engine = await createEngine({ model: network, worker });
    const items = await collect(
      engine.removeBackgrounds(inputs, { onProgress: (_stage, _fraction, i) => seen.add(i) }),
    );
    assert.deepEqual(
      items.map(({ index, result, error }) => [index, result?.image.width ?? error?.name]),
      [180, 'OffcutError', 200, 'OffcutError', 220, 240].map((what, i) => [i, what]),
    );
    items.forEach(({ input }, i) => assert.equal(input, inputs[i]));
    const codes = items.map(({ error }) => /** @type {any} */ (error)?.code).filter(Boolean);
    assert.deepEqual(codes, ['ERR_FORMAT', 'ERR_LOAD']);
    assert.deepEqual([...seen].sort(), [0, 2, 4, 5]);
    engine.dispose();
  });
}

test('the function does it with the engine that it keeps', async () => {
  const options = { model: network, name: 'all' };
  const items = await collect(removeBackgrounds(photos, options));
  assert.deepEqual(
    items.map(({ result }) => [result?.image.width, result?.image.name]),
    widths.map((width) => [width, 'all']),
  );
  assert.deepEqual(await collect(removeBackgrounds([], options)), []);
  dispose();
});

test('other calls of the function do not disturb it', async () => {
  const widthsOf = async (/** @type {(i: number) => unknown} */ meanwhile) => {
    const got = [];
    for await (const { index, result, error } of removeBackgrounds(photos, { model: network })) {
      got.push(result?.image.width ?? error);
      await meanwhile(index);
    }
    return got;
  };
  assert.deepEqual(await widthsOf(dispose), widths);
  const other = { data: network, output: { activation: /** @type {const} */ ('sigmoid') } };
  assert.deepEqual(await widthsOf(() => removeBackground(photos[0], { model: other })), widths);
  dispose();
});

test('photos are taken no faster than results are', async () => {
  const engine = await createEngine({ model: network });
  let taken = 0;
  function* endless() {
    for (;;) {
      taken++;
      yield photos[0];
    }
  }
  let closed = false;
  async function* watched() {
    try {
      yield* endless();
    } finally {
      closed = true;
    }
  }
  let got = 0;
  for await (const { result } of engine.removeBackgrounds(watched(), { concurrency: 2 })) {
    assert.ok(result);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(taken <= ++got + 2, `${taken} taken, ${got} given`);
    if (got === 4) break;
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(closed);
  engine.dispose();
});

test(
  'what is done is given while the next photo is still to come',
  { timeout: 20_000 },
  async () => {
    const engine = await createEngine({ model: network });
    /** @type {(() => void) | undefined} */
    let go;
    async function* slow() {
      yield photos[0];
      await new Promise((resolve) => (go = () => resolve(undefined)));
      yield photos[1];
    }
    const got = [];
    for await (const { index } of engine.removeBackgrounds(slow(), { concurrency: 4 })) {
      got.push(index);
      go?.();
    }
    assert.deepEqual(got, [0, 1]);
    engine.dispose();
  },
);

test('what was given is not kept', async () => {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc');
  const inputs = Array.from({ length: 20 }, (_, i) => i);
  const work = async () => new Uint8Array(1000);
  /** @type {WeakRef<Uint8Array>[]} */
  const given = [];
  for await (const { result } of inOrder(inputs, { concurrency: 2 }, work)) {
    if (result) given.push(new WeakRef(result));
    if (given.length < inputs.length) continue;
    await new Promise((resolve) => setTimeout(resolve, 20)); // references are weak in the next task
    collectGarbage();
    const kept = given.filter((reference) => reference.deref()).length;
    assert.ok(kept <= 2, `${kept} of ${given.length} results are still in memory`);
  }
});

test('leaving the loop stops what is under way', async () => {
  const engine = await createEngine({ model: network });
  const large = await discJpeg({ width: 4000, height: 3000 });
  let finished = 0;
  const options = {
    concurrency: 2,
    onProgress: (/** @type {string} */ stage, /** @type {number} */ fraction) => {
      if (stage === 'encode' && fraction === 1) finished++;
    },
  };
  for await (const { index } of engine.removeBackgrounds([photos[0], large], options)) {
    assert.equal(index, 0);
    break;
  }
  await engine.removeBackground(photos[0]); // waits until the large one is out of its way
  assert.equal(finished, 1);
  engine.dispose();
});

test('an abort ends the loop at once, also while it waits for a photo', async () => {
  const engine = await createEngine({ model: network });
  const abort = new AbortController();
  async function* stuck() {
    yield photos[0];
    await new Promise(() => {});
  }
  const loop = async () => {
    for await (const { result } of engine.removeBackgrounds(stuck(), { signal: abort.signal })) {
      assert.ok(result);
      setTimeout(() => abort.abort(), 20);
    }
  };
  const error = await failure(loop());
  assert.equal(error.code, 'ERR_CANCELLED');
  assert.equal(error.name, 'AbortError');
  const early = await failure(
    collect(removeBackgrounds(photos, { model: network, signal: AbortSignal.abort() })),
  );
  assert.equal(early.code, 'ERR_CANCELLED');
  engine.dispose();
});

test('wrong options, wrong inputs, and inputs that fail are thrown', async () => {
  const engine = await createEngine({ model: network });
  const options = /** @type {any} */ ({ concurrency: 0 });
  assert.equal(
    (await failure(collect(engine.removeBackgrounds([], options)))).code,
    'ERR_ARGUMENT',
  );
  const wrong = /** @type {any} */ ({ colour: 'red' });
  const { code, message } = await failure(collect(engine.removeBackgrounds([], wrong)));
  assert.equal(code, 'ERR_ARGUMENT');
  assert.match(message, /Expected one of .*concurrency.* but received "colour"/);
  for (const inputs of /** @type {any[]} */ (['a.jpg', 7, null])) {
    assert.equal((await failure(collect(engine.removeBackgrounds(inputs)))).code, 'ERR_ARGUMENT');
  }
  function* failing() {
    yield photos[0];
    throw new RangeError('mine');
  }
  assert.ok((await failure(collect(engine.removeBackgrounds(failing())))) instanceof RangeError);
  engine.dispose();
});

test('a client does it with the images of its store', async () => {
  const offcut = createOffcut({ model: network, worker: { size: 2 } });
  const ids = [];
  for (const image of photos) ids.push((await offcut.images.upload({ image, name: 'disc' })).id);
  const items = await collect(offcut.images.removeBackgrounds([ids[0], 'image_none', ids[3]]));
  assert.deepEqual(
    items.map(({ result, error }) => result?.width ?? /** @type {any} */ (error).code),
    [180, 'ERR_NOT_FOUND', 240],
  );
  await offcut.close();
});
