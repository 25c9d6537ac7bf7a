/* SPDX-License-Identifier: Apache-2.0
 * The arithmetic of Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray, "Fast Algorithms for
 * Convolutional Neural Networks", 2016) in integers: Y = A^T [(G g G^T) (B^T d B)] A, the product
 * element by element.
 *
 * The fractions of the usual matrices are multiplied out: sums come out 576 times as large, or, as
 * common factors of A's columns are left out, 9 times and a power of two that depends on the
 * pixel's place. They are taken modulo 2^32, as all that happens is additions and multiplications;
 * where 576 times the true sum fits in 32 bits, dividing by 9 is multiplying by its inverse, and
 * the result is that of the plain convolution to the bit. */
#ifndef OFFCUT_NN_KERNELS_WINOGRAD8_H
#define OFFCUT_NN_KERNELS_WINOGRAD8_H

#include "simd.h"

enum {
    OFFCUT__WINOGRAD8_SIDE = 6, /* of a tile in the input */
    OFFCUT__WINOGRAD8_STEP = 4, /* and in the output */
};

#define OFFCUT__WINOGRAD8_SCALE 576.0
#define OFFCUT__INVERSE_OF_9 0x38e38e39U /* modulo 2^32 */

/* 3 taps become 6 points: G, its rows times 24, 6, 6, 24, 24 and 3. */
OFFCUT__INLINE void offcut__winograd8_weights(const i16x8 *g, const int step, i16x8 *out,
                                              const int out_step) {
    const i16x8 a = g[0], b = g[step], c = g[2 * step];
    const i16x8 outer = a + c, far = a + c * 4;
    out[0] = a * 6;
    out[out_step] = -(outer + b);
    out[2 * out_step] = b - outer;
    out[3 * out_step] = far + b * 2;
    out[4 * out_step] = far - b * 2;
    out[5 * out_step] = c * 3;
}

/* B^T d along one direction. */
OFFCUT__INLINE void offcut__winograd8_input(const i16x8 d[OFFCUT__WINOGRAD8_SIDE],
                                            i16x8 points[OFFCUT__WINOGRAD8_SIDE]) {
    const i16x8 even = d[4] - d[2] * 4, odd = d[3] - d[1] * 4;
    const i16x8 inner = d[4] - d[2], twice = (d[3] - d[1]) * 2;
    points[0] = (d[0] - d[2]) * 4 + inner;
    points[1] = even + odd;
    points[2] = even - odd;
    points[3] = inner + twice;
    points[4] = inner - twice;
    points[5] = d[5] - d[3] - twice * 2;
}

/* A^T m along one direction, its rows without their common factors 1, 2, 4 and 4. */
OFFCUT__INLINE void offcut__winograd8_output(const u32x4 *m, const int step, u32x4 *out,
                                             const int out_step) {
    const u32x4 a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    const u32x4 c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
    out[0] = m[0] + (a << 2) + c;
    out[out_step] = (b << 1) + d;
    out[2 * out_step] = a + c;
    out[3 * out_step] = b + ((d + m[5 * step]) << 1);
}

/* 9 x 2^(6 - taken) x what it shall be. */
OFFCUT__INLINE i32x4 offcut__winograd8_divide(u32x4 sum, const int taken) {
    return (i32x4)(sum * OFFCUT__INVERSE_OF_9) >> (6 - taken);
}

#endif
