/* SPDX-License-Identifier: Apache-2.0
 * Each source row is first reduced (or enlarged) across, into a line of R, G, B, 0 floats in 0..1;
 * lines are then averaged (or mixed) down. Across comes first because it shrinks the data before
 * anything is stored. */
#include "resample.h"

#include <stdlib.h>
#include <string.h>

#include "resize.h"
#include "rgba.h"

/* Where an output column takes its value from. Shrinking: pixels start .. start + count - 1 with
 * weight `first` for the first, `last` for the last and a common one between. Growing: pixels start
 * and start + count (count 0 or 1), `last` is the weight of the second. */
typedef struct column {
    uint32_t start, count;
    float first, last;
} column;

/* The same where no column takes more than three pixels: those from start on with a weight each. */
typedef struct triple {
    uint32_t start;
    float weights[3];
} triple;

struct offcut__resampler {
    uint32_t width, height, bits;
    uint32_t row;     /* source rows taken so far */
    uint32_t out_row; /* output rows finished so far */
    float inner;      /* weight of a pixel that lies in one column entirely */
    column *columns;
    triple *triples; /* NULL: a column takes more */
    float *line;     /* the current row at output width, 4 floats a pixel */
    float *store;    /* shrinking: the sum so far; growing: the line before */
    offcut__planes out;
};

/* Sums that stay exact in 32 bits: 32,768 samples of 16 bits. */
enum { RUN_MAX = 32768 };

static column column_of(uint32_t index, uint32_t from, uint32_t to) {
    if (from >= to) {
        const offcut__span span = offcut__span_of(index, from, to);
        return (column){span.at, span.count, span.first, span.last};
    }
    const offcut__place place = offcut__place_of(index, (double)from / (double)to, from);
    return (column){place.at, place.next - place.at, 0, place.mix};
}

static void plan_columns(offcut__resampler *r) {
    const uint32_t from = r->width, to = r->out.width;
    r->inner = (float)((double)to / (double)from);
    for (uint32_t j = 0; j < to; j++) r->columns[j] = column_of(j, from, to);
}

static bool fits_triples(const offcut__resampler *r) {
    if (r->width < r->out.width || r->width < 3) return false;
    for (uint32_t j = 0; j < r->out.width; j++)
        if (r->columns[j].count > 3) return false;
    return true;
}

/* What lies beyond the last pixel has no weight, but must be there to be read. */
static void plan_triples(offcut__resampler *r) {
    for (uint32_t j = 0; j < r->out.width; j++) {
        const column *c = &r->columns[j];
        triple *t = &r->triples[j];
        t->start = c->start < r->width - 3U ? c->start : r->width - 3U;
        float *weights = t->weights + (c->start - t->start);
        weights[0] = c->first;
        if (c->count > 2) weights[1] = r->inner;
        if (c->count > 1) weights[c->count - 1U] = c->last;
    }
}

offcut_status offcut__resampler_open(offcut_ctx *ctx, uint32_t width, uint32_t height,
                                     uint32_t bits, uint32_t out_width, uint32_t out_height,
                                     offcut__resampler **resampler) {
    *resampler = NULL;
    OFFCUT_FAIL_IF(!width || !height || !out_width || !out_height || (bits != 8 && bits != 16), ctx,
                   OFFCUT_ERR_ARGUMENT, "cannot resize %u x %u of %u bits to %u x %u", width,
                   height, bits, out_width, out_height);
    offcut__resampler *r = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *r, &r));
    r->width = width;
    r->height = height;
    r->bits = bits;
    offcut_status status = offcut__alloc(ctx, out_width, sizeof *r->columns, &r->columns);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, out_width, 16, &r->line);
    if (status == OFFCUT_OK) status = offcut__alloc(ctx, out_width, 16, &r->store);
    if (status == OFFCUT_OK) status = offcut__planes_alloc(ctx, 3, out_width, out_height, &r->out);
    if (status == OFFCUT_OK) plan_columns(r);
    if (status == OFFCUT_OK && fits_triples(r))
        status = offcut__alloc(ctx, out_width, sizeof *r->triples, &r->triples);
    if (status != OFFCUT_OK) {
        offcut__resampler_close(r);
        return status;
    }
    if (r->triples) plan_triples(r);
    *resampler = r;
    return OFFCUT_OK;
}

