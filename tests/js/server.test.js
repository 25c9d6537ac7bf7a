// SPDX-License-Identifier: Apache-2.0
// The routes, by requests made by hand: what the official client would not send included.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, mock, test } from 'node:test';
import { removeBackground } from 'offcut';
import { createServer } from 'offcut/server';
import { disc, discJpeg, network } from './helpers.js';

const photo = await discJpeg();
const LIVE = 'live_0123456789abcdef';
const TEST = 'test_0123456789abcdef';

/** @param {Partial<import('../../js/server/server.js').ServerOptions>} [options] */
function open(options) {
  const server = createServer({ apiKeys: [LIVE, TEST], model: network, ...options });
  after(() => server.dispose());
  /**
   * @param {string} method
   * @param {string} path
   * @param {{ key?: string | null, body?: any, headers?: Record<string, string>, signal?: AbortSignal }} [more]
   */
  return async (method, path, { key = LIVE, body, headers, signal } = {}) => {
    const isPlain = typeof body === 'object' && body?.constructor === Object;
    const request = new Request(`http://host.example:81${path}`, {
      method,
      body: isPlain ? JSON.stringify(body) : body,
      headers: {
        ...(key && { 'x-api-key': key }),
        ...(isPlain && { 'content-type': 'application/json' }),
        ...headers,
      },
      signal,
      .../** @type {any} */ (body instanceof ReadableStream ? { duplex: 'half' } : {}),
    });
    const response = await server.fetch(request);
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      usage: response.headers.get('x-image-processing-usage'),
      body: isJson ? await response.json() : new Uint8Array(await response.arrayBuffer()),
    };
  };
}

/** @param {Uint8Array<ArrayBuffer>} [bytes] @param {string} [name] */
function form(bytes = photo, name = 'disc') {
  const data = new FormData();
  data.set('name', name);
  data.set('image', new File([bytes], 'photo.jpg', { type: 'image/jpeg' }));
  return data;
}

/**
 * Has the answer the API's form of an error?
 *
 * @param {{ status: number, headers: Headers, body: any }} answer
 * @param {number} expected
 * @param {string} title
 * @param {string | RegExp} text
 */
function assertProblem({ status, headers, body }, expected, title, text) {
  assert.equal(status, expected);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
  assert.match(headers.get('x-request-id') ?? '', /^[\w-]+$/);
  const slug = title.toLowerCase().replaceAll(' ', '-');
  const { message, errors, ...rest } = body;
  assert.deepEqual(rest, {
    type: `https://docs.img-processing.com/errors/${slug}`,
    error: title,
    title,
    status: expected,
  });
  if (expected === 422) {
    assert.equal(message, undefined);
    assert.ok(Array.isArray(errors) && errors.every((error) => typeof error === 'string'));
  } else {
    assert.equal(errors, undefined);
  }
  const actual = expected === 422 ? errors.join('\n') : message;
  if (typeof text === 'string') assert.equal(actual, text);
  else assert.match(actual, text);
}

