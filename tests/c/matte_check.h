/* SPDX-License-Identifier: Apache-2.0
 * Synthetic pictures with a known alpha, and the whole way through the matte. */
#ifndef OFFCUT_TESTS_MATTE_CHECK_H
#define OFFCUT_TESTS_MATTE_CHECK_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/matte/matte.h"
#include "check.h"

/* Floats for the matte to work on, rows for the pixels; all owned. */
typedef struct scene {
    uint32_t width, height, bits;
    uint8_t *rows;  /* RGBA, then the cut-out */
    uint8_t *photo; /* RGBA as it was */
    offcut__planes mask;
} scene;

static uint32_t scene_random_state = 7;

static inline float scene_random(void) {
    scene_random_state = scene_random_state * 1664525U + 1013904223U;
    return (float)(scene_random_state >> 8) / 16777216.0f;
}

static inline scene scene_new(uint32_t width, uint32_t height, uint32_t bits, uint32_t mask_width,
                              uint32_t mask_height) {
    scene s = {.width = width, .height = height, .bits = bits};
    const size_t bytes = (size_t)width * height * bits / 2;
    s.rows = calloc(1, bytes);
    s.photo = calloc(1, bytes);
    CHECK(s.rows && s.photo);
    CHECK(offcut__planes_alloc(NULL, 1, mask_width, mask_height, &s.mask) == OFFCUT_OK);
    return s;
}

static inline void scene_free(scene *s) {
    free(s->rows);
    free(s->photo);
    offcut__planes_free(&s->mask);
}

/* channel 3 is alpha; value 0..1. */
static inline void scene_set(scene *s, uint32_t x, uint32_t y, int channel, float value) {
    const size_t i = 4 * ((size_t)y * s->width + x) + (size_t)channel;
    const float clamped = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
    if (s->bits == 8) {
        s->photo[i] = (uint8_t)(clamped * 255.0f + 0.5f);
    } else {
        const uint16_t wide = (uint16_t)(clamped * 65535.0f + 0.5f);
        memcpy(s->photo + 2 * i, &wide, sizeof wide);
    }
}

static inline float sample_of(const scene *s, const uint8_t *rows, uint32_t x, uint32_t y,
                              int channel) {
    const size_t i = 4 * ((size_t)y * s->width + x) + (size_t)channel;
    if (s->bits == 8) return (float)rows[i] / 255.0f;
    uint16_t wide;
    memcpy(&wide, rows + 2 * i, sizeof wide);
    return (float)wide / 65535.0f;
}

static inline float scene_result(const scene *s, uint32_t x, uint32_t y, int channel) {
    return sample_of(s, s->rows, x, y, channel);
}

static inline float scene_photo(const scene *s, uint32_t x, uint32_t y, int channel) {
    return sample_of(s, s->photo, x, y, channel);
}

static inline offcut__planes scene_guide(const scene *s) {
    uint32_t width, height;
    offcut__matte_guide_size(s->width, s->height, &width, &height);
    offcut__planes guide = {0};
    offcut__resampler *resampler = NULL;
    CHECK(offcut__resampler_open(NULL, s->width, s->height, s->bits, width, height, &resampler) ==
          OFFCUT_OK);
    if (!resampler) return guide;
    const size_t stride = (size_t)s->width * s->bits / 2;
    for (uint32_t y = 0; y < s->height; y++)
        offcut__resampler_row(resampler, s->photo + y * stride);
    offcut__resampler_take(resampler, &guide);
    offcut__resampler_close(resampler);
    return guide;
}

/* photo and mask -> rows. down: from the last row to the first. */
static inline void scene_run_rows(scene *s, bool refine, bool backwards) {
    offcut__planes guide = scene_guide(s);
    offcut__matte *matte = NULL;
    const size_t stride = (size_t)s->width * s->bits / 2;
    memcpy(s->rows, s->photo, stride * s->height);
    CHECK(offcut__matte_open(NULL, &guide, &s->mask, s->width, s->height, refine, &matte) ==
          OFFCUT_OK);
    for (bool done = false; matte && !done;)
        if (offcut__matte_step(matte, &done) != OFFCUT_OK) break;
    offcut__planes_free(&guide); /* only borrowed */
    for (uint32_t i = 0; matte && i < s->height; i++) {
        const uint32_t y = backwards ? s->height - 1 - i : i;
        offcut__matte_row(matte, y, s->bits, s->rows + y * stride);
    }
    offcut__matte_free(matte);
}

static inline void scene_run(scene *s, bool refine) {
    scene_run_rows(s, refine, false);
}

/* A disc of radius `radius` (in shares of the width) around the middle, ramping over `soft` pixels:
 * alpha at (x, y). */
static inline float scene_disc(const scene *s, float radius, float soft, float x, float y) {
    const float dx = x - 0.5f * (float)s->width, dy = y - 0.5f * (float)s->height;
    const float t = (radius * (float)s->width - sqrtf(dx * dx + dy * dy)) / soft + 0.5f;
    return t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
}

/* The mask of that disc at the mask's own size, blurred over two of its pixels, moved by (dx, dy)
 * of them. */
static inline void scene_disc_mask(scene *s, float radius, float dx, float dy) {
    const float cell_x = (float)s->width / (float)s->mask.width;
    const float cell_y = (float)s->height / (float)s->mask.height;
    for (uint32_t y = 0; y < s->mask.height; y++)
        for (uint32_t x = 0; x < s->mask.width; x++)
            s->mask.data[(size_t)y * s->mask.width + x] =
                scene_disc(s, radius, 2.0f * cell_x, ((float)x + 0.5f - dx) * cell_x,
                           ((float)y + 0.5f - dy) * cell_y);
}

static inline void scene_fill_mask(scene *s, float value) {
    for (size_t i = 0; i < (size_t)s->mask.width * s->mask.height; i++) s->mask.data[i] = value;
}

#endif
