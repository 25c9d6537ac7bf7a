// SPDX-License-Identifier: Apache-2.0
// The dashboard as people use it, in the three browsers; what only Chromium's driver can do, there.
/* global document, createImageBitmap, DataTransfer, DragEvent, HTMLAnchorElement, KeyboardEvent,
   OffscreenCanvas, axe, ClipboardItem, innerWidth */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import test, { before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { buildPage, servePage } from '../../examples/dashboard/serve.js';
import { pathOf } from '../js/helpers.js';
import { browsers } from './browsers.js';
import { expectHash } from './expect.js';
import { missing, tools } from './tools.js';

const fox = pathOf('examples/photos/fox.jpg');
const teapot = pathOf('examples/photos/teapot.jpg');
const readme = pathOf('README.md');

/** Machines that test are busy. */
const PATIENCE_MS = 180_000;

const isAnyHere = browsers.some(({ skip }) => !skip);
before(() => isAnyHere && buildPage());

/** @param {import('node:test').TestContext} t */
async function serve(t) {
  const server = await servePage(0);
  const close = () => {
    server.httpServer.closeAllConnections();
    return new Promise((resolve) => server.httpServer.close(resolve));
  };
  t.after(close);
  return { url: server.resolvedUrls?.local[0] ?? '', close };
}

/**
 * Asks until the answer is as wanted.
 *
 * @template T
 * @param {() => Promise<T>} ask
 * @param {(answer: T) => boolean} isWanted
 */
async function until(ask, isWanted = Boolean) {
  /** @type {T | undefined} */
  let answer;
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(100)) {
    answer = await ask();
    if (isWanted(answer)) return answer;
  }
  throw new Error(`waited in vain; the last answer was ${JSON.stringify(answer)}`);
}

// What runs in the page.

function isReady() {
  return document.body.dataset.ready !== undefined && !document.querySelector('#offline').hidden;
}

function items() {
  return [...document.querySelectorAll('.item')].map((item) => ({
    name: item.querySelector('.item-name').textContent,
    state: item.dataset.state,
    words: item.querySelector('.item-state').textContent,
    isCurrent: item.ariaCurrent === 'true',
  }));
}

function click(selector) {
  document.querySelector(selector).click();
}

function textOf(selector) {
  return document.querySelector(selector).textContent;
}

