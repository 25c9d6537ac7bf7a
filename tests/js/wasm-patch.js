// SPDX-License-Identifier: Apache-2.0

/**
 * The same wasm file, but one exported function traps when it is called with the number `trigger`
 * as its second, f64 parameter, and does nothing otherwise. The fault is a real one of a real
 * build; only its place is chosen.
 *
 * @param {Uint8Array} wasm
 * @param {string} name of the export
 * @param {number} trigger
 */
export function trapWhen(wasm, name, trigger) {
  const number = new Uint8Array(new Float64Array([trigger]).buffer);
  // no locals; local.get 1; f64.const; f64.eq; if; unreachable; end
  const code = [0, 0x20, 1, 0x44, ...number, 0x61, 0x04, 0x40, 0x00, 0x0b];
  const { start, end } = bodyOf(wasm, name);
  if (end - start < code.length + 1) throw new Error(`${name} is too short to patch`);
  const patched = wasm.slice();
  patched.fill(0x01, start, end); // nop
  patched.set(code, start);
  patched[end - 1] = 0x0b;
  return patched;
}

/**
 * The same wasm file, but its memory may grow to so many pages of 64 KiB only.
 *
 * @param {Uint8Array} wasm
 * @param {number} pages
 */
export function withMemoryMax(wasm, pages) {
  const reader = new Reader(wasm, 8);
  while (reader.offset < wasm.length) {
    const id = reader.byte();
    const end = reader.number() + reader.offset;
    if (id === 5) {
      if (reader.number() !== 1 || reader.number() !== 1) throw new Error('expected one maximum');
      reader.number();
      const patched = wasm.slice();
      // As many bytes as before: all but the last say that another follows.
      for (let i = reader.offset, rest = pages; i < end; i++, rest >>= 7)
        patched[i] = (rest & 127) | (i < end - 1 ? 128 : 0);
      return patched;
    }
    reader.offset = end;
  }
  throw new Error('there is no memory');
}

/**
 * Where the body of an exported function lies, its locals included.
 *
 * @param {Uint8Array} wasm
 * @param {string} name
 */
function bodyOf(wasm, name) {
  const reader = new Reader(wasm, 8);
  let imported = 0;
  let index = -1;
  while (reader.offset < wasm.length) {
    const id = reader.byte();
    const end = reader.number() + reader.offset;
    if (id === 2) imported = importedFunctions(reader);
    if (id === 7) index = exportedFunction(reader, name);
    if (id === 10) {
      const count = reader.number();
      for (let i = 0; i < count; i++) {
        const size = reader.number();
        if (imported + i === index) return { start: reader.offset, end: reader.offset + size };
        reader.offset += size;
      }
    }
    reader.offset = end;
  }
  throw new Error(`there is no function ${name}`);
}

/** @param {Reader} reader */
function importedFunctions(reader) {
  let functions = 0;
  for (let count = reader.number(); count > 0; count--) {
    reader.text();
    reader.text();
    if (reader.byte() !== 0) throw new Error('expected imports of functions only');
    reader.number();
    functions++;
  }
  return functions;
}

/**
 * @param {Reader} reader
 * @param {string} name
 */
function exportedFunction(reader, name) {
  for (let count = reader.number(); count > 0; count--) {
    const found = reader.text();
    const kind = reader.byte();
    const index = reader.number();
    if (kind === 0 && found === name) return index;
  }
  return -1;
}

class Reader {
  /**
   * @param {Uint8Array} bytes
   * @param {number} offset
   */
  constructor(bytes, offset) {
    this.bytes = bytes;
    this.offset = offset;
  }

  byte() {
    return this.bytes[this.offset++];
  }

  /** unsigned LEB128 */
  number() {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      result += (byte & 127) * 2 ** shift;
      if (byte < 128) return result;
    }
  }

  text() {
    const size = this.number();
    this.offset += size;
    return new TextDecoder().decode(this.bytes.subarray(this.offset - size, this.offset));
  }
}
