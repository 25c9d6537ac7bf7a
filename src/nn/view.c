/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <string.h>

void offcut__view_row_major(offcut__view *view) {
    ptrdiff_t stride = 1;
    for (uint32_t i = view->shape.rank; i-- > 0;) {
        view->strides[i] = stride;
        stride *= view->shape.dims[i];
    }
}

void offcut__view_standard(offcut__view *view) {
    if (view->shape.rank != 4) {
        offcut__view_row_major(view);
        return;
    }
    const int32_t *dims = view->shape.dims;
    view->strides[1] = 1;
    view->strides[3] = dims[1];
    view->strides[2] = (ptrdiff_t)dims[1] * dims[3];
    view->strides[0] = view->strides[2] * dims[2];
}

void offcut__view_quads(offcut__view *view) {
    const int32_t *dims = view->shape.dims;
    view->quads = true;
    view->strides[3] = 1;
    view->strides[1] = dims[3];
    view->strides[2] = (ptrdiff_t)offcut__view_groups(view) * dims[3];
    view->strides[0] = view->strides[2] * dims[2];
}

bool offcut__view_is_image(const offcut__view *view) {
    return view->shape.rank == 4 && (view->strides[1] == 1 || view->shape.dims[1] == 1);
}

bool offcut__shape_equal(const offcut__shape *a, const offcut__shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) == 0;
}

/* Dimensions without those of size 1, neighbours joined where one stride leads over both. */
static uint32_t compact(const offcut__view *view, int64_t *dims, ptrdiff_t *strides) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < view->shape.rank; i++) {
        const int32_t dim = view->shape.dims[i];
        if (dim == 1) continue;
        if (rank > 0 && strides[rank - 1] == view->strides[i] * dim) {
            dims[rank - 1] *= dim;
            strides[rank - 1] = view->strides[i];
        } else {
            dims[rank] = dim;
            strides[rank++] = view->strides[i];
        }
    }
    return rank;
}

bool offcut__view_reshape(const offcut__view *view, const offcut__shape *shape,
                          offcut__view *result) {
    int64_t dims[OFFCUT__RANK_MAX] = {0};
    ptrdiff_t strides[OFFCUT__RANK_MAX] = {0};
    const uint32_t rank = compact(view, dims, strides);
    offcut__view out = *view;
    out.shape = *shape;
    /* From the innermost: each new dimension takes its part of the old one that is being used up.
     */
    uint32_t old = rank;
    int64_t left = 1;
    ptrdiff_t stride = 1;
    for (uint32_t i = shape->rank; i-- > 0;) {
        const int32_t dim = shape->dims[i];
        if (dim == 1) {
            out.strides[i] = 0;
            continue;
        }
        if (left == 1) {
            if (old == 0) return false;
            left = dims[--old];
            stride = strides[old];
        }
        if (dim == 0 || left % dim != 0) return false;
        out.strides[i] = stride;
        stride *= dim;
        left /= dim;
    }
    if (left != 1 || old != 0) return false;
    *result = out;
    return true;
}
