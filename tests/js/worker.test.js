// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { before } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createCodec, createEngine, dispose, removeBackground } from 'offcut';
import { createOffcut } from 'offcut/client';
import { createEngine as createBareEngine } from 'offcut/core';
import { createServer } from 'offcut/server';
import { bytesOf, discJpeg, examplePhotos, failure, network, pathOf, root } from './helpers.js';

const script = new URL('js/worker/main.node.js', root);

/** @type {Uint8Array<ArrayBuffer>} */
let jpeg;
/** @type {Uint8Array<ArrayBuffer>} takes a while */
let large;

before(async () => {
  jpeg = await discJpeg();
  large = await discJpeg({ width: 4000, height: 3000 });
});

/** @param {number} milliseconds */
const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * The longest time in which this thread took no turn.
 *
 * @param {() => Promise<unknown>} task
 */
async function longestGap(task) {
  let gap = 0;
  let wall = performance.now();
  let work = process.cpuUsage();
  const timer = setInterval(() => {
    // The machine may do other things meanwhile, so no more than this process worked.
    const { user, system } = process.cpuUsage(work);
    gap = Math.max(gap, Math.min(performance.now() - wall, (user + system) / 1000));
    wall = performance.now();
    work = process.cpuUsage();
  }, 1);
  await task();
  clearInterval(timer);
  return gap;
}

test('a worker gives the same bytes, reports, and leaves this thread alone', async () => {
  const here = await createEngine();
  const engine = await createEngine({ worker: { size: 1 } });
  assert.equal(engine.worker, true);
  assert.equal(here.worker, false);
  assert.equal(engine.variant, here.variant);
  assert.ok(engine.memoryBytes > 1e6);
  const expected = await here.removeBackground(examplePhotos()[0], { mask: true });
  const result = await engine.removeBackground(examplePhotos()[0], { mask: true });
  assert.deepEqual(result.png, expected.png);
  assert.deepEqual(result.mask, expected.mask);
  const fields = (/** @type {any} */ { image, box, coverage, variant, backend }) =>
    JSON.stringify([image.name, image.size, box, coverage, variant, backend]);
  assert.equal(fields(result), fields(expected));
  assert.deepEqual([result.worker, expected.worker], [true, false]);
  here.dispose();
  engine.dispose();
  assert.equal(engine.memoryBytes, 0);
});

test('this thread goes on while a worker works', async () => {
  const engine = await createEngine({ worker: { size: 1 } });
  await engine.removeBackground(large); // warm
  let longest = Infinity;
  for (let i = 0; i < 5 && longest > 50; i++) {
    longest = Math.min(longest, await longestGap(() => engine.removeBackground(large)));
  }
  assert.ok(longest < 50, `${longest} ms without a turn`);
  engine.dispose();
});

test('bytes that are handed in stay, unless they are given away', async () => {
  const engine = await createEngine({ model: network, worker: true });
  const photo = jpeg.slice();
  const { png } = await engine.removeBackground(photo);
  assert.deepEqual(photo, jpeg);
  assert.deepEqual((await engine.removeBackground(photo.buffer)).png, png);
  // A view of a part: only that part goes over, and is copied whatever was said.
  const framed = new Uint8Array(jpeg.length + 20);
  framed.set(jpeg, 10);
  const part = framed.subarray(10, -10);
  assert.deepEqual((await engine.removeBackground(part, { transfer: true })).png, png);
  assert.equal(framed.length, jpeg.length + 20);
  assert.deepEqual((await engine.removeBackground(photo, { transfer: true })).png, png);
  assert.equal(photo.length, 0);
  assert.equal((await failure(engine.removeBackground(photo))).code, 'ERR_FORMAT');
  const fixed = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
  const stuck = await failure(engine.removeBackground(fixed, { transfer: true }));
  // Hosts either copy what cannot be given away, or refuse it.
  assert.ok(['ERR_FORMAT', 'ERR_ARGUMENT'].includes(stuck.code), stuck.code);
  const blob = new Blob([jpeg]);
  for (let i = 0; i < 2; i++) assert.deepEqual((await engine.removeBackground(blob)).png, png);
  engine.dispose();
});

