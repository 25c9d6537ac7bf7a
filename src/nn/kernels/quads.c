/* SPDX-License-Identifier: Apache-2.0
 * int8 quads element by element: from and to f32, sums, pooling, resizing. All arithmetic is in
 * exact integers or single operations of f32, so that every machine gives the same bytes. */
#include "kernels.h"
#include "simd.h"

/* ---- from and to f32 ---- */

typedef struct scaler {
    f32x4 centre, spread, step;
    float lo, hi;
    i32x4 there; /* which of the four channels there are */
} scaler;

OFFCUT__INLINE i32x4 quantise(const scaler *s, f32x4 x) {
    const f32x4 y = (x - s->centre) / s->spread / s->step;
    /* In this order a NaN becomes lo. */
    const f32x4 clamped = f32x4_min(f32x4_max(f32x4_splat(s->lo), y), f32x4_splat(s->hi));
    return i32x4_round(clamped) & s->there;
}

static void quantise_row(const scaler *s, int8_t *out, const float *in, ptrdiff_t step,
                         int32_t width, uint32_t count) {
    int32_t x = 0;
    /* Where other pixels follow, their channels may be read along. */
    for (; step >= (ptrdiff_t)count && x + 8 <= width; x += 4, in += 4 * step) {
        i32x4 y[4];
        OFFCUT__UNROLL
        for (int k = 0; k < 4; k++) y[k] = quantise(s, f32x4_load(in + k * step));
        i8x16_store(out + 4 * x, i8x16_pack(y[0], y[1], y[2], y[3]));
    }
    for (; x < width; x++, in += step) {
        const i32x4 y = quantise(s, f32x4_load_part(in, count));
        const i8x16 bytes = i8x16_pack(y, y, y, y);
        memcpy(out + 4 * x, &bytes, 4);
    }
}

void offcut__quantise8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__scaling8 *p = &op->u.scaling8;
    const offcut__view *in = &op->in[0];
    const uint32_t channels = (uint32_t)in->shape.dims[1];
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        for (uint32_t c = 0; c < channels; c += 4) {
            const uint32_t count = channels - c < 4 ? channels - c : 4;
            scaler s = {f32x4_load(p->centre + c),
                        f32x4_load(p->spread + c),
                        f32x4_splat(p->factor[0]),
                        (float)p->lo,
                        (float)p->hi,
                        {0, 0, 0, 0}};
            for (uint32_t i = 0; i < count; i++) s.there[i] = -1;
            quantise_row(&s, offcut__quads_write(&op->out, arena, y, (int32_t)c / 4),
                         offcut__view_read(in, arena) + y * in->strides[2] + c, in->strides[3],
                         in->shape.dims[3], count);
        }
    }
}

void offcut__dequantise8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__view *out = &op->out;
    const uint32_t channels = (uint32_t)out->shape.dims[1];
    const f32x4 step = f32x4_splat(op->u.scaling8.factor[0]);
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        for (uint32_t c = 0; c < channels; c += 4) {
            const uint32_t count = channels - c < 4 ? channels - c : 4;
            const int8_t *from = offcut__quads_read(&op->in[0], arena, y, (int32_t)c / 4);
            float *to = offcut__view_write(out, arena) + y * out->strides[2] + c;
            for (int32_t x = 0; x < out->shape.dims[3]; x++, from += 4, to += out->strides[3])
                f32x4_store_part(to, f32x4_load_bytes(from) * step, count);
        }
    }
}

/* ---- sums ---- */

typedef struct adder {
    f32x4 factor[2];
    i8x16 lo, hi;
} adder;

OFFCUT__INLINE i32x4 add_pixel(const adder *a, const int8_t *x1, const int8_t *x2) {
    f32x4 y = f32x4_load_bytes(x1) * a->factor[0];
    if (x2) y = y + f32x4_load_bytes(x2) * a->factor[1];
    return i32x4_round(y);
}