void offcut__resampler_close(offcut__resampler *resampler) {
    if (!resampler) return;
    offcut__planes_free(&resampler->out);
    free(resampler->store);
    free(resampler->line);
    free(resampler->triples);
    free(resampler->columns);
    free(resampler);
}

/* Pixel x in 0..1, over white if the row is not opaque. */
static inline f32x4 colour(const uint8_t *row, uint32_t bits, bool opaque, size_t x) {
    const f32x4 v = offcut__rgba_load(row, bits, x);
    if (opaque) return v;
    const f32x4 one = f32x4_splat(1.0f);
    return one - (one - v) * f32x4_splat(v[3]);
}

/* The sum of count pixels from start on, in 0..1 each. */
static inline f32x4 sum(const uint8_t *row, uint32_t bits, bool opaque, size_t start,
                        size_t count) {
    f32x4 total = f32x4_splat(0.0f);
    const size_t end = start + count;
    if (!opaque) {
        for (size_t x = start; x < end; x++) total += colour(row, bits, false, x);
        return total;
    }
    for (size_t x = start; x < end;) {
        const size_t stop = end - x > RUN_MAX ? x + RUN_MAX : end;
        i32x4 run = {0, 0, 0, 0};
        for (; x < stop; x++) run += offcut__rgba_samples(row, bits, x);
        total += f32x4_from_i32(run) * offcut__rgba_unit(bits);
    }
    return total;
}

static inline void across(offcut__resampler *r, const uint8_t *row, uint32_t bits, bool opaque) {
    const uint32_t count = r->out.width;
    const f32x4 inner = f32x4_splat(r->inner);
    const bool shrink = r->width >= count;
    for (uint32_t j = 0; j < count; j++) {
        const column *c = &r->columns[j];
        f32x4 v = colour(row, bits, opaque, c->start);
        if (shrink) {
            v *= f32x4_splat(c->first);
            if (c->count > 2) v += inner * sum(row, bits, opaque, c->start + 1U, c->count - 2U);
            if (c->count > 1)
                v += f32x4_splat(c->last) *
                     colour(row, bits, opaque, (size_t)c->start + c->count - 1U);
        } else {
            const f32x4 next = colour(row, bits, opaque, (size_t)c->start + c->count);
            v += f32x4_splat(c->last) * (next - v);
        }
        f32x4_store(r->line + 4 * (size_t)j, v);
    }
}

static inline void across_triples(offcut__resampler *r, const uint8_t *row, uint32_t bits) {
    for (uint32_t j = 0; j < r->out.width; j++) {
        const triple *t = &r->triples[j];
        f32x4 sum = f32x4_splat(0.0f);
        for (uint32_t k = 0; k < 3; k++)
            sum += offcut__rgba_load(row, bits, t->start + k) * f32x4_splat(t->weights[k]);
        f32x4_store(r->line + 4 * (size_t)j, sum);
    }
}

/* Whole pixels at once, of which only the alpha is looked at: compilers make vector code of it. */
static bool is_opaque(const uint8_t *row, uint32_t bits, size_t width) {
    if (bits == 8) {
        uint32_t all = UINT32_MAX;
        for (size_t x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, row + 4 * x, sizeof pixel);
            all &= pixel;
        }
        uint8_t samples[4];
        memcpy(samples, &all, sizeof samples);
        return samples[3] == UINT8_MAX;
    }
    uint64_t all = UINT64_MAX;
    for (size_t x = 0; x < width; x++) {
        uint64_t pixel;
        memcpy(&pixel, row + 8 * x, sizeof pixel);
        all &= pixel;
    }
    uint16_t samples[4];
    memcpy(samples, &all, sizeof samples);
    return samples[3] == UINT16_MAX;
}

