// SPDX-License-Identifier: Apache-2.0
// Joining, cutting and moving; sums along dimensions; shapes worked out by the file; quantisation, as floats.

/** @import { Node } from '../onnx.js' */
import { add, addDeep, floats, ints, scalar, weights } from './kit.js';
import { norm } from './layers.js';

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
