/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdlib.h>

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

/* Pixels of each component, at its root. */
static uint32_t count_components(const offcut__planes *mask, float edge, uint32_t *parent,
                                 uint32_t *sizes) {
    const uint32_t count = mask->width * mask->height;
    uint32_t largest = 0;
    link_components(mask, edge, parent);
    for (uint32_t i = 0; i < count; i++) {
        if (!(mask->data[i] > edge)) continue;
        const uint32_t size = ++sizes[root_of(parent, i)];
        if (size > largest) largest = size;
    }
    return largest;
}

static void include(offcut__box *box, uint32_t x, uint32_t y) {
    if (box->width == 0) *box = (offcut__box){x, y, 1, 1};
    if (x < box->left) {
        box->width += box->left - x;
        box->left = x;
    }
    if (x >= box->left + box->width) box->width = x - box->left + 1;
    if (y >= box->top + box->height) box->height = y - box->top + 1;
}

offcut_status offcut__mask_bounds(offcut_ctx *ctx, const offcut__planes *mask, float edge,
                                  float least, offcut__box *bounds) {
    const size_t count = (size_t)mask->width * mask->height;
    *bounds = (offcut__box){0};
    uint32_t *parent = NULL, *sizes = NULL;
    offcut_status status = offcut__alloc(ctx, count, sizeof *parent, &parent);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, count, sizeof *sizes, &sizes);
    if (status == OFFCUT_OK) {
        const float enough = least * (float)count_components(mask, edge, parent, sizes);
        for (uint32_t i = 0; i < count; i++)
            if (mask->data[i] > edge && (float)sizes[root_of(parent, i)] >= enough)
                include(bounds, i % mask->width, i / mask->width);
    }
    free(sizes);
    free(parent);
    return status;
}
