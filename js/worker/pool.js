// SPDX-License-Identifier: Apache-2.0

/** @import { Calls, FromWorker, Help, Start } from './messages.js' */
/** @import { Port, WorkerLike } from './port.js' */

import { OffcutError, cancelled } from '../errors.js';
import { startHelpers } from '../threads.js';
import { fromPlain, toPlain } from './messages.js';
import { toPort } from './port.js';

/**
 * @typedef {object} PoolSettings
 * @property {number} size how many workers there may be; each is started when it is needed
 * @property {number} queue how many calls may wait for a worker
 * @property {() => WorkerLike} create
 */

/**
 * What a worker begins with.
 *
 * @typedef {object} Setup
 * @property {() => Promise<Start>} start
 * @property {() => Promise<Uint8Array>} [model] asked for by every worker, and again after a fault
 */

/** Workers that do one call at a time each. One that ended is replaced with the next call. */
export class Pool {
  #settings;
  #setup;
  /** @type {Lane[]} */
  #lanes = [];
  /** @type {{ go: (lane: Lane) => void, fail: (error: Error) => void }[]} first come, first served */
  #waiting = [];
  #disposed = false;
  /** @type {(() => void)[]} called when nothing is left to do */
  #onIdle = [];

  /**
   * @param {PoolSettings} settings
   * @param {Setup} setup
   */
  constructor(settings, setup) {
    this.#settings = settings;
    this.#setup = setup;
  }

  get size() {
    return this.#settings.size;
  }

  get queue() {
    return this.#settings.queue;
  }

  /** The wasm memory of all workers, as they said when they were last done. */
  get memoryBytes() {
    return this.#lanes.reduce((sum, lane) => sum + lane.memoryBytes, 0);
  }

  /**
   * Does the task as soon as a worker is free for it.
   *
   * @template T
   * @param {(lane: Lane) => Promise<T>} task
   * @param {AbortSignal} [signal] ends the waiting; a task that has begun has to heed it itself
   * @returns {Promise<T>} rejects with `ERR_BUSY` if as many wait as may
   */
  async run(task, signal) {
    const lane = await this.#turn(signal);
    try {
      return await task(lane);
    } finally {
      this.#release(lane);
    }
  }

