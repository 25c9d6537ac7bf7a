/* SPDX-License-Identifier: Apache-2.0
 * Convolutions and their gradients as products of 32 values by 16 outputs. */
#include "kernels.h"
#include "products.h"

#include <stdlib.h>

static int blocks(int channels) {
    return (channels + 15) / 16;
}

/* ---- which inputs a product takes
 *
 * A product multiplies 32 neighbouring values of the map: 32 channels of a tap, or of maps of 16
 * channels both those of a tap and of the next one to the right. */

typedef struct source {
    int channels, taps, dilation;
} source;

static bool paired(const source *s) {
    return s->channels == 16 && s->taps == 9 && s->dilation == 1;
}

static int products(const source *s) {
    return paired(s) ? 6 : s->taps * ((s->channels + 31) / 32);
}

/* Tap and channel of value k of a product; false: multiplied by zero. */
static bool value_of(const source *s, int product, int k, int *tap, int *channel) {
    if (paired(s)) {
        const int column = product % 2 * 2 + k / 16;
        *tap = product / 2 * 3 + column;
        *channel = k % 16;
        return column < 3;
    }
    const int parts = (s->channels + 31) / 32;
    *tap = product / parts;
    *channel = product % parts * 32 + k;
    return *channel < s->channels;
}

/* Shift of a tap in pixels. */
static int shift_of(const source *s, int tap, int pitch) {
    if (s->taps == 1) return 0;
    return s->dilation * ((tap / 3 - 1) * pitch + tap % 3 - 1);
}

/* ---- weights ---- */

static source source_of(const convolution *c, int i) {
    return (source){c->inputs[i], c->taps, c->dilation};
}

/* The gradient, as what a convolution towards the sources reads. */
static source gradient_of(const convolution *c) {
    return (source){blocks(c->outputs) * 16, c->taps, c->dilation};
}

static int all_products(const convolution *c) {
    int count = 0;
    for (int i = 0; i < c->sources; i++) {
        const source s = source_of(c, i);
        count += products(&s);
    }
    return count;
}

bool convolution_begin(convolution *c) {
    const source g = gradient_of(c);
    const size_t tile = TILE * sizeof(bf16);
    c->forward = aligned_alloc(64, (size_t)(all_products(c) * blocks(c->outputs)) * tile);
    bool done = c->forward;
    for (int i = 0; i < c->sources; i++) {
        c->back[i] = aligned_alloc(64, (size_t)(products(&g) * blocks(c->inputs[i])) * tile);
        done &= c->back[i] != NULL;
    }
    return done;
}

/* Where a weight is: weight[output * by_output + input * by_input + tap]. */
typedef struct layout {
    const float *first;
    int outputs, inputs, by_output, by_input;
    bool turned; /* taps from last to first */
} layout;

static float weight_at(const layout *w, int taps, int output, int input, int tap) {
    if (output >= w->outputs || input >= w->inputs) return 0;
    return w
        ->first[output * w->by_output + input * w->by_input + (w->turned ? taps - 1 - tap : tap)];
}

/* Tiles of one source's products for 16 outputs. */
static void pack_block(const source *s, const layout *w, int block, bf16 *tile) {
    for (int product = 0; product < products(s); product++, tile += TILE) {
        for (int k = 0; k < 32; k++) {
            int tap, channel;
            const bool used = value_of(s, product, k, &tap, &channel);
            for (int o = 0; o < 16; o++)
                tile[k / 2 * 32 + o * 2 + k % 2] =
                    used ? bf16_round(weight_at(w, s->taps, block * 16 + o, channel, tap)) : 0;
        }
    }
}

void convolution_pack(convolution *c) {
    int inputs = 0, first = 0;
    for (int i = 0; i < c->sources; i++) inputs += c->inputs[i];
    bf16 *tile = c->forward;
    for (int block = 0; block < blocks(c->outputs); block++) {
        first = 0;
        for (int i = 0; i < c->sources; first += c->inputs[i++]) {
            const source s = source_of(c, i);
            const layout w = {c->weight + first * c->taps,
                              c->outputs,
                              c->inputs[i],
                              inputs * c->taps,
                              c->taps,
                              false};
            pack_block(&s, &w, block, tile);
            tile += products(&s) * TILE;
        }
    }
    first = 0;
    const source g = gradient_of(c);
    for (int i = 0; i < c->sources; first += c->inputs[i++]) {
        const layout w = {
            c->weight + first * c->taps, c->inputs[i], c->outputs, c->taps, inputs * c->taps, true};
        for (int block = 0; block < blocks(c->inputs[i]); block++)
            pack_block(&g, &w, block, c->back[i] + block * products(&g) * TILE);
    }
}

