/* SPDX-License-Identifier: Apache-2.0
 * The guided filter: two fits, whose windows' lines are averaged around every pixel near the mask's
 * edge and make alpha. fit.h says what it is about. */
#include <stdlib.h>
#include <string.h>

#include "fit.h"

/* Windows fitted in one step: some milliseconds. */
#define SLICE_PIXELS 65536U

typedef offcut__fit fit;

/* ---- alpha ---- */

/* The mean of what the windows around pixel i say, and the mask where they say nothing: 4
 * coefficients. band: how much the fit counts here at all. */
static f32x4 conclude(const fit *f, size_t i, float band, const float *says) {
    const float none = 1e-4f; /* the variance of a flat alpha: nothing to explain or to lose */
    const float steep = OFFCUT__FIT_STEEP * OFFCUT__FIT_STEEP;
    const float share = (says[EXPLAINED] + none) / (says[VARIANCE] + none);
    const f32x4 c = f32x4_load(says) / f32x4_splat(says[COUNTS]);
    const float length = c[A_R] * c[A_R] + c[A_G] * c[A_G] + c[A_B] * c[A_B];
    const float take = band *
                       offcut__ramp(share, OFFCUT__FIT_EXPLAINS_NONE, OFFCUT__FIT_EXPLAINS_ALL) *
                       offcut__ramp(length, 4.0f * steep, steep);
    f32x4 result = f32x4_splat(take) * c;
    result[B] += (1.0f - take) * f->alpha->data[i];
    return result;
}

