// SPDX-License-Identifier: Apache-2.0
// What `npm run serve` starts, as a process.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, test } from 'node:test';
import { discJpeg, pathOf } from './helpers.js';
import { temporaryFolder } from './stores.js';

const KEY = 'live_0123456789abcdef';
const photo = await discJpeg();
const script = pathOf('js/server/node.js');

/** Not the settings of whoever runs the tests. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(OFFCUT_|PORT$|npm_)/.test(name)),
);

/**
 * @param {Record<string, string>} [env]
 * @param {string[]} [command]
 */
function start(env = {}, command = [process.execPath, script]) {
  const child = spawn(command[0], command.slice(1), { env: { ...inherited, PORT: '0', ...env } });
  after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  const closed = once(child, 'close');
  /** @param {RegExp} pattern */
  const says = async (pattern) => {
    while (!pattern.test(text)) {
      const ended = await Promise.race([once(child.stdout, 'data'), closed.then(() => 'ended')]);
      assert.ok(ended !== 'ended' || pattern.test(text), text);
    }
    return pattern.exec(text)?.[1] ?? '';
  };
  return { child, says, closed, text: () => text };
}

/** @param {Record<string, string>} [env] */
async function open(env) {
  const server = start({ OFFCUT_API_KEYS: KEY, ...env });
  return { ...server, origin: await server.says(/listening on (http:\S+)/) };
}

/**
 * @param {string} url
 * @param {RequestInit & { key?: string }} [init]
 */
function call(url, { key = KEY, ...init } = {}) {
  return fetch(url, { ...init, headers: { 'x-api-key': key, ...init.headers } });
}

/** @param {string} origin */
async function upload(origin) {
  const body = new FormData();
  body.set('name', 'disc');
  body.set('image', new File([photo], 'disc.jpg'));
  const response = await call(`${origin}/v1/images/upload`, { method: 'POST', body });
  assert.equal(response.status, 201);
  return response.json();
}

test('images stay in the folder from one start to the next', async () => {
  const folder = temporaryFolder();
  const env = { OFFCUT_STORE: path.join(folder, 'images') };
  const first = await open(env);
  const image = await upload(first.origin);
  first.child.kill('SIGTERM');
  assert.equal((await first.closed)[0], 0);
  const second = await open(env);
  const response = await call(`${second.origin}/v1/images/${image.id}`);
  assert.deepEqual(await response.json(), image);
  second.child.kill('SIGINT');
  assert.equal((await second.closed)[0], 0);
  rmSync(folder, { recursive: true });
});

test('requests whose length is not announced are understood', async () => {
  const { origin } = await open();
  const { id } = await upload(origin);
  const answer = await new Promise((resolve, reject) => {
    const request = http.request(`${origin}/v1/images/${id}/remove-background`, {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'transfer-encoding': 'chunked' },
    });
    request.on('response', resolve).on('error', reject).end();
  });
  assert.equal(answer.statusCode, 201);
  answer.resume();
  const form = new FormData();
  form.set('name', 'streamed');
  form.set('image', new File([photo], 'disc.jpg'));
  const { headers, body } = new Response(form);
  const response = await call(`${origin}/v1/images/upload`, {
    method: 'POST',
    body,
    headers: { 'content-type': headers.get('content-type') ?? '' },
    .../** @type {any} */ ({ duplex: 'half' }),
  });
  assert.equal(response.status, 201);
  assert.equal((await response.json()).size, photo.length);
});

test('what is under way when it is stopped is finished first', async () => {
  const server = await open();
  const { id } = await upload(server.origin);
  const url = `${server.origin}/v1/images/${id}/remove-background`;
  const answer = call(url, { method: 'POST' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.child.kill('SIGTERM');
  assert.equal((await answer).status, 201);
  assert.equal((await server.closed)[0], 0);
  assert.match(server.text(), /stopping[^]*remove-background 201/);
});

test(
  'it goes when the shell that npm started it in goes',
  { skip: process.platform === 'win32' },
  async () => {
    const line = `"${process.execPath}" "${script}"; true`;
    const server = start({ OFFCUT_API_KEYS: KEY, npm_lifecycle_event: 'serve' }, [
      'sh',
      '-c',
      line,
    ]);
    await server.says(/listening on (\S+)/);
    server.child.kill('SIGKILL');
    await server.says(/(stopping)/);
    await server.closed;
  },
);

test('without keys it makes some for the run', async () => {
  const server = await open({ OFFCUT_API_KEYS: '' });
  const keys = await server.says(/for this run: (\S+ \S+)/);
  for (const key of keys.split(' ')) {
    assert.match(key, /^(live|test)_\S{24}$/);
    assert.equal((await call(`${server.origin}/v1/images`, { key })).status, 200);
  }
  assert.equal((await call(`${server.origin}/v1/images`)).status, 401);
});

test('what it is told is used: address, pages, origins', async () => {
  const server = await open({
    OFFCUT_BASE_URL: 'https://api.example',
    OFFCUT_CORS: 'https://page.example',
    OFFCUT_ORIGINS: 'https://photos.example, https://*.photos.example',
  });
  const { id } = await upload(server.origin);
  const headers = { origin: 'https://page.example' };
  const url = `${server.origin}/v1/images/${id}/publish`;
  const published = await call(url, { method: 'POST', headers });
  assert.equal((await published.json()).url, `https://api.example/images/${id}`);
  assert.equal(published.headers.get('access-control-allow-origin'), 'https://page.example');
  const refused = await call(`${server.origin}/v1/images`, {
    method: 'POST',
    body: JSON.stringify({ name: 'a', url: 'https://1drv.ms/a' }),
    headers: { 'content-type': 'application/json' },
  });
  assert.match((await refused.json()).errors[0], /allowed origin/);
});

test('what it cannot use is said in a line', async () => {
  const { origin } = await open();
  const taken = new URL(origin).port;
  const cases = [
    [{ PORT: 'eighty' }, /^offcut: Expected a port number for PORT but received "eighty"\n$/],
    [{ PORT: taken }, /^offcut: listen EADDRINUSE\S* .*\n$/],
    [{ OFFCUT_API_KEYS: 'secret' }, /^offcut: Expected 'live_…'[^]*\n$/],
    [{ OFFCUT_ORIGINS: 'example.com' }, /^offcut: Expected an origin [^\n]*\n$/],
  ];
  for (const [env, pattern] of /** @type {[Record<string, string>, RegExp][]} */ (cases)) {
    const server = start({ OFFCUT_API_KEYS: KEY, ...env });
    assert.equal((await server.closed)[0], 1);
    assert.match(server.text(), pattern);
    assert.ok(!server.text().includes('secret'));
  }
});
