/* SPDX-License-Identifier: Apache-2.0
 * The products that a training step spends its time on: matrices of bfloat16, summed up as float.
 * products_amx.c has them for AMX tiles, products_avx512.c for AVX-512; step.py compiles one. */
#ifndef OFFCUT_TRAINING_PRODUCTS_H
#define OFFCUT_TRAINING_PRODUCTS_H

#include "bf16.h"

#include <stdbool.h>
#include <stddef.h>

/* 32 values of an input by 16 outputs: as 16 pairs of inputs, each with the pair's weights for one
 * output after the other. */
#define TILE 512

/* What one product reads: 32 values for each pixel. */
typedef struct operand {
    const bf16 *first; /* of the product's values at the first pixel */
    int channels;
    int pairs; /* 16, or 8 where the weights of the other values are zeros */
} operand;

/* 16 pixels of a row, or what is left of it. */
typedef struct span {
    int position, count;
} span;

static inline const bf16 *operand_at(const operand *o, const span *at) {
    return o->first + (ptrdiff_t)at->position * o->channels;
}

/* Where the sums go: outputs beside each other at every pixel. */
typedef struct target {
    bf16 *first;
    int channels;
    const float *bias; /* NULL: none */
    bool relu, add;
} target;

/* 16 outputs of the pixels of a span; sums[pixel][16], aligned. */
static inline void target_store(const target *t, const float *sums, int block, const span *at) {
    const __m512 bias = t->bias ? _mm512_loadu_ps(t->bias + block * 16) : _mm512_setzero_ps();
    bf16 *to = t->first + (ptrdiff_t)at->position * t->channels + block * 16;
    for (int i = 0; i < at->count; i++, to += t->channels) {
        __m512 value = _mm512_add_ps(_mm512_load_ps(sums + i * 16), bias);
        if (t->relu) value = _mm512_max_ps(value, _mm512_setzero_ps());
        if (t->add) value = _mm512_add_ps(value, bf16_load(to));
        bf16_store(to, value);
    }
}

/* Asks the system for what the products need; false: this machine has not got it. */
bool products_allow(void);
/* Around any number of products in one thread. */
void products_begin(void);
void products_end(void);

/* All outputs, in blocks of 16, of all spans: the sum of count products each. weights: for each
 * block count tiles. */
void products_map(const operand *operands, int count, const bf16 *weights, const target *t,
                  int blocks, const span *spans, int span_count);

/* sums[tap][16][outputs] += planes x pairs over length pixels, a multiple of 32, for the taps (one
 * or three) of a row. planes: 16 of size pixels, read from shifts[tap] on; pairs: 16 values each
 * for two pixels after two. */
void products_row(const bf16 *planes, int size, const int *shifts, int taps, const bf16 *pairs,
                  int length, float *const *sums, int outputs);

#endif
