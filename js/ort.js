// SPDX-License-Identifier: Apache-2.0
// Networks run by the ONNX Runtime Web that the caller imported. It is passed in, never imported
// here: who does not use it does not download it, and who does chooses its version and build.

/** @import { Backend, Network } from './network.js' */
/** @import { ResolvedSpec } from './model.js' */

import { OffcutError, invalid } from './errors.js';
import { readMask } from './network.js';

/**
 * The module `onnxruntime-web`, as far as it is used here; 1.20 and later have this.
 *
 * @typedef {object} Ort
 * @property {{ create: (onnx: Uint8Array, options?: any) => Promise<OrtSession> }} InferenceSession
 * @property {new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor} Tensor
 * @property {{ wasm: { numThreads?: number } }} env
 *
 * @typedef {object} OrtSession
 * @property {readonly string[]} inputNames
 * @property {readonly string[]} outputNames
 * @property {readonly any[]} [inputMetadata] `shape` and `type` of each; since 1.22
 * @property {(feeds: Record<string, any>, fetches: readonly string[]) => Promise<Record<string,
 *   any>>} run
 * @property {() => Promise<void>} release
 *
 * @typedef {object} OrtTensor
 * @property {string} type
 * @property {readonly number[]} dims
 * @property {(release?: boolean) => Promise<any>} getData
 * @property {() => void} dispose
 */

/**
 * @typedef {object} OrtOptions
 * @property {Ort} ort the module `onnxruntime-web/wasm`, or `/webgpu` and others
 * @property {readonly (string | { name: string })[]} [executionProviders] the first that works is
 *   taken, which each has to prove by running the network; default `['wasm']`
 * @property {Record<string, unknown>} [sessionOptions] more options of
 *   `ort.InferenceSession.create`
 * @property {number} [threads] of its wasm, if none of its sessions was made before. Default: 1
 *   where memory cannot be shared (the page is not cross-origin isolated), else the cores, at most
 *   4
 */

const SIDE_DEFAULT = 320;
const THREADS_MAX = 4;

/**
 * What was begun on each runtime, which does not bear two things at the same time.
 *
 * @type {WeakMap<object, Promise<unknown>>}
 */
const tails = new WeakMap();

/**
 * Has ONNX Runtime Web run the network, for the option `backend` of `createEngine()`; decoding,
 * refining and encoding stay with the core. A run cannot be stopped: after an abort the promise
 * rejects at once, and the next photo waits until the run has ended.
 *
 * @param {OrtOptions} options
 * @returns {Backend}
 */
export function onnxRuntime({ ort, executionProviders = ['wasm'], sessionOptions, threads }) {
  if (typeof ort?.InferenceSession?.create !== 'function') {
    throw invalid('the module onnxruntime-web', 'ort', ort);
  }
  if (!Array.isArray(executionProviders) || executionProviders.length === 0) {
    throw invalid('a list of names', 'executionProviders', executionProviders);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw invalid('a positive integer', 'threads', threads);
  }
  return {
    name: 'onnxruntime-web',
    load: async (onnx, spec) => {
      setThreads(ort, threads);
      /** @type {string[]} */
      const reasons = [];
      for (const provider of executionProviders) {
        const quiet = { logSeverityLevel: 3 }; // errors are thrown anyway
        const options = { ...quiet, ...sessionOptions, executionProviders: [provider] };
        const name = typeof provider === 'string' ? provider : provider.name;
        try {
          return await inTurn(ort, () => open(ort, onnx, spec, { name, options }));
        } catch (error) {
          if (error instanceof OffcutError) throw error; // it would be the same with any
          reasons.push(`${name}: ${error instanceof Error ? error.message : error}`);
        }
      }
      const detail = reasons.join('; ');
      throw new OffcutError('ERR_MODEL', `the model cannot be used: ${detail}`, { detail });
    },
  };
}

/**
 * A network that has shown that it runs.
 *
 * @param {Ort} ort
 * @param {Uint8Array} onnx
 * @param {ResolvedSpec} spec
 * @param {{ name: string, options: object }} provider
 * @returns {Promise<Network>}
 */
async function open(ort, onnx, spec, { name, options }) {
  const session = await ort.InferenceSession.create(onnx, options);
  try {
    const shape = shapeOf(session, spec);
    const { width, height } = shape;
    const run = (/** @type {Float32Array} */ input, /** @type {Size} */ size) =>
      runOnce(ort, session, { ...shape, ...size, input });
    // What a provider cannot do, some say only now, and others answer with nonsense.
    const first = { width: width || SIDE_DEFAULT, height: height || SIDE_DEFAULT };
    const answer = await run(new Float32Array(3 * first.width * first.height), first);
    if (!readMask(answer, spec.output).data.every(Number.isFinite)) {
      throw new Error('its answers are not numbers');
    }
    return {
      name: `onnxruntime-web/${name}`,
      width,
      height,
      run: (input, size) => inTurn(ort, () => run(input, size)),
      dispose: () => inTurn(ort, () => session.release()),
    };
  } catch (error) {
    await session.release().catch(() => {}); // the first error says more
    throw error;
  }
}

