// SPDX-License-Identifier: Apache-2.0
// The engine in its three builds, and ONNX Runtime, behind one function each: ONNX bytes and input in, output out.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import * as ort from 'onnxruntime-node';
import { Binding } from '../../js/binding.js';

if (process.versions.v8.startsWith('11.3.')) {
  // Node 20 has relaxed SIMD as an experiment, and its baseline compiler gets the dot product of bytes wrong.
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  v8.setFlagsFromString('--no-liftoff');
}

/**
 * A network's one channel, row by row.
 *
 * @typedef {{ width: number, height: number, data: Float32Array }} Mask
 *
 * @typedef {object} Settings
 * @property {number} [width=0] of the input; 0: as the network says
 * @property {number} [height=0]
 * @property {number} [channel=0] of the output
 *
 * @typedef {(onnx: Uint8Array, input: Float32Array, settings?: Settings) => Promise<Mask>} Engine
 */

/** @param {string} file from the top of the checkout */
const pathOf = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** The builds there are, by name. @returns {Record<string, Engine>} */
export function engines() {
  /** @type {Record<string, Engine>} */
  const result = {};
  const native = pathOf('build/native/offcut-network');
  if (existsSync(native)) result.native = (...call) => runNative(native, ...call);
  for (const [name, file] of [
    ['simd128', 'dist/offcut.wasm'],
    ['relaxed', 'dist/offcut.relaxed.wasm'],
  ])
    if (existsSync(pathOf(file))) result[name] = wasmEngine(pathOf(file));
  return result;
}

/**
 * @param {string} program
 * @param {Uint8Array} onnx
 * @param {Float32Array} input
 * @param {Settings} [settings]
 * @returns {Promise<Mask>}
 */
async function runNative(program, onnx, input, { width = 0, height = 0, channel = 0 } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'offcut-oracle-'));
  try {
    const file = path.join(folder, 'network.onnx');
    writeFileSync(file, onnx);
    const args = [file, `${width}`, `${height}`, '0', `${channel}`];
    const data = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    const done = spawnSync(program, args, { input: data, maxBuffer: 1 << 28 });
    if (done.status !== 0) throw new Error(`native: ${done.stderr}`);
    const end = done.stdout.indexOf(10);
    const [columns, rows] = done.stdout.toString('latin1', 0, end).split(' ').map(Number);
    const floats = new Float32Array(columns * rows);
    Buffer.from(floats.buffer).set(done.stdout.subarray(end + 1));
    return { width: columns, height: rows, data: floats };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} file @returns {Engine} */
function wasmEngine(file) {
  const binding = Binding.create(new WebAssembly.Module(readFileSync(file)));
  return async (onnx, input, { width = 0, height = 0, channel = 0 } = {}) => {
    const b = await binding;
    const settings = b.c.offcut_input_new();
    b.c.offcut_input_set_size(settings, width, height);
    b.c.offcut_input_set_output(settings, 0, channel);
    const bytes = b.copyIn(onnx);
    const picture = b.copyIn(new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
    const out = b.copyIn(new Uint8Array(12));
    const word = (/** @type {number} */ index) =>
      new DataView(b.c.memory.buffer).getUint32((out >>> 0) + 4 * index, true);
    let model = 0;
    try {
      model = b.statusOut((to) => b.c.offcut_model_load(b.ctx, bytes, onnx.length, settings, to));
      b.check(b.c.offcut_network_run(b.ctx, model, picture, out, out + 4, out + 8));
      const size = word(1) * word(2);
      const data = new Float32Array(b.c.memory.buffer, word(0), size).slice();
      return { width: word(1), height: word(2), data };
    } finally {
      b.c.offcut_model_free(model);
      for (const pointer of [settings, bytes, picture, out]) b.c.free(pointer);
    }
  };
}

/**
 * What ONNX Runtime makes of the same: the whole first output.
 *
 * @param {Uint8Array} onnx
 * @param {Float32Array[]} inputs
 * @param {number[]} dims of each
 * @param {'all' | 'disabled'} [optimization] disabled: node by node, as the file says
 */
export async function oracle(onnx, inputs, dims, optimization = 'all') {
  const session = await ort.InferenceSession.create(onnx, {
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    graphOptimizationLevel: optimization,
  });
  try {
    const results = [];
    for (const input of inputs) {
      const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', input, dims) };
      const result = (await session.run(feeds))[session.outputNames[0]];
      const data = Float32Array.from(/** @type {any} */ (result.data), Number);
      results.push({ dims: result.dims, data });
    }
    return results;
  } finally {
    await session.release();
  }
}

/** Numbers that are the same every time. @param {number} seed @returns {() => number} in -1..1 */
export function generator(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
}

/**
 * The largest difference, and the largest number of the second.
 *
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
export function compare(a, b) {
  let difference = a.length === b.length ? 0 : Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const distance = a[i] === b[i] ? 0 : Math.abs(a[i] - b[i]);
    if (!(distance <= difference)) difference = distance;
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return { difference, largest };
}
