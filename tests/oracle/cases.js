// SPDX-License-Identifier: Apache-2.0
// Small networks, one operator and combination of attributes each. `x` is the picture [1, 3, 13, 10] unless the case says
// otherwise; `y` is what is compared.

/** @import { Attribute, Node, Tensor } from './onnx.js' */
import { generator } from './engines.js';

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
const weights = (dims, scale = 0.5) => ({
  dims,
  data: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random() * scale),
});

/** @param {...number} data @returns {Tensor} */
const ints = (...data) => ({ dims: [data.length], data, type: 'i64' });

/** @param {...number} data @returns {Tensor} */
const floats = (...data) => ({ dims: [data.length], data });

/** @param {number} value @returns {Tensor} */
const scalar = (value) => ({ dims: [], data: [value] });

/** @type {Case[]} */
export const cases = [];

/** @param {string} name @param {Node[]} nodes @param {Omit<Case, 'name' | 'nodes'>} [rest] */
function add(name, nodes, rest) {
  cases.push({ name, nodes, ...rest });
}

/** Eight channels made of the picture, as `e`. */
const eight = weights([8, 3, 1, 1], 1);
/** @type {Node} */
const expand = ['Conv', ['x', 'eight'], ['e']];

/** @param {string} name @param {Node[]} nodes @param {Omit<Case, 'name' | 'nodes'>} [rest] */
function addDeep(name, nodes, rest = {}) {
  add(name, [expand, ...nodes], { ...rest, tensors: { ...rest.tensors, eight } });
}

