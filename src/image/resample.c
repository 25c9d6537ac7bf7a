/* SPDX-License-Identifier: Apache-2.0
 * Each source row is first reduced (or enlarged) across, into a line of R, G, B, 0 floats in 0..1;
 * lines are then averaged (or mixed) down. Across comes first because it shrinks the data before
 * anything is stored. */
#include "resample.h"

#include <stdlib.h>
#include <string.h>

#include "rgba.h"

/* Where an output column takes its value from. Shrinking: pixels start .. start + count - 1 with
 * weight `first` for the first, `last` for the last and a common one between. Growing: pixels start
 * and start + count (count 0 or 1), `last` is the weight of the second. */
typedef struct column {
    uint32_t start, count;
    float first, last;
} column;

struct offcut__resampler {
    uint32_t width, height, bits;
    uint32_t row;     /* source rows taken so far */
    uint32_t out_row; /* output rows finished so far */
    float inner;      /* weight of a pixel that lies in one column entirely */
    column *columns;
    float *line;  /* the current row at output width, 4 floats a pixel */
    float *store; /* shrinking: the sum so far; growing: the line before */
    offcut__planes out;
};

/* Sums that stay exact in 32 bits: 32,768 samples of 16 bits. */
enum { RUN_MAX = 32768 };

static void plan_columns(offcut__resampler *r) {
    const uint64_t from = r->width, to = r->out.width;
    r->inner = (float)((double)to / (double)from);
    for (uint64_t j = 0; j < to; j++) {
        column *c = &r->columns[j];
        if (from >= to) {
            /* In units of 1 / to of a pixel everything is a whole number. */
            const uint64_t begin = j * from, end = begin + from;
            const uint64_t start = begin / to, stop = (end - 1) / to;
            const uint64_t head = (start + 1) * to < end ? (start + 1) * to : end;
            c->start = (uint32_t)start;
            c->count = (uint32_t)(stop - start + 1);
            c->first = (float)((double)(head - begin) / (double)from);
            c->last = (float)((double)(end - stop * to) / (double)from);
        } else {
            const double centre = ((double)j + 0.5) * (double)from / (double)to - 0.5;
            const double at = centre > 0.0 ? centre : 0.0;
            c->start = (uint32_t)at;
            c->count = c->start + 1U < from ? 1U : 0U;
            c->last = (float)(at - (double)c->start);
        }
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
    if (status != OFFCUT_OK) {
        offcut__resampler_close(r);
        return status;
    }
    plan_columns(r);
    *resampler = r;
    return OFFCUT_OK;
}

void offcut__resampler_close(offcut__resampler *resampler) {
    if (!resampler) return;
    offcut__planes_free(&resampler->out);
    free(resampler->store);
    free(resampler->line);
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

static bool is_opaque(const uint8_t *row, uint32_t bits, size_t width) {
    uint32_t alpha = 0xffffU;
    if (bits == 8) {
        alpha = 0xffU;
        for (size_t x = 0; x < width; x++) alpha &= row[4 * x + 3];
        return alpha == 0xffU;
    }
    for (size_t x = 0; x < width; x++) {
        uint16_t a;
        memcpy(&a, row + 8 * x + 6, sizeof a);
        alpha &= a;
    }
    return alpha == 0xffffU;
}

/* Constant arguments give the compiler one loop for each kind of row. */
static void make_line(offcut__resampler *r, const uint8_t *row) {
    const bool opaque = is_opaque(row, r->bits, r->width);
    if (r->bits == 8) {
        if (opaque)
            across(r, row, 8, true);
        else
            across(r, row, 8, false);
    } else {
        if (opaque)
            across(r, row, 16, true);
        else
            across(r, row, 16, false);
    }
}

/* Finishes output row out_row with a * store + b * line. */
static void put_row(offcut__resampler *r, float a, float b) {
    const size_t width = r->out.width, plane = width * r->out.height;
    float *red = r->out.data + (size_t)r->out_row * width;
    for (size_t x = 0; x < width; x++) {
        const f32x4 v = f32x4_splat(a) * f32x4_load(r->store + 4 * x) +
                        f32x4_splat(b) * f32x4_load(r->line + 4 * x);
        red[x] = v[0];
        red[plane + x] = v[1];
        red[2 * plane + x] = v[2];
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
