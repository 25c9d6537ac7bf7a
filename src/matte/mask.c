/* SPDX-License-Identifier: Apache-2.0
 * What hangs together in a mask: runs of pixels above a threshold, joined from row to row. */
#include <stdlib.h>

#include "parts.h"

/* Pixels begin to end - 1 of a row, counted through the picture. Every run points towards the root
 * of its component (union-find). */
typedef struct run {
    uint32_t begin, end, parent;
} run;

typedef struct runs {
    run *list; /* owned by whoever holds the struct */
    uint32_t count;
} runs;

static run *root_of(run *list, run *from) {
    while (&list[from->parent] != from) {
        from->parent = list[from->parent].parent; /* halves the path for the next one */
        from = &list[from->parent];
    }
    return from;
}

static void join(run *list, run *a, run *b) {
    a = root_of(list, a);
    b = root_of(list, b);
    if (a < b)
        b->parent = a->parent;
    else
        a->parent = b->parent;
}

static uint32_t count_runs(const offcut__planes *mask, float threshold) {
    const float *row = mask->data;
    uint32_t count = 0;
    for (uint32_t y = 0; y < mask->height; y++, row += mask->width) {
        count += row[0] > threshold;
        for (uint32_t x = 1; x < mask->width; x++)
            count += (row[x] > threshold) & !(row[x - 1] > threshold);
    }
    return count;
}

/* The runs of row y follow the others. */
static void add_row(const offcut__planes *mask, float threshold, uint32_t y, runs *r) {
    const uint32_t first = y * mask->width, end = first + mask->width;
    for (uint32_t i = first; i < end;) {
        while (i < end && !(mask->data[i] > threshold)) i++;
        if (i == end) return;
        run *next = &r->list[r->count];
        next->begin = i;
        while (i < end && mask->data[i] > threshold) i++;
        next->end = i;
        next->parent = r->count++;
    }
}

/* Joins runs above..row - 1 with the runs from row on, of the next row, that they touch. */
static void join_rows(runs *r, uint32_t above, uint32_t row, uint32_t width) {
    for (uint32_t i = above, k = row; i < row && k < r->count;) {
        run *a = &r->list[i], *b = &r->list[k];
        if (a->begin + width < b->end && b->begin < a->end + width) join(r->list, a, b);
        if (a->end + width < b->end)
            i++;
        else
            k++;
    }
}

static offcut_status find_runs(offcut_ctx *ctx, const offcut__planes *mask, float threshold,
                               runs *r) {
    *r = (runs){0};
    OFFCUT_TRY(
        offcut__alloc(ctx, count_runs(mask, threshold) + (size_t)1, sizeof *r->list, &r->list));
    for (uint32_t y = 0, above = 0; y < mask->height; y++) {
        const uint32_t row = r->count;
        add_row(mask, threshold, y, r);
        join_rows(r, above, row, mask->width);
        above = row;
    }
    return OFFCUT_OK;
}

static float best_of(const offcut__planes *mask, const run *r) {
    float best = 0.0f;
    for (uint32_t i = r->begin; i < r->end; i++)
        if (mask->data[i] > best) best = mask->data[i];
    return best;
}

offcut_status offcut__mask_clean(offcut_ctx *ctx, offcut__planes *mask, float edge, float share) {
    runs r;
    float *best = NULL; /* at the root of each component */
    offcut_status status = find_runs(ctx, mask, edge, &r);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, r.count + (size_t)1, sizeof *best, &best);
    if (status != OFFCUT_OK) goto done;
    float highest = 0.0f;
    for (run *a = r.list; a < r.list + r.count; a++) {
        float *kept = &best[root_of(r.list, a) - r.list];
        const float found = best_of(mask, a);
        if (found > *kept) *kept = found;
        if (found > highest) highest = found;
    }
    const float relative = highest * share;
    const float least = relative > OFFCUT__COMPONENT_FLOOR ? relative : OFFCUT__COMPONENT_FLOOR;
    for (run *a = r.list; a < r.list + r.count; a++) {
        if (!(best[root_of(r.list, a) - r.list] < least)) continue;
        for (uint32_t i = a->begin; i < a->end; i++) mask->data[i] = OFFCUT__CLEARED;
    }
done:
    free(best);
    free(r.list);
    return status;
}

/* Pixels of each component, at its root; the most that one has. */
static uint32_t count_pixels(runs *r, uint32_t *sizes) {
    uint32_t largest = 0;
    for (run *a = r->list; a < r->list + r->count; a++) {
        uint32_t *size = &sizes[root_of(r->list, a) - r->list];
        *size += a->end - a->begin;
        if (*size > largest) largest = *size;
    }
    return largest;
}

/* Pixels left to right - 1 of row y. */
static void include(offcut__box *box, uint32_t y, uint32_t left, uint32_t right) {
    if (box->width == 0) *box = (offcut__box){left, y, right - left, 1};
    const uint32_t end = box->left + box->width > right ? box->left + box->width : right;
    if (left < box->left) box->left = left;
    box->width = end - box->left;
    box->height = y + 1 - box->top;
}

offcut_status offcut__mask_bounds(offcut_ctx *ctx, const offcut__planes *mask, float edge,
                                  float least, offcut__box *bounds) {
    *bounds = (offcut__box){0};
    runs r;
    uint32_t *sizes = NULL;
    offcut_status status = find_runs(ctx, mask, edge, &r);
    if (status == OFFCUT_OK)
        status = offcut__alloc(ctx, r.count + (size_t)1, sizeof *sizes, &sizes);
    if (status == OFFCUT_OK) {
        const float enough = least * (float)count_pixels(&r, sizes);
        for (run *a = r.list; a < r.list + r.count; a++) {
            const uint32_t y = a->begin / mask->width, first = y * mask->width;
            if ((float)sizes[root_of(r.list, a) - r.list] >= enough)
                include(bounds, y, a->begin - first, a->end - first);
        }
    }
    free(sizes);
    free(r.list);
    return status;
}
