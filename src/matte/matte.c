/* SPDX-License-Identifier: Apache-2.0 */
#include "matte.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"

static uint32_t scaled_side(uint32_t side, uint32_t from, uint32_t to) {
    const uint32_t rounded = offcut__scaled(side, from, to);
    return rounded ? rounded : 1U;
}

void offcut__size_within(uint32_t most, uint32_t *width, uint32_t *height) {
    const uint32_t side = *width > *height ? *width : *height;
    if (side <= most) return;
    *width = scaled_side(*width, side, most);
    *height = scaled_side(*height, side, most);
}

void offcut__matte_guide_size(uint32_t width, uint32_t height, uint32_t *guide_width,
                              uint32_t *guide_height) {
    *guide_width = width;
    *guide_height = height;
    offcut__size_within(OFFCUT__GUIDE_SIDE, guide_width, guide_height);
}

/* The mask as it is: never larger than the picture, 16 bits a value. */
static offcut_status keep_mask(offcut_ctx *ctx, const offcut__planes *mask, offcut__matte *m) {
    m->guide_width = mask->width < m->width ? mask->width : m->width;
    m->guide_height = mask->height < m->height ? mask->height : m->height;
    const size_t count = (size_t)m->guide_width * m->guide_height;
    offcut__planes small = {0};
    OFFCUT_TRY(offcut__planes_resize(ctx, mask, m->guide_width, m->guide_height, &small));
    const offcut_status status = offcut__alloc(ctx, count, sizeof *m->mask, &m->mask);
    for (size_t i = 0; status == OFFCUT_OK && i < count; i++) {
        const float v = small.data[i];
        m->mask[i] = (uint16_t)(v > 0.0f ? (v < 1.0f ? v * 65535.0f + 0.5f : 65535.0f) : 0.0f);
    }
    offcut__planes_free(&small);
    return status;
}

static offcut_status begin_fit(offcut__matte *m) {
    offcut__making *making = m->making;
    const offcut__planes *guide = making->guide, *mask = making->mask;
    const size_t count = (size_t)guide->width * guide->height;
    m->guide_width = guide->width;
    m->guide_height = guide->height;
    m->colour_width = (guide->width + 1U) / 2;
    m->colour_height = (guide->height + 1U) / 2;
    const double across = (double)guide->width / (double)mask->width;
    const double down = (double)guide->height / (double)mask->height;
    const double wider = across > down ? across : down;
    OFFCUT_TRY(offcut__planes_resize(m->ctx, mask, guide->width, guide->height, &making->alpha));
    OFFCUT_TRY(offcut__odds_by_colour(m->ctx, guide, &making->alpha));
    OFFCUT_TRY(offcut__mask_clean(m->ctx, &making->alpha, OFFCUT__COMPONENT_EDGE,
                                  OFFCUT__COMPONENT_SHARE));
    OFFCUT_TRY(offcut__alloc(m->ctx, count, 4 * sizeof *m->coefficients, &m->coefficients));
    OFFCUT_TRY(offcut__alloc(m->ctx, count, 1, &m->sure));
    return offcut__fit_open(m->ctx, guide, &making->alpha, wider > 1.0 ? wider : 1.0, m,
                            &making->fit);
}

/* Shreds of alpha that hang on to nothing are colours that look like the subject's, no more. */
static offcut_status clear_ghosts(offcut__matte *m) {
    offcut__planes *alpha = &m->making->alpha;
    const size_t count = (size_t)alpha->width * alpha->height;
    OFFCUT_TRY(offcut__mask_clean(m->ctx, alpha, OFFCUT__COMPONENT_VISIBLE, 0.0f));
    for (size_t i = 0; i < count; i++) {
        if (alpha->data[i] >= 0.0f) continue;
        alpha->data[i] = 0.0f;
        memset(m->coefficients + 4 * i, 0, 4 * sizeof *m->coefficients);
        m->sure[i] = OFFCUT__SURE_OUT;
    }
    return OFFCUT_OK;
}

static offcut_status begin_colours(offcut__matte *m) {
    const size_t count = (size_t)m->colour_width * m->colour_height;
    offcut__fit_close(m->making->fit);
    m->making->fit = NULL;
    OFFCUT_TRY(clear_ghosts(m));
    OFFCUT_TRY(offcut__alloc(m->ctx, count, 8, &m->colours));
    return offcut__colours_open(m->ctx, m->making->guide, &m->making->alpha, m,
                                &m->making->colours);
}

static offcut_status alloc_lines(offcut__matte *m) {
    m->line_y = UINT32_MAX;
    OFFCUT_TRY(offcut__alloc(m->ctx, m->guide_width, 4 * sizeof(float), &m->line));
    if (!m->refine) return OFFCUT_OK;
    OFFCUT_TRY(offcut__alloc(m->ctx, m->colour_width, 8 * sizeof(float), &m->colour_line));
    return offcut__alloc(m->ctx, m->guide_width, 1, &m->sure_line);
}

static void end_making(offcut__matte *m) {
    if (!m->making) return;
    offcut__colours_close(m->making->colours);
    offcut__fit_close(m->making->fit);
    offcut__planes_free(&m->making->alpha);
    free(m->making);
    m->making = NULL;
}

static offcut_status step_refine(offcut__matte *m, bool *done) {
    offcut__making *making = m->making;
    bool over = true;
    switch (making->phase) {
        case 0: OFFCUT_TRY(begin_fit(m)); break;
        case 1: OFFCUT_TRY(offcut__fit_step(making->fit, &over)); break;
        case 2: OFFCUT_TRY(begin_colours(m)); break;
        default: OFFCUT_TRY(offcut__colours_step(making->colours, &over)); break;
    }
    *done = over && making->phase == 3;
    if (over) making->phase++;
    return OFFCUT_OK;
}

offcut_status offcut__matte_step(offcut__matte *matte, bool *done) {
    *done = !matte->making;
    if (*done) return OFFCUT_OK;
    if (matte->refine) {
        OFFCUT_TRY(step_refine(matte, done));
    } else {
        OFFCUT_TRY(keep_mask(matte->ctx, matte->making->mask, matte));
        *done = true;
    }
    if (!*done) return OFFCUT_OK;
    end_making(matte);
    return alloc_lines(matte);
}

offcut_status offcut__matte_open(offcut_ctx *ctx, const offcut__planes *guide,
                                 const offcut__planes *mask, uint32_t width, uint32_t height,
                                 bool refine, offcut__matte **matte) {
    *matte = NULL;
    const bool sized = width && height && mask->width && mask->height &&
                       (!refine || (guide->planes == 3 && guide->width && guide->height));
    OFFCUT_FAIL_IF(!sized, ctx, OFFCUT_ERR_ARGUMENT,
                   "the matte needs a picture and a mask with sides");
    offcut__matte *m = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *m, &m));
    m->ctx = ctx;
    m->width = width;
    m->height = height;
    m->refine = refine;
    const offcut_status status = offcut__alloc(ctx, 1, sizeof *m->making, &m->making);
    if (status != OFFCUT_OK) {
        free(m);
        return status;
    }
    m->making->guide = guide;
    m->making->mask = mask;
    *matte = m;
    return OFFCUT_OK;
}

void offcut__matte_free(offcut__matte *matte) {
    if (!matte) return;
    end_making(matte);
    free(matte->sure_line);
    free(matte->colour_line);
    free(matte->line);
    free(matte->mask);
    free(matte->colours);
    free(matte->sure);
    free(matte->coefficients);
    free(matte);
}
