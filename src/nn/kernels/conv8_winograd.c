/* SPDX-License-Identifier: Apache-2.0
 * int8 convolution by Winograd's F(4x4, 3x3), see winograd8.h: tiles of 6x6 input pixels become 36
 * numbers a channel, 36 small matrix products make 36 an output channel, and these become 4x4
 * output pixels. 36 multiplications instead of 144. */
#include "kernels.h"
#include "requantise.h"
#include "winograd8.h"

#define SIDE OFFCUT__WINOGRAD8_SIDE
#define STEP OFFCUT__WINOGRAD8_STEP
#define POINTS (SIDE * SIDE)
/* Of a strip: a multiple of what a matrix product takes at once (six spill), and of the two that
 * are transformed. */
#define TILES 10
#define AT_ONCE 5
#define COLUMNS (STEP * TILES + 2)
#define POINT_SUMS (2 * TILES * 4) /* of two vectors of channels */

typedef struct scratch {
    int8_t *rows;   /* [SIDE][COLUMNS][4]: of the input, where a part of it is outside */
    int16_t *down;  /* [SIDE][COLUMNS][4]: transformed downwards */
    int16_t *in;    /* [POINTS][groups][TILES][4] */
    int32_t *sums;  /* [POINTS][2][TILES][4] */
    int32_t groups; /* of four input channels */
} scratch;

/* Tiles of a strip that lie side by side. */
typedef struct segment {
    int32_t y, x;  /* of the first one's output */
    int32_t tiles; /* so many */
    int32_t at;    /* the first one's place in the strip */
} segment;

static uint32_t groups_in(const offcut__conv8 *c) {
    return (c->channels_in + 3) / 4;
}

static int32_t tiles_across(const offcut__op *op) {
    return (op->out.shape.dims[3] + STEP - 1) / STEP;
}

bool offcut__conv8_winograd_can(const offcut__conv8 *c, double largest) {
    const offcut__geometry *w = &c->window;
    return w->kernel_h == 3 && w->kernel_w == 3 && w->stride_h == 1 && w->stride_w == 1 &&
           w->dilation_h == 1 && w->dilation_w == 1 && !c->depthwise && !c->floats &&
           c->channels_in >= 8 && c->channels_out >= 8 &&
           largest * OFFCUT__WINOGRAD8_SCALE < 2147483647.0;
}

uint32_t offcut__conv8_winograd_units(const offcut__op *op) {
    return ((uint32_t)op->out.shape.dims[2] + STEP - 1) / STEP;
}

size_t offcut__conv8_winograd_scratch(const offcut__op *op) {
    return SIDE * COLUMNS * 3 + POINTS * POINT_SUMS +
           POINTS * TILES * 2 * (size_t)groups_in(&op->u.conv8);
}

static scratch scratch_of(const offcut__op *op, float *arena) {
    float *memory = offcut__op_scratch(op, arena);
    scratch s = {.groups = (int32_t)groups_in(&op->u.conv8)};
    s.sums = (int32_t *)(void *)memory;
    s.in = (int16_t *)(void *)(s.sums + POINTS * POINT_SUMS);
    s.down = s.in + POINTS * TILES * 4 * (ptrdiff_t)s.groups;
    s.rows = (int8_t *)(s.down + SIDE * COLUMNS * 4);
    return s;
}

/* ---- weights: [block of output channels][point][input channels 2i, 2i + 1][8 or 4][2] ---- */

size_t offcut__conv8_winograd_weights(const offcut__conv8 *c) {
    return ((size_t)c->channels_out + 3) / 4 * 4 * 4 * groups_in(c) * POINTS * sizeof(int16_t);
}

/* Of one input channel, for so many output channels. */
static void transform_weights(const int8_t *weights, size_t output, uint32_t outputs,
                              i16x8 *points) {
    int16_t taps[9][8] = {{0}};
    i16x8 g[9], half[18];
    for (uint32_t k = 0; k < outputs; k++, weights += output)
        for (int t = 0; t < 9; t++) taps[t][k] = weights[t];
    for (int t = 0; t < 9; t++) g[t] = i16x8_load(taps[t]);
    for (int j = 0; j < 3; j++) offcut__winograd8_weights(g + j, 3, half + j, 3);
    for (int i = 0; i < SIDE; i++) offcut__winograd8_weights(half + 3 * i, 1, points + SIDE * i, 1);
}

/* A block: of `outputs` channels, of which the last may not be there. */
static void fill_block(const offcut__conv8 *c, const int8_t *weights, uint32_t first,
                       uint32_t outputs, int16_t *packed) {
    const uint32_t left = c->channels_out - first, there = left < outputs ? left : outputs;
    const size_t output = 9 * (size_t)c->channels_in, pairs = 2 * (size_t)groups_in(c);
    const size_t pair = 2 * (size_t)outputs;
    weights += first * output;
    for (uint32_t d = 0; d < 2 * pairs; d += 2, packed += pair) {
        i16x8 even[POINTS] = {0}, odd[POINTS] = {0};
        if (d < c->channels_in) transform_weights(weights + 9 * d, output, there, even);
        if (d + 1 < c->channels_in) transform_weights(weights + 9 * d + 9, output, there, odd);
        for (size_t p = 0; p < POINTS; p++) {
            const i16x8 both[2] = {i16x8_zip_low(even[p], odd[p]), i16x8_zip_high(even[p], odd[p])};
            memcpy(packed + p * pairs * pair, both, pair * sizeof *packed);
        }
    }
}

