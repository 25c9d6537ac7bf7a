/* SPDX-License-Identifier: Apache-2.0
 * Products on AVX-512 with bfloat16 (AMD's Zen 4, Intel's Cooper Lake): 16 sums of 16 outputs stay
 * in registers; each step multiplies a pair of inputs by its weights. */
#include "products.h"

bool products_allow(void) {
    return true;
}

void products_begin(void) {
}

void products_end(void) {
}

#define ROWS 16
#define UNROLLED _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

/* Two values, 16 times. */
INLINE __m512bh twin(const bf16 *values) {
    int both;
    memcpy(&both, values, sizeof both);
    return (__m512bh)_mm512_set1_epi32(both);
}

/* sums += a pair of each row, step values apart, by the pair's weights. */
INLINE void add_pair(__m512 *sums, const bf16 *rows, ptrdiff_t step, const bf16 *weights) {
    const __m512bh w = (__m512bh)_mm512_loadu_si512(weights);
    UNROLLED for (int i = 0; i < ROWS; i++) sums[i] =
        _mm512_dpbf16_ps(sums[i], w, twin(rows + i * step));
}

/* A block of outputs of one span. channels: of all operands, where they have the same number; else
 * 0. */
INLINE void span_sums(const operand *operands, int count, const bf16 *weights, const span *at,
                      int channels, float *result) {
    __m512 sums[ROWS];
    UNROLLED for (int i = 0; i < ROWS; i++) sums[i] = _mm512_setzero_ps();
    for (int k = 0; k < count; k++, weights += TILE) {
        const ptrdiff_t step = channels ? channels : operands[k].channels;
        const bf16 *rows = operand_at(&operands[k], at);
        for (int pair = 0; pair < operands[k].pairs; pair++)
            add_pair(sums, rows + 2 * pair, step, weights + pair * 32);
    }
    UNROLLED for (int i = 0; i < ROWS; i++) _mm512_store_ps(result + i * 16, sums[i]);
}

static int same_channels(const operand *operands, int count) {
    for (int k = 1; k < count; k++)
        if (operands[k].channels != operands[0].channels) return 0;
    return operands[0].channels;
}

void products_map(const operand *operands, int count, const bf16 *weights, const target *t,
                  int blocks, const span *spans, int span_count) {
    _Alignas(64) float sums[ROWS * 16];
    const int channels = same_channels(operands, count);
    for (int block = 0; block < blocks; block++, weights += count * TILE) {
        for (int i = 0; i < span_count; i++) {
            switch (channels) { /* constants for the compiler */
                case 16: span_sums(operands, count, weights, spans + i, 16, sums); break;
                case 32: span_sums(operands, count, weights, spans + i, 32, sums); break;
                case 64: span_sums(operands, count, weights, spans + i, 64, sums); break;
                default: span_sums(operands, count, weights, spans + i, 0, sums);
            }
            target_store(t, sums, block, spans + i);
        }
    }
}

void products_row(const bf16 *planes, int size, const int *shifts, int taps, const bf16 *pairs,
                  int length, float *const *sums, int outputs) {
    for (int tap = 0; tap < taps; tap++) {
        __m512 total[ROWS];
        const bf16 *rows = planes + shifts[tap];
        UNROLLED for (int i = 0; i < ROWS; i++) total[i] =
            _mm512_loadu_ps(sums[tap] + (ptrdiff_t)i * outputs);
        for (int at = 0; at < length; at += 2) add_pair(total, rows + at, size, pairs + at * 16);
        UNROLLED for (int i = 0; i < ROWS; i++)
            _mm512_storeu_ps(sums[tap] + (ptrdiff_t)i * outputs, total[i]);
    }
}
