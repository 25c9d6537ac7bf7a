// SPDX-License-Identifier: Apache-2.0

/** @import { Binding } from './binding.js' */

/**
 * An operation of a network: a node of the ONNX file with what was fused into it.
 *
 * @typedef {object} Operation
 * @property {string} name the operator and the node's name in the file
 * @property {number} milliseconds the least of all runs
 * @property {number} multiplyAdds of one run; 0 where counting them says nothing
 */

/**
 * Runs the network on a grey picture: what is in it does not matter for the time.
 *
 * @param {Binding} binding
 * @param {number} model
 * @param {number} runs
 * @returns {Operation[]} in the order of the run
 */
export function profileNetwork(binding, model, runs) {
  const { c, ctx } = binding;
  const input = c.offcut_model_input(model);
  const values = 3 * c.offcut_input_width(input) * c.offcut_input_height(input);
  const picture = binding.copyIn(new Uint8Array(values * Float32Array.BYTES_PER_ELEMENT));
  try {
    const operations = listOperations(binding, model);
    for (let run = 0; run < runs; run++) {
      for (const [index, operation] of operations.entries()) {
        const start = performance.now();
        binding.check(c.offcut_operation_run(ctx, model, index, picture));
        operation.milliseconds = Math.min(operation.milliseconds, performance.now() - start);
      }
    }
    return operations;
  } finally {
    if (!binding.broken) c.free(picture);
  }
}

/**
 * @param {Binding} binding
 * @param {number} model
 * @returns {Operation[]}
 */
function listOperations(binding, model) {
  const { c } = binding;
  return Array.from({ length: c.offcut_model_operations(model) }, (_, index) => ({
    name: binding.text(c.offcut_operation_name(model, index)),
    milliseconds: Infinity,
    multiplyAdds: c.offcut_operation_multiply_adds(model, index),
  }));
}
