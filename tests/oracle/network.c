/* SPDX-License-Identifier: Apache-2.0
 * offcut-network MODEL WIDTH HEIGHT OUTPUT CHANNEL [RUNS] <INPUT >MASK
 * Runs a network on floats from standard input, [3, height, width], and writes "width height\n" and
 * the mask's floats. The oracle tests' way to the native engine; with RUNS it also says how long
 * the fastest took. */
#include "offcut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint8_t *read_file(FILE *file, size_t *size) {
    uint8_t *data = NULL;
    size_t capacity = 0;
    *size = 0;
    for (;;) {
        if (*size == capacity) {
            capacity = capacity ? capacity * 2 : 1 << 16;
            uint8_t *grown = realloc(data, capacity);
            if (!grown) break;
            data = grown;
        }
        const size_t got = fread(data + *size, 1, capacity - *size, file);
        if (got == 0) return data;
        *size += got;
    }
    free(data);
    return NULL;
}

static double seconds(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int run(offcut_ctx *ctx, offcut_model *model, const float *input, int runs) {
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    double best = 1e9;
    for (int i = 0; i < runs; i++) {
        const double start = seconds();
        if (offcut_network_run(ctx, model, input, &mask, &width, &height) != OFFCUT_OK) return 1;
        const double taken = seconds() - start;
        if (taken < best) best = taken;
    }
    if (runs > 1) fprintf(stderr, "%.2f ms\n", best * 1e3);
    printf("%u %u\n", width, height);
    return fwrite(mask, sizeof *mask, (size_t)width * height, stdout) == (size_t)width * height ? 0
                                                                                                : 1;
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    offcut_ctx *ctx = offcut_create();
    offcut_model *model = NULL;
    size_t model_size = 0, input_size = 0;
    FILE *file = fopen(argv[1], "rb");
    uint8_t *onnx = file ? read_file(file, &model_size) : NULL;
    uint8_t *input = read_file(stdin, &input_size);
    if (file) fclose(file);
    offcut_input settings = offcut_input_default();
    settings.width = (uint32_t)atoi(argv[2]);
    settings.height = (uint32_t)atoi(argv[3]);
    settings.output = (uint32_t)atoi(argv[4]);
    settings.channel = (uint32_t)atoi(argv[5]);
    int result = 1;
    if (onnx && offcut_model_load(ctx, onnx, model_size, &settings, &model) == OFFCUT_OK) {
        const offcut_input *resolved = offcut_model_input(model);
        if (input && input_size == (size_t)3 * resolved->width * resolved->height * sizeof(float))
            result = run(ctx, model, (const float *)(void *)input, argc > 6 ? atoi(argv[6]) : 1);
        else
            fprintf(stderr, "the input has %zu bytes\n", input_size);
    }
    if (result != 0) fprintf(stderr, "%s\n", offcut_detail(ctx));
    offcut_model_free(model);
    offcut_free(ctx);
    free(onnx);
    free(input);
    return result;
}
