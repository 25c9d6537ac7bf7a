/* SPDX-License-Identifier: Apache-2.0
 * libjpeg-turbo's inner loops in SIMD, behind the functions that it asks for them. What they
 * compute is what its own C code does, to the bit (but where a broken file asks for numbers that no
 * picture has); its own SIMD is assembler, for which WebAssembly has no use.
 *
 * The inverse DCT is Loeffler, Ligtenberg and Moschytz's (1989) as in jidctint.c, with its sums of
 * products multiplied out: two products and their sum are one instruction. */
#include <stddef.h>
#include <stdio.h>

#define JPEG_INTERNALS
#include <jinclude.h>
/* Needs jinclude.h before it. */
#include <jpeglib.h>
/* These need jpeglib.h. */
#include <jdct.h>
#include <jsimd.h>
#include <jsimddct.h>

#include "../base/simd_int.h"

/* ---- inverse DCT ---- */

/* Fractional bits of the constants below, and those that the first pass keeps for the second. */
enum { CONSTANT_BITS = 13, KEPT_BITS = 2 };

/* 32-bit numbers of eight columns. */
typedef struct eight {
    i32x4 low, high;
} eight;

/* Two vectors' lanes in turns. */
typedef struct pairs {
    i16x8 low, high;
} pairs;

OFFCUT__INLINE pairs zip(i16x8 a, i16x8 b) {
    return (pairs){i16x8_zip_low(a, b), i16x8_zip_high(a, b)};
}

/* sum + a first + b second, of pairs (a, b). */
OFFCUT__INLINE eight add_products(pairs ab, int first, int second, eight sum) {
    const int16_t f = (int16_t)first, s = (int16_t)second;
    const i16x8 factors = {f, s, f, s, f, s, f, s};
    return (eight){i32x4_dot16(ab.low, factors, sum.low), i32x4_dot16(ab.high, factors, sum.high)};
}

OFFCUT__INLINE i16x8 plus(eight a, eight b, int bits) {
    return i32x4_pack((a.low + b.low) >> bits, (a.high + b.high) >> bits);
}

OFFCUT__INLINE i16x8 minus(eight a, eight b, int bits) {
    return i32x4_pack((a.low - b.low) >> bits, (a.high - b.high) >> bits);
}

/* One-dimensional, of eight columns at once; the result is divided by 2^bits and rounded. */
OFFCUT__INLINE void inverse_dct(i16x8 *v, int bits) {
    const int half = 1 << (bits - 1), one = 1 << CONSTANT_BITS;
    const eight none = {{0}, {0}};
    const eight rounding = {{half, half, half, half}, {half, half, half, half}};
    const pairs even = zip(v[0], v[4]), turned = zip(v[2], v[6]);
    const pairs outer = zip(v[1], v[7]), inner = zip(v[3], v[5]);
    const eight sum = add_products(even, one, one, rounding);
    const eight difference = add_products(even, one, -one, rounding);
    const eight a0 = add_products(turned, 10703, 4433, sum);
    const eight a3 = add_products(turned, -10703, -4433, sum);
    const eight a1 = add_products(turned, 4433, -10704, difference);
    const eight a2 = add_products(turned, -4433, 10704, difference);
    const eight b0 = add_products(inner, 9633, 6437, add_products(outer, 11363, 2260, none));
    const eight b1 = add_products(inner, -2259, -11362, add_products(outer, 9633, -6436, none));
    const eight b2 = add_products(inner, -11362, 2261, add_products(outer, 6437, 9633, none));
    const eight b3 = add_products(inner, -6436, 9633, add_products(outer, 2260, -11363, none));
    v[0] = plus(a0, b0, bits);
    v[1] = plus(a1, b1, bits);
    v[2] = plus(a2, b2, bits);
    v[3] = plus(a3, b3, bits);
    v[4] = minus(a3, b3, bits);
    v[5] = minus(a2, b2, bits);
    v[6] = minus(a1, b1, bits);
    v[7] = minus(a0, b0, bits);
}

/* Zipping a matrix's halves three times turns it over. */
OFFCUT__INLINE void transpose(i16x8 *v) {
    for (int round = 0; round < 3; round++) {
        i16x8 zipped[8];
        for (int i = 0; i < 4; i++) {
            zipped[2 * i] = i16x8_zip_low(v[i], v[i + 4]);
            zipped[2 * i + 1] = i16x8_zip_high(v[i], v[i + 4]);
        }
        memcpy(v, zipped, sizeof zipped);
    }
}

