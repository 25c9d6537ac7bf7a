// SPDX-License-Identifier: Apache-2.0
// Every operator with the attributes that networks use: our three builds against ONNX Runtime.
import assert from 'node:assert/strict';
import test from 'node:test';
import { cases } from './cases.js';
import { compare, engines, generator, oracle } from './engines.js';
import { onnx } from './onnx.js';

const builds = engines();

test('there is a build to test', () => {
  assert.ok(Object.keys(builds).length > 0);
});

for (const { name, nodes, tensors, input = [1, 3, 13, 10], opset, tolerance = 1e-5 } of cases) {
  test(name, async () => {
    // One row of all elements: a mask whatever the operator makes.
    const file = onnx({
      nodes: [...nodes, ['Reshape', ['y', 'row_of_all'], ['mask']]],
      tensors: { ...tensors, row_of_all: { dims: [4], data: [1, 1, 1, -1], type: 'i64' } },
      input,
      output: 'mask',
      opset,
    });
    const random = generator(7);
    const picture = Float32Array.from({ length: input.reduce((a, b) => a * b) }, random);
    const [expected] = await oracle(file, [picture], input);
    assert.ok(expected.data.length > 0, 'the case has a result');
    for (const [build, run] of Object.entries(builds)) {
      const { data } = await run(file, picture);
      const { difference, largest } = compare(data, expected.data);
      assert.ok(
        difference <= tolerance * Math.max(1, largest),
        `${build}: ${difference} apart, numbers up to ${largest}`,
      );
    }
  });
}
