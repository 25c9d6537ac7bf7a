/* SPDX-License-Identifier: Apache-2.0
 * Networks by several threads: the same bytes with any number of them (this runs under the thread
 * sanitizer). */
#include "nn/network.h"
#include "nn_check.h"

enum { SIDE = 320, PIXELS = SIDE * SIDE };

static float picture[3 * PIXELS];

/* A file's bytes, for free(); NULL if there is none. */
static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size + 1);
    if (data && fread(data, 1, *size, file) != *size) exit(2);
    fclose(file);
    return data;
}

static offcut_model *load(offcut_ctx *ctx, const char *path) {
    size_t size = 0;
    uint8_t *onnx = read_file(path, &size);
    if (!onnx) return NULL;
    offcut_model *model = NULL;
    CHECKF(offcut_model_load(ctx, onnx, size, NULL, &model) == OFFCUT_OK, "%s: %s", path,
           offcut_detail(ctx));
    free(onnx);
    return model;
}

static void run(offcut_ctx *ctx, offcut_model *model, float *result) {
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    CHECKF(offcut_network_run(ctx, model, picture, &mask, &width, &height) == OFFCUT_OK, "%s",
           offcut_detail(ctx));
    CHECK(width > 1 && width <= SIDE && height > 1 && height <= SIDE);
    memset(result, 0, PIXELS * sizeof *result);
    if (mask) memcpy(result, mask, (size_t)width * height * sizeof *result);
}

static void test_same_bytes(const char *path) {
    static float alone[PIXELS], together[PIXELS];
    static const uint32_t counts[] = {2, 5, 1};
    offcut_ctx *ctx = offcut_create();
    offcut_model *model = load(ctx, path);
    if (model) {
        run(ctx, model, alone);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            CHECK(offcut_threads_set(ctx, counts[i]) == OFFCUT_OK);
            run(ctx, model, together);
            CHECKF(memcmp(alone, together, sizeof alone) == 0, "%s, %u threads", path, counts[i]);
        }
    } else {
        printf("not there: %s\n", path);
    }
    offcut_model_free(model);
    offcut_free(ctx);
}

/* Left in the middle, with other threads than it was begun with, and ended by the context. */
static void test_middle(void) {
    offcut_ctx *ctx = offcut_create();
    offcut_model *model = load(ctx, "models/default.onnx");
    bool done = false;
    CHECK(offcut_threads_set(ctx, 1) == OFFCUT_OK); /* with two, a step may be all */
    CHECK(offcut__network_begin(ctx, model, picture) == OFFCUT_OK);
    CHECK(offcut__network_step(ctx, model, &done) == OFFCUT_OK && !done);
    CHECK(offcut_threads_set(ctx, 4) == OFFCUT_OK); /* more than there is scratch for */
    CHECK(offcut__network_step(ctx, model, &done) == OFFCUT_OK);
    offcut__network_end(model);
    CHECK(offcut__network_begin(ctx, model, picture) == OFFCUT_OK);
    CHECK(offcut__network_step(ctx, model, &done) == OFFCUT_OK);
    offcut_model_free(model);
    offcut_free(ctx);
}

static void test_arguments(void) {
    offcut_ctx *ctx = offcut_create();
    CHECK(offcut_threads_set(NULL, 1) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_threads_set(ctx, 0) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_threads_set(ctx, OFFCUT_THREADS_MAX + 1) == OFFCUT_ERR_ARGUMENT);
    CHECK(strstr(offcut_detail(ctx), "received 17") != NULL);
    CHECK(offcut_threads_set(ctx, OFFCUT_THREADS_MAX) == OFFCUT_OK);
    CHECK(offcut_threads_set(ctx, 1) == OFFCUT_OK);
    offcut_free(ctx);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    const offcut_status status = offcut_threads_set(ctx, 2);
    offcut_free(ctx);
    if (status == OFFCUT_ERR_UNSUPPORTED) return check_skip("a build without threads");
    for (int i = 0; i < 3 * PIXELS; i++) picture[i] = check_float() * 0.5f + 0.5f;
    test_arguments();
    test_same_bytes("models/default.onnx");
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) /* minutes */
    test_same_bytes("../shared/models/u2netp.onnx");
#endif
    test_middle();
    return check_done();
}
