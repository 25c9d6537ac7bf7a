/* SPDX-License-Identifier: Apache-2.0
 * Winograd's minimal filtering F(2x2, 3x3) (Lavin & Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2016) in integers: tiles of 4x4 input pixels become 16 numbers a channel, 16 small
 * matrix products make 16 an output channel, and these become 2x2 output pixels. 16 multiplications
 * instead of 36. Its halves are in the weights, twice in each direction: all sums come out four
 * times as large, exactly, so that the result is that of the plain convolution to the bit. */
#include "kernels.h"
#include "requantise.h"
#include "simd.h"

/* Of a strip: a multiple of what a matrix product takes at once (six spill), and of the two that
 * are transformed. */
#define TILES 20
#define AT_ONCE 5
#define COLUMNS (2 * TILES + 2)
#define POINTS 16
#define ROWS_SIZE (4 * COLUMNS)    /* floats */
#define POINT_SUMS (2 * TILES * 4) /* of two vectors of channels */
#define ROW_SUMS (2 * TILES * 4)
/* 9 sums of so many channels x 4 x 128 x 9 x 128 stay in 32 bits. */
#define CHANNELS_MAX 256

typedef struct scratch {
    int8_t *rows;   /* [4][COLUMNS][4]: of the input, where a part of it is outside */
    int16_t *in;    /* [POINTS][groups][TILES][4] */
    int32_t *sums;  /* [POINTS][2][TILES][4] */
    int32_t *out;   /* [2][2 TILES][4] */
    int32_t groups; /* of four input channels */
} scratch;

static uint32_t groups_in(const offcut__conv8 *c) {
    return (c->channels_in + 3) / 4;
}

bool offcut__conv8_winograd_can(const offcut__conv8 *c) {
    const offcut__geometry *w = &c->window;
    return w->kernel_h == 3 && w->kernel_w == 3 && w->stride_h == 1 && w->stride_w == 1 &&
           w->dilation_h == 1 && w->dilation_w == 1 && !c->depthwise && !c->floats &&
           c->channels_in >= 8 && c->channels_in <= CHANNELS_MAX && c->channels_out >= 8;
}

uint32_t offcut__conv8_winograd_units(const offcut__op *op) {
    return (uint32_t)(op->out.shape.dims[2] + 1) / 2;
}

size_t offcut__conv8_winograd_scratch(const offcut__op *op) {
    return ROWS_SIZE + POINTS * POINT_SUMS + 2 * ROW_SUMS +
           POINTS * TILES * 2 * (size_t)groups_in(&op->u.conv8);
}

static scratch scratch_of(const offcut__op *op, float *arena) {
    float *memory = offcut__op_scratch(op, arena);
    scratch s = {.groups = (int32_t)groups_in(&op->u.conv8)};
    s.rows = (int8_t *)memory;
    s.sums = (int32_t *)(void *)(memory + ROWS_SIZE);
    s.out = s.sums + POINTS * POINT_SUMS;
    s.in = (int16_t *)(void *)(s.out + 2 * ROW_SUMS);
    return s;
}

/* ---- weights: [block of output channels][point][input channels 2i, 2i + 1][8 or 4][2] ---- */

size_t offcut__conv8_winograd_weights(const offcut__conv8 *c) {
    return ((size_t)c->channels_out + 3) / 4 * 4 * 4 * groups_in(c) * POINTS * sizeof(int16_t);
}

/* 2 G g: 3 taps become 4 points. */
static void expand(const int32_t *g, int step, int32_t *out, int out_step) {
    const int32_t a = g[0], b = g[step], c = g[2 * step];
    out[0] = 2 * a;
    out[out_step] = a + b + c;
    out[2 * out_step] = b - a - c;
    out[3 * out_step] = 2 * c;
}

static void transform_weights(const int8_t *weights, int32_t *points) {
    int32_t taps[9], half[12];
    for (int t = 0; t < 9; t++) taps[t] = weights[t];
    for (int j = 0; j < 3; j++) expand(taps + j, 3, half + j, 3);
    for (int i = 0; i < 4; i++) expand(half + 3 * i, 1, points + 4 * i, 1);
}

void offcut__conv8_winograd_fill(const offcut__conv8 *c, const int8_t *weights, int16_t *packed) {
    const size_t channels = 4 * (size_t)groups_in(c);
    memset(packed, 0, offcut__conv8_winograd_weights(c));
    for (uint32_t k = 0; k < c->channels_out; k++) {
        const uint32_t first = k / 8 * 8, outputs = c->channels_out - first > 4 ? 8 : 4;
        for (uint32_t d = 0; d < c->channels_in; d++, weights += 9) {
            int32_t points[POINTS];
            transform_weights(weights, points);
            int16_t *to = packed + first * channels * POINTS +
                          ((size_t)(d / 2) * outputs + (k - first)) * 2 + d % 2;
            for (size_t p = 0; p < POINTS; p++) to[p * channels * outputs] = (int16_t)points[p];
        }
    }
}