OFFCUT__INLINE void add_row(const adder *a, int8_t *out, const int8_t *x1, const int8_t *x2,
                            int32_t width, const bool two) {
    int32_t x = 0;
    for (; x + 4 <= width; x += 4) {
        i32x4 y[4];
        OFFCUT__UNROLL
        for (int k = 0; k < 4; k++)
            y[k] = add_pixel(a, x1 + 4 * (x + k), two ? x2 + 4 * (x + k) : NULL);
        quads_store(out + 4 * x, y, a->lo, a->hi);
    }
    for (; x < width; x++)
        quad_store(out + 4 * x, add_pixel(a, x1 + 4 * x, two ? x2 + 4 * x : NULL), a->lo, a->hi);
}

void offcut__add8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__scaling8 *p = &op->u.scaling8;
    const offcut__view *out = &op->out;
    const adder a = {{f32x4_splat(p->factor[0]), f32x4_splat(p->factor[1])},
                     i8x16_splat(p->lo),
                     i8x16_splat(p->hi)};
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        for (int32_t g = 0; g < offcut__view_groups(out); g++) {
            int8_t *to = offcut__quads_write(out, arena, y, g);
            const int8_t *x1 = offcut__quads_read(&op->in[0], arena, y, g);
            if (op->in_count > 1)
                add_row(&a, to, x1, offcut__quads_read(&op->in[1], arena, y, g), out->shape.dims[3],
                        true);
            else
                add_row(&a, to, x1, NULL, out->shape.dims[3], false);
        }
    }
}

/* ---- max pooling ---- */

/* Windows of 2 x 2, stride 2: four pixels at once; how many there are done. */
static int32_t pool_squares(int8_t *out, const int8_t *upper, const int8_t *lower, int32_t width) {
    int32_t x = 0;
    for (; x + 4 <= width; x += 4, upper += 32, lower += 32) {
        const i32x4 a = (i32x4)i8x16_max(i8x16_load(upper), i8x16_load(lower)),
                    b = (i32x4)i8x16_max(i8x16_load(upper + 16), i8x16_load(lower + 16));
        const i32x4 left = {a[0], a[2], b[0], b[2]}, right = {a[1], a[3], b[1], b[3]};
        i8x16_store(out + 4 * x, i8x16_max((i8x16)left, (i8x16)right));
    }
    return x;
}

/* The window of pixel x; its rows top..bottom-1 are in the picture. */
static i8x16 pool_window(const offcut__op *op, const int8_t *first, int32_t top, int32_t bottom,
                         int32_t x) {
    const offcut__geometry *w = &op->u.pooling.window;
    const offcut__view *in = &op->in[0];
    const int32_t u = x * w->stride_w - w->pad_left;
    int32_t left = 0, right = 0;
    offcut__taps_inside(u, w->dilation_w, w->kernel_w, in->shape.dims[3], &left, &right);
    i8x16 best = i8x16_splat(-128);
    for (int32_t i = top; i < bottom; i++)
        for (int32_t j = left; j < right; j++)
            best = i8x16_max(
                best, (i8x16)bytes_load_splat(first + 4 * (i * w->dilation_h * in->strides[2] + u +
                                                           j * w->dilation_w)));
    return best;
}

void offcut__pool8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__view *in = &op->in[0], *out = &op->out;
    const offcut__geometry *w = &op->u.pooling.window;
    const bool squares = w->kernel_h == 2 && w->kernel_w == 2 && w->stride_w == 2 &&
                         w->dilation_h == 1 && w->dilation_w == 1 && w->pad_left == 0;
    const int32_t width = out->shape.dims[3], half = in->shape.dims[3] / 2;
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        const int32_t v = y * w->stride_h - w->pad_top;
        int32_t top = 0, bottom = 0;
        offcut__taps_inside(v, w->dilation_h, w->kernel_h, in->shape.dims[2], &top, &bottom);
        for (int32_t g = 0; g < offcut__view_groups(out); g++) {
            const int8_t *first = offcut__quads_read(in, arena, v, g);
            int8_t *to = offcut__quads_write(out, arena, y, g);
            int32_t x = 0;
            if (squares && bottom - top == 2)
                x = pool_squares(to, first, first + 4 * in->strides[2],
                                 half < width ? half : width);
            for (; x < width; x++) {
                const i8x16 best = pool_window(op, first, top, bottom, x);
                memcpy(to + 4 * x, &best, 4);
            }
        }
    }
}

