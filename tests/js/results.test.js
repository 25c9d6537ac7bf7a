// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { createEngine } from 'offcut';
import sharp from 'sharp';
import { disc, discJpeg, examplePhotos, failure, network, pixels, variants } from './helpers.js';

/** @type {import('offcut').Engine} with the network of the tests */
let engine;

before(async () => {
  engine = await createEngine({ model: network });
});

after(() => engine.dispose());

test('answers the eight fields of the image, in their order', async () => {
  const before = Date.now();
  const { png, image } = await engine.removeBackground(await discJpeg(), { name: 'my disc' });
  assert.deepEqual(Object.keys(image), [
    'id',
    'name',
    'url',
    'width',
    'height',
    'format',
    'size',
    'created_at',
  ]);
  assert.match(image.id, /^image_[a-z][a-z0-9]{23}$/);
  assert.equal(image.name, 'my disc');
  assert.equal(image.url, null);
  assert.deepEqual([image.width, image.height], [200, 160]);
  assert.equal(image.format, 'png');
  assert.equal(image.size, png.length);
  assert.match(image.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Date.parse(image.created_at) >= before && Date.parse(image.created_at) <= Date.now());
  const again = await engine.removeBackground(await discJpeg());
  assert.notEqual(again.image.id, image.id);
  assert.equal(again.image.name, 'image');
});

test('the subject is opaque, the background erased', async () => {
  const { png, coverage, box } = await engine.removeBackground(await discJpeg());
  const { at, channels, depth } = await pixels(png);
  assert.equal(channels, 4);
  assert.equal(depth, 'uchar');
  assert.equal(at(70, 64)[3], 255); // the disc's centre
  assert.ok(at(70, 64)[0] > 250);
  assert.deepEqual(at(190, 150), [0, 0, 0, 0]);
  assert.ok(Math.abs(coverage - (Math.PI * 40 ** 2) / (200 * 160)) < 0.01, `coverage ${coverage}`);
  for (const [side, value] of Object.entries({ x: 30, y: 24, width: 80, height: 80 })) {
    assert.ok(
      Math.abs(box[/** @type {keyof typeof box} */ (side)] - value) <= 3,
      JSON.stringify(box),
    );
  }
});

test('the mask is the alpha of the cut-out, as a grey PNG', async () => {
  const photo = await discJpeg();
  const both = await engine.removeBackground(photo, { mask: true });
  const alone = await engine.removeBackground(photo, { output: 'mask' });
  assert.ok(both.mask);
  assert.deepEqual(alone.png, both.mask);
  assert.equal(alone.mask, undefined);
  assert.equal(alone.image.size, alone.png.length);
  assert.equal((await engine.removeBackground(photo)).mask, undefined);
  assert.deepEqual((await engine.removeBackground(photo)).png, both.png);
  const twice = await engine.removeBackground(photo, { output: 'mask', mask: true });
  assert.deepEqual(twice.mask, twice.png);

  const cutout = await pixels(both.png);
  const mask = await sharp(both.mask).raw().toBuffer({ resolveWithObject: true });
  assert.equal((await sharp(both.mask).metadata()).channels, 1);
  const stride = mask.info.channels; // sharp may widen grey
  for (let i = 0; i < 200 * 160; i++)
    assert.equal(mask.data[i * stride], cutout.samples[i * 4 + 3]);
});

test('orientation is applied, and not written again', async () => {
  const upright = await pixels((await engine.removeBackground(await discJpeg())).png);
  for (let orientation = 2; orientation <= 8; orientation++) {
    // The picture as a camera would store it: turned so that the tag turns it back.
    const turned = orientation >= 5;
    const stored = await undo(disc(), orientation)
      .jpeg({ quality: 95 })
      .withMetadata({ orientation })
      .toBuffer();
    const meta = await sharp(stored).metadata();
    assert.deepEqual([meta.width, meta.height], turned ? [160, 200] : [200, 160]);
    const { png, image } = await engine.removeBackground(stored);
    const result = await pixels(png);
    assert.deepEqual([image.width, image.height], [200, 160], `orientation ${orientation}`);
    assert.equal(result.orientation, undefined);
    for (const [x, y] of [
      [70, 64],
      [10, 10],
      [190, 10],
      [10, 150],
      [70, 110],
      [120, 64],
    ]) {
      const difference = Math.abs(result.at(x, y)[3] - upright.at(x, y)[3]);
      assert.ok(
        difference <= 8,
        `orientation ${orientation}, ${x}, ${y}: alpha differs by ${difference}`,
      );
    }
  }
});

