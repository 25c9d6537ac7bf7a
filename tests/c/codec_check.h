/* SPDX-License-Identifier: Apache-2.0
 * What the codec tests share: a picture, decoding it, and doing harm to its file. */
#ifndef OFFCUT_TESTS_CODEC_CHECK_H
#define OFFCUT_TESTS_CODEC_CHECK_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "offcut.h"

typedef struct file_bytes {
    uint8_t *data;
    size_t size;
} file_bytes;

typedef struct decoded {
    offcut_status status;
    offcut_info info; /* icc is not kept */
    uint8_t *pixels;
    uint32_t width, height;
} decoded;

/* Smooth colours with some noise; alpha has holes. 8 bits, RGBA. */
static inline uint8_t *make_pixels(uint32_t width, uint32_t height) {
    uint8_t *pixels = malloc((size_t)width * height * 4);
    uint32_t random = 12345;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *p = pixels + ((size_t)y * width + x) * 4;
            random = random * 1664525u + 1013904223u;
            p[0] = (uint8_t)(x * 255 / width);
            p[1] = (uint8_t)(y * 255 / height);
            p[2] = (uint8_t)((x + y) * 230 / (width + height) + (random >> 28));
            p[3] = (x / 8 + y / 8) % 3 == 0 ? 0 : (uint8_t)(255 - x % 4);
        }
    return pixels;
}

/* The least that libpng takes for a profile of a colour space of four letters, then noise: ICC.1,
 * 7.2 and 7.3. size is at least 244. */
static inline void make_profile(uint8_t *icc, size_t size, const char *space) {
    static const uint8_t d50[] = {0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d};
    memset(icc, 0, size);
    for (size_t i = 200; i < size; i++) icc[i] = (uint8_t)(i * 5 + i / 999);
    for (int i = 0; i < 4; i++) icc[i] = (uint8_t)(size >> (24 - 8 * i));
    icc[8] = 2;
    memcpy(icc + 12, "mntr", 4);
    memcpy(icc + 16, space, 4);
    memcpy(icc + 20, "XYZ ", 4);
    memcpy(icc + 36, "acsp", 4);
    memcpy(icc + 68, d50, sizeof d50);
    icc[131] = 1; /* one tag */
    memcpy(icc + 132, "desc", 4);
    icc[139] = 144; /* its offset */
    icc[143] = 100; /* and size */
}

/* Largest and mean difference of two pictures of the same size; alpha counts if asked for. */
static inline int difference(const uint8_t *a, const uint8_t *b, size_t pixels, bool alpha,
                             double *mean) {
    int most = 0;
    double sum = 0;
    for (size_t i = 0; i < pixels * 4; i++) {
        if (i % 4 == 3 && !alpha) continue;
        const int delta = abs((int)a[i] - (int)b[i]);
        if (delta > most) most = delta;
        sum += delta;
    }
    *mean = sum / ((double)pixels * 4);
    return most;
}

/* One pass, rows a few at a time. The bytes are copied to a block of exactly their size, so that a
 * sanitizer sees the first byte too many. Free pixels. */
static inline decoded decode(offcut_ctx *ctx, const uint8_t *data, size_t size,
                             const offcut_options *options, uint32_t reduce) {
    decoded result = {0};
    offcut_decoder *decoder = NULL;
    uint8_t *exact = malloc(size ? size : 1);
    if (size) memcpy(exact, data, size);
    result.status = offcut_decoder_open(ctx, exact, size, options, &decoder);
    if (result.status == OFFCUT_OK) {
        result.info = *offcut_decoder_info(decoder);
        result.info.icc = NULL;
        result.status = offcut_decoder_start(decoder, reduce, &result.width, &result.height);
    }
    if (result.status == OFFCUT_OK) {
        const size_t stride = (size_t)result.width * result.info.bits / 2;
        result.pixels = malloc(stride * result.height);
        for (uint32_t y = 0; y < result.height && result.status == OFFCUT_OK;) {
            const uint32_t left = result.height - y, count = left < 5 ? left : 5;
            result.status = offcut_decoder_read(decoder, result.pixels + y * stride, count);
            y += count;
        }
    }
    CHECKF(result.status == OFFCUT_OK || *offcut_detail(ctx), "status %d without a detail",
           result.status);
    offcut_decoder_close(decoder);
    free(exact);
    return result;
}

static inline offcut_status decode_status(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                          bool damaged) {
    offcut_options options = offcut_options_default();
    options.allow_truncated = damaged;
    const decoded result = decode(ctx, data, size, &options, 1);
    free(result.pixels);
    return result.status;
}

/* Cuts the file at many places. Up to `needed` bytes the picture is not complete: that has to be
 * said, and by ERR_TRUNCATED wherever `header` bytes are there; with allow_truncated it is a
 * picture from there on. */
static inline void check_truncations(const char *name, file_bytes file, size_t header,
                                     size_t needed) {
    offcut_ctx *ctx = offcut_create();
    const size_t step = file.size / 150 + 1;
    for (size_t size = 0; size < file.size; size += size < 64 ? 1 : step) {
        const offcut_status strict = decode_status(ctx, file.data, size, false);
        const offcut_status damaged = decode_status(ctx, file.data, size, true);
        if (size < needed)
            CHECKF(strict != OFFCUT_OK, "%s cut at %zu of %zu: decoded", name, size, file.size);
        if (size < needed && size >= header)
            CHECKF(strict == OFFCUT_ERR_TRUNCATED, "%s cut at %zu of %zu: %d, %s", name, size,
                   file.size, strict, offcut_detail(ctx));
        if (size >= header)
            CHECKF(damaged == OFFCUT_OK, "%s cut at %zu of %zu, allowed: %d, %s", name, size,
                   file.size, damaged, offcut_detail(ctx));
    }
    offcut_free(ctx);
}

/* Flips bits all over the file, one at a time, then several. Nothing is asked for but an answer. */
static inline void check_bit_flips(const char *name, file_bytes file) {
    offcut_ctx *ctx = offcut_create();
    uint8_t *copy = malloc(file.size);
    uint32_t random = 1;
    memcpy(copy, file.data, file.size);
    for (int round = 0; round < 400; round++) {
        const int flips = round < 200 ? 1 : round % 20 + 2;
        for (int i = 0; i < flips; i++) {
            random = random * 1664525u + 1013904223u;
            /* Every other round in the first bytes, where the structure is. */
            const size_t range = round % 2 && file.size > 200 ? 200 : file.size;
            copy[(random >> 8) % range] ^= (uint8_t)(1u << (random & 7));
        }
        for (int damaged = 0; damaged < 2; damaged++) {
            const offcut_status status = decode_status(ctx, copy, file.size, damaged);
            CHECKF(status <= OFFCUT_ERR_LIMIT && status != OFFCUT_ERR_ARGUMENT,
                   "%s, flips of round %d: %d, %s", name, round, status, offcut_detail(ctx));
        }
        memcpy(copy, file.data, file.size);
    }
    free(copy);
    offcut_free(ctx);
}

#endif