void offcut__conv8_winograd_fill(const offcut__conv8 *c, const int8_t *weights, int16_t *packed) {
    for (uint32_t first = 0; first < c->channels_out; first += 8) {
        const uint32_t outputs = c->channels_out - first > 4 ? 8 : 4;
        fill_block(c, weights, first, outputs, packed);
        packed += (size_t)POINTS * 4 * groups_in(c) * outputs;
    }
}

/* ---- input ---- */

/* So many quads of the input's row y from column x on; where a part of them is outside, a copy with
 * zeros there. */
static const int8_t *row_of(const offcut__view *in, const float *arena, int32_t g, int32_t y,
                            int32_t x, int32_t count, int8_t *copy) {
    const int32_t width = in->shape.dims[3];
    const int32_t begin = x < 0 ? -x : 0, end = width - x < count ? width - x : count;
    const bool empty = y < 0 || y >= in->shape.dims[2] || begin >= end;
    const int8_t *row = empty ? NULL : offcut__quads_read(in, arena, y, g);
    if (!empty && begin == 0 && end == count) return row + 4 * x;
    memset(copy, 0, 4 * (size_t)count);
    if (!empty) memcpy(copy + 4 * begin, row + 4 * (x + begin), 4 * (size_t)(end - begin));
    return copy;
}

/* Downwards: two pixels of six rows at a time. */
static void transform_down(const int8_t *const *rows, int32_t columns, int16_t *to) {
    for (int32_t x = 0; x < columns; x += 2, to += 8) {
        i16x8 d[SIDE], points[SIDE];
        OFFCUT__UNROLL
        for (int i = 0; i < SIDE; i++) d[i] = i16x8_load_bytes(rows[i] + 4 * x);
        offcut__winograd8_input(d, points);
        OFFCUT__UNROLL
        for (ptrdiff_t i = 0; i < SIDE; i++)
            memcpy(to + i * 4 * COLUMNS, &points[i], sizeof points[i]);
    }
}

/* A row of points of two tiles. to: of the first point, the others `point` apart. */
OFFCUT__INLINE void transform_pair(const int16_t *from, int16_t *to, ptrdiff_t point,
                                   const bool both) {
    i16x8 d[SIDE], points[SIDE];
    OFFCUT__UNROLL
    for (int j = 0; j < SIDE; j++)
        d[j] = i16x8_load_halves(from + 4 * j, from + 4 * (both ? STEP + j : j));
    offcut__winograd8_input(d, points);
    OFFCUT__UNROLL
    for (int j = 0; j < SIDE; j++) memcpy(to + j * point, &points[j], both ? 16 : 8);
}

/* All six rows of points of a segment. */
static void transform_across(const int16_t *down, int32_t tiles, int16_t *to, ptrdiff_t point) {
    for (ptrdiff_t i = 0; i < SIDE; i++, down += 4 * COLUMNS, to += SIDE * point) {
        int32_t t = 0;
        for (; t + 2 <= tiles; t += 2) transform_pair(down + 4 * STEP * t, to + 4 * t, point, true);
        if (t < tiles) transform_pair(down + 4 * STEP * t, to + 4 * t, point, false);
    }
}

static void transform_in(const offcut__op *op, const scratch *s, const float *arena, segment part) {
    const offcut__geometry *window = &op->u.conv8.window;
    const int32_t columns = STEP * part.tiles + 2;
    for (int32_t g = 0; g < s->groups; g++) {
        const int8_t *rows[SIDE];
        for (int32_t i = 0; i < SIDE; i++)
            rows[i] =
                row_of(&op->in[0], arena, g, part.y - window->pad_top + i,
                       part.x - window->pad_left, columns, s->rows + (ptrdiff_t)i * 4 * COLUMNS);
        transform_down(rows, columns, s->down);
        transform_across(s->down, part.tiles, s->in + ((ptrdiff_t)g * TILES + part.at) * 4,
                         (ptrdiff_t)s->groups * TILES * 4);
    }
}

/* ---- output ---- */

/* Sums of four channels of a tile -> 4 x 4 pixels. */
OFFCUT__INLINE void transform_tile(const int32_t *sums, i32x4 pixels[STEP][STEP]) {
    static const int taken[STEP] = {0, 1, 2, 2};
    u32x4 half[STEP * SIDE];
    OFFCUT__UNROLL
    for (int j = 0; j < SIDE; j++) {
        u32x4 m[SIDE];
        OFFCUT__UNROLL
        for (ptrdiff_t i = 0; i < SIDE; i++)
            m[i] = (u32x4)i32x4_load(sums + (SIDE * i + j) * POINT_SUMS);
        offcut__winograd8_output(m, 1, half + j, SIDE);
    }
    OFFCUT__UNROLL
    for (int i = 0; i < STEP; i++) {
        u32x4 row[STEP];
        offcut__winograd8_output(half + SIDE * i, 1, row, 1);
        OFFCUT__UNROLL
        for (int j = 0; j < STEP; j++)
            pixels[i][j] = offcut__winograd8_divide(row[j], taken[i] + taken[j]);
    }
}