/** What a click on a download button gives, instead of to the disk. */
async function download(selector) {
  /** @type {Blob} the policy of the page keeps it from fetching what it made */
  let blob;
  const { createObjectURL } = URL;
  const { click } = HTMLAnchorElement.prototype;
  URL.createObjectURL = (file) => createObjectURL.call(URL, (blob = file));
  const link = await new Promise((resolve) => {
    HTMLAnchorElement.prototype.click = function () {
      resolve(this);
    };
    document.querySelector(selector).click();
  });
  Object.assign(HTMLAnchorElement.prototype, { click });
  Object.assign(URL, { createObjectURL });
  const bytes = await blob.arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const bitmap = await createImageBitmap(new Blob([bytes]));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const pixel = (x, y) => [...context.getImageData(x * bitmap.width, y * bitmap.height, 1, 1).data];
  return {
    name: link.download,
    kind: String.fromCharCode(...new Uint8Array(bytes, 0, 12)).replace(/[^\w]/g, ''),
    sha256: [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    corner: pixel(0.01, 0.01),
    middle: pixel(0.5, 0.5),
  };
}

/** A drop of a small picture and of a file that is none. */
async function drop() {
  const picture = await (await fetch(document.querySelector('#samples img').src)).blob();
  const transfer = new DataTransfer();
  transfer.items.add(new File([picture], 'A very long name of a small picture.webp'));
  transfer.items.add(new File(['Not a photo at all, but words.'], 'words.txt'));
  const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
  document.body.dispatchEvent(new DragEvent('dragenter', options));
  const isShown = document.querySelector('#drop').classList.contains('on');
  document.body.dispatchEvent(new DragEvent('drop', options));
  return isShown;
}

/** @param {import('./browsers.js').Browser} browser */
async function settled(browser) {
  const isEnd = (/** @type {{ state: string }} */ { state }) =>
    state === 'done' || state === 'failed';
  return until(
    () => browser.evaluate(items),
    (list) => list.length > 0 && list.every(isEnd),
  );
}

/** @param {import('./browsers.js').Browser} browser @param {string} name */
function select(browser, name) {
  return browser.evaluate((wanted) => {
    const all = [...document.querySelectorAll('.item')];
    all.find((item) => item.querySelector('.item-name').textContent === wanted).click();
  }, name);
}

/** @param {import('./browsers.js').Browser} browser @param {string} url */
async function openPage(browser, url) {
  await browser.open(url);
  await until(() => browser.evaluate(isReady));
}

for (const { name, skip, launch } of browsers) {
  test(`dashboard in ${name}`, { skip, timeout: 2 * PATIENCE_MS }, async (t) => {
    const { url, close } = await serve(t);
    const browser = await launch();
    t.after(() => browser.close());
    await openPage(browser, url);
    await cutOut(browser);
    await takeDrop(browser);
    await look(browser);
    await publish(browser);
    await close();
    await goOn(browser, url);
  });
}

/** A photo becomes the same PNG as everywhere. @param {import('./browsers.js').Browser} browser */
async function cutOut(browser) {
  assert.equal(await browser.evaluate(() => document.body.dataset.view), 'empty');
  await browser.choose('#files', fox);
  const seen = new Set();
  await until(
    () => browser.evaluate(items),
    ([item]) => {
      seen.add(item?.words);
      return item?.state === 'done' || item?.state === 'failed';
    },
  );
  assert.deepEqual(await browser.evaluate(items), [
    { name: 'fox', state: 'done', words: '1600 × 1200', isCurrent: true },
  ]);
  assert.ok(seen.size >= 2, `progress: ${[...seen]}`);
  const { name, kind, sha256, corner } = await browser.evaluate(download, '#download-png');
  assert.equal(name, 'fox.png');
  assert.equal(kind, 'PNGIHDR'.slice(0, kind.length));
  assert.deepEqual(corner, [0, 0, 0, 0]);
  await expectHash(sha256);
}

/** Several at once; one that fails stops none. @param {import('./browsers.js').Browser} browser */
async function takeDrop(browser) {
  assert.equal(await browser.evaluate(drop), true);
  const list = await settled(browser);
  assert.deepEqual(
    list.map(({ name, state }) => [name, state]),
    [
      ['words', 'failed'],
      ['A very long name of a small pi', 'done'],
      ['fox', 'done'],
    ],
  );
  await select(browser, 'words');
  const isFailed = () => browser.evaluate(() => !document.querySelector('#failed').hidden);
  await until(isFailed);
  assert.equal(await browser.evaluate(textOf, '#failed-title'), 'This is not a photo');
  assert.match(await browser.evaluate(textOf, '#failed-code'), /^ERR_FORMAT: expected a JPEG, PNG/);
  await browser.evaluate(click, '#dismiss');
  assert.equal((await browser.evaluate(items)).length, 2);
}

/** The slider by keys, the views, what is behind. @param {import('./browsers.js').Browser} browser */
async function look(browser) {
  await select(browser, 'fox');
  await until(() => browser.evaluate(() => !document.querySelector('#slider').hidden));
  const press = (/** @type {string} */ key) =>
    browser.evaluate(async (wanted) => {
      const slider = document.querySelector('#slider');
      slider.focus();
      slider.dispatchEvent(new KeyboardEvent('keydown', { key: wanted }));
      await new Promise((resolve) => setTimeout(resolve, 200));
      slider.dispatchEvent(new KeyboardEvent('keyup', { key: wanted }));
      return Number(slider.ariaValueNow);
    }, key);
  assert.equal(await press('Home'), 0);
  const afterArrow = await press('ArrowRight');
  assert.ok(afterArrow > 0 && afterArrow < 100, `the slider is at ${afterArrow}`);
  assert.equal(await press('End'), 100);

  await browser.evaluate(click, '#backdrops [value="#a9cbe8"]');
  const coloured = await browser.evaluate(download, '#download-webp');
  assert.equal(coloured.name, 'fox.webp');
  assert.match(coloured.kind, /^RIFF.*WEBP$/);
  for (const [i, value] of [0xa9, 0xcb, 0xe8, 255].entries()) {
    assert.ok(Math.abs(coloured.corner[i] - value) <= 3, `the corner is ${coloured.corner}`);
  }
  await browser.choose('#picture-file', fox);
  await until(() =>
    browser.evaluate(() => document.querySelector('#cutout').style.backgroundImage),
  );
  const onPicture = await browser.evaluate(download, '#download-png');
  assert.equal(onPicture.corner[3], 255);
  await browser.evaluate(click, '#views [value=mask]');
  assert.equal(await browser.evaluate(() => document.querySelector('#mask').hidden), false);
  const mask = await browser.evaluate(download, '#download-png');
  assert.deepEqual(mask.corner, [0, 0, 0, 255]);
  assert.deepEqual(mask.middle, [255, 255, 255, 255]);
}

/** The service worker answers at a published image's address. @param {import('./browsers.js').Browser} browser */
async function publish(browser) {
  await browser.evaluate(click, '#publish');
  const address = await until(() =>
    browser.evaluate(() => document.querySelector('#facts a')?.href ?? ''),
  );
  assert.match(address, /\/images\/image_[a-z0-9]{24}$/);
  const answer = (/** @type {string} */ url) =>
    browser.evaluate(async (wanted) => {
      const response = await fetch(wanted);
      return [response.status, response.headers.get('content-type')?.split(';')[0]];
    }, url);
  assert.deepEqual(await answer(address), [200, 'image/png']);
  await browser.evaluate(click, '#publish');
  await until(() => browser.evaluate(() => !document.querySelector('#facts a')));
  assert.equal((await answer(address))[0], 404);
}

/**
 * Without the server: the page comes back with its images, and works.
 *
 * @param {import('./browsers.js').Browser} browser
 * @param {string} url
 */
async function goOn(browser, url) {
  await assert.rejects(fetch(url), 'the server is gone');
  await openPage(browser, url);
  const kept = await settled(browser);
  assert.deepEqual(
    kept.map(({ name, state }) => [name, state]),
    [
      ['A very long name of a small pi', 'done'],
      ['fox', 'done'],
    ],
  );
  await browser.choose('#files', fox);
  const list = await settled(browser);
  assert.equal(list.length, 3);
  assert.equal(list[0].state, 'done', list[0].words);

  await browser.evaluate(click, '#delete');
  await browser.evaluate(click, '#confirm [value=delete]');
  await until(
    () => browser.evaluate(items),
    ({ length }) => length === 2,
  );
  await openPage(browser, url);
  assert.equal((await settled(browser)).length, 2);
}

// What the others' drivers cannot do: real keys, drops and pastes, a full disk, a second tab.

const require = createRequire(import.meta.url);
const axeSource = () => fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** @param {import('node:test').TestContext} t */
async function startChromium(t) {
  const { url } = await serve(t);
  const instance = await puppeteer.launch({
    executablePath: tools.chromium,
    args: ['--no-sandbox'],
    protocolTimeout: PATIENCE_MS,
  });
  t.after(() => instance.close());
  const newPage = async () => {
    const page = await instance.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    return page;
  };
  return { url, newPage, context: instance.defaultBrowserContext() };
}

/** @typedef {import('puppeteer-core').Page} Page */

/** @param {Page} page @param {...string} files */
async function choose(page, ...files) {
  await /** @type {any} */ (await page.$('#files')).uploadFile(...files);
}

/** @param {Page} page @param {string} state of what is shown */
async function untilShown(page, state) {
  await page.waitForSelector(`#stage[data-state=${state}]:not([data-loading])`);
}

/** @param {Page} page */
function titleOf(page) {
  return page.$eval('#failed-title', ({ textContent }) => textContent);
}

const inChromium = { skip: missing('chromium'), timeout: 2 * PATIENCE_MS };

test('dashboard: axe finds nothing, and nothing is cut off', inChromium, async (t) => {
  const { url, newPage } = await startChromium(t);
  const page = await newPage();
  await page.goto(url);
  await page.waitForFunction(isReady);
  await page.evaluate(axeSource());
  const check = async (/** @type {string} */ name) => {
    for (const value of ['light', 'dark']) {
      const calm = { name: 'prefers-reduced-motion', value: 'reduce' };
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }, calm]);
      for (const width of [390, 820, 1440]) {
        await page.setViewport({ width, height: 900 });
        const { violations, passes } = await page.evaluate(() => axe.run(document));
        const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
        assert.deepEqual(found, [], `${name}, ${value}, ${width} pixels`);
        assert.ok(passes.length > 10);
        assert.ok(await page.evaluate(() => document.body.scrollWidth <= innerWidth), name);
      }
    }
  };
  await check('empty');
  await choose(page, teapot, readme);
  await untilShown(page, 'working');
  await check('at work');
  await untilShown(page, 'done');
  await check('done');
  await page.click('.item[data-state=failed]');
  await untilShown(page, 'failed');
  await check('failed');
  await page.click('.item[data-state=done]');
  await untilShown(page, 'done');
  await page.click('#delete');
  await check('asking');
});