test('the way of an image through all routes', async () => {
  const call = open();
  const uploaded = await call('POST', '/v1/images/upload', { body: form() });
  assert.equal(uploaded.status, 201);
  assert.equal(uploaded.usage, '1');
  const source = uploaded.body;
  const order = ['id', 'name', 'url', 'width', 'height', 'format', 'size', 'created_at'];
  assert.deepEqual(Object.keys(source), order);
  const path = `/v1/images/${source.id}`;

  const removed = await call('POST', `${path}/remove-background`, { body: { name: 'cutout' } });
  assert.equal(removed.status, 201);
  assert.equal(removed.usage, '2');
  const cutout = removed.body;
  assert.deepEqual(Object.keys(cutout), order);
  assert.equal(cutout.format, 'png');
  assert.equal(cutout.url, null);

  const found = await call('GET', `/v1/images/${cutout.id}`);
  assert.equal(found.status, 200);
  assert.equal(found.usage, null);
  assert.deepEqual(found.body, cutout);

  const { png } = await removeBackground(photo, { model: network });
  const file = await call('GET', `/v1/images/${cutout.id}/download`);
  assert.equal(file.status, 200);
  assert.equal(file.headers.get('content-type'), 'image/png');
  assert.equal(file.headers.get('content-length'), String(png.length));
  assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
  assert.deepEqual(file.body, png);

  const page = await call('GET', '/v1/images?take=1');
  assert.equal(page.status, 200);
  const next = `http://host.example:81/v1/images?take=1&from=${source.id}`;
  assert.deepEqual(page.body, { data: [cutout], links: { previous: null, next } });

  const url = `http://host.example:81/images/${cutout.id}`;
  const { pathname } = new URL(url);
  assert.equal((await call('GET', pathname, { key: null })).status, 404);
  const published = await call('POST', `/v1/images/${cutout.id}/publish`);
  assert.equal(published.status, 201);
  assert.deepEqual(published.body, { ...cutout, url });
  const shown = await call('GET', pathname, { key: null });
  assert.equal(shown.status, 200);
  assert.equal(shown.headers.get('content-type'), 'image/png');
  assert.equal(shown.headers.get('access-control-allow-origin'), '*');
  assert.deepEqual(shown.body, png);
  const tag = shown.headers.get('etag') ?? '';
  const same = await call('GET', pathname, { key: null, headers: { 'if-none-match': tag } });
  assert.equal(same.status, 304);
  assert.equal(same.body.length, 0);
  assert.equal((await call('HEAD', pathname, { key: null })).body.length, 0);
  const hidden = await call('POST', `/v1/images/${cutout.id}/unpublish`);
  assert.equal(hidden.status, 201);
  assert.deepEqual(hidden.body, cutout);
  const gone = await call('GET', pathname, { key: null });
  assertProblem(gone, 404, 'Not Found', `Image with id ${cutout.id} not found.`);

  const deleted = await call('DELETE', path);
  assert.equal(deleted.status, 204);
  assert.equal(deleted.body.length, 0);
  for (const [method, rest] of [
    ['GET', ''],
    ['GET', '/download'],
    ['DELETE', ''],
    ['POST', '/publish'],
    ['POST', '/unpublish'],
    ['POST', '/remove-background'],
  ]) {
    const missing = await call(method, path + rest);
    assertProblem(missing, 404, 'Not Found', `Image with id ${source.id} not found.`);
    assert.equal(missing.usage, null);
  }
});

describe('remove-background', () => {
  const call = open();
  const path = call('POST', '/v1/images/upload', { body: form() }).then(
    ({ body }) => `/v1/images/${body.id}/remove-background`,
  );

  test('takes no body, an empty object and a name', async () => {
    for (const [body, name] of /** @type {const} */ ([
      [undefined, 'disc'],
      [{}, 'disc'],
      [{ name: 'cut' }, 'cut'],
      [{ name: 'cut', unknown: 1 }, 'cut'],
    ])) {
      const answer = await call('POST', await path, { body });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.name, name);
    }
  });

  test('takes null for no options', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await call('POST', await path, { body: 'null', headers });
    assert.equal(answer.body.name, 'disc');
  });

  test('refuses an empty body that is called JSON, and what is no JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const body of ['', '{', 'name']) {
      const answer = await call('POST', await path, { body, headers });
      assertProblem(answer, 400, 'Bad Request', /cannot be read/);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'image/png']) {
      const answer = await call('POST', await path, {
        body: '{}',
        headers: { 'content-type': type },
      });
      assertProblem(answer, 415, 'Unsupported Media Type', /type/);
    }
    for (const name of ['', 'a'.repeat(31), 7, null, ['a']]) {
      const answer = await call('POST', await path, { body: { name } });
      assertProblem(answer, 422, 'Validation Error', /^name: /);
      assert.equal(answer.usage, null);
    }
    for (const body of ['7', '[]', '"name"']) {
      const answer = await call('POST', await path, { body, headers });
      assertProblem(answer, 422, 'Validation Error', /expected object/);
    }
  });
});

