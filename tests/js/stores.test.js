// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fileStore } from 'offcut/stores/files';
import { memoryStore } from 'offcut/stores/memory';
import { ImageStore } from '../../js/stores/images.js';
import { openPagedR2, stores, temporaryFolder } from './stores.js';

const HOUR = 60 * 60 * 1000;
let count = 0;

/**
 * @param {number} time
 * @param {Partial<import('../../js/stores/images.js').ImageRecord>} [more]
 */
function record(time, more) {
  const id = `image_${String(count++).padStart(24, 'a')}`;
  const created_at = new Date(time).toISOString();
  const facts = { name: 'a name', width: 3, height: 2, format: /** @type {const} */ ('png') };
  return { id, ...facts, size: 5, created_at, stage: /** @type {const} */ ('live'), ...more };
}

const bytes = Uint8Array.of(0, 255, 13, 10, 0);

for (const { name, skip, open } of stores) {
  describe(`store: ${name}`, { skip, timeout: 120_000 }, () => {
    /** @type {Awaited<ReturnType<typeof open>>} */
    let opened;
    /** @type {ImageStore} */
    let store;
    before(async () => {
      opened = await open();
      store = new ImageStore(opened.storage);
    });
    after(() => opened?.close());

    test('gives back what it was given, byte by byte, until it is removed', async () => {
      const made = record(Date.now());
      await store.add(made, bytes);
      assert.deepEqual(await store.find(made.id), made);
      assert.deepEqual(await store.read(made), bytes);
      assert.equal(await store.find(made.id, 'test'), undefined);
      assert.equal(await store.isPublished(made.id), false);
      await store.setPublished(made.id, true);
      assert.equal(await store.isPublished(made.id), true);
      await store.setPublished(made.id, false);
      assert.equal(await store.isPublished(made.id), false);
      await store.setPublished(made.id, true);
      await store.remove(made);
      assert.equal(await store.find(made.id), undefined);
      assert.equal(await store.read(made), undefined);
      assert.deepEqual(await opened.storage.getKeys(), [], 'nothing is left');
    });

    test('lists newest first, stage by stage, whatever is added meanwhile', async () => {
      const start = Date.now();
      const made = [...Array(7).keys()].map((i) => record(start + i));
      await Promise.all([...made].reverse().map((one) => store.add(one, bytes)));
      const other = record(start + 3, { stage: 'test' });
      await store.add(other, bytes);
      const ids = made.map(({ id }) => id).reverse();
      const first = await store.page('live', { take: 3 });
      assert.deepEqual(
        first?.records.map(({ id }) => id),
        ids.slice(0, 3),
      );
      assert.equal(first.previous, null);
      assert.equal(first.next, ids[3]);
      await store.add(record(start + 100), bytes);
      const second = await store.page('live', { take: 3, from: first.next });
      assert.deepEqual(
        second?.records.map(({ id }) => id),
        ids.slice(3, 6),
      );
      assert.equal(second.previous, ids[0]);
      const third = await store.page('live', { take: 3, from: second.next ?? '' });
      assert.deepEqual(
        third?.records.map(({ id }) => id),
        ids.slice(6),
      );
      assert.equal(third.next, null);
      assert.equal(third.previous, ids[3]);
      assert.deepEqual((await store.page('test', { take: 10 }))?.records, [other]);
      assert.equal(await store.page('live', { take: 3, from: other.id }), undefined);
    });
  });
}

test('R2 lists images that take several pages', { timeout: 120_000 }, async () => {
  const { storage, close } = await openPagedR2();
  const keys = [...Array(8).keys()].map((i) => `order:live:${i}`);
  for (const key of [...keys, 'records:x', 'order:test:0']) await storage.setItem(key, '1');
  assert.deepEqual((await storage.getKeys('order:live:')).sort(), keys);
  await close();
});

const s3 = stores.find(({ name }) => name === 'S3') ?? assert.fail();

test('S3 lists more than the thousand that make a page', { skip: s3.skip }, async () => {
  const { storage, close } = await s3.open();
  const keys = [...Array(1005).keys()].map((i) => `order:live:${String(i).padStart(5, '0')}`);
  for (let i = 0; i < keys.length; i += 67) {
    await Promise.all(keys.slice(i, i + 67).map((key) => storage.setItem(key, '1')));
  }
  await storage.setItem('records:x', '1');
  assert.deepEqual((await storage.getKeys('order:live:')).sort(), keys);
  await close();
});