/* ---- doubling ---- */

/* sums[x + 1] = 3 near + next, and its ends once more on either side. */
static void sum_quarters(int16_t *sums, const int8_t *near, const int8_t *next, int32_t width) {
    for (int32_t x = 0; x < width; x += 2) {
        const bool both = x + 1 < width;
        const int8_t *a = near + 4 * x, *b = next + 4 * x;
        const i16x8 one = both ? i16x8_load_bytes(a) : i16x8_load_quads(a, a),
                    other = both ? i16x8_load_bytes(b) : i16x8_load_quads(b, b);
        const i16x8 sum = one * 3 + other;
        memcpy(sums + 4 * (x + 1), &sum, sizeof sum);
    }
    memcpy(sums, sums + 4, 4 * sizeof *sums);
    memcpy(sums + 4 * (width + 1), sums + 4 * width, 4 * sizeof *sums);
    memset(sums + 4 * (width + 2), 0, 4 * sizeof *sums); /* read along, but not used */
}

/* Rounded half to even. */
OFFCUT__INLINE i16x8 sixteenth(i16x8 x) {
    return (x + 7 + ((x >> 4) & 1)) >> 4;
}

static void double_row(const offcut__op *op, float *arena, int32_t y) {
    const int32_t width = op->in[0].shape.dims[3], last = op->in[0].shape.dims[2] - 1;
    const int32_t near = y / 2, beside = y % 2 ? near + 1 : near - 1;
    const int32_t next = beside < 0 ? 0 : beside > last ? last : beside;
    int16_t *sums = (int16_t *)(void *)offcut__op_scratch(op, arena);
    for (int32_t g = 0; g < offcut__view_groups(&op->out); g++) {
        int8_t *to = offcut__quads_write(&op->out, arena, y, g);
        sum_quarters(sums, offcut__quads_read(&op->in[0], arena, near, g),
                     offcut__quads_read(&op->in[0], arena, next, g), width);
        for (int32_t x = 0; x < width; x += 2) {
            const int16_t *p = sums + 4 * x;
            const i16x8 here = i16x8_load(p + 4) * 3;
            const i32x4 pairs = (i32x4)i16x8_pack(sixteenth(i16x8_load(p) + here),
                                                  sixteenth(i16x8_load(p + 8) + here));
            const i32x4 pixels = {pairs[0], pairs[2], pairs[1], pairs[3]};
            if (x + 1 < width)
                i8x16_store(to + 8 * x, (i8x16)pixels);
            else
                memcpy(to + 8 * x, &pixels, 8);
        }
    }
}

/* ---- resizing ---- */

/* Rows resized across are f32, [groups][width][4]; they are kept while the next rows need them. */
size_t offcut__resize8_scratch(const offcut__op *op) {
    if (op->u.resize.doubles) return 2 * ((size_t)op->in[0].shape.dims[3] + 3);
    return op->u.resize.taps_y * (size_t)offcut__view_groups(&op->out) *
           (size_t)op->out.shape.dims[3] * 4;
}

OFFCUT__INLINE void across(const offcut__op *op, const float *arena, float *row, int32_t v,
                           const uint32_t taps) {
    const offcut__resize *r = &op->u.resize;
    for (int32_t g = 0; g < offcut__view_groups(&op->out); g++) {
        const int8_t *from = offcut__quads_read(&op->in[0], arena, v, g);
        const int32_t *column = r->columns;
        const float *weight = r->column_weights;
        for (int32_t x = 0; x < op->out.shape.dims[3]; x++, row += 4) {
            f32x4 sum = f32x4_load_bytes(from + 4 * column[0]) * f32x4_load_splat(weight);
            OFFCUT__UNROLL
            for (uint32_t i = 1; i < taps; i++)
                sum = sum + f32x4_load_bytes(from + 4 * column[i]) * f32x4_load_splat(weight + i);
            f32x4_store(row, sum);
            column += taps;
            weight += taps;
        }
    }
}

