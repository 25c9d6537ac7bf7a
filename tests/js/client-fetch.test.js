// SPDX-License-Identifier: Apache-2.0
// What createFromURL fetches, and what it must not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createOffcut } from 'offcut/client';
import { get } from '../../js/client/get.node.js';
import { createOffcut as createWebOffcut } from '../../js/client/index.web.js';
import { ORIGINS, isPrivateHost, isPublicAddress, originTest } from '../../js/client/origins.js';
import { bytesOf, discJpeg, failure } from './helpers.js';

const photo = await discJpeg();

/** The core, which the entry for browsers cannot fetch here. */
const module = await WebAssembly.compile(
  /** @type {Uint8Array<ArrayBuffer>} */ (bytesOf('dist/offcut.wasm')),
);

/** @type {import('node:http').Server} */
let server;
let origin = '';
/** @type {string[]} */
const requests = [];

/** @type {Record<string, import('node:http').RequestListener>} */
const paths = {
  '/photo': (_, response) => response.writeHead(200).end(photo),
  '/to-photo': (_, response) => response.writeHead(302, { location: '/photo' }).end(),
  '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
  '/elsewhere': (_, response) =>
    response
      .writeHead(307, { location: `${origin.replace('127.0.0.1', 'localhost')}/photo` })
      .end(),
  '/metadata': (_, response) =>
    response.writeHead(301, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  '/file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/long': (_, response) => response.writeHead(200, { 'content-length': '20971521' }).end('x'),
  '/endless': (_, response) => {
    response.writeHead(200);
    const write = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65536)));
    };
    response.on('drain', write);
    write();
  },
  '/slow': () => {},
  '/page': (_, response) => response.writeHead(200).end('<!doctype html><title>hello</title>'),
  '/missing': (_, response) => response.writeHead(404).end('no'),
};

