/* SPDX-License-Identifier: Apache-2.0
 * The local linear fit of the guided filter, weighted: alpha = a . (R, G, B) + b in every window,
 * where pixels whose membership is certain count fully and those near the mask's edge less. So the
 * colours of the two sides decide where the edge is, not the network's idea of it, which is off by
 * a pixel of its coarse mask or two. A window counts as much as it explains (weighted aggregation),
 * and where colours explain nothing the mask keeps its own edge instead of a blur.
 *
 * Sums over windows come from column sums that move down row by row, and so do the means of what
 * the windows say, some rows behind: neither is ever stored for the whole picture. */
#include <stdlib.h>
#include <string.h>

#include "../base/simd.h"
#include "parts.h"

/* Sums over a window: the weight w; w times R, G, B and their products; w times alpha and alpha's
 * products. */
enum { W, WR, WG, WB, WRR, WRG, WRB, WGG, WGB, WBB, WP, WPR, WPG, WPB, WPP, NOTHING, SUMS };

/* Windows fitted in one step: some milliseconds. */
#define SLICE_PIXELS 65536U

/* What a window says, times how much it counts; that; and alpha's variance in it, explained and
 * whole. */
enum { A_R, A_G, A_B, B, COUNTS, EXPLAINED, VARIANCE, UNUSED, SAYS };

typedef offcut__fit fit;

struct offcut__fit {
    offcut_ctx *ctx;
    offcut__matte *matte;
    const offcut__planes *guide;
    offcut__planes *alpha; /* what the mask says, then the last fit */
    double cell;
    float reach;                       /* how far from the mask's edge the fit counts, pixels */
    uint32_t radius;                   /* of the windows of this fit */
    uint32_t left, top, right, bottom; /* what lies near the edge is in here */
    double *columns;                   /* SUMS a column of the picture */
    float *weight;                     /* how much alpha is believed */
    float *distance;                   /* to the mask's edge, pixels */
    uint32_t slots;                    /* how many rows of the rectangle are kept in: */
    float *says;                       /* SAYS a pixel */
    double *totals;                    /* their sums, SAYS a column */
    float *means;                      /* of one row, SAYS a pixel */
    int phase;
    uint32_t row; /* of the picture: the next windows' */
};

/* ---- lengths ---- */

static float ramp(float value, float low, float high) {
    const float t = (value - low) / (high - low);
    return t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
}

static uint32_t radius_of(double cells, double cell) {
    const double radius = cells * cell + 0.5;
    return radius > 1.0 ? (uint32_t)radius : 1U;
}

/* ---- windows ---- */

/* What pixel i adds to the sums of a window. */
static inline void weigh(const fit *f, size_t i, double *terms) {
    const size_t plane = (size_t)f->guide->width * f->guide->height;
    const float *red = f->guide->data + i;
    const double r = (double)red[0], g = (double)red[plane], b = (double)red[2 * plane];
    const double w = (double)f->weight[i], alpha = (double)f->alpha->data[i], p = w * alpha;
    const double wr = w * r, wg = w * g, wb = w * b;
    terms[W] = w;
    terms[WR] = wr;
    terms[WG] = wg;
    terms[WB] = wb;
    terms[WRR] = wr * r;
    terms[WRG] = wr * g;
    terms[WRB] = wr * b;
    terms[WGG] = wg * g;
    terms[WGB] = wg * b;
    terms[WBB] = wb * b;
    terms[WP] = p;
    terms[WPR] = p * r;
    terms[WPG] = p * g;
    terms[WPB] = p * b;
    terms[WPP] = p * alpha;
    terms[NOTHING] = 0.0;
}

/* Takes row `in` into the column sums and row `out` away from them; rows that are none add nothing.
 */
static void move_down(const fit *f, uint32_t in, uint32_t out) {
    const size_t width = f->guide->width, height = f->guide->height;
    const size_t first = f->left > f->radius ? f->left - f->radius : 0;
    const size_t end = width - f->right > f->radius ? f->right + f->radius : width;
    double *s = f->columns + SUMS * first, more[SUMS] = {0}, less[SUMS] = {0};
    for (size_t x = first; x < end; x++, s += SUMS) {
        if (in < height) weigh(f, in * width + x, more);
        if (out < height) weigh(f, out * width + x, less);
        for (int i = 0; i < SUMS; i++) s[i] = s[i] + more[i] - less[i];
    }
}

