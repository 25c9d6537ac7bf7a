/* SPDX-License-Identifier: Apache-2.0
 * libFuzzer: any bytes as a network, loaded and, where that is little work, run. */
#include <stdlib.h>

#include "offcut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(offcut_ctx *ctx, offcut_model *model) {
    const offcut_input *input = offcut_model_input(model);
    float *picture = calloc((size_t)3 * input->width * input->height, sizeof *picture);
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    if (picture) (void)offcut_network_run(ctx, model, picture, &mask, &width, &height);
    free(picture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    offcut_ctx *ctx = offcut_create();
    offcut_input input = offcut_input_default();
    offcut_model *model = NULL;
    input.activation = (offcut_activation)(size % 3);
    if (offcut_model_load(ctx, data, size, &input, &model) == OFFCUT_OK &&
        offcut_model_multiply_adds(model) < 1e8)
        run(ctx, model);
    offcut_model_free(model);
    offcut_free(ctx);
    return 0;
}