test('dashboard: by keyboard alone', inChromium, async (t) => {
  const { url, newPage } = await startChromium(t);
  const page = await newPage();
  await page.goto(url);
  await page.waitForFunction(isReady);
  const focused = () => page.evaluate(() => document.activeElement?.id);
  const tabTo = async (/** @type {string} */ selector) => {
    for (let i = 0; i < 40; i++) {
      if (await page.evaluate((it) => document.activeElement?.matches(it), selector)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`Tab does not reach ${selector}`);
  };
  const chooser = page.waitForFileChooser(); // before, for this takes its time
  await tabTo('#choose');
  await page.keyboard.press('Enter');
  await (await chooser).accept([fox]);
  await untilShown(page, 'done');

  await tabTo('#slider');
  const value = () => page.$eval('#slider', (slider) => Number(slider.ariaValueNow));
  await page.keyboard.press('Home');
  assert.equal(await value(), 0);
  await page.keyboard.press('PageUp');
  assert.equal(await value(), 10);
  await page.keyboard.down('ArrowRight');
  await page.waitForFunction(() => Number(document.querySelector('#slider').ariaValueNow) > 20);
  await page.keyboard.up('ArrowRight');

  await tabTo('#views input');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.$eval('#cutout', ({ hidden }) => hidden), false);
  await tabTo('#backdrops input');
  await page.keyboard.press('ArrowRight');
  const colour = await page.$eval('#cutout', ({ style }) => style.backgroundColor);
  assert.equal(colour, 'rgb(255, 255, 255)');

  await tabTo('#delete');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  assert.equal((await page.evaluate(items)).length, 1);
  assert.equal(await focused(), 'delete');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.body.dataset.view === 'empty');
  await page.waitForFunction(() => document.activeElement?.id === 'choose');
});

