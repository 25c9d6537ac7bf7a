/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution of int8 quads: four neighbouring pixels at once where all have every tap.
 */
#include "kernels.h"
#include "requantise.h"

typedef struct taps {
    const int8_t *in;            /* at the first pixel's first tap, which need not exist */
    const int8_t *weights;       /* at the first tap */
    ptrdiff_t in_y, in_x, pixel; /* bytes between taps, and between pixels */
    ptrdiff_t weights_y, weights_x;
    int32_t top, bottom, left, right;
} taps;

/* A row of one group: where it is read and written. */
typedef struct row {
    const offcut__geometry *window;
    const int8_t *in; /* pixel 0 of the first tap's row */
    const int8_t *add;
    int8_t *out;
    int32_t in_width, width;
    taps taps;
    offcut__finisher finisher;
} row;

static size_t padded(const offcut__conv8 *c) {
    return ((size_t)c->channels_out + 3) / 4 * 4;
}

void offcut__depthwise8_fill(const offcut__conv8 *c, const int8_t *weights, int8_t *packed) {
    const size_t count = (size_t)(c->window.kernel_h * c->window.kernel_w), step = padded(c);
    for (size_t k = 0; k < c->channels_out; k++)
        for (size_t t = 0; t < count; t++) packed[t * step + k] = weights[k * count + t];
}

static i32x4 one_pixel(const taps *t) {
    i32x4 sum = {0, 0, 0, 0};
    for (int32_t i = t->top; i < t->bottom; i++)
        for (int32_t j = t->left; j < t->right; j++)
            sum += i32x4_load_bytes(t->in + i * t->in_y + j * t->in_x) *
                   i32x4_load_bytes(t->weights + i * t->weights_y + j * t->weights_x);
    return sum;
}

OFFCUT__INLINE i16x8 two_pixels(const taps *t, const int8_t *p, const bool adjacent) {
    return adjacent ? i16x8_load_bytes(p) : i16x8_load_quads(p, p + t->pixel);
}

/* adjacent: the pixels lie side by side. A product of two bytes fits 16 bits. */
OFFCUT__INLINE void four_pixels(const taps *t, i32x4 *sums, const bool adjacent) {
    i32x4 s0 = {0, 0, 0, 0}, s1 = s0, s2 = s0, s3 = s0;
    for (int32_t i = t->top; i < t->bottom; i++) {
        for (int32_t j = t->left; j < t->right; j++) {
            const int8_t *p = t->in + i * t->in_y + j * t->in_x,
                         *w = t->weights + i * t->weights_y + j * t->weights_x;
            const i16x8 weight = i16x8_load_quads(w, w);
            const i16x8 a = two_pixels(t, p, adjacent) * weight,
                        b = two_pixels(t, p + 2 * t->pixel, adjacent) * weight;
            s0 = i32x4_add_low(s0, a);
            s1 = i32x4_add_high(s1, a);
            s2 = i32x4_add_low(s2, b);
            s3 = i32x4_add_high(s3, b);
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* Goes to pixel x; whether it and the three after it have every tap. */
static bool go(row *r, int32_t x) {
    const offcut__geometry *w = r->window;
    const int32_t u = x * w->stride_w - w->pad_left;
    int32_t left = 0, right = 0;
    offcut__taps_inside(u, w->dilation_w, w->kernel_w, r->in_width, &r->taps.left, &r->taps.right);
    offcut__taps_inside(u + 3 * w->stride_w, w->dilation_w, w->kernel_w, r->in_width, &left,
                        &right);
    r->taps.in = r->in + 4 * (ptrdiff_t)u;
    return x + 4 <= r->width && r->taps.left == 0 && left == 0 && r->taps.right == w->kernel_w &&
           right == w->kernel_w;
}

static void run_row(row *r) {
    const offcut__finisher *f = &r->finisher;
    for (int32_t x = 0; x < r->width;) {
        const int8_t *add = r->add ? r->add + 4 * x : NULL;
        i32x4 sums[4];
        if (!go(r, x)) {
            quad_store(r->out + 4 * x, offcut__requantise(f, one_pixel(&r->taps), add), f->lo,
                       f->hi);
            x++;
            continue;
        }
        if (r->taps.pixel == 4)
            four_pixels(&r->taps, sums, true);
        else
            four_pixels(&r->taps, sums, false);
        OFFCUT__UNROLL
        for (int k = 0; k < 4; k++)
            sums[k] = offcut__requantise(f, sums[k], add ? add + 4 * k : NULL);
        quads_store(r->out + 4 * x, sums, f->lo, f->hi);
        x += 4;
    }
}

static void row_of_group(const offcut__op *op, float *arena, int32_t y, int32_t g, row *r) {
    const offcut__conv8 *c = &op->u.conv8;
    const offcut__view *in = &op->in[0], *out = &op->out;
    const offcut__geometry *w = &c->window;
    const int32_t v = y * w->stride_h - w->pad_top;
    const ptrdiff_t channels = (ptrdiff_t)padded(c);
    *r = (row){.window = w,
               .in = offcut__quads_read(in, arena, v, g),
               .add = op->in_count > 1 ? offcut__quads_read(&op->in[1], arena, y, g) : NULL,
               .out = offcut__quads_write(out, arena, y, g),
               .in_width = in->shape.dims[3],
               .width = out->shape.dims[3],
               .taps = {.weights = (const int8_t *)c->weights + 4 * (ptrdiff_t)g,
                        .in_y = 4 * w->dilation_h * in->strides[2],
                        .in_x = 4 * (ptrdiff_t)w->dilation_w,
                        .pixel = 4 * (ptrdiff_t)w->stride_w,
                        .weights_y = w->kernel_w * channels,
                        .weights_x = channels},
               .finisher = offcut__finisher_of(c, 4 * (size_t)g)};
    offcut__taps_inside(v, w->dilation_h, w->kernel_h, in->shape.dims[2], &r->taps.top,
                        &r->taps.bottom);
}

void offcut__depthwise8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    for (int32_t y = (int32_t)begin; y < (int32_t)end; y++) {
        for (int32_t g = 0; g < offcut__view_groups(&op->out); g++) {
            row r;
            row_of_group(op, arena, y, g, &r);
            run_row(&r);
        }
    }
}
