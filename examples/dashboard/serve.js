// SPDX-License-Identifier: Apache-2.0
// Builds the page into build/dashboard and serves it: `npm run demo`.
//
//     PORT=8788 node examples/dashboard/serve.js
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';
import { isMain } from '../../wasm/toolchain/common.js';

const root = fileURLToPath(new URL('.', import.meta.url));
const outDir = path.join(root, '../../build/dashboard');

/** @type {import('vite').InlineConfig} */
const shared = { root, base: './', appType: 'mpa', configFile: false, logLevel: 'warn' };

/** Photos to try are large: the service worker keeps those that were used. */
const isKept = (/** @type {string} */ name) => !name.endsWith('.jpg');

/** The page first: its service worker keeps what it is made of. */
export async function buildPage() {
  const page = /** @type {import('vite').Rolldown.RolldownOutput} */ (
    await build({
      ...shared,
      build: { outDir, emptyOutDir: true, assetsInlineLimit: 0, target: 'es2023' },
      worker: { format: 'es' },
    })
  );
  const files = page.output.map(({ fileName }) => fileName).filter(isKept);
  files.push('icon.svg', 'manifest.webmanifest', './');
  const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 8);
  await build({
    ...shared,
    publicDir: false,
    define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(version) },
    build: {
      outDir,
      emptyOutDir: false,
      lib: {
        entry: path.join(root, 'src/service-worker.js'),
        formats: ['iife'],
        name: 'worker',
        fileName: () => 'service-worker.js',
      },
    },
  });
}

/** @param {number} port 0 for any */
export async function servePage(port) {
  return preview({
    ...shared,
    build: { outDir },
    preview: { port, strictPort: true, host: '127.0.0.1' },
  });
}

if (isMain(import.meta.url)) {
  await buildPage();
  const server = await servePage(Number(process.env.PORT || 8788));
  process.stdout.write(`offcut: the dashboard is at ${server.resolvedUrls?.local[0]}\n`);
}
