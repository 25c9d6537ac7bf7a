// SPDX-License-Identifier: Apache-2.0
// Takes the pictures for the README: `node examples/dashboard/screenshots.js CHROMIUM`.
/* global document */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import sharp from 'sharp';
import { buildPage, servePage } from './serve.js';

const folder = fileURLToPath(new URL('./screenshots/', import.meta.url));
const photos = ['bicycle', 'car', 'fruit', 'teapot', 'doll', 'plant', 'sunflower', 'fox'];
const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** @type {{ name: string, scheme: string, viewport: import('puppeteer-core').Viewport, look: string[] }[]} */
const shots = [
  { name: 'desktop', scheme: 'light', viewport: desktop, look: [] },
  {
    name: 'desktop-dark',
    scheme: 'dark',
    viewport: desktop,
    look: ['.item', '#views [value=cutout]', '#backdrops [value="#a9cbe8"]'],
  },
  { name: 'phone', scheme: 'light', viewport: phone, look: ['#views [value=compare]'] },
];

await buildPage();
const server = await servePage(0);
const browser = await puppeteer.launch({
  executablePath: process.argv[2],
  args: ['--no-sandbox', '--hide-scrollbars'],
});
const page = await browser.newPage();
await page.setViewport(desktop);
await page.goto(server.resolvedUrls?.local[0] ?? '');
await page.waitForSelector('#offline:not([hidden])');
const input = /** @type {import('puppeteer-core').ElementHandle<HTMLInputElement>} */ (
  await page.$('#files')
);
for (const name of photos) {
  await input.uploadFile(fileURLToPath(new URL(`../photos/${name}.jpg`, import.meta.url)));
}
await page.waitForFunction(
  (count) => document.querySelectorAll('.item[data-state=done]').length === count,
  { timeout: 600_000 },
  photos.length,
);
await page.$eval('.item', (item) => item.click());
for (const { name, scheme, viewport, look } of shots) {
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.setViewport(viewport);
  for (const selector of look) await page.$eval(selector, (element) => element.click());
  await page.waitForSelector('#stage:not([data-loading])');
  await new Promise((resolve) => setTimeout(resolve, 1000)); // transitions, pictures
  const picture = await page.screenshot();
  await sharp(picture)
    .webp({ quality: 84 })
    .toFile(path.join(folder, `${name}.webp`));
}
await browser.close();
await server.close();
