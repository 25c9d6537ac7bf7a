// SPDX-License-Identifier: Apache-2.0
// Small quantised networks: every operator that has an integer form, and files that look alike but have none.

/** @import { Attribute, Node, Tensor } from '../onnx.js' */
import { generator } from '../engines.js';

/**
 * @typedef {object} QuantisedCase
 * @property {string} name
 * @property {Node[]} nodes
 * @property {Record<string, Tensor>} tensors
 * @property {number} step of the result `y`
 */

/** Of 12 significant bits, as models/training/quantise.py has them: ties of bilinear doubling are exact in f32. */
const unit = 1311 / 65536;

/** Writes QuantizeLinear and DequantizeLinear where a network needs them. */
class Network {
  /** @type {Node[]} */
  nodes = [];

  /** @type {Record<string, Tensor>} */
  tensors = { zero: { dims: [], data: [0], type: 'i8' } };

  #random = generator(5);

  #count = 0;

  /** @param {string} op @param {string[]} inputs @param {Record<string, Attribute>} [attributes] */
  node(op, inputs, attributes) {
    const name = `n${this.#count++}`;
    this.nodes.push([op, inputs, [name], attributes]);
    return name;
  }

  /** @param {Tensor} tensor */
  constant(tensor) {
    const name = `c${this.#count++}`;
    this.tensors[name] = tensor;
    return name;
  }

  /** @param {number} value */
  scalar(value) {
    return this.constant({ dims: [], data: [value] });
  }

  /** @param {string} value @param {number} step @param {string} [zero] */
  quantise(value, step, zero = 'zero') {
    const scale = this.scalar(step);
    return this.node('DequantizeLinear', [
      this.node('QuantizeLinear', [value, scale, zero]),
      scale,
      zero,
    ]);
  }

