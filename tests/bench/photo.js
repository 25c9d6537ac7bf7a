// SPDX-License-Identifier: Apache-2.0
// From a JPEG to a PNG with the network of the package: time, memory, cold start, growth, size.
//
//     node tests/bench/photo.js [--json]
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { brotliCompressSync, constants } from 'node:zlib';
import { createEngine } from 'offcut';
import sharp from 'sharp';
import { median, report, round } from './report.js';

const RUNS = 5;
const GROWTH_PHOTOS = 50;
const root = new URL('../../', import.meta.url);

if (process.versions.v8.startsWith('11.3.')) {
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd'); // as the command line does
}

/** @type {readonly import('offcut').Variant[]} */
const variants = ['relaxed', 'simd128'];

/** The first of the example photos, which is a rendered one with the noise of a camera. */
function examplePhoto() {
  const folder = new URL('examples/photos/', root);
  const [name] = readdirSync(folder)
    .filter((file) => file.endsWith('.jpg'))
    .sort();
  return fileURLToPath(new URL(name, folder));
}

/**
 * @param {number} width
 * @param {number} height
 */
async function photoOf(width, height) {
  return sharp(examplePhoto())
    .resize(width, height, { fit: 'cover' })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/**
 * @param {string} bench
 * @param {Uint8Array} photo
 * @param {import('offcut').Variant} variant
 */
async function measurePhoto(bench, photo, variant) {
  const engine = await createEngine({ variant });
  await engine.removeBackground(photo); // V8 compiles again while it warms up
  const runs = [];
  for (let i = 0; i < RUNS; i++) runs.push(await engine.removeBackground(photo));
  const memoryBytes = engine.memoryBytes;
  engine.dispose();
  const stage = (/** @type {'total' | import('offcut').Stage} */ name) =>
    round(median(runs.map(({ timings }) => timings[name])));
  return {
    bench,
    variant,
    oursMs: stage('total'),
    decodeMs: stage('decode'),
    inferMs: stage('infer'),
    refineMs: stage('refine'),
    encodeMs: stage('encode'),
    memoryBytes,
    inputBytes: photo.length,
    outputBytes: runs[0].png.length,
  };
}

/** A new process: from before the import until the first PNG is there. */
function measureColdStart() {
  const script = `
    import v8 from 'node:v8';
    if (process.versions.v8.startsWith('11.3.'))
      v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
    const start = performance.now();
    const { removeBackground } = await import('offcut');
    const { timings } = await removeBackground(${JSON.stringify(examplePhoto())});
    const total = performance.now() - start;
    process.stdout.write(JSON.stringify([total, total - timings.total]));`;
  const runs = Array.from({ length: RUNS }, () => {
    const args = ['--input-type=module', '-e', script];
    return JSON.parse(String(execFileSync(process.execPath, args, { cwd: fileURLToPath(root) })));
  });
  return {
    bench: 'cold-start',
    oursMs: round(median(runs.map(([total]) => total))),
    loadMs: round(median(runs.map(([, load]) => load))),
  };
}

/** @param {Uint8Array} photo */
async function measureGrowth(photo) {
  const engine = await createEngine();
  for (let i = 0; i < 2; i++) await engine.removeBackground(photo);
  const settled = engine.memoryBytes;
  for (let i = 0; i < GROWTH_PHOTOS; i++) await engine.removeBackground(photo);
  const memoryBytes = engine.memoryBytes;
  engine.dispose();
  return {
    bench: 'growth',
    photos: GROWTH_PHOTOS,
    growthBytes: memoryBytes - settled,
    memoryBytes,
  };
}

/** What a browser has to fetch before its first photo. */
function measureSize() {
  const sizes = ['dist/offcut.wasm', 'models/default.onnx'].map((file) => {
    const bytes = readFileSync(new URL(file, root));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
    return { raw: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
  });
  const [wasm, model] = sizes;
  return {
    bench: 'size',
    wasmBytes: wasm.raw,
    wasmBrotliBytes: wasm.brotli,
    modelBytes: model.raw,
    modelBrotliBytes: model.brotli,
    totalBrotliBytes: wasm.brotli + model.brotli,
  };
}

const small = await photoOf(1152, 864);
const large = await photoOf(4000, 3000);
const measurements = [];
for (const variant of variants) {
  measurements.push(await measurePhoto('photo-1mp', small, variant));
  measurements.push(await measurePhoto('photo-12mp', large, variant));
}
measurements.push(measureColdStart(), await measureGrowth(small), measureSize());
report(measurements, process.argv.includes('--json'));
