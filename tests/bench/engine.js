// SPDX-License-Identifier: Apache-2.0
// The network alone: our engine against ONNX Runtime Web (its wasm backend, one thread) on the same file and input, in one
// process, taking turns.
//
//     node tests/bench/engine.js [--json]
import { existsSync, readFileSync } from 'node:fs';
import v8 from 'node:v8';
import * as ort from 'onnxruntime-web/wasm';
import { Binding } from '../../js/binding.js';
import { median, report, round } from './report.js';

const RUNS = 7;
const SIDE = 320;
const root = new URL('../../', import.meta.url);

if (process.versions.v8.startsWith('11.3.')) {
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd'); // as the command line does
}
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Speed does not depend on what is in the picture. */
const input = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => ((i * 7919) % 1000) / 1000);

/**
 * @param {string} wasm
 * @param {Uint8Array} onnx
 * @returns {Promise<() => void>} one run
 */
async function ours(wasm, onnx) {
  const file = readFileSync(new URL(`dist/${wasm}`, root));
  const binding = await Binding.create(new WebAssembly.Module(file));
  const { c, ctx } = binding;
  const settings = c.offcut_input_new();
  c.offcut_input_set_size(settings, SIDE, SIDE);
  const bytes = binding.copyIn(onnx);
  const model = binding.statusOut((out) =>
    c.offcut_model_load(ctx, bytes, onnx.length, settings, out),
  );
  c.free(bytes);
  const picture = binding.copyIn(new Uint8Array(input.buffer));
  const out = binding.copyIn(new Uint8Array(12));
  return () => binding.check(c.offcut_network_run(ctx, model, picture, out, out + 4, out + 8));
}

/**
 * @param {Uint8Array} onnx
 * @returns {Promise<() => Promise<unknown>>} one run
 */
async function theirs(onnx) {
  const session = await ort.InferenceSession.create(onnx, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', input, [1, 3, SIDE, SIDE]) };
  return () => session.run(feeds);
}

/** @param {string} bench @param {URL} file */
async function compare(bench, file) {
  const onnx = readFileSync(file);
  const runners = {
    relaxed: await ours('offcut.relaxed.wasm', onnx),
    simd128: await ours('offcut.wasm', onnx),
    peer: await theirs(onnx),
  };
  /** @type {Record<string, number[]>} */
  const times = { relaxed: [], simd128: [], peer: [] };
  for (const run of Object.values(runners)) await run(); // V8 compiles again while it warms up
  for (let i = 0; i < RUNS; i++) {
    for (const [name, run] of Object.entries(runners)) {
      const start = performance.now();
      await run();
      times[name].push(performance.now() - start);
    }
  }
  const peerMs = round(median(times.peer));
  return ['relaxed', 'simd128'].map((variant) => {
    const oursMs = round(median(times[variant]));
    const ratio = round(peerMs / oursMs);
    return { bench, variant, oursMs, peer: 'onnxruntime-web', peerMs, ratio };
  });
}

const u2netp = new URL('../shared/models/u2netp.onnx', root);
const measurements = await compare('engine-f32-default', new URL('models/default.onnx', root));
if (existsSync(u2netp)) measurements.unshift(...(await compare('engine-f32', u2netp)));
else console.error('engine-f32 needs ../shared/models/u2netp.onnx: skipped');
report(measurements, process.argv.includes('--json'));
