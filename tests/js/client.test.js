// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createEngine, removeBackground } from 'offcut';
import { createOffcut } from 'offcut/client';
import { memoryStore } from 'offcut/stores/memory';
import { disc, discJpeg, failure, network, pixels } from './helpers.js';

const photo = await discJpeg();

/** @param {Parameters<typeof createOffcut>[0]} [options] */
function create(options) {
  const offcut = createOffcut({ model: network, ...options });
  after(() => offcut.dispose());
  return offcut;
}

const FIELDS = ['id', 'name', 'url', 'width', 'height', 'format', 'size', 'created_at'];

test('from the photo to the cutout and away again', async () => {
  const { images } = create({ baseURL: 'https://example.com/' });
  const before = Date.now();
  const source = await images.upload({ image: photo, name: 'disc' });
  assert.deepEqual(Object.keys(source), FIELDS);
  assert.match(source.id, /^image_[a-z][a-z0-9]{23}$/);
  assert.match(source.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Date.parse(source.created_at) >= before);
  const { id, created_at, ...rest } = source;
  const facts = { url: null, width: 200, height: 160, format: 'jpeg', size: photo.length };
  assert.deepEqual(rest, { name: 'disc', ...facts });
  assert.deepEqual(await images.retrieve(id), source);

  const cutout = await images.removeBackground(id);
  assert.deepEqual(Object.keys(cutout), FIELDS);
  assert.notEqual(cutout.id, id);
  assert.ok(cutout.created_at > created_at);
  const expected = await removeBackground(photo, { model: network });
  assert.deepEqual(
    { ...cutout, id: '', created_at: '' },
    { ...rest, id: '', created_at: '', format: 'png', size: expected.png.length },
  );
  const response = await images.download(cutout.id);
  assert.equal(response.headers.get('content-type'), 'image/png');
  assert.deepEqual(new Uint8Array(await response.arrayBuffer()), expected.png);
  const { at } = await pixels(expected.png);
  assert.deepEqual([at(70, 64)[3], at(190, 150)[3]], [255, 0], 'the subject is kept');

  assert.deepEqual(await images.retrieve(id), source, 'the source stays as it is');
  const original = await images.download(id);
  assert.equal(original.headers.get('content-type'), 'image/jpeg');
  assert.deepEqual(new Uint8Array(await original.arrayBuffer()), photo);

  const url = `https://example.com/images/${cutout.id}`;
  assert.deepEqual(await images.publish(cutout.id), { ...cutout, url });
  assert.deepEqual((await images.list()).data, [{ ...cutout, url }, source]);
  assert.deepEqual(await images.unpublish(cutout.id), cutout);
  assert.equal(await images.delete(cutout.id), undefined);
  assert.equal((await failure(images.retrieve(cutout.id))).code, 'ERR_NOT_FOUND');
  assert.deepEqual((await images.list()).data, [source]);
});

test('operations are counted: removing a background as two, what fails not at all', async () => {
  /** @type {string[]} */
  const seen = [];
  const offcut = create({
    baseURL: 'https://example.com',
    onUsage: (count, operation) => seen.push(`${operation} ${count}`),
  });
  const { images } = offcut;
  const { id } = await images.upload({ image: photo, name: 'a' });
  await images.removeBackground(id);
  await images.publish(id);
  await images.unpublish(id);
  await images.retrieve(id);
  await images.list();
  await images.download(id);
  await failure(images.upload({ image: Uint8Array.of(1), name: 'a' }));
  await images.delete(id);
  assert.deepEqual(seen, ['upload 1', 'removeBackground 2', 'publish 1', 'unpublish 1']);
  assert.equal(offcut.usage, 5);
});

describe('names', () => {
  test('have 1 to 30 characters; a result takes that of its source', async () => {
    const { images } = create();
    const longest = '🦊'.repeat(30);
    const { id, name } = await images.upload({ image: photo, name: longest });
    assert.equal(name, longest);
    assert.equal((await images.removeBackground(id)).name, longest);
    assert.equal((await images.removeBackground(id, {})).name, longest);
    assert.equal((await images.removeBackground(id, null)).name, longest);
    assert.equal((await images.removeBackground(id, { name: 'x' })).name, 'x');
  });

  test('of another kind are refused before anything is done', async () => {
    const offcut = create();
    const { images } = offcut;
    const { id } = await images.upload({ image: photo, name: 'a' });
    for (const name of ['', 'a'.repeat(31), 7, null, {}]) {
      const wrong = /** @type {any} */ ({
        image: photo,
        name,
        url: 'https://1drv.ms',
        format: 'png',
      });
      for (const call of [
        images.upload(wrong),
        images.createFromURL(wrong),
        images.removeBackground(id, wrong),
        images.convert(id, wrong),
      ]) {
        const error = await failure(call);
        assert.equal(error.code, 'ERR_ARGUMENT');
        assert.match(error.message, /1 to 30 characters for name/);
      }
    }
    assert.equal(offcut.usage, 1);
  });
});