/* Constant arguments give the compiler one loop for each kind of row. */
static inline void make_line_of(offcut__resampler *r, const uint8_t *row, uint32_t bits) {
    const bool opaque = is_opaque(row, bits, r->width);
    if (opaque && r->triples)
        across_triples(r, row, bits);
    else if (opaque)
        across(r, row, bits, true);
    else
        across(r, row, bits, false);
}

static void make_line(offcut__resampler *r, const uint8_t *row) {
    if (r->bits == 8)
        make_line_of(r, row, 8);
    else
        make_line_of(r, row, 16);
}

static inline f32x4 mixed(const offcut__resampler *r, float a, float b, size_t x) {
    return f32x4_splat(a) * f32x4_load(r->store + 4 * x) +
           f32x4_splat(b) * f32x4_load(r->line + 4 * x);
}

/* Finishes output row out_row with a * store + b * line. */
static void put_row(offcut__resampler *r, float a, float b) {
    const size_t width = r->out.width, plane = width * r->out.height;
    float *red = r->out.data + (size_t)r->out_row * width, *green = red + plane,
          *blue = green + plane;
    size_t x = 0;
    for (; x + 4 <= width; x += 4) {
        f32x4 v[4];
        for (size_t k = 0; k < 4; k++) v[k] = mixed(r, a, b, x + k);
        f32x4_transpose(v);
        f32x4_store(red + x, v[0]);
        f32x4_store(green + x, v[1]);
        f32x4_store(blue + x, v[2]);
    }
    for (; x < width; x++) {
        const f32x4 v = mixed(r, a, b, x);
        red[x] = v[0];
        green[x] = v[1];
        blue[x] = v[2];
    }
    r->out_row++;
}

static void average_down(offcut__resampler *r) {
    const uint64_t from = r->height, to = r->out.height;
    /* As across: in units of 1 / to of a row. This row may end one output row and begin the next.
     */
    const uint64_t begin = r->row * to, end = begin + to, limit = ((uint64_t)r->out_row + 1) * from;
    const double unit = 1.0 / (double)from;
    uint64_t left = to;
    if (end >= limit) {
        put_row(r, 1.0f, (float)((double)(limit - begin) * unit));
        memset(r->store, 0, 16 * (size_t)r->out.width);
        left = end - limit;
        if (left == 0) return;
    }
    const f32x4 weight = f32x4_splat((float)((double)left * unit));
    for (size_t x = 0; x < r->out.width; x++)
        f32x4_store(r->store + 4 * x,
                    f32x4_load(r->store + 4 * x) + weight * f32x4_load(r->line + 4 * x));
}

static void mix_down(offcut__resampler *r) {
    const uint32_t last = r->height - 1U;
    while (r->out_row < r->out.height) {
        const double centre =
            ((double)r->out_row + 0.5) * (double)r->height / (double)r->out.height - 0.5;
        /* In the last row everything left is between it and the row before, or beyond. */
        if (centre > (double)r->row && r->row < last) break;
        const double ahead = (double)r->row - centre;
        const float before = ahead > 0.0 && r->row > 0 ? (float)ahead : 0.0f;
        put_row(r, before, 1.0f - before);
    }
    float *line = r->line;
    r->line = r->store;
    r->store = line;
}

void offcut__resampler_row(offcut__resampler *resampler, const uint8_t *row) {
    if (resampler->row >= resampler->height) return;
    make_line(resampler, row);
    if (resampler->height >= resampler->out.height)
        average_down(resampler);
    else
        mix_down(resampler);
    resampler->row++;
}

void offcut__resampler_take(offcut__resampler *resampler, offcut__planes *result) {
    *result = resampler->out;
    resampler->out = (offcut__planes){0};
}
