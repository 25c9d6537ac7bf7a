// SPDX-License-Identifier: Apache-2.0
// Compiled, not run: what users write must pass, what is wrong must not.
import {
  type Backend,
  type Box,
  type ConvertOptions,
  type Image,
  type Network,
  OffcutError,
  type Result,
  type Tensor,
  type Timings,
  createCodec,
  createEngine,
  dispose,
  removeBackground,
  removeBackgrounds,
} from 'offcut';
import { type Engine, createEngine as createBareEngine } from 'offcut/core';
import { onnxRuntime } from 'offcut/ort';
import { serve } from 'offcut/worker';
import * as ort from 'onnxruntime-web';

const photo = new Uint8Array();
const result: Result = await removeBackground(photo, {
  name: 'cat',
  mask: true,
  onProgress: (stage, fraction) => {
    const known: 'decode' | 'infer' | 'refine' | 'encode' = stage;
    fraction.toFixed(known.length);
  },
  signal: AbortSignal.timeout(1000),
  pixelsMax: 1e6,
  onEmpty: 'error',
});
const image: Image = result.image;
image.url?.startsWith('https:');
new Blob([result.png, result.mask ?? '']);
new Response(result.png);
const mask: Uint8Array | undefined = result.mask;
result.box.width + result.timings.total + result.coverage + (mask?.length ?? 0);

await removeBackground(new Blob([]));
await removeBackground(new File([], 'a.jpg'));
await removeBackground(await fetch('https://example.com/a.jpg'));
await removeBackground(new Blob([]).stream());
const box: Box = result.box;
const timings: Timings = result.timings;
box.x + timings.decode;
{
  await using codec = createCodec();
  const options: ConvertOptions = { format: 'webp', quality: 80 };
  const { bytes } = await codec.convert('a.jpg', options);
  const { width } = await codec.inspect(bytes, { pixelsMax: 1e6 });
  width.toFixed();
}
const run = async (input: Float32Array): Promise<Tensor> => ({ data: input, dims: [1, 8, 8] });
const network: Network = { name: 'mine', width: 8, height: 8, run, dispose: () => {} };
const backend: Backend = { name: 'mine', load: async () => network };
await createEngine({ backend });
await removeBackground('photo.jpg', {
  model: { data: 'network.onnx', input: { mean: [0, 0, 0] } },
});
await removeBackground(new URL('file:///photo.jpg'), { model: 'network.onnx' });

try {
  const engine: Engine = await createEngine({ variant: 'simd128' });
  await engine.removeBackground(photo.buffer);
  engine.dispose();
} catch (error) {
  if (error instanceof OffcutError && error.code === 'ERR_LIMIT') error.detail.trim();
}
dispose();

await createBareEngine({ module: {} as WebAssembly.Module, model: async () => photo });

for await (const { index, input, result, error } of removeBackgrounds(['a.jpg', photo], {
  worker: { size: 2, queue: 10 },
  concurrency: 3,
  onProgress: (stage, fraction, which) => stage.length + fraction + which,
})) {
  if (error) error.message.slice(index);
  else result.png.subarray(typeof input === 'string' ? 0 : 1);
}
{
  using engine = await createEngine({ worker: true });
  await using other = await createEngine({ backend: onnxRuntime({ ort }) });
  const backend: string = engine.backend + other.backend;
  await removeBackground(photo, { worker: backend === 'offcut', transfer: true });
}
const create = () => new Worker(new URL('./w.js', import.meta.url), { type: 'module' });
await createEngine({ worker: { create } });
serve({ backend: onnxRuntime({ ort, executionProviders: ['webgpu', 'wasm'] }) });

// @ts-expect-error a number is no photo
await removeBackground(42);
// @ts-expect-error there is no such option
await removeBackground(photo, { colour: 'red' });
// @ts-expect-error a pool has a number of workers
await createEngine({ worker: { size: 'two' } });
// @ts-expect-error nor such a value
await removeBackground(photo, { onEmpty: 'ignore' });
// @ts-expect-error the mask is there only on request
result.mask.length;
// @ts-expect-error the core needs a compiled module
await createBareEngine({ model: photo });
// @ts-expect-error there is no such code
if (new OffcutError('ERR_FORMAT', '').code === 'ERR_NOTHING') dispose();
