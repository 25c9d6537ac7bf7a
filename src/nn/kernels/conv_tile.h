/* SPDX-License-Identifier: Apache-2.0
 * The inner loop of convolution and matrix product: a few pixels x up to 8 output channels in
 * registers. */
#ifndef OFFCUT_NN_KERNELS_CONV_TILE_H
#define OFFCUT_NN_KERNELS_CONV_TILE_H

#include "kernels.h"
#include "simd.h"

/* 4 x 2 sums, 2 weights, 1 input and 4 + 4 addresses and counters: what the registers that V8 has
 * on x86-64 hold. Larger tiles need fewer loads a multiplication, but spill: measured 26 GMAC/s
 * with 4 pixels, 17 with 5 or 6. */
#define OFFCUT__TILE_PIXELS 4

/* out[p][k] = clamp(bias[k] + add[p][k] + sum over taps and channels of weights . table[p]) */
typedef struct offcut__tile {
    const float *const *table; /* pixel pointers, at the first pixel's first tap */
    size_t row, column, step;  /* entries between tap rows, taps and pixels */
    int32_t kernel_h, kernel_w;
    size_t channel, channels; /* floats to skip at each pixel; how many to take */
    const float *weights;     /* [kernel_h][kernel_w][channels][4 vectors] */
    const float *bias;
    float *out;
    const float *add; /* NULL: nothing */
    ptrdiff_t out_step, add_step;
    float lo, hi;
    bool clamped;
    uint32_t vectors; /* 1 or 2 */
    uint32_t width;   /* channels to store, above 4 (vectors - 1) */
} offcut__tile;

/* Output channels that the next block takes (8 or 4, the last padded) when left are left, and all
 * blocks together. */
static inline uint32_t offcut__tile_width(uint32_t left) {
    return left > 4 ? 8 : 4;
}

static inline size_t offcut__tile_channels(uint32_t channels) {
    return (size_t)channels / 8 * 8 + (channels % 8 > 4 ? 8 : channels % 8 > 0 ? 4 : 0);
}

/* pixels: 1..OFFCUT__TILE_PIXELS */
void offcut__tile_run(const offcut__tile *tile, int32_t pixels);

#endif
