/* SPDX-License-Identifier: Apache-2.0
 * The inner loop of int8 convolution: a few pixels x 8 output channels in registers. */
#ifndef OFFCUT_NN_KERNELS_CONV8_TILE_H
#define OFFCUT_NN_KERNELS_CONV8_TILE_H

#include "kernels.h"
#include "simd.h"

#define OFFCUT__TILE8_PIXELS 6 /* the most */
#define OFFCUT__LINE8_PIXELS 20
#define OFFCUT__TAPS8_MAX 16 /* in each direction */

typedef enum offcut__tile8_kind {
    OFFCUT__TILE8_BYTES, /* a unit is four channels of a pixel */
    OFFCUT__TILE8_WIDE   /* two of them, in 16 bits each */
} offcut__tile8_kind;

/* A row holds units of four bytes, columns of them in order and planes of columns.
 * sums[v][pixel][4] = sum over taps and units. */
typedef struct offcut__tile8 {
    const int8_t *rows[OFFCUT__TAPS8_MAX];
    ptrdiff_t columns[OFFCUT__TAPS8_MAX]; /* bytes to the first pixel's tap */
    int32_t kernel_h, kernel_w;
    int32_t units;
    ptrdiff_t unit; /* bytes between units */
    const int8_t *weights;
    int32_t *sums;
    ptrdiff_t sums_step; /* between vectors */
    uint32_t vectors;    /* 1 or 2, of 4 output channels */
    offcut__tile8_kind kind;
} offcut__tile8;

/* So many tiles side by side, of 4, 5 or 6 pixels each. */
void offcut__tile8_run(const offcut__tile8 *tile, int32_t pixels, int32_t count);
/* Of one output channel, whose weights are units as in a row: sums[pixel], LINE8_PIXELS of them. */
void offcut__tile8_line(const offcut__tile8 *tile, ptrdiff_t x);

#endif