describe('uploads', () => {
  test('come as bytes, files, responses and streams', async () => {
    const { images } = create();
    const sources = [
      photo.buffer.slice(0),
      new DataView(photo.buffer, photo.byteOffset, photo.length),
      Buffer.from(photo),
      new Blob([photo]),
      new File([photo], 'photo.jpg'),
      new Response(photo),
      new Blob([photo]).stream(),
      (async function* () {
        yield photo.subarray(0, 100);
        yield photo.subarray(100);
      })(),
    ];
    for (const image of sources) {
      const { id, size } = await images.upload({ image, name: 'a' });
      assert.equal(size, photo.length);
      const file = await images.download(id);
      assert.deepEqual(new Uint8Array(await file.arrayBuffer()), photo);
    }
    for (const image of [undefined, null, 'photo.jpg', 7, {}, []]) {
      const error = await failure(images.upload({ image: /** @type {any} */ (image), name: 'a' }));
      assert.equal(error.code, 'ERR_ARGUMENT');
    }
  });

  test('are the image, whatever happens to the bytes later', async () => {
    const { images } = create();
    const mine = photo.slice();
    const { id } = await images.upload({ image: mine, name: 'a' });
    mine.fill(0);
    const downloaded = new Uint8Array(await (await images.download(id)).arrayBuffer());
    assert.deepEqual(downloaded, photo);
    downloaded.fill(0);
    assert.deepEqual(new Uint8Array(await (await images.download(id)).arrayBuffer()), photo);
  });

  test('are measured as they are meant to be seen', async () => {
    const { images } = create();
    const turned = await disc().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { id, width, height } = await images.upload({ image: turned, name: 'a' });
    assert.deepEqual([width, height], [160, 200]);
    const cutout = await images.removeBackground(id);
    assert.deepEqual([cutout.width, cutout.height], [160, 200]);
    for (const format of /** @type {const} */ (['png', 'webp'])) {
      const image = await disc()[format]().toBuffer();
      const facts = await images.upload({ image, name: 'a' });
      assert.deepEqual([facts.format, facts.width, facts.height], [format, 200, 160]);
    }
  });

  test('that are no picture, or too large, leave nothing behind', async () => {
    const { images } = create({ limits: { bytesMax: photo.length, pixelsMax: 200 * 160 } });
    await images.upload({ image: photo, name: 'a' });
    const one = new Uint8Array(photo.length + 1);
    one.set(photo);
    const endless = (async function* () {
      for (;;) yield one;
    })();
    const wide = await disc({ width: 201, height: 160 }).png().toBuffer();
    const cases = /** @type {const} */ ([
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'ERR_FORMAT'],
      [photo.subarray(0, 20), 'ERR_TRUNCATED'],
      [new Uint8Array(), 'ERR_FORMAT'],
      [one, 'ERR_LIMIT'],
      [new Blob([one]), 'ERR_LIMIT'],
      [endless, 'ERR_LIMIT'],
      [wide, 'ERR_LIMIT'],
    ]);
    for (const [image, code] of cases) {
      assert.equal((await failure(images.upload({ image, name: 'a' }))).code, code);
    }
    assert.equal((await images.list()).data.length, 1);
  });
});

test('a list comes in pages that new images do not shift', async () => {
  const { images } = create({ baseURL: 'https://example.com' });
  assert.deepEqual(await images.list(), { data: [], links: { previous: null, next: null } });
  const made = [];
  for (let i = 0; i < 12; i++) made.unshift(await images.upload({ image: photo, name: `${i}` }));
  const first = await images.list();
  assert.deepEqual(first.data, made.slice(0, 10), 'ten, newest first');
  assert.equal(first.links.previous, null);
  const next = `https://example.com/v1/images?take=10&from=${made[10].id}`;
  assert.equal(first.links.next, next);
  await images.upload({ image: photo, name: 'late' });
  assert.deepEqual((await images.list(next)).data, made.slice(10));
  assert.deepEqual((await images.list({ take: 2, from: made[3].id })).data, made.slice(3, 5));
  const { previous } = (await images.list({ take: 2, from: made[3].id })).links;
  assert.deepEqual((await images.list(previous ?? '')).data, made.slice(1, 3));
  // A page at a time, removed as it is read: nothing is missed.
  let count = 0;
  for (let link = '?take=5'; link;) {
    const { data, links } = await images.list(link);
    for (const { id } of data) await images.delete(id);
    count += data.length;
    link = links.next ?? '';
  }
  assert.equal(count, 13);
  for (const take of [0, 101, 1.5, '3', NaN]) {
    const error = await failure(images.list({ take: /** @type {any} */ (take) }));
    assert.equal(error.code, 'ERR_ARGUMENT');
  }
  const unknown = { from: made[0].id };
  assert.equal((await failure(images.list(unknown))).code, 'ERR_NOT_FOUND');
});

