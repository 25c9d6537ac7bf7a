/* SPDX-License-Identifier: Apache-2.0
 * What stands between the convolutions: pooling, doubling, sums, each with its gradient. */
#include "kernels.h"

static void put(bf16 *to, __m512 value, bool add) {
    bf16_store(to, add ? _mm512_add_ps(value, bf16_load(to)) : value);
}

static bf16 *row_of(const map *m, bool gradient, int y) {
    return map_first(m, gradient) + (ptrdiff_t)y * map_pitch(m) * m->channels;
}

/* ---- pooling: nothing pooled is negative, so that bits compare as numbers do ---- */

static __m256i largest(const bf16 *const *corners, int at) {
    __m256i value = bf16_read(corners[0] + at);
    for (int i = 1; i < 4; i++) value = _mm256_max_epu16(value, bf16_read(corners[i] + at));
    return value;
}

static void corners_of(const map *in, bool gradient, int y, bf16 **corners) {
    corners[0] = row_of(in, gradient, 2 * y);
    corners[1] = corners[0] + in->channels;
    corners[2] = row_of(in, gradient, 2 * y + 1);
    corners[3] = corners[2] + in->channels;
}

void pool_forward(const map *in, const map *out) {
    const int channels = in->channels;
    for (int y = 0; y < out->height; y++) {
        bf16 *corners[4], *to = row_of(out, false, y);
        corners_of(in, false, y, corners);
        for (int x = 0; x < out->width; x++)
            for (int k = 0; k < channels; k += 16)
                bf16_write(to + x * channels + k,
                           largest((const bf16 *const *)corners, 2 * x * channels + k));
    }
}

void pool_backward(const map *in, const map *out, bool add) {
    const int channels = in->channels;
    for (int y = 0; y < out->height; y++) {
        const bf16 *gradient = row_of(out, true, y), *value = row_of(out, false, y);
        bf16 *from[4], *to[4];
        corners_of(in, false, y, from);
        corners_of(in, true, y, to);
        for (int at = 0; at < out->width * channels; at += 16) {
            const __m256i v = bf16_read(value + at);
            const __m512 g = bf16_load(gradient + at);
            const int corner = at / channels * 2 * channels + at % channels;
            __mmask16 open = 0xffff;
            for (int i = 0; i < 4; i++) {
                const __m256i c = bf16_read(from[i] + corner);
                const __mmask16 here = _mm256_mask_cmpeq_epi16_mask(open, c, v);
                open &= (__mmask16)~here;
                put(to[i] + corner, _mm512_maskz_mov_ps(here, g), add);
            }
        }
    }
}

/* ---- doubling: 3/4 of the nearest and 1/4 of the next, each way; the border feeds itself ---- */

static __m512 mix(__m512 near, __m512 next) {
    return _mm512_fmadd_ps(near, _mm512_set1_ps(0.75F), _mm512_mul_ps(next, _mm512_set1_ps(0.25F)));
}

void double_forward(const map *in, const map *out) {
    const int channels = in->channels, last = in->width - 1;
    for (int y = 0; y < out->height; y++) {
        const int near = y / 2, next = near + (y % 2 ? 1 : -1);
        const bf16 *a = row_of(in, false, near);
        const bf16 *b = next < 0 || next >= in->height ? a : row_of(in, false, next);
        bf16 *to = row_of(out, false, y);
        for (int k = 0; k < channels; k += 16) {
            __m512 left = mix(bf16_load(a + k), bf16_load(b + k)), here = left;
            for (int x = 0; x <= last; x++) {
                const int beside = (x < last ? x + 1 : last) * channels + k;
                const __m512 right = mix(bf16_load(a + beside), bf16_load(b + beside));
                put(to + 2 * x * channels + k, mix(here, left), false);
                put(to + (2 * x + 1) * channels + k, mix(here, right), false);
                left = here;
                here = right;
            }
        }
    }
}

/* Transpose of the above: the padding's zeros stand in beyond the border, which feeds itself. */
static __m512 gathered(const bf16 *g, ptrdiff_t step, bool first, bool last) {
    const __m512 inner = _mm512_add_ps(bf16_load(g), bf16_load(g + step));
    __m512 outer = _mm512_add_ps(bf16_load(g - step), bf16_load(g + 2 * step));
    if (first) outer = _mm512_add_ps(outer, bf16_load(g));
    if (last) outer = _mm512_add_ps(outer, bf16_load(g + step));
    return mix(inner, outer);
}

void double_backward(const map *in, const map *out, bool add, float *scratch) {
    const int channels = in->channels, width = in->width;
    const ptrdiff_t pitch = (ptrdiff_t)map_pitch(out) * channels;
    for (int y = 0; y < in->height; y++) {
        const bf16 *from = row_of(out, true, 2 * y);
        bf16 *to = row_of(in, true, y);
        for (int at = 0; at < 2 * width * channels; at += 16)
            _mm512_storeu_ps(scratch + at, gathered(from + at, pitch, y == 0, y == in->height - 1));
        for (int x = 0; x < width; x++) {
            for (int k = 0; k < channels; k += 16) {
                const float *g = scratch + 2 * x * channels + k;
                const __m512 even = _mm512_loadu_ps(g), odd = _mm512_loadu_ps(g + channels);
                const __m512 before = x > 0 ? _mm512_loadu_ps(g - channels) : even;
                const __m512 after = x < width - 1 ? _mm512_loadu_ps(g + 2 * channels) : odd;
                put(to + x * channels + k,
                    mix(_mm512_add_ps(even, odd), _mm512_add_ps(before, after)), add);
            }
        }
    }
}

/* ---- sums ---- */

void add_forward(const map *a, const map *b, const map *out) {
    for (int y = 0; y < out->height; y++) {
        const bf16 *one = row_of(a, false, y), *other = row_of(b, false, y);
        bf16 *to = row_of(out, false, y);
        for (int at = 0; at < out->width * out->channels; at += 16)
            put(to + at, _mm512_add_ps(bf16_load(one + at), bf16_load(other + at)), false);
    }
}

void add_backward(const map *in, const map *out, bool add) {
    for (int y = 0; y < out->height; y++) {
        const bf16 *from = row_of(out, true, y);
        bf16 *to = row_of(in, true, y);
        for (int at = 0; at < out->width * out->channels; at += 16)
            put(to + at, bf16_load(from + at), add);
    }
}