test('dashboard: a dropped file and a pasted picture', inChromium, async (t) => {
  const { url, newPage, context } = await startChromium(t);
  const page = await newPage();
  await context.overridePermissions(new URL(url).origin, ['clipboard-sanitized-write']);
  await page.goto(url);
  await page.waitForFunction(isReady);
  const [target, data] = [
    { x: 400, y: 300 },
    { items: [], files: [fox], dragOperationsMask: 1 },
  ];
  await page.mouse.dragEnter(target, data);
  await page.mouse.dragOver(target, data);
  assert.ok(await page.$('#drop.on'));
  await page.mouse.drop(target, data);
  assert.equal(await page.$('#drop.on'), null);
  await untilShown(page, 'done');

  await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(64, 48);
    canvas.getContext('2d').fillRect(20, 10, 24, 28);
    const blob = await canvas.convertToBlob();
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
  });
  await page.keyboard.down('Control');
  await page.keyboard.press('KeyV');
  await page.keyboard.up('Control');
  await page.waitForFunction(() => document.querySelectorAll('.item').length === 2);
  await untilShown(page, 'done');
  assert.equal((await page.evaluate(items))[0].words, '64 × 48');
});

test('dashboard: what can go wrong is said in words', inChromium, async (t) => {
  const { url, newPage } = await startChromium(t);
  const page = await newPage();
  await page.setBypassServiceWorker(true); // it would have the network at hand
  await page.setRequestInterception(true);
  let isOffline = true;
  page.on('request', (request) => {
    if (isOffline && /\.(onnx|wasm)$/.test(request.url())) void request.abort();
    else void request.continue();
  });
  await page.goto(url);
  await page.waitForFunction(() => document.body.dataset.ready !== undefined);
  await choose(page, fox);
  await untilShown(page, 'failed');
  assert.equal(await titleOf(page), 'Offcut could not be loaded');
  isOffline = false;
  await page.click('#retry');
  await untilShown(page, 'done');

  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(21 << 20)], 'large.jpg'));
    const input = document.querySelector('#files');
    input.files = transfer.files;
    input.dispatchEvent(new Event('change'));
  });
  await untilShown(page, 'failed');
  assert.equal(await titleOf(page), 'This photo is too large');
  await page.click('#dismiss');
  await untilShown(page, 'done');

  await page.evaluate(() => {
    const { arrayBuffer } = Blob.prototype;
    Blob.prototype.arrayBuffer = async () => {
      Blob.prototype.arrayBuffer = arrayBuffer;
      throw new DOMException('It was moved.', 'NotReadableError');
    };
  });
  await choose(page, fox);
  await untilShown(page, 'failed');
  assert.equal(await titleOf(page), 'This file could not be read');
  await page.click('#dismiss');
  await untilShown(page, 'done');

  await choose(page, teapot);
  await untilShown(page, 'working');
  await page.click('#cancel');
  await untilShown(page, 'failed');
  assert.equal(await titleOf(page), 'Cancelled');
  await page.click('#retry');
  await untilShown(page, 'done');
});

