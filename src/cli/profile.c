/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 7 };

typedef struct line {
    char name[64];
    double seconds, multiply_adds;
} line;

typedef struct table {
    line *lines;
    size_t count, capacity, next;
} table;

static double now(void *user) {
    (void)user;
    struct timespec time = {0};
    (void)timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void record(void *user, const char *name, double seconds, double multiply_adds) {
    table *t = user;
    if (t->next == t->count) { /* the first run */
        if (t->count == t->capacity) {
            const size_t capacity = t->capacity ? t->capacity * 2 : 64;
            line *grown = realloc(t->lines, capacity * sizeof *grown);
            if (!grown) return;
            t->lines = grown;
            t->capacity = capacity;
        }
        line *added = &t->lines[t->count++];
        *added = (line){.seconds = seconds, .multiply_adds = multiply_adds};
        snprintf(added->name, sizeof added->name, "%s", name);
    }
    line *l = &t->lines[t->next++];
    if (seconds < l->seconds) l->seconds = seconds;
}

static void print_line(const char *name, double seconds, double multiply_adds) {
    fprintf(stderr, "%9.3f ms ", seconds * 1e3);
    if (multiply_adds > 0 && seconds > 0)
        fprintf(stderr, "%7.1f GMAC/s  %s\n", multiply_adds / seconds * 1e-9, name);
    else
        fprintf(stderr, "%15s %s\n", "", name);
}

offcut_status profile_print(offcut_ctx *ctx, offcut_model *model) {
    const offcut_input *input = offcut_model_input(model);
    table t = {NULL, 0, 0, 0};
    const offcut_profile profile = {now, record, &t};
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    double seconds = 0, multiply_adds = 0;
    float *picture = calloc((size_t)3 * input->width * input->height, sizeof *picture);
    if (!picture) return OFFCUT_ERR_MEMORY;
    offcut_model_profile(model, &profile);
    offcut_status status = OFFCUT_OK;
    for (int i = 0; i < RUNS && status == OFFCUT_OK; i++) {
        t.next = 0;
        status = offcut_network_run(ctx, model, picture, &mask, &width, &height);
    }
    offcut_model_profile(model, NULL);
    for (size_t i = 0; i < t.count && status == OFFCUT_OK; i++) {
        print_line(t.lines[i].name, t.lines[i].seconds, t.lines[i].multiply_adds);
        seconds += t.lines[i].seconds;
        multiply_adds += t.lines[i].multiply_adds;
    }
    if (status == OFFCUT_OK) print_line("in all", seconds, multiply_adds);
    free(t.lines);
    free(picture);
    return status;
}
