// SPDX-License-Identifier: Apache-2.0
// Decodes pictures in WebAssembly, through the exports that the shim uses, as a job does: a reduced
// pass, then a full one.

import { parentPort, workerData } from 'node:worker_threads';

import { Binding } from '../../js/binding.js';

/** Memory never shrinks: an instance that has grown beyond this is replaced before the next file. */
const MEMORY_KEPT = 48 * 2 ** 20;

/** @type {Binding | undefined} */
let binding;

parentPort?.on('message', async (/** @type {Uint8Array} */ bytes) => {
  if (binding && (binding.broken || binding.memoryBytes > MEMORY_KEPT)) binding = undefined;
  binding ??= await Binding.create(workerData.module);
  const outcome = attempt(binding, bytes);
  parentPort?.postMessage(outcome, [outcome.pixels.buffer]);
});

/**
 * @param {Binding} core
 * @param {Uint8Array} bytes
 */
function attempt(core, bytes) {
  const result = {
    status: 'OK',
    detail: '',
    width: 0,
    height: 0,
    bits: 0,
    orientation: 0,
    pixels: new Uint8Array(0),
    memory: 0,
  };
  try {
    const data = core.copyIn(bytes);
    try {
      decode(core, data, bytes.length, result);
    } finally {
      if (!core.broken) core.c.free(data);
    }
  } catch (error) {
    const { code, message } = /** @type {import('../../js/errors.js').OffcutError} */ (error);
    result.status = code && code !== 'ERR_INTERNAL' ? code : 'CRASH';
    result.detail = message;
    result.pixels = new Uint8Array(0);
  }
  result.memory = core.memoryBytes;
  return result;
}

/**
 * @param {Binding} core
 * @param {number} data
 * @param {number} size
 * @param {ReturnType<typeof attempt>} result
 */
function decode(core, data, size, result) {
  const c = /** @type {Record<string, Function>} */ (/** @type {unknown} */ (core.c));
  const options = c.offcut_options_new();
  let decoder = 0;
  try {
    c.offcut_options_set_allow_truncated(options, workerData.damaged ? 1 : 0);
    decoder = core.statusOut((out) => c.offcut_decoder_open(core.ctx, data, size, options, out));
    const info = c.offcut_decoder_info(decoder);
    result.width = c.offcut_info_width(info) >>> 0;
    result.height = c.offcut_info_height(info) >>> 0;
    result.orientation = c.offcut_info_orientation(info);
    result.bits = c.offcut_info_bits(info);
    readPass(core, c, decoder, 8, result.bits);
    result.pixels = readPass(core, c, decoder, 1, result.bits);
  } finally {
    if (!core.broken) {
      c.offcut_decoder_close(decoder);
      c.free(options);
    }
  }
}

/**
 * @param {Binding} core
 * @param {Record<string, Function>} c
 * @param {number} decoder
 * @param {number} reduce
 * @param {number} bits
 */
function readPass(core, c, decoder, reduce, bits) {
  const sizes = c.malloc(8);
  let rows = 0;
  try {
    core.check(c.offcut_decoder_start(decoder, reduce, sizes, sizes + 4));
    const view = new DataView(core.c.memory.buffer);
    const width = view.getUint32(sizes, true);
    const height = view.getUint32(sizes + 4, true);
    const stride = (width * bits) / 2;
    const slice = Math.max(1, Math.floor(2 ** 18 / stride));
    rows = c.malloc(slice * stride);
    const pixels = new Uint8Array(stride * height);
    for (let y = 0; y < height; y += slice) {
      const count = Math.min(slice, height - y);
      core.check(c.offcut_decoder_read(decoder, rows, count));
      pixels.set(core.view(rows, count * stride), y * stride);
    }
    return pixels;
  } finally {
    if (!core.broken) {
      c.free(rows);
      c.free(sizes);
    }
  }
}