describe('upload', () => {
  const call = open();
  const upload = (/** @type {any} */ body, /** @type {any} */ headers) =>
    call('POST', '/v1/images/upload', { body, headers });

  test('refuses what is no picture, or none that can be read', async () => {
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>');
    assertProblem(await upload(form(svg)), 422, 'Validation Error', /JPEG, PNG or WebP/);
    const cut = photo.slice(0, 30);
    assertProblem(await upload(form(cut)), 422, 'Validation Error', /ends too early/);
  });

  test('refuses forms with parts that are missing or wrong', async () => {
    const nameless = form();
    nameless.delete('name');
    assertProblem(await upload(nameless), 422, 'Validation Error', /^name: /);
    const empty = new FormData();
    empty.set('name', 'a');
    assertProblem(await upload(empty), 422, 'Validation Error', 'image: Expected a file');
    empty.set('image', 'text');
    assertProblem(await upload(empty), 422, 'Validation Error', 'image: Expected a file');
    assertProblem(await upload(form(photo, 'a'.repeat(31))), 422, 'Validation Error', /^name: /);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    assertProblem(await upload('--x\r\nnonsense', headers), 400, 'Bad Request', /cannot be read/);
    assertProblem(await upload({ name: 'a' }), 415, 'Unsupported Media Type', /type/);
  });

  test('refuses more than 20 MB, and does not read on', async () => {
    const most = new Uint8Array(20 * 1024 * 1024);
    most.set(photo);
    assert.equal((await upload(form(most))).status, 201);
    const more = new Uint8Array(most.length + 1);
    more.set(photo);
    const limit = 'Expected at most 20971520 bytes.';
    assertProblem(await upload(form(more)), 413, 'Payload Too Large', limit);
    let read = 0;
    const endless = new ReadableStream({
      pull(controller) {
        read += 1 << 20;
        controller.enqueue(new Uint8Array(1 << 20));
      },
    });
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    assertProblem(await upload(endless, headers), 413, 'Payload Too Large', /at most/);
    assert.ok(read < 25 << 20, `${read} bytes were read`);
    const announced = { ...headers, 'content-length': '99999999' };
    assertProblem(await upload('--x', announced), 413, 'Payload Too Large', /at most/);
  });

  test('refuses more pixels than it may have, before they are decoded', async () => {
    const small = open({ limits: { pixelsMax: 200 * 160 } });
    assert.equal((await small('POST', '/v1/images/upload', { body: form() })).status, 201);
    const wide = await disc({ width: 201, height: 160 }).png().toBuffer();
    const body = form(new Uint8Array(wide));
    const answer = await small('POST', '/v1/images/upload', { body });
    assertProblem(answer, 422, 'Validation Error', /limits/);
  });
});

test('other bodies are small', async () => {
  const body = { name: 'a', url: `https://1drv.ms/${'a'.repeat(1 << 17)}` };
  const answer = await open()('POST', '/v1/images', { body });
  assertProblem(answer, 413, 'Payload Too Large', /at most/);
});

test('create from URL says what is wrong with the URL', async () => {
  const call = open();
  const create = (/** @type {any} */ body) => call('POST', '/v1/images', { body });
  const url = 'https://1drv.ms/a.jpg';
  assertProblem(await create({ url }), 422, 'Validation Error', /^name: /);
  assertProblem(await create({ name: 'a' }), 422, 'Validation Error', /^url: /);
  assertProblem(await create({ name: 'a', url: 'photo' }), 422, 'Validation Error', /^url: /);
  for (const elsewhere of ['http://127.0.0.1/', 'http://169.254.169.254/', 'https://example.com']) {
    const answer = await create({ name: 'a', url: elsewhere });
    assertProblem(answer, 422, 'Validation Error', /allowed origin/);
  }
  const open_ = open({ fetch: { origins: ['http://127.0.0.1:1'], allowPrivate: true } });
  const body = { name: 'a', url: 'http://127.0.0.1:1/a.jpg' };
  const answer = await open_('POST', '/v1/images', { body });
  assertProblem(answer, 422, 'Validation Error', /^url: .* could not be fetched/);
});

