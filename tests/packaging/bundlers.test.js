// SPDX-License-Identifier: Apache-2.0
// Small apps that use the packed package, built by the tools that people build with: each holds every large file of
// the package once, and cuts out.
/* global document */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Miniflare } from 'miniflare';
import { sha256 } from '../../wasm/toolchain/common.js';
import { pathOf } from '../js/helpers.js';
import { browsers } from '../hosts/browsers.js';
import { expectHash, expectPng, photo, photoPath } from '../hosts/expect.js';
import { startServer } from '../hosts/process.js';
import { missing as missingHost, tools } from '../hosts/tools.js';
import { installPackage } from './pack.js';
import { missing, toolFile, toolsFolder } from './tools.js';

const execute = promisify(execFile);

/** What a page may do; `'wasm-unsafe-eval'` is all that is asked for. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";

const largeFiles = ['dist/offcut.wasm', 'dist/offcut.relaxed.wasm', 'models/default.onnx'];

/** How each is built, as on its own command line. @type {Record<string, string[]>} */
const pages = {
  vite: ['vite/bin/vite.js', 'build'],
  webpack: ['webpack/bin/webpack.js'],
  rollup: ['rollup/dist/bin/rollup', '--config'],
  esbuild: [
    ...['esbuild/bin/esbuild', 'main.js', 'worker.js', '--bundle', '--format=esm'],
    ...['--outdir=dist', '--loader:.wasm=file', '--loader:.onnx=file'],
  ],
};

const [chromium] = browsers;
const skip = missing || missingHost('wrangler', 'node22');

/** Holds the fixtures and, in `node_modules`, what users would have installed. */
let folder = '';

before(() => {
  if (missing) return;
  folder = fs.mkdtempSync(path.join(toolsFolder, 'run-'));
  installPackage(folder);
  fs.cpSync(pathOf('tests/packaging/fixtures'), folder, { recursive: true });
});

after(() => folder && fs.rmSync(folder, { recursive: true, force: true }));

for (const [name, command] of Object.entries(pages)) {
  test(`${name}: one copy of each file, and a cut-out`, { skip: missing }, async (t) => {
    const app = path.join(folder, name);
    await build(app, command);
    expectOneCopy(path.join(app, 'dist'));
    if (chromium.skip) return t.diagnostic(String(chromium.skip));
    const root = name === 'vite' ? path.join(app, 'dist') : app;
    await expectCutout(t, await servePage(t, root));
  });
}

test(
  'next: one copy of each file, and a cut-out in page and routes',
  { skip: missing },
  async (t) => {
    const app = path.join(folder, 'next');
    const next = ['next/dist/bin/next'];
    await build(app, [...next, 'build']);
    expectOneCopy(path.join(app, '.next/static'));
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
    const args = [toolFile(next[0]), 'start', '--port', '0'];
    const url = await startServer(t, process.execPath, args, { cwd: app, env });
    const response = await fetch(`${url}/api/cutout`, { method: 'POST', body: photo });
    assert.equal(response.status, 200, await response.clone().text());
    await expectPng(new Uint8Array(await response.arrayBuffer()));
    if (chromium.skip) return t.diagnostic(String(chromium.skip));
    await expectCutout(t, url);
  },
);

test('wrangler: one copy of each file, and a cut-out in workerd', { skip }, async (t) => {
  const app = path.join(folder, 'wrangler');
  const output = path.join(app, 'dist');
  const args = ['deploy', '--dry-run', '--outdir', output];
  const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' };
  await execute(tools.node22, [tools.wrangler, ...args], { cwd: app, env });
  expectOneCopy(output, ['dist/offcut.relaxed.wasm', 'models/default.onnx']);
  const worker = new Miniflare({
    modules: true,
    modulesRoot: output,
    scriptPath: path.join(output, 'worker.js'),
    modulesRules: [
      { type: 'CompiledWasm', include: ['**/*.wasm'] },
      { type: 'Data', include: ['**/*.bin'] },
    ],
    compatibilityDate: '2026-07-30',
  });
  t.after(() => worker.dispose());
  const answer = await worker.dispatchFetch('http://example.com/', { method: 'POST', body: photo });
  await expectAnswer(/** @type {any} */ (answer));
});

