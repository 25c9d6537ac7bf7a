/* SPDX-License-Identifier: Apache-2.0
 * The pipeline: open, decode, infer, refine, encode. */
#include "offcut.h"

#include <math.h>
#include <stdlib.h>

#include "job/job.h"
#include "nn/network.h"

offcut_input offcut_input_default(void) {
    return (offcut_input){.std = {1, 1, 1}};
}

offcut_options offcut_options_default(void) {
    return (offcut_options){
        .pixels_max = 120000000,
        .bytes_max = (size_t)256 << 20,
        .input = offcut_input_default(),
    };
}

static offcut_status check_options(offcut_ctx *ctx, const offcut_options *options) {
    OFFCUT_FAIL_IF((unsigned)options->speed > OFFCUT_SPEED_SMALL, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected speed 0 to 2, received %d", (int)options->speed);
    OFFCUT_FAIL_IF(options->output != OFFCUT_OUTPUT_CUTOUT && options->output != OFFCUT_OUTPUT_MASK,
                   ctx, OFFCUT_ERR_ARGUMENT, "expected output 0 or 1, received %d",
                   (int)options->output);
    for (int i = 0; i < 3; i++)
        OFFCUT_FAIL_IF(!(fabsf(options->input.std[i]) > 0), ctx, OFFCUT_ERR_ARGUMENT,
                       "expected an input.std other than 0, received %g",
                       (double)options->input.std[i]);
    OFFCUT_FAIL_IF(options->input.width > 4096 || options->input.height > 4096, ctx,
                   OFFCUT_ERR_ARGUMENT,
                   "expected an input of at most 4096 x 4096, received %u x %u",
                   options->input.width, options->input.height);
    return OFFCUT_OK;
}

static void resolve_input(offcut_job *job) {
    offcut_input *input = &job->input;
    *input = job->model ? *offcut_model_input(job->model) : job->options.input;
    job->is_free =
        job->model ? offcut__network_is_free(job->model) : input->width == 0 && input->height == 0;
    const uint32_t *size =
        offcut__sizes[job->is_free ? offcut__size_for(job->width, job->height) : 0];
    if (job->is_free || input->width == 0) input->width = size[0];
    if (job->is_free || input->height == 0) input->height = size[1];
}

offcut_status offcut_job_open(offcut_ctx *ctx, offcut_model *model, const uint8_t *data,
                              size_t size, const offcut_options *options, offcut_job **job) {
    *job = NULL;
    const offcut_options settings = options ? *options : offcut_options_default();
    OFFCUT_TRY(check_options(ctx, &settings));
    offcut_job *self = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    self->ctx = ctx;
    self->model = model;
    self->options = settings;
    const offcut_status status = offcut_decoder_open(ctx, data, size, &settings, &self->decoder);
    if (status != OFFCUT_OK) {
        offcut_job_free(self);
        return status;
    }
    const offcut_info info = offcut__upright_info(self->decoder);
    self->width = info.width;
    self->height = info.height;
    resolve_input(self);
    *job = self;
    return OFFCUT_OK;
}

void offcut_job_free(offcut_job *job) {
    if (!job) return;
    if (job->running) offcut__network_end(job->model);
    offcut__writer_close(job->writer);
    offcut__upright_close(job->upright);
    offcut__matte_free(job->matte);
    offcut__planes_free(&job->mask);
    offcut__planes_free(&job->guide);
    offcut__planes_free(&job->network_input);
    offcut__resampler_close(job->to_guide);
    offcut__resampler_close(job->to_input);
    offcut__bytes_free(&job->png);
    free(job->rows);
    offcut_decoder_close(job->decoder);
    free(job);
}

void offcut__job_enter(offcut_job *job, offcut_stage stage) {
    job->stage = stage;
    job->row = 0;
    job->fraction = stage == OFFCUT_STAGE_DONE ? 1 : 0;
}

static offcut_status step(offcut_job *job) {
    switch (job->stage) {
        case OFFCUT_STAGE_DECODE: return offcut__job_decode(job);
        case OFFCUT_STAGE_INFER: return offcut__job_infer(job);
        case OFFCUT_STAGE_REFINE: return offcut__job_refine(job);
        case OFFCUT_STAGE_ENCODE: return offcut__job_encode(job);
        case OFFCUT_STAGE_DONE: break;
    }
    return offcut__fail(job->ctx, OFFCUT_ERR_STATE, "this job is done");
}

offcut_status offcut_job_step(offcut_job *job) {
    OFFCUT_FAIL_IF(job->failed, job->ctx, OFFCUT_ERR_STATE, "this job has failed before");
    job->png.size = 0; /* the caller has drained it */
    /* Asking too early for a mask from outside, or too late for more, does no harm to the job. */
    const int harmless =
        job->stage == OFFCUT_STAGE_DONE || (job->stage == OFFCUT_STAGE_INFER && !job->model);
    const offcut_status status = step(job);
    job->failed = status != OFFCUT_OK && !harmless;
    return status;
}

offcut_status offcut_job_again(offcut_job *job, offcut_output output) {
    OFFCUT_FAIL_IF(job->stage != OFFCUT_STAGE_DONE, job->ctx, OFFCUT_ERR_STATE,
                   "another output can follow in stage DONE, this is stage %d", (int)job->stage);
    offcut_options options = job->options;
    options.output = output;
    OFFCUT_TRY(check_options(job->ctx, &options));
    job->options = options;
    job->png.size = 0;
    offcut__job_enter(job, OFFCUT_STAGE_ENCODE);
    return OFFCUT_OK;
}

offcut_stage offcut_job_stage(const offcut_job *job) {
    return job->stage;
}

float offcut_job_fraction(const offcut_job *job) {
    return job->fraction;
}

const offcut_info *offcut_job_info(const offcut_job *job) {
    return offcut_decoder_info(job->decoder);
}

uint32_t offcut_job_width(const offcut_job *job) {
    return job->width;
}

uint32_t offcut_job_height(const offcut_job *job) {
    return job->height;
}

const float *offcut_job_input(const offcut_job *job) {
    return job->stage == OFFCUT_STAGE_INFER ? job->network_input.data : NULL;
}

uint32_t offcut_job_input_width(const offcut_job *job) {
    return job->input.width;
}

uint32_t offcut_job_input_height(const offcut_job *job) {
    return job->input.height;
}

const uint8_t *offcut_job_output(const offcut_job *job, size_t *size) {
    *size = job->png.size;
    return job->png.data;
}

offcut_subject offcut_job_subject(const offcut_job *job) {
    if (job->stage != OFFCUT_STAGE_DONE) return (offcut_subject){0};
    offcut_subject subject = {.coverage = job->alpha_sum / ((double)job->width * job->height)};
    if (job->right > 0) {
        subject.x = job->left;
        subject.y = job->top;
        subject.width = job->right - job->left;
        subject.height = job->bottom - job->top;
    }
    return subject;
}

static offcut_status run(offcut_job *job, offcut__bytes *png) {
    const offcut_options *options = &job->options;
    while (job->stage != OFFCUT_STAGE_DONE) {
        OFFCUT_FAIL_IF(
            options->progress && options->progress(options->user, (int)job->stage, job->fraction),
            job->ctx, OFFCUT_ERR_CANCELLED, "the progress callback asked to stop");
        OFFCUT_TRY(offcut_job_step(job));
        OFFCUT_FAIL_IF(!offcut__bytes_append(png, job->png.data, job->png.size), job->ctx,
                       OFFCUT_ERR_MEMORY, "no memory for a PNG of over %zu bytes", png->size);
    }
    return OFFCUT_OK;
}

offcut_status offcut_remove_background(offcut_ctx *ctx, offcut_model *model, const uint8_t *data,
                                       size_t size, const offcut_options *options,
                                       offcut_buffer *png) {
    *png = (offcut_buffer){0};
    OFFCUT_FAIL_IF(!model, ctx, OFFCUT_ERR_ARGUMENT, "expected a model, received NULL");
    offcut_job *job = NULL;
    OFFCUT_TRY(offcut_job_open(ctx, model, data, size, options, &job));
    offcut__bytes bytes = {0};
    const offcut_status status = run(job, &bytes);
    offcut_job_free(job);
    if (status != OFFCUT_OK) {
        offcut__bytes_free(&bytes);
        return status;
    }
    *png = (offcut_buffer){.data = bytes.data, .size = bytes.size};
    return OFFCUT_OK;
}
