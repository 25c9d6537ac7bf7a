/* SPDX-License-Identifier: Apache-2.0
 * What colours say where the network hesitates. Histograms of the colours of subject and
 * background, as far as the mask tells them apart (Boykov & Jolly, "Interactive Graph Cuts", ICCV
 * 2001, have the like), say which of them a colour is commoner in; the odds of the mask are
 * multiplied with the square root of that ratio. Thereby most veils vanish that are of the
 * background's colours. */
#include <math.h>
#include <stdlib.h>

#include "parts.h"

enum { LEVELS = 16, COLOURS = LEVELS * LEVELS * LEVELS };

typedef struct histogram {
    float share[COLOURS]; /* of all pixels that it counts */
    float count;
} histogram;

/* Owned by whoever holds the struct. */
typedef struct odds {
    offcut__planes picture, mask; /* small */
    histogram *subject, *background;
} odds;

static offcut_status shrink(offcut_ctx *ctx, const offcut__planes *picture,
                            offcut__planes *result) {
    uint32_t width = picture->width, height = picture->height;
    offcut__size_within(OFFCUT__ODDS_SIDE, &width, &height);
    return offcut__planes_resize(ctx, picture, width, height, result);
}

static uint32_t level_of(float value) {
    const float level = value * (float)LEVELS;
    return level > 0.0f ? (level < (float)LEVELS ? (uint32_t)level : LEVELS - 1U) : 0U;
}

static uint32_t colour_of(const offcut__planes *picture, size_t i) {
    const size_t plane = (size_t)picture->width * picture->height;
    const float *red = picture->data + i;
    return (level_of(red[0]) * LEVELS + level_of(red[plane])) * LEVELS + level_of(red[2 * plane]);
}

/* A pixel counts as much as the mask is sure of it. */
static void count_colours(const odds *o) {
    const size_t count = (size_t)o->mask.width * o->mask.height;
    for (size_t i = 0; i < count; i++) {
        const float sure = 2.0f * o->mask.data[i] - 1.0f;
        histogram *h = sure > 0.0f ? o->subject : o->background;
        h->share[colour_of(&o->picture, i)] += fabsf(sure);
        h->count += fabsf(sure);
    }
}

/* Each level of one channel, `step` apart: a half of itself and a quarter of its neighbours. */
static void smooth(float *share, size_t step) {
    float before = 0.0f;
    for (size_t level = 0; level < LEVELS; level++, share += step) {
        const float here = *share, next = level + 1 < LEVELS ? share[step] : 0.0f;
        *share = 0.25f * before + 0.5f * here + 0.25f * next;
        before = here;
    }
}

static void finish(histogram *h) {
    for (size_t i = 0; i < COLOURS; i += LEVELS) smooth(h->share + i, 1);
    for (size_t i = 0; i < COLOURS; i++)
        if (i / LEVELS % LEVELS == 0) smooth(h->share + i, LEVELS);
    for (size_t i = 0; i < LEVELS * LEVELS; i++) smooth(h->share + i, LEVELS * LEVELS);
    for (size_t i = 0; i < COLOURS; i++) h->share[i] /= h->count;
}

/* What the odds of a pixel of that colour are multiplied with. */
static float factor_of(const odds *o, uint32_t colour) {
    const float ratio = (o->subject->share[colour] + OFFCUT__ODDS_LEAST) /
                        (o->background->share[colour] + OFFCUT__ODDS_LEAST);
    const float most = OFFCUT__ODDS_MOST;
    return sqrtf(ratio > most ? most : ratio < 1.0f / most ? 1.0f / most : ratio);
}

/* *mask by factors of its size. */
static void multiply_odds(offcut__planes *mask, const offcut__planes *factors) {
    const size_t count = (size_t)mask->width * mask->height;
    for (size_t i = 0; i < count; i++) {
        const float yes = mask->data[i] * factors->data[i], no = 1.0f - mask->data[i];
        mask->data[i] = yes / (yes + no);
    }
}

static offcut_status apply(offcut_ctx *ctx, const odds *o, offcut__planes *mask) {
    offcut__planes small = {0}, factors = {0};
    OFFCUT_TRY(offcut__planes_alloc(ctx, 1, o->mask.width, o->mask.height, &small));
    const size_t count = (size_t)small.width * small.height;
    for (size_t i = 0; i < count; i++) small.data[i] = factor_of(o, colour_of(&o->picture, i));
    const offcut_status status =
        offcut__planes_resize(ctx, &small, mask->width, mask->height, &factors);
    if (status == OFFCUT_OK) multiply_odds(mask, &factors);
    offcut__planes_free(&factors);
    offcut__planes_free(&small);
    return status;
}

static offcut_status open_odds(offcut_ctx *ctx, const offcut__planes *guide,
                               const offcut__planes *mask, odds *o) {
    OFFCUT_TRY(shrink(ctx, guide, &o->picture));
    OFFCUT_TRY(shrink(ctx, mask, &o->mask));
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *o->subject, &o->subject));
    return offcut__alloc(ctx, 1, sizeof *o->background, &o->background);
}

offcut_status offcut__odds_by_colour(offcut_ctx *ctx, const offcut__planes *guide,
                                     offcut__planes *mask) {
    odds o = {0};
    offcut_status status = open_odds(ctx, guide, mask, &o);
    if (status == OFFCUT_OK) {
        count_colours(&o);
        if (o.subject->count >= OFFCUT__ODDS_PIXELS && o.background->count >= OFFCUT__ODDS_PIXELS) {
            finish(o.subject);
            finish(o.background);
            status = apply(ctx, &o, mask);
        }
    }
    free(o.background);
    free(o.subject);
    offcut__planes_free(&o.mask);
    offcut__planes_free(&o.picture);
    return status;
}