/* The ridge regression of one window: a solves (covariance + epsilon) a = covariance with alpha. */
static void solve(const double *s, float *says) {
    const double n = 1.0 / s[W], epsilon = OFFCUT__FIT_EPSILON;
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
    const double explained = ar * pr + ag * pg + ab * pb;
    const double counts = explained + OFFCUT__FIT_WINDOW_LEAST;
    says[A_R] = (float)(ar * counts);
    says[A_G] = (float)(ag * counts);
    says[A_B] = (float)(ab * counts);
    says[B] = (float)((p - ar * r - ag * g - ab * b) * counts);
    says[COUNTS] = (float)counts;
    says[EXPLAINED] = (float)explained;
    says[VARIANCE] = (float)(s[WPP] * n - p * p);
}

/* Steps across count sqrt 2 in a distance and 1 in a radius. */
static float far_of(const fit *f) {
    return f->reach + 1.5f * (float)f->radius;
}

/* Only the windows that something within reach of the edge lies in; the others say nothing. */
static void fit_row(const fit *f, uint32_t y, float *says) {
    const uint32_t width = f->guide->width, radius = f->radius;
    const float *distance = f->distance + (size_t)y * width;
    const float far = far_of(f);
    const uint32_t first = f->left > radius ? f->left - radius : 0;
    double sums[SUMS] = {0};
    for (uint32_t x = first; x < width && x < f->left + radius; x++)
        for (size_t i = 0; i < SUMS; i++) sums[i] += f->columns[SUMS * (size_t)x + i];
    for (uint32_t x = f->left; x < f->right; x++, says += SAYS) {
        const size_t ahead = SUMS * ((size_t)x + radius);
        if (x + radius < width)
            for (size_t i = 0; i < SUMS; i++) sums[i] += f->columns[ahead + i];
        if (distance[x] < far)
            solve(sums, says);
        else
            memset(says, 0, SAYS * sizeof *says);
        if (x < radius) continue;
        const size_t behind = SUMS * (size_t)(x - radius);
        for (size_t i = 0; i < SUMS; i++) sums[i] -= f->columns[behind + i];
    }
}

/* ---- the band around the edge ---- */

static inline float nearer(float a, float b) {
    return a < b ? a : b;
}

/* From one row to the next. */
static void spread_across(const float *restrict from, uint32_t width, float *restrict to) {
    const float diagonal = 1.41421356f;
    for (uint32_t x = 1; x + 1U < width; x++) {
        const float side = nearer(from[x - 1U], from[x + 1U]);
        to[x] = nearer(to[x], nearer(from[x] + 1.0f, side + diagonal));
    }
    const uint32_t last = width - 1U, inner = width > 1U ? 1U : 0U;
    to[0] = nearer(to[0], nearer(from[0] + 1.0f, from[inner] + diagonal));
    to[last] = nearer(to[last], nearer(from[last] + 1.0f, from[last - inner] + diagonal));
}

/* Distance to the nearest 0, in steps of 1 and sqrt 2; starts as 0 or a large number. From the row
 * before first, which all pixels of a row can do at once, then along the row. */
static void spread_distance(float *distance, uint32_t width, uint32_t height) {
    for (uint32_t y = 0; y < height; y++) {
        float *at = distance + (size_t)y * width;
        if (y > 0) spread_across(at - width, width, at);
        for (uint32_t x = 1; x < width; x++) at[x] = nearer(at[x], at[x - 1] + 1.0f);
    }
    for (uint32_t y = height; y-- > 0;) {
        float *at = distance + (size_t)y * width;
        if (y + 1U < height) spread_across(at + width, width, at);
        for (uint32_t x = width - 1U; x-- > 0;) at[x] = nearer(at[x], at[x + 1U] + 1.0f);
    }
}

/* The rectangle of what lies near the edge. */
static void find_rectangle(fit *f) {
    const uint32_t width = f->guide->width, height = f->guide->height;
    const float far = far_of(f);
    f->left = width;
    f->top = height;
    f->right = f->bottom = 0;
    for (uint32_t y = 0; y < height; y++) {
        const float *distance = f->distance + (size_t)y * width;
        uint32_t first = 0, end = width;
        while (first < width && !(distance[first] < far)) first++;
        if (first == width) continue;
        while (!(distance[end - 1U] < far)) end--;
        if (first < f->left) f->left = first;
        if (end > f->right) f->right = end;
        if (f->top == height) f->top = y;
        f->bottom = y + 1U;
    }
}

static offcut_status find_band(fit *f) {
    const uint32_t width = f->alpha->width, height = f->alpha->height;
    const size_t count = (size_t)width * height;
    memcpy(f->weight, f->alpha->data, count * sizeof(float));
    OFFCUT_TRY(offcut__box_mean(f->ctx, f->weight, 1, width, height, radius_of(1.0, f->cell)));
    for (size_t i = 0; i < count; i++) {
        const float mean = f->weight[i], sure = 2.0f * mean - 1.0f;
        const bool edge = mean > OFFCUT__BAND_EDGE && mean < 1.0f - OFFCUT__BAND_EDGE;
        f->distance[i] = edge ? 0.0f : 1e9f;
        f->weight[i] = OFFCUT__FIT_WEIGHT_LEAST + sure * sure;
    }
    spread_distance(f->distance, width, height);
    find_rectangle(f);
    return OFFCUT_OK;
}

