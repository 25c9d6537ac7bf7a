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
/* Of a strip: a multiple of what a matrix product takes at once (five spill), and of the two that
 * are transformed. */
#define TILES 20
#define AT_ONCE 4
#define COLUMNS (STEP * TILES + 2)
#define POINT_SUMS (2 * TILES * 4) /* of two vectors of channels */

typedef struct scratch {
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

/* By steps of two, with four channels or less: done as a 3x3 convolution of the folded picture,
 * which is half as large and has as channels the quads of its four phases: the pixels of even rows
 * and columns, of even rows and odd columns, and so on. */
static bool folds(const offcut__conv8 *c) {
    return c->window.stride_h == 2;
}

static uint32_t groups_in(const offcut__conv8 *c) {
    return folds(c) ? 4 : (c->channels_in + 3) / 4;
}

/* Of the 3x3 convolution. */
static int32_t padding(const offcut__conv8 *c, int32_t pad) {
    return folds(c) ? (pad + 1) >> 1 : pad;
}

static int32_t tiles_across(const offcut__op *op) {
    return (op->out.shape.dims[3] + STEP - 1) / STEP;
}

static int32_t tiles_of(const offcut__op *op) {
    return (op->out.shape.dims[2] + STEP - 1) / STEP * tiles_across(op);
}

bool offcut__conv8_winograd_can(const offcut__conv8 *c, double largest) {
    const offcut__geometry *w = &c->window;
    const bool dense = w->kernel_h == 3 && w->kernel_w == 3 && w->stride_h == 1 &&
                       w->stride_w == 1 && c->channels_in >= 8;
    const bool foldable = w->kernel_h == 4 && w->kernel_w == 4 && w->stride_h == 2 &&
                          w->stride_w == 2 && c->channels_in <= 4;
    return (dense || foldable) && w->dilation_h == 1 && w->dilation_w == 1 && !c->depthwise &&
           !c->floats && c->channels_out >= 8 && largest * OFFCUT__WINOGRAD8_SCALE < 2147483647.0;
}

uint32_t offcut__conv8_winograd_units(const offcut__op *op) {
    return ((uint32_t)tiles_of(op) + AT_ONCE - 1) / AT_ONCE;
}

size_t offcut__conv8_winograd_scratch(const offcut__op *op) {
    return SIDE * COLUMNS * 2 + POINTS * POINT_SUMS +
           POINTS * TILES * 2 * (size_t)groups_in(&op->u.conv8);
}

static scratch scratch_of(const offcut__op *op, float *arena) {
    float *memory = offcut__op_scratch(op, arena);
    scratch s = {.groups = (int32_t)groups_in(&op->u.conv8)};
    s.sums = (int32_t *)(void *)memory;
    s.in = (int16_t *)(void *)(s.sums + POINTS * POINT_SUMS);
    s.down = s.in + POINTS * TILES * 4 * (ptrdiff_t)s.groups;
    return s;
}

/* ---- weights: [block][point][half of a quad][quad][8 or 4 output channels][2] ---- */

size_t offcut__conv8_winograd_weights(const offcut__conv8 *c) {
    return ((size_t)c->channels_out + 3) / 4 * 4 * 4 * groups_in(c) * POINTS * sizeof(int16_t);
}

#define NO_TAP SIZE_MAX

/* Which of an output channel's weights is tap t of the 3x3 of channel d. */
static size_t tap_of(const offcut__conv8 *c, uint32_t d, int32_t t) {
    if (!folds(c)) return d < c->channels_in ? 9 * (size_t)d + (size_t)t : NO_TAP;
    const int32_t top = c->window.pad_top, left = c->window.pad_left, phase = (int32_t)d / 4;
    const int32_t i = 2 * (t / 3 - padding(c, top)) + phase / 2 + top;
    const int32_t j = 2 * (t % 3 - padding(c, left)) + phase % 2 + left;
    const bool there = d % 4 < c->channels_in && i >= 0 && i < 4 && j >= 0 && j < 4;
    return there ? 16 * (size_t)(d % 4) + 4 * (size_t)i + (size_t)j : NO_TAP;
}

/* Of an output channel. */
static size_t weights_each(const offcut__conv8 *c) {
    return (size_t)(c->window.kernel_h * c->window.kernel_w) * c->channels_in;
}

/* Of channel d, for so many output channels. */
static void transform_weights(const offcut__conv8 *c, const int8_t *weights, uint32_t d,
                              uint32_t outputs, i16x8 *points) {
    const size_t each = weights_each(c);
    i16x8 g[9], half[18];
    for (int32_t t = 0; t < 9; t++) {
        const size_t at = tap_of(c, d, t);
        int16_t taps[8] = {0};
        for (size_t k = 0; k < outputs && at != NO_TAP; k++) taps[k] = weights[k * each + at];
        g[t] = i16x8_load(taps);
    }
    for (int j = 0; j < 3; j++) offcut__winograd8_weights(g + j, 3, half + j, 3);
    for (int i = 0; i < SIDE; i++) offcut__winograd8_weights(half + 3 * i, 1, points + SIDE * i, 1);
}

/* A block: of `outputs` channels, of which the last may not be there. */
static void fill_block(const offcut__conv8 *c, const int8_t *weights, uint32_t first,
                       uint32_t outputs, int16_t *packed) {
    const uint32_t left = c->channels_out - first, there = left < outputs ? left : outputs;
    const size_t pairs = 2 * (size_t)groups_in(c), pair = 2 * (size_t)outputs;
    weights += first * weights_each(c);
    for (uint32_t d = 0; d < 2 * pairs; d += 2) {
        int16_t *to = packed + (d / 4 + d / 2 % 2 * (pairs / 2)) * pair;
        i16x8 even[POINTS], odd[POINTS];
        transform_weights(c, weights, d, there, even);
        transform_weights(c, weights, d + 1, there, odd);
        for (size_t p = 0; p < POINTS; p++) {
            const i16x8 both[2] = {i16x8_zip_low(even[p], odd[p]), i16x8_zip_high(even[p], odd[p])};
            memcpy(to + p * pairs * pair, both, pair * sizeof *packed);
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

/* The columns that there are of those that a segment reads. */
typedef struct range {
    int32_t begin, end;
} range;

/* From pixel x of row y on; zeros where there is no such row. */
static const int8_t *row_of(const offcut__view *in, const float *arena, int32_t g, int32_t y,
                            int32_t x) {
    static const int8_t zeros[2 * 4 * COLUMNS];
    if (y < 0 || y >= in->shape.dims[2]) return zeros;
    return offcut__quads_read(in, arena, y, g) + 4 * (ptrdiff_t)x;
}

/* Downwards, of the first or of the first two columns, whose quads are `step` pixels apart. */
OFFCUT__INLINE void transform_columns(const int8_t *const *rows, ptrdiff_t at, const int step,
                                      const bool both, int16_t *to) {
    i16x8 d[SIDE], points[SIDE];
    OFFCUT__UNROLL
    for (int i = 0; i < SIDE; i++) {
        const int8_t *from = rows[i] + at;
        d[i] = both && step == 1 ? i16x8_load_bytes(from)
                                 : i16x8_load_quads(from, both ? from + 4 * step : from);
    }
    offcut__winograd8_input(d, points);
    OFFCUT__UNROLL
    for (ptrdiff_t i = 0; i < SIDE; i++)
        memcpy(to + i * 4 * COLUMNS, &points[i], both ? sizeof points[i] : sizeof points[i] / 2);
}

static void clear_columns(int32_t begin, int32_t end, int16_t *to) {
    for (int32_t x = begin; x < end; x++)
        for (ptrdiff_t i = 0; i < SIDE; i++) memset(to + i * 4 * COLUMNS + 4 * x, 0, 8);
}

/* rows: from the first column that there is. */
OFFCUT__INLINE void transform_down(const int8_t *const *rows, const int step, range there,
                                   int32_t columns, int16_t *to) {
    clear_columns(0, there.begin, to);
    clear_columns(there.end, columns, to);
    ptrdiff_t at = 0;
    int32_t x = there.begin;
    for (; x + 2 <= there.end; x += 2, at += 8 * step)
        transform_columns(rows, at, step, true, to + 4 * x);
    if (x < there.end) transform_columns(rows, at, step, false, to + 4 * x);
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
    const offcut__conv8 *c = &op->u.conv8;
    const offcut__view *in = &op->in[0];
    const int32_t step = folds(c) ? 2 : 1, columns = STEP * part.tiles + 2;
    const int32_t y = part.y - padding(c, c->window.pad_top);
    const int32_t x = part.x - padding(c, c->window.pad_left);
    for (int32_t g = 0; g < s->groups; g++) {
        const int32_t below = step > 1 ? g / 2 : 0, right = step > 1 ? g % 2 : 0;
        const int32_t first = step * x + right;
        range there = {0, 0};
        const int8_t *rows[SIDE];
        offcut__taps_inside(first, step, columns, in->shape.dims[3], &there.begin, &there.end);
        for (int32_t i = 0; i < SIDE; i++)
            rows[i] = row_of(in, arena, step > 1 ? 0 : g, step * (y + i) + below,
                             first + step * there.begin);
        if (step > 1)
            transform_down(rows, 2, there, columns, s->down);
        else
            transform_down(rows, 1, there, columns, s->down);
        transform_across(s->down, part.tiles, s->in + ((ptrdiff_t)g * TILES + part.at) * 4,
                         (ptrdiff_t)s->groups * TILES * 4);
    }
}

/* ---- output ---- */

/* Sums of four channels of a tile -> 4 x 4 pixels. */
OFFCUT__INLINE void transform_tile(const int32_t *sums, i32x4 pixels[STEP][STEP]) {
    static const int taken[STEP] = {0, 1, 2, 2};
    u32x4 half[STEP * SIDE];
    OFFCUT__NO_UNROLL
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

/* sums += the products of a pair of input channels. */
OFFCUT__INLINE void add_pair(i32x4 sums[AT_ONCE][2], const int16_t *in, const int16_t *weights,
                             const int vectors) {
    const i16x8 w0 = i16x8_load(weights), w1 = i16x8_load(weights + 8 * (vectors - 1));
    OFFCUT__UNROLL
    for (int k = 0; k < AT_ONCE; k++) {
        const i16x8 pair = pairs_load_splat(in + 4 * k);
        sums[k][0] = i32x4_dot16(w0, pair, sums[k][0]);
        if (vectors > 1) sums[k][1] = i32x4_dot16(w1, pair, sums[k][1]);
    }
}

/* One point of AT_ONCE tiles: first the products of channels 0 and 1 of each quad, then those of 2
 * and 3. Two loops, as one over both spills; the first sum is the first product. */
OFFCUT__INLINE void multiply(const int16_t *in, int32_t groups, const int16_t *weights,
                             int32_t *out, const int vectors) {
    i32x4 sums[AT_ONCE][2] = {{{0, 0, 0, 0}}};
    const int16_t *x = in;
    add_pair(sums, x, weights, vectors);
    OFFCUT__NO_UNROLL
    for (int32_t n = groups - 1; n > 0; n--)
        add_pair(sums, x += 4 * TILES, weights += 8 * vectors, vectors);
    x = in + 2;
    OFFCUT__NO_UNROLL
    for (int32_t n = groups; n > 0; n--, x += 4 * TILES)
        add_pair(sums, x, weights += 8 * vectors, vectors);
    OFFCUT__UNROLL
    for (int k = 0; k < AT_ONCE; k++) {
        i32x4_store(out + 4 * k, sums[k][0]);
        if (vectors > 1) i32x4_store(out + 4 * (TILES + k), sums[k][1]);
    }
}

/* Each its own function: in one, the register allocator loses track. */
static __attribute__((noinline)) void multiply_four(const int16_t *in, int32_t groups,
                                                    const int16_t *weights, int32_t *out) {
    multiply(in, groups, weights, out, 1);
}

static __attribute__((noinline)) void multiply_eight(const int16_t *in, int32_t groups,
                                                     const int16_t *weights, int32_t *out) {
    multiply(in, groups, weights, out, 2);
}

/* All points of a strip, for the next 4 * vectors output channels. */
static void multiply_all(const scratch *s, const int16_t *weights, int32_t tiles, int vectors) {
    const ptrdiff_t groups = s->groups;
    for (ptrdiff_t p = 0; p < POINTS; p++, weights += groups * 16 * vectors)
        for (int32_t k = 0; k < tiles; k += AT_ONCE) {
            const int16_t *in = s->in + p * groups * 4 * TILES + 4 * k;
            int32_t *out = s->sums + p * POINT_SUMS + 4 * k;
            if (vectors > 1)
                multiply_eight(in, s->groups, weights, out);
            else
                multiply_four(in, s->groups, weights, out);
        }
}

/* The tiles of a strip, numbered row by row, in segments. */
typedef struct strip {
    segment parts[TILES];
    int32_t count, tiles;
} strip;

static strip strip_of(const offcut__op *op, int32_t first, int32_t end) {
    const int32_t across = tiles_across(op);
    strip result = {.count = 0, .tiles = end - first};
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
        multiply_all(s, weights, tiles->tiles, (int)vectors);
        weights += POINTS * 16 * (ptrdiff_t)vectors * s->groups;
        for (uint32_t v = 0; v < vectors; v++)
            for (int32_t i = 0; i < tiles->count; i++)
                finish(op, arena, s->sums + (ptrdiff_t)v * 4 * TILES, tiles->parts[i],
                       first + 4 * v);
    }
}

void offcut__conv8_winograd(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const scratch s = scratch_of(op, arena);
    const int32_t all = tiles_of(op), until = (int32_t)end * AT_ONCE;
    const int32_t last = until < all ? until : all;
    for (int32_t first = (int32_t)begin * AT_ONCE; first < last;) {
        /* Strips of one length: each reads all weights. */
        const int32_t left = last - first, strips = (left + TILES - 1) / TILES;
        const int32_t size = ((left + strips - 1) / strips + AT_ONCE - 1) / AT_ONCE * AT_ONCE;
        const strip tiles = strip_of(op, first, size < left ? first + size : last);
        run_strip(op, arena, &s, &tiles);
        first += size;
    }
}
