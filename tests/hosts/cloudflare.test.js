// SPDX-License-Identifier: Apache-2.0
// The example for Cloudflare, bundled by wrangler, in the real workerd with R2.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { Miniflare } from 'miniflare';
import sharp from 'sharp';
import { pathOf } from '../js/helpers.js';
import { expectImages, photo, photoPath } from './expect.js';
import { httpImages, runImages } from './suite.js';
import { missing, tools } from './tools.js';

const KEY = 'live_0123456789';

/** What Cloudflare gives a Worker. */
const MEMORY_MAX = 128 * 1024 * 1024;

const shared = {
  compatibilityDate: '2026-07-30',
  r2Buckets: ['IMAGES'],
  bindings: { OFFCUT_API_KEYS: KEY },
};

describe('Cloudflare', { skip: missing('wrangler', 'node22') }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'offcut-'));
  /** @type {Miniflare} */
  let miniflare;
  /** @type {import('./suite.js').Images} */
  let images;

  before(() => bundle(folder));
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    miniflare = new Miniflare({ ...shared, ...modulesIn(folder) });
    images = httpImages((await miniflare.ready).origin, (url, { headers, ...init }) =>
      // Workerd closes connections that were idle, which a busy machine may notice too late.
      fetch(url, { ...init, headers: { ...headers, 'x-api-key': KEY, connection: 'close' } }),
    );
  });
  afterEach(() => miniflare.dispose());

  test('the example serves, with its images in R2', async () => {
    await expectImages(await runImages(images, photo), { http: true });
    const { objects } = await (await miniflare.getR2Bucket('IMAGES')).list();
    assert.ok(objects.some(({ size }) => size === photo.length));
  });

  test('requests that come together', async () => {
    const { id } = await images.upload({ image: photo, name: 'fox' });
    const cutouts = await Promise.all([1, 2, 3].map(() => images.removeBackground(id)));
    assert.equal(new Set(cutouts.map(({ size }) => size)).size, 1);
  });

  test('a 12-megapixel photo in 128 MB', async (t) => {
    const large = await sharp(photoPath).resize(4000, 3000).jpeg({ quality: 90 }).toBuffer();
    const { id } = await images.upload({ image: large, name: 'large' });
    const { width, height } = await images.removeBackground(id);
    assert.deepEqual([width, height], [4000, 3000]);
    const used = memoryOf() - (await emptyMemory());
    t.diagnostic(`at most ${(used / 2 ** 20).toFixed(1)} MiB more than a Worker that does nothing`);
    assert.ok(used < MEMORY_MAX, `${used} bytes`);
  });
});

/** @param {string} folder */
function bundle(folder) {
  const args = ['deploy', '--dry-run', '--outdir', folder];
  execFileSync(tools.node22, [tools.wrangler, ...args], {
    cwd: pathOf('examples/cloudflare'),
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

const types = /** @type {const} */ ({
  '.js': 'ESModule',
  '.wasm': 'CompiledWasm',
  '.bin': 'Data',
});

/** What wrangler made, as it would upload it. @param {string} folder */
function modulesIn(folder) {
  const names = readdirSync(folder).filter((name) => path.extname(name) in types);
  const order = ['worker.js', ...names.filter((name) => name !== 'worker.js')];
  const modules = order.map((name) => ({
    type: types[/** @type {keyof typeof types} */ (path.extname(name))],
    path: path.join(folder, name),
  }));
  return { modulesRoot: folder, modules };
}

/** The memory of a workerd whose Worker does nothing, with the same bindings. */
async function emptyMemory() {
  const script = 'export default { fetch: () => new Response() };';
  const before = workers();
  const miniflare = new Miniflare({ ...shared, modules: true, script });
  await miniflare.dispatchFetch('https://example.com');
  const own = workers().find((pid) => !before.includes(pid));
  const size = memoryOf(own);
  await miniflare.dispose();
  return size;
}

/** The workerds that this process started. */
function workers() {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/status`)) return false;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return status.startsWith('Name:\tworkerd') && status.includes(`PPid:\t${process.pid}\n`);
  });
}

/** The most that it ever had. @param {string} [pid] */
function memoryOf(pid = workers()[0]) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]);
}