/* ---- the convolution ---- */

static int plan_spans(const map *m, span *spans) {
    int count = 0;
    for (int y = 0; y < m->height; y++) {
        for (int x = 0; x < m->width; x += 16) {
            const int left = m->width - x;
            spans[count++] = (span){y * map_pitch(m) + x, left < 16 ? left : 16};
        }
    }
    return count;
}

static int plan_operands(const source *s, const bf16 *first, int pitch, operand *operands) {
    const int count = products(s);
    for (int product = 0; product < count; product++) {
        int tap, channel;
        const int pairs = value_of(s, product, 16, &tap, &channel) ? 16 : 8;
        value_of(s, product, 0, &tap, &channel);
        const bf16 *from = first + shift_of(s, tap, pitch) * s->channels + channel;
        operands[product] = (operand){from, s->channels, pairs};
    }
    return count;
}

#define OPERANDS_MAX (SOURCES_MAX * 9 * CHANNELS_MAX / 32)

void convolution_forward(const convolution *c, const map *const *sources, const map *out,
                         bool relu) {
    span spans[SPANS_MAX];
    operand operands[OPERANDS_MAX];
    int count = 0;
    for (int i = 0; i < c->sources; i++) {
        const source s = source_of(c, i);
        count += plan_operands(&s, map_first(sources[i], false), map_pitch(out), operands + count);
    }
    float bias[CHANNELS_MAX] = {0};
    memcpy(bias, c->bias, (size_t)c->outputs * sizeof *bias);
    const target t = {map_first(out, false), out->channels, bias, relu, false};
    products_map(operands, count, c->forward, &t, blocks(c->outputs), spans,
                 plan_spans(out, spans));
}

/* ---- its gradients ---- */

static const uint16_t interleave[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                        21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                        11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

/* Two pixels' 16 channels, channel by channel. */
static __m512i pair(__m256i even, __m256i odd) {
    const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(even), odd, 1);
    return _mm512_permutexvar_epi16(_mm512_loadu_si512(interleave), both);
}

static __m256i masked(bf16 *gradient, const bf16 *value, bool relu) {
    __m256i g = bf16_read(gradient);
    if (!relu) return g;
    const __m256i v = bf16_read(value);
    g = _mm256_maskz_mov_epi16(_mm256_test_epi16_mask(v, v), g);
    bf16_write(gradient, g);
    return g;
}

/* Length in pixels, in 32s, of what the products with the gradient run over: all rows in one. */
static int run_length(const map *m) {
    return (m->height * map_pitch(m) + 31) / 32 * 32;
}

/* Holds the gradient back where ReLU did, sums it up for the bias, and lays out 16 channels of it
 * as pairs of pixels. */
static void prepare_gradient(const map *out, bool relu, int block, float *bias, bf16 *pairs) {
    const int step = out->channels;
    bf16 *gradient = map_first(out, true) + block * 16;
    const bf16 *value = map_first(out, false) + block * 16;
    __m512 sum = _mm512_loadu_ps(bias);
    for (int i = 0; i < run_length(out); i += 2, gradient += 2 * step, value += 2 * step) {
        const __m256i even = masked(gradient, value, relu);
        const __m256i odd = masked(gradient + step, value + step, relu);
        sum = _mm512_add_ps(sum, _mm512_add_ps(bf16_widen(even), bf16_widen(odd)));
        _mm512_store_si512(pairs + i * 16, pair(even, odd));
    }
    _mm512_storeu_ps(bias, sum);
}

static void transpose16(__m512i *r) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

/* The gradient of the weights goes through a map in strips of so many pixels, a multiple of 32,
 * which stay in the nearest cache for all taps and outputs. */
#define STRIP 512