  /**
   * @param {string} input
   * @param {number[]} shape of the weights
   * @param {object} [options]
   * @param {Record<string, Attribute>} [options.attributes]
   * @param {boolean} [options.bias=true]
   * @param {boolean} [options.one=false] one scale for all weights
   * @param {number} [options.step] of the input
   */
  conv(input, shape, { attributes, bias = true, one = false, step = unit } = {}) {
    const count = shape.reduce((a, b) => a * b);
    const scales = Array.from({ length: one ? 1 : shape[0] }, () => 0.004 + this.#random() * 0.002);
    const data = Array.from({ length: count }, () => Math.round(this.#random() * 127));
    const scale = this.constant({ dims: one ? [] : [shape[0]], data: scales });
    const weights = this.constant({ dims: shape, data, type: 'i8' });
    const inputs = [input, this.node('DequantizeLinear', [weights, scale], { axis: 0 })];
    if (bias) {
      const sums = Array.from({ length: shape[0] }, () => Math.round(this.#random() * 3000));
      const list = scales.length > 1 ? scales : sums.map(() => scales[0]);
      const products = list.map((value) => Math.fround(Math.fround(value) * Math.fround(step)));
      const integers = this.constant({ dims: [shape[0]], data: sums, type: 'i32' });
      const sumScale = this.constant({ dims: [shape[0]], data: products });
      inputs.push(this.node('DequantizeLinear', [integers, sumScale], { axis: 0 }));
    }
    return this.node('Conv', inputs, attributes);
  }

  /** The picture as eight channels of 0..127 units. */
  eight() {
    const picture = this.quantise('x', 0.01);
    const pads = { pads: [1, 1, 1, 1] };
    const first = this.conv(picture, [8, 3, 3, 3], { attributes: pads, step: 0.01 });
    return this.quantise(this.node('Relu', [first]), unit);
  }
}

/** @type {QuantisedCase[]} */
export const quantisedCases = [];

/**
 * @param {string} name
 * @param {number} step
 * @param {(network: Network) => string} build answers what is y, to be quantised with that step
 */
function add(name, step, build) {
  const network = new Network();
  const result = network.quantise(build(network), step);
  const nodes = network.nodes;
  nodes[nodes.length - 1][2][0] = 'y';
  if (nodes.length === 0 || !result) throw new Error('the case is empty');
  quantisedCases.push({ name, nodes, tensors: network.tensors, step });
}

// ---- convolution

/** @type {[string, number[], Record<string, Attribute>][]} */
const geometries = [
  ['3x3', [16, 8, 3, 3], { pads: [1, 1, 1, 1] }],
  ['3x3 of stride 2', [16, 8, 3, 3], { pads: [1, 1, 1, 1], strides: [2, 2] }],
  ['3x3 of stride 3 and 1', [8, 8, 3, 3], { pads: [1, 1, 1, 1], strides: [3, 1] }],
  ['3x3, dilated', [8, 8, 3, 3], { pads: [2, 2, 2, 2], dilations: [2, 2] }],
  ['3x3, dilated, of stride 2', [8, 8, 3, 3], { dilations: [3, 2], strides: [2, 2] }],
  ['1x1', [24, 8, 1, 1], {}],
  ['1x1 of stride 2', [8, 8, 1, 1], { strides: [2, 2] }],
  ['5x2, padded unevenly', [8, 8, 5, 2], { pads: [2, 0, 1, 3] }],
  ['3x3, padded by its mode', [8, 8, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  ['to 5 channels', [5, 8, 3, 3], {}],
  ['to 1 channel', [1, 8, 3, 3], { pads: [1, 1, 1, 1] }],
  ['of each channel', [8, 1, 3, 3], { group: 8, pads: [1, 1, 1, 1] }],
  ['of each channel, stride 2', [8, 1, 5, 5], { group: 8, pads: [2, 2, 2, 2], strides: [2, 2] }],
  ['in two groups (f32)', [8, 4, 3, 3], { group: 2 }],
];
for (const [name, shape, attributes] of geometries) {
  add(`convolution ${name}`, 0.03, (n) =>
    n.node('Relu', [n.conv(n.eight(), shape, { attributes })]),
  );
  add(`convolution ${name}, signed`, 0.05, (n) => n.conv(n.eight(), shape, { attributes }));
}
add('convolution of signed input', 0.03, (n) =>
  n.node('Relu', [n.conv(n.quantise(n.conv(n.eight(), [6, 8, 3, 3]), 0.05), [8, 6, 3, 3])]),
);
add('convolution without bias, one scale', 0.03, (n) =>
  n.conv(n.eight(), [8, 8, 3, 3], { bias: false, one: true }),
);
add('convolution, clipped', 0.03, (n) =>
  n.node('Clip', [n.conv(n.eight(), [8, 8, 3, 3]), n.scalar(-0.4), n.scalar(1.1)]),
);
add('normalised picture', unit, (n) => {
  const mean = n.constant({ dims: [1, 3, 1, 1], data: [0.485, 0.456, 0.406] });
  const deviation = n.constant({ dims: [1, 3, 1, 1], data: [0.229, 0.224, 0.225] });
  const normal = n.node('Div', [n.node('Sub', ['x', mean]), deviation]);
  const attributes = { strides: [2, 2], pads: [1, 1, 1, 1] };
  return n.node('Relu', [
    n.conv(n.quantise(normal, 0.05), [16, 3, 3, 3], { attributes, step: 0.05 }),
  ]);
});
add('normalised picture, clipped to 7 bits', 0.03, (n) => {
  const mean = n.constant({ dims: [1, 3, 1, 1], data: [0.485, 0.456, 0.406] });
  const deviation = n.constant({ dims: [1, 3, 1, 1], data: [0.229, 0.224, 0.225] });
  const normal = n.node('Div', [n.node('Sub', ['x', mean]), deviation]);
  const step = 5 / 128;
  const clipped = n.node('Clip', [normal, n.scalar(-54 * step), n.scalar(73 * step)]);
  const attributes = { strides: [2, 2], pads: [1, 1, 1, 1] };
  return n.node('Relu', [n.conv(n.quantise(clipped, step), [16, 3, 4, 4], { attributes, step })]);
});
add('convolution of input clipped to 7 bits', 0.05, (n) => {
  const inner = n.conv(n.eight(), [8, 8, 3, 3], { attributes: { pads: [1, 1, 1, 1] } });
  const clipped = n.node('Clip', [inner, n.scalar(-1), n.scalar(2)]);
  return n.conv(n.quantise(clipped, 0.03), [9, 8, 3, 3], {
    attributes: { pads: [2, 1, 0, 1] },
    step: 0.03,
  });
});
add('last convolution to f32, sigmoid', 1 / 255, (n) =>
  n.node('Sigmoid', [n.conv(n.eight(), [1, 8, 3, 3], { attributes: { pads: [1, 1, 1, 1] } })]),
);

// ---- sums

const same = { pads: [1, 1, 1, 1] };
add('residual', 0.03, (n) => {
  const e = n.eight();
  return n.node('Relu', [n.node('Add', [n.conv(e, [8, 8, 3, 3], { attributes: same }), e])]);
});
add('residual of quantised parts', 0.03, (n) => {
  const e = n.eight();
  const conv = n.quantise(n.conv(e, [8, 8, 3, 3], { attributes: same }), 0.04);
  return n.node('Relu', [n.node('Add', [e, conv])]);
});
add('residual of two convolutions', 0.06, (n) => {
  const e = n.eight();
  const side = n.quantise(n.conv(e, [12, 8, 1, 1]), 0.04);
  return n.node('Relu', [n.node('Add', [n.conv(e, [12, 8, 3, 3], { attributes: same }), side])]);
});
add('residual of what a ReLU leaves', 0.03, (n) => {
  const e = n.eight();
  const inner = n.node('Relu', [n.conv(e, [8, 8, 3, 3], { attributes: same })]);
  return n.node('Add', [inner, e]);
});
add('residual of what a ReLU leaves of each channel, read on', 0.03, (n) => {
  const e = n.eight();
  const attributes = { ...same, group: 8 };
  const inner = n.node('Relu', [n.conv(e, [8, 1, 3, 3], { attributes })]);
  const sum = n.quantise(n.node('Add', [e, inner]), 0.03);
  return n.node('Relu', [n.conv(sum, [16, 8, 3, 3], { attributes: same, step: 0.03 })]);
});
add('residual of what is clipped', 0.03, (n) => {
  const e = n.eight();
  const inner = n.conv(e, [8, 8, 3, 3], { attributes: same });
  return n.node('Add', [n.node('Clip', [inner, n.scalar(0), n.scalar(1)]), e]);
});
add('sum with itself', 0.05, (n) => {
  const e = n.eight();
  return n.node('Add', [e, e]);
});

// ---- pooling, resizing, joining

const two = { kernel_shape: [2, 2], strides: [2, 2] };
add('max pooling', unit, (n) => n.node('MaxPool', [n.eight()], two));
add('max pooling, padded', unit, (n) => {
  const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 };
  return n.node('MaxPool', [n.quantise(n.conv(n.eight(), [8, 8, 1, 1]), unit)], attributes);
});
add('max pooling to another scale (f32)', 0.03, (n) => n.node('MaxPool', [n.eight()], two));
/** @type {[string, number[], Record<string, Attribute>][]} */
const resizes = [
  ['twice, bilinear', [2, 2], { mode: 'linear' }],
  ['twice, nearest', [2, 2], { mode: 'nearest', nearest_mode: 'floor' }],
  [
    'by 3 and 1.5, corners aligned',
    [3, 1.5],
    { mode: 'linear', coordinate_transformation_mode: 'align_corners' },
  ],
  ['by half', [0.5, 0.5], { mode: 'linear' }],
  ['twice, cubic', [2, 2], { mode: 'cubic' }],
];
/** @param {Network} n @param {string} input @param {number[]} scales @param {Record<string, Attribute>} attributes */
const resize = (n, input, scales, attributes) =>
  n.node('Resize', [input, '', n.constant({ dims: [4], data: [1, 1, ...scales] })], attributes);
for (const [name, scales, attributes] of resizes)
  add(`resized ${name}`, unit, (n) => resize(n, n.eight(), scales, attributes));
add('resized to another scale', 0.031, (n) => resize(n, n.eight(), [2, 2], { mode: 'linear' }));

add('joined', unit, (n) => {
  const e = n.eight();
  const other = n.quantise(n.node('Relu', [n.conv(e, [12, 8, 3, 3], { attributes: same })]), unit);
  return n.node('Concat', [e, other], { axis: 1 });
});
add('joined, of several scales', unit, (n) => {
  const e = n.eight();
  const other = n.quantise(n.node('Relu', [n.conv(e, [12, 8, 3, 3], { attributes: same })]), 0.04);
  return n.node('Concat', [e, other], { axis: 1 });
});
add('joined, three odd channels first (f32)', unit, (n) => {
  const e = n.eight();
  const other = n.quantise(n.node('Relu', [n.conv(e, [3, 8, 3, 3], { attributes: same })]), unit);
  return n.node('Concat', [other, e], { axis: 1 });
});
add('joined with itself along rows (f32)', unit, (n) => {
  const e = n.eight();
  return n.node('Concat', [e, e], { axis: 2 });
});
add('a step of a U-net', 0.03, (n) => {
  const e = n.eight();
  const down = { attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } };
  const coarse = n.quantise(n.node('Relu', [n.conv(e, [16, 8, 3, 3], down)]), unit);
  const up = resize(n, coarse, [2, 2], { mode: 'linear' });
  const both = n.quantise(n.node('Concat', [up, e], { axis: 1 }), unit);
  return n.node('Relu', [n.conv(both, [8, 24, 3, 3], { attributes: same })]);
});

// ---- what looks alike

add('read as f32 too', 0.03, (n) => {
  const e = n.eight();
  const gate = n.node('Sigmoid', [n.conv(e, [8, 8, 1, 1])]);
  return n.node('Mul', [n.node('Relu', [n.conv(e, [8, 8, 1, 1])]), gate]);
});
add('zero point 3', 0.03, (n) => {
  const three = n.constant({ dims: [], data: [3], type: 'i8' });
  const e = n.quantise(n.eight(), 0.03, three);
  return n.node('Relu', [n.conv(e, [8, 8, 3, 3], { step: 0.03 })]);
});
add('unsigned', 0.03, (n) => {
  const zero = n.constant({ dims: [], data: [0], type: 'u8' });
  return n.node('Relu', [
    n.conv(n.quantise(n.eight(), 0.012, zero), [8, 8, 3, 3], { step: 0.012 }),
  ]);
});
add('weights in f32 (f32)', 0.03, (n) => {
  const data = Array.from({ length: 8 * 8 }, (_, i) => ((i * 37) % 64) / 64 - 0.5);
  return n.node('Conv', [n.eight(), n.constant({ dims: [8, 8, 1, 1], data })]);
});
add('another scale out than in', 0.05, (n) => {
  const q = n.node('QuantizeLinear', [n.eight(), n.scalar(unit), 'zero']);
  return n.conv(n.node('DequantizeLinear', [q, n.scalar(0.03), 'zero']), [8, 8, 3, 3]);
});
