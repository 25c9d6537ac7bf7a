/* SPDX-License-Identifier: Apache-2.0
 * The mask: from our engine, or handed in; then alpha and colours at low resolution. */
#include "../nn/network.h"
#include "look.h"

/* A copy, clamped to 0..1. */
static offcut_status copy_mask(offcut_job *job, const float *mask, uint32_t width, uint32_t height,
                               offcut__planes *result) {
    OFFCUT_TRY(offcut__planes_alloc(job->ctx, 1, width, height, result));
    const size_t pixels = (size_t)width * height;
    for (size_t i = 0; i < pixels; i++) /* written so that a NaN becomes 0 */
        result->data[i] = mask[i] > 0 ? (mask[i] < 1 ? mask[i] : 1) : 0;
    return OFFCUT_OK;
}

static bool may_look_again(const offcut_job *job) {
    return job->is_free && !job->options.look_once;
}

/* What the network says of the input that it was given; moves *mask. Goes on to the next stage, or
 * has made another input, from near. */
static offcut_status take_answer(offcut_job *job, offcut__planes *mask) {
    const bool first = job->near.width == 0;
    offcut__planes_free(&job->network_input);
    if (first) {
        job->mask = *mask;
        *mask = (offcut__planes){0};
        if (may_look_again(job)) OFFCUT_TRY(offcut__look_again(job));
        if (job->near.width) {
            job->fraction = 0.5f;
            return OFFCUT_OK;
        }
    } else {
        OFFCUT_TRY(offcut__look_merge(job, mask));
    }
    offcut__job_enter(job, OFFCUT_STAGE_REFINE);
    return OFFCUT_OK;
}

static offcut_status begin(offcut_job *job) {
    const bool first = job->near.width == 0;
    OFFCUT_TRY(offcut_model_fit(job->ctx, job->model, first ? job->width : job->near.width,
                                first ? job->height : job->near.height));
    OFFCUT_TRY(offcut__network_begin(job->ctx, job->model, job->network_input.data));
    job->running = true;
    return OFFCUT_OK;
}

static offcut_status finish(offcut_job *job) {
    uint32_t width = 0, height = 0;
    const float *values = offcut__network_mask(job->model, &width, &height);
    offcut__planes mask = {0};
    OFFCUT_TRY(copy_mask(job, values, width, height, &mask));
    offcut__network_end(job->model);
    job->running = false;
    const offcut_status status = take_answer(job, &mask);
    offcut__planes_free(&mask);
    OFFCUT_TRY(status);
    if (job->stage == OFFCUT_STAGE_INFER) return begin(job);
    return offcut_model_fit(job->ctx, job->model, job->width, job->height); /* as for the photo */
}

/* Of the stage: where a second look may follow, the first is half of it. */
static float fraction(const offcut_job *job) {
    const float run = offcut__network_fraction(job->model);
    if (!may_look_again(job)) return run;
    return job->near.width ? 0.5f + 0.5f * run : 0.5f * run;
}

offcut_status offcut__job_infer(offcut_job *job) {
    OFFCUT_FAIL_IF(!job->model, job->ctx, OFFCUT_ERR_STATE,
                   "this job has no model: hand in the mask with offcut_job_mask()");
    if (!job->running) OFFCUT_TRY(begin(job));
    bool done = false;
    OFFCUT_TRY(offcut__network_step(job->ctx, job->model, &done));
    job->fraction = fraction(job);
    return done ? finish(job) : OFFCUT_OK;
}

static offcut_status check_mask(const offcut_job *job, const float *mask, uint32_t width,
                                uint32_t height) {
    OFFCUT_FAIL_IF(!mask || width == 0 || height == 0, job->ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a mask with two sides, received %u x %u", width, height);
    OFFCUT_FAIL_IF(job->stage != OFFCUT_STAGE_INFER || job->failed || job->running, job->ctx,
                   OFFCUT_ERR_STATE, "a mask is taken in stage INFER, this is stage %d",
                   (int)job->stage);
    return OFFCUT_OK;
}

offcut_status offcut_job_mask(offcut_job *job, const float *mask, uint32_t width, uint32_t height) {
    OFFCUT_TRY(check_mask(job, mask, width, height));
    offcut__planes_free(&job->mask); /* of a first look, which no longer matters */
    OFFCUT_TRY(copy_mask(job, mask, width, height, &job->mask));
    offcut__planes_free(&job->network_input);
    offcut__job_enter(job, OFFCUT_STAGE_REFINE);
    return OFFCUT_OK;
}

offcut_status offcut_job_answer(offcut_job *job, const float *mask, uint32_t width,
                                uint32_t height) {
    OFFCUT_TRY(check_mask(job, mask, width, height));
    offcut__planes answer = {0};
    OFFCUT_TRY(copy_mask(job, mask, width, height, &answer));
    const offcut_status status = take_answer(job, &answer);
    offcut__planes_free(&answer);
    job->failed = status != OFFCUT_OK; /* half of what the answer needs may be done */
    return status;
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
