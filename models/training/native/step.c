/* SPDX-License-Identifier: Apache-2.0
 * A network as a list of operations; forward, loss and backward for one picture.
 * Called by step.py through ctypes. */
#include "loss.h"
#include "products.h"

#include <stdlib.h>
#include <string.h>

typedef enum kind { CONVOLUTION, POOL, DOUBLE, SUM } kind;

typedef struct operation {
    int kind, convolution; /* number of the convolution; -1: none */
    int inputs[2], output; /* numbers of maps; -1: none */
    int relu;
    int add[2]; /* whether an input has a gradient already when this comes; set by tape_new() */
} operation;

/* The network for one size of pictures. Map 0 is the picture as the stem sees it: 4x4 patches. */
typedef struct tape {
    map *maps;
    operation *operations;
    convolution *convolutions; /* borrowed */
    int map_count, operation_count;
    void *scratch;
} tape;

static bool map_begin(map *m) {
    const size_t size = (map_size(m) * (size_t)m->channels * sizeof(bf16) + 63) / 64 * 64;
    for (int i = 0; i < 2; i++) {
        m->memory[i] = aligned_alloc(64, size);
        if (!m->memory[i]) return false;
        memset(m->memory[i], 0, size);
    }
    return true;
}

void tape_free(tape *t) {
    for (int i = 0; t && i < t->map_count; i++) {
        free(t->maps[i].memory[0]);
        free(t->maps[i].memory[1]);
    }
    if (!t) return;
    free(t->maps);
    free(t->operations);
    free(t->scratch);
    free(t);
}

static void find_additions(tape *t) {
    bool *has = calloc((size_t)t->map_count, sizeof *has);
    for (int i = t->operation_count - 1; has && i >= 0; i--) {
        operation *op = &t->operations[i];
        for (int k = 0; k < 2 && op->inputs[k] >= 0; k++) {
            op->add[k] = has[op->inputs[k]];
            has[op->inputs[k]] = true;
        }
    }
    free(has);
}

/* maps: of each the four numbers channels, height, width, pad. NULL: no memory, or a map that does
 * not fit the kernels. */
tape *tape_new(const int *maps, int map_count, const operation *operations, int operation_count,
               convolution *convolutions) {
    tape *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->convolutions = convolutions;
    t->maps = calloc((size_t)map_count, sizeof *t->maps);
    t->operations = calloc((size_t)operation_count, sizeof *t->operations);
    bool done = t->maps && t->operations;
    size_t scratch = 0;
    for (int i = 0; done && i < map_count; i++) {
        map *m = &t->maps[t->map_count++];
        *m = (map){.channels = maps[i * 4], maps[i * 4 + 1], maps[i * 4 + 2], maps[i * 4 + 3], {0}};
        done = map_fits(m) && map_begin(m);
        const size_t size = scratch_size(m) + (size_t)m->width * (size_t)m->channels * 8;
        if (size > scratch) scratch = size;
    }
    scratch = (scratch + 63) / 64 * 64;
    t->scratch = done ? aligned_alloc(64, scratch) : NULL;
    if (!t->scratch) {
        tape_free(t);
        return NULL;
    }
    memset(t->scratch, 0, scratch);
    t->operation_count = operation_count;
    memcpy(t->operations, operations, (size_t)operation_count * sizeof *operations);
    find_additions(t);
    return t;
}

static void forward(tape *t, const operation *op) {
    const map *out = &t->maps[op->output];
    const map *in[2] = {&t->maps[op->inputs[0]],
                        op->inputs[1] < 0 ? NULL : &t->maps[op->inputs[1]]};
    switch (op->kind) {
        case CONVOLUTION:
            convolution_forward(&t->convolutions[op->convolution], in, out, op->relu);
            break;
        case POOL: pool_forward(in[0], out); break;
        case DOUBLE: double_forward(in[0], out); break;
        default: add_forward(in[0], in[1], out);
    }
}

static void backward(tape *t, const operation *op) {
    const map *out = &t->maps[op->output];
    const map *in[2] = {&t->maps[op->inputs[0]],
                        op->inputs[1] < 0 ? NULL : &t->maps[op->inputs[1]]};
    const bool add[2] = {op->add[0], op->add[1]};
    const bool wanted[2] = {op->inputs[0] != 0, true};
    switch (op->kind) {
        case CONVOLUTION:
            convolution_backward(&t->convolutions[op->convolution], in, out, op->relu, add, wanted,
                                 t->scratch);
            break;
        case POOL: pool_backward(in[0], out, add[0]); break;
        case DOUBLE: double_backward(in[0], out, add[0], t->scratch); break;
        default: add_backward(in[0], out, add[0]); add_backward(in[1], out, add[1]);
    }
}

/* Values of the normalised picture, 4x4 around each second pixel, as 48 of 64 channels. */
static void read_picture(const map *patches, const uint8_t *rgb, const float (*table)[256]) {
    const int height = 2 * patches->height, width = 2 * patches->width;
    for (int y = 0; y < patches->height; y++) {
        bf16 *to = map_first(patches, false) + (ptrdiff_t)y * map_pitch(patches) * 64;
        for (int x = 0; x < patches->width; x++, to += 64) {
            for (int i = 0; i < 16; i++) {
                const int row = 2 * y - 1 + i / 4, column = 2 * x - 1 + i % 4;
                const bool inside = row >= 0 && row < height && column >= 0 && column < width;
                const uint8_t *pixel = rgb + (row * width + column) * 3;
                for (int k = 0; k < 3; k++)
                    to[i * 3 + k] = inside ? bf16_round(table[k][pixel[k]]) : 0;
            }
        }
    }
}

/* One picture [height][width][3] of the tape's size. table: what each byte of each channel means to
 * the network. heads: the maps of logits, finest first; truth and weight: likewise, of the sizes of
 * those maps; share: the part of the loss that each counts. The gradients of the weights are added
 * up; returns the loss. */
float tape_run(tape *t, const uint8_t *rgb, const float (*table)[256], int head_count,
               const int *heads, const float *const *truth, const float *const *weight,
               const float *share) {
    products_begin();
    read_picture(&t->maps[0], rgb, table);
    for (int i = 0; i < t->operation_count; i++) forward(t, &t->operations[i]);
    float loss = 0;
    for (int i = 0; i < head_count; i++)
        loss += mask_loss(&t->maps[heads[i]], truth[i], weight[i], share[i]);
    for (int i = t->operation_count - 1; i >= 0; i--) backward(t, &t->operations[i]);
    products_end();
    return loss;
}
