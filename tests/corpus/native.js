// SPDX-License-Identifier: Apache-2.0
// The native decoder, as a process that answers one path after another. Whatever happens to the
// process happens to one file only: the next file gets a new one.

import { spawn } from 'node:child_process';

/** @typedef {import('./judge.js').Outcome} Outcome */

const NEWLINE = 10;
const NOTHING = { width: 0, height: 0, bits: 0, orientation: 0, pixels: new Uint8Array(0) };

export class NativeDecoder {
  /**
   * @param {string} program
   * @param {number} timeout milliseconds a file may take
   * @param {boolean} damaged whether to decode what is there of damaged files
   */
  constructor(program, timeout, damaged) {
    this.program = program;
    this.parameters = damaged ? ['--damaged'] : [];
    this.timeout = timeout;
    /** @type {import('node:child_process').ChildProcessByStdio<any, any, any> | undefined} */
    this.child = undefined;
    this.errors = '';
    /** @type {Buffer[]} */
    this.chunks = [];
    this.received = 0;
    /** @type {string[] | undefined} the first line of an answer, once it is there */
    this.fields = undefined;
    this.head = 0;
    this.needed = 0;
    /** @type {((outcome: Outcome) => void) | undefined} */
    this.resolve = undefined;
  }

  /**
   * @param {string} file
   * @returns {Promise<Outcome>}
   */
  decode(file) {
    const child = this.child ?? this.start();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.stop();
        this.answer({ ...NOTHING, status: 'TIMEOUT', detail: `after ${this.timeout} ms` });
      }, this.timeout);
      this.resolve = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      this.errors = '';
      this.forget();
      child.stdin.write(`${file}\n`);
    });
  }

  start() {
    const child = spawn(this.program, this.parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child = child;
    child.stdin.on('error', () => {}); // a dead process is reported by 'close'
    child.stderr.on('data', (chunk) => {
      this.errors = (this.errors + chunk).slice(-4000);
    });
    child.stdout.on('data', (chunk) => {
      if (this.child === child) this.receive(chunk);
    });
    child.on('error', (error) => this.die(child, error.message));
    child.on('close', (code, signal) => this.die(child, `exit ${signal ?? code}`));
    return child;
  }

  stop() {
    const child = this.child;
    this.child = undefined;
    child?.kill('SIGKILL');
    child?.stdin.destroy();
    child?.stdout.destroy();
    child?.stderr.destroy();
  }

  /**
   * @param {unknown} child
   * @param {string} reason
   */
  die(child, reason) {
    if (this.child !== child) return; // stopped by us
    this.child = undefined;
    this.answer({ ...NOTHING, status: 'CRASH', detail: `${reason} ${this.errors}`.trim() });
  }

  /** @param {Outcome} outcome */
  answer(outcome) {
    const resolve = this.resolve;
    this.resolve = undefined;
    resolve?.(outcome);
  }

  /** Makes ready for the next answer. */
  forget() {
    this.chunks = [];
    this.received = 0;
    this.fields = undefined;
    this.head = 0;
    this.needed = 0;
  }

  /**
   * A line of fields, then as many bytes as it says.
   * @param {Buffer} chunk
   */
  receive(chunk) {
    this.chunks.push(chunk);
    this.received += chunk.length;
    if (!this.fields) {
      if (!chunk.includes(NEWLINE)) return;
      const start = Buffer.concat(this.chunks);
      this.head = start.indexOf(NEWLINE) + 1;
      this.fields = start.toString('utf8', 0, this.head - 1).split('\t');
      this.needed = this.head + Number(this.fields[5]);
      this.chunks = [start];
    }
    if (this.received < this.needed) return;
    const [status, width, height, bits, orientation, , detail] = this.fields;
    const pixels = Buffer.concat(this.chunks).subarray(this.head, this.needed);
    this.answer({
      status,
      detail,
      width: Number(width),
      height: Number(height),
      bits: Number(bits),
      orientation: Number(orientation),
      pixels,
    });
  }

  /**
   * Ends the process in peace: that is when a leak checker speaks.
   * @returns {Promise<string>} what it complained of
   */
  close() {
    const child = this.child;
    this.child = undefined;
    if (!child) return Promise.resolve('');
    return new Promise((resolve) => {
      child.on('close', (code, signal) => {
        resolve(code === 0 ? '' : `exit ${signal ?? code} ${this.errors}`.trim());
      });
      child.stdin.end();
    });
  }
}