/** @typedef {{ width: number, height: number }} Size */

/** @typedef {Size & { output: string, channelsLast: boolean }} Shape a size of 0 is free */

/**
 * @param {OrtSession} session
 * @param {ResolvedSpec} spec
 * @returns {Shape}
 */
function shapeOf({ inputNames, outputNames, inputMetadata }, { input, output }) {
  if (inputNames.length !== 1) {
    throw modelError(`the network has ${inputNames.length} inputs, not one picture`);
  }
  if (output.index >= outputNames.length) {
    throw modelError(
      `the network has ${outputNames.length} outputs: there is no number ${output.index}`,
    );
  }
  const { shape: dims = [], type = 'float32' } = inputMetadata?.[0] ?? {};
  if (type !== 'float32') throw modelError(`the network's input is ${type}, not float32`);
  const channelsLast = dims[3] === 3 && dims[1] !== 3;
  const [height, width] = channelsLast ? dims.slice(1, 3) : dims.slice(2, 4);
  const sides = { width: sideOf(input.width, width), height: sideOf(input.height, height) };
  const isFree = inputMetadata && !sides.width && !sides.height; // where that can be known
  return {
    output: outputNames[output.index],
    width: isFree ? 0 : sides.width || SIDE_DEFAULT,
    height: isFree ? 0 : sides.height || SIDE_DEFAULT,
    channelsLast,
  };
}

/**
 * @param {number} wanted 0: what the network asks for
 * @param {unknown} asked a number, or a name where it is left open
 * @returns {number} 0: anything
 */
function sideOf(wanted, asked) {
  const side = typeof asked === 'number' && asked > 0 ? asked : 0;
  if (wanted && side && wanted !== side) {
    throw modelError(`the network wants a side of ${side} pixels, not ${wanted}`);
  }
  return wanted || side;
}

/**
 * @param {Ort} ort
 * @param {OrtSession} session
 * @param {Shape & { input: Float32Array }} order `input` is [3, height, width]
 */
async function runOnce(ort, session, { input, output, width, height, channelsLast }) {
  const data = channelsLast ? interleave(input) : input;
  const dims = channelsLast ? [1, height, width, 3] : [1, 3, height, width];
  const feed = new ort.Tensor('float32', data, dims);
  /** @type {OrtTensor | undefined} */
  let result;
  try {
    const results = await session.run({ [session.inputNames[0]]: feed }, [output]);
    result = /** @type {OrtTensor} */ (results[output]);
    if (result.type !== 'float32') {
      throw modelError(`the network's output is ${result.type}, not float32`);
    }
    return { data: Float32Array.from(await result.getData()), dims: [...result.dims] };
  } finally {
    result?.dispose();
    feed.dispose();
  }
}

/** @param {Float32Array} planes */
function interleave(planes) {
  const size = planes.length / 3;
  return planes.map((_value, i) => planes[(i % 3) * size + Math.floor(i / 3)]);
}

/**
 * @param {Ort} ort
 * @param {number | undefined} threads
 */
function setThreads({ env }, threads) {
  if (threads === undefined && env.wasm.numThreads) return; // the caller has chosen
  const host = /** @type {{ crossOriginIsolated?: boolean, navigator?: Navigator }} */ (globalThis);
  const { userAgent = '', hardwareConcurrency = 1 } = host.navigator ?? {};
  const mayShare = host.crossOriginIsolated === true && !/iP(hone|ad|od)/.test(userAgent);
  env.wasm.numThreads = threads ?? (mayShare ? Math.min(hardwareConcurrency, THREADS_MAX) : 1);
}

/**
 * After whatever was begun before on this runtime, well or badly.
 *
 * @template T
 * @param {Ort} ort
 * @param {() => Promise<T>} task
 * @returns {Promise<T>}
 */
function inTurn(ort, task) {
  const result = (tails.get(ort.InferenceSession) ?? Promise.resolve()).then(task);
  tails.set(
    ort.InferenceSession,
    result.catch(() => {}),
  );
  return result;
}

/** @param {string} detail */
function modelError(detail) {
  return new OffcutError('ERR_MODEL', `the model cannot be used: ${detail}`, { detail });
}
