/* SPDX-License-Identifier: Apache-2.0
 * The local linear fit of the guided filter, weighted: alpha = a . (R, G, B) + b in every window,
 * where pixels whose membership is certain count fully and those near the mask's edge less. So the
 * colours of the two sides decide where the edge is, not the network's idea of it, which is off by
 * a pixel of its coarse mask or two. A window counts as much as it explains (weighted aggregation),
 * and where colours explain nothing the mask keeps its own edge instead of a blur.
 *
 * Sums over windows come from column sums that move down row by row, and so do the means of what
 * the windows say, some rows behind: neither is ever stored for the whole picture. All of them are
 * whole numbers, so that what is added comes off again without a trace. */
#ifndef OFFCUT_MATTE_FIT_H
#define OFFCUT_MATTE_FIT_H

#include "../base/simd.h"
#include "parts.h"

/* Sums over a window, weighted by w: R, G, B and alpha (P), their products, and w. */
enum { WR, WG, WB, WP, WRR, WRG, WRB, WRP, WGG, WGB, WGP, WPP, WBB, WBP, W, NOTHING, SUMS };

/* What a window says, times how much it counts; that; and alpha's variance in it, explained and
 * whole. */
enum { A_R, A_G, A_B, B, COUNTS, EXPLAINED, VARIANCE, UNUSED, SAYS };

/* A value of 1, of which half is taken away; the weight of a pixel that is quite sure; and the
 * largest radius for which WR to WP then fit in 32 bits. */
#define OFFCUT__FIT_ONE 1023
#define OFFCUT__FIT_MIDDLE 512
#define OFFCUT__FIT_SURE 100.0f
#define OFFCUT__FIT_RADIUS_MAX 99U

struct offcut__fit {
    offcut_ctx *ctx;
    offcut__matte *matte;
    const offcut__planes *guide;
    offcut__planes *alpha; /* what the mask says, then the last fit */
    double cell;
    float reach;                       /* how far from the mask's edge the fit counts, pixels */
    uint32_t radius;                   /* of the windows of this fit */
    uint32_t left, top, right, bottom; /* what lies near the edge is in here */
    uint8_t *weight;                   /* how much alpha is believed, 1 is SURE */
    float *distance;                   /* to the mask's edge, pixels */
    int32_t *columns;                  /* SUMS a column of the picture */
    uint32_t slots;                    /* how many rows of the rectangle are kept in: */
    int32_t *says;                     /* SAYS a pixel, 1 is says_one */
    float says_one;
    int32_t *totals; /* their sums, SAYS a column */
    float *means;    /* of one row, SAYS a pixel */
    int phase;
    uint32_t row; /* of the picture: the next windows' */
};

static inline float offcut__ramp(float value, float low, float high) {
    const float t = (value - low) / (high - low);
    return t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
}

static inline uint32_t offcut__fit_radius(double cells, double cell) {
    const double radius = cells * cell + 0.5;
    return radius > 1.0 ? (uint32_t)radius : 1U;
}

/* As far from the edge a window may say something; steps across count sqrt 2 in a distance and 1 in
 * a radius. */
static inline float offcut__fit_far(const offcut__fit *f) {
    return f->reach + 1.5f * (float)f->radius;
}

/* band.c: weight, distance and rectangle from alpha. */
offcut_status offcut__fit_band(offcut__fit *f);

/* window.c: says_one for this radius, and no sums. */
void offcut__fit_windows_begin(offcut__fit *f);
/* Moves the column sums down to the windows of row y, from top on one by one. */
void offcut__fit_windows_move(const offcut__fit *f, uint32_t y);
/* What the windows of that row say, from left to right. */
void offcut__fit_windows_say(const offcut__fit *f, uint32_t y, int32_t *says);

#endif
