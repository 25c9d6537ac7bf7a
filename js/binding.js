// SPDX-License-Identifier: Apache-2.0
import { OffcutError, invalid } from './errors.js';
import { createSharedMemory, isForThreads } from './threads.js';

/**
 * What `wasm/exports.txt` exports, as far as this package uses it. Pointers and sizes are u32, but
 * arrive as signed numbers: use `>>> 0` before an address is used as an index. `offcut.h` and
 * `wasm/abi.c` say what each does.
 *
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => void} [_initialize]
 * @property {(size: number) => number} malloc
 * @property {(pointer: number) => void} free
 * @property {() => number} offcut_version
 * @property {(status: number) => number} offcut_status_name
 * @property {(status: number) => number} offcut_status_text
 * @property {(ctx: number, threads: number) => number} offcut_threads_set only in builds for
 *   threads, as the next
 * @property {(ctx: number, lane: number) => number} offcut_threads_stack
 * @property {() => number} offcut_create
 * @property {(ctx: number) => void} offcut_free
 * @property {(ctx: number) => number} offcut_detail
 * @property {() => number} offcut_input_new
 * @property {(input: number, width: number, height: number) => void} offcut_input_set_size
 * @property {(input: number, red: number, green: number, blue: number) => void}
 *   offcut_input_set_mean
 * @property {(input: number, red: number, green: number, blue: number) => void}
 *   offcut_input_set_std
 * @property {(input: number, on: number) => void} offcut_input_set_divide_by_peak
 * @property {(input: number, on: number) => void} offcut_input_set_bgr
 * @property {(input: number, activation: number) => void} offcut_input_set_activation
 * @property {(input: number, index: number, channel: number) => void} offcut_input_set_output
 * @property {(input: number) => number} offcut_input_width
 * @property {(input: number) => number} offcut_input_height
 * @property {(ctx: number, onnx: number, size: number, input: number, model: number) => number}
 *   offcut_model_load
 * @property {(model: number) => void} offcut_model_free
 * @property {(model: number) => number} offcut_model_input
 * @property {(model: number) => number} offcut_model_multiply_adds
 * @property {(ctx: number, model: number, input: number, mask: number, width: number, height:
 *   number) => number } offcut_network_run
 * @property {(model: number) => number} offcut_model_operations
 * @property {(model: number, index: number) => number} offcut_operation_name
 * @property {(model: number, index: number) => number} offcut_operation_multiply_adds
 * @property {(ctx: number, model: number, index: number, input: number) => number} offcut_operation_run
 * @property {() => number} offcut_options_new
 * @property {(options: number, pixels: number) => void} offcut_options_set_pixels_max
 * @property {(options: number, bytes: number) => void} offcut_options_set_bytes_max
 * @property {(options: number, on: number) => void} offcut_options_set_allow_truncated
 * @property {(options: number, on: number) => void} offcut_options_set_reduce_to_8_bits
 * @property {(options: number, on: number) => void} offcut_options_set_no_refine
 * @property {(options: number, on: number) => void} offcut_options_set_look_once
 * @property {(options: number, on: number) => void} offcut_options_set_refuse_empty
 * @property {(options: number, speed: number) => void} offcut_options_set_speed
 * @property {(options: number, output: number) => void} offcut_options_set_output
 * @property {(options: number) => number} offcut_options_input
 * @property {(ctx: number, model: number, data: number, size: number, options: number, job: number)
 *   => number } offcut_job_open
 * @property {(job: number) => void} offcut_job_free
 * @property {(job: number) => number} offcut_job_step
 * @property {(job: number) => number} offcut_job_stage
 * @property {(job: number) => number} offcut_job_fraction
 * @property {(job: number) => number} offcut_job_width
 * @property {(job: number) => number} offcut_job_height
 * @property {(job: number) => number} offcut_job_input
 * @property {(job: number) => number} offcut_job_input_width
 * @property {(job: number) => number} offcut_job_input_height
 * @property {(job: number, mask: number, width: number, height: number) => number} offcut_job_answer
 * @property {(job: number, size: number) => number} offcut_job_output
 * @property {(job: number, output: number) => number} offcut_job_again
 * @property {(job: number) => number} offcut_job_coverage
 * @property {(job: number) => number} offcut_job_box_x
 * @property {(job: number) => number} offcut_job_box_y
 * @property {(job: number) => number} offcut_job_box_width
 * @property {(job: number) => number} offcut_job_box_height
 */

/**
 * One instance of the wasm module and the few things that every use of it needs: strings, copies
 * in, status codes to errors. A trap leaves the instance in an unknown state, so it marks it
 * `broken` and nobody touches it again.
 */
export class Binding {
  /** Set by a trap. */
  broken = false;

  /** @type {Exports} guarded, see `guard` */
  c;

  /** The context; lives as long as the instance. */
  ctx = 0;

  /** Where C writes what it answers through a pointer. */
  #out = 0;

