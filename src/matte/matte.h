/* SPDX-License-Identifier: Apache-2.0
 * From the network's mask to the alpha matte and freed colours of the full picture.
 *
 * Refinement: He & Sun, "Fast Guided Filter", 2015: linear coefficients (a, b) of alpha = a . I + b
 * at the guide's size, enlarged row by row. Foreground: Forte, "Approximate Fast Foreground Colour
 * Estimation", ICIP 2021. */
#ifndef OFFCUT_MATTE_MATTE_H
#define OFFCUT_MATTE_MATTE_H

#include "../image/resample.h"

typedef struct offcut__matte offcut__matte;

/* The long side of the guide picture for a picture of width x height; the short side follows in
 * proportion, at least 1. Never more than the picture itself. */
void offcut__matte_guide_size(uint32_t width, uint32_t height, uint32_t *guide_width,
                              uint32_t *guide_height);

/* The smallest box around what is above edge in a mask of one plane, without whatever hangs
 * together in fewer pixels than this share of the largest such part. */
offcut_status offcut__mask_bounds(offcut_ctx *ctx, const offcut__planes *mask, float edge,
                                  float least, offcut__box *bounds);

/* guide: the picture, R, G, B in 0..1, upright; mask: one plane, 0..1, upright, of any size. Both
 * are borrowed until the last step. width, height: of the full picture. refine false: alpha is the
 * mask enlarged and colours stay. *matte is the caller's, also unfinished. */
offcut_status offcut__matte_open(offcut_ctx *ctx, const offcut__planes *guide,
                                 const offcut__planes *mask, uint32_t width, uint32_t height,
                                 bool refine, offcut__matte **matte);

/* Some milliseconds of work; *done turns true with the last step, before which there are no rows.
 */
offcut_status offcut__matte_step(offcut__matte *matte, bool *done);

void offcut__matte_free(offcut__matte *matte);

/* Row y (upright) in place: RGBA of 8 or 16 bits becomes the cut-out's row: alpha = matte x input
 * alpha, colours freed of the background, all zero where alpha is zero. Rows may come in any order;
 * ascending is fastest. */
void offcut__matte_row(offcut__matte *matte, uint32_t y, uint32_t bits, uint8_t *row);

#endif
