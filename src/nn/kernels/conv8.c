/* SPDX-License-Identifier: Apache-2.0
 * Convolution of int8 quads. Input rows are copied into a ring between zeros (plus the offset that
 * all get), columns sorted by their phase of the stride and widened where the dot product wants 16
 * bits, so that the inner loop walks over plain memory whatever padding, stride and dilation are.
 * Sums of a row and 8 output channels go through a buffer to the requantisation. */
#include "conv8_tile.h"
#include "requantise.h"

/* Output pixels for which the weights of one block of channels are read once, about. */
#define PIXELS_PER_PASS 96
#define SLOTS_MAX 64
#define STRIDE_MAX 4

typedef struct plan {
    int32_t rows;    /* of the output, in a pass */
    int32_t slots;   /* of the ring */
    int32_t tiles;   /* in a row */
    int32_t columns; /* of a phase in the ring, in pixels */
    int32_t units;   /* of a row */
    size_t unit;     /* bytes: all phases */
    size_t row;      /* bytes */
} plan;

static int32_t slots_of(const offcut__conv8 *c, int32_t rows) {
    return (rows - 1) * c->window.stride_h + (c->window.kernel_h - 1) * c->window.dilation_h + 1;
}

static plan plan_of(const offcut__conv8 *c, int32_t width) {
    plan p = {.rows = (PIXELS_PER_PASS + width - 1) / width};
    while (p.rows > 1 && slots_of(c, p.rows) > SLOTS_MAX) p.rows--;
    p.slots = slots_of(c, p.rows);
    p.tiles = (width + c->tile - 1) / c->tile;
    p.columns =
        p.tiles * c->tile + (c->window.kernel_w - 1) * c->window.dilation_w / c->window.stride_w;
    p.units = (int32_t)((c->channels_in + 3) / 4) * (c->wide ? 2 : 1);
    p.unit = (size_t)p.columns * (size_t)c->window.stride_w * 4;
    p.row = p.unit * (size_t)p.units;
    return p;
}

bool offcut__conv8_can(offcut__conv8 *c, int32_t width) {
    /* Measured in V8 13.6: 115 GMAC/s with 5 pixels, 124 with 6, 113 with 4; with 16 bits 28, 31
     * and 36. */
    static const int32_t tiles[] = {5, 6, 4}, costs[2][3] = {{435, 484, 354}, {1786, 1935, 1111}};
    int64_t least = INT64_MAX;
    c->line = c->floats && c->channels_out == 1;
    if (c->line) c->tile = OFFCUT__LINE8_PIXELS;
    for (int i = 0; i < 3 && !c->line; i++) {
        const int64_t cost = (int64_t)((width + tiles[i] - 1) / tiles[i]) * costs[c->wide][i];
        if (cost >= least) continue;
        least = cost;
        c->tile = tiles[i];
    }
    return c->window.kernel_h <= OFFCUT__TAPS8_MAX && c->window.kernel_w <= OFFCUT__TAPS8_MAX &&
           c->window.stride_w <= STRIDE_MAX && c->window.stride_h <= SLOTS_MAX &&
           c->window.dilation_h <= SLOTS_MAX && c->window.dilation_w <= SLOTS_MAX &&
           slots_of(c, 1) <= SLOTS_MAX;
}

size_t offcut__conv8_scratch(const offcut__op *op) {
    const offcut__conv8 *c = &op->u.conv8;
    const int32_t width = op->out.shape.dims[3];
    const plan p = plan_of(c, width);
    const uint64_t wide_row = c->wide ? 2 * (uint64_t)op->in[0].shape.dims[3] : 0;
    const uint64_t size = (uint64_t)p.row / 4 * (uint64_t)p.slots +
                          (uint64_t)p.tiles * (uint64_t)c->tile * 8 + wide_row;
    return size < SIZE_MAX ? (size_t)size : SIZE_MAX; /* which the plan refuses */
}

static size_t taps_of(const offcut__conv8 *c) {
    return (size_t)(c->window.kernel_h * c->window.kernel_w);
}

size_t offcut__conv8_weights(const offcut__conv8 *c) {
    const size_t taps = taps_of(c);
    if (c->depthwise) return ((size_t)c->channels_out + 3) / 4 * 4 * taps;
    return ((size_t)c->channels_out + 7) / 8 * 8 * taps * (((size_t)c->channels_in + 3) / 4 * 4);
}