/**
 * A picture as it must be stored so that the tag makes it upright. sharp mirrors before it turns.
 *
 * @param {sharp.Sharp} image
 * @param {number} orientation
 */
function undo(image, orientation) {
  switch (orientation) {
    case 2:
      return image.flop();
    case 3:
      return image.rotate(180);
    case 4:
      return image.flip();
    case 5:
      return image.flip().rotate(90);
    case 6:
      return image.rotate(270);
    case 7:
      return image.flop().rotate(90);
    default:
      return image.rotate(90);
  }
}

test('16-bit stays 16-bit, and becomes 8-bit on request', async () => {
  const deep = await disc().toColourspace('rgb16').png().toBuffer();
  assert.equal((await sharp(deep).metadata()).depth, 'ushort');
  const wide = await pixels((await engine.removeBackground(deep)).png);
  assert.equal(wide.depth, 'ushort');
  assert.equal(wide.at(70, 64)[3], 65535);
  assert.deepEqual(wide.at(190, 150), [0, 0, 0, 0]);
  const narrow = await pixels((await engine.removeBackground(deep, { eightBit: true })).png);
  assert.equal(narrow.depth, 'uchar');
  assert.equal(narrow.at(70, 64)[3], 255);
});

test("the input's own alpha is multiplied with the mask", async () => {
  const clear = await disc()
    .ensureAlpha(1)
    .composite([
      {
        input: {
          create: {
            width: 200,
            height: 80,
            channels: 4,
            background: { r: 0, g: 0, b: 0, alpha: 1 },
          },
        },
        top: 80,
        left: 0,
        blend: 'dest-out',
      },
    ])
    .png()
    .toBuffer();
  const { at } = await pixels((await engine.removeBackground(clear)).png);
  assert.equal(at(70, 50)[3], 255);
  assert.deepEqual(at(70, 100), [0, 0, 0, 0]); // inside the disc, but transparent before
});

test('profile and density are carried on, other metadata is not', async () => {
  const photo = await disc()
    .withIccProfile('p3')
    .withExif({ IFD0: { Artist: 'nobody', Copyright: 'none' } })
    .withMetadata({ density: 300 })
    .jpeg()
    .toBuffer();
  const source = await sharp(photo).metadata();
  assert.ok(source.icc && source.exif);
  const result = await pixels((await engine.removeBackground(photo)).png);
  assert.deepEqual(result.icc, source.icc);
  assert.equal(result.density, 300);
  assert.equal(result.exif, undefined);
});

test('every kind of JPEG, PNG and WebP gives the same subject', async () => {
  const kinds = {
    jpeg: disc().jpeg({ quality: 95 }),
    progressive: disc().jpeg({ quality: 95, progressive: true }),
    grey: disc().toColourspace('b-w').jpeg({ quality: 95 }),
    cmyk: disc().toColourspace('cmyk').jpeg({ quality: 95 }),
    png: disc().png(),
    interlaced: disc().png({ progressive: true }),
    palette: disc().png({ palette: true }),
    webp: disc().webp({ quality: 95 }),
    lossless: disc().webp({ lossless: true }),
  };
  for (const [kind, image] of Object.entries(kinds)) {
    const { coverage, png } = await engine.removeBackground(await image.toBuffer());
    assert.ok(Math.abs(coverage - 0.157) < 0.012, `${kind}: coverage ${coverage}`);
    const { at } = await pixels(png);
    assert.equal(at(70, 64)[3], 255, kind);
    assert.deepEqual(at(190, 150), [0, 0, 0, 0], kind);
  }
});

test('without a subject the result is transparent, or refused on request', async () => {
  const black = await sharp({ create: { width: 90, height: 60, channels: 3, background: 'black' } })
    .jpeg()
    .toBuffer();
  const { png, coverage, box } = await engine.removeBackground(black);
  assert.equal(coverage, 0);
  assert.deepEqual(box, { x: 0, y: 0, width: 0, height: 0 });
  const { samples } = await pixels(png);
  assert.ok(samples.every((sample) => sample === 0));
  const error = await failure(engine.removeBackground(black, { onEmpty: 'error' }));
  assert.equal(error.code, 'ERR_EMPTY');
});