/* Where four channels of a segment go; what is added to them, or NULL. */
typedef struct place {
    int8_t *to[STEP];
    const int8_t *add[STEP];
    int32_t rows, width; /* so many there are */
} place;

static place place_of(const offcut__op *op, float *arena, segment part, int32_t group) {
    const int32_t below = op->out.shape.dims[2] - part.y, left = op->out.shape.dims[3] - part.x;
    place p = {.rows = below < STEP ? below : STEP, .width = left};
    for (int32_t i = 0; i < p.rows; i++) {
        p.to[i] = offcut__quads_write(&op->out, arena, part.y + i, group) + 4 * part.x;
        if (op->in_count > 1)
            p.add[i] = offcut__quads_read(&op->in[1], arena, part.y + i, group) + 4 * part.x;
    }
    return p;
}

/* A row of a tile: four pixels, or as many as there are. */
OFFCUT__INLINE void put(const offcut__finisher *f, const i32x4 *pixels, int8_t *to,
                        const int8_t *add, int32_t width, const bool adds) {
    const size_t size = width < STEP ? 4 * (size_t)width : sizeof(i8x16);
    int8_t other[sizeof(i8x16)] = {0}, result[sizeof(i8x16)];
    i32x4 y[STEP];
    const bool whole = width >= STEP;
    if (adds && !whole) memcpy(other, add, size);
    OFFCUT__UNROLL
    for (int j = 0; j < STEP; j++)
        y[j] = offcut__requantise(f, pixels[j], adds ? (whole ? add : other) + 4 * j : NULL);
    quads_store(whole ? to : result, y, f->lo, f->hi);
    if (!whole) memcpy(to, result, size);
}

OFFCUT__INLINE void finish_tiles(const offcut__finisher *f, const int32_t *sums, int32_t tiles,
                                 const place *p, const bool adds) {
    for (int32_t t = 0; t < tiles; t++) {
        i32x4 pixels[STEP][STEP];
        transform_tile(sums + 4 * t, pixels);
        const int32_t x = STEP * t;
        for (int32_t i = 0; i < p->rows; i++)
            put(f, pixels[i], p->to[i] + 4 * x, adds ? p->add[i] + 4 * x : NULL, p->width - x,
                adds);
    }
}

/* Four channels from `first` on of a segment, from their sums. */
static void finish(const offcut__op *op, float *arena, const int32_t *sums, segment part,
                   uint32_t first) {
    const offcut__finisher f = offcut__finisher_of(&op->u.conv8, first);
    const place p = place_of(op, arena, part, (int32_t)first / 4);
    if (op->in_count > 1)
        finish_tiles(&f, sums + 4 * part.at, part.tiles, &p, true);
    else
        finish_tiles(&f, sums + 4 * part.at, part.tiles, &p, false);
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

/* The tiles of a strip, numbered row by row, in segments. */
typedef struct strip {
    segment parts[TILES];
    int32_t count, tiles;
} strip;

static strip strip_of(const offcut__op *op, int32_t first, int32_t end) {
    const int32_t across = tiles_across(op);
    strip result = {.count = 0, .tiles = end - first < TILES ? end - first : TILES};
    for (int32_t at = 0; at < result.tiles;) {
        const int32_t row = (first + at) / across, column = (first + at) % across;
        const int32_t left = result.tiles - at, there = across - column;
        segment *part = &result.parts[result.count++];
        *part = (segment){STEP * row, STEP * column, left < there ? left : there, at};
        at += part->tiles;
    }
    return result;
}

static void run_strip(const offcut__op *op, float *arena, const scratch *s, const strip *tiles) {
    const offcut__conv8 *c = &op->u.conv8;
    const int16_t *weights = (const int16_t *)(const void *)c->weights;
    for (int32_t i = 0; i < tiles->count; i++) transform_in(op, s, arena, tiles->parts[i]);
    for (uint32_t first = 0; first < c->channels_out; first += 8) {
        const uint32_t vectors = c->channels_out - first > 4 ? 2 : 1;
        if (vectors > 1)
            multiply_eight(s, weights, tiles->tiles);
        else
            multiply_four(s, weights, tiles->tiles);
        weights += POINTS * 16 * (ptrdiff_t)vectors * s->groups;
        for (uint32_t v = 0; v < vectors; v++)
            for (int32_t i = 0; i < tiles->count; i++)
                finish(op, arena, s->sums + (ptrdiff_t)v * 4 * TILES, tiles->parts[i],
                       first + 4 * v);
    }
}

void offcut__conv8_winograd(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const scratch s = scratch_of(op, arena);
    const int32_t across = tiles_across(op), last = (int32_t)end * across;
    for (int32_t first = (int32_t)begin * across; first < last; first += TILES) {
        const strip tiles = strip_of(op, first, last);
        run_strip(op, arena, &s, &tiles);
    }
}
