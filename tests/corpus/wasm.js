// SPDX-License-Identifier: Apache-2.0
// The WebAssembly decoder in a worker thread. A file that traps or takes too long costs a worker, not
// the run.

import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** @typedef {import('./judge.js').Outcome} Outcome */

const NOTHING = { width: 0, height: 0, bits: 0, orientation: 0, pixels: new Uint8Array(0) };

export class WasmDecoder {
  /**
   * @param {string} file the .wasm
   * @param {number} timeout milliseconds a picture may take
   * @param {boolean} damaged whether to decode what is there of damaged files
   */
  constructor(file, timeout, damaged) {
    this.damaged = damaged;
    this.module = new WebAssembly.Module(readFileSync(file));
    this.timeout = timeout;
    /** @type {Worker | undefined} */
    this.worker = undefined;
    /** @type {((outcome: Outcome) => void) | undefined} */
    this.resolve = undefined;
  }

  /**
   * @param {string} file
   * @returns {Promise<Outcome>}
   */
  decode(file) {
    /** @type {Uint8Array} */
    let bytes;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      const detail = /** @type {Error} */ (error).message;
      return Promise.resolve({ ...NOTHING, status: 'UNREADABLE', detail });
    }
    const worker = this.worker ?? this.start();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.stop();
        this.answer({ ...NOTHING, status: 'TIMEOUT', detail: `after ${this.timeout} ms` });
      }, this.timeout);
      this.resolve = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      worker.postMessage(bytes);
    });
  }

  start() {
    const url = new URL('./wasm-worker.js', import.meta.url);
    const worker = new Worker(url, { workerData: { module: this.module, damaged: this.damaged } });
    this.worker = worker;
    worker.on('message', (outcome) => {
      if (this.worker === worker) this.answer(outcome);
    });
    worker.on('error', (error) => this.die(worker, `${error}`));
    worker.on('exit', (code) => this.die(worker, `exit ${code}`));
    return worker;
  }

  /**
   * @param {Worker} worker
   * @param {string} detail
   */
  die(worker, detail) {
    if (this.worker !== worker) return; // closed by us
    this.worker = undefined;
    this.answer({ ...NOTHING, status: 'CRASH', detail });
  }

  /** @param {Outcome} outcome */
  answer(outcome) {
    const resolve = this.resolve;
    this.resolve = undefined;
    resolve?.(outcome);
  }

  stop() {
    const worker = this.worker;
    this.worker = undefined;
    worker?.terminate();
  }

  /** @returns {Promise<string>} what there is to complain of at the end: nothing */
  close() {
    this.stop();
    return Promise.resolve('');
  }
}
