/* SPDX-License-Identifier: Apache-2.0
 * Local foreground and background colours by blur-fusion (Forte 2021): means weighted by alpha and
 * by 1 - alpha in a wide window; corrected by what they leave unexplained of each pixel; then means
 * of these in a narrow window. The last correction happens at full resolution, row by row (row.c).
 */
#include <stdlib.h>
#include <string.h>

#include "../base/simd.h"
#include "parts.h"

/* F's R, G, B times its weight, the weight, and the same for B. */
enum { LANES = 8 };

typedef offcut__colours colours;

struct offcut__colours {
    offcut_ctx *ctx;
    uint8_t *means; /* the matte's */
    uint32_t width, height;
    offcut__planes picture; /* R, G, B, alpha at half the guide's size */
    float *sums;            /* LANES a pixel */
    bool wide;              /* the wide means are there */
};

/* Means of 2 x 2; odd sides keep their last row or column. */
static void halve(const float *from, uint32_t width, uint32_t height, float *to) {
    for (uint32_t y = 0; y < height; y += 2) {
        const size_t top = (size_t)y * width, down = y + 1U < height ? top + width : top;
        for (uint32_t x = 0; x < width; x += 2) {
            const size_t right = x + 1U < width ? x + 1U : x;
            *to++ =
                0.25f * (from[top + x] + from[top + right] + from[down + x] + from[down + right]);
        }
    }
}

/* R, G, B and 1 of pixel i. */
static inline f32x4 colour_at(const colours *c, size_t i) {
    const size_t plane = (size_t)c->width * c->height;
    const float *red = c->picture.data + i;
    return (f32x4){red[0], red[plane], red[2 * plane], 1.0f};
}

/* Four means, stored as bytes. */
static inline f32x4 mean_at(const uint8_t *means) {
    return f32x4_from_i32(i32x4_load_unsigned(means)) * f32x4_splat(1.0f / 255.0f);
}

static inline i32x4 to_bytes(f32x4 value) {
    const f32x4 most = f32x4_splat(255.0f), half = f32x4_splat(0.5f);
    return i32x4_from_f32(f32x4_clamp(value, 0.0f, 1.0f) * most + half);
}

/* The pixel's own foreground and background, given their local means: whatever alpha F + (1 -
 * alpha) B leaves of the pixel goes to both, to each in proportion to its share. The fourth lane is
 * 1 in all of them. */
static inline void correct(f32x4 value, const uint8_t *means, float alpha, f32x4 *front,
                           f32x4 *back) {
    const f32x4 part = f32x4_splat(alpha), rest = f32x4_splat(1.0f - alpha);
    f32x4 f = mean_at(means), b = mean_at(means + 4);
    f[3] = b[3] = 1.0f;
    const f32x4 left = (value - part * f - rest * b) * f32x4_splat(offcut__share(alpha));
    *front = f + part * left;
    *back = b + rest * left;
    (*front)[3] = (*back)[3] = 1.0f;
}

static void weigh(const colours *c, const uint8_t *means, bool corrected) {
    const size_t plane = (size_t)c->width * c->height;
    for (size_t i = 0; i < plane; i++) {
        const float alpha = c->picture.data[3 * plane + i];
        f32x4 front = colour_at(c, i), back = front;
        if (corrected) correct(front, means + LANES * i, alpha, &front, &back);
        f32x4_store(c->sums + LANES * i, front * f32x4_splat(alpha));
        f32x4_store(c->sums + LANES * i + 4, back * f32x4_splat(1.0f - alpha));
    }
}

/* One side's weighted mean from its sums; where there is nothing near, the mean that there was. */
static inline f32x4 settled(const float *sums, float trust, const uint8_t *mean) {
    const f32x4 sum = f32x4_load(sums), scale = f32x4_splat(1.0f / (sum[3] + trust));
    return (sum + f32x4_splat(trust) * mean_at(mean)) * scale;
}

static void settle(const colours *c, float trust, uint8_t *means) {
    const size_t plane = (size_t)c->width * c->height;
    const float *sums = c->sums;
    for (size_t i = 0; i < plane; i++, sums += LANES, means += LANES) {
        const i32x4 front = to_bytes(settled(sums, trust, means));
        const i32x4 back = to_bytes(settled(sums + 4, trust, means + 4));
        const i16x8 both = i32x4_pack(front, back);
        const i8x16 bytes = i16x8_pack_unsigned(both, both);
        memcpy(means, &bytes, LANES);
    }
}

/* The means over the whole picture, for where a side has nothing near at all. */
static void fill_overall(const colours *c, uint8_t *means) {
    const size_t plane = (size_t)c->width * c->height;
    double total[LANES] = {0};
    uint8_t mean[LANES];
    for (size_t i = 0; i < plane; i++)
        for (size_t j = 0; j < LANES; j++) total[j] += (double)c->sums[LANES * i + j];
    for (size_t j = 0; j < LANES; j++) {
        const double weight = total[j | 3U];
        mean[j] = (uint8_t)(weight > 0.0 ? total[j] / weight * 255.0 + 0.5 : 0.0);
    }
    for (size_t i = 0; i < plane; i++) memcpy(means + LANES * i, mean, LANES);
}

static uint32_t radius_of(const colours *c, double share) {
    const double side = c->width > c->height ? c->width : c->height;
    return (uint32_t)(side * share + 1.0);
}

offcut_status offcut__colours_open(offcut_ctx *ctx, const offcut__planes *guide,
                                   const offcut__planes *alpha, offcut__matte *matte,
                                   offcut__colours **result) {
    *result = NULL;
    colours *c = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *c, &c));
    c->ctx = ctx;
    c->means = matte->colours;
    c->width = matte->colour_width;
    c->height = matte->colour_height;
    const size_t plane = (size_t)c->width * c->height;
    const size_t guide_plane = (size_t)guide->width * guide->height;
    offcut_status status = offcut__planes_alloc(ctx, 4, c->width, c->height, &c->picture);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, plane, LANES * sizeof(float), &c->sums);
    if (status != OFFCUT_OK) {
        offcut__colours_close(c);
        return status;
    }
    for (size_t j = 0; j < 3; j++)
        halve(guide->data + j * guide_plane, guide->width, guide->height,
              c->picture.data + j * plane);
    halve(alpha->data, guide->width, guide->height, c->picture.data + 3 * plane);
    *result = c;
    return OFFCUT_OK;
}

offcut_status offcut__colours_step(offcut__colours *c, bool *done) {
    *done = c->wide;
    weigh(c, c->means, c->wide);
    if (!c->wide) fill_overall(c, c->means);
    const double window = c->wide ? OFFCUT__COLOUR_NARROW : OFFCUT__COLOUR_WIDE;
    OFFCUT_TRY(offcut__box_mean(c->ctx, c->sums, LANES, c->width, c->height, radius_of(c, window)));
    settle(c, c->wide ? 2e-2f : 1e-3f, c->means);
    c->wide = true;
    return OFFCUT_OK;
}

void offcut__colours_close(offcut__colours *c) {
    if (!c) return;
    free(c->sums);
    offcut__planes_free(&c->picture);
    free(c);
}
