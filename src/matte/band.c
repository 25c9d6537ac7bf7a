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

/* Distance to the nearest 0, in steps of 1 and sqrt 2; starts as 0 or a large number. From the row
 * before first, which all pixels of a row can do at once, then along the row. */
static void spread_distance(float *distance, uint32_t width, uint32_t height) {
    for (uint32_t y = 0; y < height; y++) {
        float *at = distance + (size_t)y * width;
        if (y > 0) spread_across(at - width, width, at);
        for (uint32_t x = 1; x < width; x++) at[x] = nearer(at[x], at[x - 1] + 1.0f);
    }
    for (uint32_t y = height; y-- > 0;) {
        float *at = distance + (size_t)y * width;
        if (y + 1U < height) spread_across(at + width, width, at);
        for (uint32_t x = width - 1U; x-- > 0;) at[x] = nearer(at[x], at[x + 1U] + 1.0f);
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

offcut_status offcut__fit_band(offcut__fit *f) {
    const uint32_t width = f->alpha->width, height = f->alpha->height;
    const size_t count = (size_t)width * height;
    memcpy(f->distance, f->alpha->data, count * sizeof(float));
    OFFCUT_TRY(
        offcut__box_mean(f->ctx, f->distance, 1, width, height, offcut__fit_radius(1.0, f->cell)));
    for (size_t i = 0; i < count; i++) {
        const float mean = f->distance[i], sure = 2.0f * mean - 1.0f;
        const bool edge = mean > OFFCUT__BAND_EDGE && mean < 1.0f - OFFCUT__BAND_EDGE;
        f->distance[i] = edge ? 0.0f : 1e9f;
        f->weight[i] =
            (uint8_t)((OFFCUT__FIT_WEIGHT_LEAST + sure * sure) * OFFCUT__FIT_SURE + 0.5f);
    }
    spread_distance(f->distance, width, height);
    find_rectangle(f);
    return OFFCUT_OK;
}
