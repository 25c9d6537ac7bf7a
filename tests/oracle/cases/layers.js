// SPDX-License-Identifier: Apache-2.0
// Convolution and what is joined with it, functions, pooling, resizing.

/** @import { Attribute, Node } from '../onnx.js' */
import { add, addDeep, floats, ints, scalar, unary, weights } from './kit.js';

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

export const norm = {
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