  /** Ends the workers. What is under way or waits is rejected with `ERR_STATE`. */
  dispose() {
    this.#disposed = true;
    for (const lane of this.#lanes) lane.end(disposed());
    for (const { fail } of this.#waiting.splice(0)) fail(disposed());
  }

  /** When what is under way and waits is done, `dispose()`. */
  async close() {
    if (this.#lanes.some((lane) => lane.busy)) {
      await new Promise((resolve) => this.#onIdle.push(() => resolve(undefined)));
    }
    this.dispose();
  }

  /**
   * A worker that is free, now or later.
   *
   * @param {AbortSignal} [signal]
   * @returns {Lane | Promise<Lane>}
   */
  #turn(signal) {
    if (this.#disposed) throw disposed();
    const { size, queue } = this.#settings;
    let lane = this.#lanes.find(({ busy }) => !busy);
    if (!lane && this.#lanes.length < size) {
      lane = new Lane(this.#settings.create, this.#setup);
      this.#lanes.push(lane);
    }
    if (lane) {
      lane.busy = true;
      return lane;
    }
    if (this.#waiting.length >= queue) {
      const detail = `${size} at work and ${queue} waiting are the most`;
      throw new OffcutError('ERR_BUSY', `too many photos at the same time: ${detail}`, { detail });
    }
    return this.#wait(signal);
  }

  /**
   * @param {AbortSignal} [signal]
   * @returns {Promise<Lane>}
   */
  #wait(signal) {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== turn);
        reject(cancelled(/** @type {AbortSignal} */ (signal)));
      };
      const listenNoMore = () => signal?.removeEventListener('abort', leave);
      const turn = {
        go: (/** @type {Lane} */ lane) => {
          listenNoMore();
          resolve(lane);
        },
        fail: (/** @type {Error} */ error) => {
          listenNoMore();
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(turn);
    });
  }

  /** @param {Lane} lane */
  #release(lane) {
    const next = this.#waiting.shift();
    if (next) return next.go(lane); // stays busy
    lane.busy = false;
    if (!this.#lanes.some(({ busy }) => busy)) for (const call of this.#onIdle.splice(0)) call();
  }
}

/**
 * @typedef {object} CallOptions
 * @property {ArrayBuffer[]} [transfer]
 * @property {AbortSignal} [signal]
 * @property {(...args: any[]) => void} [onProgress]
 */

/** A place for a worker, and the one that is in it now. */
export class Lane {
  #create;
  #setup;
  /** @type {Port | undefined} */
  #port;
  /** Ends the port's helpers. */
  #endHelpers = () => {};
  /** @type {Error | undefined} why nothing is done any more */
  #end;
  /** @type {{ settle: (error?: unknown, value?: any) => void, onProgress: (args: any[]) => void }
   *   | undefined} */
  #call;

  /** The pool's note of whether it is somebody's turn here. */
  busy = false;
  memoryBytes = 0;
  /** @type {string | undefined} what runs the network, once it has run */
  backend;

  /**
   * @param {() => WorkerLike} create
   * @param {Setup} setup
   */
  constructor(create, setup) {
    this.#create = create;
    this.#setup = setup;
  }

  /**
   * Has the worker do something; one call at a time.
   *
   * @template {keyof Calls} M
   * @param {M} method
   * @param {Calls[M]['args']} args
   * @param {CallOptions} [options]
   * @returns {Promise<Calls[M]['answer']>} settles when the worker is done, also when aborted;
   *   rejects with `ERR_WORKER` if it ends before
   */
  async call(method, args, { transfer, signal, onProgress } = {}) {
    const port = this.#port ?? (await this.#start());
    if (signal?.aborted) throw cancelled(signal);
    return new Promise((resolve, reject) => {
      const stop = () => port.post({ type: 'abort' });
      /** @type {{ thrown: unknown } | undefined} by `onProgress` */
      let fault;
      this.#call = {
        settle: (error, value) => {
          signal?.removeEventListener('abort', stop);
          port.hold(false);
          this.#call = undefined;
          if (fault) reject(fault.thrown);
          else if (error) reject(error);
          else resolve(value);
        },
        onProgress: (values) => {
          if (fault || signal?.aborted) return;
          try {
            onProgress?.(...values);
          } catch (thrown) {
            fault = { thrown };
            stop();
          }
        },
      };
      port.hold(true);
      signal?.addEventListener('abort', stop, { once: true });
      try {
        port.post({ type: 'call', method, args, progress: onProgress !== undefined }, transfer);
      } catch (cause) {
        const detail = `the photo cannot be sent to a worker: ${cause}`;
        this.#call.settle(new OffcutError('ERR_ARGUMENT', detail, { cause }));
      }
    });
  }

  /**
   * Ends the worker for good.
   *
   * @param {Error} error what calls are rejected with from now on
   */
  end(error) {
    this.#end = error;
    this.#leave(error);
  }

  async #start() {
    const start = await this.#setup.start();
    if (this.#end) throw this.#end;
    const port = this.#open();
    this.#port = port;
    port.hold(false);
    try {
      port.post(start); // not every host sends a compiled module everywhere
    } catch (cause) {
      this.#leave(ended(cause));
      throw ended(cause);
    }
    return port;
  }

  #open() {
    /** @type {Port} */
    const port = this.#attempt(() =>
      toPort(this.#create(), {
        message: (message) => port === this.#port && this.#take(message, port),
        ended: (cause) => port === this.#port && this.#leave(ended(cause)),
      }),
    );
    return port;
  }

  /**
   * @template T
   * @param {() => T} create
   */
  #attempt(create) {
    try {
      return create();
    } catch (cause) {
      throw ended(cause);
    }
  }

  /**
   * @param {FromWorker} message
   * @param {Port} port
   */
  #take(message, port) {
    if (message.type === 'progress') this.#call?.onProgress(message.args);
    else if (message.type === 'model') void this.#sendModel(port);
    else if (message.type === 'helpers') void this.#bringHelpers(port, message.orders);
    else if (message.type === 'answer') {
      const { value, error, backend = this.backend, memoryBytes = 0 } = message;
      this.backend = backend;
      this.memoryBytes = memoryBytes;
      this.#call?.settle(error && fromPlain(error), value);
    }
  }

  /** @param {Port} port */
  async #sendModel(port) {
    try {
      port.post({ type: 'model', bytes: await this.#setup.model?.() });
    } catch (error) {
      port.post({ type: 'model', error: toPlain(error) });
    }
  }

  /**
   * @param {Port} port
   * @param {Help[]} orders
   */
  async #bringHelpers(port, orders) {
    this.#endHelpers();
    this.#endHelpers = () => {};
    if (orders.length === 0) return;
    try {
      const end = await startHelpers(this.#create, orders);
      if (port !== this.#port) return end();
      this.#endHelpers = end;
      port.post({ type: 'helpers' });
    } catch (error) {
      port.post({ type: 'helpers', error: toPlain(error) });
    }
  }

  /** @param {Error} error */
  #leave(error) {
    this.#endHelpers();
    this.#endHelpers = () => {};
    this.#port?.end();
    this.#port = undefined;
    this.memoryBytes = 0;
    this.#call?.settle(error);
  }
}

/** @param {unknown} cause */
function ended(cause) {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OffcutError('ERR_WORKER', `a worker ended: ${reason}`, { detail: reason, cause });
}

function disposed() {
  return new OffcutError('ERR_STATE', 'this engine was disposed of');
}
