// SPDX-License-Identifier: Apache-2.0

/** @import { Binding } from './binding.js' */
/** @import { ResolvedSpec } from './model.js' */
/** @import { Mask } from './network.js' */
/** @import { Settings, Stage } from './options.js' */

import { OffcutError } from './errors.js';

/** @type {readonly Stage[]} by their number in C */
const STAGES = ['decode', 'infer', 'refine', 'encode'];
const DONE = STAGES.length;

const OUTPUTS = { cutout: 0, mask: 1 };
const SPEEDS = { balanced: 0, fast: 1, small: 2 };

/**
 * @typedef {object} Order
 * @property {number} model 0: the mask comes from elsewhere
 * @property {ResolvedSpec} [input] needed where it does
 * @property {Uint8Array} bytes copied
 * @property {Settings} settings
 */

/** One picture on its way through the core; `free` it. */
export class Job {
  #binding;
  #data = 0;
  #options = 0;
  #job = 0;

  /** Milliseconds of work in each stage. */
  timings = { decode: 0, infer: 0, refine: 0, encode: 0 };

  /**
   * Opens the picture; on failure everything is freed again.
   *
   * @param {Binding} binding
   * @param {Order} order
   */
  constructor(binding, { model, input, bytes, settings }) {
    this.#binding = binding;
    const { c, ctx } = binding;
    try {
      this.#data = binding.copyIn(bytes);
      this.#options = createOptions(binding, settings);
      if (input) setInput(binding, c.offcut_options_input(this.#options), input);
      this.#job = binding.statusOut((out) =>
        c.offcut_job_open(ctx, model, this.#data, bytes.length, this.#options, out),
      );
    } catch (error) {
      this.free();
      throw error;
    }
  }

  free() {
    const { c, broken } = this.#binding;
    if (broken) return;
    c.offcut_job_free(this.#job);
    c.free(this.#options);
    c.free(this.#data);
    this.#job = this.#options = this.#data = 0;
  }

  get done() {
    return this.#binding.c.offcut_job_stage(this.#job) === DONE;
  }

  /** @type {Stage} */
  get stage() {
    return STAGES[this.#binding.c.offcut_job_stage(this.#job)];
  }

  get fraction() {
    return this.#binding.c.offcut_job_fraction(this.#job);
  }

  /**
   * A slice of work, some milliseconds.
   *
   * @returns {Uint8Array | undefined} the bytes of the PNG it made, if any; the caller's
   */
  step() {
    const { c } = this.#binding;
    const stage = this.stage;
    const start = performance.now();
    this.#binding.check(c.offcut_job_step(this.#job));
    const output = this.#binding.viewOut((out) => c.offcut_job_output(this.#job, out));
    const bytes = output.length > 0 ? output.slice() : undefined;
    this.timings[stage] += performance.now() - start;
    return bytes;
  }

  /**
   * In stage `infer`: what the network is to be given, [1, 3, height, width], normalised; the
   * caller's.
   */
  get input() {
    const { c } = this.#binding;
    const { width, height } = this.inputSize;
    const pointer = c.offcut_job_input(this.#job) >>> 0;
    return new Float32Array(c.memory.buffer, pointer, 3 * width * height).slice();
  }

  /** Known from the beginning; in stage `infer` it may change with an answer. */
  get inputSize() {
    const { c } = this.#binding;
    return {
      width: c.offcut_job_input_width(this.#job) >>> 0,
      height: c.offcut_job_input_height(this.#job) >>> 0,
    };
  }

  /**
   * In stage `infer`, instead of a step: what the network answered. The stage goes on with another
   * input where the network is to look at a small subject again, from near.
   *
   * @param {Mask} mask
   */
  takeAnswer({ data, width, height }) {
    const { c } = this.#binding;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const pointer = this.#binding.copyIn(bytes);
    const status = c.offcut_job_answer(this.#job, pointer, width, height);
    c.free(pointer);
    this.#binding.check(status);
  }

  /**
   * Back to the encoder, for the other kind of picture.
   *
   * @param {keyof typeof OUTPUTS} output
   */
  again(output) {
    this.#binding.check(this.#binding.c.offcut_job_again(this.#job, OUTPUTS[output]));
  }

  /** Known from the beginning. */
  get size() {
    const { c } = this.#binding;
    return {
      width: c.offcut_job_width(this.#job) >>> 0,
      height: c.offcut_job_height(this.#job) >>> 0,
    };
  }

  /** Known once the job is done. */
  get subject() {
    const { c } = this.#binding;
    return {
      coverage: c.offcut_job_coverage(this.#job),
      box: {
        x: c.offcut_job_box_x(this.#job) >>> 0,
        y: c.offcut_job_box_y(this.#job) >>> 0,
        width: c.offcut_job_box_width(this.#job) >>> 0,
        height: c.offcut_job_box_height(this.#job) >>> 0,
      },
    };
  }
}

/**
 * @param {Binding} binding
 * @param {Settings} settings
 * @returns {number} the caller's
 */
function createOptions({ c }, settings) {
  const options = c.offcut_options_new();
  if (!options) throw new OffcutError('ERR_MEMORY', 'not enough memory');
  c.offcut_options_set_pixels_max(options, settings.pixelsMax);
  c.offcut_options_set_bytes_max(options, settings.bytesMax);
  c.offcut_options_set_allow_truncated(options, Number(settings.allowTruncated));
  c.offcut_options_set_reduce_to_8_bits(options, Number(settings.eightBit));
  c.offcut_options_set_no_refine(options, Number(!settings.refine));
  c.offcut_options_set_look_once(options, Number(!settings.secondLook));
  c.offcut_options_set_refuse_empty(options, Number(settings.onEmpty === 'error'));
  c.offcut_options_set_speed(options, SPEEDS[settings.speed]);
  c.offcut_options_set_output(options, OUTPUTS[settings.output]);
  return options;
}

/**
 * How a network wants its photo, for the core.
 *
 * @param {Binding} binding
 * @param {ResolvedSpec} spec
 * @returns {number} the caller's
 */
export function createInput(binding, spec) {
  const pointer = binding.c.offcut_input_new();
  if (!pointer) throw new OffcutError('ERR_MEMORY', 'not enough memory');
  setInput(binding, pointer, spec);
  return pointer;
}

/**
 * @param {Binding} binding
 * @param {number} pointer
 * @param {ResolvedSpec} spec
 */
function setInput({ c }, pointer, { input, output }) {
  const [red, green, blue] = input.mean;
  const [redStd, greenStd, blueStd] = input.std;
  c.offcut_input_set_size(pointer, input.width, input.height);
  c.offcut_input_set_mean(pointer, red, green, blue);
  c.offcut_input_set_std(pointer, redStd, greenStd, blueStd);
  c.offcut_input_set_divide_by_peak(pointer, Number(input.divideByPeak));
  c.offcut_input_set_bgr(pointer, Number(input.bgr));
  c.offcut_input_set_activation(pointer, output.activation);
  c.offcut_input_set_output(pointer, output.index, output.channel);
}
