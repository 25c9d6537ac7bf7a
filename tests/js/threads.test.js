// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { OffcutError, createEngine } from 'offcut';
import { createEngine as createBareEngine } from 'offcut/core';
import { bytesOf, examplePhotos, failure, pathOf, root } from './helpers.js';

const photos = examplePhotos().slice(0, 2);
const u2netp = pathOf('../shared/models/u2netp.onnx');

/**
 * @param {import('offcut').EngineOptions} options
 * @returns {Promise<Uint8Array[]>} the cut-outs of `photos`
 */
async function cutOuts(options) {
  const engine = await createEngine(options);
  try {
    assert.equal(engine.threads, options.threads ?? 1);
    const results = [];
    for (const photo of photos) results.push(await engine.removeBackground(photo));
    return results.map(({ png }) => png);
  } finally {
    engine.dispose();
  }
}

for (const [name, model] of [
  ['the default network', undefined],
  ['U²-Netp', u2netp],
]) {
  const skip = model && !existsSync(model) && 'needs ../shared/models/u2netp.onnx';
  test(`${name} gives the same bytes with any number of threads`, { skip }, async () => {
    const expected = await cutOuts({ model });
    for (const threads of [2, 3]) {
      assert.deepEqual(await cutOuts({ model, threads }), expected);
    }
    assert.deepEqual(await cutOuts({ model, threads: 2, worker: { size: 1 } }), expected);
  });
}

test('the build for threads works with one thread, too', async () => {
  const module = new WebAssembly.Module(bytesOf('dist/offcut.threads.wasm'));
  const [expected] = await cutOuts({ variant: 'simd128' });
  assert.deepEqual((await cutOuts({ variant: 'simd128', module }))[0], expected);
  assert.deepEqual((await cutOuts({ variant: 'simd128', module, threads: 2 }))[0], expected);
});

test('what compiles the core hears whether it is for threads', async () => {
  /** @type {unknown[][]} */
  const calls = [];
  const module = (/** @type {string} */ variant, /** @type {boolean} */ forThreads) => {
    calls.push([variant, forThreads]);
    return new WebAssembly.Module(bytesOf(`dist/offcut${forThreads ? '.threads' : ''}.wasm`));
  };
  for (const threads of [1, 2]) {
    (await createEngine({ variant: 'simd128', module, threads })).dispose();
  }
  assert.deepEqual(calls, [
    ['simd128', false],
    ['simd128', true],
  ]);
});

test('engines with threads work at the same time, here and in workers', async () => {
  const engines = await Promise.all([
    createEngine({ threads: 2 }),
    createEngine({ threads: 3 }),
    createEngine({ threads: 2, worker: { size: 2 } }),
  ]);
  const alone = await cutOuts({});
  const results = await Promise.all(
    engines.flatMap((engine) => photos.map((photo) => engine.removeBackground(photo))),
  );
  for (const [i, { png }] of results.entries()) assert.deepEqual(png, alone[i % photos.length]);
  for (const engine of engines) engine.dispose();
  assert.deepEqual(
    engines.map(({ memoryBytes }) => memoryBytes),
    [0, 0, 0],
  );
});

test('a photo that is aborted in the network leaves the engine as it was', async () => {
  const [expected] = await cutOuts({});
  for (const worker of [false, { size: 1 }]) {
    const engine = await createEngine({ threads: 2, worker });
    const abort = new AbortController();
    const { signal } = abort;
    const onProgress = (/** @type {string} */ stage, /** @type {number} */ fraction) => {
      if (stage === 'infer' && fraction > 0 && fraction < 1) abort.abort();
    };
    const error = await failure(engine.removeBackground(photos[0], { signal, onProgress }));
    assert.equal(error.code, 'ERR_CANCELLED');
    assert.deepEqual((await engine.removeBackground(photos[0])).png, expected);
    engine.dispose();
    assert.equal((await failure(engine.removeBackground(photos[0]))).code, 'ERR_STATE');
  }
});

test('a helper that ended is not missed', async () => {
  /** @type {Worker[]} */
  const workers = [];
  const script = new URL('js/worker/main.node.js', root);
  const engine = await createBareEngine({
    module: new WebAssembly.Module(bytesOf('dist/offcut.threads.wasm')),
    model: bytesOf('models/default.onnx'),
    threads: 3,
    helper: () => {
      const worker = new Worker(script, { execArgv: [] });
      workers.push(worker);
      return worker;
    },
  });
  const photo = bytesOf(photos[0].slice(pathOf('').length));
  const { png } = await engine.removeBackground(photo);
  assert.equal(workers.length, 2);
  await workers[0].terminate();
  assert.deepEqual((await engine.removeBackground(photo)).png, png);
  await workers[1].terminate();
  assert.deepEqual((await engine.removeBackground(photo)).png, png);
  engine.dispose();
});

test('a process ends by itself, with the engine disposed of or not', () => {
  for (const end of ['engine.dispose();', '']) {
    const program = `
      import { createEngine } from 'offcut';
      const engine = await createEngine({ threads: 2 });
      const { coverage } = await engine.removeBackground(${JSON.stringify(photos[0])});
      ${end}
      console.log(coverage > 0);`;
    const args = ['--input-type=module', '--eval', program];
    const options = { cwd: pathOf(''), encoding: /** @type {const} */ ('utf8'), timeout: 60_000 };
    assert.equal(execFileSync(process.execPath, args, options), 'true\n');
  }
});

test('a wrong number, a wrong build and a backend are refused', async () => {
  for (const threads of /** @type {any[]} */ ([0, 1.5, 17, '2', null])) {
    const error = await failure(createEngine({ threads }));
    assert.equal(error.code, 'ERR_ARGUMENT');
    assert.match(error.message, /Expected an integer from 1 to 16 for threads but received/);
  }
  const module = new WebAssembly.Module(bytesOf('dist/offcut.wasm'));
  const wrong = await failure(createEngine({ module, threads: 2 }));
  assert.equal(wrong.code, 'ERR_ARGUMENT');
  assert.match(wrong.message, /a core that was built for threads for module/);
  const backend = { name: 'x', load: () => Promise.reject(new Error('not asked for')) };
  assert.match((await failure(createEngine({ backend, threads: 2 }))).message, /backend/);
});

test('a host that cannot share memory says so, before anything is loaded', async (t) => {
  const host = /** @type {any} */ (globalThis);
  const module = () => assert.fail('not asked for');
  t.after(() => delete host.crossOriginIsolated);
  host.crossOriginIsolated = false; // as in a page without the headers
  const page = await failure(createEngine({ threads: 2, module }));
  assert.ok(page instanceof OffcutError);
  assert.equal(page.code, 'ERR_UNSUPPORTED');
  assert.match(page.message, /Cross-Origin-Opener-Policy.*Cross-Origin-Embedder-Policy/);
  delete host.crossOriginIsolated;
  const { SharedArrayBuffer } = host;
  t.after(() => (host.SharedArrayBuffer = SharedArrayBuffer));
  host.SharedArrayBuffer = undefined;
  const old = await failure(createEngine({ threads: 2, module }));
  assert.equal(old.code, 'ERR_UNSUPPORTED');
  assert.match(old.message, /SharedArrayBuffer, which this host lacks/);
});

test('workers that cannot be started for threads are an error', async () => {
  const engine = createBareEngine({
    module: new WebAssembly.Module(bytesOf('dist/offcut.threads.wasm')),
    model: bytesOf('models/default.onnx'),
    threads: 2,
    helper: () => new Worker(new URL('nowhere.js', root)),
  });
  assert.equal((await failure(engine)).code, 'ERR_WORKER');
});