/* Vectors of the block that begins at channel first. */
static uint32_t vectors_of(const offcut__conv8 *c, uint32_t first) {
    return c->channels_out - first > 4 ? 2 : 1;
}

static void fill_line(const offcut__conv8 *c, const int8_t *weights, int8_t *packed) {
    const uint32_t channels = (c->channels_in + 3) / 4 * 4;
    for (size_t t = 0; t < taps_of(c); t++)
        for (uint32_t i = 0; i < channels; i++) {
            const int16_t w = i < c->channels_in ? weights[i * taps_of(c) + t] : 0;
            if (c->wide)
                memcpy(packed, &w, sizeof w);
            else
                *packed = (int8_t)w;
            packed += c->wide ? 2 : 1;
        }
}

/* For all taps, step apart, the four weights that lie side by side from output channel k and input
 * channel i on: of one by four channels, wide of two by two. Those that are not there are zero. */
static void fill_four(const offcut__conv8 *c, const int8_t *weights, uint32_t k, uint32_t i,
                      int8_t *packed, size_t step) {
    static const int8_t none[OFFCUT__TAPS8_MAX * OFFCUT__TAPS8_MAX];
    const size_t taps = taps_of(c);
    const int8_t *from[4];
    for (uint32_t n = 0; n < 4; n++) {
        const uint32_t out = k + (c->wide ? n / 2 : 0), in = i + (c->wide ? n % 2 : n);
        const bool there = out < c->channels_out && in < c->channels_in;
        from[n] = there ? weights + ((size_t)out * c->channels_in + in) * taps : none;
    }
    const int8_t *a = from[0], *b = from[1], *d = from[2], *e = from[3];
    for (size_t t = 0; t < taps; t++, packed += step) {
        packed[0] = a[t];
        packed[1] = b[t];
        packed[2] = d[t];
        packed[3] = e[t];
    }
}

void offcut__conv8_fill(const offcut__conv8 *c, const int8_t *weights, int8_t *packed) {
    if (c->line) {
        fill_line(c, weights, packed);
        return;
    }
    const uint32_t width = c->wide ? 2 : 4; /* input channels in a unit */
    const uint32_t channels = (c->channels_in + 3) / 4 * 4;
    for (uint32_t first = 0; first < c->channels_out; first += 8) {
        const uint32_t outputs = 4 * vectors_of(c, first);
        const size_t step = (size_t)outputs * channels;
        int8_t *to = packed;
        for (uint32_t i = 0; i < channels; i += width)
            for (uint32_t k = 0; k < outputs; k += 4 / width, to += 4)
                fill_four(c, weights, first + k, i, to, step);
        packed += step * taps_of(c);
    }
}

/* ---- rows ---- */

/* Columns of the ring that there are in the picture. */
typedef struct range {
    int32_t begin, end, source; /* source: pixel of begin */
} range;

static range range_of(const offcut__conv8 *c, int32_t phase, int32_t columns, int32_t width) {
    /* Column k is pixel stride k + phase - pad. */
    const int32_t s = c->window.stride_w, shift = phase - c->window.pad_left;
    range r = {0, 0, 0};
    offcut__taps_inside(shift, s, columns, width, &r.begin, &r.end);
    r.source = s * r.begin + shift;
    return r;
}

/* Quads, step apart, plus offset. */
static void copy_quads(int8_t *to, const int8_t *from, int32_t count, int32_t step, i8x16 offset) {
    for (; step == 1 && count >= 4; count -= 4, to += 16, from += 16)
        i8x16_store(to, i8x16_load(from) + offset);
    for (; count > 0; count--, to += 4, from += 4 * step) {
        const i8x16 quad = (i8x16)bytes_load_splat(from) + offset;
        memcpy(to, &quad, 4);
    }
}

/* One unit: every stride-th of the pixels; what is around them in the ring stays. */
static void spread(const offcut__conv8 *c, const plan *p, int8_t *to, const int8_t *from,
                   int32_t width) {
    for (int32_t phase = 0; phase < c->window.stride_w; phase++, to += (size_t)p->columns * 4) {
        const range r = range_of(c, phase, p->columns, width);
        copy_quads(to + (ptrdiff_t)r.begin * 4, from + (ptrdiff_t)r.source * 4, r.end - r.begin,
                   c->window.stride_w, i8x16_splat(c->offset));
    }
}

