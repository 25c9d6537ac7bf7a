/* SPDX-License-Identifier: Apache-2.0
 * libFuzzer (CMake options OFFCUT_SANITIZE and OFFCUT_FUZZ, clang): any bytes through the decoders
 * as a job would, a reduced pass and a full one; the first bit of the size chooses whether damage
 * is allowed. */
#include <stdlib.h>

#include "offcut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pass(offcut_decoder *decoder, uint32_t reduce) {
    uint32_t width = 0, height = 0;
    if (offcut_decoder_start(decoder, reduce, &width, &height) != OFFCUT_OK) return;
    const size_t stride = (size_t)width * offcut_decoder_info(decoder)->bits / 2;
    uint8_t *rows = malloc(stride * 16);
    for (uint32_t y = 0; rows && y < height; y += 16) {
        const uint32_t left = height - y;
        if (offcut_decoder_read(decoder, rows, left < 16 ? left : 16) != OFFCUT_OK) break;
    }
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    offcut_ctx *ctx = offcut_create();
    offcut_options options = offcut_options_default();
    options.pixels_max = 2000000; /* the time is better spent on many inputs */
    options.allow_truncated = size & 1;
    offcut_decoder *decoder = NULL;
    if (offcut_decoder_open(ctx, data, size, &options, &decoder) == OFFCUT_OK) {
        read_pass(decoder, 8);
        read_pass(decoder, 1);
    }
    offcut_decoder_close(decoder);
    offcut_free(ctx);
    return 0;
}
