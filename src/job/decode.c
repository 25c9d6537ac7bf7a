/* SPDX-License-Identifier: Apache-2.0
 * Pass 1: rows into the network's input and the guide picture; nothing else is kept. */
#include <math.h>
#include <stdlib.h>

#include "job.h"

/* The largest reduction that still leaves at least as many pixels as either small picture has. */
static uint32_t choose_reduce(const offcut_info *info, uint32_t width, uint32_t height) {
    uint32_t reduce = 8;
    while (reduce > 1 && (info->width / reduce < width || info->height / reduce < height))
        reduce /= 2;
    return reduce;
}

static uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static void swap_sides(uint32_t *width, uint32_t *height) {
    const uint32_t kept = *width;
    *width = *height;
    *height = kept;
}

static offcut_status begin(offcut_job *job) {
    const offcut_info *info = offcut_decoder_info(job->decoder);
    uint32_t input_width = job->input.width, input_height = job->input.height;
    uint32_t guide_width = 0, guide_height = 0;
    offcut__matte_guide_size(job->width, job->height, &guide_width, &guide_height);
    if (info->orientation >= 5) { /* the small pictures are made as stored and turned afterwards */
        swap_sides(&input_width, &input_height);
        swap_sides(&guide_width, &guide_height);
    }
    const uint32_t reduce =
        choose_reduce(info, larger(input_width, guide_width), larger(input_height, guide_height));
    OFFCUT_TRY(offcut_decoder_start(job->decoder, reduce, &job->pass_width, &job->pass_height));
    OFFCUT_TRY(offcut__resampler_open(job->ctx, job->pass_width, job->pass_height, info->bits,
                                      input_width, input_height, &job->to_input));
    return offcut__resampler_open(job->ctx, job->pass_width, job->pass_height, info->bits,
                                  guide_width, guide_height, &job->to_guide);
}

void offcut__job_normalise(offcut__planes *picture, const offcut_input *input) {
    const size_t pixels = (size_t)picture->width * picture->height;
    float peak = 1;
    if (input->divide_by_peak) {
        peak = 0;
        for (size_t i = 0; i < pixels * picture->planes; i++)
            peak = picture->data[i] > peak ? picture->data[i] : peak;
        if (!(peak > 0)) peak = 1; /* a black picture */
    }
    for (uint32_t plane = 0; plane < picture->planes; plane++) {
        float *data = picture->data + plane * pixels;
        for (size_t i = 0; i < pixels; i++)
            data[i] = (data[i] / peak - input->mean[plane]) / input->std[plane];
    }
    for (size_t i = 0; input->bgr && i < pixels; i++) {
        const float red = picture->data[i];
        picture->data[i] = picture->data[2 * pixels + i];
        picture->data[2 * pixels + i] = red;
    }
}

static offcut_status finish(offcut_job *job) {
    const uint32_t orientation = offcut_decoder_info(job->decoder)->orientation;
    offcut__resampler_take(job->to_input, &job->network_input);
    offcut__resampler_take(job->to_guide, &job->guide);
    offcut__resampler_close(job->to_input);
    offcut__resampler_close(job->to_guide);
    job->to_input = job->to_guide = NULL;
    OFFCUT_TRY(offcut__planes_orient(job->ctx, &job->network_input, orientation));
    OFFCUT_TRY(offcut__planes_orient(job->ctx, &job->guide, orientation));
    offcut__job_normalise(&job->network_input, &job->input);
    offcut__job_enter(job, OFFCUT_STAGE_INFER);
    return OFFCUT_OK;
}

/* A reduced row is less work than the stored ones it is made of, but not in proportion. */
static uint32_t slice_rows(const offcut_job *job) {
    const offcut_info *info = offcut_decoder_info(job->decoder);
    const uint32_t reduce = (info->width + job->pass_width - 1) / job->pass_width;
    const uint32_t pixels = OFFCUT_SLICE_PIXELS / (reduce > 2 ? reduce * reduce / 8 : 1);
    return pixels > job->pass_width ? pixels / job->pass_width : 1;
}

offcut_status offcut__job_decode(offcut_job *job) {
    if (!job->to_input) OFFCUT_TRY(begin(job));
    int ready = 0;
    OFFCUT_TRY(offcut_decoder_prepare(job->decoder, &ready));
    if (!ready) return OFFCUT_OK;
    const size_t stride = (size_t)job->pass_width * offcut_decoder_info(job->decoder)->bits / 2;
    uint32_t count = slice_rows(job);
    if (count > job->pass_height - job->row) count = job->pass_height - job->row;
    if (!job->rows) OFFCUT_TRY(offcut__alloc(job->ctx, count, stride, &job->rows));
    OFFCUT_TRY(offcut_decoder_read(job->decoder, job->rows, count));
    for (uint32_t i = 0; i < count; i++) {
        offcut__resampler_row(job->to_input, job->rows + i * stride);
        offcut__resampler_row(job->to_guide, job->rows + i * stride);
    }
    job->row += count;
    job->fraction = (float)job->row / (float)job->pass_height;
    return job->row == job->pass_height ? finish(job) : OFFCUT_OK;
}
