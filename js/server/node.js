#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// `npm run serve`: the server on Node, set up by the environment. See README.md beside this file.
import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { OffcutError } from '../errors.js';
import { fileStore } from '../stores/files.js';
import { createServer } from './index.node.js';

/** @import { LogEntry } from './server.js' */

const PARENT_CHECK_MS = 500;
const SWEEP_MS = 60 * 60 * 1000;

/** After this, requests that are still answered are cut off. */
const STOP_MS = 10_000;

const parent = process.ppid;

try {
  await serve(process.env);
} catch (error) {
  const isOurs = error instanceof OffcutError || (error instanceof Error && 'syscall' in error);
  process.stderr.write(`offcut: ${isOurs ? error.message : /** @type {any} */ (error).stack}\n`);
  process.exitCode = 1;
}

/** @param {NodeJS.ProcessEnv} env */
async function serve(env) {
  const { OFFCUT_STORE: folder, OFFCUT_HOST: host = '127.0.0.1' } = env;
  const apiKeys = readList(env.OFFCUT_API_KEYS) ?? makeKeys();
  const origins = readList(env.OFFCUT_ORIGINS);
  const cors = readList(env.OFFCUT_CORS);
  const server = createServer({
    apiKeys,
    baseURL: env.OFFCUT_BASE_URL || undefined,
    cors: cors && (cors.includes('*') || cors),
    fetch: { origins },
    store: folder ? fileStore(folder) : undefined,
    worker: true,
    log,
  });
  const http = createHttpServer(getRequestListener((request) => server.fetch(request)));
  const port = await listen(http, readPort(env.PORT), host);
  sweepNowAndThen(server);
  stopOnSignal(http, server);
  say(`listening on http://${host.includes(':') ? `[${host}]` : host}:${port}`);
  say(folder ? `images are kept in ${folder}` : 'images are kept in memory (set OFFCUT_STORE)');
}

/**
 * @param {string | undefined} text
 * @returns {string[] | undefined}
 */
function readList(text) {
  const parts = (text ?? '').split(',').map((part) => part.trim());
  const list = parts.filter((part) => part !== '');
  return list.length > 0 ? list : undefined;
}

/** @param {string | undefined} text */
function readPort(text = '') {
  const port = Number(text || 8787);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new OffcutError('ERR_ARGUMENT', `Expected a port number for PORT but received "${text}"`);
  }
  return port;
}

/** Keys for this run, so that trying it out needs no setting up. */
function makeKeys() {
  const keys = ['live', 'test'].map((stage) => `${stage}_${randomBytes(18).toString('base64url')}`);
  say(`OFFCUT_API_KEYS is not set; for this run: ${keys.join(' ')}`);
  return keys;
}

/**
 * @param {import('node:http').Server} http
 * @param {number} port
 * @param {string} host
 * @returns {Promise<number>} the port
 */
function listen(http, port, host) {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, () => {
      http.off('error', reject);
      const address = http.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** @param {import('./server.js').Server} server */
function sweepNowAndThen(server) {
  const sweep = async () => {
    const count = await server.sweep();
    if (count > 0) say(`removed what was left of ${count} images that were never finished`);
  };
  const run = () => sweep().catch((error) => say(`the store could not be swept: ${error}`));
  run();
  setInterval(run, SWEEP_MS).unref();
}

/**
 * The first signal lets requests under way finish; the second does not wait.
 *
 * @param {import('node:http').Server} http
 * @param {import('./server.js').Server} server
 */
function stopOnSignal(http, server) {
  const signals = ['SIGINT', 'SIGTERM'];
  const stop = () => {
    for (const signal of signals) process.off(signal, stop).on(signal, () => process.exit(130));
    clearInterval(watch);
    say('stopping');
    http.close(() => {
      server.dispose();
      process.exit(0);
    });
    http.closeIdleConnections();
    setTimeout(() => http.closeAllConnections(), STOP_MS).unref();
  };
  for (const signal of signals) process.on(signal, stop);
  // npm hands a signal to its shell only, which goes without telling.
  const isGone = () => process.env.npm_lifecycle_event && process.ppid !== parent;
  const watch = setInterval(() => isGone() && stop(), PARENT_CHECK_MS).unref();
}

/** @param {LogEntry} entry */
function log({ method, path, status, milliseconds, requestId, key, error }) {
  const who = key ? `${key.stage}:${key.id}` : '-';
  const time = new Date().toISOString();
  const took = `${Math.round(milliseconds)}ms`;
  process.stdout.write(`${time} ${method} ${path} ${status} ${took} ${who} ${requestId}\n`);
  if (status >= 500) {
    const reason = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${reason}\n`);
  }
}

/** @param {string} text */
function say(text) {
  process.stdout.write(`offcut: ${text}\n`);
}
