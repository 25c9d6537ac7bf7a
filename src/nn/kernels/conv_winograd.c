/* SPDX-License-Identifier: Apache-2.0
 * Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2016): tiles of 6x6 input pixels become 36 values a channel, 36 small matrix products
 * make 36 values an output channel, and these become 4x4 output pixels. 36 multiplications instead
 * of 144. */
#include "conv_tile.h"

#include <math.h>

/* At once. Measured: 16 to 32 are up to a third slower, as scratch leaves the second-level cache.
 */
#define TILES 12
#define POINTS 36

bool offcut__conv_winograd_can(const offcut__conv *c) {
    return c->window.kernel_h == 3 && c->window.kernel_w == 3 && c->window.stride_h == 1 &&
           c->window.stride_w == 1 && c->window.dilation_h == 1 && c->window.dilation_w == 1 &&
           c->groups == 1 && c->group_in % 4 == 0 && c->group_out % 4 == 0;
}

uint32_t offcut__conv_winograd_units(const offcut__op *op) {
    return (uint32_t)(op->out.shape.dims[0] * ((op->out.shape.dims[2] + 3) / 4));
}

/* ---- weights: [point][block of output channels][input channel][8 or 4]
 * ---------------------------------------------- */

size_t offcut__conv_winograd_weights(const offcut__conv *c) {
    return POINTS * offcut__tile_channels(c->group_out) * c->group_in;
}

/* G g: 3 taps become 6 points. */
static void expand(const double *g, ptrdiff_t step, double *out, ptrdiff_t out_step) {
    const double a = g[0], b = g[step], c = g[2 * step];
    out[0] = a / 4;
    out[out_step] = -(a + b + c) / 6;
    out[2 * out_step] = -(a - b + c) / 6;
    out[3 * out_step] = a / 24 + b / 12 + c / 6;
    out[4 * out_step] = a / 24 - b / 12 + c / 6;
    out[5 * out_step] = c;
}

static void transform_weights(const offcut__conv *c, const float *reference, uint32_t k, uint32_t d,
                              double *points) {
    double taps[9], half[18];
    for (size_t t = 0; t < 9; t++)
        taps[t] = (double)reference[((size_t)k * 9 + t) * c->group_in + d];
    for (int j = 0; j < 3; j++) expand(taps + j, 3, half + j, 3);
    for (int i = 0; i < 6; i++) expand(half + 3 * i, 1, points + 6 * i, 1);
}

void offcut__conv_winograd_pack(const offcut__conv *c, const float *reference, float *packed) {
    const size_t plane = offcut__tile_channels(c->group_out) * c->group_in;
    double points[POINTS];
    for (uint32_t k = 0; k < c->group_out; k++) {
        const uint32_t block = k / 8 * 8;
        const uint32_t width = offcut__tile_width(c->group_out - block);
        for (uint32_t d = 0; d < c->group_in; d++) {
            transform_weights(c, reference, k, d, points);
            float *to = packed + (size_t)block * c->group_in + (size_t)d * width + (k - block);
            for (size_t p = 0; p < POINTS; p++) to[p * plane] = (float)points[p];
        }
    }
}

/* ---- scratch ---- */

typedef struct scratch {
    float *in;    /* [POINTS][TILES][group_in] */
    float *out;   /* [POINTS][TILES][group_out] */
    float *zeros; /* [the larger of both] */
    const float **table;
} scratch;

static size_t zeros_size(const offcut__conv *c) {
    return c->group_in > c->group_out ? c->group_in : c->group_out;
}

static int32_t table_columns(const offcut__op *op) {
    return (op->out.shape.dims[3] + 3) / 4 * 4 + 2;
}

size_t offcut__conv_winograd_scratch(const offcut__op *op) {
    const offcut__conv *c = &op->u.conv;
    const size_t pointer = sizeof(float *) / 4; /* in floats */
    return (size_t)POINTS * TILES * (c->group_in + c->group_out) + zeros_size(c) +
           pointer * (6 * (size_t)table_columns(op) + TILES) + 8;
}