static void resize_across(const offcut__op *op, const float *arena, float *row, int32_t v) {
    switch (op->u.resize.taps_x) {
        case 1: across(op, arena, row, v, 1); break;
        case 2: across(op, arena, row, v, 2); break;
        default: across(op, arena, row, v, 4); break;
    }
}

OFFCUT__INLINE i32x4 blend(const float *const *rows, const f32x4 *weights, size_t at,
                           const uint32_t taps) {
    f32x4 sum = f32x4_load(rows[0] + at) * weights[0];
    OFFCUT__UNROLL
    for (uint32_t i = 1; i < taps; i++) sum = sum + f32x4_load(rows[i] + at) * weights[i];
    return i32x4_round(sum);
}

OFFCUT__INLINE void down(const offcut__op *op, float *arena, const float *const *rows, int32_t y,
                         const uint32_t taps) {
    const int32_t width = op->out.shape.dims[3];
    f32x4 weights[4];
    OFFCUT__UNROLL
    for (uint32_t i = 0; i < taps; i++)
        weights[i] = f32x4_load_splat(op->u.resize.row_weights + (size_t)y * taps + i);
    size_t at = 0;
    for (int32_t g = 0; g < offcut__view_groups(&op->out); g++) {
        int8_t *to = offcut__quads_write(&op->out, arena, y, g);
        int32_t x = 0;
        for (; x + 4 <= width; x += 4, at += 16) {
            i32x4 out[4];
            OFFCUT__UNROLL
            for (size_t k = 0; k < 4; k++) out[k] = blend(rows, weights, at + 4 * k, taps);
            i8x16_store(to + 4 * x, i8x16_pack(out[0], out[1], out[2], out[3]));
        }
        for (; x < width; x++, at += 4) {
            const i32x4 out = blend(rows, weights, at, taps);
            const i8x16 bytes = i8x16_pack(out, out, out, out);
            memcpy(to + 4 * x, &bytes, 4);
        }
    }
}

static void resize_row(const offcut__op *op, float *arena, const float *const *rows, int32_t y) {
    switch (op->u.resize.taps_y) {
        case 1: down(op, arena, rows, y, 1); break;
        case 2: down(op, arena, rows, y, 2); break;
        default: down(op, arena, rows, y, 4); break;
    }
}

void offcut__resize8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__resize *r = &op->u.resize;
    if (r->doubles) {
        for (uint32_t y = begin; y < end; y++) double_row(op, arena, (int32_t)y);
        return;
    }
    const size_t size = offcut__resize8_scratch(op) / r->taps_y;
    int32_t source[4] = {-1, -1, -1, -1};
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        const int32_t *needed = r->rows + (size_t)y * r->taps_y;
        const float *rows[4];
        for (uint32_t i = 0; i < r->taps_y; i++) {
            uint32_t slot = 0;
            while (slot < r->taps_y && source[slot] != needed[i]) slot++;
            if (slot == r->taps_y) {
                /* The first that holds nothing needed now. */
                for (slot = 0; slot + 1 < r->taps_y; slot++) {
                    bool keep = false;
                    for (uint32_t j = 0; j < r->taps_y; j++) keep |= source[slot] == needed[j];
                    if (!keep) break;
                }
                source[slot] = needed[i];
                resize_across(op, arena, offcut__op_scratch(op, arena) + slot * size, needed[i]);
            }
            rows[i] = offcut__op_scratch(op, arena) + slot * size;
        }
        resize_row(op, arena, rows, y);
    }
}