test('the page of the README, without a bundler', { skip: missing || chromium.skip }, async (t) => {
  const [, page] = /```html\n([\s\S]*?)```/.exec(readText('README.md')) ?? [];
  fs.writeFileSync(path.join(folder, 'index.html'), page);
  const browser = await chromium.launch();
  t.after(() => browser.close());
  await browser.open(await servePage(t, folder, { inline: true }));
  await browser.choose('input', photoPath);
  const size = () => browser.evaluate(() => document.querySelector('img').naturalWidth);
  for (const end = Date.now() + 120_000; !(await size()) && Date.now() < end; await sleep(200));
  assert.equal(await size(), 1600);
});

test('the READMEs show what the fixtures do', () => {
  const worker = readText('tests/packaging/fixtures/wrangler/worker.js');
  const shown = worker.replace(/^ *\/[/*].*\n/gm, '');
  assert.ok(readText('README.md').includes(`\`\`\`js\n${shown}\`\`\``), shown);
  const [, section] = readText('js/README.md').split('\n## With a bundler\n');
  const [, program] = /```js\n([\s\S]*?)```/.exec(section) ?? [];
  for (const name of ['esbuild', 'rollup']) {
    const script = readText(`tests/packaging/fixtures/${name}/main.js`);
    for (const line of program.split('\n')) assert.ok(script.includes(line), line);
  }
  assert.ok(section.includes(`    esbuild ${pages.esbuild.slice(1).join(' ')}\n`));
});

/** @param {string} name from the top of the checkout */
function readText(name) {
  return fs.readFileSync(pathOf(name), 'utf8');
}

/** @param {Response} response with the cut-out of `photo` */
async function expectAnswer(response) {
  assert.equal(response.status, 200, await response.clone().text());
  await expectPng(new Uint8Array(await response.arrayBuffer()));
}

/** @param {string} app @param {string[]} command a script of the tools, and its arguments */
async function build(app, [script, ...args]) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };
  await execute(process.execPath, [toolFile(script), ...args], { cwd: app, env });
}

/** Neither twice, nor inside a script. @param {string} output @param {string[]} [names] */
function expectOneCopy(output, names = largeFiles) {
  const files = fs
    .readdirSync(output, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => fs.readFileSync(path.join(parentPath, name)));
  const hashes = files.map(sha256);
  for (const name of names) {
    const bytes = fs.readFileSync(path.join(folder, 'node_modules/offcut', name));
    assert.equal(hashes.filter((hash) => hash === sha256(bytes)).length, 1, name);
    const encoded = bytes.subarray(0, 300).toString('base64');
    assert.ok(!files.some((file) => file.includes(encoded)), `${name} in base64`);
  }
}

/**
 * Serves a folder as a careful site does.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} root
 * @param {{ inline?: boolean }} [options] whether its pages hold scripts
 * @returns {Promise<string>} its address
 */
async function servePage(t, root, { inline = false } = {}) {
  /** @type {Record<string, string>} */
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
  const server = createServer((request, response) => {
    const name = request.url === '/' ? '/index.html' : String(request.url);
    const file = path.join(root, name);
    if (!fs.existsSync(file)) return void response.writeHead(404).end();
    const type = types[path.extname(file)] ?? 'application/octet-stream';
    const own = inline ? {} : { 'content-security-policy': policy };
    response.writeHead(200, { 'content-type': type, ...own });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}/`;
}

/** @param {import('node:test').TestContext} t @param {string} url */
async function expectCutout(t, url) {
  const browser = await chromium.launch();
  t.after(() => browser.close());
  await browser.open(url);
  await browser.choose('input', photoPath);
  const result = JSON.parse(await output(browser));
  assert.equal(result.error, undefined);
  assert.equal(result.worker, true);
  await expectHash(result.sha256);
}

/** What the page says in the end. @param {import('../hosts/browsers.js').Browser} browser */
async function output(browser) {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
    const text = await browser.evaluate(() => document.querySelector('output')?.value);
    if (text) return text;
  }
  throw new Error('the page said nothing');
}
