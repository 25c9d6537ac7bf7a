/* SPDX-License-Identifier: Apache-2.0
 * Lanes, written once for every target: wasm simd128 intrinsics in wasm, GCC/clang vector
 * extensions, which become SSE2 or NEON, elsewhere. Four f32 here, integers in simd_int.h. Only
 * operations that every target rounds once, so that all give the same bytes. */
#ifndef OFFCUT_BASE_SIMD_H
#define OFFCUT_BASE_SIMD_H

#include "simd_int.h"

typedef float f32x4 __attribute__((vector_size(16)));

OFFCUT__INLINE f32x4 f32x4_load(const float *p) {
    f32x4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

OFFCUT__INLINE void f32x4_store(float *p, f32x4 v) {
    memcpy(p, &v, sizeof v);
}

OFFCUT__INLINE f32x4 f32x4_splat(float x) {
    return (f32x4){x, x, x, x};
}

OFFCUT__INLINE f32x4 f32x4_load_splat(const float *p) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_v128_load32_splat(p);
#else
    return f32x4_splat(*p);
#endif
}

OFFCUT__INLINE f32x4 f32x4_select(i32x4 mask, f32x4 yes, f32x4 no) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_v128_bitselect((v128_t)yes, (v128_t)no, (v128_t)mask);
#else
    return (f32x4)(((i32x4)yes & mask) | ((i32x4)no & ~mask));
#endif
}

OFFCUT__INLINE f32x4 f32x4_max(f32x4 a, f32x4 b) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_f32x4_pmax((v128_t)a, (v128_t)b);
#else
    return f32x4_select(a < b, b, a);
#endif
}

OFFCUT__INLINE f32x4 f32x4_min(f32x4 a, f32x4 b) {
#if defined(__wasm_simd128__)
    return (f32x4)wasm_f32x4_pmin((v128_t)a, (v128_t)b);
#else
    return f32x4_select(b < a, b, a);
#endif
}

OFFCUT__INLINE f32x4 f32x4_clamp(f32x4 v, float lo, float hi) {
    return f32x4_min(f32x4_max(v, f32x4_splat(lo)), f32x4_splat(hi));
}

/* Lane i of v[j] goes to lane j of v[i]. */
OFFCUT__INLINE void f32x4_transpose(f32x4 v[4]) {
    const f32x4 a = {v[0][0], v[1][0], v[0][1], v[1][1]}, b = {v[2][0], v[3][0], v[2][1], v[3][1]};
    const f32x4 c = {v[0][2], v[1][2], v[0][3], v[1][3]}, d = {v[2][2], v[3][2], v[2][3], v[3][3]};
    v[0] = (f32x4){a[0], a[1], b[0], b[1]};
    v[1] = (f32x4){a[2], a[3], b[2], b[3]};
    v[2] = (f32x4){c[0], c[1], d[0], d[1]};
    v[3] = (f32x4){c[2], c[3], d[2], d[3]};
}

OFFCUT__INLINE f32x4 f32x4_from_i32(i32x4 v) {
    return __builtin_convertvector(v, f32x4);
}

/* Truncates; the lanes must fit. */
OFFCUT__INLINE i32x4 i32x4_from_f32(f32x4 v) {
    return __builtin_convertvector(v, i32x4);
}

/* Rounds half away from zero; the lanes must fit. */
OFFCUT__INLINE i32x4 i32x4_nearest(f32x4 v) {
    const f32x4 half = f32x4_splat(0.5f);
    return i32x4_from_f32(v + f32x4_select(v < f32x4_splat(0.0f), -half, half));
}

#endif