test('a full queue refuses, and says how much it takes', async () => {
  const engine = await createEngine({ model: network, worker: { size: 1, queue: 2 } });
  const abort = new AbortController();
  const jobs = [0, 1].map(() => engine.removeBackground(jpeg));
  const leaves = failure(engine.removeBackground(jpeg, { signal: abort.signal }));
  const error = await failure(engine.removeBackground(jpeg));
  assert.equal(error.code, 'ERR_BUSY');
  assert.equal(error.detail, '1 at work and 2 waiting are the most');
  abort.abort();
  assert.equal((await leaves).code, 'ERR_CANCELLED');
  const [one, two, three] = await Promise.all([...jobs, engine.removeBackground(jpeg)]);
  assert.deepEqual([two.png, three.png], [one.png, one.png]);
  engine.dispose();
});

test('several workers work at the same time, and are made as they are needed', async () => {
  let made = 0;
  const create = () => {
    made++;
    return new Worker(script);
  };
  const engine = await createEngine({ model: network, worker: { size: 3, create } });
  assert.equal(made, 1);
  /** @type {Set<number>} photos under way */
  const under = new Set();
  let most = 0;
  const results = await Promise.all(
    [0, 1, 2, 3, 4].map((i) =>
      engine.removeBackground(large, {
        onProgress: (stage, fraction) => {
          under.add(i);
          most = Math.max(most, under.size);
          if (stage === 'encode' && fraction === 1) under.delete(i);
        },
      }),
    ),
  );
  assert.equal(made, 3);
  assert.ok(most > 1 && most <= 3, `${most} at the same time`);
  for (const { png } of results) assert.deepEqual(png, results[0].png);
  await engine.removeBackground(jpeg);
  assert.equal(made, 3);
  engine.dispose();
});

test('a photo that is aborted stops in its worker too', async () => {
  const engine = await createEngine({ worker: { size: 1 } });
  await engine.removeBackground(large); // warm
  const took = [];
  for (const stage of ['decode', 'infer', 'encode']) {
    const abort = new AbortController();
    let start = 0;
    const job = engine.removeBackground(large, {
      signal: abort.signal,
      onProgress: (now) => {
        assert.ok(!abort.signal.aborted, 'no progress after the abort');
        if (now !== stage) return;
        start = performance.now();
        abort.abort(new Error('enough'));
      },
    });
    const error = await failure(job);
    assert.ok(performance.now() - start < 50);
    assert.equal(error.code, 'ERR_CANCELLED');
    assert.equal(error.cause.message, 'enough');
    // The worker is free as soon as its slice is done: a small photo comes right after.
    const small = performance.now();
    await engine.removeBackground(new Uint8Array(3)).catch(() => {});
    took.push(performance.now() - small);
  }
  assert.ok(Math.min(...took) < 50, `${took} ms until the worker was free`);
  engine.dispose();
});

test('what onProgress throws comes out, and the worker goes on with the next', async () => {
  const engine = await createEngine({ model: network, worker: { size: 1 } });
  const onProgress = () => {
    throw new RangeError('mine');
  };
  const error = await failure(engine.removeBackground(large, { onProgress }));
  assert.ok(error instanceof RangeError);
  assert.ok(await engine.removeBackground(jpeg));
  engine.dispose();
});

test('errors keep their code; the arguments are checked before a worker hears of it', async () => {
  const engine = await createEngine({ model: network, worker: true });
  const format = await failure(engine.removeBackground(new Uint8Array(9)));
  assert.equal(format.code, 'ERR_FORMAT');
  assert.equal(format.name, 'OffcutError');
  const limit = await failure(engine.removeBackground(jpeg, { pixelsMax: 9 }));
  assert.equal(limit.code, 'ERR_LIMIT');
  assert.match(limit.detail, /200 x 160/);
  assert.equal((await failure(engine.removeBackground('no.jpg'))).code, 'ERR_LOAD');
  const options = /** @type {any} */ ({ worker: { size: 0 } });
  assert.equal((await failure(createEngine(options))).code, 'ERR_ARGUMENT');
  assert.equal((await failure(removeBackground(jpeg, options))).code, 'ERR_ARGUMENT');
  engine.dispose();
});