test('dashboard: no room left', inChromium, async (t) => {
  const { url, newPage } = await startChromium(t);
  const page = await newPage();
  const session = await page.createCDPSession();
  const { origin } = new URL(url);
  // Before anything is stored: the browser remembers for a while how much room there was.
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 10_000 });
  await page.goto(url);
  await page.waitForFunction(() => document.body.dataset.ready !== undefined);
  await choose(page, fox);
  await untilShown(page, 'failed');
  assert.equal(await titleOf(page), 'No room left');
  await session.send('Storage.overrideQuotaForOrigin', { origin });
  await page.click('#retry');
  await untilShown(page, 'done');
});

test('dashboard: two tabs show the same images', inChromium, async (t) => {
  const { url, newPage } = await startChromium(t);
  const [one, other] = [await newPage(), await newPage()];
  for (const page of [one, other]) {
    await page.bringToFront(); // what is not seen is not drawn, and `waitForFunction` waits
    await page.goto(url);
    await page.waitForFunction(isReady);
  }
  await one.bringToFront();
  await choose(one, fox, teapot);
  await one.waitForFunction(() => document.querySelectorAll('.item[data-state=done]').length === 2);
  const names = async (/** @type {Page} */ page) =>
    (await page.evaluate(items)).map(({ name, state }) => [name, state]);
  await until(
    () => names(other),
    ({ length }) => length === 2,
  );
  assert.deepEqual(await names(other), await names(one));
  await other.bringToFront();
  await other.click('#delete');
  await other.click('#confirm [value=delete]');
  await until(
    () => names(one),
    ({ length }) => length === 1,
  );
  assert.deepEqual(await names(one), await names(other));
});

test('dashboard: the page never waits for the work', inChromium, async (t) => {
  const { url, newPage } = await startChromium(t);
  const page = await newPage();
  // Chromium may say later than the page that there is a worker.
  const worker = new Promise((resolve) => page.once('workercreated', resolve));
  await page.goto(url);
  await page.waitForFunction(isReady);
  await choose(page, teapot);
  await untilShown(page, 'working');
  assert.match((await worker).url(), /assets\/main\.web-/);
  await untilShown(page, 'done');
});
