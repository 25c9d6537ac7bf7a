// SPDX-License-Identifier: Apache-2.0
// Chromium and Firefox by puppeteer, WebKitGTK by WebDriver: what tests need of a browser, the same for all three.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { globSync } from 'tinyglobby';
import { missing, tools } from './tools.js';

/**
 * @typedef {object} Browser
 * @property {(url: string) => Promise<void>} open a page, until it is loaded
 * @property {<T>(callee: (...args: any[]) => T, ...args: any[]) => Promise<Awaited<T>>} evaluate in
 *   the page; the arguments and the answer are JSON
 * @property {(selector: string, file: string) => Promise<void>} choose a file in a file input
 * @property {() => Promise<void>} close
 */

/**
 * @type {{ name: string, skip: string | false, launch: (flags?: string[]) => Promise<Browser> }[]}
 *   `flags` are for Chromium
 */
export const browsers = [
  {
    name: 'Chromium',
    skip: missing('chromium'),
    launch: (flags) => launchPuppeteer('chrome', ['--no-sandbox', ...(flags ?? [])]),
  },
  { name: 'Firefox', skip: missing('firefox'), launch: () => launchPuppeteer('firefox') },
  { name: 'WebKitGTK', skip: missing('webkit', 'xvfb'), launch: launchWebKit },
];

/** Machines that test are busy. */
const PATIENCE_MS = 120_000;

/** @param {'chrome' | 'firefox'} browser @param {string[]} [args] @returns {Promise<Browser>} */
async function launchPuppeteer(browser, args = []) {
  const instance = await puppeteer.launch({
    browser,
    executablePath: browser === 'chrome' ? tools.chromium : tools.firefox,
    args,
    timeout: PATIENCE_MS,
    protocolTimeout: PATIENCE_MS,
  });
  const page = await instance.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  return {
    open: async (url) => void (await page.goto(url)),
    evaluate: (callee, ...args) => /** @type {any} */ (page.evaluate(callee, ...args)),
    choose: async (selector, file) => {
      const input = /** @type {any} */ (await page.$(selector));
      await input.uploadFile(file);
    },
    close: () => instance.close(),
  };
}

/** @returns {Promise<Browser>} */
async function launchWebKit() {
  const display = await startDisplay();
  const driver = await startDriver(display.number).catch((error) => {
    display.stop();
    throw error;
  });
  const stop = () => {
    driver.stop();
    display.stop();
  };
  const session = await startSession(driver.send).catch((error) => {
    stop();
    throw error;
  });
  return {
    open: (url) => session('POST', '/url', { url }),
    evaluate: async (callee, ...args) => {
      const script = `const done = arguments[arguments.length - 1];
        Promise.resolve((${callee})(...arguments[0]))
          .then((value) => done({ value }), (error) => done({ error: String(error) }));`;
      const { value, error } = await session('POST', '/execute/async', { script, args: [args] });
      if (error) throw new Error(error);
      return value;
    },
    choose: async (selector, file) => {
      const found = await session('POST', '/element', { using: 'css selector', value: selector });
      await session('POST', `/element/${Object.values(found)[0]}/value`, { text: file });
    },
    close: async () => {
      await session('DELETE', '').finally(stop);
    },
  };
}

/**
 * @typedef {(method: string, route: string, body?: any) => Promise<any>} Send
 *
 * @param {Send} send
 * @returns {Promise<Send>}
 */
async function startSession(send) {
  const { sessionId } = await send('POST', '/session', {
    capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': miniBrowser() } },
  });
  /** @type {Send} */
  const session = (method, route, body) => send(method, `/session/${sessionId}${route}`, body);
  await session('POST', '/timeouts', { script: PATIENCE_MS, pageLoad: PATIENCE_MS });
  return session;
}

/** WebKitGTK's own small browser, which Debian keeps off the PATH. */
function miniBrowser() {
  const [binary] = globSync('/usr/lib*/**/webkit2gtk-*/MiniBrowser', { absolute: true });
  return { binary, args: ['--automation'] };
}

/** A screen that nobody sees. */
async function startDisplay() {
  const child = spawn(tools.xvfb, ['-displayfd', '1'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [number] = await once(child.stdout, 'data');
  return { number: String(number).trim(), stop: () => child.kill() };
}

/** @param {string} display */
async function startDriver(display) {
  const port = await freePort();
  const child = spawn(tools.webkit, [`--port=${port}`], {
    env: {
      ...process.env,
      DISPLAY: `:${display}`,
      // Its sandbox wants rights that root in a container lacks.
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      WEBKIT_DISABLE_DMABUF_RENDERER: '1',
    },
    stdio: 'ignore',
  });
  /** @type {Send} */
  const send = async (method, route, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${route}`, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebDriver, ${route}: ${value.error}: ${value.message}`);
    return value;
  };
  const stop = () => void child.kill();
  await untilItAnswers(() => send('GET', '/status')).catch((error) => {
    stop();
    throw error;
  });
  return { send, stop };
}

/** A port that was free a moment ago: the driver cannot choose one itself. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  return port;
}

/** @param {() => Promise<unknown>} ask */
async function untilItAnswers(ask) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > end) throw error;
      await setTimeout(200);
    }
  }
}
