// SPDX-License-Identifier: Apache-2.0
// Writes small ONNX files: the few protobuf fields that take part, numbered as in onnx.proto.

/**
 * @typedef {{ dims: number[], data: ArrayLike<number>, type?: keyof typeof types }} Tensor
 *
 * @typedef {number | string | number[] | { float: number } | { tensor: Tensor }} Attribute
 *   a number or a list of numbers is integer
 *
 * @typedef {[op: string, inputs: string[], outputs: string[], attributes?: Record<string,
 *   Attribute>]} Node
 */

const types = {
  f32: { code: 1, array: Float32Array },
  u8: { code: 2, array: Uint8Array },
  i8: { code: 3, array: Int8Array },
  i32: { code: 6, array: Int32Array },
  i64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  f16: { code: 10, array: Uint16Array },
  f64: { code: 11, array: Float64Array },
};

/**
 * @param {object} model
 * @param {Node[]} model.nodes
 * @param {Record<string, Tensor>} [model.tensors] constants
 * @param {number[]} model.input dimensions of `x`
 * @param {string} model.output
 * @param {number} [model.opset=13]
 * @returns {Uint8Array}
 */
export function onnx({ nodes, tensors = {}, input, output, opset = 13 }) {
  const graph = Buffer.concat([
    ...nodes.map((node) => bytes(1, encodeNode(node))),
    text(2, 'graph'),
    ...Object.entries(tensors).map(([name, tensor]) => bytes(5, encodeTensor(tensor, name))),
    bytes(11, valueInfo('x', input)),
    bytes(12, valueInfo(output)),
  ]);
  const version = Buffer.concat([text(1, ''), integer(2, opset)]);
  return Buffer.concat([integer(1, opset > 13 ? 8 : 7), bytes(7, graph), bytes(8, version)]);
}

/** @param {Node} node */
function encodeNode([op, inputs, outputs, attributes = {}]) {
  return Buffer.concat([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, outputs[0]),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      bytes(5, Buffer.concat([text(1, name), encodeAttribute(value)])),
    ),
  ]);
}

/** @param {Attribute} value */
function encodeAttribute(value) {
  if (typeof value === 'number') return Buffer.concat([integer(3, value), integer(20, 2)]);
  if (typeof value === 'string') return Buffer.concat([text(4, value), integer(20, 3)]);
  if (Array.isArray(value))
    return Buffer.concat([...value.map((item) => integer(8, item)), integer(20, 7)]);
  if ('float' in value) return Buffer.concat([float(2, value.float), integer(20, 1)]);
  return Buffer.concat([bytes(5, encodeTensor(value.tensor)), integer(20, 4)]);
}

/**
 * @param {Tensor} tensor
 * @param {string} [name]
 */
function encodeTensor({ dims, data, type = 'f32' }, name) {
  const { code, array } = types[type];
  /** @type {any[]} */
  const list = Array.from(data);
  const values = type === 'i64' ? list.map(BigInt) : type === 'f16' ? list.map(toHalf) : list;
  const raw = new array(/** @type {any} */ (values));
  return Buffer.concat([
    ...dims.map((size) => integer(1, size)),
    integer(2, code),
    ...(name ? [text(8, name)] : []),
    bytes(9, Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)),
  ]);
}

/** The nearest half-precision number, as bits; only for normal numbers and zero. @param {number} x */
function toHalf(x) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  const bits = view.getUint32(0);
  if (x === 0) return 0;
  const rounded = bits + 0xfff + ((bits >> 13) & 1);
  return (((bits >>> 16) & 0x8000) | ((((rounded >>> 13) & 0x3ffff) - 0x1c000) & 0x7fff)) & 0xffff;
}

/**
 * @param {string} name
 * @param {(number | string)[]} [dims] left open if not given; a name is free
 */
function valueInfo(name, dims) {
  const sides = dims?.map((side) => (typeof side === 'number' ? integer(1, side) : text(2, side)));
  const shape = sides && bytes(2, Buffer.concat(sides.map((side) => bytes(1, side))));
  const tensor = Buffer.concat([integer(1, 1), ...(shape ? [shape] : [])]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))]);
}