test('convert says what is wrong with what is asked for', async () => {
  const call = open();
  const { body } = await call('POST', '/v1/images/upload', { body: form() });
  const convert = (/** @type {any} */ options) =>
    call('POST', `/v1/images/${body.id}/convert`, { body: options });
  assertProblem(await convert({}), 422, 'Validation Error', /^format: /);
  assertProblem(await convert({ format: 'gif' }), 422, 'Validation Error', /^format: /);
  for (const quality of [0, 101, 1.5, '80']) {
    const answer = await convert({ format: 'jpeg', quality });
    assertProblem(answer, 422, 'Validation Error', /^quality: /);
  }
});

test('the list refuses ranges that are none', async () => {
  const call = open();
  for (const take of ['0', '101', 'x', '1.5', '-1', '']) {
    const answer = await call('GET', `/v1/images?take=${take}`);
    assertProblem(answer, 422, 'Validation Error', /^take: /);
  }
  const answer = await call('GET', '/v1/images?from=image_x');
  assertProblem(answer, 404, 'Not Found', 'Image with id image_x not found.');
});

describe('API keys', () => {
  test('are needed, and must be right', async () => {
    const call = open();
    for (const key of [null, '', 'live_', `${LIVE}x`, LIVE.slice(0, -1), TEST.replace('t', 'T')]) {
      const answer = await call('GET', '/v1/images', { key });
      assertProblem(answer, 401, 'Unauthorized', 'You are not authorized to access this resource.');
    }
    const answer = await call('POST', '/v1/images/upload', { key: null, body: form() });
    assert.equal(answer.status, 401);
  });

  test('may be given as hashes', async () => {
    const hash = createHash('sha256').update(LIVE).digest('hex');
    const call = open({ apiKeys: [`live:${hash}`] });
    assert.equal((await call('GET', '/v1/images')).status, 200);
    assert.equal((await call('GET', '/v1/images', { key: `live:${hash}` })).status, 401);
    assert.equal((await call('GET', '/v1/images', { key: TEST })).status, 401);
  });

  test('of the stages do not see each other’s images; those of test are not counted', async () => {
    const call = open();
    const test = await call('POST', '/v1/images/upload', { key: TEST, body: form() });
    assert.equal(test.status, 201);
    assert.equal(test.usage, null);
    const live = await call('POST', '/v1/images/upload', { body: form() });
    assert.deepEqual((await call('GET', '/v1/images')).body.data, [live.body]);
    assert.deepEqual((await call('GET', '/v1/images', { key: TEST })).body.data, [test.body]);
    assert.equal((await call('GET', `/v1/images/${test.body.id}`)).status, 404);
    assert.equal((await call('DELETE', `/v1/images/${live.body.id}`, { key: TEST })).status, 404);
  });

  test('that cannot be used are refused at once, without being shown', () => {
    for (const apiKeys of /** @type {any[]} */ ([
      undefined,
      'live_secret',
      ['secret'],
      ['prod_secret'],
      ['live_'],
      ['live:secret'],
    ])) {
      assert.throws(
        () => createServer({ apiKeys }),
        (/** @type {any} */ error) =>
          error.code === 'ERR_ARGUMENT' && !/secret/.test(error.message),
      );
    }
  });

  test('may be left out altogether', async () => {
    const call = open({ apiKeys: false });
    const answer = await call('POST', '/v1/images/upload', { key: null, body: form() });
    assert.equal(answer.status, 201);
  });
});

