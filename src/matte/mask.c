/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdlib.h>

/* One output value of a line of `count` values that lie `stride` apart. */
static float resize_at(const float *line, size_t stride, uint32_t count, uint32_t index,
                       uint32_t out_count) {
    if (count <= out_count) {
        const offcut__place place =
            offcut__place_of(index, (double)count / (double)out_count, count);
        const float a = line[place.at * stride], b = line[place.next * stride];
        return a + place.mix * (b - a);
    }
    /* In units of 1 / out_count of a value everything is a whole number. */
    const uint64_t begin = (uint64_t)index * count, end = begin + count;
    double sum = 0.0;
    for (uint64_t i = begin / out_count; i * out_count < end; i++) {
        const uint64_t from = i * out_count > begin ? i * out_count : begin;
        const uint64_t to = (i + 1) * out_count < end ? (i + 1) * out_count : end;
        sum += (double)(to - from) * (double)line[i * stride];
    }
    return (float)(sum / (double)count);
}

offcut_status offcut__mask_resize(offcut_ctx *ctx, const offcut__planes *mask, uint32_t width,
                                  uint32_t height, offcut__planes *result) {
    offcut__planes wide = {0};
    OFFCUT_TRY(offcut__planes_alloc(ctx, 1, width, mask->height, &wide));
    const offcut_status status = offcut__planes_alloc(ctx, 1, width, height, result);
    if (status != OFFCUT_OK) {
        offcut__planes_free(&wide);
        return status;
    }
    for (size_t y = 0; y < mask->height; y++)
        for (uint32_t x = 0; x < width; x++)
            wide.data[y * width + x] =
                resize_at(mask->data + y * mask->width, 1, mask->width, x, width);
    for (uint32_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            result->data[(size_t)y * width + x] =
                resize_at(wide.data + x, width, mask->height, y, height);
    offcut__planes_free(&wide);
    return OFFCUT_OK;
}

/* Union-find over pixels: every pixel above the threshold points towards the root of its component.
 */
static uint32_t root_of(uint32_t *parent, uint32_t pixel) {
    while (parent[pixel] != pixel) {
        parent[pixel] = parent[parent[pixel]]; /* halves the path for the next one */
        pixel = parent[pixel];
    }
    return pixel;
}

static void join(uint32_t *parent, uint32_t a, uint32_t b) {
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

static void link_components(const offcut__planes *mask, float threshold, uint32_t *parent) {
    const uint32_t width = mask->width;
    for (uint32_t y = 0; y < mask->height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const uint32_t i = y * width + x;
            parent[i] = i;
            if (!(mask->data[i] > threshold)) continue;
            if (x > 0 && mask->data[i - 1] > threshold) join(parent, i, i - 1);
            if (y > 0 && mask->data[i - width] > threshold) join(parent, i, i - width);
        }
    }
}

offcut_status offcut__mask_clean(offcut_ctx *ctx, offcut__planes *mask, float edge, float share) {
    const size_t count = (size_t)mask->width * mask->height;
    uint32_t *parent = NULL;
    float *best = NULL;
    offcut_status status = offcut__alloc(ctx, count, sizeof *parent, &parent);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, count, sizeof *best, &best);
    if (status != OFFCUT_OK) goto done;

    link_components(mask, edge, parent);
    float highest = 0.0f;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t root = root_of(parent, i);
        if (mask->data[i] > best[root]) best[root] = mask->data[i];
        if (mask->data[i] > highest) highest = mask->data[i];
    }
    const float relative = highest * share;
    const float least = relative > OFFCUT__COMPONENT_FLOOR ? relative : OFFCUT__COMPONENT_FLOOR;
    for (uint32_t i = 0; i < count; i++)
        if (mask->data[i] > edge && best[root_of(parent, i)] < least)
            mask->data[i] = OFFCUT__CLEARED;
done:
    free(best);
    free(parent);
    return status;
}
