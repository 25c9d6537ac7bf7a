/* SPDX-License-Identifier: Apache-2.0
 * libjpeg-turbo's inner loops in SIMD, against its own C code where that can be called, and against
 * the same sums one by one elsewhere. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define JPEG_INTERNALS
#include <jinclude.h>
/* Needs jinclude.h before it. */
#include <jpeglib.h>
/* These need jpeglib.h. */
#include <jdct.h>
#include <jsimd.h>
#include <jsimddct.h>

#include "check.h"

static uint32_t seed = 1;

static int noise(int range) {
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 16) % (uint32_t)range);
}

/* ---- inverse DCT ---- */

/* As jdmaster.c makes it, for what a sound block can ask for: -128..127 less CENTERJSAMPLE, and
 * what lies beyond. */
static JSAMPLE limits[5 * (MAXJSAMPLE + 1) + CENTERJSAMPLE];

static JSAMPLE *fill_limits(void) {
    JSAMPLE *table = limits + MAXJSAMPLE + 1;
    for (int i = 0; i <= MAXJSAMPLE; i++) table[i] = (JSAMPLE)i;
    JSAMPLE *centred = table + CENTERJSAMPLE;
    for (int i = CENTERJSAMPLE; i < 2 * (MAXJSAMPLE + 1); i++) centred[i] = MAXJSAMPLE;
    memcpy(centred + 4 * (MAXJSAMPLE + 1) - CENTERJSAMPLE, table, CENTERJSAMPLE);
    return table;
}

/* A block as a photo has it: large numbers first, and most others zero. */
static void fill_block(JCOEF *block, ISLOW_MULT_TYPE *steps, int used) {
    memset(block, 0, DCTSIZE2 * sizeof *block);
    for (int i = 0; i < DCTSIZE2; i++) {
        steps[i] = 1 + noise(40);
        const int most = (i ? 900 : 1000) / (1 + i) / steps[i] + 1;
        if (noise(DCTSIZE2) < used) block[i] = (JCOEF)(noise(2 * most + 1) - most);
    }
}

static void test_inverse_dct(void) {
    struct jpeg_decompress_struct jpeg = {.sample_range_limit = fill_limits()};
    JCOEF block[DCTSIZE2];
    ISLOW_MULT_TYPE steps[DCTSIZE2];
    jpeg_component_info component = {.dct_table = steps};
    JSAMPLE expected[DCTSIZE][DCTSIZE + 3], found[DCTSIZE][DCTSIZE + 3];
    JSAMPROW expected_rows[DCTSIZE], found_rows[DCTSIZE];
    for (int i = 0; i < DCTSIZE; i++) {
        expected_rows[i] = expected[i];
        found_rows[i] = found[i];
    }
    for (int round = 0; round < 20000; round++) {
        memset(expected, 7, sizeof expected);
        memset(found, 7, sizeof found);
        fill_block(block, steps, round % 4 ? noise(DCTSIZE2) : 0);
        if (round % 4 == 0) block[0] = (JCOEF)((noise(2001) - 1000) / steps[0]);
        jpeg_idct_islow(&jpeg, &component, block, expected_rows, 2);
        jsimd_idct_islow(&jpeg, &component, block, found_rows, 2);
        CHECKF(memcmp(expected, found, sizeof found) == 0, "block %d", round);
    }
}

/* ---- colours ---- */

