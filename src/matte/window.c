/* SPDX-License-Identifier: Apache-2.0
 * What windows say: their weighted sums, and the lines that fit them best. */
#include <string.h>

#include "fit.h"

/* What one pixel adds to a sum at most: its weight is up to 1.05 SURE. */
#define TERM_MOST (1.05 * OFFCUT__FIT_SURE * OFFCUT__FIT_MIDDLE * OFFCUT__FIT_MIDDLE)
/* Nor does a window say more than that of anything: see fixed(). */
#define SAYS_MOST 16.0f

enum { VECTORS = SUMS / 4 };

/* ---- sums ---- */

static double area_of(const offcut__fit *f) {
    const double side = 2.0 * f->radius + 1;
    return side * side;
}

/* By how many bits products are shortened for their sums to fit. */
static int shift_of(const offcut__fit *f) {
    int shift = 0;
    for (double most = area_of(f) * (TERM_MOST + 1); most > INT32_MAX; most /= 2) shift++;
    return shift;
}

void offcut__fit_windows_begin(offcut__fit *f) {
    const uint32_t width = f->guide->width;
    f->says_one = offcut__box_one(area_of(f), SAYS_MOST);
    memset(f->columns, 0, (size_t)SUMS * sizeof *f->columns * width);
    memset(f->totals, 0, (size_t)SAYS * sizeof *f->totals * width);
}

/* R, G, B and alpha of pixel i. */
OFFCUT__INLINE i32x4 values_of(const offcut__fit *f, size_t i) {
    const size_t plane = (size_t)f->guide->width * f->guide->height;
    const float *red = f->guide->data + i;
    const f32x4 values = {red[0], red[plane], red[2 * plane], f->alpha->data[i]};
    return i32x4_from_f32(values * f32x4_splat(OFFCUT__FIT_ONE) + f32x4_splat(0.5f)) -
           OFFCUT__FIT_MIDDLE;
}

/* What pixel i adds to the sums of a window. */
OFFCUT__INLINE void weigh(const offcut__fit *f, size_t i, int shift, i32x4 terms[VECTORS]) {
    const int32_t weight = f->weight[i];
    const i32x4 q = values_of(f, i), half = (i32x4){0} + (1 << shift >> 1);
    const i32x4 wq = q * weight, only_w = {0, 0, -1, 0};
    const i32x4 by_r = (i32x4){wq[0], wq[0], wq[0], wq[0]} * q;
    const i32x4 by_g = (i32x4){wq[1], wq[1], wq[1], wq[3]} * (i32x4){q[1], q[2], q[3], q[3]};
    const i32x4 by_b = (i32x4){wq[2], wq[2], wq[2], wq[2]} * (i32x4){q[2], q[3], q[2], q[2]};
    terms[0] = wq;
    terms[1] = (by_r + half) >> shift;
    terms[2] = (by_g + half) >> shift;
    terms[3] = (((by_b + half) >> shift) & (i32x4){-1, -1, 0, 0}) | (only_w & weight);
}

/* Takes row `in` into the column sums and row `out` away from them; rows that are none add nothing.
 */
static void move_down(const offcut__fit *f, uint32_t in, uint32_t out) {
    const size_t width = f->guide->width, height = f->guide->height;
    const size_t first = f->left > f->radius ? f->left - f->radius : 0;
    const size_t end = width - f->right > f->radius ? f->right + f->radius : width;
    const int shift = shift_of(f);
    int32_t *s = f->columns + SUMS * first;
    i32x4 more[VECTORS] = {0}, less[VECTORS] = {0};
    for (size_t x = first; x < end; x++, s += SUMS) {
        if (in < height) weigh(f, in * width + x, shift, more);
        if (out < height) weigh(f, out * width + x, shift, less);
        for (ptrdiff_t i = 0; i < VECTORS; i++)
            i32x4_store(s + 4 * i, i32x4_load(s + 4 * i) + more[i] - less[i]);
    }
}

void offcut__fit_windows_move(const offcut__fit *f, uint32_t y) {
    const uint32_t radius = f->radius;
    for (uint32_t i = y > radius ? y - radius : 0; y == f->top && i < y + radius; i++)
        move_down(f, i, UINT32_MAX);
    const bool leaves = y > f->top && y > radius;
    move_down(f, y + radius, leaves ? y - radius - 1U : UINT32_MAX);
}

/* ---- the fit ---- */

/* In units of 1 / one, rounded. */
OFFCUT__INLINE i32x4 fixed(f32x4 value, f32x4 one) {
    return i32x4_nearest(f32x4_clamp(value, -SAYS_MOST, SAYS_MOST) * one);
}

/* Covariances of R, G, B with each other and with alpha, in units of 1 / ONE. */
typedef struct covariances {
    f32x4 rr, rg, rb, gg, gb, bb, rp, gp, bp;
} covariances;

/* Solves (covariance + epsilon) a = covariance with alpha by L D L^T; epsilon keeps D above it. */
OFFCUT__INLINE void solve(const covariances *c, f32x4 a[3]) {
    const f32x4 one = f32x4_splat(1.0f);
    const f32x4 d_r = one / c->rr, l_g = c->rg * d_r, l_b = c->rb * d_r;
    const f32x4 d_g = one / (c->gg - l_g * c->rg), gb = c->gb - l_g * c->rb, m_b = gb * d_g;
    const f32x4 d_b = one / (c->bb - l_b * c->rb - m_b * gb);
    const f32x4 gp = c->gp - l_g * c->rp, bp = c->bp - l_b * c->rp - m_b * gp;
    a[2] = bp * d_b;
    a[1] = gp * d_g - m_b * a[2];
    a[0] = c->rp * d_r - l_g * a[1] - l_b * a[2];
}