/* ---- input ---- */

/* COLUMNS quads of the input's row y from column x on; where a part of them is outside, a copy with
 * zeros there. */
static const int8_t *row_of(const offcut__view *in, const float *arena, int32_t g, int32_t y,
                            int32_t x, int8_t *copy) {
    const int32_t width = in->shape.dims[3];
    const int32_t begin = x < 0 ? -x : 0, end = width - x < COLUMNS ? width - x : COLUMNS;
    const bool empty = y < 0 || y >= in->shape.dims[2] || begin >= end;
    const int8_t *row = empty ? NULL : offcut__quads_read(in, arena, y, g);
    if (!empty && begin == 0 && end == COLUMNS) return row + 4 * x;
    memset(copy, 0, 4 * COLUMNS);
    if (!empty) memcpy(copy + 4 * begin, row + 4 * (x + begin), 4 * (size_t)(end - begin));
    return copy;
}

/* B^T d downwards: two pixels of four rows. */
OFFCUT__INLINE void transform_down(const int8_t *const *rows, int32_t x, i16x8 *points) {
    const i16x8 a = i16x8_load_bytes(rows[0] + 4 * x), b = i16x8_load_bytes(rows[1] + 4 * x),
                c = i16x8_load_bytes(rows[2] + 4 * x), d = i16x8_load_bytes(rows[3] + 4 * x);
    points[0] = a - c;
    points[1] = b + c;
    points[2] = b - c;
    points[3] = b - d;
}

/* Pixels 0 and 2, or 1 and 3, of two pairs. */
OFFCUT__INLINE i16x8 every_second(i16x8 pixels, i16x8 next, const int first) {
    const i32x4 a = (i32x4)pixels, b = (i32x4)next;
    return (i16x8)(i32x4){a[2 * first], a[2 * first + 1], b[2 * first], b[2 * first + 1]};
}

/* B^T d B of a group's strip of tiles, two at a time. to: of point 0, the others `point` apart. */
static void transform_group(const int8_t *const *rows, int16_t *to, ptrdiff_t point) {
    i16x8 a[4], b[4], c[4];
    transform_down(rows, 0, a);
    for (int32_t t = 0; t < TILES; t += 2, to += 8) {
        transform_down(rows, 2 * t + 2, b);
        transform_down(rows, 2 * t + 4, c);
        OFFCUT__UNROLL
        for (int i = 0; i < 4; i++) {
            const i16x8 p0 = every_second(a[i], b[i], 0), p1 = every_second(a[i], b[i], 1),
                        p2 = every_second(b[i], c[i], 0), p3 = every_second(b[i], c[i], 1);
            const i16x8 points[4] = {p0 - p2, p1 + p2, p1 - p2, p1 - p3};
            OFFCUT__UNROLL
            for (int j = 0; j < 4; j++)
                memcpy(to + (4 * i + j) * point, &points[j], sizeof points[j]);
            a[i] = c[i];
        }
    }
}

/* The strip of tiles at output row y from column x on. */
static void transform_in(const offcut__op *op, const scratch *s, const float *arena, int32_t y,
                         int32_t x) {
    const offcut__geometry *window = &op->u.conv8.window;
    const ptrdiff_t group = 4 * TILES;
    for (int32_t g = 0; g < s->groups; g++) {
        const int8_t *rows[4];
        for (int32_t i = 0; i < 4; i++)
            rows[i] = row_of(&op->in[0], arena, g, y - window->pad_top + i, x - window->pad_left,
                             s->rows + (ptrdiff_t)i * 4 * COLUMNS);
        transform_group(rows, s->in + g * group, s->groups * group);
    }
}

/* ---- output ---- */

/* A^T m along one direction. */
OFFCUT__INLINE void fold(const i32x4 *m, const int step, i32x4 *near, i32x4 *far) {
    const i32x4 middle = m[step], other = m[2 * step];
    *near = m[0] + middle + other;
    *far = middle - other - m[3 * step];
}

