/* SPDX-License-Identifier: Apache-2.0
 * The native side of the decoder corpus: decodes each path given on stdin (one a line), as a job
 * does: a reduced pass, then a full one. Answers each with a line of tab-separated fields status
 * width height bits orientation bytes detail followed by that many bytes of pixels, RGBA, 16 bits
 * in the machine's order. Nothing stops it but the end of its input. `--damaged` decodes with
 * allow_truncated. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "offcut.h"

typedef struct picture {
    uint32_t width, height, bits, orientation;
    uint8_t *pixels;
    size_t size;
} picture;

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    if (!file) return NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        const long end = ftell(file);
        rewind(file);
        data = end >= 0 ? malloc((size_t)end + 1) : NULL;
        *size = data ? fread(data, 1, (size_t)end, file) : 0;
    }
    fclose(file);
    return data;
}

/* All rows of a pass into pixels; a few at a time, and not always as many. */
static offcut_status read_pass(offcut_decoder *decoder, uint32_t reduce, picture *result) {
    uint32_t width = 0, height = 0;
    offcut_status status = offcut_decoder_start(decoder, reduce, &width, &height);
    if (status != OFFCUT_OK) return status;
    const size_t stride = (size_t)width * result->bits / 2;
    result->size = stride * height;
    free(result->pixels);
    result->pixels = malloc(result->size);
    if (!result->pixels) return OFFCUT_ERR_MEMORY;
    for (uint32_t y = 0, count = 1; y < height && status == OFFCUT_OK; y += count) {
        count = y % 5 + 13;
        if (count > height - y) count = height - y;
        status = offcut_decoder_read(decoder, result->pixels + y * stride, count);
    }
    return status;
}

static offcut_status decode(offcut_ctx *ctx, const uint8_t *data, size_t size,
                            const offcut_options *options, picture *result) {
    offcut_decoder *decoder = NULL;
    offcut_status status = offcut_decoder_open(ctx, data, size, options, &decoder);
    if (status == OFFCUT_OK) {
        const offcut_info *info = offcut_decoder_info(decoder);
        result->width = info->width;
        result->height = info->height;
        result->bits = info->bits;
        result->orientation = info->orientation;
        status = read_pass(decoder, 8, result);
        if (status == OFFCUT_OK) status = read_pass(decoder, 1, result);
    }
    offcut_decoder_close(decoder);
    return status;
}

static const char *name_of(offcut_status status) {
    switch (status) {
#define STATUS_NAME(name, value, text) \
    case OFFCUT_##name: return #name;
        OFFCUT_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "?";
}

static void answer(const char *path, const offcut_options *options) {
    size_t size = 0;
    uint8_t *data = read_file(path, &size);
    picture result = {0};
    offcut_ctx *ctx = offcut_create();
    if (data && ctx) {
        /* A block of exactly the file's size, so that a sanitizer sees the first byte too many. */
        uint8_t *exact = malloc(size ? size : 1);
        if (exact) memcpy(exact, data, size);
        const offcut_status status =
            exact ? decode(ctx, exact, size, options, &result) : OFFCUT_ERR_MEMORY;
        if (status != OFFCUT_OK) result.size = 0;
        printf("%s\t%u\t%u\t%u\t%u\t%zu\t%s\n", name_of(status), result.width, result.height,
               result.bits, result.orientation, result.size,
               status == OFFCUT_OK ? "" : offcut_detail(ctx));
        if (result.size > 0) fwrite(result.pixels, 1, result.size, stdout);
        free(exact);
    } else {
        printf("UNREADABLE\t0\t0\t0\t0\t0\tcannot read the file\n");
    }
    fflush(stdout);
    free(result.pixels);
    offcut_free(ctx);
    free(data);
}

int main(int argc, char **argv) {
    offcut_options options = offcut_options_default();
    options.allow_truncated = argc > 1 && strcmp(argv[1], "--damaged") == 0;
    static char path[65536];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        answer(path, &options);
    }
    return 0;
}
