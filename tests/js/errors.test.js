// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { OffcutError, createCodec, createEngine } from 'offcut';
import { createOffcut } from 'offcut/client';
import { bytesOf, disc, discJpeg, failure, network } from './helpers.js';
import { brightnessNetwork } from './onnx.js';
import { trapWhen, withMemoryMax } from './wasm-patch.js';

/** @type {import('offcut').Engine} */
let engine;
/** @type {Uint8Array} */
let jpeg;
/** @type {Uint8Array} */
let png;

before(async () => {
  engine = await createEngine({ model: network });
  jpeg = await discJpeg();
  png = new Uint8Array(await disc().png().toBuffer());
});

after(() => engine.dispose());

/**
 * @param {Promise<unknown>} promise
 * @param {string} code
 * @param {RegExp} [message]
 */
async function failsWith(promise, code, message) {
  const error = await failure(promise);
  assert.ok(error instanceof OffcutError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.detail.length > 0);
  if (message) assert.match(error.message, message);
  return error;
}

/** After any failure the engine must work as before. */
async function stillWorks() {
  const { coverage } = await engine.removeBackground(jpeg);
  assert.ok(coverage > 0.1);
}

test('ERR_FORMAT: no picture of a known kind', async () => {
  for (const bytes of [
    new Uint8Array(0),
    new Uint8Array([0xff]),
    new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    new TextEncoder().encode('GIF89a and so on and so on'),
    new Uint8Array(5000),
  ]) {
    await failsWith(engine.removeBackground(bytes), 'ERR_FORMAT');
  }
  await stillWorks();
});

test('ERR_UNSUPPORTED: a 12-bit JPEG', async () => {
  const deep = jpeg.slice();
  const frame = deep.findIndex((byte, i) => byte === 0xff && deep[i + 1] === 0xc0);
  assert.ok(frame > 0 && deep[frame + 4] === 8);
  deep[frame + 4] = 12;
  await failsWith(engine.removeBackground(deep), 'ERR_UNSUPPORTED');
  await stillWorks();
});

test('ERR_CORRUPT: a PNG with a flipped byte in its pixels', async () => {
  const broken = png.slice();
  const data = Buffer.from(broken).indexOf('IDAT') + 4;
  broken[data + 40] ^= 0xff;
  await failsWith(engine.removeBackground(broken), 'ERR_CORRUPT');
  await stillWorks();
});

test('ERR_TRUNCATED: a file cut off, and the same file decoded on request', async () => {
  const webp = new Uint8Array(await disc().webp({ quality: 90 }).toBuffer());
  for (const [kind, whole] of Object.entries({ jpeg, png, webp })) {
    const half = whole.subarray(0, Math.floor(whole.length * 0.7));
    await failsWith(engine.removeBackground(half), 'ERR_TRUNCATED');
    const { image } = await engine.removeBackground(half, { allowTruncated: true });
    assert.deepEqual([image.width, image.height], [200, 160], kind);
  }
  await stillWorks();
});

test('ERR_LIMIT: too many pixels or bytes, refused before decoding', async () => {
  await failsWith(
    engine.removeBackground(jpeg, { pixelsMax: 200 * 160 - 1 }),
    'ERR_LIMIT',
    /32000|200 ?x ?160/,
  );
  assert.ok(await engine.removeBackground(jpeg, { pixelsMax: 200 * 160 }));
  await failsWith(engine.removeBackground(jpeg, { bytesMax: jpeg.length - 1 }), 'ERR_LIMIT');
  assert.ok(await engine.removeBackground(jpeg, { bytesMax: jpeg.length }));
  const blob = new Blob([Buffer.from(jpeg)]);
  await failsWith(
    engine.removeBackground(blob, { bytesMax: 10 }),
    'ERR_LIMIT',
    /at most 10 bytes, received/,
  );
  await failsWith(engine.removeBackground(header(20000, 20000)), 'ERR_LIMIT');
  await stillWorks();
});

test('ERR_MEMORY: more than wasm may take, and the memory is given back', async () => {
  const wasm = withMemoryMax(bytesOf('dist/offcut.wasm'), (16 << 20) / 65536);
  const module = await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (wasm));
  const small = await createEngine({ model: network, module, variant: 'simd128' });
  const { png: expected } = await small.removeBackground(jpeg);
  // On its side it must be held: 18 MB.
  const turned = disc({ width: 3000, height: 2000 }).withMetadata({ orientation: 6 });
  await failsWith(small.removeBackground(await turned.jpeg().toBuffer()), 'ERR_MEMORY');
  assert.deepEqual((await small.removeBackground(jpeg)).png, expected);
  small.dispose();
});

