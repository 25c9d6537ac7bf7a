#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts the page and its service worker into a folder that any web server can serve. Needs esbuild on the PATH.
#
#     sh build.sh FOLDER
set -e
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")"
esbuild service-worker.js --bundle --minify --define:import.meta.url=location.href --outdir="$folder" --log-level=warning
cp index.html page.js ../../dist/offcut.wasm ../../models/default.onnx "$folder"