test('options that would not do what they say are refused', () => {
  for (const [options, message] of /** @type {[any, RegExp][]} */ ([
    [{ cors: 'https://example.com' }, /a boolean or a list of origins for cors/],
    [{ rateLimit: true }, /\{ live, test \}.* for rateLimit/],
    [{ rateLimit: { live: 5 } }, /\{ live, test \}.* for rateLimit/],
    [{ requestsMax: '32' }, /a positive integer for requestsMax/],
    [{ limits: { bytesMax: '20 MB' } }, /a positive integer for bytesMax/],
    [{ limits: { sizeMax: 5 } }, /bytesMax, pixelsMax for option/],
    [{ fetch: { origins: 'https://example.com' } }, /a list of strings for origins/],
    [{ log: 'all' }, /a function for log/],
    [{ engine: 'fast' }, /an engine for engine/],
    [{ corss: true }, /Expected one of .*cors.* for option but received "corss"/],
    [
      { apiKeys: 'live_secret' },
      /^Expected a list of keys or false for apiKeys but received "string"$/,
    ],
  ])) {
    assert.throws(() => createServer({ apiKeys: false, ...options }), {
      code: 'ERR_ARGUMENT',
      message,
    });
  }
});

test('more requests in a minute than a key may make have to wait', async (t) => {
  const call = open({ rateLimit: { live: 5, test: 2 } });
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const get = (/** @type {string} */ key) => call('GET', '/v1/images', { key });
  for (let i = 0; i < 2; i++) assert.equal((await get(TEST)).status, 200);
  t.mock.timers.tick(20_000);
  const refused = await get(TEST);
  assertProblem(refused, 429, 'Too Many Requests', 'More than 2 requests in a minute.');
  assert.equal(refused.headers.get('retry-after'), '40');
  for (let i = 0; i < 5; i++) assert.equal((await get(LIVE)).status, 200);
  assert.equal((await get(LIVE)).status, 429);
  t.mock.timers.tick(40_000);
  assert.equal((await get(TEST)).status, 200);
  assert.equal((await get(LIVE)).status, 429);
});

test('pictures above the number that may wait are sent away', async () => {
  const call = open({ requestsMax: 2 });
  const answers = await Promise.all(
    [1, 2, 3].map(() => call('POST', '/v1/images/upload', { body: form() })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 503]);
  const refused = answers.find(({ status }) => status === 503) ?? assert.fail();
  assertProblem(refused, 503, 'Service Unavailable', /too much to do/);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal((await call('POST', '/v1/images/upload', { body: form() })).status, 201);
});

test('a client that goes away stops the work', async () => {
  const call = open();
  const { body } = await call('POST', '/v1/images/upload', { body: form() });
  const { signal } = { signal: AbortSignal.abort() };
  const answer = await call('POST', `/v1/images/${body.id}/remove-background`, { signal });
  assert.equal(answer.status, 499);
  assert.equal((await call('GET', '/v1/images')).body.data.length, 1);
});

test('every answer has a request id, the sender’s if it has one', async () => {
  const call = open();
  const first = await call('GET', '/v1/images');
  const second = await call('GET', '/nothing');
  assert.notEqual(first.headers.get('x-request-id'), second.headers.get('x-request-id'));
  const headers = { 'x-request-id': 'mine-1' };
  assert.equal(
    (await call('GET', '/v1/images', { headers })).headers.get('x-request-id'),
    'mine-1',
  );
});

test('what is served nowhere is not found', async () => {
  const call = open();
  for (const path of ['/', '/v1', '/v1/pictures', '/v1/images/image_a/blur']) {
    assertProblem(await call('POST', path), 404, 'Not Found', `Route POST ${path} not found.`);
  }
});

test('other pages may use it only where that is wanted', async () => {
  const headers = {
    origin: 'https://page.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'x-api-key,content-type',
  };
  const ask = (/** @type {ReturnType<typeof open>} */ call) =>
    call('OPTIONS', '/v1/images/upload', { key: null, headers });
  const closed = await ask(open());
  assert.equal(closed.headers.get('access-control-allow-origin'), null);
  for (const [cors, allowed] of /** @type {const} */ ([
    [true, '*'],
    [['https://page.example'], 'https://page.example'],
    [['https://other.example'], null],
  ])) {
    const call = open({ cors: /** @type {any} */ (cors) });
    const answer = await ask(call);
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('access-control-allow-origin'), allowed);
    assert.equal(answer.headers.get('access-control-allow-headers'), 'x-api-key,content-type');
    const { origin } = headers;
    const refused = await call('GET', '/v1/images', { key: null, headers: { origin } });
    assert.equal(refused.headers.get('access-control-allow-origin'), allowed, 'errors too');
  }
});

