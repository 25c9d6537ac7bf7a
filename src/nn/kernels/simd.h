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
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef int8_t i8x16 __attribute__((vector_size(16)));

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

/* ---- integers ---- */

OFFCUT__INLINE i32x4 i32x4_load(const int32_t *p) {
    i32x4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

OFFCUT__INLINE void i32x4_store(int32_t *p, i32x4 v) {
    memcpy(p, &v, sizeof v);
}

/* The same four bytes four times. */
OFFCUT__INLINE i32x4 bytes_load_splat(const int8_t *p) {
#if defined(__wasm_simd128__)
    return (i32x4)wasm_v128_load32_splat(p);
#else
    int32_t x = 0;
    memcpy(&x, p, sizeof x);
    return (i32x4){x, x, x, x};
#endif
}

OFFCUT__INLINE i16x8 i16x8_load(const int16_t *p) {
    i16x8 v;
    memcpy(&v, p, sizeof v);
    return v;
}

OFFCUT__INLINE i8x16 i8x16_load(const int8_t *p) {
    i8x16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

OFFCUT__INLINE void i8x16_store(int8_t *p, i8x16 v) {
    memcpy(p, &v, sizeof v);
}

OFFCUT__INLINE i8x16 i8x16_splat(int32_t x) {
    const int8_t b = (int8_t)x;
    return (i8x16){b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b};
}

OFFCUT__INLINE i8x16 i8x16_max(i8x16 a, i8x16 b) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_i8x16_max((v128_t)a, (v128_t)b);
#else
    const i8x16 less = (i8x16)(a < b);
    return (less & b) | (~less & a);
#endif
}

OFFCUT__INLINE i8x16 i8x16_min(i8x16 a, i8x16 b) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_i8x16_min((v128_t)a, (v128_t)b);
#else
    const i8x16 less = (i8x16)(a < b);
    return (less & a) | (~less & b);
#endif
}

/* Eight bytes as 16-bit numbers. */
OFFCUT__INLINE i16x8 i16x8_load_bytes(const int8_t *p) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_load8x8(p);
#else
    return (i16x8){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
#endif
}

/* Four bytes at p and four at q as 16-bit numbers. */
OFFCUT__INLINE i16x8 i16x8_load_quads(const int8_t *p, const int8_t *q) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_extend_low_i8x16(
        wasm_v128_load32_lane(q, wasm_v128_load32_zero(p), 1));
#else
    return (i16x8){p[0], p[1], p[2], p[3], q[0], q[1], q[2], q[3]};
#endif
}

/* Four bytes as 32-bit numbers. */
OFFCUT__INLINE i32x4 i32x4_load_bytes(const int8_t *p) {
#if defined(__wasm_simd128__)
    return (i32x4)wasm_i32x4_extend_low_i16x8(
        wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(p)));
#else
    return (i32x4){p[0], p[1], p[2], p[3]};
#endif
}

/* sum + the first, or the last, four of a. */
OFFCUT__INLINE i32x4 i32x4_add_low(i32x4 sum, i16x8 a) {
#if defined(__wasm_simd128__)
    return sum + (i32x4)wasm_i32x4_extend_low_i16x8((v128_t)a);
#else
    return sum + (i32x4){a[0], a[1], a[2], a[3]};
#endif
}

OFFCUT__INLINE i32x4 i32x4_add_high(i32x4 sum, i16x8 a) {
#if defined(__wasm_simd128__)
    return sum + (i32x4)wasm_i32x4_extend_high_i16x8((v128_t)a);
#else
    return sum + (i32x4){a[4], a[5], a[6], a[7]};
#endif
}

/* Lane i: sum[i] + a[2i] b[2i] + a[2i+1] b[2i+1]. */
OFFCUT__INLINE i32x4 i32x4_dot16(i16x8 a, i16x8 b, i32x4 sum) {
#if defined(__wasm_simd128__)
    return (i32x4)wasm_i32x4_add((v128_t)sum, wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b));
#elif defined(__SSE2__)
    return (i32x4)_mm_add_epi32((__m128i)sum, _mm_madd_epi16((__m128i)a, (__m128i)b));
#else
    for (int i = 0; i < 4; i++) sum[i] += a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return sum;
#endif
}

/* Lane i: sum[i] + the dot product of bytes 4i..4i+3; those of b are 0..127. */
OFFCUT__INLINE i32x4 i32x4_dot8(i8x16 a, i8x16 b, i32x4 sum) {
#if defined(__wasm_relaxed_simd__)
    return (i32x4)wasm_i32x4_relaxed_dot_i8x16_i7x16_add((v128_t)a, (v128_t)b, (v128_t)sum);
#else
    for (int i = 0; i < 16; i++) sum[i / 4] += a[i] * b[i];
    return sum;
#endif
}

OFFCUT__INLINE f32x4 f32x4_from_i32(i32x4 v) {
    return __builtin_convertvector(v, f32x4);
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

/* a, b, c, d as 16 bytes, saturated. */
OFFCUT__INLINE i8x16 i8x16_pack(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_i8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4((v128_t)a, (v128_t)b),
                                          wasm_i16x8_narrow_i32x4((v128_t)c, (v128_t)d));
#elif defined(__SSE2__)
    return (i8x16)_mm_packs_epi16(_mm_packs_epi32((__m128i)a, (__m128i)b),
                                  _mm_packs_epi32((__m128i)c, (__m128i)d));
#else
    const i32x4 all[4] = {a, b, c, d};
    i8x16 result = {0};
    for (int i = 0; i < 16; i++) {
        const int32_t x = all[i / 4][i % 4];
        result[i] = (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
    }
    return result;
#endif
}

/* a, b as 16 bytes, saturated. */
OFFCUT__INLINE i8x16 i16x8_pack(i16x8 a, i16x8 b) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_i8x16_narrow_i16x8((v128_t)a, (v128_t)b);
#elif defined(__SSE2__)
    return (i8x16)_mm_packs_epi16((__m128i)a, (__m128i)b);
#else
    i8x16 result = {0};
    for (int i = 0; i < 16; i++) {
        const int16_t x = i < 8 ? a[i] : b[i - 8];
        result[i] = (int8_t)(x < -128 ? -128 : x > 127 ? 127 : x);
    }
    return result;
#endif
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
