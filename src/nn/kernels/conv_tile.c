/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_tile.h"

OFFCUT__INLINE f32x4 load_edge(const float *p, uint32_t count) {
    return count >= 4 ? f32x4_load(p) : f32x4_load_part(p, count);
}

OFFCUT__INLINE void store_edge(float *p, f32x4 v, uint32_t count) {
    if (count >= 4)
        f32x4_store(p, v);
    else
        f32x4_store_part(p, v, count);
}

/* One input channel of all pixels. */
OFFCUT__INLINE void step(f32x4 (*sums)[2], const float *const *pixel, size_t c, const float *w,
                         const int pixels, const int vectors) {
    const f32x4 w0 = f32x4_load(w);
    const f32x4 w1 = vectors > 1 ? f32x4_load(w + 4) : w0;
    OFFCUT__UNROLL
    for (int p = 0; p < pixels; p++) {
        const f32x4 x = f32x4_load_splat(pixel[p] + c);
        sums[p][0] = f32x4_madd(x, w0, sums[p][0]);
        if (vectors > 1) sums[p][1] = f32x4_madd(x, w1, sums[p][1]);
    }
}

OFFCUT__INLINE void accumulate(f32x4 (*sums)[2], const offcut__tile *t, const int pixels,
                               const int vectors) {
    const float *w = t->weights;
    const size_t channels = t->channels;
    for (int32_t i = 0; i < t->kernel_h; i++) {
        for (int32_t j = 0; j < t->kernel_w; j++) {
            const float *const *entry = t->table + (size_t)i * t->row + (size_t)j * t->column;
            const float *pixel[OFFCUT__TILE_PIXELS];
            OFFCUT__UNROLL
            for (int p = 0; p < pixels; p++) pixel[p] = entry[(size_t)p * t->step] + t->channel;
            /* Unrolled, LLVM would keep the inputs of several steps alive: more than there are
             * registers. */
            OFFCUT__NO_UNROLL
            for (size_t c = 0; c < channels; c++, w += 4 * vectors)
                step(sums, pixel, c, w, pixels, vectors);
        }
    }
}

OFFCUT__INLINE void tile(const offcut__tile *t, const int pixels, const int vectors) {
    f32x4 sums[OFFCUT__TILE_PIXELS][2];
    const uint32_t edge = t->width - (vectors > 1 ? 4 : 0);
    const f32x4 bias0 = vectors > 1 ? f32x4_load(t->bias) : load_edge(t->bias, edge);
    const f32x4 bias1 = vectors > 1 ? load_edge(t->bias + 4, edge) : bias0;
    OFFCUT__UNROLL
    for (int p = 0; p < pixels; p++) {
        sums[p][0] = bias0;
        sums[p][1] = bias1;
    }
    accumulate(sums, t, pixels, vectors);
    if (t->add) {
        OFFCUT__UNROLL
        for (int p = 0; p < pixels; p++) {
            const float *add = t->add + p * t->add_step;
            sums[p][0] += vectors > 1 ? f32x4_load(add) : load_edge(add, edge);
            if (vectors > 1) sums[p][1] += load_edge(add + 4, edge);
        }
    }
    if (t->clamped) {
        OFFCUT__UNROLL
        for (int p = 0; p < pixels; p++) {
            sums[p][0] = f32x4_clamp(sums[p][0], t->lo, t->hi);
            if (vectors > 1) sums[p][1] = f32x4_clamp(sums[p][1], t->lo, t->hi);
        }
    }
    OFFCUT__UNROLL
    for (int p = 0; p < pixels; p++) {
        float *out = t->out + p * t->out_step;
        if (vectors > 1) {
            f32x4_store(out, sums[p][0]);
            store_edge(out + 4, sums[p][1], edge);
        } else {
            store_edge(out, sums[p][0], edge);
        }
    }
}

/* Each its own function: in one, the register allocator loses track. */
#define TILE(pixels)                                                                 \
    static __attribute__((noinline)) void tile_##pixels##x8(const offcut__tile *t) { \
        tile(t, pixels, 2);                                                          \
    }                                                                                \
    static __attribute__((noinline)) void tile_##pixels##x4(const offcut__tile *t) { \
        tile(t, pixels, 1);                                                          \
    }

TILE(1)
TILE(2)
TILE(3)
TILE(4)

void offcut__tile_run(const offcut__tile *t, int32_t pixels) {
    const bool two = t->vectors > 1;
    switch (pixels) {
        case 1: two ? tile_1x8(t) : tile_1x4(t); break;
        case 2: two ? tile_2x8(t) : tile_2x4(t); break;
        case 3: two ? tile_3x8(t) : tile_3x4(t); break;
        default: two ? tile_4x8(t) : tile_4x4(t); break;
    }
}
