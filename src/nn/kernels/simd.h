/* SPDX-License-Identifier: Apache-2.0
 * What only the networks' kernels do with lanes. Every fast kernel is written once over these, so
 * that the sanitizers of a native build see the code that runs in a browser. */
#ifndef OFFCUT_NN_KERNELS_SIMD_H
#define OFFCUT_NN_KERNELS_SIMD_H

#include "../../base/simd.h"

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

OFFCUT__INLINE float f32x4_sum(f32x4 v) {
    return (v[0] + v[2]) + (v[1] + v[3]);
}

/* Four bytes as f32. */
OFFCUT__INLINE f32x4 f32x4_load_bytes(const int8_t *p) {
    return f32x4_from_i32(i32x4_load_bytes(p));
}

/* Rounded half to even; |v| <= 2^22: adding 1.5 x 2^23 leaves no bits below one. */
OFFCUT__INLINE i32x4 i32x4_round(f32x4 v) {
    const f32x4 magic = f32x4_splat(12582912.0f);
    return (i32x4)(v + magic) - (i32x4)magic;
}

/* Four quads, or one, clamped to lo..hi. */
OFFCUT__INLINE void quads_store(int8_t *p, const i32x4 y[4], i8x16 lo, i8x16 hi) {
    i8x16_store(p, i8x16_min(i8x16_max(i8x16_pack(y[0], y[1], y[2], y[3]), lo), hi));
}

OFFCUT__INLINE void quad_store(int8_t *p, i32x4 y, i8x16 lo, i8x16 hi) {
    const i8x16 bytes = i8x16_min(i8x16_max(i8x16_pack(y, y, y, y), lo), hi);
    memcpy(p, &bytes, 4);
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