static JSAMPLE clamp(int value) {
    return (JSAMPLE)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* jdcolor.c's sums, in 1 / 65536. */
static void expected_pixel(int y, int cb, int cr, JSAMPLE *rgba) {
    cb -= CENTERJSAMPLE;
    cr -= CENTERJSAMPLE;
    rgba[0] = clamp(y + ((91881 * cr + 32768) >> 16));
    rgba[1] = clamp(y + ((-22554 * cb - 46802 * cr + 32768) >> 16));
    rgba[2] = clamp(y + ((116130 * cb + 32768) >> 16));
    rgba[3] = 255;
}

enum { WIDTH = 300 };

static void check_colours(JSAMPROW *planes, JDIMENSION width) {
    struct jpeg_decompress_struct jpeg = {.output_width = width};
    JSAMPARRAY parts[3] = {&planes[0], &planes[1], &planes[2]};
    JSAMPLE out[4 * WIDTH + 1];
    JSAMPROW row = out;
    out[4 * width] = 7;
    jsimd_ycc_rgb_convert(&jpeg, parts, 0, &row, 1);
    for (JDIMENSION x = 0; x < width; x++) {
        JSAMPLE expected[4];
        expected_pixel(planes[0][x], planes[1][x], planes[2][x], expected);
        CHECK(memcmp(out + 4 * x, expected, sizeof expected) == 0);
    }
    CHECK(out[4 * width] == 7);
}

static void test_colours(void) {
    static JSAMPLE y[WIDTH], cb[WIDTH], cr[WIDTH];
    JSAMPROW planes[3] = {y, cb, cr};
    for (int blue = 0; blue < 256; blue++) { /* every pair of chroma */
        for (int red = 0; red < 256; red++) {
            y[red] = (JSAMPLE)noise(256);
            cb[red] = (JSAMPLE)blue;
            cr[red] = (JSAMPLE)red;
        }
        check_colours(planes, 256);
    }
    for (JDIMENSION width = 1; width <= 40; width++) check_colours(planes, width);
}

/* ---- chroma at twice the width ---- */

static int column(const JSAMPLE *near, const JSAMPLE *far, int x) {
    return far ? 3 * near[x] + far[x] : near[x];
}

/* jdsample.c's triangle filter. */
static void expected_row(const JSAMPLE *near, const JSAMPLE *far, int width, JSAMPLE *out) {
    const int bits = far ? 4 : 2, left = far ? 8 : 1, right = far ? 7 : 2;
    for (int x = 0; x < width; x++) {
        const int own = 3 * column(near, far, x);
        const int before = column(near, far, x > 0 ? x - 1 : x);
        const int behind = column(near, far, x + 1 < width ? x + 1 : x);
        out[2 * x] = (JSAMPLE)((own + before + left) >> bits);
        out[2 * x + 1] = (JSAMPLE)((own + behind + right) >> bits);
    }
}

static void check_widths(JSAMPROW *in, int width) {
    struct jpeg_decompress_struct jpeg = {.max_v_samp_factor = 2};
    jpeg_component_info component = {.downsampled_width = (JDIMENSION)width};
    JSAMPLE found[2][2 * WIDTH + 1], expected[2 * WIDTH];
    JSAMPROW rows[2] = {found[0], found[1]};
    JSAMPARRAY out = rows;
    memset(found, 7, sizeof found);
    jsimd_h2v2_fancy_upsample(&jpeg, &component, in + 1, &out);
    for (int i = 0; i < 2; i++) {
        expected_row(in[1], in[i ? 2 : 0], width, expected);
        CHECKF(memcmp(found[i], expected, 2 * (size_t)width) == 0, "width %d", width);
        CHECK(found[i][2 * width] == 7);
    }
    memset(found, 7, sizeof found);
    jsimd_h2v1_fancy_upsample(&jpeg, &component, in, &out);
    for (int i = 0; i < 2; i++) {
        expected_row(in[i], NULL, width, expected);
        CHECKF(memcmp(found[i], expected, 2 * (size_t)width) == 0, "width %d", width);
        CHECK(found[i][2 * width] == 7);
    }
}

static void test_widths(void) {
    static JSAMPLE in[3][WIDTH];
    JSAMPROW rows[3] = {in[0], in[1], in[2]};
    for (int width = 3; width < WIDTH; width++) {
        for (int i = 0; i < 3; i++)
            for (int x = 0; x < WIDTH; x++) in[i][x] = (JSAMPLE)(noise(4) ? noise(256) : 255);
        check_widths(rows, width);
    }
}

int main(void) {
    test_inverse_dct();
    test_colours();
    test_widths();
    return check_done();
}