/** @param {string} op @param {Record<string, Attribute>} [attributes] @param {number} [opset] */
function unary(op, attributes, opset) {
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

// ---- convolution

for (const [kernel, attributes] of /** @type {[number[], Record<string, Attribute>][]} */ ([
  [[3, 3], { pads: [1, 1, 1, 1] }],
  [[3, 3], {}],
  [[3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }],
  [[3, 3], { strides: [2, 1], pads: [0, 1, 1, 0] }],
  [[3, 3], { dilations: [2, 2], pads: [2, 2, 2, 2] }],
  [[3, 3], { dilations: [3, 1], pads: [3, 0, 3, 2] }],
  [[3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  [[3, 3], { auto_pad: 'SAME_LOWER', strides: [2, 3] }],
  [[4, 4], { auto_pad: 'SAME_UPPER' }],
  [[3, 3], { auto_pad: 'VALID' }],
  [[1, 1], { strides: [2, 2] }],
  [[5, 3], { pads: [2, 1, 2, 1] }],
  [[1, 7], { pads: [0, 3, 0, 3] }],
])) {
  for (const [out, group] of [
    [8, 1],
    [5, 1],
    [1, 1],
    [8, 8],
    [12, 4],
    [16, 8],
  ]) {
    const bias = out !== 5;
    addDeep(
      `Conv 8->${out} of ${group} ${kernel} ${JSON.stringify(attributes)}`,
      [
        [
          'Conv',
          ['e', 'w', ...(bias ? ['b'] : [])],
          ['y'],
          { ...attributes, group, kernel_shape: kernel },
        ],
      ],
      { tensors: { w: weights([out, 8 / group, ...kernel]), b: weights([out]) } },
    );
  }
}
addDeep(
  'Conv 32->32, a larger picture',
  [
    ['Conv', ['e', 'v'], ['f']],
    ['Conv', ['f', 'w', 'b'], ['y'], { pads: [1, 1, 1, 1] }],
  ],
  {
    input: [1, 3, 37, 50],
    tolerance: 1e-4, // Winograd
    tensors: { v: weights([32, 8, 1, 1]), w: weights([32, 32, 3, 3]), b: weights([32]) },
  },
);
for (const [kernel, attributes] of /** @type {[number[], Record<string, Attribute>][]} */ ([
  [[2, 2], { strides: [2, 2] }],
  [[3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }],
  [[4, 4], { strides: [2, 2], pads: [1, 1, 1, 1] }],
  [[3, 3], { strides: [2, 2], pads: [0, 0, 1, 1] }],
  [[3, 3], { strides: [1, 1], pads: [1, 1, 1, 1] }],
  [[3, 3], { strides: [3, 2], dilations: [2, 1] }],
  [[3, 3], { strides: [2, 2], dilations: [2, 2], pads: [1, 2, 2, 1] }],
  [[1, 1], { strides: [2, 2] }],
  [[3, 3], { strides: [2, 2], auto_pad: 'SAME_UPPER' }],
  [[3, 3], { strides: [2, 2], auto_pad: 'SAME_LOWER' }],
  [[3, 3], { strides: [2, 2], output_shape: [27, 20] }],
]))
  for (const [out, group] of [
    [6, 1],
    [1, 1],
    [8, 8],
    [12, 4],
  ])
    addDeep(
      `ConvTranspose 8->${out} of ${group} ${kernel} ${JSON.stringify(attributes)}`,
      [['ConvTranspose', ['e', 'w', 'b'], ['y'], { ...attributes, group, kernel_shape: kernel }]],
      { tensors: { w: weights([8, out / group, ...kernel]), b: weights([out]) } },
    );

// ---- what is joined with a convolution

const norm = {
  s: weights([8]),
  o: weights([8]),
  m: weights([8]),
  v: floats(0.5, 1, 0.2, 2, 1.5, 0.7, 1.1, 0.9),
};
/** @type {Node} */
const conv = ['Conv', ['e', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1] }];
const convTensors = { w: weights([8, 8, 3, 3]), b: weights([8]), ...norm };
/** @type {[string, Node[]][]} */
const after = [
  ['Relu', [['Relu', ['c'], ['y']]]],
  ['LeakyRelu', [['LeakyRelu', ['c'], ['y'], { alpha: { float: 0.2 } }]]],
  ['Sigmoid', [['Sigmoid', ['c'], ['y']]]],
  ['HardSwish', [['HardSwish', ['c'], ['y']]]],
  ['PRelu', [['PRelu', ['c', 'slope'], ['y']]]],
  ['PRelu of one slope', [['PRelu', ['c', 'half'], ['y']]]],
  ['Clip', [['Clip', ['c', 'low', 'high'], ['y']]]],
  ['BatchNormalization', [['BatchNormalization', ['c', 's', 'o', 'm', 'v'], ['y']]]],
  [
    'BatchNormalization, Relu',
    [
      ['BatchNormalization', ['c', 's', 'o', 'm', 'v'], ['n'], { epsilon: { float: 0.01 } }],
      ['Relu', ['n'], ['y']],
    ],
  ],
  [
    'Mul, Add, Sub, Div by constants, Relu',
    [
      ['Mul', ['c', 'slope'], ['c1']],
      ['Add', ['half', 'c1'], ['c2']],
      ['Sub', ['half', 'c2'], ['c3']],
      ['Div', ['c3', 'slope'], ['c4']],
      ['Relu', ['c4'], ['y']],
    ],
  ],
  [
    'Add of its input, Relu',
    [
      ['Add', ['c', 'e'], ['sum']],
      ['Relu', ['sum'], ['y']],
    ],
  ],
  ['Add to itself', [['Add', ['c', 'c'], ['y']]]],
  [
    'Add of another convolution',
    [
      ['Conv', ['e', 'w', 'b'], ['d'], { pads: [1, 1, 1, 1] }],
      ['Add', ['d', 'c'], ['sum']],
      ['PRelu', ['sum', 'slope'], ['y']],
    ],
  ],
  [
    'Add, twice',
    [
      ['Add', ['c', 'e'], ['sum']],
      ['Add', ['sum', 'e'], ['sum2']],
      ['Add', ['sum2', 'c'], ['y']],
    ],
  ],
  [
    'Sigmoid gate',
    [
      ['Sigmoid', ['c'], ['g']],
      ['Mul', ['c', 'g'], ['y']],
    ],
  ],
  [
    'HardSigmoid gate',
    [
      ['HardSigmoid', ['c'], ['g'], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }],
      ['Mul', ['g', 'c'], ['y']],
    ],
  ],
  [
    'HardSigmoid gate of other numbers',
    [
      ['HardSigmoid', ['c'], ['g']],
      ['Mul', ['g', 'c'], ['y']],
    ],
  ],
  [
    'squeeze and excitation',
    [
      ['GlobalAveragePool', ['c'], ['p']],
      ['Conv', ['p', 'w1'], ['q']],
      ['Relu', ['q'], ['r']],
      ['Conv', ['r', 'w1'], ['t']],
      ['Sigmoid', ['t'], ['g']],
      ['Mul', ['c', 'g'], ['y']],
    ],
  ],
];
for (const [name, nodes] of after)
  addDeep(`Conv, ${name}`, [conv, ...nodes], {
    tensors: {
      ...convTensors,
      slope: weights([8, 1, 1]),
      half: scalar(0.5),
      low: scalar(-0.3),
      high: scalar(0.4),
      w1: weights([8, 8, 1, 1]),
    },
    opset: 14,
    tolerance: 1e-4,
  });
addDeep(
  'Pad, Conv',
  [
    ['Pad', ['e', 'pads'], ['p']],
    ['Conv', ['p', 'w'], ['y'], { strides: [2, 2] }],
  ],
  { tensors: { w: weights([8, 8, 3, 3]), pads: ints(0, 0, 0, 1, 0, 0, 1, 0) } },
);
addDeep(
  'ConvTranspose, Add, Relu',
  [
    ['ConvTranspose', ['e', 'w'], ['t'], { strides: [2, 2] }],
    ['Resize', ['e', '', 'scales'], ['r'], { mode: 'nearest' }],
    ['Add', ['t', 'r'], ['s']],
    ['Relu', ['s'], ['y']],
  ],
  { tensors: { w: weights([8, 8, 2, 2]), scales: floats(1, 1, 2, 2) } },
);
addDeep(
  'BatchNormalization alone',
  [
    ['Relu', ['e'], ['r']],
    ['BatchNormalization', ['r', 's', 'o', 'm', 'v'], ['n']],
    ['LeakyRelu', ['n'], ['y']],
  ],
  { tensors: norm },
);
add(
  'Add, Relu',
  [
    ['Add', ['x', 'c'], ['s']],
    ['Relu', ['s'], ['y']],
  ],
  { tensors: { c: weights([3, 1, 10]) } },
);

// ---- functions

unary('Relu');
unary('LeakyRelu');
unary('LeakyRelu', { alpha: { float: 0.3 } });
unary('Sigmoid');
unary('HardSigmoid');
unary('HardSigmoid', { alpha: { float: 0.3 }, beta: { float: 0.4 } });
unary('HardSwish', {}, 14);
unary('Tanh');
unary('Elu', { alpha: { float: 0.7 } });
unary('Selu');
unary('Celu', { alpha: { float: 0.7 } });
unary('ThresholdedRelu', { alpha: { float: 0.7 } });
unary('Softplus');
unary('Softsign');
unary('Mish', {}, 18);
unary('Gelu', {}, 20);
unary('Gelu', { approximate: 'tanh' }, 20);
unary('Erf');
unary('Exp');
unary('Reciprocal');
unary('Abs');
unary('Neg');
unary('Floor');
unary('Ceil');
unary('Round');
unary('Sign');
unary('Sin');
unary('Cos');
unary('Clip');
unary('Identity');
unary('Dropout');
unary('Clip', { min: { float: -0.5 }, max: { float: 0.7 } }, 9);
for (const op of ['Log', 'Sqrt'])
  add(op, [
    ['Abs', ['x'], ['a']],
    [op, ['a'], ['y']],
  ]);
for (const [name, shape] of /** @type {[string, number[]][]} */ ([
  ['all', [1, 3, 13, 10]],
  ['a channel', [3, 1, 1]],
  ['a column', [10]],
  ['a row', [1, 1, 13, 1]],
  ['one', []],
])) {
  for (const op of ['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max', 'PRelu'])
    add(`${op} with ${name}`, [[op, ['x', 'c'], ['y']]], { tensors: { c: weights(shape, 2) } });
  add(`Sub from ${name}`, [['Sub', ['c', 'x'], ['y']]], { tensors: { c: weights(shape, 2) } });
}
add(
  'Pow',
  [
    ['Abs', ['x'], ['a']],
    ['Pow', ['a', 'c'], ['y']],
  ],
  { tensors: { c: floats(...Array.from({ length: 10 }, (_, i) => i / 3 - 1)) } },
);
add('Add with more dimensions', [['Add', ['x', 'c'], ['y']]], {
  tensors: { c: weights([2, 3, 1, 1]) },
});
add('Mod', [['Mod', ['x', 'c'], ['y'], { fmod: 1 }]], { tensors: { c: scalar(0.3) } });
add('Sum of three', [['Sum', ['x', 'c', 'x'], ['y']]], { tensors: { c: weights([3, 1, 1]) } });
add('Mean of three', [['Mean', ['x', 'c', 'x'], ['y']]], { tensors: { c: weights([3, 1, 1]) } });
add('Max of one', [['Max', ['x'], ['y']]]);
for (const op of ['Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'Equal'])
  add(
    `${op}, Where`,
    [
      [op, ['x', 'c'], ['m']],
      ['Where', ['m', 'x', 'd'], ['y']],
    ],
    { tensors: { c: weights([3, 1, 1]), d: scalar(9) } },
  );
add(
  'And, Or, Xor, Not, Cast',
  [
    ['Less', ['x', 'c'], ['a']],
    ['Greater', ['x', 'd'], ['b']],
    ['And', ['a', 'b'], ['ab']],
    ['Xor', ['a', 'b'], ['axb']],
    ['Not', ['ab'], ['nab']],
    ['Or', ['nab', 'axb'], ['o']],
    ['Cast', ['o'], ['y'], { to: 1 }],
  ],
  { tensors: { c: scalar(0.3), d: scalar(-0.3) } },
);
add(
  'Cast to integers and back',
  [
    ['Mul', ['x', 'ten'], ['a']],
    ['Cast', ['a'], ['i'], { to: 6 }],
    ['Cast', ['i'], ['y'], { to: 1 }],
  ],
  { tensors: { ten: scalar(10) } },
);
add(
  'weights stored as fp16',
  [
    ['Cast', ['h'], ['w'], { to: 1 }],
    ['Conv', ['x', 'w'], ['y']],
  ],
  { tensors: { h: { ...weights([8, 3, 3, 3]), type: 'f16' } } },
);

// ---- pooling

for (const op of ['MaxPool', 'AveragePool'])
  for (const attributes of /** @type {Record<string, Attribute>[]} */ ([
    { kernel_shape: [2, 2], strides: [2, 2] },
    { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 },
    { kernel_shape: [3, 2], strides: [1, 3], pads: [1, 0, 0, 1] },
    { kernel_shape: [5, 5], pads: [2, 2, 2, 2] },
    { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
    { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'SAME_LOWER' },
    ...(op === 'MaxPool' ? [{ kernel_shape: [2, 2], dilations: [2, 3] }] : []),
    ...(op === 'AveragePool'
      ? [
          { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
          {
            kernel_shape: [3, 3],
            strides: [2, 2],
            pads: [1, 1, 1, 1],
            count_include_pad: 1,
            ceil_mode: 1,
          },
        ]
      : []),
  ]))
    addDeep(`${op} ${JSON.stringify(attributes)}`, [[op, ['e'], ['y'], attributes]], { opset: 19 });
addDeep('GlobalAveragePool', [['GlobalAveragePool', ['e'], ['y']]]);
addDeep('GlobalMaxPool', [['GlobalMaxPool', ['e'], ['y']]]);

// ---- resize

for (const mode of ['nearest', 'linear', 'cubic'])
  for (const place of ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'])
    for (const scales of [
      [2, 2],
      [0.6, 0.7],
      [1.7, 2.3],
    ])
      addDeep(
        `Resize ${mode} ${place} by ${scales}`,
        [['Resize', ['e', '', 'scales'], ['y'], { mode, coordinate_transformation_mode: place }]],
        { tensors: { scales: floats(1, 1, ...scales) } },
      );
for (const nearest_mode of ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'])
  for (const scales of [
    [2, 3],
    [0.5, 0.4],
  ])
    addDeep(
      `Resize ${nearest_mode} by ${scales}`,
      [['Resize', ['e', '', 'scales'], ['y'], { mode: 'nearest', nearest_mode }]],
      { tensors: { scales: floats(1, 1, ...scales) } },
    );
for (const mode of ['nearest', 'linear', 'cubic'])
  for (const size of [
    [26, 20],
    [7, 19],
    [1, 1],
    [13, 10],
  ])
    addDeep(`Resize ${mode} to ${size}`, [['Resize', ['e', '', '', 'sizes'], ['y'], { mode }]], {
      tensors: { sizes: ints(1, 8, ...size) },
    });
addDeep(
  'Resize, exclude_outside',
  [
    [
      'Resize',
      ['e', '', 'scales'],
      ['y'],
      { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } },
    ],
  ],
  { tensors: { scales: floats(1, 1, 1.5, 2) } },
);
addDeep(
  'Resize, tf_half_pixel_for_nn',
  [
    [
      'Resize',
      ['e', 'roi', 'scales'],
      ['y'],
      { mode: 'nearest', coordinate_transformation_mode: 'tf_half_pixel_for_nn' },
    ],
  ],
  { tensors: { roi: floats(), scales: floats(1, 1, 1.5, 2) }, opset: 11 },
);
addDeep(
  'Resize of axes',
  [['Resize', ['e', '', '', 'sizes'], ['y'], { mode: 'linear', axes: [2, 3] }]],
  { tensors: { sizes: ints(20, 25) }, opset: 18 },
);
addDeep('Resize 10', [['Resize', ['e', 'scales'], ['y'], { mode: 'linear' }]], {
  tensors: { scales: floats(1, 1, 2, 2) },
  opset: 10,
});
for (const mode of ['nearest', 'linear'])
  addDeep(`Upsample ${mode}`, [['Upsample', ['e', 'scales'], ['y'], { mode }]], {
    tensors: { scales: floats(1, 1, 2, 3) },
    opset: 9,
  });

// ---- joining, cutting, moving

addDeep(
  'Concat of results',
  [
    ['Conv', ['e', 'w'], ['c'], { pads: [1, 1, 1, 1] }],
    ['Relu', ['e'], ['r']],
    ['MaxPool', ['e'], ['p'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
    ['Concat', ['c', 'r', 'p', 'e', 'c'], ['j'], { axis: 1 }],
    ['Conv', ['j', 'v'], ['y']],
  ],
  { tensors: { w: weights([5, 8, 3, 3]), v: weights([4, 34, 1, 1]) } },
);
addDeep(
  'Concat in a Concat',
  [
    ['Relu', ['e'], ['r']],
    ['Sigmoid', ['e'], ['s']],
    ['Concat', ['r', 's'], ['j'], { axis: 1 }],
    ['Concat', ['s', 'j', 'r'], ['k'], { axis: 1 }],
    ['Conv', ['j', 'v'], ['c']],
    ['Concat', ['c', 'k'], ['y'], { axis: 1 }],
  ],
  { tensors: { v: weights([4, 16, 1, 1]) } },
);
for (const axis of [2, 3, -1])
  addDeep(`Concat along ${axis}`, [
    ['Relu', ['e'], ['r']],
    ['Concat', ['e', 'r', 'e'], ['y'], { axis }],
  ]);
addDeep(
  'Split',
  [
    ['Split', ['e', 'parts'], ['a', 'b', 'c'], { axis: 1 }],
    ['Conv', ['b', 'w'], ['d']],
    ['Concat', ['c', 'd', 'a'], ['y'], { axis: 1 }],
  ],
  { tensors: { parts: ints(3, 4, 1), w: weights([2, 4, 1, 1]) } },
);
addDeep('Split evenly', [
  ['Split', ['e'], ['a', 'b'], { axis: 1 }],
  ['Sub', ['a', 'b'], ['y']],
]);
addDeep(
  'Split of rows',
  [
    ['Split', ['e', 'parts'], ['a', 'b'], { axis: 2 }],
    ['MaxPool', ['b'], ['y'], { kernel_shape: [2, 2] }],
  ],
  { tensors: { parts: ints(5, 8) } },
);
for (const [starts, ends, axes, steps] of [
  [
    [1, 2],
    [9, -1],
    [2, 3],
    [1, 1],
  ],
  [[0], [1e15], [2], [2]],
  [[-1], [-1e15], [3], [-1]],
  [
    [2, 10],
    [8, 1],
    [1, 2],
    [3, -3],
  ],
  [[-5], [100], [-2], [1]],
])
  addDeep(
    `Slice ${starts} ${ends} ${axes} ${steps}`,
    [
      ['Slice', ['e', 's', 't', 'a', 'p'], ['z']],
      ['Conv', ['e', 'w'], ['c']],
      ['Relu', ['z'], ['y']],
    ],
    {
      tensors: {
        s: ints(...starts),
        t: ints(...ends),
        a: ints(...axes),
        p: ints(...steps),
        w: weights([1, 8, 1, 1]),
      },
    },
  );
addDeep(
  'Focus: slices of every second pixel',
  [
    ['Slice', ['e', 's0', 't', 'a', 'p'], ['q']],
    ['Slice', ['e', 's1', 't', 'a', 'p'], ['r']],
    ['Concat', ['q', 'r'], ['j'], { axis: 1 }],
    ['Conv', ['j', 'w'], ['y'], { pads: [1, 1, 1, 1] }],
  ],
  {
    input: [1, 3, 12, 10],
    tensors: {
      s0: ints(0, 0),
      s1: ints(1, 1),
      t: ints(12, 10),
      a: ints(2, 3),
      p: ints(2, 2),
      w: weights([8, 16, 3, 3]),
    },
  },
);
add('Slice 1', [['Slice', ['x'], ['y'], { starts: [1, 2], ends: [9, 5], axes: [2, 3] }]], {
  opset: 9,
});
for (const perm of [
  [0, 2, 3, 1],
  [0, 3, 2, 1],
  [3, 2, 1, 0],
  [0, 1, 3, 2],
])
  addDeep(`Transpose ${perm}`, [['Transpose', ['e'], ['y'], { perm }]]);
addDeep(
  'Transpose, Conv',
  [
    ['Transpose', ['e'], ['t'], { perm: [0, 1, 3, 2] }],
    ['Conv', ['t', 'w'], ['y'], { pads: [1, 1, 1, 1] }],
  ],
  { tensors: { w: weights([8, 8, 3, 3]) } },
);
addDeep(
  'channel shuffle',
  [
    ['Reshape', ['e', 'five'], ['a']],
    ['Transpose', ['a'], ['b'], { perm: [0, 2, 1, 3, 4] }],
    ['Reshape', ['b', 'four'], ['c']],
    ['Conv', ['c', 'w'], ['y']],
  ],
  { tensors: { five: ints(1, 2, 4, 13, 10), four: ints(1, 8, 13, 10), w: weights([4, 8, 1, 1]) } },
);
for (const shape of [
  [1, 8, 130],
  [-1, 10],
  [2, 4, -1],
  [0, 0, -1],
  [1, 10, 13, 8],
  [5, 2, 8, 13],
])
  addDeep(
    `Reshape ${shape}, Relu`,
    [
      ['Reshape', ['e', 's'], ['r']],
      ['Relu', ['r'], ['y']],
    ],
    { tensors: { s: ints(...shape) } },
  );
for (const axis of [0, 1, 2, 4, -1])
  addDeep(`Flatten ${axis}`, [['Flatten', ['e'], ['y'], { axis }]]);
addDeep(
  'Unsqueeze, Squeeze',
  [
    ['Unsqueeze', ['e', 'two'], ['a']],
    ['Relu', ['a'], ['b']],
    ['Squeeze', ['b', 'two'], ['y']],
  ],
  { tensors: { two: ints(2) } },
);
addDeep(
  'Unsqueeze 11, Squeeze 11',
  [
    ['GlobalAveragePool', ['e'], ['p']],
    ['Squeeze', ['p'], ['s'], { axes: [2, 3] }],
    ['Unsqueeze', ['s'], ['u'], { axes: [0, 3] }],
    ['Relu', ['u'], ['y']],
  ],
  { opset: 11 },
);
addDeep(
  'Expand',
  [
    ['GlobalAveragePool', ['e'], ['p']],
    ['Expand', ['p', 's'], ['q']],
    ['Conv', ['q', 'w'], ['y']],
  ],
  { tensors: { s: ints(1, 8, 13, 10), w: weights([2, 8, 1, 1]) } },
);
add('Tile', [['Tile', ['x', 'r'], ['y']]], { tensors: { r: ints(1, 2, 3, 2) } });
for (const indices of [ints(2, 0, 0, -1), { ...ints(1), dims: [] }])
  for (const axis of [1, 2, -1])
    add(`Gather ${indices.data} of ${axis}`, [['Gather', ['x', 'i'], ['y'], { axis }]], {
      tensors: { i: indices },
    });
for (const mode of ['constant', 'reflect', 'edge'])
  for (const pads of [
    [0, 0, 1, 2, 0, 0, 3, 1],
    [0, 1, 0, 0, 0, 2, 0, 0],
  ])
    addDeep(`Pad ${mode} ${pads}`, [['Pad', ['e', 'p', 'v'], ['y'], { mode }]], {
      tensors: { p: ints(...pads), v: scalar(0.7) },
    });
addDeep('Pad below zero', [['Pad', ['e', 'p'], ['y']]], {
  tensors: { p: ints(0, -1, 2, -3, 0, 0, -4, 1) },
});
add('Pad 2', [['Pad', ['x'], ['y'], { pads: [0, 0, 1, 1, 0, 0, 2, 2], value: { float: 0.5 } }]], {
  opset: 9,
});
for (const mode of ['DCR', 'CRD'])
  addDeep(`DepthToSpace ${mode}`, [['DepthToSpace', ['e'], ['y'], { blocksize: 2, mode }]]);
addDeep(
  'SpaceToDepth',
  [
    ['SpaceToDepth', ['e'], ['d'], { blocksize: 2 }],
    ['Conv', ['d', 'w'], ['y']],
  ],
  { input: [1, 3, 12, 10], tensors: { w: weights([3, 32, 1, 1]) } },
);

// ---- sums along dimensions

for (const op of [
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceSum',
  'ReduceProd',
  'ReduceL1',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
])
  for (const axes of [[2, 3], [1], [-1], [0, 1, 2, 3]])
    for (const keepdims of [0, 1]) {
      /** @type {Node} */
      const node =
        op === 'ReduceSum'
          ? [op, ['e', 'a'], ['y'], { keepdims }]
          : [op, ['e'], ['y'], { axes, keepdims }];
      addDeep(`${op} of ${axes}, keepdims ${keepdims}`, [node], { tensors: { a: ints(...axes) } });
    }
addDeep('ReduceMean 18', [['ReduceMean', ['e', 'a'], ['y']]], {
  tensors: { a: ints(2, 3) },
  opset: 18,
});
addDeep('ArgMax', [
  ['ArgMax', ['e'], ['a'], { axis: 1 }],
  ['Cast', ['a'], ['y'], { to: 1 }],
]);
for (const opset of [11, 13])
  for (const axis of [1, 2, 3, -1])
    addDeep(`Softmax ${opset} of ${axis}`, [['Softmax', ['e'], ['y'], { axis }]], { opset });
addDeep('LogSoftmax', [['LogSoftmax', ['e'], ['y'], { axis: 1 }]]);
addDeep(
  'InstanceNormalization',
  [
    ['InstanceNormalization', ['e', 's', 'o'], ['n'], { epsilon: { float: 0.001 } }],
    ['Relu', ['n'], ['y']],
  ],
  { tensors: norm, tolerance: 1e-4 },
);
addDeep(
  'group normalisation',
  [
    ['Reshape', ['e', 'groups'], ['g']],
    ['InstanceNormalization', ['g', 'one', 'zero'], ['n']],
    ['Shape', ['e'], ['shape']],
    ['Reshape', ['n', 'shape'], ['r']],
    ['Mul', ['r', 'scale'], ['m']],
    ['Add', ['m', 'shift'], ['y']],
  ],
  {
    tensors: {
      groups: ints(0, 2, -1),
      one: floats(1, 1),
      zero: floats(0, 0),
      scale: weights([8, 1, 1]),
      shift: weights([8, 1, 1]),
    },
    tolerance: 1e-4,
  },
);
addDeep(
  'half batch, half instance normalisation',
  [
    ['Slice', ['e', 'n0', 'n4', 'n1'], ['a']],
    ['Slice', ['e', 'n4', 'n8', 'n1'], ['b']],
    ['BatchNormalization', ['a', 's', 'o', 'm', 'v'], ['c']],
    ['InstanceNormalization', ['b', 's', 'o'], ['d']],
    ['Concat', ['c', 'd'], ['j'], { axis: 1 }],
    ['Relu', ['j'], ['y']],
  ],
  {
    tensors: {
      n0: ints(0),
      n4: ints(4),
      n8: ints(8),
      n1: ints(1),
      s: weights([4]),
      o: weights([4]),
      m: weights([4]),
      v: floats(1, 2, 0.5, 0.7),
    },
    tolerance: 1e-4,
  },
);
addDeep(
  'LayerNormalization of tokens',
  [
    ['Reshape', ['e', 't'], ['r']],
    ['Transpose', ['r'], ['k'], { perm: [0, 2, 1] }],
    ['LayerNormalization', ['k', 's', 'o'], ['y']],
  ],
  { tensors: { t: ints(1, 8, -1), ...norm }, opset: 17, tolerance: 1e-4 },
);
addDeep(
  'attention',
  [
    ['Reshape', ['e', 't'], ['r']],
    ['Transpose', ['r'], ['k'], { perm: [0, 2, 1] }],
    ['MatMul', ['k', 'wq'], ['q']],
    ['MatMul', ['q', 'r'], ['s']],
    ['Softmax', ['s'], ['a'], { axis: -1 }],
    ['MatMul', ['a', 'k'], ['y']],
  ],
  { tensors: { t: ints(1, 8, -1), wq: weights([8, 8]) }, tolerance: 1e-4 },
);
addDeep(
  'attention of heads',
  [
    ['Reshape', ['e', 't'], ['r']],
    ['Transpose', ['r'], ['q'], { perm: [0, 1, 3, 2] }],
    ['MatMul', ['q', 'r'], ['s']],
    ['Softmax', ['s'], ['a'], { axis: -1 }],
    ['MatMul', ['a', 'q'], ['y']],
  ],
  { tensors: { t: ints(1, 2, 4, -1) }, tolerance: 1e-4 },
);
addDeep('MatMul with a vector', [['MatMul', ['e', 'v'], ['y']]], { tensors: { v: weights([10]) } });
for (const [transA, transB] of [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
])
  addDeep(
    `Gemm ${transA} ${transB}`,
    [
      ['Flatten', ['e'], ['f'], { axis: 2 }],
      [
        'Gemm',
        ['f', 'w', 'c'],
        ['y'],
        { transA, transB, alpha: { float: 0.5 }, beta: { float: 2 } },
      ],
    ],
    {
      tensors: {
        w: weights(transB ? [6, transA ? 8 : 130] : [transA ? 8 : 130, 6]),
        c: weights([6]),
      },
    },
  );
addDeep(
  'a fully connected layer',
  [
    ['GlobalAveragePool', ['e'], ['p']],
    ['Flatten', ['p'], ['f']],
    ['Gemm', ['f', 'w', 'b'], ['g'], { transB: 1 }],
    ['Relu', ['g'], ['y']],
  ],
  { tensors: { w: weights([6, 8]), b: weights([6]) } },
);

// ---- shapes worked out by the file

addDeep(
  'Shape, Gather, Mul, Concat, Resize',
  [
    ['Shape', ['e'], ['s']],
    ['Gather', ['s', 'two'], ['h'], { axis: 0 }],
    ['Gather', ['s', 'three'], ['w'], { axis: 0 }],
    ['Mul', ['h', 'k'], ['h2']],
    ['Cast', ['w'], ['wf'], { to: 1 }],
    ['Mul', ['wf', 'half'], ['w2f']],
    ['Floor', ['w2f'], ['w2g']],
    ['Cast', ['w2g'], ['w2'], { to: 7 }],
    ['Unsqueeze', ['h2', 'zero'], ['hu']],
    ['Unsqueeze', ['w2', 'zero'], ['wu']],
    ['Concat', ['hu', 'wu'], ['hw'], { axis: 0 }],
    ['Slice', ['s', 'zero', 'twos', 'zero'], ['nc']],
    ['Concat', ['nc', 'hw'], ['size'], { axis: 0 }],
    ['Resize', ['e', '', '', 'size'], ['y'], { mode: 'linear' }],
  ],
  {
    tensors: {
      two: { ...ints(2), dims: [] },
      three: { ...ints(3), dims: [] },
      k: { ...ints(2), dims: [] },
      half: scalar(0.5),
      zero: ints(0),
      twos: ints(2),
    },
  },
);
addDeep(
  'ConstantOfShape, Where, Equal, Expand',
  [
    ['ConstantOfShape', ['n'], ['ones'], { value: { tensor: ints(1) } }],
    ['Mul', ['ones', 'minus'], ['m']],
    ['Equal', ['s', 'm'], ['q']],
    ['Where', ['q', 'ones', 's'], ['t']],
    ['GlobalAveragePool', ['e'], ['p']],
    ['Expand', ['p', 't'], ['y']],
  ],
  { tensors: { n: ints(4), minus: { ...ints(-1), dims: [] }, s: ints(-1, 8, 3, 2) } },
);
addDeep(
  'Range, Constant, Div, ReduceProd',
  [
    ['Constant', [], ['from'], { value: { tensor: { ...ints(0), dims: [] } } }],
    ['Shape', ['e'], ['s']],
    ['ReduceProd', ['s'], ['n'], { keepdims: 0 }],
    ['Div', ['n', 'k'], ['m']],
    ['Range', ['from', 'm', 'one'], ['r']],
    ['Cast', ['r'], ['f'], { to: 1 }],
    ['Mul', ['e', 'f'], ['y']],
  ],
  { tensors: { k: { ...ints(101), dims: [] }, one: { ...ints(1), dims: [] } } },
);

// ---- quantisation, as floats

for (const type of /** @type {const} */ (['i8', 'u8']))
  for (const zero of [0, 3])
    addDeep(
      `QuantizeLinear, DequantizeLinear ${type} ${zero}`,
      [
        ['QuantizeLinear', ['e', 's', 'z'], ['q']],
        ['DequantizeLinear', ['q', 's', 'z'], ['y']],
      ],
      { tensors: { s: scalar(0.013), z: { dims: [], data: [zero], type } } },
    );
addDeep(
  'QDQ Conv, Relu, MaxPool',
  [
    ['QuantizeLinear', ['e', 's', 'z'], ['q']],
    ['DequantizeLinear', ['q', 's', 'z'], ['d']],
    ['DequantizeLinear', ['w', 'ws', 'wz'], ['wd'], { axis: 0 }],
    ['DequantizeLinear', ['b', 'bs', 'bz'], ['bd'], { axis: 0 }],
    ['Conv', ['d', 'wd', 'bd'], ['c'], { pads: [1, 1, 1, 1] }],
    ['Relu', ['c'], ['r']],
    ['MaxPool', ['r'], ['y'], { kernel_shape: [2, 2], strides: [2, 2] }],
  ],
  {
    tensors: {
      s: scalar(0.02),
      z: { dims: [], data: [0], type: 'i8' },
      w: {
        dims: [4, 8, 3, 3],
        data: Array.from(weights([4, 8, 3, 3], 1).data, (v) => Math.round(v * 127)),
        type: 'i8',
      },
      ws: floats(0.004, 0.003, 0.005, 0.0045),
      wz: { dims: [4], data: [0, 0, 0, 0], type: 'i8' },
      b: { dims: [4], data: [100, -200, 300, 5], type: 'i32' },
      bs: floats(8e-5, 6e-5, 1e-4, 9e-5),
      bz: { dims: [4], data: [0, 0, 0, 0], type: 'i32' },
    },
  },
);
