/* SPDX-License-Identifier: Apache-2.0
 * From the sums of an int8 convolution to its int8 result: clamp(round(max((sum + bias) scale,
 * floor) + added residual)), half to even, in single operations of f32 that every machine does
 * alike. */
#ifndef OFFCUT_NN_KERNELS_REQUANTISE_H
#define OFFCUT_NN_KERNELS_REQUANTISE_H

#include "../model.h"
#include "simd.h"

/* For four output channels. */
typedef struct offcut__finisher {
    i32x4 bias;
    f32x4 scale, residual, floor;
    i8x16 lo, hi;
} offcut__finisher;

OFFCUT__INLINE offcut__finisher offcut__finisher_of(const offcut__conv8 *c, size_t first) {
    return (offcut__finisher){i32x4_load(c->bias + first), f32x4_load(c->scale + first),
                              f32x4_splat(c->residual),    f32x4_splat(c->floor),
                              i8x16_splat(c->lo),          i8x16_splat(c->hi)};
}

/* add: the quad that is added, or NULL. */
OFFCUT__INLINE i32x4 offcut__requantise(const offcut__finisher *f, i32x4 sum, const int8_t *add) {
    f32x4 y = f32x4_from_i32(sum + f->bias) * f->scale;
    if (add) y = f32x4_max(y, f->floor) + f32x4_load_bytes(add) * f->residual;
    return i32x4_round(y);
}

#endif
