/* SPDX-License-Identifier: Apache-2.0
 * The streaming resize against the same thing written down in doubles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/image/resample.h"
#include "check.h"

typedef struct size {
    uint32_t width, height;
} size;

static uint32_t random_state = 1;

static uint32_t next_random(void) {
    random_state = random_state * 1664525U + 1013904223U;
    return random_state >> 8;
}

/* alpha_kind 0: opaque, 1: any alpha, 2: opaque and other rows in turn. */
static uint8_t *make_picture(size s, uint32_t bits, int alpha_kind) {
    const size_t samples = (size_t)s.width * s.height * 4;
    uint8_t *picture = malloc(samples * bits / 8);
    for (size_t i = 0; picture && i < samples; i++) {
        const bool opaque = alpha_kind == 0 || (alpha_kind == 2 && (i / (4 * s.width)) % 2 == 0);
        const uint32_t value = i % 4 == 3 && opaque ? 0xffffU : next_random() & 0xffffU;
        if (bits == 8) {
            picture[i] = (uint8_t)value;
        } else {
            const uint16_t wide = (uint16_t)value;
            memcpy(picture + 2 * i, &wide, sizeof wide);
        }
    }
    return picture;
}

/* Channel of a pixel over white, 0..1. */
static double seen(const uint8_t *picture, size s, uint32_t bits, uint32_t x, uint32_t y,
                   int channel) {
    const size_t pixel = ((size_t)y * s.width + x) * 4;
    double value, alpha;
    if (bits == 8) {
        value = picture[pixel + (size_t)channel] / 255.0;
        alpha = picture[pixel + 3] / 255.0;
    } else {
        uint16_t p[4];
        memcpy(p, picture + 2 * pixel, sizeof p);
        value = p[channel] / 65535.0;
        alpha = p[3] / 65535.0;
    }
    return 1.0 - (1.0 - value) * alpha;
}

/* How much source pixel i counts in output pixel j. */
static double weight(uint32_t i, uint32_t j, uint32_t from, uint32_t to) {
    if (from >= to) {
        const double begin = (double)j * from / to, end = (double)(j + 1) * from / to;
        const double covered = fmin(end, i + 1.0) - fmax(begin, i);
        return covered > 0 ? covered * to / from : 0.0;
    }
    double at = (j + 0.5) * from / to - 0.5;
    at = fmin(fmax(at, 0.0), from - 1.0);
    return fmax(0.0, 1.0 - fabs(at - i));
}

static double expected(const uint8_t *picture, size s, uint32_t bits, size out, uint32_t x,
                       uint32_t y, int channel) {
    double sum = 0.0;
    for (uint32_t sy = 0; sy < s.height; sy++) {
        const double down = weight(sy, y, s.height, out.height);
        for (uint32_t sx = 0; down > 0.0 && sx < s.width; sx++) {
            const double across = weight(sx, x, s.width, out.width);
            if (across > 0.0) sum += down * across * seen(picture, s, bits, sx, sy, channel);
        }
    }
    return sum;
}

static offcut__planes resize(offcut_ctx *ctx, const uint8_t *picture, size s, uint32_t bits,
                             size out) {
    offcut__planes result = {0};
    offcut__resampler *resampler = NULL;
    CHECK(offcut__resampler_open(ctx, s.width, s.height, bits, out.width, out.height, &resampler) ==
          OFFCUT_OK);
    if (!resampler) return result;
    for (uint32_t y = 0; y < s.height; y++)
        offcut__resampler_row(resampler, picture + (size_t)y * s.width * bits / 2);
    offcut__resampler_take(resampler, &result);
    offcut__resampler_close(resampler);
    return result;
}

static void compare(offcut_ctx *ctx, size s, size out, uint32_t bits, int alpha_kind) {
    uint8_t *picture = make_picture(s, bits, alpha_kind);
    offcut__planes result = resize(ctx, picture, s, bits, out);
    double worst = 0.0;
    const size_t plane = (size_t)out.width * out.height;
    for (uint32_t i = 0; result.data && i < 60; i++) {
        /* The corners, then anything. */
        const uint32_t x = i < 4 ? (i % 2) * (out.width - 1) : next_random() % out.width;
        const uint32_t y = i < 4 ? (i / 2) * (out.height - 1) : next_random() % out.height;
        for (int c = 0; c < 3; c++) {
            const double got = (double)result.data[(size_t)c * plane + (size_t)y * out.width + x];
            worst = fmax(worst, fabs(got - expected(picture, s, bits, out, x, y, c)));
        }
    }
    /* Rounding to float of every term of a sum: 2e-7 each, in a mean. */
    CHECKF(result.data && worst < 2e-6, "%ux%u -> %ux%u, %u bits, alpha %d: off by %g", s.width,
           s.height, out.width, out.height, bits, alpha_kind, worst);
    offcut__planes_free(&result);
    free(picture);
}

/* A picture of one colour stays that, whatever the sizes: the weights add up to 1. */
static void check_flat(offcut_ctx *ctx, size s, size out) {
    const size_t samples = (size_t)s.width * s.height * 4;
    uint8_t *picture = malloc(samples);
    if (!picture) return;
    memset(picture, 255, samples);
    offcut__planes result = resize(ctx, picture, s, 8, out);
    float least = 2.0f, most = 0.0f;
    for (size_t i = 0; result.data && i < (size_t)out.width * out.height * 3; i++) {
        least = fminf(least, result.data[i]);
        most = fmaxf(most, result.data[i]);
    }
    CHECKF(fabsf(least - 1.0f) < 2e-5f && fabsf(most - 1.0f) < 2e-5f,
           "%ux%u -> %ux%u: %.7f to %.7f", s.width, s.height, out.width, out.height, (double)least,
           (double)most);
    offcut__planes_free(&result);
    free(picture);
}

static void check_arguments(offcut_ctx *ctx) {
    offcut__resampler *resampler = NULL;
    CHECK(offcut__resampler_open(ctx, 0, 5, 8, 3, 3, &resampler) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut__resampler_open(ctx, 5, 5, 8, 3, 0, &resampler) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut__resampler_open(ctx, 5, 5, 12, 3, 3, &resampler) == OFFCUT_ERR_ARGUMENT);
    CHECK(resampler == NULL);
    offcut__resampler_close(NULL);
    offcut__planes_free(NULL);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    static const size sizes[][2] = {
        {{1, 1}, {1, 1}},         {{1, 1}, {7, 5}},         {{7, 5}, {1, 1}},
        {{64, 48}, {32, 24}},     {{64, 48}, {64, 48}},     {{100, 77}, {33, 31}},
        {{33, 31}, {100, 77}},    {{200, 10}, {37, 64}},    {{10, 200}, {64, 37}},
        {{641, 359}, {320, 320}}, {{3000, 1}, {640, 1}},    {{1, 3000}, {1, 640}},
        {{5, 5}, {4, 6}},         {{319, 321}, {320, 320}},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t bits = 8; bits <= 16; bits += 8)
            for (int alpha = 0; alpha < 3; alpha++)
                compare(ctx, sizes[i][0], sizes[i][1], bits, alpha);
    check_flat(ctx, (size){4000, 300}, (size){640, 48});
    check_flat(ctx, (size){200000, 2}, (size){1, 2});
    check_flat(ctx, (size){1, 200000}, (size){1, 640});
    check_arguments(ctx);
    offcut_free(ctx);
    return check_done();
}