/* Coefficients times their steps, [8] rows; whether all but the first of all are zero. */
OFFCUT__INLINE int dequantise(const JCOEF *block, const ISLOW_MULT_TYPE *steps, i16x8 *v) {
    i16x8 others = {0};
    for (int i = 0; i < DCTSIZE; i++) {
        const i16x8 row = i16x8_load(block + DCTSIZE * i);
        const int32_t *step = steps + DCTSIZE * i;
        v[i] = i16x8_multiply(row, i32x4_pack(i32x4_load(step), i32x4_load(step + 4)));
        others |= i ? row : row & (i16x8){0, -1, -1, -1, -1, -1, -1, -1};
    }
    uint64_t parts[2];
    memcpy(parts, &others, sizeof parts);
    return (parts[0] | parts[1]) == 0;
}

int jsimd_can_idct_islow(void) {
    return 1;
}

void jsimd_idct_islow(j_decompress_ptr jpeg, jpeg_component_info *component, JCOEFPTR block,
                      JSAMPARRAY rows, JDIMENSION column) {
    (void)jpeg;
    i16x8 v[DCTSIZE];
    if (dequantise(block, component->dct_table, v)) {
        const i16x8 level = i16x8_splat((v[0][0] + 4) >> 3);
        for (int i = 0; i < DCTSIZE; i++) v[i] = level;
    } else {
        inverse_dct(v, CONSTANT_BITS - KEPT_BITS);
        transpose(v);
        inverse_dct(v, CONSTANT_BITS + KEPT_BITS + 3);
        transpose(v);
    }
    for (int i = 0; i < DCTSIZE; i += 2) {
        i8x16 bytes = i16x8_pack(v[i], v[i + 1]) ^ i8x16_splat(-128);
        memcpy(rows[i] + column, &bytes, DCTSIZE);
        memcpy(rows[i + 1] + column, (const char *)&bytes + DCTSIZE, DCTSIZE);
    }
}

/* ---- colours ---- */

/* floor(a first + b second + 1/2), the factors in 1 / 65536. */
OFFCUT__INLINE i16x8 mix(i16x8 a, int first, i16x8 b, int second) {
    const eight half = {{32768, 32768, 32768, 32768}, {32768, 32768, 32768, 32768}};
    const eight sum = add_products(zip(a, b), first, second, half);
    return i32x4_pack(sum.low >> 16, sum.high >> 16);
}

/* Eight pixels by the equations of JFIF, with factors without what is whole in them: of 16 bits. */
OFFCUT__INLINE void to_rgba(const JSAMPLE *luma, const JSAMPLE *blue, const JSAMPLE *red,
                            JSAMPLE *rgba) {
    const i16x8 y = i16x8_load_unsigned(luma), zero = {0};
    const i16x8 cb = i16x8_load_unsigned(blue) - 128, cr = i16x8_load_unsigned(red) - 128;
    const i16x8 r = y + cr + mix(cr, 26345, zero, 0);       /* 1.402 cr */
    const i16x8 g = y - cr + mix(cb, -22554, cr, 18734);    /* -0.34414 cb - 0.71414 cr */
    const i16x8 b = y + cb + cb + mix(cb, -14942, zero, 0); /* 1.772 cb */
    const i8x16 rb = i16x8_pack_unsigned(r, b), ga = i16x8_pack_unsigned(g, i16x8_splat(255));
    const i16x8 rg = (i16x8)i8x16_zip_low(rb, ga), ba = (i16x8)i8x16_zip_high(rb, ga);
    i8x16_store((int8_t *)rgba, (i8x16)i16x8_zip_low(rg, ba));
    i8x16_store((int8_t *)rgba + 16, (i8x16)i16x8_zip_high(rg, ba));
}

/* Fewer than eight. */
static void to_rgba_part(const JSAMPLE *luma, const JSAMPLE *blue, const JSAMPLE *red,
                         JSAMPLE *rgba, size_t count) {
    JSAMPLE in[3][8] = {{0}}, out[32];
    memcpy(in[0], luma, count);
    memcpy(in[1], blue, count);
    memcpy(in[2], red, count);
    to_rgba(in[0], in[1], in[2], out);
    memcpy(rgba, out, 4 * count);
}