before(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.headers.host}${request.url}`);
    paths[request.url ?? '']?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
});

after(() => {
  server.close();
  server.closeAllConnections();
});

const entries = { 'by Node': createOffcut, 'by fetch': createWebOffcut };

for (const [name, create] of Object.entries(entries)) {
  describe(`createFromURL ${name}`, () => {
    /** @param {import('offcut/client').FetchRules} [rules] */
    const open = (rules) => {
      const fetchRules = { origins: [origin], allowPrivate: true, ...rules };
      return create({ module, fetch: fetchRules });
    };

    test('makes an image, also after a redirect', async () => {
      const { images } = open();
      for (const path of ['/photo', '/to-photo']) {
        const image = await images.createFromURL({ url: origin + path, name: 'fetched' });
        assert.deepEqual(
          [image.name, image.format, image.width, image.height, image.size],
          ['fetched', 'jpeg', 200, 160, photo.length],
        );
      }
      const image = await images.createFromURL({ url: new URL('/photo', origin), name: 'a' });
      assert.equal(image.size, photo.length);
    });

    test('stays where it is allowed', async () => {
      const { images } = open();
      const other = origin.replace('127.0.0.1', 'localhost');
      const secret = origin.replace('//', '//user:password@');
      const wrong = [
        `${other}/photo`,
        `${secret}/photo`,
        'file:///etc/passwd',
        'data:image/png;base64,',
        'ftp://127.0.0.1/photo',
        'not a URL',
        '',
        undefined,
      ];
      requests.length = 0;
      for (const url of wrong) {
        const error = await failure(
          images.createFromURL({ url: /** @type {any} */ (url), name: 'a' }),
        );
        assert.equal(error.code, 'ERR_ARGUMENT', String(url));
        assert.doesNotMatch(error.message, /password/);
      }
      assert.deepEqual(requests, [], 'nobody was asked');
      for (const path of ['/elsewhere', '/metadata', '/file']) {
        const error = await failure(images.createFromURL({ url: origin + path, name: 'a' }));
        assert.equal(error.code, 'ERR_ARGUMENT');
        assert.match(error.message, /allowed origin/);
      }
      assert.deepEqual((await images.list()).data, []);
    });

    test('keeps out of private networks unless told otherwise', async () => {
      const { images } = open({ allowPrivate: false });
      requests.length = 0;
      const error = await failure(images.createFromURL({ url: `${origin}/photo`, name: 'a' }));
      assert.equal(error.code, 'ERR_ARGUMENT');
      assert.match(error.message, /public internet/);
      assert.deepEqual(requests, []);
    });

    test('gives up on what is too large, too slow, not there or no picture', async () => {
      const { images } = open();
      const cases = /** @type {const} */ ({
        '/long': ['ERR_LIMIT', /at most 20971520 bytes/],
        '/endless': ['ERR_LIMIT', /at most 20971520 bytes/],
        '/loop': ['ERR_LOAD', /too many redirects/],
        '/missing': ['ERR_LOAD', /answered 404/],
        '/page': ['ERR_FORMAT', /JPEG, PNG or WebP/],
      });
      for (const [path, [code, message]] of Object.entries(cases)) {
        const error = await failure(images.createFromURL({ url: origin + path, name: 'a' }));
        assert.equal(error.code, code, path);
        assert.match(error.message, message);
      }
      const impatient = open({ timeout: 300 });
      const late = await failure(
        impatient.images.createFromURL({ url: `${origin}/slow`, name: 'a' }),
      );
      assert.equal(late.code, 'ERR_LOAD');
      assert.match(late.message, /no answer within 300 ms/);
      const nobody = open({ origins: ['http://127.0.0.1:1'] });
      const error = await failure(
        nobody.images.createFromURL({ url: 'http://127.0.0.1:1/', name: 'a' }),
      );
      assert.equal(error.code, 'ERR_LOAD');
    });

    test('can be aborted', async () => {
      const { images } = open();
      const signal = AbortSignal.timeout(30);
      const error = await failure(
        images.createFromURL({ url: `${origin}/slow`, name: 'a' }, { signal }),
      );
      assert.equal(error.code, 'ERR_CANCELLED');
      assert.equal(error.name, 'TimeoutError');
    });
  });
}

test('a name that leads to a private address is found out when it is resolved', async () => {
  const url = new URL('/photo', origin.replace('127.0.0.1', 'localhost'));
  const { signal } = new AbortController();
  requests.length = 0;
  const error = await failure(get(url, { signal, allowPrivate: false }));
  assert.equal(error.code, 'ERR_ARGUMENT');
  assert.match(error.message, /public internet/);
  assert.deepEqual(requests, []);
  const answer = await get(url, { signal, allowPrivate: true });
  assert.equal(answer.status, 200);
  answer.close();
});

test('private hosts are known by their names and addresses', () => {
  const isPrivate = (/** @type {string} */ host) => isPrivateHost(new URL(`http://${host}/`));
  const privateHosts =
    'localhost a.localhost printer box.local db.internal nas.home.arpa 127.0.0.1 127.1 0x7f000001 ' +
    '2130706433 0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 ' +
    '255.255.255.255 [::1] [::] [fe80::1] [fc00::1] [::ffff:127.0.0.1] [64:ff9b::7f00:1] ' +
    '[2002:7f00:1::] localhost.';
  for (const host of privateHosts.split(' ')) assert.ok(isPrivate(host), host);
  for (const host of ['example.com', '8.8.8.8', '[2606:4700::1111]']) {
    assert.ok(!isPrivate(host), host);
  }
  assert.ok(isPublicAddress('1.1.1.1'));
  for (const address of ['127.0.0.1', '::1', '::ffff:10.0.0.1', '', 'localhost']) {
    assert.ok(!isPublicAddress(address), address);
  }
});

test('the origins of the API are allowed, and what only looks like them is not', () => {
  const allows = (/** @type {string} */ url) => originTest(ORIGINS)(new URL(url));
  for (const url of [
    'https://storage.img-processing.com/images/x',
    'https://bucket.s3.amazonaws.com/x',
    'https://my.bucket.s3.eu-west-1.amazonaws.com/x',
    'https://s3.eu-west-1.amazonaws.com/bucket/x',
    'https://account.blob.core.windows.net/x',
    'https://pub-1.r2.dev/x',
    'https://www.dropbox.com:443/x',
    'https://STORAGE.googleapis.com/x',
    'https://drive.google.com/x',
    'https://1drv.ms/x',
  ]) {
    assert.ok(allows(url), url);
  }
  for (const url of [
    'http://storage.googleapis.com/x',
    'https://storage.googleapis.com:8443/x',
    'https://storage.googleapis.com.example.com/x',
    'https://example.com/storage.googleapis.com',
    'https://xstorage.googleapis.com/x',
    'https://r2.dev/x',
    'https://ec2-1-2-3-4.compute-1.amazonaws.com/x',
    'https://bucket.s3.a.b.amazonaws.com/x',
    'https://evilr2.dev/x',
  ]) {
    assert.ok(!allows(url), url);
  }
  assert.ok(originTest(['*'])(new URL('https://anything.example')));
  assert.ok(!originTest(['*'])(new URL('http://anything.example')));
});