/* ---- alpha ---- */

/* The mean of what the windows around pixel i say, and the mask where they say nothing: 4
 * coefficients. band: how much the fit counts here at all. */
static f32x4 conclude(const fit *f, size_t i, float band, const float *says) {
    const float none = 1e-4f; /* the variance of a flat alpha: nothing to explain or to lose */
    const float steep = OFFCUT__FIT_STEEP * OFFCUT__FIT_STEEP;
    const float share = (says[EXPLAINED] + none) / (says[VARIANCE] + none);
    const f32x4 c = f32x4_load(says) / f32x4_splat(says[COUNTS]);
    const float length = c[A_R] * c[A_R] + c[A_G] * c[A_G] + c[A_B] * c[A_B];
    const float take = band * ramp(share, OFFCUT__FIT_EXPLAINS_NONE, OFFCUT__FIT_EXPLAINS_ALL) *
                       ramp(length, 4.0f * steep, steep);
    f32x4 result = f32x4_splat(take) * c;
    result[B] += (1.0f - take) * f->alpha->data[i];
    return result;
}

static i32x4 quantise(f32x4 c) {
    const f32x4 most = f32x4_splat(32767.0f), half = f32x4_splat(0.5f);
    f32x4 scaled = c * f32x4_splat(OFFCUT__COEFFICIENT_ONE);
    scaled = f32x4_select(scaled > -most, f32x4_min(scaled, most), -most); /* also no number */
    return i32x4_from_f32(scaled + f32x4_select(scaled < f32x4_splat(0.0f), -half, half));
}

/* Over all colours alpha is between b plus the negative and b plus the positive of a. */
static uint8_t judge(i32x4 c) {
    const i32x4 negative = c & (c < 0), positive = c - negative;
    const int32_t low = c[B] + negative[A_R] + negative[A_G] + negative[A_B];
    const int32_t high = c[B] + positive[A_R] + positive[A_G] + positive[A_B];
    if ((float)high <= OFFCUT__SNAP_LOW * OFFCUT__COEFFICIENT_ONE) return OFFCUT__SURE_OUT;
    if ((float)low >= OFFCUT__SNAP_HIGH * OFFCUT__COEFFICIENT_ONE) return OFFCUT__SURE_IN;
    return OFFCUT__UNSURE;
}

static void keep(const fit *f, size_t i, f32x4 c, float alpha) {
    const i32x4 rounded = quantise(c);
    int16_t *kept = f->matte->coefficients + 4 * i;
    for (int j = A_R; j <= B; j++) kept[j] = (int16_t)rounded[j];
    f->matte->sure[i] = judge(rounded);
    f->alpha->data[i] = offcut__snap(alpha);
}

/* Alpha of a row by this fit's coefficients, which are the matte's until the next fit. Outside the
 * rectangle, as wherever the edge is far, the mask stays. */
static void conclude_row(const fit *f, uint32_t y) {
    const offcut__planes *guide = f->guide;
    const size_t plane = (size_t)guide->width * guide->height;
    for (uint32_t x = 0; x < guide->width; x++) {
        const size_t i = (size_t)y * guide->width + x;
        const float band = ramp(f->distance[i], f->reach, 0.5f * f->reach);
        if (!(band > 0.0f)) {
            keep(f, i, (f32x4){0.0f, 0.0f, 0.0f, f->alpha->data[i]}, f->alpha->data[i]);
            continue;
        }
        const f32x4 c = conclude(f, i, band, f->means + SAYS * (size_t)(x - f->left));
        keep(f, i, c,
             (c[A_R] * guide->data[i] + c[A_G] * guide->data[plane + i]) +
                 (c[A_B] * guide->data[2 * plane + i] + c[B]));
    }
}

/* ---- rows ---- */

static float *slot_of(const fit *f, uint32_t y) {
    return f->says + (size_t)(y % f->slots) * f->guide->width * SAYS;
}

/* What the windows of row y say. */
static void take_row(const fit *f, uint32_t y) {
    const size_t count = (size_t)(f->right - f->left) * SAYS;
    float *says = slot_of(f, y);
    fit_row(f, y, says);
    for (size_t i = 0; i < count; i++) f->totals[i] += (double)says[i];
}

