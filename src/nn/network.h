/* SPDX-License-Identifier: Apache-2.0
 * What the pipeline needs of the engine: a loaded network run step by step. Loading:
 * offcut_model_load(). */
#ifndef OFFCUT_NN_NETWORK_H
#define OFFCUT_NN_NETWORK_H

#include "../base/memory.h"

/* Width and height of the inputs that a network runs at where its own size is free, a square first.
 */
#define OFFCUT__SIZES 5u
extern const uint32_t offcut__sizes[OFFCUT__SIZES][2];
/* Which of them has the shape nearest to that of a picture. */
uint32_t offcut__size_for(uint32_t width, uint32_t height);
/* Whether the model has programs for all of them. */
bool offcut__network_is_free(const offcut_model *model);

/* Begins a run on input [1, 3, height, width] (borrowed for this call); allocates the arena for the
 * run. ERR_STATE when another run is under way on this model. */
offcut_status offcut__network_begin(offcut_ctx *ctx, offcut_model *model, const float *input);

/* Runs the next node or part of one (some milliseconds); *done turns true with the last. */
offcut_status offcut__network_step(offcut_ctx *ctx, offcut_model *model, bool *done);

float offcut__network_fraction(const offcut_model *model); /* 0..1, by multiply-adds */

/* After the last step: the mask, [height, width] after the activation; owned by the model until
 * end. */
const float *offcut__network_mask(const offcut_model *model, uint32_t *width, uint32_t *height);

/* Ends the run, finished or not, and frees the arena. Legal at any time. */
void offcut__network_end(offcut_model *model);

#endif
