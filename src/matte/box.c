/* SPDX-License-Identifier: Apache-2.0
 * Column sums move down row by row; they need the original rows again when these leave the window,
 * so a ring keeps them. The sums are double: what is added comes off again without a trace. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 8 };

static inline void mean_row(const double *columns, uint32_t lanes, uint32_t width, uint32_t radius,
                            uint32_t rows, float *out) {
    const double *ahead = columns, *behind = columns;
    double sums[LANES_MAX] = {0};
    for (uint32_t x = 0; x < width && x < radius; x++, ahead += lanes)
        for (uint32_t i = 0; i < lanes; i++) sums[i] += ahead[i];
    for (uint32_t x = 0; x < width; x++, out += lanes) {
        if (x + radius < width) {
            for (uint32_t i = 0; i < lanes; i++) sums[i] += ahead[i];
            ahead += lanes;
        }
        if (x > radius) {
            for (uint32_t i = 0; i < lanes; i++) sums[i] -= behind[i];
            behind += lanes;
        }
        const uint32_t left = x > radius ? x - radius : 0;
        const uint32_t right = x + radius < width ? x + radius : width - 1U;
        const double share = 1.0 / ((double)rows * (double)(right - left + 1U));
        for (uint32_t i = 0; i < lanes; i++) out[i] = (float)(sums[i] * share);
    }
}

/* Constant lanes give the compiler one loop for each number of them. */
void offcut__box_row(const double *columns, uint32_t lanes, uint32_t width, uint32_t radius,
                     uint32_t rows, float *means) {
    if (lanes == LANES_MAX)
        mean_row(columns, LANES_MAX, width, radius, rows, means);
    else
        mean_row(columns, 1, width, radius, rows, means);
}

offcut_status offcut__box_mean(offcut_ctx *ctx, float *data, uint32_t lanes, uint32_t width,
                               uint32_t height, uint32_t radius) {
    const size_t row = (size_t)lanes * width;
    const uint32_t slots = radius < height ? radius + 1U : 1U; /* else no row ever leaves */
    double *columns = NULL;
    float *ring = NULL;
    offcut_status status = offcut__alloc(ctx, row, sizeof *columns, &columns);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, slots, row * sizeof *ring, &ring);
    if (status != OFFCUT_OK) goto done;
    for (uint32_t y = 0; y < height && y < radius; y++)
        for (size_t i = 0; i < row; i++) columns[i] += (double)data[y * row + i];
    for (uint32_t y = 0; y < height; y++) {
        float *kept = ring + (y % slots) * row;
        if (y + radius < height)
            for (size_t i = 0; i < row; i++) columns[i] += (double)data[(y + radius) * row + i];
        if (y > radius) /* the slot of row y held row y - radius - 1 */
            for (size_t i = 0; i < row; i++) columns[i] -= (double)kept[i];
        memcpy(kept, data + y * row, row * sizeof *kept);
        const uint32_t top = y > radius ? y - radius : 0;
        const uint32_t bottom = y + radius < height ? y + radius : height - 1U;
        const uint32_t rows = bottom - top + 1U;
        offcut__box_row(columns, lanes, width, radius, rows, data + y * row);
    }
done:
    free(ring);
    free(columns);
    return status;
}
