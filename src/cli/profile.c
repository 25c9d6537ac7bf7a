/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 7 };

static double now(void) {
    struct timespec time = {0};
    (void)timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* One run; seconds[i] becomes the least of what operation i has taken. */
static offcut_status measure(offcut_ctx *ctx, offcut_model *model, const float *picture,
                             double *seconds) {
    for (uint32_t i = 0; i < offcut_model_operations(model); i++) {
        const double start = now();
        const offcut_status status = offcut_operation_run(ctx, model, i, picture);
        if (status != OFFCUT_OK) return status;
        const double taken = now() - start;
        if (taken < seconds[i]) seconds[i] = taken;
    }
    return OFFCUT_OK;
}

static void print_line(const char *name, double seconds, double multiply_adds) {
    fprintf(stderr, "%9.3f ms ", seconds * 1e3);
    if (multiply_adds > 0 && seconds > 0)
        fprintf(stderr, "%7.1f GMAC/s  %s\n", multiply_adds / seconds * 1e-9, name);
    else
        fprintf(stderr, "%15s %s\n", "", name);
}

static void print_all(const offcut_model *model, const double *seconds) {
    double sum = 0;
    for (uint32_t i = 0; i < offcut_model_operations(model); i++) {
        print_line(offcut_operation_name(model, i), seconds[i],
                   offcut_operation_multiply_adds(model, i));
        sum += seconds[i];
    }
    print_line("in all", sum, offcut_model_multiply_adds(model));
}

offcut_status profile_print(offcut_ctx *ctx, offcut_model *model) {
    const offcut_input *input = offcut_model_input(model);
    const uint32_t count = offcut_model_operations(model);
    float *picture = calloc((size_t)3 * input->width * input->height, sizeof *picture);
    double *seconds = calloc(count + (size_t)1, sizeof *seconds);
    offcut_status status = picture && seconds ? OFFCUT_OK : OFFCUT_ERR_MEMORY;
    for (uint32_t i = 0; i < count && seconds; i++) seconds[i] = DBL_MAX;
    for (int i = 0; i < RUNS && status == OFFCUT_OK; i++)
        status = measure(ctx, model, picture, seconds);
    if (status == OFFCUT_OK) print_all(model, seconds);
    free(seconds);
    free(picture);
    return status;
}
