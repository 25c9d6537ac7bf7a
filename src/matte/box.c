/* SPDX-License-Identifier: Apache-2.0
 * Column sums move down row by row; they need the original rows again when these leave the window,
 * so a ring keeps them. Sums are whole numbers of small steps: what is added comes off again
 * without a trace. */
#include <stdlib.h>
#include <string.h>

#include "../base/simd.h"
#include "parts.h"

enum { LANES_MAX = 8 };

#define VALUE_MOST 4.0

/* How many columns the window around column x has. */
static inline uint32_t columns_at(uint32_t x, uint32_t width, uint32_t radius) {
    const uint32_t left = x > radius ? x - radius : 0;
    const uint32_t right = width - x > radius ? x + radius : width - 1U;
    return right - left + 1U;
}

OFFCUT__INLINE void add_column(int32_t *sums, const int32_t *column, const int32_t sign,
                               const uint32_t lanes) {
    OFFCUT__UNROLL
    for (uint32_t i = 0; i < lanes; i++) sums[i] += sign * column[i];
}

OFFCUT__INLINE void mean_row(const int32_t *columns, const uint32_t lanes, uint32_t width,
                             uint32_t radius, float one, float *out) {
    const int32_t *ahead = columns, *behind = columns;
    int32_t sums[LANES_MAX] = {0};
    uint32_t count = 0;
    float share = 0;
    for (uint32_t x = 0; x < width && x < radius; x++, ahead += lanes)
        add_column(sums, ahead, 1, lanes);
    for (uint32_t x = 0; x < width; x++, out += lanes) {
        if (width - x > radius) {
            add_column(sums, ahead, 1, lanes);
            ahead += lanes;
        }
        if (x > radius) {
            add_column(sums, behind, -1, lanes);
            behind += lanes;
        }
        if (count != columns_at(x, width, radius)) {
            count = columns_at(x, width, radius);
            share = 1.0f / (one * (float)count);
        }
        OFFCUT__UNROLL
        for (uint32_t i = 0; i < lanes; i++) out[i] = (float)sums[i] * share;
    }
}

/* Constant lanes give the compiler one loop for each number of them. */
void offcut__box_row(const int32_t *columns, uint32_t lanes, uint32_t width, uint32_t radius,
                     float one, float *means) {
    if (lanes == LANES_MAX)
        mean_row(columns, LANES_MAX, width, radius, one, means);
    else
        mean_row(columns, 1, width, radius, one, means);
}

float offcut__box_one(double count, double most) {
    float one = 1;
    while (2 * (double)one * most * count < INT32_MAX) one *= 2;
    return one;
}

/* What 1 is in the sums, for those of a whole window to fit. */
static float step_of(uint32_t width, uint32_t height, uint32_t radius) {
    const double side = 2.0 * radius + 1,
                 area = (side < width ? side : width) * (side < height ? side : height);
    return offcut__box_one(area, VALUE_MOST);
}

/* A row in these steps, rounded; half away from zero. */
static void to_steps(const float *row, size_t count, float one, int32_t *steps) {
    for (size_t i = 0; i < count; i++) {
        const float value = row[i] * one;
        steps[i] = (int32_t)(value + (value < 0.0f ? -0.5f : 0.5f));
    }
}

static void add_row(int32_t *columns, const int32_t *steps, size_t count, int32_t sign) {
    for (size_t i = 0; i < count; i++) columns[i] += sign * steps[i];
}

offcut_status offcut__box_mean(offcut_ctx *ctx, float *data, uint32_t lanes, uint32_t width,
                               uint32_t height, uint32_t radius) {
    const size_t row = (size_t)lanes * width;
    /* All rows of a window and the one that left it. */
    const uint32_t slots = height / 2 > radius ? 2 * radius + 2U : height;
    const float one = step_of(width, height, radius);
    int32_t *columns = NULL, *ring = NULL;
    offcut_status status = offcut__alloc(ctx, row, sizeof *columns, &columns);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, slots, row * sizeof *ring, &ring);
    for (uint32_t in = 0; status == OFFCUT_OK && in < height + radius; in++) {
        if (in < height) {
            int32_t *steps = ring + (in % slots) * row;
            to_steps(data + in * row, row, one, steps);
            add_row(columns, steps, row, 1);
        }
        if (in < radius) continue;
        const uint32_t y = in - radius, top = y > radius ? y - radius : 0;
        const uint32_t bottom = in < height ? in : height - 1U;
        if (y > radius) add_row(columns, ring + ((top - 1U) % slots) * row, row, -1);
        offcut__box_row(columns, lanes, width, radius, one * (float)(bottom - top + 1U),
                        data + y * row);
    }
    free(ring);
    free(columns);
    return status;
}