test('addresses begin with what the options say', async () => {
  const call = open({ baseURL: 'https://api.example/', publicURL: 'https://cdn.example/' });
  const { body } = await call('POST', '/v1/images/upload', { body: form() });
  await call('POST', '/v1/images/upload', { body: form() });
  const { links } = (await call('GET', '/v1/images?take=1')).body;
  assert.equal(links.next, `https://api.example/v1/images?take=1&from=${body.id}`);
  const published = await call('POST', `/v1/images/${body.id}/publish`);
  assert.equal(published.body.url, `https://cdn.example/${body.id}`);
});

test('one entry of the log for each request', async () => {
  /** @type {any[]} */
  const entries = [];
  const onUsage = mock.fn();
  const call = open({ log: (entry) => entries.push(entry), onUsage });
  const uploaded = await call('POST', '/v1/images/upload', { body: form() });
  await call('GET', '/v1/images/image_x?secret=1', { key: TEST });
  await call('GET', '/v1/images', { key: null });
  const facts = entries.map(({ method, path, status, key }) => [method, path, status, key?.stage]);
  assert.deepEqual(facts, [
    ['POST', '/v1/images/upload', 201, 'live'],
    ['GET', '/v1/images/image_x', 404, 'test'],
    ['GET', '/v1/images', 401, undefined],
  ]);
  assert.equal(entries[0].requestId, uploaded.headers.get('x-request-id'));
  assert.ok(entries[0].milliseconds > 0);
  assert.ok(!JSON.stringify(entries).includes(LIVE));
  assert.equal(entries[1].error.code, 'ERR_NOT_FOUND');
  assert.deepEqual(onUsage.mock.calls[0].arguments, [1, 'upload']);
});

test('faults of its own are not described to the outside', async () => {
  /** @type {any[]} */
  const entries = [];
  const engine = {
    removeBackground: async () => {
      throw new Error('the disk of db.internal is full');
    },
    dispose: () => {},
  };
  const call = open({ engine, log: (entry) => entries.push(entry) });
  const { body } = await call('POST', '/v1/images/upload', { body: form() });
  const answer = await call('POST', `/v1/images/${body.id}/remove-background`);
  assertProblem(answer, 500, 'Internal Server Error', 'Something went wrong.');
  assert.match(entries[1].error.message, /db\.internal/);
});

test('the OpenAPI document names every route and is made of the schemas', async () => {
  const { status, body } = await open()('GET', '/openapi.json', { key: null });
  assert.equal(status, 200);
  assert.equal(body.openapi, '3.1.0');
  const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method} ${path}`),
  );
  assert.deepEqual(operations.sort(), [
    'convert post /v1/images/{id}/convert',
    'createFromURL post /v1/images',
    'delete delete /v1/images/{id}',
    'download get /v1/images/{id}/download',
    'list get /v1/images',
    'publish post /v1/images/{id}/publish',
    'published get /images/{id}',
    'removeBackground post /v1/images/{id}/remove-background',
    'retrieve get /v1/images/{id}',
    'unpublish post /v1/images/{id}/unpublish',
    'upload post /v1/images/upload',
  ]);
  const { Image } = body.components.schemas;
  assert.deepEqual(Image.required, Object.keys(Image.properties));
  assert.equal(Image.required.length, 8);
  const { properties } =
    body.paths['/v1/images/{id}/convert'].post.requestBody.content['application/json'].schema;
  assert.deepEqual([properties.quality.minimum, properties.quality.maximum], [1, 100]);
  assert.deepEqual([properties.name.minLength, properties.name.maxLength], [1, 30]);
  assert.deepEqual(body.components.securitySchemes.ApiKeyAuth, {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
  });
});
