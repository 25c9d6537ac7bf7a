/* SPDX-License-Identifier: Apache-2.0 */
#include "conv8_tile.h"

OFFCUT__INLINE void step_bytes(i32x4 (*sums)[2], const int8_t *p, const int8_t *w, const int pixels,
                               const int vectors) {
    const i8x16 w0 = i8x16_load(w);
    const i8x16 w1 = vectors > 1 ? i8x16_load(w + 16) : w0;
    OFFCUT__UNROLL
    for (int k = 0; k < pixels; k++) {
        const i8x16 x = (i8x16)bytes_load_splat(p + 4 * k);
        sums[k][0] = i32x4_dot8(w0, x, sums[k][0]);
        if (vectors > 1) sums[k][1] = i32x4_dot8(w1, x, sums[k][1]);
    }
}

/* Of two channels. */
OFFCUT__INLINE void step_wide(i32x4 (*sums)[2], const int8_t *p, const int8_t *w, const int pixels,
                              const int vectors) {
    const i16x8 w0 = i16x8_load_bytes(w);
    const i16x8 w1 = i16x8_load_bytes(w + 8 * (vectors - 1));
    OFFCUT__UNROLL
    for (int k = 0; k < pixels; k++) {
        const i16x8 x = (i16x8)bytes_load_splat(p + 4 * k);
        sums[k][0] = i32x4_dot16(w0, x, sums[k][0]);
        if (vectors > 1) sums[k][1] = i32x4_dot16(w1, x, sums[k][1]);
    }
}

/* One unit of all pixels; how many bytes of weights it takes. */
OFFCUT__INLINE int step(i32x4 (*sums)[2], const int8_t *p, const int8_t *w, const int pixels,
                        const int vectors, const offcut__tile8_kind kind) {
    if (kind == OFFCUT__TILE8_BYTES) {
        step_bytes(sums, p, w, pixels, vectors);
        return 16 * vectors;
    }
    step_wide(sums, p, w, pixels, vectors);
    return 8 * vectors;
}

OFFCUT__INLINE void tile(const offcut__tile8 *t, ptrdiff_t x, const int pixels, const int vectors,
                         const offcut__tile8_kind kind) {
    i32x4 sums[OFFCUT__TILE8_PIXELS][2] = {{{0, 0, 0, 0}}};
    const int8_t *w = t->weights;
    const ptrdiff_t unit = t->unit;
    for (int32_t i = 0; i < t->kernel_h; i++) {
        for (int32_t j = 0; j < t->kernel_w; j++) {
            const int8_t *p = t->rows[i] + t->columns[j] + 4 * x;
            OFFCUT__NO_UNROLL
            for (int32_t n = t->units; n > 0; n--) {
                w += step(sums, p, w, pixels, vectors, kind);
                p += unit;
            }
        }
    }
    OFFCUT__UNROLL
    for (int k = 0; k < pixels; k++) {
        i32x4_store(t->sums + 4 * (x + k), sums[k][0]);
        if (vectors > 1) i32x4_store(t->sums + t->sums_step + 4 * (x + k), sums[k][1]);
    }
}

bool offcut__dot8_is_fast(void) {
#if OFFCUT__DOT8
    /* Machines that have none multiply b as unsigned bytes and add pairs in 16 bits, saturated;
     * volatile, because compilers are not the machine. */
    const volatile int8_t a = 127, b = -1;
    return i32x4_dot8(i8x16_splat(a), i8x16_splat(b), (i32x4){0, 0, 0, 0})[0] != 2 * INT16_MAX;
#else
    return false;
#endif
}

/* Each its own function: in one, the register allocator loses track. */
#define TILE(pixels, vectors, name, kind)                                                     \
    static __attribute__((noinline)) void name##_##pixels##x##vectors(const offcut__tile8 *t, \
                                                                      int32_t tiles) {        \
        for (ptrdiff_t k = 0; k < tiles; k++) tile(t, pixels *k, pixels, vectors, kind);      \
    }
#define TILES(name, kind)  \
    TILE(4, 1, name, kind) \
    TILE(5, 1, name, kind) \
    TILE(6, 1, name, kind) \
    TILE(4, 2, name, kind) \
    TILE(5, 2, name, kind) \
    TILE(6, 2, name, kind)

TILES(wide, OFFCUT__TILE8_WIDE)
TILES(bytes, OFFCUT__TILE8_BYTES)

void offcut__tile8_run(const offcut__tile8 *t, int32_t pixels, int32_t count) {
    static void (*const tiles[2][2][3])(const offcut__tile8 *, int32_t) = {
        {{bytes_4x1, bytes_5x1, bytes_6x1}, {bytes_4x2, bytes_5x2, bytes_6x2}},
        {{wide_4x1, wide_5x1, wide_6x1}, {wide_4x2, wide_5x2, wide_6x2}}};
    tiles[t->kind][t->vectors - 1][pixels - 4](t, count);
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
    if (t->kind == OFFCUT__TILE8_WIDE)
        line(t, x, true);
    else
        line(t, x, false);
}
