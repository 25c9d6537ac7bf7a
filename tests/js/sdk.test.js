// SPDX-License-Identifier: Apache-2.0
// The client that people use with the API, on our server: over the network, and with `fetch` set to our handler.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { removeBackground } from 'offcut';
import { createServer } from 'offcut/server';
import sharp from 'sharp';
import { discJpeg, failure, pathOf } from './helpers.js';
import { ImgProcessing } from './sdk.js';
import { temporaryFolder } from './stores.js';

const LIVE = 'live_0123456789abcdef';
const TEST = 'test_0123456789abcdef';
const photo = await discJpeg();

/**
 * @typedef {object} Served
 * @property {object} options of the client
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Served>} */
async function openHandler() {
  const server = createServer({ apiKeys: [LIVE, TEST] });
  return {
    options: { baseURL: 'https://offcut.invalid', fetch: server.fetch },
    close: async () => server.dispose(),
  };
}

/** @returns {Promise<Served>} what `npm run serve` starts, with a folder */
async function openProcess() {
  const folder = temporaryFolder();
  const child = spawn(process.execPath, [pathOf('js/server/node.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PORT: '0',
      OFFCUT_API_KEYS: `${LIVE}, ${TEST}`,
      OFFCUT_STORE: path.join(folder, 'images'),
    },
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  while (!/listening on (\S+)/.test(text)) await once(child.stdout, 'data');
  return {
    options: { baseURL: /listening on (\S+)/.exec(text)?.[1] },
    close: async () => {
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      rmSync(folder, { recursive: true });
      assert.equal(code, 0, 'it stops when it is asked to');
      assert.match(text, /^\S+Z POST \/v1\/images\/upload 201 \d+ms live:[\da-f]{8} [\w-]+$/m);
      assert.ok(!text.includes(LIVE), 'no key is logged');
    },
  };
}

for (const [name, open] of Object.entries({
  'our handler': openHandler,
  'npm run serve': openProcess,
})) {
  describe(`the client of the API with ${name}`, () => {
    /** @type {Served} */
    let served;
    /** @type {any} */
    let client;
    before(async () => {
      served = await open();
      client = new ImgProcessing({ apiKey: LIVE, maxRetries: 0, ...served.options });
    });
    after(() => served?.close());

    test('goes from the photo to the published cutout and away again', async () => {
      const image = new File([photo], 'disc.jpg');
      const { data: source, response } = await client.images
        .upload({ image, name: 'disc' })
        .withResponse();
      assert.equal(response.status, 201);
      assert.equal(response.headers.get('x-image-processing-usage'), '1');
      const order = ['id', 'name', 'url', 'width', 'height', 'format', 'size', 'created_at'];
      assert.deepEqual(Object.keys(source), order);

      const removed = await client.images.removeBackground(source.id).withResponse();
      assert.equal(removed.response.headers.get('x-image-processing-usage'), '2');
      const cutout = removed.data;
      assert.deepEqual([cutout.name, cutout.format, cutout.url], ['disc', 'png', null]);
      assert.deepEqual([cutout.width, cutout.height], [200, 160]);
      assert.equal((await client.images.removeBackground(source.id, { name: 'b' })).name, 'b');
      assert.equal((await client.images.removeBackground(source.id, null)).name, 'disc');

      assert.deepEqual(await client.images.retrieve(cutout.id), cutout);
      const { data, links } = await client.images.list({ take: 2 });
      assert.equal(data.length, 2);
      const rest = await client.get(links.next);
      assert.deepEqual(rest.data, [cutout, source]);
      assert.equal(rest.links.next, null);
      assert.deepEqual(await client.images.list({ take: 2, from: cutout.id }), rest);

      const file = await client.images.download(cutout.id);
      assert.equal(file.headers.get('content-type'), 'image/png');
      const { png } = await removeBackground(photo);
      assert.deepEqual(new Uint8Array(await file.arrayBuffer()), png, 'as by the library itself');

      const webp = await client.images.convert(cutout.id, { format: 'webp', quality: 60 });
      assert.deepEqual(
        [webp.format, webp.name, webp.width, webp.height],
        ['webp', 'disc', 200, 160],
      );
      const jpeg = await client.images.convert(cutout.id, { format: 'jpg', name: 'flat' });
      assert.deepEqual([jpeg.format, jpeg.name], ['jpeg', 'flat']);
      const converted = await (await client.images.download(jpeg.id)).arrayBuffer();
      const seen = await sharp(converted).metadata();
      assert.deepEqual([seen.format, seen.width, seen.height], ['jpeg', 200, 160]);

      const published = await client.images.publish(cutout.id);
      assert.deepEqual(published, { ...cutout, url: published.url });
      assert.match(published.url, new RegExp(`/images/${cutout.id}$`));
      if (name === 'npm run serve') {
        const shown = new Uint8Array(await (await fetch(published.url)).arrayBuffer());
        assert.deepEqual(shown, png);
      }
      assert.deepEqual(await client.images.unpublish(cutout.id), cutout);
      assert.ok(!(await client.images.delete(cutout.id)));
      assert.equal((await failure(client.images.retrieve(cutout.id))).status, 404);
    });

    test('uploads files that are read while they are sent', async () => {
      const folder = temporaryFolder();
      const file = path.join(folder, 'photo.jpg');
      writeFileSync(file, photo);
      const { size } = await client.images.upload({ image: createReadStream(file), name: 'a' });
      assert.equal(size, photo.length);
      rmSync(folder, { recursive: true });
    });

    test('throws its typed errors for what is wrong', async () => {
      const { images } = client;
      const image = new File([photo], 'disc.jpg');
      const { id } = await images.upload({ image, name: 'disc' });
      const { NotFoundError, UnprocessableEntityError, AuthenticationError } = ImgProcessing;
      const cases = [
        [() => images.retrieve('image_exampleid'), NotFoundError, 404, 'not-found'],
        [() => images.removeBackground('image_exampleid'), NotFoundError, 404, 'not-found'],
        [() => images.download('image_exampleid'), NotFoundError, 404, 'not-found'],
        [() => images.delete('image_exampleid'), NotFoundError, 404, 'not-found'],
        [() => images.publish('image_exampleid'), NotFoundError, 404, 'not-found'],
        [() => images.list({ from: 'image_exampleid' }), NotFoundError, 404, 'not-found'],
        [() => images.removeBackground(id, { name: '' }), UnprocessableEntityError, 422],
        [
          () => images.removeBackground(id, { name: 'a'.repeat(31) }),
          UnprocessableEntityError,
          422,
        ],
        [() => images.list({ take: 101 }), UnprocessableEntityError, 422],
        [() => images.convert(id, { format: 'jpeg', quality: 101 }), UnprocessableEntityError, 422],
        [() => images.convert(id, { format: 'tiff' }), UnprocessableEntityError, 422],
        [() => images.createFromURL({ url: 'https://1drv.ms/a' }), UnprocessableEntityError, 422],
        [
          () => images.createFromURL({ url: 'http://localhost', name: 'a' }),
          UnprocessableEntityError,
          422,
        ],
        [
          () => images.upload({ image: new File(['<svg/>'], 'a.svg'), name: 'a' }),
          UnprocessableEntityError,
          422,
        ],
        [() => images.upload({ image }), UnprocessableEntityError, 422],
      ];
      for (const [call, type, status, slug = 'validation-error'] of cases) {
        const error = await failure(call());
        assert.ok(error instanceof type, `${error.name}: ${error.message}`);
        assert.equal(error.status, status);
        assert.equal(error.error.status, status);
        assert.equal(error.error.type, `https://docs.img-processing.com/errors/${slug}`);
        if (status === 422) assert.ok(Array.isArray(error.error.errors));
        else assert.equal(error.error.message, 'Image with id image_exampleid not found.');
      }
      const stranger = new ImgProcessing({ apiKey: 'live_x', maxRetries: 0, ...served.options });
      const refused = await failure(stranger.images.list());
      assert.ok(refused instanceof AuthenticationError);
      assert.equal(refused.message, '401 You are not authorized to access this resource.');
      const large = new File([new Uint8Array(21 << 20)], 'large.jpg');
      const tooLarge = await failure(images.upload({ image: large, name: 'a' }));
      assert.equal(tooLarge.status, 413, tooLarge.message);
    });

    test('keeps the images of test keys apart, and waits when there are too many requests', async () => {
      const options = { apiKey: TEST, maxRetries: 0, ...served.options };
      const { images } = new ImgProcessing(options);
      const { data, response } = await images
        .upload({ image: new File([photo], 'a.jpg'), name: 'a' })
        .withResponse();
      assert.equal(response.headers.get('x-image-processing-usage'), null);
      assert.deepEqual((await images.list()).data, [data]);
      assert.equal((await failure(client.images.retrieve(data.id))).status, 404);
      for (let i = 0; i < 8; i++) await images.retrieve(data.id);
      const error = await failure(images.retrieve(data.id));
      assert.ok(error instanceof ImgProcessing.RateLimitError);
      const wait = Number(error.headers.get('retry-after'));
      assert.ok(wait > 0 && wait <= 60);
    });

    test('stops the work when it is aborted', async () => {
      const { id } = await client.images.upload({ image: new File([photo], 'a.jpg'), name: 'a' });
      const { data } = await client.images.list({ take: 100 });
      const call = client.images.removeBackground(id, {}, { signal: AbortSignal.timeout(1) });
      assert.ok((await failure(call)) instanceof ImgProcessing.APIUserAbortError);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.deepEqual((await client.images.list({ take: 100 })).data, data);
    });
  });
}
