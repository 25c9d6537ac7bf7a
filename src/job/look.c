/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include <math.h>

#include "../image/resize.h"
#include "../nn/network.h"

/* What the first look is sure of, without parts of less than this share of the largest. */
#define EDGE 0.5f
#define PART_LEAST 0.15f
/* Around it, as a share of its longer side: room for what the first look missed. */
#define MARGIN 0.05
/* Shares of the guide picture: above, the second look would hardly be nearer than the first. */
#define SHARE_MAX 0.7
/* Pixels of the guide: below, there is nothing to see. */
#define SIDE_MIN 16u

/* Bounds in a mask of `from` pixels as a range in the guide of `to` pixels. */
static void stretch(uint32_t *start, uint32_t *length, uint32_t from, uint32_t to, double margin) {
    const double scale = (double)to / (double)from;
    const double first = floor(*start * scale - margin);
    const double end = ceil(((double)*start + *length) * scale + margin);
    *start = first > 0 ? (uint32_t)first : 0;
    *length = (end < to ? (uint32_t)end : to) - *start;
}

static offcut_status find(offcut_job *job, offcut__box *near) {
    const offcut__planes *mask = &job->mask, *guide = &job->guide;
    OFFCUT_TRY(offcut__mask_bounds(job->ctx, mask, EDGE, PART_LEAST, near));
    const double width = (double)near->width * guide->width / mask->width;
    const double height = (double)near->height * guide->height / mask->height;
    const double margin = MARGIN * (width > height ? width : height);
    stretch(&near->left, &near->width, mask->width, guide->width, margin);
    stretch(&near->top, &near->height, mask->height, guide->height, margin);
    return OFFCUT_OK;
}

static bool is_worth_it(const offcut__box *near, const offcut__planes *guide) {
    const double share =
        (double)near->width * near->height / ((double)guide->width * guide->height);
    return near->width >= SIDE_MIN && near->height >= SIDE_MIN && share < SHARE_MAX;
}

offcut_status offcut__look_again(offcut_job *job) {
    offcut__box near = {0};
    OFFCUT_TRY(find(job, &near));
    if (!is_worth_it(&near, &job->guide)) return OFFCUT_OK;
    const uint32_t *size = offcut__sizes[offcut__size_for(near.width, near.height)];
    offcut__planes part = {0};
    OFFCUT_TRY(offcut__planes_crop(job->ctx, &job->guide, &near, true, &part));
    const offcut_status status =
        offcut__planes_resize(job->ctx, &part, size[0], size[1], &job->network_input);
    offcut__planes_free(&part);
    OFFCUT_TRY(status);
    job->input.width = size[0];
    job->input.height = size[1];
    offcut__job_normalise(&job->network_input, &job->input);
    job->near = near;
    return OFFCUT_OK;
}

/* *mask becomes half of itself, enlarged, and half of `near` where that lies. */
static offcut_status mix(offcut_ctx *ctx, offcut__planes *mask, const offcut__planes *near,
                         const offcut__box *at) {
    const size_t count = (size_t)mask->width * mask->height;
    for (size_t i = 0; i < count; i++) mask->data[i] *= 0.5f;
    offcut__planes here = {0};
    OFFCUT_TRY(offcut__planes_resize(ctx, near, at->width, at->height, &here));
    for (size_t y = 0; y < at->height; y++)
        for (size_t x = 0; x < at->width; x++)
            mask->data[(at->top + y) * mask->width + at->left + x] +=
                0.5f * here.data[y * at->width + at->width - 1 - x];
    offcut__planes_free(&here);
    return OFFCUT_OK;
}

/* So many pixels for `guide` pixels that the part gets as many as its own mask has. */
static uint32_t side_for(uint32_t old, uint32_t near, uint32_t part, uint32_t guide) {
    const double side = ceil((double)near * guide / part);
    if (side <= old) return old;
    return side < guide ? (uint32_t)side : guide;
}

offcut_status offcut__look_merge(offcut_job *job, const offcut__planes *near) {
    const offcut__box *part = &job->near;
    const offcut__planes *guide = &job->guide;
    const uint32_t width = side_for(job->mask.width, near->width, part->width, guide->width);
    const uint32_t height = side_for(job->mask.height, near->height, part->height, guide->height);
    offcut__planes finer = {0};
    OFFCUT_TRY(offcut__planes_resize(job->ctx, &job->mask, width, height, &finer));
    offcut__planes_free(&job->mask);
    job->mask = finer;
    offcut__box at = {offcut__scaled(part->left, guide->width, width),
                      offcut__scaled(part->top, guide->height, height), 0, 0};
    at.width = offcut__scaled(part->left + part->width, guide->width, width) - at.left;
    at.height = offcut__scaled(part->top + part->height, guide->height, height) - at.top;
    return mix(job->ctx, &job->mask, near, &at);
}
