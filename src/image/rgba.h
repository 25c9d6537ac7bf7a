/* SPDX-License-Identifier: Apache-2.0
 * Pixels of a decoder's rows in four lanes: R, G, B, A, of 8 or 16 bits in the machine's order. */
#ifndef OFFCUT_IMAGE_RGBA_H
#define OFFCUT_IMAGE_RGBA_H

#include <stddef.h>

#include "../base/simd.h"

/* Pixel x of a row as it is stored. */
static inline i32x4 offcut__rgba_samples(const uint8_t *row, uint32_t bits, size_t x) {
    if (bits == 8) return i32x4_load_unsigned(row + 4 * x);
    uint16_t p[4];
    memcpy(p, row + 8 * x, sizeof p);
    return (i32x4){p[0], p[1], p[2], p[3]};
}

/* What a sample of 1 is in 0..1. */
static inline f32x4 offcut__rgba_unit(uint32_t bits) {
    return f32x4_splat(bits == 8 ? 1.0f / 255.0f : 1.0f / 65535.0f);
}

/* Pixel x in 0..1. */
static inline f32x4 offcut__rgba_load(const uint8_t *row, uint32_t bits, size_t x) {
    return f32x4_from_i32(offcut__rgba_samples(row, bits, x)) * offcut__rgba_unit(bits);
}

#endif
