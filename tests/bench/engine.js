// SPDX-License-Identifier: Apache-2.0
// The network alone, on the same input: our engine and ONNX Runtime Web.
import { existsSync, readFileSync } from 'node:fs';
import { networkOf, variants } from './core.js';
import { defaultNetwork, isQuantised, onnxRuntime } from './peers.js';
import { comparison, round, takeTurns } from './turns.js';

const SIDE = 320;
const root = new URL('../../', import.meta.url);

/** Speed does not depend on what is in the picture. */
const input = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => ((i * 7919) % 1000) / 1000);

/**
 * @param {string} bench
 * @param {string} network
 * @param {Uint8Array} onnx ours
 * @param {Uint8Array} peerOnnx theirs; run in f32
 */
async function compare(bench, network, onnx, peerOnnx) {
  const theirs = await onnxRuntime(peerOnnx);
  const [relaxed, simd128] = await Promise.all(
    variants.map((variant) => networkOf(variant, onnx, input, SIDE)),
  );
  const times = await takeTurns({
    relaxed: relaxed.run,
    simd128: simd128.run,
    peer: () => theirs(input, SIDE),
  });
  const gmac = relaxed.multiplyAdds / 1e9;
  return variants.map((variant) => {
    const gmacPerSecond = round((gmac / times[variant]) * 1000);
    const facts = { network, variant, gmac: round(gmac), gmacPerSecond };
    return comparison(bench, times[variant], 'onnxruntime-web', times.peer, facts);
  });
}

/**
 * One thread in the build without threads against two in that with them.
 *
 * @param {string} network
 * @param {Uint8Array} onnx
 */
async function compareThreads(network, onnx) {
  const results = [];
  for (const variant of variants) {
    const one = await networkOf(variant, onnx, input, SIDE);
    const two = await networkOf(variant, onnx, input, SIDE, 2);
    const times = await takeTurns({ two: two.run, one: one.run });
    const facts = { network, variant, threads: 2 };
    results.push(comparison('threads', times.two, 'one thread', times.one, facts));
  }
  return results;
}

/** @type {import('./run.js').Benches} */
export const benches = {
  'engine-f32': async () => {
    const file = new URL('../shared/models/u2netp.onnx', root);
    if (!existsSync(file)) return 'needs ../shared/models/u2netp.onnx';
    const onnx = readFileSync(file);
    return compare('engine-f32', 'U²-Netp', onnx, onnx);
  },
  'engine-int8': async ({ int8, f32 }) => {
    const onnx = int8 ? readFileSync(int8) : defaultNetwork().onnx;
    if (!isQuantised(onnx)) return 'the network of the package is not int8: give one, --int8 FILE';
    const peer = f32 ?? (int8 ? undefined : new URL('models/default-f32.onnx', root));
    return compare('engine-int8', int8 ?? 'default', onnx, peer ? readFileSync(peer) : onnx);
  },
  threads: async () => {
    const file = new URL('../shared/models/u2netp.onnx', root);
    return [
      ...(existsSync(file) ? await compareThreads('U²-Netp', readFileSync(file)) : []),
      ...(await compareThreads('default', defaultNetwork().onnx)),
    ];
  },
};
