// SPDX-License-Identifier: Apache-2.0

/**
 * The smallest network there is for tests: one 1x1 convolution, so that the mask is the photo's
 * brightness (mean of R, G and B). White on black is a subject on a background, and nothing is left
 * to chance.
 *
 * @param {{ side?: number, operator?: string, channelsLast?: boolean }} [options] `operator`: what to
 *   call the convolution instead; `channelsLast`: a product of matrices, [1, side, side, 3] to
 *   [1, side, side, 1]
 * @returns {Uint8Array} an ONNX file
 */
export function brightnessNetwork({ side = 64, operator, channelsLast = false } = {}) {
  const weights = new Uint8Array(new Float32Array([1 / 3, 1 / 3, 1 / 3]).buffer);
  const initializer = [
    ...(channelsLast ? [3, 1] : [1, 3, 1, 1]).flatMap((size) => integer(1, size)),
    ...integer(2, FLOAT),
    ...text(8, 'weights'),
    ...bytes(9, weights),
  ];
  const node = [
    ...text(1, 'photo'),
    ...text(1, 'weights'),
    ...text(2, 'mask'),
    ...text(3, 'brightness'),
    ...text(4, operator ?? (channelsLast ? 'MatMul' : 'Conv')),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, 'brightness'),
    ...bytes(5, initializer),
    ...bytes(11, tensor('photo', channelsLast ? [1, side, side, 3] : [1, 3, side, side])),
    ...bytes(12, tensor('mask', channelsLast ? [1, side, side, 1] : [1, 1, side, side])),
  ];
  const opset = [...text(1, ''), ...integer(2, 13)];
  return Uint8Array.from([...integer(1, 7), ...bytes(7, graph), ...bytes(8, opset)]);
}

const FLOAT = 1;

/** @param {number} value */
function varint(value) {
  const result = [];
  for (; value > 127; value = Math.floor(value / 128)) result.push((value % 128) + 128);
  return [...result, value];
}

/**
 * @param {number} field
 * @param {number} value
 */
function integer(field, value) {
  return [...varint(field * 8), ...varint(value)];
}

/**
 * @param {number} field
 * @param {Iterable<number>} value
 */
function bytes(field, value) {
  const list = [...value];
  return [...varint(field * 8 + 2), ...varint(list.length), ...list];
}

/**
 * @param {number} field
 * @param {string} value
 */
function text(field, value) {
  return bytes(field, new TextEncoder().encode(value));
}

/**
 * @param {string} name
 * @param {number[]} shape
 */
function tensor(name, shape) {
  const sides = shape.flatMap((size) => bytes(1, integer(1, size)));
  const type = [...integer(1, FLOAT), ...bytes(2, sides)];
  return [...text(1, name), ...bytes(2, bytes(1, type))];
}