test('no call finds what is not there, or belongs to the other stage', async () => {
  const store = memoryStore();
  const live = create({ store, baseURL: 'https://example.com' }).images;
  const { images } = create({ store, stage: 'test', baseURL: 'https://example.com' });
  const { id: other } = await live.upload({ image: photo, name: 'a' });
  for (const id of [other, 'image_exampleid', '', '../x', /** @type {any} */ (undefined)]) {
    for (const call of [
      images.retrieve(id),
      images.download(id),
      images.delete(id),
      images.publish(id),
      images.unpublish(id),
      images.convert(id, { format: 'png' }),
      images.removeBackground(id),
      images.list({ from: id ?? 'none' }),
    ]) {
      const error = await failure(call);
      assert.equal(error.code, 'ERR_NOT_FOUND');
      assert.equal(error.message, `Image with id ${id ?? error.message.split(' ')[3]} not found.`);
    }
  }
  assert.deepEqual((await images.list()).data, []);
  assert.equal((await live.list()).data.length, 1);
});

test('publishing needs to know where; a CDN may be it', async () => {
  const { images } = create();
  const { id } = await images.upload({ image: photo, name: 'a' });
  assert.equal((await failure(images.publish(id))).code, 'ERR_STATE');
  const cdn = create({ publicURL: 'https://cdn.example.com/pictures/' }).images;
  const { id: there } = await cdn.upload({ image: photo, name: 'a' });
  assert.equal((await cdn.publish(there)).url, `https://cdn.example.com/pictures/${there}`);
});

test('an engine that is given is used, and not disposed of', async () => {
  const engine = await createEngine({ model: network });
  const offcut = createOffcut({ engine });
  const { id } = await offcut.images.upload({ image: photo, name: 'a' });
  assert.equal((await offcut.images.removeBackground(id)).format, 'png');
  offcut.dispose();
  assert.ok((await engine.removeBackground(photo)).png.length > 0);
  engine.dispose();
});

test('after dispose the next call begins anew; the images are still there', async () => {
  const offcut = create();
  const { id } = await offcut.images.upload({ image: photo, name: 'a' });
  const { size } = await offcut.images.removeBackground(id);
  offcut.dispose();
  assert.equal((await offcut.images.removeBackground(id)).size, size);
});

test('an aborted call stops and leaves nothing behind', async () => {
  const offcut = create();
  const { images } = offcut;
  const { id } = await images.upload({ image: photo, name: 'a' });
  const controller = new AbortController();
  const { signal } = controller;
  /** @type {string[]} */
  const stages = [];
  const onProgress = (/** @type {string} */ stage) => {
    stages.push(stage);
    if (stage === 'encode') controller.abort();
  };
  const error = await failure(images.removeBackground(id, {}, { signal, onProgress }));
  assert.equal(error.code, 'ERR_CANCELLED');
  assert.equal(stages.at(-1), 'encode');
  assert.equal((await images.list()).data.length, 1);
  assert.equal(offcut.usage, 1);
});

test('options that are not valid are refused', () => {
  const wrong = /** @type {any[]} */ ([
    { stage: 'prod' },
    { store: new Map() },
    { fetch: { origins: ['example.com'] } },
  ]);
  for (const options of wrong) {
    assert.throws(() => createOffcut(options), { name: 'OffcutError', code: 'ERR_ARGUMENT' });
  }
});

test('every call can be aborted, also while the store is slow', async () => {
  const store = memoryStore();
  const { images } = create({ store, publicURL: 'https://example.com' });
  const { id } = await images.upload({ image: photo, name: 'disc' });
  const never = () => new Promise(() => {});
  const body = { read: never };
  Object.assign(store, { getItem: never, getItemRaw: never, getKeys: never });
  const calls = /** @type {((signal: AbortSignal) => Promise<unknown>)[]} */ ([
    (signal) => images.upload({ image: /** @type {any} */ (body), name: 'stuck' }, { signal }),
    (signal) => images.retrieve(id, { signal }),
    (signal) => images.list({}, { signal }),
    (signal) => images.download(id, { signal }),
    (signal) => images.delete(id, { signal }),
    (signal) => images.publish(id, { signal }),
    (signal) => images.unpublish(id, { signal }),
    (signal) => images.convert(id, { format: 'webp' }, { signal }),
    (signal) => images.removeBackground(id, null, { signal }),
  ]);
  for (const call of calls) {
    const abort = new AbortController();
    const error = failure(call(abort.signal));
    setTimeout(() => abort.abort(), 5);
    assert.equal((await error).code, 'ERR_CANCELLED', String(call));
    assert.equal((await failure(call(AbortSignal.abort()))).code, 'ERR_CANCELLED', String(call));
  }
});
