/* SPDX-License-Identifier: Apache-2.0
 * The loss of train.py (loss_of) for one picture at one scale. */
#ifndef OFFCUT_TRAINING_LOSS_H
#define OFFCUT_TRAINING_LOSS_H

#include "kernels.h"

/* Cross entropy and soft IoU of the logits in the map's first channel, whose gradient is set.
 * truth 0..1 and weight >= 0 per pixel [height][width]; share: what the picture's loss counts. */
float mask_loss(const map *logits, const float *truth, const float *weight, float share);

#endif