/* Channels 0 and 1, and 2 and 3, of each pixel in 16 bits. */
static void widen(int16_t *low, int16_t *high, const int8_t *from, int32_t width) {
    int32_t x = 0;
    for (; x + 4 <= width; x += 4) {
        const i32x4 a = (i32x4)i16x8_load_bytes(from + 4 * x),
                    b = (i32x4)i16x8_load_bytes(from + 4 * x + 8);
        const i32x4 pairs[2] = {{a[0], a[2], b[0], b[2]}, {a[1], a[3], b[1], b[3]}};
        memcpy(low + 2 * x, &pairs[0], sizeof pairs[0]);
        memcpy(high + 2 * x, &pairs[1], sizeof pairs[1]);
    }
    for (; x < width; x++) {
        low[2 * x] = from[4 * x];
        low[2 * x + 1] = from[4 * x + 1];
        high[2 * x] = from[4 * x + 2];
        high[2 * x + 1] = from[4 * x + 3];
    }
}

/* Input row y into its slot. wide: room for two units of it. */
static void copy_row(const offcut__op *op, const plan *p, int8_t *to, const float *arena, int32_t y,
                     int16_t *wide) {
    const offcut__conv8 *c = &op->u.conv8;
    const offcut__view *in = &op->in[0];
    const int32_t width = in->shape.dims[3];
    if (y < 0 || y >= in->shape.dims[2]) {
        memset(to, c->offset, p->row);
        return;
    }
    for (int32_t g = 0; g < offcut__view_groups(in); g++) {
        const int8_t *from = offcut__quads_read(in, arena, y, g);
        if (!c->wide) {
            spread(c, p, to, from, width);
            to += p->unit;
            continue;
        }
        int16_t *high = wide + 2 * (ptrdiff_t)width;
        widen(wide, high, from, width);
        spread(c, p, to, (const int8_t *)wide, width);
        spread(c, p, to + p->unit, (const int8_t *)high, width);
        to += 2 * p->unit;
    }
}

/* ---- requantisation ---- */

OFFCUT__INLINE void finish_row(const offcut__finisher *f, int8_t *out, const int32_t *sums,
                               const int8_t *add, int32_t width, const bool adds) {
    int32_t x = 0;
    for (; x + 4 <= width; x += 4) {
        i32x4 y[4];
        OFFCUT__UNROLL
        for (int k = 0; k < 4; k++)
            y[k] = offcut__requantise(f, i32x4_load(sums + 4 * (x + k)),
                                      adds ? add + 4 * (x + k) : NULL);
        quads_store(out + 4 * x, y, f->lo, f->hi);
    }
    for (; x < width; x++)
        quad_store(out + 4 * x,
                   offcut__requantise(f, i32x4_load(sums + 4 * x), adds ? add + 4 * x : NULL),
                   f->lo, f->hi);
}

static void finish_quads(const offcut__op *op, float *arena, int32_t y, uint32_t first,
                         const int32_t *sums) {
    const int32_t group = (int32_t)first / 4, width = op->out.shape.dims[3];
    const offcut__finisher f = offcut__finisher_of(&op->u.conv8, first);
    int8_t *to = offcut__quads_write(&op->out, arena, y, group);
    if (op->in_count > 1)
        finish_row(&f, to, sums, offcut__quads_read(&op->in[1], arena, y, group), width, true);
    else
        finish_row(&f, to, sums, NULL, width, false);
}

static void finish_line(const offcut__op *op, float *arena, int32_t y, const int32_t *sums) {
    const offcut__view *out = &op->out;
    float *to = offcut__view_write(out, arena) + y * out->strides[2];
    for (int32_t x = 0; x < out->shape.dims[3]; x++, to += out->strides[3])
        *to = (float)(sums[x] + op->u.conv8.bias[0]) * op->u.conv8.scale[0];
}

static void finish_floats(const offcut__op *op, float *arena, int32_t y, uint32_t first,
                          const int32_t *sums) {
    const offcut__conv8 *c = &op->u.conv8;
    const offcut__view *out = &op->out;
    const uint32_t left = c->channels_out - first, count = left < 4 ? left : 4;
    const i32x4 bias = i32x4_load(c->bias + first);
    const f32x4 scale = f32x4_load(c->scale + first);
    float *to = offcut__view_write(out, arena) + y * out->strides[2] + first;
    for (int32_t x = 0; x < out->shape.dims[3]; x++, to += out->strides[3])
        f32x4_store_part(to, f32x4_from_i32(i32x4_load(sums + 4 * x) + bias) * scale, count);
}

