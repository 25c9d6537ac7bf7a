/* SPDX-License-Identifier: Apache-2.0
 * The steps of the matte and what they share. */
#ifndef OFFCUT_MATTE_PARTS_H
#define OFFCUT_MATTE_PARTS_H

#include "../image/resize.h"
#include "matte.h"
#include "tuning.h"

/* Whether alpha can be anything but 0 or 1 around a guide pixel. */
enum { OFFCUT__SURE_OUT = 0, OFFCUT__UNSURE = 1, OFFCUT__SURE_IN = 2 };

/* Coefficients are stored in 16 bits: steps of 1 / 1024, -32 to 32. */
#define OFFCUT__COEFFICIENT_ONE 1024.0f

typedef struct offcut__fit offcut__fit;
typedef struct offcut__colours offcut__colours;

/* What only the making of a matte needs. */
typedef struct offcut__making {
    const offcut__planes *guide, *mask; /* borrowed */
    offcut__planes alpha;               /* at the guide's size */
    offcut__fit *fit;
    offcut__colours *colours;
    int phase;
} offcut__making;

struct offcut__matte {
    offcut_ctx *ctx;
    offcut__making *making; /* NULL once it is made */
    uint32_t width, height; /* of the full picture */
    bool refine;
    uint32_t guide_width, guide_height;

    /* refine: alpha = a . (R, G, B) + b, four numbers a pixel of the guide; `sure` says where that
     * is not needed. */
    int16_t *coefficients;
    uint8_t *sure;
    /* refine: local foreground and background, F then B, 8 bytes a pixel (the 4th and 8th unused).
     */
    uint32_t colour_width, colour_height;
    uint8_t *colours;
    /* not refine: the mask, 65535 = 1, at guide size. */
    uint16_t *mask;

    /* One row at guide size, interpolated for `line_y`: coefficients (or the mask), then colours.
     */
    uint32_t line_y;    /* UINT32_MAX: none yet */
    float *line;        /* 4 floats a guide pixel; without refine 1 */
    float *colour_line; /* 8 floats a colour pixel */
    uint8_t *sure_line; /* one a guide pixel */
};

/* mask.c: what is no subject becomes CLEARED: connected pixels above edge that nowhere reach a
 * confidence of COMPONENT_FLOOR, or of this share of the surest pixel's. */
#define OFFCUT__CLEARED (-1.0f)
offcut_status offcut__mask_clean(offcut_ctx *ctx, offcut__planes *mask, float edge, float share);

/* matte.c: the size of a picture whose long side is to be `most` at most; both stay at least 1. */
void offcut__size_within(uint32_t most, uint32_t *width, uint32_t *height);

/* odds.c: a mask of the guide's size, by the colours of what it is sure of. */
offcut_status offcut__odds_by_colour(offcut_ctx *ctx, const offcut__planes *guide,
                                     offcut__planes *mask);

/* box.c: the mean of the window of 2 radius + 1 around each pixel (what of it lies in the picture),
 * in place. `lanes` values a pixel, side by side, of -4 to 4: 1 or 8. */
offcut_status offcut__box_mean(offcut_ctx *ctx, float *data, uint32_t lanes, uint32_t width,
                               uint32_t height, uint32_t radius);

/* box.c: what 1 may be, a power of two, for sums of count values of at most `most` to fit in 32
 * bits. */
float offcut__box_one(double count, double most);

/* box.c: one row of them, given the sums over its windows in each column, and what a mean of 1 is
 * in these. */
void offcut__box_row(const int32_t *columns, uint32_t lanes, uint32_t width, uint32_t radius,
                     float one, float *means);

/* guided.c: fills matte->coefficients and matte->sure, and replaces *mask by the refined alpha at
 * the guide's size. cell: the size of a pixel of the original mask, in pixels of the guide, at
 * least 1. guide, mask and matte are borrowed until close. A step takes some milliseconds; *done
 * turns true with the last. */
offcut_status offcut__fit_open(offcut_ctx *ctx, const offcut__planes *guide, offcut__planes *mask,
                               double cell, offcut__matte *matte, offcut__fit **fit);
offcut_status offcut__fit_step(offcut__fit *fit, bool *done);
void offcut__fit_close(offcut__fit *fit);

/* foreground.c: fills matte->colours from the guide and its alpha, which are borrowed by open; the
 * matte until close. */
offcut_status offcut__colours_open(offcut_ctx *ctx, const offcut__planes *guide,
                                   const offcut__planes *alpha, offcut__matte *matte,
                                   offcut__colours **colours);
offcut_status offcut__colours_step(offcut__colours *colours, bool *done);
void offcut__colours_close(offcut__colours *colours);

/* The last step of alpha, everywhere: what is nearly out is out, what is nearly in is in. */
static inline float offcut__snap(float alpha) {
    const float t = (alpha - OFFCUT__SNAP_LOW) * (1.0f / (OFFCUT__SNAP_HIGH - OFFCUT__SNAP_LOW));
    return t > 0.0f ? (t < 1.0f ? t : 1.0f) : 0.0f;
}

/* A pixel is not quite alpha F + (1 - alpha) B with the local means F and B. What is left goes to
 * both by least squares, F + alpha d and B + (1 - alpha) d: this is d for a rest of 1. A little is
 * held back where both have a part (the exact solution would be COLOUR_TRUST 2), nothing at the
 * ends, where the pixel itself is F or B. */
static inline float offcut__share(float alpha) {
    return 1.0f / (1.0f - OFFCUT__COLOUR_TRUST * alpha * (1.0f - alpha));
}

#endif