// Workers with a fault, around the real one.
const exits = `
  import { parentPort } from 'node:worker_threads';
  import ${JSON.stringify(script.href)};
  parentPort.on('message', ({ args }) => args?.name === 'exit.jpg' && process.exit(7));
  parentPort.on('message', ({ args }) => {
    if (args?.name === 'throw.jpg') throw new TypeError('a fault');
  });`;

test('a worker that dies is an error, never a wait, and is replaced', async () => {
  const url = new URL(`data:text/javascript,${encodeURIComponent(exits)}`);
  let made = 0;
  const create = () => {
    made++;
    return new Worker(url);
  };
  const engine = await createEngine({ model: network, worker: { size: 1, create } });
  for (const [name, detail] of [
    ['exit.jpg', 'exit code 7'],
    ['throw.jpg', 'a fault'],
  ]) {
    const dying = failure(engine.removeBackground(new File([jpeg], name)));
    const waiting = engine.removeBackground(jpeg);
    const error = await dying;
    assert.equal(error.code, 'ERR_WORKER');
    assert.equal(error.detail, detail);
    assert.ok(await waiting);
  }
  assert.equal(made, 3);
  engine.dispose();
});

test('a worker that cannot be started is an error, and is tried again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'offcut-'));
  const late = path.join(folder, 'late.mjs');
  const create = () => new Worker(late);
  const error = await failure(removeBackground(jpeg, { model: network, worker: { create } }));
  assert.equal(error.code, 'ERR_WORKER');
  await writeFile(late, `import ${JSON.stringify(script.href)};`);
  assert.ok(await removeBackground(jpeg, { model: network, worker: { create } }));
  dispose();
  const refuse = () => {
    throw new Error('not today');
  };
  const thrown = await failure(createEngine({ worker: { create: refuse } }));
  assert.equal(thrown.code, 'ERR_WORKER');
  assert.equal(thrown.detail, 'not today');
  let ended = 0;
  const deaf = {
    on: () => {},
    postMessage: () => {
      throw new DOMException('no module may be sent there', 'DataCloneError');
    },
    terminate: () => ended++,
  };
  const unsent = await failure(createEngine({ worker: { create: () => deaf } }));
  assert.equal(unsent.code, 'ERR_WORKER');
  assert.match(unsent.message, /no module may be sent there/);
  assert.ok(ended > 0);
  await rm(folder, { recursive: true });
});

test('a network that cannot be loaded is tried again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'offcut-'));
  const model = path.join(folder, 'late.onnx');
  const options = { model: { data: model, input: {} }, worker: true };
  assert.equal((await failure(removeBackground(jpeg, options))).code, 'ERR_LOAD');
  await writeFile(model, 'not a network');
  assert.equal((await failure(removeBackground(jpeg, options))).code, 'ERR_MODEL');
  await writeFile(model, network);
  assert.ok((await removeBackground(jpeg, options)).coverage > 0.1);
  dispose();
  await rm(folder, { recursive: true });
});

