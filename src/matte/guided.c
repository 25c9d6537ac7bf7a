/* SPDX-License-Identifier: Apache-2.0
 * The local linear fit of the guided filter, weighted: alpha = a . I + b in every window, where pixels whose membership is
 * certain count fully and those near the mask's edge hardly at all. So the colours of the two sides decide where the
 * edge is, not the network's idea of it, which is off by a pixel of its coarse mask or two.
 *
 * Sums over windows come from column sums that move down row by row, so no plane of products is ever stored. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

/* weight; weighted R, G, B; their products; weighted alpha and its products with R, G, B. */
enum { W, WR, WG, WB, WRR, WRG, WRB, WGG, WGB, WBB, WP, WPR, WPG, WPB, SUMS };

typedef struct fit {
    const offcut__planes *guide;
    const float *alpha;  /* what the mask says */
    const float *weight; /* how much it is believed */
    double epsilon;
} fit;

static void add_fit_row(const fit *f, double *columns, uint32_t y, double sign) {
    const size_t width = f->guide->width, plane = width * f->guide->height;
    const float *red = f->guide->data + y * width;
    const float *alpha = f->alpha + y * width, *weight = f->weight + y * width;
    for (size_t x = 0; x < width; x++) {
        const double r = (double)red[x], g = (double)red[plane + x], b = (double)red[2 * plane + x];
        const double w = sign * (double)weight[x], p = w * (double)alpha[x];
        const double wr = w * r, wg = w * g, wb = w * b;
        double *s = columns + SUMS * x;
        s[W] += w;
        s[WR] += wr;
        s[WG] += wg;
        s[WB] += wb;
        s[WRR] += wr * r;
        s[WRG] += wr * g;
        s[WRB] += wr * b;
        s[WGG] += wg * g;
        s[WGB] += wg * b;
        s[WBB] += wb * b;
        s[WP] += p;
        s[WPR] += p * r;
        s[WPG] += p * g;
        s[WPB] += p * b;
    }
}

/* The ridge regression of one window: a solves (covariance + epsilon) a = covariance with alpha. */
static void solve(const double *s, double epsilon, float *result) {
    const double n = 1.0 / s[W];
    const double r = s[WR] * n, g = s[WG] * n, b = s[WB] * n, p = s[WP] * n;
    const double rr = s[WRR] * n - r * r + epsilon, gg = s[WGG] * n - g * g + epsilon;
    const double bb = s[WBB] * n - b * b + epsilon;
    const double rg = s[WRG] * n - r * g, rb = s[WRB] * n - r * b, gb = s[WGB] * n - g * b;
    const double pr = s[WPR] * n - p * r, pg = s[WPG] * n - p * g, pb = s[WPB] * n - p * b;
    /* Cramer's rule on the symmetric matrix; epsilon keeps the determinant above epsilon^3. */
    const double c_rr = gg * bb - gb * gb, c_rg = rb * gb - rg * bb, c_rb = rg * gb - rb * gg;
    const double c_gg = rr * bb - rb * rb, c_gb = rb * rg - rr * gb, c_bb = rr * gg - rg * rg;
    const double scale = 1.0 / (rr * c_rr + rg * c_rg + rb * c_rb);
    const double ar = (c_rr * pr + c_rg * pg + c_rb * pb) * scale;
    const double ag = (c_rg * pr + c_gg * pg + c_gb * pb) * scale;
    const double ab = (c_rb * pr + c_gb * pg + c_bb * pb) * scale;
    result[0] = (float)ar;
    result[1] = (float)ag;
    result[2] = (float)ab;
    result[3] = (float)(p - ar * r - ag * g - ab * b);
}

/* Fits every window: coefficients gets 4 floats a pixel. columns: SUMS doubles a column, zeroed. */
static void fit_windows(const fit *f, uint32_t radius, double *columns, float *coefficients) {
    const uint32_t width = f->guide->width, height = f->guide->height;
    for (uint32_t y = 0; y < height && y < radius; y++) add_fit_row(f, columns, y, 1.0);
    for (uint32_t y = 0; y < height; y++) {
        if (y + radius < height) add_fit_row(f, columns, y + radius, 1.0);
        if (y > radius) add_fit_row(f, columns, y - radius - 1U, -1.0);
        double sums[SUMS] = {0};
        for (uint32_t x = 0; x < width && x < radius; x++)
            for (int i = 0; i < SUMS; i++) sums[i] += columns[SUMS * (size_t)x + (size_t)i];
        for (uint32_t x = 0; x < width; x++) {
            if (x + radius < width)
                for (int i = 0; i < SUMS; i++)
                    sums[i] += columns[SUMS * (size_t)(x + radius) + (size_t)i];
            if (x > radius)
                for (int i = 0; i < SUMS; i++)
                    sums[i] -= columns[SUMS * (size_t)(x - radius - 1U) + (size_t)i];
            solve(sums, f->epsilon, coefficients + 4 * ((size_t)y * width + x));
        }
    }
}

/* Distance to the nearest pixel whose value is 0, in steps of 1 and sqrt 2; starts as 0 or a large number. */
static void spread_distance(float *distance, uint32_t width, uint32_t height) {
    const float diagonal = 1.41421356f;
    for (int pass = 0; pass < 2; pass++) {
        /* The second pass is the first one turned around. */
        float *at = pass == 0 ? distance : distance + (size_t)width * height - 1;
        const ptrdiff_t step = pass == 0 ? 1 : -1, row = step * (ptrdiff_t)width;
        for (uint32_t y = 0; y < height; y++) {
            for (uint32_t x = 0; x < width; x++, at += step) {
                float d = *at;
                if (x > 0 && at[-step] + 1.0f < d) d = at[-step] + 1.0f;
                if (y > 0 && at[-row] + 1.0f < d) d = at[-row] + 1.0f;
                if (y > 0 && x > 0 && at[-row - step] + diagonal < d) d = at[-row - step] + diagonal;
                if (y > 0 && x + 1U < width && at[-row + step] + diagonal < d)
                    d = at[-row + step] + diagonal;
                *at = d;
            }
        }
    }
}

