// SPDX-License-Identifier: Apache-2.0
// What the cases of the operators are written with. `x` is the picture [1, 3, 13, 10] unless the case says otherwise; `y`
// is what is compared.

/** @import { Attribute, Node, Tensor } from '../onnx.js' */
import { generator } from '../engines.js';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {Node[]} nodes
 * @property {Record<string, Tensor>} [tensors]
 * @property {number[]} [input]
 * @property {number} [opset]
 * @property {number} [tolerance] of the largest number; 1e-5 where sums are short
 */

const random = generator(20);

/** @param {number[]} dims @param {number} [scale] @returns {Tensor} */
export const weights = (dims, scale = 0.5) => ({
  dims,
  data: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * scale),
});

/** @param {...number} data @returns {Tensor} */
export const ints = (...data) => ({ dims: [data.length], data, type: 'i64' });

/** @param {...number} data @returns {Tensor} */
export const floats = (...data) => ({ dims: [data.length], data });

/** @param {number} value @returns {Tensor} */
export const scalar = (value) => ({ dims: [], data: [value] });

/** @type {Case[]} */
export const cases = [];

/** @param {string} name @param {Node[]} nodes @param {Omit<Case, 'name' | 'nodes'>} [rest] */
export function add(name, nodes, rest) {
  cases.push({ name, nodes, ...rest });
}

/** Eight channels made of the picture, as `e`. */
export const eight = weights([8, 3, 1, 1], 1);
/** @type {Node} */
const expand = ['Conv', ['x', 'eight'], ['e']];

/** @param {string} name @param {Node[]} nodes @param {Omit<Case, 'name' | 'nodes'>} [rest] */
export function addDeep(name, nodes, rest = {}) {
  add(name, [expand, ...nodes], { ...rest, tensors: { ...rest.tensors, eight } });
}

/** @param {string} op @param {Record<string, Attribute>} [attributes] @param {number} [opset] */
export function unary(op, attributes, opset) {
  const name = `${op} ${JSON.stringify(attributes ?? {})}`;
  add(
    name,
    [
      ['Mul', ['x', 'six'], ['big']],
      [op, ['big'], ['y'], attributes],
    ],
    {
      tensors: { six: scalar(6) },
      opset,
    },
  );
}