static scratch scratch_of(const offcut__op *op, float *arena) {
    const offcut__conv *c = &op->u.conv;
    scratch s = {.in = offcut__op_scratch(op, arena)};
    s.out = s.in + (size_t)POINTS * TILES * c->group_in;
    s.zeros = s.out + (size_t)POINTS * TILES * c->group_out;
    s.table = (const float **)(void *)(s.zeros + ((zeros_size(c) + 3) & ~(size_t)3));
    memset(s.zeros, 0, zeros_size(c) * sizeof *s.zeros);
    return s;
}

/* ---- transforms ---- */

/* B^T d along one direction. */
OFFCUT__INLINE void transform_in(const f32x4 *d, const int step, f32x4 *out, const int out_step) {
    const f32x4 two = f32x4_splat(2.0f), four = f32x4_splat(4.0f), five = f32x4_splat(5.0f);
    const f32x4 d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
                d5 = d[5 * step];
    const f32x4 even = d4 - four * d2, odd = d3 - four * d1;
    const f32x4 near_even = d4 - d2, near_odd = two * (d3 - d1);
    out[0] = four * d0 - five * d2 + d4;
    out[out_step] = even + odd;
    out[2 * out_step] = even - odd;
    out[3 * out_step] = near_even + near_odd;
    out[4 * out_step] = near_even - near_odd;
    out[5 * out_step] = four * d1 - five * d3 + d5;
}

/* A^T m along one direction. */
OFFCUT__INLINE void transform_out(const f32x4 *m, const int step, f32x4 *out, const int out_step) {
    const f32x4 two = f32x4_splat(2.0f), four = f32x4_splat(4.0f), eight = f32x4_splat(8.0f);
    const f32x4 sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
    const f32x4 far_sum = m[3 * step] + m[4 * step], far_difference = m[3 * step] - m[4 * step];
    out[0] = m[0] + sum + far_sum;
    out[out_step] = difference + two * far_difference;
    out[2 * out_step] = sum + four * far_sum;
    out[3 * out_step] = difference + eight * far_difference + m[5 * step];
}

/* Four channels of one tile: 36 pixels -> 36 points. pixels: [6][columns]. */
OFFCUT__INLINE void tile_in(const float *const *pixels, size_t columns, size_t channel, float *out,
                            size_t plane) {
    f32x4 half[36];
    OFFCUT__UNROLL
    for (int j = 0; j < 6; j++) {
        f32x4 d[6];
        OFFCUT__UNROLL
        for (int i = 0; i < 6; i++)
            d[i] = f32x4_load(pixels[(size_t)i * columns + (size_t)j] + channel);
        transform_in(d, 1, half + j, 6);
    }
    OFFCUT__UNROLL
    for (int i = 0; i < 6; i++) {
        f32x4 points[6];
        transform_in(half + 6 * i, 1, points, 1);
        OFFCUT__UNROLL
        for (int j = 0; j < 6; j++) f32x4_store(out + (size_t)(6 * i + j) * plane, points[j]);
    }
}

/* Four channels of one tile: 36 points -> 4x4 pixels, with bias. */
OFFCUT__INLINE void tile_out(const float *points, size_t plane, f32x4 bias, f32x4 *pixels) {
    f32x4 half[24];
    OFFCUT__UNROLL
    for (int j = 0; j < 6; j++) {
        f32x4 m[6];
        OFFCUT__UNROLL
        for (int i = 0; i < 6; i++) m[i] = f32x4_load(points + (size_t)(6 * i + j) * plane);
        transform_out(m, 1, half + j, 6);
    }
    OFFCUT__UNROLL
    for (int i = 0; i < 4; i++) {
        transform_out(half + 6 * i, 1, pixels + 4 * i, 1);
        OFFCUT__UNROLL
        for (int j = 0; j < 4; j++) pixels[4 * i + j] += bias;
    }
}

/* ---- a row of tiles ---- */

