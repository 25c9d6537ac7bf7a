// SPDX-License-Identifier: Apache-2.0
// Quantised networks: the same bytes from all our builds, and what ONNX Runtime makes of the same file, node by node:
// at most one step of the result away on 99.9 % of its elements, never more than two. (ONNX Runtime sums in f32, so that
// what lies near the middle of two steps may fall to the other side.)
import assert from 'node:assert/strict';
import test from 'node:test';
import { quantisedCases } from './cases/int8.js';
import { engines, generator, oracle } from './engines.js';
import { onnx } from './onnx.js';

const builds = engines();
const input = [1, 3, 26, 24];
const rowOfAll = /** @type {const} */ ({ dims: [4], data: [1, 1, 1, -1], type: 'i64' });

/**
 * How many elements are apart at all, more than one step, and more than two.
 *
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} step
 */
function apart(a, b, step) {
  const counts = { some: 0, one: 0, two: 0 };
  for (let i = 0; i < a.length; i++) {
    const steps = Math.abs(a[i] - b[i]) / step;
    if (!(steps < 0.01)) counts.some++;
    if (!(steps < 1.01)) counts.one++;
    if (!(steps < 2.01)) counts.two++;
  }
  return counts;
}

for (const { name, nodes, tensors, step } of quantisedCases) {
  test(name, async () => {
    assert.ok(Object.keys(builds).length > 0, 'there is a build');
    const file = onnx({
      nodes: [...nodes, ['Reshape', ['y', 'row_of_all'], ['mask']]],
      tensors: { ...tensors, row_of_all: rowOfAll },
      input,
      output: 'mask',
    });
    const random = generator(11);
    const picture = Float32Array.from({ length: 3 * input[2] * input[3] }, random);
    const [expected] = await oracle(file, [picture], input, 'disabled');
    const spread = new Set(expected.data).size;
    assert.ok(spread > 8, `the result has ${spread} different values`);
    /** @type {Float32Array | undefined} */
    let first;
    for (const [build, run] of Object.entries(builds)) {
      const { data } = await run(file, picture);
      assert.equal(data.length, expected.data.length);
      const counts = apart(data, expected.data, step);
      const label = `${build}: ${JSON.stringify(counts)} of ${data.length}`;
      assert.ok(counts.some <= Math.max(2, data.length / 100), label);
      assert.ok(counts.one <= data.length / 1000 && counts.two === 0, label);
      first ??= data;
      if (!name.includes('(f32)')) assert.deepEqual(data, first, `${build} differs`);
    }
  });
}