/* ---- all together ---- */

typedef struct ring {
    plan p;
    int8_t *rows;
    int32_t *sums;
    int16_t *wide;
    int32_t source[SLOTS_MAX]; /* the input row in each slot */
} ring;

static int8_t *ring_row(const ring *r, int32_t y, int32_t *slot) {
    *slot = (y % r->p.slots + r->p.slots) % r->p.slots;
    return r->rows + (size_t)*slot * r->p.row;
}

static void fill_ring(const offcut__op *op, ring *r, const float *arena, int32_t y, int32_t rows) {
    const offcut__conv8 *c = &op->u.conv8;
    const int32_t top = y * c->window.stride_h - c->window.pad_top;
    for (int32_t v = top; v < top + slots_of(c, rows); v++) {
        int32_t slot = 0;
        int8_t *row = ring_row(r, v, &slot);
        if (r->source[slot] == v) continue;
        copy_row(op, &r->p, row, arena, v, r->wide);
        r->source[slot] = v;
    }
}

static void run_block(const offcut__op *op, float *arena, const ring *r, offcut__tile8 *t,
                      uint32_t first, int32_t y) {
    const offcut__conv8 *c = &op->u.conv8;
    for (int32_t i = 0; i < c->window.kernel_h; i++) {
        int32_t slot = 0;
        t->rows[i] = ring_row(
            r, y * c->window.stride_h - c->window.pad_top + i * c->window.dilation_h, &slot);
    }
    if (c->line) {
        for (int32_t k = 0; k < r->p.tiles; k++) offcut__tile8_line(t, k * c->tile);
        finish_line(op, arena, y, r->sums);
        return;
    }
    offcut__tile8_run(t, c->tile, r->p.tiles);
    for (uint32_t v = 0; v < t->vectors; v++) {
        const int32_t *sums = t->sums + (ptrdiff_t)v * t->sums_step;
        if (c->floats)
            finish_floats(op, arena, y, first + 4 * v, sums);
        else
            finish_quads(op, arena, y, first + 4 * v, sums);
    }
}

static offcut__tile8 tile_of(const offcut__conv8 *c, const ring *r) {
    offcut__tile8 t = {.kernel_h = c->window.kernel_h,
                       .kernel_w = c->window.kernel_w,
                       .units = r->p.units,
                       .unit = (ptrdiff_t)r->p.unit,
                       .sums = r->sums,
                       .sums_step = (ptrdiff_t)r->p.tiles * c->tile * 4,
                       .kind = c->wide ? OFFCUT__TILE8_WIDE : OFFCUT__TILE8_BYTES};
    for (int32_t j = 0; j < c->window.kernel_w; j++) {
        const int32_t at = j * c->window.dilation_w;
        t.columns[j] =
            ((ptrdiff_t)(at % c->window.stride_w) * r->p.columns + at / c->window.stride_w) * 4;
    }
    return t;
}

void offcut__conv8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__conv8 *c = &op->u.conv8;
    ring r = {.p = plan_of(c, op->out.shape.dims[3])};
    for (int i = 0; i < SLOTS_MAX; i++) r.source[i] = INT32_MIN;
    r.sums = (int32_t *)(void *)offcut__op_scratch(op, arena);
    r.rows = (int8_t *)(r.sums + (ptrdiff_t)r.p.tiles * c->tile * 8);
    r.wide = (int16_t *)(void *)(r.rows + r.p.row * (size_t)r.p.slots);
    memset(r.rows, c->offset, r.p.row * (size_t)r.p.slots);
    offcut__tile8 t = tile_of(c, &r);
    const size_t taps =
        (size_t)(c->window.kernel_h * c->window.kernel_w) * ((c->channels_in + 3) / 4 * 4);
    for (uint32_t unit = begin; unit < end;) {
        const int32_t y = (int32_t)unit;
        const int32_t rows = (uint32_t)r.p.rows < end - unit ? r.p.rows : (int32_t)(end - unit);
        fill_ring(op, &r, arena, y, rows);
        t.weights = c->weights;
        for (uint32_t first = 0; first < c->channels_out; first += 8) {
            t.vectors = vectors_of(c, first);
            for (int32_t i = 0; i < rows; i++) run_block(op, arena, &r, &t, first, y + i);
            t.weights += taps * 4 * t.vectors;
        }
        if (c->floats) offcut__act_rows(op, arena, 0, y, y + rows);
        unit += (uint32_t)rows;
    }
}