static void products(const offcut__conv *c, const scratch *s, const float **rows, uint32_t tiles) {
    const size_t plane = offcut__tile_channels(c->group_out) * c->group_in;
    for (uint32_t t = 0; t < tiles; t++) rows[t] = s->in + (size_t)t * c->group_in;
    offcut__tile tile = {.step = 1,
                         .kernel_h = 1,
                         .kernel_w = 1,
                         .channels = c->group_in,
                         .bias = s->zeros,
                         .out_step = (ptrdiff_t)c->group_out};
    for (size_t p = 0; p < POINTS; p++) {
        tile.channel = p * TILES * c->group_in;
        tile.weights = c->weights + p * plane;
        for (uint32_t first = 0; first < c->group_out;) {
            const uint32_t width = offcut__tile_width(c->group_out - first);
            tile.vectors = width / 4;
            tile.width = width; /* channels come in fours, and 8 only where there are 8 */
            for (uint32_t t = 0; t < tiles; t += OFFCUT__TILE_PIXELS) {
                tile.table = rows + t;
                tile.out = s->out + (p * TILES + t) * c->group_out + first;
                offcut__tile_run(
                    &tile,
                    (int32_t)(tiles - t < OFFCUT__TILE_PIXELS ? tiles - t : OFFCUT__TILE_PIXELS));
            }
            tile.weights += (size_t)c->group_in * width;
            first += width;
        }
    }
}

static void store_tile(const offcut__op *op, const f32x4 *pixels, float *out, const float *add,
                       int32_t height, int32_t width) {
    const offcut__conv *c = &op->u.conv;
    for (int32_t i = 0; i < height; i++) {
        for (int32_t j = 0; j < width; j++) {
            f32x4 v = pixels[4 * i + j];
            if (add) v += f32x4_load(add + i * op->in[1].strides[2] + j * op->in[1].strides[3]);
            f32x4_store(out + i * op->out.strides[2] + j * op->out.strides[3],
                        f32x4_clamp(v, c->lo, c->hi));
        }
    }
}

/* Tiles first..first+tiles-1 of the row of tiles at output row y. */
static void strip(const offcut__op *op, const scratch *s, float *out, const float *add, int32_t y,
                  int32_t first, int32_t tiles) {
    const offcut__conv *c = &op->u.conv;
    const size_t columns = (size_t)table_columns(op);
    const size_t in_plane = (size_t)TILES * c->group_in, out_plane = (size_t)TILES * c->group_out;
    for (int32_t t = 0; t < tiles; t++)
        for (size_t d = 0; d < c->group_in; d += 4)
            tile_in(s->table + 4 * (first + t), columns, d, s->in + (size_t)t * c->group_in + d,
                    in_plane);
    products(c, s, s->table + 6 * columns, (uint32_t)tiles);
    const int32_t rest_h = op->out.shape.dims[2] - y, width = op->out.shape.dims[3];
    for (int32_t t = 0; t < tiles; t++) {
        const int32_t x = 4 * (first + t);
        for (size_t k = 0; k < c->group_out; k += 4) {
            f32x4 pixels[16];
            tile_out(s->out + (size_t)t * c->group_out + k, out_plane, f32x4_load(c->bias + k),
                     pixels);
            store_tile(op, pixels, out + x * op->out.strides[3] + (ptrdiff_t)k,
                       add ? add + x * op->in[1].strides[3] + (ptrdiff_t)k : NULL,
                       rest_h < 4 ? rest_h : 4, width - x < 4 ? width - x : 4);
        }
    }
}

void offcut__conv_winograd(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__conv *c = &op->u.conv;
    const offcut__view *in = &op->in[0];
    const scratch s = scratch_of(op, arena);
    const int32_t height = op->out.shape.dims[2], rows = (height + 3) / 4,
                  tiles = (op->out.shape.dims[3] + 3) / 4;
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / rows, y = (int32_t)unit % rows * 4;
        offcut__pixel_table(s.table, in, offcut__view_read(in, arena) + n * in->strides[0], s.zeros,
                            y - c->window.pad_top, 6, -c->window.pad_left, table_columns(op));
        float *out =
            offcut__view_write(&op->out, arena) + n * op->out.strides[0] + y * op->out.strides[2];
        const float *add = NULL;
        if (op->in_count > 1)
            add = offcut__view_read(&op->in[1], arena) + n * op->in[1].strides[0] +
                  y * op->in[1].strides[2];
        for (int32_t first = 0; first < tiles; first += TILES)
            strip(op, &s, out, add, y, first, tiles - first < TILES ? tiles - first : TILES);
        offcut__act_rows(op, arena, n, y, y + 4 < height ? y + 4 : height);
    }
}
