/* SPDX-License-Identifier: Apache-2.0
 * Shapes, and strided views of stored floats. Image tensors (rank 4) are N, C, H, W by their shape
 * and N, H, W, C by their strides; everything else is row-major. */
#ifndef OFFCUT_NN_VIEW_H
#define OFFCUT_NN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OFFCUT__RANK_MAX 8

typedef struct offcut__shape {
    uint32_t rank;
    int32_t dims[OFFCUT__RANK_MAX]; /* >= 0; the product is within limits */
} offcut__shape;

#define OFFCUT__STORAGE_NONE (-2)     /* not there */
#define OFFCUT__STORAGE_CONSTANT (-1) /* in model memory, not in the arena */

typedef struct offcut__view {
    int32_t storage;       /* which part of the arena, or one of the above */
    const float *constant; /* of OFFCUT__STORAGE_CONSTANT */
    ptrdiff_t offset; /* floats from the beginning of the storage; after planning: of the arena */
    offcut__shape shape;
    ptrdiff_t strides[OFFCUT__RANK_MAX]; /* in floats; 0 where a value is repeated */
    /* int8: a "float" is four channels of a pixel, channel 4 g + i in byte i; strides[1] leads from
     * one such group to the next. In memory: rows, in them groups, in them pixels. */
    bool quads;
} offcut__view;

/* Where a view's first element is. Only views of storages may be written to. */
static inline const float *offcut__view_read(const offcut__view *view, const float *arena) {
    return (view->storage == OFFCUT__STORAGE_CONSTANT ? view->constant : arena) + view->offset;
}

static inline float *offcut__view_write(const offcut__view *view, float *arena) {
    return arena + view->offset;
}

/* Of int8 quads: pixel 0 of group g in row y, which need not be in the picture. */
static inline const int8_t *offcut__quads_read(const offcut__view *view, const float *arena,
                                               int32_t y, int32_t g) {
    return (const int8_t *)(offcut__view_read(view, arena) + y * view->strides[2] +
                            g * view->strides[1]);
}

static inline int8_t *offcut__quads_write(const offcut__view *view, float *arena, int32_t y,
                                          int32_t g) {
    return (int8_t *)(offcut__view_write(view, arena) + y * view->strides[2] +
                      g * view->strides[1]);
}

/* Row-major strides. */
void offcut__view_row_major(offcut__view *view);
/* The layout that operators agree on: channels last for rank 4, row-major otherwise. */
void offcut__view_standard(offcut__view *view);
/* Groups of four channels. */
static inline int32_t offcut__view_groups(const offcut__view *view) {
    return (view->shape.dims[1] + 3) / 4;
}

/* Strides of int8 quads, rank 4. */
void offcut__view_quads(offcut__view *view);
/* Whether each pixel's channels lie side by side: what the image kernels ask for. */
bool offcut__view_is_image(const offcut__view *view);
/* Views the same elements, in row-major order of the shape, under another shape of as many
 * elements. false: strides cannot express it. */
bool offcut__view_reshape(const offcut__view *view, const offcut__shape *shape,
                          offcut__view *result);
bool offcut__shape_equal(const offcut__shape *a, const offcut__shape *b);

#endif
