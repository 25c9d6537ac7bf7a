/* SPDX-License-Identifier: Apache-2.0
 * Column sums move down row by row; they need the original rows again when these leave the window,
 * so a ring keeps them. The sums are double: what is added comes off again without a trace. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

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
        for (uint32_t lane = 0; lane < lanes; lane++) {
            double sum = 0.0;
            for (uint32_t x = 0; x < width && x < radius; x++)
                sum += columns[(size_t)lanes * x + lane];
            for (uint32_t x = 0; x < width; x++) {
                if (x + radius < width) sum += columns[(size_t)lanes * (x + radius) + lane];
                if (x > radius) sum -= columns[(size_t)lanes * (x - radius - 1U) + lane];
                const uint32_t left = x > radius ? x - radius : 0;
                const uint32_t right = x + radius < width ? x + radius : width - 1U;
                const double n = (double)(bottom - top + 1U) * (double)(right - left + 1U);
                data[y * row + (size_t)lanes * x + lane] = (float)(sum / n);
            }
        }
    }
done:
    free(ring);
    free(columns);
    return status;
}
