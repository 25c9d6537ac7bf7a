/* SPDX-License-Identifier: Apache-2.0
 * The network inside the command: the WASI build has one, others are told by --model. */
#ifndef OFFCUT_CLI_MODEL_H
#define OFFCUT_CLI_MODEL_H

#include <stdbool.h>

#include "../offcut.h"

/* *onnx stays the program's: it is not to be freed. False if there is none inside. */
bool model_inside(offcut_buffer *onnx, offcut_input *input);

#endif
