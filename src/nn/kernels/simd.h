/* SPDX-License-Identifier: Apache-2.0
 * Four f32 lanes: wasm simd128 intrinsics in wasm, GCC/clang vector extensions elsewhere. Every
 * fast kernel is written once over these, so that the sanitizers of a native build see the code
 * that runs in a browser. */
#ifndef OFFCUT_NN_KERNELS_SIMD_H
#define OFFCUT_NN_KERNELS_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

#define OFFCUT__INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define OFFCUT__UNROLL _Pragma("clang loop unroll(full)")
#define OFFCUT__NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define OFFCUT__UNROLL _Pragma("GCC unroll 16")
#define OFFCUT__NO_UNROLL _Pragma("GCC unroll 1")
#endif

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

/* The first count (1..4) lanes; the others are zero. */
OFFCUT__INLINE f32x4 f32x4_load_part(const float *p, uint32_t count) {
    f32x4 v = {0, 0, 0, 0};
    for (uint32_t i = 0; i < count && i < 4; i++) v[i] = p[i];
    return v;
}

OFFCUT__INLINE void f32x4_store_part(float *p, f32x4 v, uint32_t count) {
    for (uint32_t i = 0; i < count && i < 4; i++) p[i] = v[i];
}

/* a * b + c; rounded once or twice, as the machine likes it. */
OFFCUT__INLINE f32x4 f32x4_madd(f32x4 a, f32x4 b, f32x4 c) {
#if defined(__wasm_relaxed_simd__)
    return (f32x4)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#else
    return a * b + c;
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

OFFCUT__INLINE float f32x4_sum(f32x4 v) {
    return (v[0] + v[2]) + (v[1] + v[3]);
}

/* e^x, relative error below 2e-7 where the result is normal; saturates at both ends. Cephes'
 * polynomial. */
OFFCUT__INLINE f32x4 f32x4_exp(f32x4 x) {
    x = f32x4_clamp(x, -87.3f, 88.3f);
    /* Round x / ln 2 to the nearest integer by the 1.5 * 2^23 trick: exact in this range. */
    const f32x4 magic = f32x4_splat(12582912.0f);
    f32x4 n = x * f32x4_splat(1.44269504088896341f) + magic;
    const i32x4 exponent = ((i32x4)n - (i32x4)magic + 127) << 23;
    n = n - magic;
    const f32x4 r = (x - n * f32x4_splat(0.693359375f)) - n * f32x4_splat(-2.12194440e-4f);
    f32x4 p = f32x4_splat(1.9875691500e-4f);
    p = p * r + f32x4_splat(1.3981999507e-3f);
    p = p * r + f32x4_splat(8.3334519073e-3f);
    p = p * r + f32x4_splat(4.1665795894e-2f);
    p = p * r + f32x4_splat(1.6666665459e-1f);
    p = p * r + f32x4_splat(5.0000001201e-1f);
    p = p * (r * r) + r + f32x4_splat(1.0f);
    return p * (f32x4)exponent;
}

OFFCUT__INLINE f32x4 f32x4_sigmoid(f32x4 x) {
    return f32x4_splat(1.0f) / (f32x4_splat(1.0f) + f32x4_exp(-x));
}

#endif