/* How far the taps of a convolution reach from a pixel. */
static int reach_of(const source *s, int pitch) {
    return s->taps == 1 ? 0 : s->dilation * (pitch + 1);
}

/* Pixels of a plane of one channel of a strip: a multiple of 32, and of planes that do not all meet
 * in the same lines of the cache. */
static int plane_size(int reach) {
    return ((STRIP + 2 * reach + 31) / 32 | 1) * 32;
}

/* 16 channels of count pixels from position on as planes. */
static void to_planes(const map *m, int block, int position, int count, bf16 *planes, int size) {
    const int step = m->channels;
    const bf16 *from = map_first(m, false) + (ptrdiff_t)position * step + block * 16;
    for (int i = 0; i < count; i += 32) {
        __m512i rows[16];
        for (int k = 0; k < 16; k++, from += 2 * step)
            rows[k] = pair(bf16_read(from), bf16_read(from + step));
        transpose16(rows);
        for (int k = 0; k < 16; k++) _mm512_store_si512(planes + k * size + i, rows[k]);
    }
}

size_t scratch_size(const map *m) {
    const size_t planes = 16 * (size_t)plane_size(m->pad * (map_pitch(m) + 1));
    return (planes + 8 * (size_t)run_length(m) * 16) * sizeof(bf16);
}

/* What one strip of 16 channels adds to the gradient of all weights that multiply them. */
static void add_strip(const source *s, const bf16 *planes, int pitch, const bf16 *pairs,
                      int pairs_size, int length, float *gradient, int outputs) {
    const int row = s->taps == 1 ? 1 : 3, reach = reach_of(s, pitch);
    for (int tap = 0; tap < s->taps; tap += row) {
        for (int output = 0; output < outputs; output += 16) {
            int shifts[3];
            float *sums[3];
            for (int k = 0; k < row; k++) {
                shifts[k] = reach + shift_of(s, tap + k, pitch);
                sums[k] = gradient + (ptrdiff_t)(tap + k) * s->channels * outputs + output;
            }
            products_row(planes, plane_size(reach), shifts, row,
                         pairs + (ptrdiff_t)output / 16 * pairs_size, length, sums, outputs);
        }
    }
}

static void weight_gradient(const convolution *c, const source *s, const map *in, float *gradient,
                            bf16 *planes, const bf16 *pairs, int pairs_size) {
    const int outputs = blocks(c->outputs) * 16, pitch = map_pitch(in);
    const int reach = reach_of(s, pitch), run = run_length(in);
    for (int block = 0; block < s->channels / 16; block++) {
        for (int first = 0; first < run; first += STRIP) {
            const int length = run - first < STRIP ? run - first : STRIP;
            to_planes(in, block, first - reach, length + 2 * reach, planes, plane_size(reach));
            add_strip(s, planes, pitch, pairs + (ptrdiff_t)first * 16, pairs_size, length,
                      gradient + (ptrdiff_t)block * 16 * outputs, outputs);
        }
    }
}

void convolution_backward(const convolution *c, const map *const *sources, const map *out,
                          bool relu, const bool *add, const bool *wanted, void *scratch) {
    span spans[SPANS_MAX];
    operand operands[OPERANDS_MAX];
    const int outputs = blocks(c->outputs), pairs_size = run_length(out) * 16;
    bf16 *pairs = scratch, *planes = pairs + (ptrdiff_t)outputs * pairs_size;
    for (int block = 0; block < outputs; block++)
        prepare_gradient(out, relu, block, c->bias_gradient + block * 16,
                         pairs + (ptrdiff_t)block * pairs_size);
    const source g = gradient_of(c);
    const int count = plan_operands(&g, map_first(out, true), map_pitch(out), operands);
    const int span_count = plan_spans(out, spans);
    float *gradient = c->weight_gradient;
    for (int i = 0; i < c->sources; i++) {
        const source s = source_of(c, i);
        const target t = {map_first(sources[i], true), s.channels, NULL, false, add[i]};
        if (wanted[i])
            products_map(operands, count, c->back[i], &t, s.channels / 16, spans, span_count);
        weight_gradient(c, &s, sources[i], gradient, planes, pairs, pairs_size);
        gradient += s.taps * s.channels * outputs * 16;
    }
}
