/* SPDX-License-Identifier: Apache-2.0
 * libFuzzer: any bytes through the whole pipeline, with a mask from outside or a network's answers,
 * and into one of the formats. The last byte chooses the mask's sides and the options. */
#include "offcut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cut_out(offcut_ctx *ctx, const uint8_t *data, size_t size, offcut_options *options) {
    static const float mask[3 * 5] = {0, 0, 0.5f, 0.2f, 0, 1, 1, 0.9f, 0.4f, 1, 1, 0, 0, 0, 0.6f};
    const uint8_t choice = size ? data[size - 1] : 0;
    offcut_job *job = NULL;
    options->no_refine = choice & 1;
    const uint8_t is_free = choice & 2;
    options->input.width = is_free ? 0 : 1 + choice % 7;
    options->input.height = is_free ? 0 : 1 + choice % 11;
    offcut_status status = offcut_job_open(ctx, NULL, data, size, options, &job);
    while (status == OFFCUT_OK && offcut_job_stage(job) != OFFCUT_STAGE_DONE)
        status = offcut_job_stage(job) == OFFCUT_STAGE_INFER
                     ? (is_free ? offcut_job_answer : offcut_job_mask)(job, mask, 1 + choice % 3,
                                                                       1 + choice % 5)
                     : offcut_job_step(job);
    offcut_job_free(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    offcut_ctx *ctx = offcut_create();
    offcut_options options = offcut_options_default();
    offcut_buffer file = {0};
    options.pixels_max = 40000; /* the time is better spent on many inputs */
    options.allow_truncated = size & 1;
    cut_out(ctx, data, size, &options);
    (void)offcut_convert(ctx, data, size, &options, (offcut_format)(1 + size % 3), 0, &file);
    offcut_buffer_free(&file);
    offcut_free(ctx);
    return 0;
}
