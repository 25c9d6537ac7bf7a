// SPDX-License-Identifier: Apache-2.0
// The core by itself: its builds, and a network or a decoder in them.
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import { Worker } from 'node:worker_threads';
import { Binding } from '../../js/binding.js';
import { startHelpers } from '../../js/threads.js';

if (process.versions.v8.startsWith('11.3.')) {
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  v8.setFlagsFromString('--no-liftoff'); // which adds bytes wrongly there
}

/** @type {readonly import('offcut').Variant[]} */
export const variants = ['relaxed', 'simd128'];

const dist = new URL('../../dist/', import.meta.url);
const files = { relaxed: 'offcut.relaxed.wasm', simd128: 'offcut.wasm' };
const filesForThreads = { relaxed: 'offcut.relaxed.threads.wasm', simd128: 'offcut.threads.wasm' };

/** @param {import('offcut').Variant} variant */
export async function createBinding(variant) {
  return Binding.create(new WebAssembly.Module(readFileSync(new URL(files[variant], dist))));
}

/**
 * With helpers, which stay as long as the process.
 *
 * @param {import('offcut').Variant} variant
 * @param {number} threads
 */
async function createSharedBinding(variant, threads) {
  const module = new WebAssembly.Module(readFileSync(new URL(filesForThreads[variant], dist)));
  const binding = await Binding.create(module);
  const { c, ctx } = binding;
  binding.check(c.offcut_threads_set(ctx, threads));
  const script = new URL('../../js/worker/main.node.js', import.meta.url);
  const lanes = Array.from({ length: threads - 1 }, (_, i) => i + 1);
  await startHelpers(
    () => new Worker(script, { execArgv: [] }),
    lanes.map((lane) => {
      const stack = c.offcut_threads_stack(ctx, lane);
      return { type: 'help', module, memory: c.memory, ctx, lane, stack };
    }),
  );
  return binding;
}

/**
 * @param {import('offcut').Variant} variant
 * @param {Uint8Array} onnx
 * @param {Float32Array} input
 * @param {number} side
 * @param {number} [threads]
 * @returns {Promise<{ run: () => void, multiplyAdds: number }>}
 */
export async function networkOf(variant, onnx, input, side, threads = 1) {
  const binding = await (threads > 1
    ? createSharedBinding(variant, threads)
    : createBinding(variant));
  const { c, ctx } = binding;
  const settings = c.offcut_input_new();
  c.offcut_input_set_size(settings, side, side);
  const bytes = binding.copyIn(onnx);
  const model = binding.statusOut((out) =>
    c.offcut_model_load(ctx, bytes, onnx.length, settings, out),
  );
  c.free(bytes);
  const picture = binding.copyIn(new Uint8Array(input.buffer));
  const out = binding.copyIn(new Uint8Array(12));
  const run = () => binding.check(c.offcut_network_run(ctx, model, picture, out, out + 4, out + 8));
  return { run, multiplyAdds: c.offcut_model_multiply_adds(model) };
}