/* Sums of four channels -> two rows of the output. */
static void transform_out(const int32_t *sums, int32_t *out, int32_t tiles) {
    for (int32_t t = 0; t < tiles; t++, sums += 4, out += 8) {
        i32x4 m[POINTS], half[2][4];
        OFFCUT__UNROLL
        for (ptrdiff_t p = 0; p < POINTS; p++) m[p] = i32x4_load(sums + p * POINT_SUMS);
        OFFCUT__UNROLL
        for (int j = 0; j < 4; j++) fold(m + j, 4, &half[0][j], &half[1][j]);
        OFFCUT__UNROLL
        for (ptrdiff_t i = 0; i < 2; i++) {
            i32x4 left, right;
            fold(half[i], 1, &left, &right);
            i32x4_store(out + i * ROW_SUMS, left >> 2);
            i32x4_store(out + i * ROW_SUMS + 4, right >> 2);
        }
    }
}

/* ---- all together ---- */

/* One point of AT_ONCE tiles: the products of two input channels in each half, summed. */
OFFCUT__INLINE void multiply(const int16_t *in, int32_t groups, const int16_t *weights,
                             int32_t *out, const int vectors) {
    i32x4 sums[AT_ONCE][2] = {{{0, 0, 0, 0}}};
    OFFCUT__NO_UNROLL
    for (int32_t n = groups; n > 0; n--, in += 4 * TILES) {
        OFFCUT__UNROLL
        for (int half = 0; half < 2; half++, weights += 8 * vectors) {
            const i16x8 w0 = i16x8_load(weights), w1 = i16x8_load(weights + 8 * (vectors - 1));
            OFFCUT__UNROLL
            for (int k = 0; k < AT_ONCE; k++) {
                const i16x8 x = pairs_load_splat(in + 4 * k + 2 * half);
                sums[k][0] = i32x4_dot16(w0, x, sums[k][0]);
                if (vectors > 1) sums[k][1] = i32x4_dot16(w1, x, sums[k][1]);
            }
        }
    }
    OFFCUT__UNROLL
    for (int k = 0; k < AT_ONCE; k++) {
        i32x4_store(out + 4 * k, sums[k][0]);
        if (vectors > 1) i32x4_store(out + 4 * (TILES + k), sums[k][1]);
    }
}

/* All points of a strip, for the next 4 * vectors output channels. */
OFFCUT__INLINE void multiply_all(const scratch *s, const int16_t *weights, int32_t tiles,
                                 const int vectors) {
    const ptrdiff_t groups = s->groups;
    for (ptrdiff_t p = 0; p < POINTS; p++, weights += groups * 16 * vectors)
        for (int32_t k = 0; k < tiles; k += AT_ONCE)
            multiply(s->in + p * groups * 4 * TILES + 4 * k, s->groups, weights,
                     s->sums + p * POINT_SUMS + 4 * k, vectors);
}

/* Each its own function: in one, the register allocator loses track. */
static __attribute__((noinline)) void multiply_four(const scratch *s, const int16_t *weights,
                                                    int32_t tiles) {
    multiply_all(s, weights, tiles, 1);
}

static __attribute__((noinline)) void multiply_eight(const scratch *s, const int16_t *weights,
                                                     int32_t tiles) {
    multiply_all(s, weights, tiles, 2);
}

/* The strip of tiles at output row y from column x on. */
static void strip(const offcut__op *op, float *arena, const scratch *s, int32_t y, int32_t x) {
    const offcut__conv8 *c = &op->u.conv8;
    const int32_t height = op->out.shape.dims[2], left = op->out.shape.dims[3] - x;
    const int32_t width = left < 2 * TILES ? left : 2 * TILES, tiles = (width + 1) / 2;
    const int16_t *weights = (const int16_t *)(const void *)c->weights;
    transform_in(op, s, arena, y, x);
    for (uint32_t first = 0; first < c->channels_out; first += 8) {
        const uint32_t vectors = c->channels_out - first > 4 ? 2 : 1;
        if (vectors > 1)
            multiply_eight(s, weights, tiles);
        else
            multiply_four(s, weights, tiles);
        weights += POINTS * 16 * (ptrdiff_t)vectors * s->groups;
        for (uint32_t v = 0; v < vectors; v++) {
            transform_out(s->sums + (ptrdiff_t)v * 4 * TILES, s->out, tiles);
            for (int32_t i = 0; i < 2 && y + i < height; i++)
                offcut__requantise_quads(op, arena, (offcut__run8){y + i, x, width}, first + 4 * v,
                                         s->out + (ptrdiff_t)i * ROW_SUMS);
        }
    }
}

void offcut__conv8_winograd(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const scratch s = scratch_of(op, arena);
    for (uint32_t unit = begin; unit < end; unit++)
        for (int32_t x = 0; x < op->out.shape.dims[3]; x += 2 * TILES)
            strip(op, arena, &s, 2 * (int32_t)unit, x);
}
