/* SPDX-License-Identifier: Apache-2.0
 * What a training step is made of, for one picture.
 *
 * A map is bfloat16, [height + 2 pad][width + 2 pad][channels], channels a multiple of 16, with
 * zeros in the padding; all maps of one size have the same padding. Positions are counted in pixels
 * of the padded map from its first inner pixel, so that a convolution's taps are constant shifts.
 */
#ifndef OFFCUT_TRAINING_KERNELS_H
#define OFFCUT_TRAINING_KERNELS_H

#include "bf16.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct map {
    int channels, height, width, pad;
    bf16 *memory[2]; /* owned: the values, their gradient; see map_first() */
} map;

static inline int map_pitch(const map *m) {
    return m->width + 2 * m->pad;
}

/* Pixels of memory before the first inner one; a tile may be read beyond a map's end. */
static inline int map_margin(const map *m) {
    return m->pad * map_pitch(m) + m->pad + 32;
}

static inline size_t map_size(const map *m) {
    return (size_t)(m->height + 2 * m->pad) * (size_t)map_pitch(m) + 128;
}

static inline bf16 *map_first(const map *m, bool gradient) {
    return m->memory[gradient] + (ptrdiff_t)map_margin(m) * m->channels;
}

#define SOURCES_MAX 2
#define CHANNELS_MAX 128 /* of a map */
#define SPANS_MAX 8192   /* of 16 pixels in the rows of a map */

/* Whether the kernels have room for it. */
static inline bool map_fits(const map *m) {
    return m->channels <= CHANNELS_MAX && m->height * ((m->width + 15) / 16) <= SPANS_MAX;
}

/* A convolution of stride 1 (3x3, or 1x1) over one or two maps beside each other, and its weights
 * in the layouts of the tiles. */
typedef struct convolution {
    int outputs, taps, dilation, sources, inputs[SOURCES_MAX];
    const float *weight;    /* [outputs][all inputs][taps]; borrowed */
    const float *bias;      /* [outputs]; borrowed */
    float *weight_gradient; /* for each source [taps][inputs][outputs in 16s]; borrowed; added to */
    float *bias_gradient;   /* [outputs in 16s]; borrowed; added to */
    bf16 *forward;          /* owned */
    bf16 *back[SOURCES_MAX]; /* owned: towards each source */
} convolution;

bool convolution_begin(convolution *c); /* false: no memory; kept until the process ends */
void convolution_pack(convolution *c);  /* after each change of the weights */

/* out = convolution of the sources + bias, and ReLU where asked for. */
void convolution_forward(const convolution *c, const map *const *sources, const map *out,
                         bool relu);
/* Takes out's gradient (which it masks where ReLU held back) to the weights, the bias and the
 * sources; add[i] where source i has a gradient already, NULL instead of a source that wants none.
 * scratch: of scratch_size() bytes. */
void convolution_backward(const convolution *c, const map *const *sources, const map *out,
                          bool relu, const bool *add, const bool *wanted, void *scratch);
size_t scratch_size(const map *m); /* for convolutions between maps as large as this one */

/* Largest of 2x2; the gradient goes to the first of them. */
void pool_forward(const map *in, const map *out);
void pool_backward(const map *in, const map *out, bool add);
/* Bilinear, twice the size, half-pixel centres. */
void double_forward(const map *in, const map *out);
void double_backward(const map *in, const map *out, bool add, float *scratch);
/* out = a + b */
void add_forward(const map *a, const map *b, const map *out);
void add_backward(const map *in, const map *out, bool add);

#endif
