/* SPDX-License-Identifier: Apache-2.0
 * Where the mask's edge is, how far each pixel lies from it, and how much it is believed. */
#include <stdlib.h>
#include <string.h>

#include "fit.h"

static inline float nearer(float a, float b) {
    return a < b ? a : b;
}

/* From one row to the next. */
static void spread_across(const float *restrict from, uint32_t width, float *restrict to) {
    const float diagonal = 1.41421356f;
    for (uint32_t x = 1; x + 1U < width; x++) {
        const float side = nearer(from[x - 1U], from[x + 1U]);
        to[x] = nearer(to[x], nearer(from[x] + 1.0f, side + diagonal));
    }
    const uint32_t last = width - 1U, inner = width > 1U ? 1U : 0U;
    to[0] = nearer(to[0], nearer(from[0] + 1.0f, from[inner] + diagonal));
    to[last] = nearer(to[last], nearer(from[last] + 1.0f, from[last - inner] + diagonal));
}

#define FAR 1e9f

/* Along the row: what the pixel before says, plus 1; four pixels at a time, which hear from each
 * other in two steps. */
static void spread_right(float *at, uint32_t width) {
    f32x4 before = f32x4_splat(FAR);
    uint32_t x = 0;
    for (; x + 4U <= width; x += 4) {
        f32x4 v = f32x4_load(at + x);
        v = f32x4_min(v, (f32x4){FAR, v[0], v[1], v[2]} + f32x4_splat(1.0f));
        v = f32x4_min(v, (f32x4){FAR, FAR, v[0], v[1]} + f32x4_splat(2.0f));
        v = f32x4_min(v, before + (f32x4){1.0f, 2.0f, 3.0f, 4.0f});
        f32x4_store(at + x, v);
        before = f32x4_splat(v[3]);
    }
    for (x = x > 0 ? x : 1U; x < width; x++) at[x] = nearer(at[x], at[x - 1U] + 1.0f);
}

static void spread_left(float *at, uint32_t width) {
    f32x4 before = f32x4_splat(FAR);
    uint32_t x = width;
    for (; x >= 4U; x -= 4) {
        f32x4 v = f32x4_load(at + x - 4U);
        v = f32x4_min(v, (f32x4){v[1], v[2], v[3], FAR} + f32x4_splat(1.0f));
        v = f32x4_min(v, (f32x4){v[2], v[3], FAR, FAR} + f32x4_splat(2.0f));
        v = f32x4_min(v, before + (f32x4){4.0f, 3.0f, 2.0f, 1.0f});
        f32x4_store(at + x - 4U, v);
        before = f32x4_splat(v[0]);
    }
    for (; x-- > 0;)
        if (x + 1U < width) at[x] = nearer(at[x], at[x + 1U] + 1.0f);
}

/* Distance to the nearest 0, in steps of 1 and sqrt 2; starts as 0 or FAR. From the row before
 * first, which all pixels of a row can do at once, then along the row. */
static void spread_distance(float *distance, uint32_t width, uint32_t height) {
    for (uint32_t y = 0; y < height; y++) {
        float *at = distance + (size_t)y * width;
        if (y > 0) spread_across(at - width, width, at);
        spread_right(at, width);
    }
    for (uint32_t y = height; y-- > 0;) {
        float *at = distance + (size_t)y * width;
        if (y + 1U < height) spread_across(at + width, width, at);
        spread_left(at, width);
    }
}

/* The rectangle of what lies near the edge. */
static void find_rectangle(offcut__fit *f) {
    const uint32_t width = f->guide->width, height = f->guide->height;
    const float far = offcut__fit_far(f);
    f->left = width;
    f->top = height;
    f->right = f->bottom = 0;
    for (uint32_t y = 0; y < height; y++) {
        const float *distance = f->distance + (size_t)y * width;
        uint32_t first = 0, end = width;
        while (first < width && !(distance[first] < far)) first++;
        if (first == width) continue;
        while (!(distance[end - 1U] < far)) end--;
        if (first < f->left) f->left = first;
        if (end > f->right) f->right = end;
        if (f->top == height) f->top = y;
        f->bottom = y + 1U;
    }
}

/* Weights of count pixels, up to four, and whether they lie on the edge, given in distance the mean
 * of alpha within one cell. */
OFFCUT__INLINE void judge(const offcut__fit *f, size_t i, const size_t count) {
    f32x4 mean = {0};
    memcpy(&mean, f->distance + i, count * sizeof(float));
    const f32x4 sure = mean + mean - f32x4_splat(1.0f);
    const i32x4 edge =
        (mean > f32x4_splat(OFFCUT__BAND_EDGE)) & (mean < f32x4_splat(1.0f - OFFCUT__BAND_EDGE));
    const f32x4 distance = f32x4_select(edge, f32x4_splat(0.0f), f32x4_splat(FAR));
    const i32x4 weight = i32x4_from_f32((f32x4_splat(OFFCUT__FIT_WEIGHT_LEAST) + sure * sure) *
                                            f32x4_splat(OFFCUT__FIT_SURE) +
                                        f32x4_splat(0.5f));
    const i8x16 bytes = i8x16_pack(weight, weight, weight, weight);
    memcpy(f->distance + i, &distance, count * sizeof(float));
    memcpy(f->weight + i, &bytes, count);
}

offcut_status offcut__fit_band(offcut__fit *f) {
    const uint32_t width = f->alpha->width, height = f->alpha->height;
    const size_t count = (size_t)width * height;
    memcpy(f->distance, f->alpha->data, count * sizeof(float));
    OFFCUT_TRY(
        offcut__box_mean(f->ctx, f->distance, 1, width, height, offcut__fit_radius(1.0, f->cell)));
    size_t i = 0;
    for (; i + 4 <= count; i += 4) judge(f, i, 4);
    for (; i < count; i++) judge(f, i, 1);
    spread_distance(f->distance, width, height);
    find_rectangle(f);
    return OFFCUT_OK;
}
