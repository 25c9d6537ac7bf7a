/* SPDX-License-Identifier: Apache-2.0
 * Streaming resize of decoder rows to a small float picture: area average where it shrinks,
 * bilinear (half-pixel centres) where it grows. Holds one accumulator row set, never the source. */
#ifndef OFFCUT_IMAGE_RESAMPLE_H
#define OFFCUT_IMAGE_RESAMPLE_H

#include "../base/memory.h"

/* A float picture, planar: [planes][height][width]; owned by whoever holds the struct. */
typedef struct offcut__planes {
    uint32_t planes, width, height;
    float *data;
} offcut__planes;

offcut_status offcut__planes_alloc(offcut_ctx *ctx, uint32_t planes, uint32_t width,
                                   uint32_t height, offcut__planes *result);
void offcut__planes_free(offcut__planes *planes);

/* A part of a picture in its pixels; no width: none. */
typedef struct offcut__box {
    uint32_t left, top, width, height;
} offcut__box;

/* That part, which lies inside the picture, mirrored left to right or not; *result is the caller's.
 */
offcut_status offcut__planes_crop(offcut_ctx *ctx, const offcut__planes *picture,
                                  const offcut__box *part, bool mirrored, offcut__planes *result);

/* Applies an EXIF orientation (1..8): *picture becomes upright, sides swapped for 5..8. */
offcut_status offcut__planes_orient(offcut_ctx *ctx, offcut__planes *picture, uint32_t orientation);

typedef struct offcut__resampler offcut__resampler;

/* Source rows are RGBA of 8 or 16 bits (machine order), width x height; the result is R, G, B in
 * 0..1 of out_width x out_height, where transparent pixels count as white in proportion (the
 * network has no alpha). */
offcut_status offcut__resampler_open(offcut_ctx *ctx, uint32_t width, uint32_t height,
                                     uint32_t bits, uint32_t out_width, uint32_t out_height,
                                     offcut__resampler **resampler);
void offcut__resampler_row(offcut__resampler *resampler,
                           const uint8_t *row); /* height times, top to bottom */
/* After the last row: moves the picture to *result, which the caller frees. */
void offcut__resampler_take(offcut__resampler *resampler, offcut__planes *result);
void offcut__resampler_close(offcut__resampler *resampler);

#endif
