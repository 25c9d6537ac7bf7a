// SPDX-License-Identifier: Apache-2.0
// Headers and conversion: what the core does without a network.
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { createCodec } from 'offcut';
import sharp from 'sharp';
import { disc, failure, pixels, variants } from './helpers.js';

/** @param {import('offcut').Variant} [variant] */
function open(variant) {
  const codec = createCodec({ variant });
  after(() => codec.dispose());
  return codec;
}

/** A disc with soft edges on nothing. */
const soft = new Uint8Array(
  await sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="90">
        <circle cx="60" cy="45" r="30" fill="rgb(200, 40, 90)" fill-opacity="0.8"/></svg>`,
    ),
  )
    .png()
    .toBuffer(),
);

for (const variant of variants) {
  describe(`convert, ${variant}`, () => {
    const codec = open(variant);

    test('to PNG changes nothing', async () => {
      const { bytes, width, height } = await codec.convert(soft, { format: 'png' });
      assert.deepEqual([width, height], [120, 90]);
      const before = await pixels(soft);
      const converted = await pixels(bytes);
      assert.deepEqual(converted.samples, before.samples);
    });

    test('to WebP keeps the alpha exactly and the colours nearly', async () => {
      const { bytes } = await codec.convert(soft, { format: 'webp', quality: 90 });
      const { format, hasAlpha } = await sharp(bytes).metadata();
      assert.deepEqual([format, hasAlpha], ['webp', true]);
      const before = await pixels(soft);
      const converted = await pixels(bytes);
      for (let i = 3; i < before.samples.length; i += 4) {
        assert.equal(converted.samples[i], before.samples[i]);
      }
      const [red, green, blue] = converted.at(60, 45);
      const wrong = Math.max(Math.abs(red - 200), Math.abs(green - 40), Math.abs(blue - 90));
      assert.ok(wrong < 8, `${red}, ${green}, ${blue}`);
    });

    test('to JPEG lays what is transparent on white', async () => {
      const { bytes } = await codec.convert(soft, { format: 'jpeg', quality: 95 });
      const converted = await pixels(bytes);
      const { format } = await sharp(bytes).metadata();
      assert.equal(format, 'jpeg');
      const flat = await sharp(soft).flatten({ background: '#fff' }).raw().toBuffer();
      let sum = 0;
      flat.forEach((sample, i) => (sum += Math.abs(sample - converted.samples[i])));
      assert.ok(sum / flat.length < 1, `mean difference ${sum / flat.length}`);
    });
  });
}

test('a higher quality makes a larger file; 80 is the default', async () => {
  const codec = open();
  const photo = new Uint8Array(await disc().blur(3).png().toBuffer());
  for (const format of /** @type {const} */ (['jpeg', 'webp'])) {
    const sizes = [];
    for (const quality of [1, 50, 80, undefined, 100]) {
      sizes.push((await codec.convert(photo, { format, quality })).bytes.length);
    }
    const [lowest, half, usual, byDefault, highest] = sizes;
    assert.ok(lowest < half && half < usual && usual < highest, String(sizes));
    assert.equal(usual, byDefault);
  }
});

test('profiles and the way up are kept', async () => {
  const codec = open();
  const turned = await disc()
    .withMetadata({ orientation: 8 })
    .withIccProfile('p3')
    .jpeg({ quality: 95 })
    .toBuffer();
  const profile = (await sharp(turned).metadata()).icc;
  assert.ok(profile && profile.length > 100);
  for (const format of /** @type {const} */ (['jpeg', 'png', 'webp'])) {
    const { bytes, width, height } = await codec.convert(turned, { format });
    assert.deepEqual([width, height], [160, 200]);
    const converted = await pixels(bytes);
    assert.deepEqual([converted.width, converted.height], [160, 200]);
    assert.deepEqual(converted.icc, profile, format);
    // The disc was at (70, 64) of 200 x 160 and is now a quarter turn to the left of it.
    assert.ok(converted.at(64, 129)[0] > 240 && converted.at(130, 30)[0] < 15);
  }
});

test('conversions wait for each other and can be stopped in between', async () => {
  const codec = open();
  const large = new Uint8Array(await disc({ width: 2000, height: 1500 }).jpeg().toBuffer());
  const controller = new AbortController();
  /** @type {number[]} */
  const fractions = [];
  const { signal } = controller;
  const onProgress = (/** @type {number} */ fraction) => {
    fractions.push(fraction);
    if (fractions.length === 3) controller.abort();
  };
  const stopped = failure(codec.convert(large, { format: 'webp', signal, onProgress }));
  const waiting = failure(codec.convert(large, { format: 'png', signal }));
  const other = codec.convert(soft, { format: 'png' });
  for (const error of [await stopped, await waiting]) {
    assert.equal(error.code, 'ERR_CANCELLED');
    assert.equal(error.name, 'AbortError');
  }
  assert.equal(fractions.length, 3);
  assert.ok(fractions[0] < fractions[1] && fractions[2] < 1);
  assert.equal((await other).width, 120);
  assert.equal((await codec.inspect(soft)).width, 120, 'it works on');
});

test('what cannot be converted is refused, and the next is', async () => {
  const codec = open();
  const cases = /** @type {any[]} */ ([
    [42, { format: 'png' }, 'ERR_ARGUMENT'],
    ['missing.png', { format: 'png' }, 'ERR_LOAD'],
    [soft, { format: 'gif' }, 'ERR_ARGUMENT'],
    [soft, { format: 'jpeg', quality: 0 }, 'ERR_ARGUMENT'],
    [soft, { format: 'jpeg', quality: 101 }, 'ERR_ARGUMENT'],
    [soft, { format: 'jpeg', quality: 1.5 }, 'ERR_ARGUMENT'],
    [soft, { format: 'jpeg', pixelsMax: 120 * 90 - 1 }, 'ERR_LIMIT'],
    [soft, { format: 'jpeg', bytesMax: soft.length - 1 }, 'ERR_LIMIT'],
    [soft.subarray(0, soft.length / 2), { format: 'jpeg' }, 'ERR_TRUNCATED'],
    [Buffer.from('text'), { format: 'jpeg' }, 'ERR_FORMAT'],
  ]);
  for (const [bytes, options, code] of cases) {
    assert.equal((await failure(codec.convert(bytes, options))).code, code);
  }
  assert.equal((await codec.convert(soft, { format: 'jpeg' })).width, 120);
});

test('a large picture gives its memory back', async () => {
  const codec = open();
  await codec.convert(soft, { format: 'jpeg' });
  const small = await codec.memoryBytes();
  assert.ok(small > 0 && small < 16 << 20, `${small} bytes`);
  // One that lies on its side is kept: three bytes a pixel.
  const large = await disc({ width: 6000, height: 4000 })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const { width } = await codec.convert(new Uint8Array(large), { format: 'jpeg' });
  assert.equal(width, 4000);
  assert.equal(await codec.memoryBytes(), 0);
  assert.equal((await codec.convert(soft, { format: 'jpeg' })).width, 120);
});

test('takes what removeBackground takes', async () => {
  const codec = open();
  const facts = { format: 'png', width: 120, height: 90 };
  const folder = await mkdtemp(path.join(tmpdir(), 'offcut-'));
  const file = path.join(folder, 'soft.png');
  await writeFile(file, soft);
  const { bytes } = await codec.convert(soft, { format: 'webp' });
  for (const make of [
    () => soft.slice().buffer,
    () => new Blob([Buffer.from(soft)]),
    () => new Response(Buffer.from(soft)),
    () => createReadStream(file),
    () => file,
  ]) {
    assert.deepEqual(await codec.inspect(make()), facts);
    assert.deepEqual((await codec.convert(make(), { format: 'webp' })).bytes, bytes);
  }
  await rm(folder, { recursive: true });
  assert.equal((await failure(codec.inspect(file))).code, 'ERR_LOAD');
});

test('wrong options are named, with what was expected and what came', async () => {
  const codec = open();
  for (const [options, message] of /** @type {[any, string][]} */ ([
    [undefined, 'Expected an object for options but received undefined'],
    [{}, "Expected 'jpeg', 'png' or 'webp' for format but received undefined"],
    [
      { format: 'webp', signal: 5 },
      'Expected an AbortSignal for signal but received 5 of type number',
    ],
    [
      { format: 'png', onProgress: {} },
      'Expected a function for onProgress but received an object',
    ],
    [
      { format: 'webp', qualty: 5 },
      'Expected one of format, quality, onProgress, pixelsMax, bytesMax, signal for option ' +
        'but received "qualty"',
    ],
  ])) {
    assert.equal((await failure(codec.convert(soft, options))).message, message);
  }
  const mask = /** @type {any} */ ({ mask: true });
  assert.equal((await failure(codec.inspect(soft, mask))).code, 'ERR_ARGUMENT');
});

test('a very large file that is no picture does not keep its memory', async () => {
  const codec = open();
  const large = new Uint8Array(80 * 1024 * 1024);
  for (const call of [() => codec.inspect(large), () => codec.convert(large, { format: 'png' })]) {
    assert.equal((await failure(call())).code, 'ERR_FORMAT');
    assert.equal(await codec.memoryBytes(), 0);
  }
});

for (const worker of [false, true]) {
  test(`close() lets conversions finish, ${worker ? 'in a worker' : 'here'}`, async () => {
    const large = new Uint8Array(await disc({ width: 1500, height: 1500 }).png().toBuffer());
    const codec = createCodec({ worker });
    let last = 0;
    const onProgress = (/** @type {number} */ fraction) => (last = fraction);
    const job = codec.convert(large, { format: 'webp', onProgress });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await codec.close();
    assert.equal(last, 1);
    await job;
    assert.equal(await codec.memoryBytes(), 0);
  });
}
