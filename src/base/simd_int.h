/* SPDX-License-Identifier: Apache-2.0
 * Lanes of integers: wasm simd128 intrinsics in wasm, SSE2's or GCC/clang vector extensions
 * elsewhere, with the same results to the bit. */
#ifndef OFFCUT_BASE_SIMD_INT_H
#define OFFCUT_BASE_SIMD_INT_H

#include <stdint.h>
#include <string.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int8_t i8x16 __attribute__((vector_size(16)));

#define OFFCUT__INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define OFFCUT__UNROLL _Pragma("clang loop unroll(full)")
#define OFFCUT__NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define OFFCUT__UNROLL _Pragma("GCC unroll 16")
#define OFFCUT__NO_UNROLL _Pragma("GCC unroll 1")
#endif

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

/* The same two numbers four times. */
OFFCUT__INLINE i16x8 pairs_load_splat(const int16_t *p) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_v128_load32_splat(p);
#else
    return (i16x8){p[0], p[1], p[0], p[1], p[0], p[1], p[0], p[1]};
#endif
}

OFFCUT__INLINE i16x8 i16x8_load(const int16_t *p) {
    i16x8 v;
    memcpy(&v, p, sizeof v);
    return v;
}

OFFCUT__INLINE i16x8 i16x8_splat(int x) {
    const int16_t s = (int16_t)x;
    return (i16x8){s, s, s, s, s, s, s, s};
}

/* Modulo 2^16. */
OFFCUT__INLINE i16x8 i16x8_multiply(i16x8 a, i16x8 b) {
    return (i16x8)((u16x8)a * (u16x8)b);
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

/* Eight bytes of 0..255 as 16-bit numbers. */
OFFCUT__INLINE i16x8 i16x8_load_unsigned(const uint8_t *p) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_u16x8_load8x8(p);
#elif defined(__SSE2__)
    return (i16x8)_mm_unpacklo_epi8(_mm_loadl_epi64((const void *)p), _mm_setzero_si128());
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

/* Four numbers at p and four at q. */
OFFCUT__INLINE i16x8 i16x8_load_halves(const int16_t *p, const int16_t *q) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_v128_load64_lane(q, wasm_v128_load64_zero(p), 1);
#else
    i16x8 v;
    memcpy(&v, p, 8);
    memcpy((char *)&v + 8, q, 8);
    return v;
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

/* Four bytes of 0..255 as 32-bit numbers. */
OFFCUT__INLINE i32x4 i32x4_load_unsigned(const uint8_t *p) {
#if defined(__wasm_simd128__)
    return (i32x4)wasm_u32x4_extend_low_u16x8(
        wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
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

/* Lane i: sum[i] + a[2i] b[2i] + a[2i+1] b[2i+1], modulo 2^32. */
OFFCUT__INLINE i32x4 i32x4_dot16(i16x8 a, i16x8 b, i32x4 sum) {
#if defined(__wasm_simd128__)
    return (i32x4)wasm_i32x4_add((v128_t)sum, wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b));
#elif defined(__SSE2__)
    return (i32x4)_mm_add_epi32((__m128i)sum, _mm_madd_epi16((__m128i)a, (__m128i)b));
#else
    i32x4 products = {0};
    for (int i = 0; i < 4; i++) products[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return (i32x4)((u32x4)sum + (u32x4)products);
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

OFFCUT__INLINE int32_t int_clamp(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

/* a, b as 8 numbers, saturated. */
OFFCUT__INLINE i16x8 i32x4_pack(i32x4 a, i32x4 b) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_narrow_i32x4((v128_t)a, (v128_t)b);
#elif defined(__SSE2__)
    return (i16x8)_mm_packs_epi32((__m128i)a, (__m128i)b);
#else
    i16x8 result = {0};
    for (int i = 0; i < 8; i++)
        result[i] = (int16_t)int_clamp(i < 4 ? a[i] : b[i - 4], INT16_MIN, INT16_MAX);
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
    for (int i = 0; i < 16; i++)
        result[i] = (int8_t)int_clamp(i < 8 ? a[i] : b[i - 8], INT8_MIN, INT8_MAX);
    return result;
#endif
}

/* a, b, c, d as 16 bytes, saturated. */
OFFCUT__INLINE i8x16 i8x16_pack(i32x4 a, i32x4 b, i32x4 c, i32x4 d) {
    return i16x8_pack(i32x4_pack(a, b), i32x4_pack(c, d));
}

/* a, b as 16 bytes, saturated to 0..255. */
OFFCUT__INLINE i8x16 i16x8_pack_unsigned(i16x8 a, i16x8 b) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_u8x16_narrow_i16x8((v128_t)a, (v128_t)b);
#elif defined(__SSE2__)
    return (i8x16)_mm_packus_epi16((__m128i)a, (__m128i)b);
#else
    i8x16 result = {0};
    for (int i = 0; i < 16; i++)
        result[i] = (int8_t)(uint8_t)int_clamp(i < 8 ? a[i] : b[i - 8], 0, UINT8_MAX);
    return result;
#endif
}

/* a0 b0 a1 b1 ...: of the first halves, or of the second. */
OFFCUT__INLINE i16x8 i16x8_zip_low(i16x8 a, i16x8 b) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_shuffle((v128_t)a, (v128_t)b, 0, 8, 1, 9, 2, 10, 3, 11);
#elif defined(__SSE2__)
    return (i16x8)_mm_unpacklo_epi16((__m128i)a, (__m128i)b);
#else
    return (i16x8){a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]};
#endif
}

OFFCUT__INLINE i16x8 i16x8_zip_high(i16x8 a, i16x8 b) {
#if defined(__wasm_simd128__)
    return (i16x8)wasm_i16x8_shuffle((v128_t)a, (v128_t)b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__SSE2__)
    return (i16x8)_mm_unpackhi_epi16((__m128i)a, (__m128i)b);
#else
    return (i16x8){a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]};
#endif
}

/* The same of bytes. */
OFFCUT__INLINE i8x16 i8x16_zip_low(i8x16 a, i8x16 b) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_i8x16_shuffle((v128_t)a, (v128_t)b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                     6, 22, 7, 23);
#elif defined(__SSE2__)
    return (i8x16)_mm_unpacklo_epi8((__m128i)a, (__m128i)b);
#else
    i8x16 result = {0};
    for (int i = 0; i < 16; i++) result[i] = i % 2 ? b[i / 2] : a[i / 2];
    return result;
#endif
}

OFFCUT__INLINE i8x16 i8x16_zip_high(i8x16 a, i8x16 b) {
#if defined(__wasm_simd128__)
    return (i8x16)wasm_i8x16_shuffle((v128_t)a, (v128_t)b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                     29, 14, 30, 15, 31);
#elif defined(__SSE2__)
    return (i8x16)_mm_unpackhi_epi8((__m128i)a, (__m128i)b);
#else
    i8x16 result = {0};
    for (int i = 0; i < 16; i++) result[i] = i % 2 ? b[8 + i / 2] : a[8 + i / 2];
    return result;
#endif
}

#endif
