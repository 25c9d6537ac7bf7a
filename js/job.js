// SPDX-License-Identifier: Apache-2.0

/** @import { Binding } from './binding.js' */
/** @import { Settings, Stage } from './options.js' */

/** @type {readonly Stage[]} by their number in C */
export const STAGES = ['decode', 'infer', 'refine', 'encode'];
const DONE = STAGES.length;

const OUTPUTS = { cutout: 0, mask: 1 };

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
   * @param {number} model
   * @param {Uint8Array} bytes copied
   * @param {Settings} settings
   */
  constructor(binding, model, bytes, settings) {
    this.#binding = binding;
    const { c, ctx } = binding;
    try {
      this.#data = binding.copyIn(bytes);
      this.#options = createOptions(binding, settings);
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
  if (!options) return 0; // the defaults; without memory for these, opening fails anyway
  c.offcut_options_set_pixels_max(options, settings.pixelsMax);
  c.offcut_options_set_bytes_max(options, settings.bytesMax);
  c.offcut_options_set_allow_truncated(options, Number(settings.allowTruncated));
  c.offcut_options_set_reduce_to_8_bits(options, Number(settings.eightBit));
  c.offcut_options_set_no_refine(options, Number(!settings.refine));
  c.offcut_options_set_refuse_empty(options, Number(settings.onEmpty === 'error'));
  c.offcut_options_set_compression(options, settings.compression);
  c.offcut_options_set_output(options, OUTPUTS[settings.output]);
  return options;
}
