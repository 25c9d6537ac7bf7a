/* SPDX-License-Identifier: Apache-2.0
 * The mask: from our engine, or handed in; then alpha and colours at low resolution. */
#include "job.h"

#include <string.h>

#include "../nn/network.h"

static offcut_status take_mask(offcut_job *job, const float *mask, uint32_t width,
                               uint32_t height) {
    OFFCUT_TRY(offcut__planes_alloc(job->ctx, 1, width, height, &job->mask));
    const size_t pixels = (size_t)width * height;
    for (size_t i = 0; i < pixels; i++) /* written so that a NaN becomes 0 */
        job->mask.data[i] = mask[i] > 0 ? (mask[i] < 1 ? mask[i] : 1) : 0;
    offcut__planes_free(&job->network_input);
    offcut__job_enter(job, OFFCUT_STAGE_REFINE);
    return OFFCUT_OK;
}

offcut_status offcut__job_infer(offcut_job *job) {
    OFFCUT_FAIL_IF(!job->model, job->ctx, OFFCUT_ERR_STATE,
                   "this job has no model: hand in the mask with offcut_job_mask()");
    if (!job->running) {
        OFFCUT_TRY(offcut_model_fit(job->ctx, job->model, job->width, job->height));
        OFFCUT_TRY(offcut__network_begin(job->ctx, job->model, job->network_input.data));
        job->running = true;
    }
    bool done = false;
    OFFCUT_TRY(offcut__network_step(job->ctx, job->model, &done));
    job->fraction = offcut__network_fraction(job->model);
    if (!done) return OFFCUT_OK;
    uint32_t width = 0, height = 0;
    const float *mask = offcut__network_mask(job->model, &width, &height);
    OFFCUT_TRY(take_mask(job, mask, width, height));
    offcut__network_end(job->model);
    job->running = false;
    return OFFCUT_OK;
}

offcut_status offcut_job_mask(offcut_job *job, const float *mask, uint32_t width, uint32_t height) {
    OFFCUT_FAIL_IF(!mask || width == 0 || height == 0, job->ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a mask with two sides, received %u x %u", width, height);
    OFFCUT_FAIL_IF(job->stage != OFFCUT_STAGE_INFER || job->failed || job->running, job->ctx,
                   OFFCUT_ERR_STATE, "a mask is taken in stage INFER, this is stage %d",
                   (int)job->stage);
    return take_mask(job, mask, width, height);
}

offcut_status offcut__job_refine(offcut_job *job) {
    if (!job->matte)
        OFFCUT_TRY(offcut__matte_open(job->ctx, &job->guide, &job->mask, job->width, job->height,
                                      !job->options.no_refine, &job->matte));
    bool done = false;
    OFFCUT_TRY(offcut__matte_step(job->matte, &done));
    if (!done) return OFFCUT_OK;
    offcut__planes_free(&job->guide);
    offcut__planes_free(&job->mask);
    offcut__job_enter(job, OFFCUT_STAGE_ENCODE);
    return OFFCUT_OK;
}
