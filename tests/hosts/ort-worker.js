// SPDX-License-Identifier: Apache-2.0
// A worker of one's own: an engine's, with ONNX Runtime Web in it. Served as it is, without a bundler, so by paths.
import * as ort from '/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs';
import { onnxRuntime } from '/js/ort.js';
import { serve } from '/js/worker/index.web.js';

serve({ backend: onnxRuntime({ ort }) });