static i32x4 quantise(f32x4 c) {
    const f32x4 most = f32x4_splat(32767.0f);
    f32x4 scaled = c * f32x4_splat(OFFCUT__COEFFICIENT_ONE);
    scaled = f32x4_select(scaled > -most, f32x4_min(scaled, most), -most); /* also no number */
    return i32x4_nearest(scaled);
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

/* Fits one after the other make alpha from alpha; the last one's coefficients are the matte's. */
static bool is_last(const fit *f) {
    return f->phase == 3;
}

/* Where the fit does not count the mask stays: alpha = its own. */
static void keep(const fit *f, size_t first, size_t end) {
    int16_t *coefficients = f->matte->coefficients;
    for (size_t i = first; i < end; i++) {
        const float alpha = f->alpha->data[i];
        f->alpha->data[i] = offcut__snap(alpha);
        if (!is_last(f)) continue;
        const int32_t rounded = (int32_t)(alpha * OFFCUT__COEFFICIENT_ONE + 0.5f);
        const int16_t kept[4] = {[B] = (int16_t)rounded};
        memcpy(coefficients + 4 * i, kept, sizeof kept);
        f->matte->sure[i] = judge((i32x4){0, 0, 0, rounded});
    }
}

/* The same where it counts, by coefficients c. */
static void take(const fit *f, size_t i, f32x4 c) {
    const size_t plane = (size_t)f->guide->width * f->guide->height;
    const float *red = f->guide->data + i;
    f->alpha->data[i] =
        offcut__snap((c[A_R] * red[0] + c[A_G] * red[plane]) + (c[A_B] * red[2 * plane] + c[B]));
    if (!is_last(f)) return;
    const i32x4 rounded = quantise(c);
    int16_t *kept = f->matte->coefficients + 4 * i;
    for (int j = A_R; j <= B; j++) kept[j] = (int16_t)rounded[j];
    f->matte->sure[i] = judge(rounded);
}

/* Alpha of a row. Outside the rectangle, as wherever the edge is far, the mask stays. */
static void conclude_row(const fit *f, uint32_t y) {
    const size_t row = (size_t)y * f->guide->width;
    const bool inside = y >= f->top && y < f->bottom;
    const size_t left = row + (inside ? f->left : 0), right = row + (inside ? f->right : 0);
    size_t kept = row; /* up to here it is done */
    for (size_t i = left; i < right; i++) {
        const float band = offcut__ramp(f->distance[i], f->reach, 0.5f * f->reach);
        if (!(band > 0.0f)) continue;
        keep(f, kept, i);
        take(f, i, conclude(f, i, band, f->means + SAYS * (i - left)));
        kept = i + 1;
    }
    keep(f, kept, row + f->guide->width);
}

/* ---- rows ---- */

static int32_t *slot_of(const fit *f, uint32_t y) {
    return f->says + (size_t)(y % f->slots) * f->guide->width * SAYS;
}

/* What the windows of row y say. */
static void take_row(const fit *f, uint32_t y) {
    const size_t count = (size_t)(f->right - f->left) * SAYS;
    int32_t *says = slot_of(f, y);
    offcut__fit_windows_say(f, y, says);
    for (size_t i = 0; i < count; i++) f->totals[i] += says[i];
}

/* The means of what the windows around the pixels of row y say. */
static void mean_row(const fit *f, uint32_t y) {
    const size_t count = (size_t)(f->right - f->left) * SAYS;
    const uint32_t first = y - f->top > f->radius ? y - f->radius : f->top;
    const uint32_t end = f->bottom - y > f->radius ? y + f->radius + 1U : f->bottom;
    if (first > f->top) {
        const int32_t *says = slot_of(f, first - 1U);
        for (size_t i = 0; i < count; i++) f->totals[i] -= says[i];
    }
    offcut__box_row(f->totals, SAYS, f->right - f->left, f->radius,
                    f->says_one * (float)(end - first), f->means);
}

/* The next rows; true with the last. What all windows around a pixel say is known radius rows
 * later, and another row later no window needs its old alpha any more. */
static bool fit_rows(fit *f) {
    const uint32_t height = f->guide->height, behind = f->radius + 1U;
    const uint32_t last = f->row + SLICE_PIXELS / f->guide->width + 1U;
    for (; f->row < height + behind && f->row < last; f->row++) {
        const bool inside = f->row >= f->top && f->row < f->bottom;
        if (inside) offcut__fit_windows_move(f, f->row);
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

/* Of windows: as far as their sums fit. */
static uint32_t radius_of(const fit *f, double cells) {
    const uint32_t radius = offcut__fit_radius(cells, f->cell);
    return radius < OFFCUT__FIT_RADIUS_MAX ? radius : OFFCUT__FIT_RADIUS_MAX;
}

static offcut_status alloc_rows(fit *f) {
    const uint32_t width = f->guide->width, height = f->guide->height;
    const size_t count = (size_t)width * height;
    /* From the row that leaves a window to the row that enters it. */
    const uint32_t needed = 2 * radius_of(f, OFFCUT__FIT_REACH_FIRST) + 2U;
    f->slots = needed < height ? needed : height;
    OFFCUT_TRY(offcut__alloc(f->ctx, width, SUMS * sizeof *f->columns, &f->columns));
    OFFCUT_TRY(offcut__alloc(f->ctx, width, SAYS * sizeof *f->totals, &f->totals));
    OFFCUT_TRY(offcut__alloc(f->ctx, width, SAYS * sizeof *f->means, &f->means));
    OFFCUT_TRY(offcut__alloc(f->ctx, (size_t)f->slots * width, SAYS * sizeof *f->says, &f->says));
    OFFCUT_TRY(offcut__alloc(f->ctx, count, 1, &f->weight));
    return offcut__alloc(f->ctx, count, sizeof *f->distance, &f->distance);
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
               .reach = (float)offcut__fit_radius(OFFCUT__BAND_REACH, cell)};
    const offcut_status status = alloc_rows(f);
    if (status != OFFCUT_OK) {
        offcut__fit_close(f);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        mask->data[i] = offcut__ramp(mask->data[i], OFFCUT__MASK_LOW, OFFCUT__MASK_HIGH);
    *result = f;
    return OFFCUT_OK;
}

/* There are two fits, of two phases each. */
offcut_status offcut__fit_step(offcut__fit *f, bool *done) {
    const double reach = f->phase < 2 ? OFFCUT__FIT_REACH_FIRST : OFFCUT__FIT_REACH_SECOND;
    *done = false;
    if (f->phase % 2 == 0) {
        f->radius = radius_of(f, reach);
        f->row = 0;
        OFFCUT_TRY(offcut__fit_band(f));
        offcut__fit_windows_begin(f);
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
