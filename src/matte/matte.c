/* SPDX-License-Identifier: Apache-2.0 */
#include "matte.h"

#include <stdlib.h>

#include "parts.h"

static uint32_t scaled(uint32_t side, uint32_t from, uint32_t to) {
    const uint64_t rounded = ((uint64_t)side * to + from / 2) / from;
    return rounded ? (uint32_t)rounded : 1U;
}

void offcut__matte_guide_size(uint32_t width, uint32_t height, uint32_t *guide_width,
                              uint32_t *guide_height) {
    const uint32_t side = width > height ? width : height;
    const uint32_t guide = side < OFFCUT__GUIDE_SIDE ? side : OFFCUT__GUIDE_SIDE;
    *guide_width = side ? scaled(width, side, guide) : 0;
    *guide_height = side ? scaled(height, side, guide) : 0;
}

/* The mask as it is: never larger than the picture, 16 bits a value. */
static offcut_status keep_mask(offcut_ctx *ctx, const offcut__planes *mask, offcut__matte *m) {
    m->guide_width = mask->width < m->width ? mask->width : m->width;
    m->guide_height = mask->height < m->height ? mask->height : m->height;
    const size_t count = (size_t)m->guide_width * m->guide_height;
    offcut__planes small = {0};
    OFFCUT_TRY(offcut__mask_resize(ctx, mask, m->guide_width, m->guide_height, &small));
    const offcut_status status = offcut__alloc(ctx, count, sizeof *m->mask, &m->mask);
    for (size_t i = 0; status == OFFCUT_OK && i < count; i++) {
        const float v = small.data[i];
        m->mask[i] = (uint16_t)(v > 0.0f ? (v < 1.0f ? v * 65535.0f + 0.5f : 65535.0f) : 0.0f);
    }
    offcut__planes_free(&small);
    return status;
}

static offcut_status refine_mask(offcut_ctx *ctx, const offcut__planes *guide,
                                 const offcut__planes *mask, offcut__matte *m) {
    const size_t count = (size_t)guide->width * guide->height;
    m->guide_width = guide->width;
    m->guide_height = guide->height;
    m->colour_width = (guide->width + 1U) / 2;
    m->colour_height = (guide->height + 1U) / 2;
    const double across = (double)guide->width / (double)mask->width;
    const double down = (double)guide->height / (double)mask->height;
    const double wider = across > down ? across : down;
    const double cell = wider > 1.0 ? wider : 1.0;
    offcut__planes alpha = {0};
    offcut_status status = offcut__mask_resize(ctx, mask, guide->width, guide->height, &alpha);
    if (status == OFFCUT_OK) status = offcut__mask_clean(ctx, &alpha);
    if (status == OFFCUT_OK)
        status = offcut__alloc(ctx, count, 4 * sizeof *m->coefficients, &m->coefficients);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, count, 1, &m->sure);
    if (status == OFFCUT_OK) status = offcut__matte_fit(ctx, guide, &alpha, cell, m);
    if (status == OFFCUT_OK)
        status = offcut__alloc(ctx, (size_t)m->colour_width * m->colour_height, 8, &m->colours);
    if (status == OFFCUT_OK) status = offcut__matte_colours(ctx, guide, &alpha, m);
    offcut__planes_free(&alpha);
    return status;
}

static offcut_status alloc_lines(offcut_ctx *ctx, offcut__matte *m) {
    m->line_y = UINT32_MAX;
    OFFCUT_TRY(offcut__alloc(ctx, m->guide_width, 4 * sizeof(float), &m->line));
    if (!m->refine) return OFFCUT_OK;
    OFFCUT_TRY(offcut__alloc(ctx, m->colour_width, 8 * sizeof(float), &m->colour_line));
    return offcut__alloc(ctx, m->guide_width, 1, &m->sure_line);
}

offcut_status offcut__matte_create(offcut_ctx *ctx, const offcut__planes *guide,
                                   const offcut__planes *mask, uint32_t width, uint32_t height,
                                   bool refine, offcut__matte **matte) {
    *matte = NULL;
    const bool sized = width && height && mask->width && mask->height &&
                       (!refine || (guide->planes == 3 && guide->width && guide->height));
    OFFCUT_FAIL_IF(!sized, ctx, OFFCUT_ERR_ARGUMENT,
                   "the matte needs a picture and a mask with sides");
    offcut__matte *m = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *m, &m));
    m->width = width;
    m->height = height;
    m->refine = refine;
    offcut_status status = refine ? refine_mask(ctx, guide, mask, m) : keep_mask(ctx, mask, m);
    if (status == OFFCUT_OK) status = alloc_lines(ctx, m);
    if (status == OFFCUT_OK)
        *matte = m;
    else
        offcut__matte_free(m);
    return status;
}

void offcut__matte_free(offcut__matte *matte) {
    if (!matte) return;
    free(matte->sure_line);
    free(matte->colour_line);
    free(matte->line);
    free(matte->mask);
    free(matte->colours);
    free(matte->sure);
    free(matte->coefficients);
    free(matte);
}