/* Four windows side by side; those that are not near say nothing. */
OFFCUT__INLINE void fit_four(i32x4 sums[4][VECTORS], i32x4 near, int shift, float says_one,
                             int32_t says[4 * SAYS]) {
    const f32x4 epsilon =
        f32x4_splat((float)(OFFCUT__FIT_EPSILON * OFFCUT__FIT_ONE * OFFCUT__FIT_ONE));
    const f32x4 unit = f32x4_splat(1.0f / OFFCUT__FIT_ONE);
    const f32x4 middle = f32x4_splat(OFFCUT__FIT_MIDDLE);
    f32x4 s[SUMS];
    OFFCUT__UNROLL
    for (int i = 0; i < VECTORS; i++) {
        f32x4 *v = s + 4 * i;
        OFFCUT__UNROLL
        for (int k = 0; k < 4; k++) v[k] = f32x4_from_i32(sums[k][i]);
        f32x4_transpose(v);
    }
    const f32x4 n = f32x4_splat(1.0f) / s[W], products = n * f32x4_splat((float)(1 << shift));
    const f32x4 r = s[WR] * n, g = s[WG] * n, b = s[WB] * n, p = s[WP] * n;
    const covariances c = {.rr = s[WRR] * products - r * r + epsilon,
                           .rg = s[WRG] * products - r * g,
                           .rb = s[WRB] * products - r * b,
                           .gg = s[WGG] * products - g * g + epsilon,
                           .gb = s[WGB] * products - g * b,
                           .bb = s[WBB] * products - b * b + epsilon,
                           .rp = s[WRP] * products - r * p,
                           .gp = s[WGP] * products - g * p,
                           .bp = s[WBP] * products - b * p};
    f32x4 a[3];
    solve(&c, a);
    const f32x4 explained = (a[0] * c.rp + a[1] * c.gp + a[2] * c.bp) * (unit * unit);
    const f32x4 counts = explained + f32x4_splat((float)OFFCUT__FIT_WINDOW_LEAST);
    const f32x4 offset =
        (p + middle - a[0] * (r + middle) - a[1] * (g + middle) - a[2] * (b + middle)) * unit;
    const f32x4 one = f32x4_splat(says_one);
    f32x4 lines[4] = {a[0] * counts, a[1] * counts, a[2] * counts, offset * counts};
    f32x4 worth[4] = {counts, explained, (s[WPP] * products - p * p) * (unit * unit), {0}};
    f32x4_transpose(lines);
    f32x4_transpose(worth);
    OFFCUT__UNROLL
    for (ptrdiff_t k = 0; k < 4; k++) {
        i32x4_store(says + k * SAYS, fixed(lines[k], one) & near[k]);
        i32x4_store(says + k * SAYS + 4, fixed(worth[k], one) & near[k]);
    }
}

/* The windows around left, left + 1 and so on, one after the other. */
typedef struct slide {
    const offcut__fit *f;
    uint32_t x;
    i32x4 sums[VECTORS];
} slide;

OFFCUT__INLINE void take(slide *s, uint32_t x, const int32_t sign) {
    const int32_t *column = s->f->columns + SUMS * (size_t)x;
    OFFCUT__UNROLL
    for (ptrdiff_t i = 0; i < VECTORS; i++) s->sums[i] += i32x4_load(column + 4 * i) * sign;
}

static slide slide_begin(const offcut__fit *f) {
    slide s = {.f = f, .x = f->left};
    const uint32_t radius = f->radius, width = f->guide->width;
    for (uint32_t x = s.x > radius ? s.x - radius : 0; x < width && x < s.x + radius; x++)
        take(&s, x, 1);
    return s;
}

/* The sums of the next window. */
OFFCUT__INLINE void slide_next(slide *s, i32x4 sums[VECTORS]) {
    const uint32_t radius = s->f->radius;
    if (s->x + radius < s->f->guide->width) take(s, s->x + radius, 1);
    OFFCUT__UNROLL
    for (int i = 0; i < VECTORS; i++) sums[i] = s->sums[i];
    if (s->x >= radius) take(s, s->x - radius, -1);
    s->x++;
}

void offcut__fit_windows_say(const offcut__fit *f, uint32_t y, int32_t *says) {
    const float *distance = f->distance + (size_t)y * f->guide->width;
    const float far = offcut__fit_far(f);
    const int shift = shift_of(f);
    slide s = slide_begin(f);
    for (uint32_t x = f->left; x < f->right; x += 4, says += (ptrdiff_t)4 * SAYS) {
        const uint32_t count = f->right - x < 4 ? f->right - x : 4;
        i32x4 sums[4][VECTORS] = {0}, near = {0};
        int32_t four[4 * SAYS] = {0};
        for (uint32_t k = 0; k < count; k++) {
            slide_next(&s, sums[k]);
            near[k] = distance[x + k] < far ? -1 : 0;
        }
        for (uint32_t k = count; k < 4; k++) memcpy(sums[k], sums[0], sizeof sums[0]);
        if (near[0] | near[1] | near[2] | near[3]) fit_four(sums, near, shift, f->says_one, four);
        memcpy(says, four, count * SAYS * sizeof *says);
    }
}