static uint32_t radius_of(const offcut__planes *guide, double share) {
    const double side = guide->width > guide->height ? guide->width : guide->height;
    const double radius = side / share + 0.5;
    return radius > 1.0 ? (uint32_t)radius : 1U;
}

/* weight: how much a pixel's alpha is believed. near: 1 around the mask's edge, 0 where only the mask counts. */
static offcut_status judge(offcut_ctx *ctx, const offcut__planes *guide, const offcut__planes *mask,
                           float *weight, float *near) {
    const uint32_t width = mask->width, height = mask->height;
    const size_t count = (size_t)width * height;
    memcpy(weight, mask->data, count * sizeof *weight);
    OFFCUT_TRY(offcut__box_mean(ctx, weight, 1, width, height, radius_of(guide, OFFCUT__BAND_SMALL)));
    for (size_t i = 0; i < count; i++) {
        const bool edge = weight[i] > OFFCUT__BAND_LOW && weight[i] < 1.0f - OFFCUT__BAND_LOW;
        near[i] = edge ? 0.0f : 1e9f;
        const float sure = 2.0f * weight[i] - 1.0f;
        weight[i] = (float)OFFCUT__FIT_WEIGHT_FLOOR + sure * sure;
    }
    spread_distance(near, width, height);
    const float reach = (float)radius_of(guide, OFFCUT__BAND);
    for (size_t i = 0; i < count; i++) {
        const float t = 2.0f - 2.0f * near[i] / reach; /* full for half the reach, then falling */
        near[i] = t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
    }
    return OFFCUT_OK;
}

static float apply(const float *c, const offcut__planes *guide, size_t i) {
    const size_t plane = (size_t)guide->width * guide->height;
    return c[0] * guide->data[i] + c[1] * guide->data[plane + i] + c[2] * guide->data[2 * plane + i] +
           c[3];
}

static int16_t quantise(float value) {
    const float scaled = value * OFFCUT__COEFFICIENT_ONE;
    if (!(scaled > -32767.0f)) return -32767;
    if (scaled > 32767.0f) return 32767;
    return (int16_t)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
}

static uint8_t judge_sure(const int16_t *c) {
    float low = c[3], high = c[3];
    for (int i = 0; i < 3; i++) {
        if (c[i] < 0) low += c[i];
        else high += c[i];
    }
    if (high <= OFFCUT__SNAP_LOW * OFFCUT__COEFFICIENT_ONE) return OFFCUT__SURE_OUT;
    return low >= OFFCUT__SNAP_HIGH * OFFCUT__COEFFICIENT_ONE ? OFFCUT__SURE_IN : OFFCUT__UNSURE;
}

static void sharpen(offcut__planes *mask) {
    const size_t count = (size_t)mask->width * mask->height;
    for (size_t i = 0; i < count; i++) {
        const float t = (mask->data[i] - OFFCUT__SHARP_LOW) / (OFFCUT__SHARP_HIGH - OFFCUT__SHARP_LOW);
        mask->data[i] = t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
    }
}

static offcut_status fit_once(offcut_ctx *ctx, const offcut__planes *guide, offcut__planes *mask,
                              uint32_t radius, float *weight, float *near, float *coefficients) {
    const uint32_t width = guide->width, height = guide->height;
    const size_t count = (size_t)width * height;
    double *columns = NULL;
    OFFCUT_TRY(judge(ctx, guide, mask, weight, near));
    OFFCUT_TRY(offcut__alloc(ctx, width, SUMS * sizeof *columns, &columns));
    const fit f = {guide, mask->data, weight, OFFCUT__FIT_EPSILON};
    fit_windows(&f, radius, columns, coefficients);
    free(columns);
    OFFCUT_TRY(offcut__box_mean(ctx, coefficients, 4, width, height, radius));
    for (size_t i = 0; i < count; i++) {
        float *c = coefficients + 4 * i;
        for (int j = 0; j < 3; j++) c[j] *= near[i];
        c[3] = near[i] * c[3] + (1.0f - near[i]) * mask->data[i];
        mask->data[i] = offcut__snap(apply(c, guide, i));
    }
    return OFFCUT_OK;
}

offcut_status offcut__matte_fit(offcut_ctx *ctx, const offcut__planes *guide, offcut__planes *mask,
                                offcut__matte *matte) {
    const size_t count = (size_t)guide->width * guide->height;
    float *weight = NULL, *near = NULL, *coefficients = NULL;
    offcut_status status = offcut__alloc(ctx, count, sizeof *weight, &weight);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, count, sizeof *near, &near);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, count, 4 * sizeof(float), &coefficients);
    if (status != OFFCUT_OK) goto done;
    sharpen(mask);
    for (int pass = 0; pass < OFFCUT__FIT_PASSES && status == OFFCUT_OK; pass++)
        status = fit_once(ctx, guide, mask,
                          radius_of(guide, pass ? OFFCUT__FIT_WINDOW_2 : OFFCUT__FIT_WINDOW), weight,
                          near, coefficients);
    if (status != OFFCUT_OK) goto done;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < 4; j++)
            matte->coefficients[4 * i + j] = quantise(coefficients[4 * i + j]);
        matte->sure[i] = judge_sure(matte->coefficients + 4 * i);
    }
done:
    free(coefficients);
    free(near);
    free(weight);
    return status;
}
