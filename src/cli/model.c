/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#ifdef OFFCUT_MODEL_FILE

#include "model_input.h"

static uint8_t file[] = {
#embed OFFCUT_MODEL_FILE
};

bool model_inside(offcut_buffer *onnx, offcut_input *input) {
    *onnx = (offcut_buffer){.data = file, .size = sizeof file};
    *input = (offcut_input)OFFCUT_MODEL_INPUT;
    return true;
}

#else

bool model_inside(offcut_buffer *onnx, offcut_input *input) {
    (void)onnx;
    (void)input;
    return false;
}

#endif