test('a signal is left alone when waiting for a worker is over', async () => {
  const engine = await createEngine({ model: network, worker: { size: 1 } });
  const { signal } = new AbortController();
  const jobs = [large, jpeg, jpeg].map((photo) =>
    failure(engine.removeBackground(photo, { signal })),
  );
  assert.ok(getEventListeners(signal, 'abort').length > 0);
  engine.dispose();
  for (const job of jobs) assert.equal((await job).code, 'ERR_STATE');
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('dispose ends at once, close when all is done', async () => {
  const one = await createEngine({ model: network, worker: { size: 1 } });
  const jobs = [one.removeBackground(large), one.removeBackground(large)].map(failure);
  await later(20);
  one.dispose();
  for (const job of jobs) assert.equal((await job).code, 'ERR_STATE');
  assert.equal((await failure(one.removeBackground(jpeg))).code, 'ERR_STATE');

  const two = await createEngine({ model: network, worker: { size: 1 } });
  const work = Promise.all([two.removeBackground(jpeg), two.removeBackground(jpeg)]);
  await two.close();
  assert.equal((await work).length, 2);
  assert.equal((await failure(two.removeBackground(jpeg))).code, 'ERR_STATE');

  // What is kept between calls is given back without disturbing those under way.
  const shared = removeBackground(jpeg, { model: network, worker: true });
  dispose();
  assert.ok(await shared);
});

test('`using` gives the memory back', async () => {
  const engine = await createEngine({ model: network, worker: true });
  engine[Symbol.dispose]();
  assert.equal((await failure(engine.removeBackground(jpeg))).code, 'ERR_STATE');
  const other = await createEngine({ model: network });
  const job = other.removeBackground(jpeg);
  await other[Symbol.asyncDispose]();
  assert.ok(await job);
  assert.equal(other.memoryBytes, 0);
});

test('workers that wait do not keep the process', () => {
  const script = `
    const { removeBackground } = await import('offcut');
    const { image } = await removeBackground(${JSON.stringify(examplePhotos()[0])}, { worker: true });
    process.stdout.write(image.format);`;
  const args = ['--input-type=module', '-e', script];
  const output = execFileSync(process.execPath, args, { cwd: pathOf(''), timeout: 60_000 });
  assert.equal(String(output), 'png');
});

test('the core works in workers that it is given', async () => {
  const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf('dist/offcut.wasm'));
  const module = await WebAssembly.compile(bytes);
  const worker = { create: () => new Worker(script) };
  const engine = await createBareEngine({ module, model: network, worker });
  assert.equal((await engine.removeBackground(jpeg)).worker, true);
  engine.dispose();
  const none = await failure(createBareEngine({ module, model: network, worker: {} }));
  assert.equal(none.code, 'ERR_UNSUPPORTED');
});

test('a codec converts in a worker', async () => {
  const here = createCodec();
  const codec = createCodec({ worker: true });
  assert.deepEqual(await codec.inspect(jpeg), await here.inspect(jpeg));
  for (const format of /** @type {const} */ (['jpeg', 'png', 'webp'])) {
    const result = await codec.convert(jpeg, { format });
    assert.deepEqual(result, await here.convert(jpeg, { format }));
  }
  assert.equal(
    (await failure(codec.convert(new Uint8Array(9), { format: 'png' }))).code,
    'ERR_FORMAT',
  );
  const signal = AbortSignal.timeout(30);
  const error = await failure(codec.convert(large, { format: 'png', signal }));
  assert.equal(error.name, 'TimeoutError');
  assert.ok((await codec.memoryBytes()) > 0);
  codec.dispose();
  assert.equal(await codec.memoryBytes(), 0);
  assert.ok(await codec.convert(jpeg, { format: 'png' }));
  codec.dispose();
});

test('client and server work in workers', async () => {
  const options = { model: network, worker: { size: 2 } };
  const offcut = createOffcut(options);
  assert.equal(offcut.backend, undefined);
  const { id } = await offcut.images.upload({ image: jpeg, name: 'disc' });
  await offcut.images.removeBackground(id);
  assert.deepEqual([offcut.backend?.backend, offcut.backend?.worker], ['offcut', true]);
  assert.equal((await offcut.images.convert(id, { format: 'webp' })).format, 'webp');
  await offcut.close();

  const server = createServer({ apiKeys: false, ...options });
  const form = new FormData();
  form.append('image', new Blob([jpeg]), 'disc.jpg');
  form.append('name', 'disc');
  const url = 'http://offcut.invalid/v1/images';
  const uploaded = await server.fetch(`${url}/upload`, { method: 'POST', body: form });
  const image = await uploaded.json();
  const answer = await server.fetch(`${url}/${image.id}/remove-background`, { method: 'POST' });
  assert.equal(answer.status, 201);
  assert.equal((await answer.json()).format, 'png');
  await server.close();
});
