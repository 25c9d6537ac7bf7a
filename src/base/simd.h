/* SPDX-License-Identifier: Apache-2.0
 * Four float lanes, written once for every target: GCC's and clang's vector extensions become SSE2,
 * NEON or simd128. Only + - * / and comparisons, each rounded once, so that every target gives the
 * same bytes. */
#ifndef OFFCUT_BASE_SIMD_H
#define OFFCUT_BASE_SIMD_H

#include <stdint.h>
#include <string.h>

typedef float offcut__f32x4 __attribute__((vector_size(16)));
typedef int32_t offcut__i32x4 __attribute__((vector_size(16)));
typedef uint32_t offcut__u32x4 __attribute__((vector_size(16)));

static inline offcut__f32x4 offcut__splat(float value) {
    return (offcut__f32x4){value, value, value, value};
}

static inline offcut__f32x4 offcut__load(const float *from) {
    offcut__f32x4 result;
    memcpy(&result, from, sizeof result);
    return result;
}

static inline void offcut__store(float *to, offcut__f32x4 value) {
    memcpy(to, &value, sizeof value);
}

/* Lane by lane: mask (0 or -1) ? a : b. */
static inline offcut__f32x4 offcut__select(offcut__i32x4 mask, offcut__f32x4 a, offcut__f32x4 b) {
    return (offcut__f32x4)((mask & (offcut__i32x4)a) | (~mask & (offcut__i32x4)b));
}

static inline offcut__f32x4 offcut__min(offcut__f32x4 a, offcut__f32x4 b) {
    return offcut__select(b < a, b, a);
}

static inline offcut__f32x4 offcut__max(offcut__f32x4 a, offcut__f32x4 b) {
    return offcut__select(a < b, b, a);
}

static inline offcut__f32x4 offcut__clamp01(offcut__f32x4 a) {
    return offcut__min(offcut__max(a, offcut__splat(0.0f)), offcut__splat(1.0f));
}

/* Truncates; the lanes must fit. */
static inline offcut__i32x4 offcut__to_i32(offcut__f32x4 a) {
    return __builtin_convertvector(a, offcut__i32x4);
}

static inline offcut__f32x4 offcut__to_f32(offcut__i32x4 a) {
    return __builtin_convertvector(a, offcut__f32x4);
}

#endif
