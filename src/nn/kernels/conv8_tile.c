/* SPDX-License-Identifier: Apache-2.0 */
#include "conv8_tile.h"

/* One unit of all pixels. */
OFFCUT__INLINE void step(i32x4 (*sums)[2], const int8_t *p, const int8_t *w, const int pixels,
                         const int vectors, const bool wide) {
    if (wide) {
        const i16x8 w0 = i16x8_load_bytes(w);
        const i16x8 w1 = vectors > 1 ? i16x8_load_bytes(w + 8) : w0;
        OFFCUT__UNROLL
        for (int k = 0; k < pixels; k++) {
            const i16x8 x = (i16x8)bytes_load_splat(p + 4 * k);
            sums[k][0] = i32x4_dot16(w0, x, sums[k][0]);
            if (vectors > 1) sums[k][1] = i32x4_dot16(w1, x, sums[k][1]);
        }
    } else {
        const i8x16 w0 = i8x16_load(w);
        const i8x16 w1 = vectors > 1 ? i8x16_load(w + 16) : w0;
        OFFCUT__UNROLL
        for (int k = 0; k < pixels; k++) {
            const i8x16 x = (i8x16)bytes_load_splat(p + 4 * k);
            sums[k][0] = i32x4_dot8(w0, x, sums[k][0]);
            if (vectors > 1) sums[k][1] = i32x4_dot8(w1, x, sums[k][1]);
        }
    }
}

OFFCUT__INLINE void tile(const offcut__tile8 *t, ptrdiff_t x, const int pixels, const int vectors,
                         const bool wide) {
    i32x4 sums[OFFCUT__TILE8_PIXELS][2] = {{{0, 0, 0, 0}}};
    const int8_t *w = t->weights;
    const ptrdiff_t unit = t->unit;
    for (int32_t i = 0; i < t->kernel_h; i++) {
        for (int32_t j = 0; j < t->kernel_w; j++) {
            const int8_t *p = t->rows[i] + t->columns[j] + 4 * x;
            OFFCUT__NO_UNROLL
            for (int32_t n = t->units; n > 0; n--) {
                step(sums, p, w, pixels, vectors, wide);
                p += unit;
                w += (wide ? 8 : 16) * vectors;
            }
        }
    }
    OFFCUT__UNROLL
    for (int k = 0; k < pixels; k++) {
        i32x4_store(t->sums + 4 * (x + k), sums[k][0]);
        if (vectors > 1) i32x4_store(t->sums + t->sums_step + 4 * (x + k), sums[k][1]);
    }
}

/* Each its own function: in one, the register allocator loses track. */
#define TILE(pixels, vectors, name, wide)                                                     \
    static __attribute__((noinline)) void name##_##pixels##x##vectors(const offcut__tile8 *t, \
                                                                      ptrdiff_t x) {          \
        tile(t, x, pixels, vectors, wide);                                                    \
    }
#define TILES(name, wide)  \
    TILE(4, 1, name, wide) \
    TILE(5, 1, name, wide) \
    TILE(6, 1, name, wide) \
    TILE(4, 2, name, wide) \
    TILE(5, 2, name, wide) \
    TILE(6, 2, name, wide)

TILES(wide, true)
TILES(bytes, false)

void offcut__tile8_run(const offcut__tile8 *t, int32_t pixels, ptrdiff_t x) {
    static void (*const tiles[2][2][3])(const offcut__tile8 *, ptrdiff_t) = {
        {{bytes_4x1, bytes_5x1, bytes_6x1}, {bytes_4x2, bytes_5x2, bytes_6x2}},
        {{wide_4x1, wide_5x1, wide_6x1}, {wide_4x2, wide_5x2, wide_6x2}}};
    tiles[t->wide][t->vectors - 1][pixels - 4](t, x);
}

OFFCUT__INLINE void line(const offcut__tile8 *t, ptrdiff_t x, const bool wide) {
    enum { VECTORS = OFFCUT__LINE8_PIXELS / 4 };
    i32x4 sums[VECTORS] = {{0, 0, 0, 0}};
    const int8_t *w = t->weights;
    for (int32_t i = 0; i < t->kernel_h; i++) {
        for (int32_t j = 0; j < t->kernel_w; j++) {
            const int8_t *p = t->rows[i] + t->columns[j] + 4 * x;
            OFFCUT__NO_UNROLL
            for (int32_t n = t->units; n > 0; n--, p += t->unit, w += 4) {
                const i32x4 weight = bytes_load_splat(w);
                OFFCUT__UNROLL
                for (int k = 0; k < VECTORS; k++) {
                    const i8x16 pixels = i8x16_load(p + 16 * k);
                    sums[k] = wide ? i32x4_dot16((i16x8)weight, (i16x8)pixels, sums[k])
                                   : i32x4_dot8((i8x16)weight, pixels, sums[k]);
                }
            }
        }
    }
    OFFCUT__UNROLL
    for (int k = 0; k < VECTORS; k++) i32x4_store(t->sums + x + 4 * k, sums[k]);
}

void offcut__tile8_line(const offcut__tile8 *t, ptrdiff_t x) {
    if (t->wide)
        line(t, x, true);
    else
        line(t, x, false);
}