/** @param {number | bigint} value */
function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const result = [];
  for (; rest > 127n; rest >>= 7n) result.push(Number(rest & 127n) | 128);
  return Buffer.from([...result, Number(rest)]);
}

/** @param {number} field @param {number} value */
function integer(field, value) {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

/** @param {number} field @param {number} value */
function float(field, value) {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), data]);
}

/** @param {number} field @param {Uint8Array} value */
function bytes(field, value) {
  return Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
}

/** @param {number} field @param {string} value */
function text(field, value) {
  return bytes(field, Buffer.from(value));
}

// ---- reading, as far as tests need it

/** The fields of a message. @param {Buffer} message @returns {{ number: number, whole: Buffer, value: Buffer }[]} */
function fields(message) {
  const found = [];
  for (let at = 0; at < message.length;) {
    const start = at;
    const number = () => {
      let result = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = message[at++];
        result += (byte & 127) * 2 ** shift;
        if (byte < 128) return result;
      }
    };
    const key = number();
    const wire = key & 7;
    let length = wire === 1 ? 8 : wire === 5 ? 4 : 0;
    if (wire === 0) number();
    if (wire === 2) length = number();
    const value = message.subarray(at, at + length);
    at += length;
    found.push({ number: key >>> 3, whole: message.subarray(start, at), value });
  }
  return found;
}

/**
 * A network of planes with its height and width left free.
 *
 * @param {Uint8Array} file
 * @returns {Uint8Array}
 */
export function withFreeSize(file) {
  const open = new Map([
    [11, [1, 3, 'height', 'width']],
    [12, undefined],
  ]);
  /** @param {Buffer} graph */
  const freed = (graph) =>
    fields(graph).map(({ number, value, whole }) => {
      if (!open.has(number)) return whole;
      const name = fields(value).find((field) => field.number === 1)?.value;
      return bytes(number, valueInfo(`${name}`, open.get(number)));
    });
  const parts = fields(Buffer.from(file)).map(({ number, value, whole }) =>
    number === 7 ? bytes(7, Buffer.concat(freed(value))) : whole,
  );
  return Buffer.concat(parts);
}

/**
 * The file with the last activation that goes through QuantizeLinear and DequantizeLinear as its output, and that
 * activation's step; nothing if there is none.
 *
 * @param {Uint8Array} file
 * @returns {{ file: Uint8Array, step: number } | undefined}
 */
export function lastQuantised(file) {
  const model = fields(Buffer.from(file));
  const graph = fields(model.find(({ number }) => number === 7)?.value ?? Buffer.alloc(0));
  const nodes = graph
    .filter(({ number }) => number === 1)
    .map(({ value }) => {
      const parts = fields(value);
      const names = (/** @type {number} */ number) =>
        parts.filter((part) => part.number === number).map((part) => part.value.toString());
      return { op: names(4)[0], inputs: names(1), outputs: names(2) };
    });
  const made = new Set(nodes.filter(({ op }) => op === 'QuantizeLinear').map((n) => n.outputs[0]));
  const last = nodes.findLast(({ op, inputs }) => op === 'DequantizeLinear' && made.has(inputs[0]));
  if (!last) return undefined;
  const scale = graph
    .filter(({ number }) => number === 5)
    .map(({ value }) => fields(value))
    .find((tensor) =>
      tensor.some((part) => part.number === 8 && `${part.value}` === last.inputs[1]),
    );
  const step = scale?.find(({ number }) => number === 9)?.value.readFloatLE() ?? NaN;
  const shortened = graph.map(({ number, whole }) =>
    number === 12 ? bytes(12, valueInfo(last.outputs[0])) : whole,
  );
  const parts = model.map(({ number, whole }) =>
    number === 7 ? bytes(7, Buffer.concat(shortened)) : whole,
  );
  return { file: Buffer.concat(parts), step };
}