describe('a crash', { timeout: 120_000 }, () => {
  /**
   * A storage that fails at its n-th change, and at all that follow.
   *
   * @param {import('../../js/stores/images.js').Storage} storage
   * @param {number} left
   */
  function failing(storage, left) {
    const guard =
      (/** @type {Function} */ change) =>
      async (/** @type {any[]} */ ...values) => {
        if (left-- <= 0) throw new Error('crash');
        return change(...values);
      };
    return {
      ...storage,
      setItem: guard(storage.setItem),
      setItemRaw: guard(storage.setItemRaw),
      removeItem: guard(storage.removeItem),
    };
  }

  test('while an image is made shows nothing of it, and the sweep leaves nothing', async () => {
    for (let step = 0; step < 3; step++) {
      const storage = memoryStore();
      const whole = new ImageStore(storage);
      const kept = record(Date.now() - 3 * HOUR);
      await whole.add(kept, bytes);
      const keys = await storage.getKeys();
      const lost = record(Date.now() - 2 * HOUR);
      const fresh = record(Date.now());
      for (const one of [lost, fresh]) {
        const crashing = new ImageStore(/** @type {any} */ (failing(storage, step)));
        await assert.rejects(crashing.add(one, bytes), /crash/);
        assert.equal(await whole.find(one.id), undefined);
      }
      assert.deepEqual((await whole.page('live', { take: 10 }))?.records, [kept]);
      assert.equal(await whole.sweep(), step === 0 ? 0 : 1, 'what is fresh may still be finished');
      const left = await storage.getKeys();
      assert.deepEqual(left.filter((key) => !key.includes(fresh.id)).sort(), keys.sort());
      await whole.add(fresh, bytes);
      assert.deepEqual((await whole.page('live', { take: 10 }))?.records, [fresh, kept]);
    }
  });

  test('while an image is removed shows it whole or not at all', async () => {
    for (let step = 0; step < 4; step++) {
      const storage = memoryStore();
      const whole = new ImageStore(storage);
      const made = record(Date.now() - 2 * HOUR);
      await whole.add(made, bytes);
      await whole.setPublished(made.id, true);
      const crashing = new ImageStore(/** @type {any} */ (failing(storage, step)));
      await assert.rejects(crashing.remove(made), /crash/);
      const found = await whole.find(made.id);
      assert.deepEqual(found, step === 0 ? made : undefined);
      if (found) assert.deepEqual(await whole.read(found), bytes);
      assert.equal(await whole.sweep(), step === 0 ? 0 : 1);
      if (step > 0) assert.deepEqual(await storage.getKeys(), []);
    }
  });

  const writer = fileURLToPath(new URL('store-writer.js', import.meta.url));

  test('of the process leaves a folder in which all that was reported done is whole', async () => {
    const folder = temporaryFolder();
    const store = new ImageStore(fileStore(folder));
    let done = 0;
    for (const wait of [0, 3, 17, 40]) {
      const child = spawn(process.execPath, [writer, folder, '1000', '200000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      child.stdout.on('data', (chunk) => (text += chunk));
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, wait));
      child.kill('SIGKILL');
      await once(child, 'close');
      const ids = text.split('\n').slice(0, -1);
      assert.ok(ids.length > 0);
      done += ids.length;
      for (const id of ids) assert.ok(await store.find(id), 'a finished image is there');
    }
    const { records } = (await store.page('live', { take: 10_000 })) ?? assert.fail();
    assert.ok(records.length >= done && records.length <= done + 4);
    for (const one of records) assert.ok(await store.read(one), 'what is shown can be read');
    rmSync(folder, { recursive: true });
  });

  test('leaves half-written files that go away later', async () => {
    const folder = temporaryFolder();
    await new ImageStore(fileStore(folder)).add(record(Date.now()), bytes);
    for (const name of ['old', 'new']) writeFileSync(path.join(folder, 'tmp', name), 'half');
    utimesSync(path.join(folder, 'tmp/old'), new Date(), new Date(Date.now() - 2 * HOUR));
    await new ImageStore(fileStore(folder)).add(record(Date.now()), bytes);
    assert.deepEqual(readdirSync(path.join(folder, 'tmp')), ['new']);
    rmSync(folder, { recursive: true });
  });

  test('two processes that write at once lose nothing', async () => {
    const folder = temporaryFolder();
    const children = [1, 2].map(() =>
      spawn(process.execPath, [writer, folder, '40', '1000'], { stdio: 'ignore' }),
    );
    await Promise.all(children.map((child) => once(child, 'close')));
    const { records } = (await new ImageStore(fileStore(folder)).page('live', { take: 100 })) ?? {};
    assert.equal(records?.length, 80);
    rmSync(folder, { recursive: true });
  });
});

test('an id that is none is never made a key', async () => {
  const folder = temporaryFolder();
  const store = new ImageStore(fileStore(folder));
  for (const id of ['', '../records', 'image_../x', 'image_a:b', 'image_', 'IMAGE_a', 'image_a$']) {
    assert.equal(await store.find(id), undefined);
  }
  rmSync(folder, { recursive: true });
});