/* The means of what the windows around the pixels of row y say. */
static void mean_row(const fit *f, uint32_t y) {
    const size_t count = (size_t)(f->right - f->left) * SAYS;
    const uint32_t first = y - f->top > f->radius ? y - f->radius : f->top;
    const uint32_t end = f->bottom - y > f->radius ? y + f->radius + 1U : f->bottom;
    if (first > f->top) {
        const float *says = slot_of(f, first - 1U);
        for (size_t i = 0; i < count; i++) f->totals[i] -= (double)says[i];
    }
    offcut__box_row(f->totals, SAYS, f->right - f->left, f->radius, end - first, f->means);
}

/* Moves the sums down to the windows of row y. */
static void move_to(const fit *f, uint32_t y) {
    const uint32_t radius = f->radius;
    if (y == f->top) {
        memset(f->columns, 0, SUMS * sizeof(double) * f->guide->width);
        memset(f->totals, 0, SAYS * sizeof(double) * f->guide->width);
        for (uint32_t i = y > radius ? y - radius : 0; i < y + radius; i++)
            move_down(f, i, UINT32_MAX);
    }
    const bool leaves = y > f->top && y > radius;
    move_down(f, y + radius, leaves ? y - radius - 1U : UINT32_MAX);
}

/* The next rows; true with the last. What all windows around a pixel say is known radius rows
 * later, and another row later no window needs its old alpha any more. */
static bool fit_rows(fit *f) {
    const uint32_t height = f->guide->height, behind = f->radius + 1U;
    const uint32_t last = f->row + SLICE_PIXELS / f->guide->width + 1U;
    for (; f->row < height + behind && f->row < last; f->row++) {
        const bool inside = f->row >= f->top && f->row < f->bottom;
        if (inside) move_to(f, f->row);
        if (f->row >= behind) {
            const uint32_t y = f->row - behind;
            if (y >= f->top && y < f->bottom) mean_row(f, y);
            conclude_row(f, y);
        }
        if (inside) take_row(f, f->row);
    }
    return f->row == height + behind;
}

/* ---- steps ---- */

static offcut_status alloc_rows(fit *f) {
    const uint32_t width = f->guide->width, height = f->guide->height;
    const size_t count = (size_t)width * height;
    /* From the row that leaves a window to the row that enters it. */
    const uint32_t needed = 2 * radius_of(OFFCUT__FIT_REACH_FIRST, f->cell) + 2U;
    f->slots = needed < height ? needed : height;
    OFFCUT_TRY(offcut__alloc(f->ctx, width, SUMS * sizeof(double), &f->columns));
    OFFCUT_TRY(offcut__alloc(f->ctx, width, SAYS * sizeof(double), &f->totals));
    OFFCUT_TRY(offcut__alloc(f->ctx, width, SAYS * sizeof(float), &f->means));
    OFFCUT_TRY(offcut__alloc(f->ctx, (size_t)f->slots * width, SAYS * sizeof(float), &f->says));
    OFFCUT_TRY(offcut__alloc(f->ctx, count, sizeof(float), &f->weight));
    return offcut__alloc(f->ctx, count, sizeof(float), &f->distance);
}

offcut_status offcut__fit_open(offcut_ctx *ctx, const offcut__planes *guide, offcut__planes *mask,
                               double cell, offcut__matte *matte, offcut__fit **result) {
    const size_t count = (size_t)guide->width * guide->height;
    *result = NULL;
    fit *f = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *f, &f));
    *f = (fit){.ctx = ctx,
               .matte = matte,
               .guide = guide,
               .alpha = mask,
               .cell = cell,
               .reach = (float)radius_of(OFFCUT__BAND_REACH, cell)};
    const offcut_status status = alloc_rows(f);
    if (status != OFFCUT_OK) {
        offcut__fit_close(f);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        mask->data[i] = ramp(mask->data[i], OFFCUT__MASK_LOW, OFFCUT__MASK_HIGH);
    *result = f;
    return OFFCUT_OK;
}

/* There are two fits, of two phases each. */
offcut_status offcut__fit_step(offcut__fit *f, bool *done) {
    const double reach = f->phase < 2 ? OFFCUT__FIT_REACH_FIRST : OFFCUT__FIT_REACH_SECOND;
    *done = false;
    if (f->phase % 2 == 0) {
        f->radius = radius_of(reach, f->cell);
        f->row = 0;
        OFFCUT_TRY(find_band(f));
    } else if (!fit_rows(f)) {
        return OFFCUT_OK;
    }
    f->phase++;
    *done = f->phase == 4;
    return OFFCUT_OK;
}

void offcut__fit_close(offcut__fit *f) {
    if (!f) return;
    free(f->distance);
    free(f->weight);
    free(f->says);
    free(f->means);
    free(f->totals);
    free(f->columns);
    free(f);
}