test('without refinement alpha is the mask enlarged', async () => {
  const photo = await discJpeg();
  const plain = await pixels((await engine.removeBackground(photo, { refine: false })).png);
  // The mask has 64 x 64 places: the rim of the disc spreads over several pixels, colours stay.
  const rim = [];
  for (let x = 100; x < 120; x++) rim.push(plain.at(x, 64)[3]);
  assert.ok(rim.filter((alpha) => alpha > 12 && alpha < 243).length >= 2, rim.join(' '));
  assert.deepEqual(plain.at(190, 150).slice(0, 3), [0, 0, 0]);
});

test('speed changes the size, not the picture', async () => {
  const [photo] = examplePhotos();
  const picture = await sharp(photo).resize(400).jpeg().toBuffer();
  const { png: fast } = await engine.removeBackground(picture, { speed: 'fast' });
  const { png: balanced } = await engine.removeBackground(picture);
  const { png: small } = await engine.removeBackground(picture, { speed: 'small' });
  assert.ok(small.length < balanced.length, `${small.length} and ${balanced.length}`);
  assert.ok(balanced.length < fast.length, `${balanced.length} and ${fast.length}`);
  assert.deepEqual((await pixels(balanced)).samples, (await pixels(fast)).samples);
  assert.deepEqual((await pixels(small)).samples, (await pixels(fast)).samples);
});

test('says how long each stage took and which build did it', async () => {
  const { timings, variant } = await engine.removeBackground(await discJpeg());
  assert.deepEqual(Object.keys(timings), ['decode', 'infer', 'refine', 'encode', 'total']);
  const { total, ...stages } = timings;
  for (const time of Object.values(stages)) assert.ok(time >= 0 && time <= total);
  assert.ok(Object.values(stages).reduce((sum, time) => sum + time) <= total);
  assert.ok(variants.includes(variant));
  assert.equal(variant, engine.variant);
});

test('the same photo gives the same bytes, in every engine of a build', async () => {
  const [photo] = examplePhotos();
  for (const variant of variants) {
    const first = await createEngine({ variant });
    const second = await createEngine({ variant });
    const { png } = await first.removeBackground(photo, { mask: true });
    assert.deepEqual((await first.removeBackground(photo)).png, png);
    assert.deepEqual((await second.removeBackground(photo)).png, png);
    first.dispose();
    second.dispose();
  }
});

test('the two builds differ through the network alone, by less than one can see', async () => {
  // One 1x1 convolution leaves nothing to round differently, so decoding, matting and encoding must
  // agree to the bit.
  const plain = await createEngine({ model: network, variant: 'simd128' });
  const relaxed = await createEngine({ model: network, variant: 'relaxed' });
  const photos = [await discJpeg({ width: 640, height: 427 })];
  for (const photo of photos) {
    const a = await plain.removeBackground(photo, { output: 'mask' });
    const b = await relaxed.removeBackground(photo, { output: 'mask' });
    // Brightness itself is fused or not: a rounding of 1e-7, at most one step of alpha.
    assert.ok((await largestDifference(a.png, b.png)) <= 1);
  }
  plain.dispose();
  relaxed.dispose();

  // The default network adds up thousands of products, fused or not: differences of 1e-5 in the
  // mask, which the
  // refinement's slope can make a few steps of alpha at single pixels. 4 of 255 leaves room for
  // another compiler.
  const engines = await Promise.all(variants.map((variant) => createEngine({ variant })));
  for (const photo of examplePhotos().slice(0, 2)) {
    const results = await Promise.all(
      engines.map((one) => one.removeBackground(photo, { output: 'mask' })),
    );
    const difference = await largestDifference(results[0].png, results[1].png);
    assert.ok(difference <= 4, `${photo}: ${difference}`);
    assert.ok(Math.abs(results[0].coverage - results[1].coverage) < 1e-3);
  }
  for (const one of engines) one.dispose();
});

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
async function largestDifference(a, b) {
  const [one, other] = [(await pixels(a)).samples, (await pixels(b)).samples];
  assert.equal(one.length, other.length);
  let largest = 0;
  for (let i = 0; i < one.length; i++) largest = Math.max(largest, Math.abs(one[i] - other[i]));
  return largest;
}

test('the default network finds the subject of the example photos', async () => {
  const own = await createEngine();
  for (const photo of examplePhotos()) {
    const { coverage, box } = await own.removeBackground(photo);
    assert.ok(coverage > 0.02 && coverage < 0.9, `${photo}: coverage ${coverage}`);
    assert.ok(box.width > 0 && box.height > 0, photo);
  }
  own.dispose();
});
