// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { before } from 'node:test';
import { createEngine, dispose, removeBackground } from 'offcut';
import { createEngine as createBareEngine } from 'offcut/core';
import { bytesOf, discJpeg, examplePhotos, failure, network, pathOf, root } from './helpers.js';

/** @type {Uint8Array} */
let jpeg;
/** @type {Uint8Array} takes a while */
let large;

before(async () => {
  jpeg = await discJpeg();
  large = await discJpeg({ width: 4000, height: 3000 });
});

test('nothing is loaded, compiled or fetched by importing', () => {
  const script = `
    import { createRequire } from 'node:module';
    const calls = [];
    for (const name of ['compile', 'instantiate', 'validate'])
      WebAssembly[name] = () => calls.push(name);
    globalThis.fetch = () => calls.push('fetch');
    await import('offcut');
    await import('offcut/core');
    await import('${new URL('js/index.web.js', root)}');
    process.stdout.write(JSON.stringify(calls));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: pathOf(''),
  });
  assert.deepEqual(JSON.parse(String(output)), []);
});

/**
 * Starts a clock for what the code needs, whatever else the machine does: the time by the wall, or
 * the time that this process worked if that is less.
 */
function startClock() {
  const wall = performance.now();
  const work = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(work);
    return Math.min(performance.now() - wall, (user + system) / 1000);
  };
}

/**
 * The shortest of a few measurements: V8 may still be compiling in the first.
 *
 * @param {() => Promise<number>} measure
 * @param {number} enough
 */
async function best(measure, enough) {
  let shortest = Infinity;
  for (let i = 0; i < 6 && shortest >= enough; i++) shortest = Math.min(shortest, await measure());
  return shortest;
}

// Where the signal comes: behind this much of this stage, so that each kind of slice comes next.
for (const [stage, from] of /** @type {const} */ ([
  ['decode', 0],
  ['decode', 1],
  ['infer', 0.3],
  ['infer', 1],
  ['refine', 1],
  ['encode', 0.5],
])) {
  test(`an aborted signal stops the work within 50 ms, after ${from} of ${stage}`, async () => {
    const engine = await createEngine();
    await engine.removeBackground(large); // warm
    const took = await best(async () => {
      const abort = new AbortController();
      /** @type {(() => number) | undefined} */
      let clock;
      let asked = false;
      let late = 0;
      const job = engine.removeBackground(large, {
        signal: abort.signal,
        onProgress: (now, fraction) => {
          if (abort.signal.aborted) late++;
          if (asked || now !== stage || fraction < from) return;
          // As late as can be: asked for just before the next slice, heard just after it.
          setImmediate(() => {
            clock = startClock();
            setImmediate(() => abort.abort());
          });
          asked = true;
        },
      });
      const error = await failure(job);
      const time = clock?.() ?? Infinity;
      assert.equal(error.code, 'ERR_CANCELLED');
      assert.equal(error.name, 'AbortError');
      assert.equal(error.cause, abort.signal.reason);
      assert.equal(late, 0);
      return time;
    }, 50);
    assert.ok(took < 50, `${took} ms`);
    assert.ok(await engine.removeBackground(jpeg)); // the next photo is not in its way
    engine.dispose();
  });
}

test('a photo that waits for its turn can be aborted, those around it are not', async () => {
  const engine = await createEngine({ model: network });
  const abort = new AbortController();
  const first = engine.removeBackground(jpeg);
  const second = engine.removeBackground(jpeg, { signal: abort.signal });
  const third = engine.removeBackground(jpeg);
  abort.abort(new Error('enough'));
  assert.equal((await failure(second)).cause.message, 'enough');
  assert.deepEqual((await third).png, (await first).png);
  const early = await failure(engine.removeBackground(jpeg, { signal: AbortSignal.abort() }));
  assert.equal(early.code, 'ERR_CANCELLED');
  engine.dispose();
});

test('a signal that times out says so', async () => {
  const engine = await createEngine({ model: network });
  const error = await failure(engine.removeBackground(large, { signal: AbortSignal.timeout(30) }));
  assert.equal(error.code, 'ERR_CANCELLED');
  assert.equal(error.name, 'TimeoutError');
  engine.dispose();
});

test('progress goes through the stages in order, each from below up to 1', async () => {
  const order = ['decode', 'infer', 'refine', 'encode'];
  for (const mask of [false, true]) {
    /** @type {[string, number][]} */
    const calls = [];
    await removeBackground(examplePhotos()[0], {
      mask,
      onProgress: (stage, fraction) => calls.push([stage, fraction]),
    });
    assert.deepEqual([...new Set(calls.map(([stage]) => stage))], order);
    for (let i = 1; i < calls.length; i++) {
      const [[stageBefore, fractionBefore], [stage, fraction]] = [calls[i - 1], calls[i]];
      assert.ok(fraction >= 0 && fraction <= 1);
      if (stage === stageBefore)
        assert.ok(fraction >= fractionBefore, `${stage} ${fractionBefore} ${fraction}`);
      else assert.equal(fractionBefore, 1, `${stageBefore} ended at ${fractionBefore}`);
    }
    assert.equal(calls.at(-1)?.[1], 1);
    assert.ok(calls.filter(([stage]) => stage === 'infer').length > 2);
  }
  dispose();
});

test('the event loop goes on while a photo is worked on', async () => {
  const engine = await createEngine();
  await engine.removeBackground(large); // warm
  const longest = await best(async () => {
    let gap = 0;
    let clock = startClock();
    const timer = setInterval(() => {
      gap = Math.max(gap, clock());
      clock = startClock();
    }, 1);
    await engine.removeBackground(large);
    clearInterval(timer);
    return gap;
  }, 50);
  assert.ok(longest < 50, `${longest} ms without a turn`);
  engine.dispose();
});

test('calls at the same time give what they would give one after the other', async () => {
  const engine = await createEngine({ model: network });
  const photos = await Promise.all(
    [180, 200, 220].map((width) => discJpeg({ width, height: 150 })),
  );
  const alone = [];
  for (const photo of photos) alone.push((await engine.removeBackground(photo)).png);
  const bad = failure(engine.removeBackground(new Uint8Array(9)));
  const together = await Promise.all(photos.map((photo) => engine.removeBackground(photo)));
  assert.equal((await bad).code, 'ERR_FORMAT');
  together.forEach(({ png, image }, i) => {
    assert.deepEqual(png, alone[i]);
    assert.equal(image.width, [180, 200, 220][i]);
  });
  engine.dispose();
});

test('memory stays flat over 50 photos', async () => {
  const engine = await createEngine();
  const photos = [jpeg, await discJpeg({ width: 640, height: 480 })];
  for (const photo of photos) await engine.removeBackground(photo);
  const settled = engine.memoryBytes;
  for (let i = 0; i < 50; i++) {
    if (i % 10 === 3) await failure(engine.removeBackground(photos[i % 2].subarray(0, 2000)));
    await engine.removeBackground(photos[i % 2]);
  }
  assert.equal(engine.memoryBytes, settled);
  engine.dispose();
});

test('a very large file that is no photo does not keep its memory', async () => {
  const engine = await createEngine({ model: network });
  const error = await failure(engine.removeBackground(new Uint8Array(200 * 1024 * 1024)));
  assert.equal(error.code, 'ERR_FORMAT');
  assert.equal(engine.memoryBytes, 0);
  assert.ok(await engine.removeBackground(jpeg));
  engine.dispose();
});

test('a 12-megapixel photo needs less than 64 MB', async () => {
  const engine = await createEngine();
  const { image } = await engine.removeBackground(large);
  assert.deepEqual([image.width, image.height], [4000, 3000]);
  assert.ok(engine.memoryBytes < 64e6, `${engine.memoryBytes} bytes`);
  engine.dispose();
});

test('a failed load is tried again', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'offcut-'));
  const model = path.join(folder, 'late.onnx');
  assert.equal((await failure(removeBackground(jpeg, { model }))).code, 'ERR_LOAD');
  await writeFile(model, 'not a network');
  assert.equal((await failure(removeBackground(jpeg, { model }))).code, 'ERR_MODEL');
  await writeFile(model, network);
  assert.ok((await removeBackground(jpeg, { model })).coverage > 0.1);
  // Loaded now: the file is not needed any more, until dispose().
  await rm(model);
  assert.ok((await removeBackground(jpeg, { model })).coverage > 0.1);
  dispose();
  assert.equal((await failure(removeBackground(jpeg, { model }))).code, 'ERR_LOAD');
  await rm(folder, { recursive: true });
});

test('a package without its wasm says so, and works once it is there', async () => {
  // A copy of the package in a folder of its own, so that the real one stays whole.
  const folder = await mkdtemp(path.join(pathOf('build/'), 'package-'));
  const script = `
    const { removeBackground } = await import(${JSON.stringify(`${folder}/js/index.node.js`)});
    const { copyFile, writeFile } = await import('node:fs/promises');
    const photo = ${JSON.stringify(examplePhotos()[0])};
    const error = await removeBackground(photo).then(() => ({}), (error) => error);
    const files = ['offcut.wasm', 'offcut.relaxed.wasm'];
    for (const file of files) await writeFile(${JSON.stringify(`${folder}/dist/`)} + file, 'version 1');
    const damaged = await removeBackground(photo).then(() => ({}), (error) => error);
    for (const file of files)
      await copyFile('dist/' + file, ${JSON.stringify(`${folder}/dist/`)} + file);
    const { image } = await removeBackground(photo);
    process.stdout.write(
      JSON.stringify([error.code, error.message, damaged.code, damaged.message, image.format]),
    );`;
  execFileSync('cp', ['-r', pathOf('js'), pathOf('models'), pathOf('package.json'), folder]);
  execFileSync('mkdir', [`${folder}/dist`]);
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: pathOf(''),
  });
  const [code, message, damaged, why, format] = JSON.parse(String(output));
  assert.equal(code, 'ERR_LOAD');
  assert.match(message, /offcut(\.relaxed)?\.wasm could not be read: no such file/);
  assert.equal(damaged, 'ERR_LOAD');
  assert.match(why, /offcut(\.relaxed)?\.wasm could not be compiled: CompileError/);
  assert.equal(format, 'png');
  await rm(folder, { recursive: true });
});

test('the core takes a compiled module and bytes, or a function that answers them', async () => {
  const module = await WebAssembly.compile(
    /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf('dist/offcut.wasm')),
  );
  let asked = 0;
  const engine = await createBareEngine({
    module,
    model: async () => {
      asked++;
      return network;
    },
  });
  assert.equal(asked, 1);
  const { png, variant } = await engine.removeBackground(jpeg);
  assert.equal(variant, 'simd128');
  const other = await createBareEngine({ module, model: network });
  assert.deepEqual((await other.removeBackground(jpeg)).png, png);
  engine.dispose();
  other.dispose();
});

test('what compiles the core is asked once for each build, and again after a failure', async () => {
  /** @type {string[]} */
  const asked = [];
  /** @param {string} variant */
  const module = async (variant) => {
    asked.push(variant);
    if (asked.length === 1) throw new Error('not now');
    return WebAssembly.compile(
      /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf('dist/offcut.wasm')),
    );
  };
  const options = { model: network, module, variant: /** @type {const} */ ('simd128') };
  assert.match((await failure(createEngine(options))).message, /not now/);
  for (const engine of [await createEngine(options), await createEngine(options)]) {
    assert.equal((await engine.removeBackground(jpeg)).variant, 'simd128');
    engine.dispose();
  }
  assert.deepEqual(asked, ['simd128', 'simd128']);
  dispose();
});