int jsimd_can_ycc_rgb(void) {
    return 1;
}

/* The codec asks for RGBA only. */
void jsimd_ycc_rgb_convert(j_decompress_ptr jpeg, JSAMPIMAGE planes, JDIMENSION row, JSAMPARRAY out,
                           int rows) {
    const size_t width = jpeg->output_width;
    for (int i = 0; i < rows; i++, row++) {
        const JSAMPLE *y = planes[0][row], *cb = planes[1][row], *cr = planes[2][row];
        size_t x = 0;
        for (; x + 8 <= width; x += 8) to_rgba(y + x, cb + x, cr + x, out[i] + 4 * x);
        if (x < width) to_rgba_part(y + x, cb + x, cr + x, out[i] + 4 * x, width - x);
    }
}

/* ---- chroma at twice the width ---- */

/* What the rows' filter makes of each column: of one row, or of two, the nearer three times. */
OFFCUT__INLINE i16x8 columns_at(const JSAMPLE *near, const JSAMPLE *far, size_t x) {
    const i16x8 sum = i16x8_load_unsigned(near + x);
    return far ? sum * 3 + i16x8_load_unsigned(far + x) : sum;
}

OFFCUT__INLINE int column_at(const JSAMPLE *near, const JSAMPLE *far, size_t x) {
    return far ? near[x] * 3 + far[x] : near[x];
}

/* How a column's two results are rounded: what is half, down and up in turns. */
enum { BITS_ONE = 2, LEFT_ONE = 1, RIGHT_ONE = 2, BITS_TWO = 4, LEFT_TWO = 8, RIGHT_TWO = 7 };

OFFCUT__INLINE void widen_column(const JSAMPLE *near, const JSAMPLE *far, size_t width, size_t x,
                                 JSAMPLE *out) {
    const int own = column_at(near, far, x) * 3, bits = far ? BITS_TWO : BITS_ONE;
    const int left = own + column_at(near, far, x ? x - 1 : x);
    const int right = own + column_at(near, far, x + 1 < width ? x + 1 : x);
    out[2 * x] = (JSAMPLE)((left + (far ? LEFT_TWO : LEFT_ONE)) >> bits);
    out[2 * x + 1] = (JSAMPLE)((right + (far ? RIGHT_TWO : RIGHT_ONE)) >> bits);
}

/* Three quarters of each column and one of its left neighbour, then of its right one. */
OFFCUT__INLINE void widen(const JSAMPLE *near, const JSAMPLE *far, size_t width, JSAMPLE *out) {
    const int bits = far ? BITS_TWO : BITS_ONE;
    const i16x8 round_left = i16x8_splat(far ? LEFT_TWO : LEFT_ONE);
    const i16x8 round_right = i16x8_splat(far ? RIGHT_TWO : RIGHT_ONE);
    widen_column(near, far, width, 0, out);
    size_t x = 1;
    for (; x + 9 <= width; x += 8) {
        const i16x8 own = columns_at(near, far, x) * 3;
        const i16x8 left = (own + columns_at(near, far, x - 1) + round_left) >> bits;
        const i16x8 right = (own + columns_at(near, far, x + 1) + round_right) >> bits;
        i8x16_store((int8_t *)out + 2 * x, (i8x16)(left | right << 8));
    }
    for (; x < width; x++) widen_column(near, far, width, x, out);
}

int jsimd_can_h2v1_fancy_upsample(void) {
    return 1;
}

void jsimd_h2v1_fancy_upsample(j_decompress_ptr jpeg, jpeg_component_info *component, JSAMPARRAY in,
                               JSAMPARRAY *out) {
    for (int i = 0; i < jpeg->max_v_samp_factor; i++)
        widen(in[i], NULL, component->downsampled_width, (*out)[i]);
}

int jsimd_can_h2v2_fancy_upsample(void) {
    return 1;
}

/* Each row becomes two: one nearer to the row above it, one to the row below. */
void jsimd_h2v2_fancy_upsample(j_decompress_ptr jpeg, jpeg_component_info *component, JSAMPARRAY in,
                               JSAMPARRAY *out) {
    for (int i = 0; i < jpeg->max_v_samp_factor; i++) {
        JSAMPARRAY near = in + i / 2;
        widen(near[0], near[i % 2 ? 1 : -1], component->downsampled_width, (*out)[i]);
    }
}