  /** @param {Exports} exports */
  constructor(exports) {
    this.c = this.#guard(exports);
    this.c._initialize?.();
    this.ctx = this.c.offcut_create();
    this.#out = this.c.malloc(16);
    if (!this.ctx || !this.#out) throw new OffcutError('ERR_MEMORY', 'not enough memory to begin');
  }

  /** @param {WebAssembly.Module} module */
  static async create(module) {
    /** @type {{ memory?: WebAssembly.Memory }} */
    const host = isForThreads(module) ? { memory: createSharedMemory() } : {};
    const imports = {
      ...hostImports(() => /** @type {WebAssembly.Memory} */ (host.memory)),
      ...(host.memory && { env: { memory: host.memory } }),
    };
    const instance = await WebAssembly.instantiate(module, imports).catch((cause) => {
      // That of memory is a RangeError in every host; others are of the module.
      const code = cause instanceof RangeError ? 'ERR_MEMORY' : 'ERR_ARGUMENT';
      throw new OffcutError(code, `the core could not be started: ${cause}`, { cause });
    });
    const exports = /** @type {Exports} */ (/** @type {unknown} */ (instance.exports));
    if (typeof exports.offcut_create !== 'function') {
      throw invalid('offcut.wasm, compiled,', 'module', module);
    }
    host.memory ??= exports.memory;
    return new Binding({ ...exports, memory: host.memory });
  }

  get memoryBytes() {
    return this.c.memory.buffer.byteLength;
  }

  /**
   * A view, good until the next call into wasm: that may grow the memory and detach it.
   *
   * @param {number} pointer
   * @param {number} size
   */
  view(pointer, size) {
    return new Uint8Array(this.c.memory.buffer, pointer >>> 0, size);
  }

  /**
   * A copy of bytes inside; the caller's, to be given to `free`.
   *
   * @param {Uint8Array} bytes
   */
  copyIn(bytes) {
    const pointer = this.c.malloc(bytes.length || 1);
    if (!pointer) {
      throw new OffcutError('ERR_MEMORY', `not enough memory: no room for ${bytes.length} bytes`);
    }
    this.view(pointer, bytes.length).set(bytes);
    return pointer;
  }

  /** @param {number} pointer to a C string */
  text(pointer) {
    const memory = new Uint8Array(this.c.memory.buffer);
    const start = pointer >>> 0;
    return new TextDecoder().decode(memory.slice(start, memory.indexOf(0, start)));
  }

  /**
   * Calls `callee` with a place where C writes a pointer or a size, and answers what it wrote.
   *
   * @param {(out: number) => number} callee answers a status
   */
  statusOut(callee) {
    this.check(callee(this.#out));
    return this.#read();
  }

  /**
   * The bytes of a function that answers a pointer and writes their size: a view, see `view`.
   *
   * @param {(out: number) => number} callee answers a pointer
   */
  viewOut(callee) {
    const pointer = callee(this.#out);
    return this.view(pointer, this.#read());
  }

  /**
   * Throws unless the status is OK.
   *
   * @param {number} status
   */
  check(status) {
    if (status === 0) return;
    const code = this.text(this.c.offcut_status_name(status));
    const summary = this.text(this.c.offcut_status_text(status));
    const detail = this.text(this.c.offcut_detail(this.ctx));
    throw new OffcutError(
      /** @type {import('./errors.js').ErrorCode} */ (code),
      detail ? `${summary}: ${detail}` : summary,
      { detail: detail || summary },
    );
  }

  #read() {
    return new DataView(this.c.memory.buffer).getUint32(this.#out >>> 0, true);
  }

  /**
   * The same exports, but a trap (out of bounds, stack overflow, an exception nobody caught) breaks
   * the instance and comes out as an error of ours.
   *
   * @param {Exports} exports
   * @returns {Exports}
   */
  #guard(exports) {
    const guarded = Object.entries(exports).map(([name, value]) => {
      if (typeof value !== 'function') return [name, value];
      const call = (/** @type {number[]} */ ...values) => {
        if (this.broken) throw new OffcutError('ERR_INTERNAL', 'this instance is broken');
        try {
          return /** @type {(...values: number[]) => number} */ (value)(...values);
        } catch (cause) {
          this.broken = true;
          throw new OffcutError('ERR_INTERNAL', `internal fault in ${name}: ${cause}`, { cause });
        }
      };
      return [name, call];
    });
    return /** @type {Exports} */ (Object.fromEntries(guarded));
  }
}

const ERRNO_BADF = 8;

/**
 * The few system calls that the C library is linked with. The core neither prints nor reads files:
 * what a library writes to its standard error is dropped.
 *
 * @param {() => WebAssembly.Memory} memory
 * @returns {WebAssembly.Imports}
 */
export function hostImports(memory) {
  return {
    wasi_snapshot_preview1: {
      fd_write: (
        /** @type {number} */ _fd,
        /** @type {number} */ vectors,
        /** @type {number} */ count,
        /** @type {number} */ written,
      ) => {
        const view = new DataView(memory().buffer);
        let size = 0;
        for (let i = 0; i < count; i++) size += view.getUint32((vectors >>> 0) + 8 * i + 4, true);
        view.setUint32(written >>> 0, size, true);
        return 0;
      },
      fd_close: () => ERRNO_BADF,
      fd_seek: () => ERRNO_BADF,
    },
  };
}
