// SPDX-License-Identifier: Apache-2.0
// What edge runtimes make of these files when they are imported.

declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}

declare module 'offcut/default.bin' {
  const bytes: ArrayBuffer;
  export default bytes;
}
