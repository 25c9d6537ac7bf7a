/* SPDX-License-Identifier: Apache-2.0
 * bfloat16: the upper half of a float, rounded half to even. */
#ifndef OFFCUT_TRAINING_BF16_H
#define OFFCUT_TRAINING_BF16_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float bf16_value(bf16 value) {
    const uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline bf16 bf16_round(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* 16 at once. */
static inline __m256i bf16_read(const bf16 *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}

static inline void bf16_write(bf16 *to, __m256i values) {
    _mm256_storeu_si256((__m256i *)to, values);
}

static inline __m512 bf16_widen(__m256i values) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

static inline __m512 bf16_load(const bf16 *from) {
    return bf16_widen(bf16_read(from));
}

static inline void bf16_store(bf16 *to, __m512 values) {
    bf16_write(to, (__m256i)_mm512_cvtneps_pbh(values));
}

#endif