/**
 * A PNG of this size with hardly any data.
 *
 * @param {number} width
 * @param {number} height
 */
function header(width, height) {
  const sides = Buffer.alloc(8);
  sides.writeUInt32BE(width, 0);
  sides.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', Buffer.concat([sides, Buffer.from([8, 2, 0, 0, 0])])),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/**
 * @param {string} type
 * @param {Buffer} data
 */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

test('ERR_MODEL: no network, a damaged one, an unknown operator, which is named', async () => {
  await failsWith(createEngine({ model: new TextEncoder().encode('hello') }), 'ERR_MODEL');
  await failsWith(createEngine({ model: new Uint8Array(0) }), 'ERR_ARGUMENT');
  await failsWith(createEngine({ model: network.subarray(0, network.length - 60) }), 'ERR_MODEL');
  const model = brightnessNetwork({ operator: 'Conjure' });
  await failsWith(createEngine({ model }), 'ERR_MODEL', /Conjure.*brightness|brightness.*Conjure/);
  await stillWorks();
});

test('ERR_LOAD: a file that is not there', async () => {
  const error = await failsWith(
    engine.removeBackground('no/such/photo.jpg'),
    'ERR_LOAD',
    /no\/such\/photo\.jpg/,
  );
  assert.equal(error.cause.code, 'ENOENT');
  await failsWith(engine.removeBackground('.'), 'ERR_LOAD');
  await failsWith(createEngine({ model: 'no/such/network.onnx' }), 'ERR_LOAD', /network\.onnx/);
  await stillWorks();
});

test('ERR_STATE: after dispose()', async () => {
  const gone = await createEngine({ model: network });
  const [under, waiting] = [gone.removeBackground(jpeg), gone.removeBackground(jpeg)];
  gone.dispose();
  gone.dispose();
  await failsWith(under, 'ERR_STATE');
  await failsWith(waiting, 'ERR_STATE');
  await failsWith(gone.removeBackground(jpeg), 'ERR_STATE', /disposed/);
  assert.equal(gone.memoryBytes, 0);
});

test('ERR_ARGUMENT: wrong parts of an engine', async () => {
  await failsWith(
    createEngine({ variant: /** @type {any} */ ('mmx') }),
    'ERR_ARGUMENT',
    /variant.*"mmx"/,
  );
  await failsWith(createEngine({ module: /** @type {any} */ ({}) }), 'ERR_ARGUMENT', /module/);
  for (const [options, message] of /** @type {[any, RegExp][]} */ ([
    [{ workers: true }, /Expected one of .*model, variant, .* for option but received "workers"/],
    [{ backend: 'webgpu' }, /Expected a backend for backend but received "webgpu"/],
    [null, /Expected an object for options but received null/],
  ])) {
    await failsWith(createEngine(options), 'ERR_ARGUMENT', message);
    assert.throws(() => createOffcut(options), { name: 'OffcutError', message });
  }
  assert.throws(() => createCodec(/** @type {any} */ ({ model: network })), /option.*"model"/);
  const empty = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  await failsWith(createEngine({ module: empty }), 'ERR_ARGUMENT', /Expected offcut\.wasm/);
  // It imports a function that nobody has.
  const other = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0];
  const foreign = new WebAssembly.Module(new Uint8Array(other));
  await failsWith(createEngine({ module: foreign }), 'ERR_ARGUMENT', /could not be started/);
});

test('ERR_INTERNAL: a trap ends the instance, not the engine', async () => {
  const trigger = 7;
  const wasm = trapWhen(bytesOf('dist/offcut.wasm'), 'offcut_options_set_pixels_max', trigger);
  const module = await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (wasm));
  const faulty = await createEngine({ model: network, module, variant: 'simd128' });
  const good = await faulty.removeBackground(jpeg);
  const first = faulty.removeBackground(jpeg, { pixelsMax: trigger });
  const behind = faulty.removeBackground(jpeg);
  const error = await failsWith(first, 'ERR_INTERNAL', /offcut_options_set_pixels_max/);
  assert.ok(error.cause instanceof WebAssembly.RuntimeError);
  assert.deepEqual((await behind).png, good.png);
  await failsWith(faulty.removeBackground(jpeg, { pixelsMax: trigger }), 'ERR_INTERNAL');
  assert.deepEqual((await faulty.removeBackground(jpeg)).png, good.png);
  faulty.dispose();
});

test('a failure in onProgress comes out as it is', async () => {
  const thrown = new RangeError('mine');
  const error = await failure(
    engine.removeBackground(jpeg, {
      onProgress: () => {
        throw thrown;
      },
    }),
  );
  assert.equal(error, thrown);
  await stillWorks();
});
