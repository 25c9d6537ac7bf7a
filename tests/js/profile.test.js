// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { createEngine } from 'offcut';
import { onnxRuntime } from 'offcut/ort';
import * as ort from 'onnxruntime-web/wasm';
import { profileTable } from '../../js/cli/profile.js';
import { failure, pathOf } from './helpers.js';

const onnx = readFileSync(pathOf('models/default.onnx'), 'latin1');

for (const worker of [false, true]) {
  test(`the operations of the network and their times, worker: ${worker}`, async () => {
    const engine = await createEngine({ worker });
    const start = performance.now();
    const operations = await engine.profile({ runs: 2 });
    const passed = performance.now() - start;
    engine.dispose();
    for (const { name, milliseconds, multiplyAdds } of operations) {
      const [operator, node] = name.split(' ');
      assert.ok(onnx.includes(operator) && onnx.includes(node), name);
      assert.ok(milliseconds >= 0 && milliseconds < passed, `${name}: ${milliseconds} ms`);
      assert.equal(multiplyAdds > 0, operator === 'Conv', name);
    }
    const sum = operations.reduce((most, { milliseconds }) => most + milliseconds, 0);
    assert.ok(sum > 0 && 2 * sum <= passed, `twice ${sum} ms in ${passed} ms`);
    // Stem: 160x160 pixels of 4x4x3 weights for each channel.
    assert.equal(operations[1].multiplyAdds % (160 * 160 * 48), 0);
  });
}

test('what cannot be profiled says so', async () => {
  const engine = await createEngine({ backend: onnxRuntime({ ort }) });
  const { code } = await failure(engine.profile());
  assert.equal(code, 'ERR_UNSUPPORTED');
  for (const runs of [0, 1.5, NaN, 1001]) {
    assert.equal((await failure(engine.profile({ runs }))).code, 'ERR_ARGUMENT');
  }
  engine.dispose();
});

test('the table has a line for each operation and the sum', () => {
  const table = profileTable([
    { name: 'Conv a', milliseconds: 2, multiplyAdds: 3e8 },
    { name: 'Resize b', milliseconds: 1, multiplyAdds: 0 },
  ]);
  assert.deepEqual(table.split('\n'), [
    '    2.000 ms   150.0 GMAC/s  Conv a',
    '    1.000 ms                 Resize b',
    '    3.000 ms   100.0 GMAC/s  in all',
    '',
  ]);
});
