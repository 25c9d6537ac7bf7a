# SPDX-License-Identifier: Apache-2.0
"""The WASI command in wasmtime: a photo on its standard input, the subject's PNG on its standard output.

    python cutout.py photo.jpg cutout.png [OPTIONS]
"""

import sys
from pathlib import Path

from wasmtime import Engine, ExitTrap, Linker, Module, Store, WasiConfig

COMMAND = Path(__file__).resolve().parents[2] / "dist/offcut.wasi.wasm"

photo, cutout, *options = sys.argv[1:]
wasi = WasiConfig()
wasi.argv = ["offcut", *options]
wasi.stdin_file = photo
wasi.stdout_file = cutout
wasi.inherit_stderr()
wasi.preopen_dir(".", ".")  # for --model FILE

engine = Engine()
store = Store(engine)
store.set_wasi(wasi)
linker = Linker(engine)
linker.define_wasi()
instance = linker.instantiate(store, Module.from_file(engine, str(COMMAND)))
try:
    instance.exports(store)["_start"](store)
except ExitTrap as end:
    sys.exit(end.code)
