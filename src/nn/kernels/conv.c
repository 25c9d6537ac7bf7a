/* SPDX-License-Identifier: Apache-2.0
 * Convolutions: the plain one, the depthwise one and the one with few output channels. */
#include "kernels.h"
#include "simd.h"

typedef struct geometry {
    int32_t in_h, in_w, out_h, out_w;
    ptrdiff_t in_n, in_y, in_x, out_n, out_y, out_x, add_n, add_y, add_x;
    const float *in, *add;
    float *out;
} geometry;

static geometry geometry_of(const offcut__op *op, float *arena) {
    const offcut__view *in = &op->in[0], *out = &op->out,
                       *add = op->in_count > 1 ? &op->in[1] : NULL;
    return (geometry){
        .in_h = in->shape.dims[2],
        .in_w = in->shape.dims[3],
        .out_h = out->shape.dims[2],
        .out_w = out->shape.dims[3],
        .in_n = in->strides[0],
        .in_y = in->strides[2],
        .in_x = in->strides[3],
        .out_n = out->strides[0],
        .out_y = out->strides[2],
        .out_x = out->strides[3],
        .add_n = add ? add->strides[0] : 0,
        .add_y = add ? add->strides[2] : 0,
        .add_x = add ? add->strides[3] : 0,
        .in = offcut__view_read(in, arena),
        .add = add ? offcut__view_read(add, arena) : NULL,
        .out = offcut__view_write(out, arena),
    };
}

static float clamp(float x, float lo, float hi) {
    const float raised = x < lo ? lo : x;
    return raised > hi ? hi : raised;
}

void offcut__act_rows(const offcut__op *op, float *arena, int32_t n, int32_t begin, int32_t end) {
    if (!op->slope && op->act.kind == OFFCUT__IDENTITY) return;
    const offcut__view *out = &op->out;
    const size_t channels = (size_t)out->shape.dims[1];
    const size_t width = (size_t)out->shape.dims[3];
    const bool dense = out->strides[3] == (ptrdiff_t)channels;
    for (int32_t y = begin; y < end; y++) {
        float *row = offcut__view_write(out, arena) + n * out->strides[0] + y * out->strides[2];
        if (dense && !op->slope) {
            offcut__unary_row(op->act, row, row, channels * width);
            continue;
        }
        for (size_t x = 0; x < width; x++) {
            float *pixel = row + (ptrdiff_t)x * out->strides[3];
            if (op->slope)
                offcut__binary_row(OFFCUT__PRELU, pixel, pixel, 1, op->slope, 1, channels);
            if (op->act.kind != OFFCUT__IDENTITY)
                offcut__unary_row(op->act, pixel, pixel, channels);
        }
    }
}

void offcut__taps_inside(int32_t start, int32_t dilation, int32_t count, int32_t size,
                         int32_t *from, int32_t *to) {
    *from = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
    *to = start >= size ? 0 : (size - 1 - start) / dilation + 1;
    if (*from > count) *from = count;
    if (*to > count) *to = count;
    if (*to < *from) *to = *from;
}

/* ---- reference ---- */

static double reference_pixel(const offcut__conv *c, const geometry *g, const float *in, uint32_t k,
                              int32_t y, int32_t x) {
    const float *weights =
        c->weights + (size_t)k * (size_t)(c->window.kernel_h * c->window.kernel_w) * c->group_in;
    const float *first = in + k / c->group_out * c->group_in;
    double sum = (double)c->bias[k];
    for (int32_t i = 0; i < c->window.kernel_h; i++) {
        for (int32_t j = 0; j < c->window.kernel_w; j++, weights += c->group_in) {
            const int32_t v = y * c->window.stride_h + i * c->window.dilation_h - c->window.pad_top;
            const int32_t u =
                x * c->window.stride_w + j * c->window.dilation_w - c->window.pad_left;
            if (v < 0 || v >= g->in_h || u < 0 || u >= g->in_w) continue;
            const float *pixel = first + v * g->in_y + u * g->in_x;
            for (uint32_t d = 0; d < c->group_in; d++) sum += (double)weights[d] * (double)pixel[d];
        }
    }
    return sum;
}

void offcut__conv_reference(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__conv *c = &op->u.conv;
    const geometry g = geometry_of(op, arena);
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / g.out_h, y = (int32_t)unit % g.out_h;
        for (int32_t x = 0; x < g.out_w; x++) {
            for (uint32_t k = 0; k < c->groups * c->group_out; k++) {
                float sum = (float)reference_pixel(c, &g, g.in + n * g.in_n, k, y, x);
                if (g.add) sum += g.add[n * g.add_n + y * g.add_y + x * g.add_x + (ptrdiff_t)k];
                g.out[n * g.out_n + y * g.out_y + x * g.out_x + (ptrdiff_t)k] =
                    clamp(sum, c->lo, c->hi);
            }
        }
        offcut__act_rows(op, arena, n, y, y + 1);
    }
}

/* ---- depthwise ---- */

typedef struct taps {
    const float *in; /* at the first pixel's first tap, which need not exist */
    const float *weights;
    const float *bias;
    ptrdiff_t in_y, in_x, step; /* between taps and between pixels */
    ptrdiff_t weights_y, weights_x;
    int32_t top, bottom, left, right;
    float lo, hi;
} taps;

/* For the pixels of row y; in and bias are still to be set. weights:
 * [kernel_h][kernel_w][channels]. */
static taps taps_of_row(const offcut__conv *c, const geometry *g, const float *weights,
                        uint32_t channels, int32_t y) {
    taps t = {.weights = weights,
              .in_y = c->window.dilation_h * g->in_y,
              .in_x = c->window.dilation_w * g->in_x,
              .step = c->window.stride_w * g->in_x,
              .weights_y = c->window.kernel_w * (ptrdiff_t)channels,
              .weights_x = (ptrdiff_t)channels,
              .lo = c->lo,
              .hi = c->hi};
    offcut__taps_inside(y * c->window.stride_h - c->window.pad_top, c->window.dilation_h,
                        c->window.kernel_h, g->in_h, &t.top, &t.bottom);
    return t;
}

/* Goes to pixel x of row y of picture in. Returns how many pixels from there share its taps: 4 if
 * there are so many and each has all, otherwise 1. */
static int32_t taps_go(taps *t, const offcut__conv *c, const geometry *g, const float *in,
                       int32_t y, int32_t x) {
    const offcut__geometry *w = &c->window;
    const int32_t v = y * w->stride_h - w->pad_top, u = x * w->stride_w - w->pad_left;
    int32_t left = 0, right = 0;
    offcut__taps_inside(u, w->dilation_w, w->kernel_w, g->in_w, &t->left, &t->right);
    offcut__taps_inside(u + 3 * w->stride_w, w->dilation_w, w->kernel_w, g->in_w, &left, &right);
    t->in = in + v * g->in_y + u * g->in_x;
    return t->left == 0 && left == 0 && t->right == w->kernel_w && right == w->kernel_w &&
                   x + 4 <= g->out_w
               ? 4
               : 1;
}

/* A few neighbouring pixels that share their taps. */
OFFCUT__INLINE void depthwise_pixels(const taps *t, size_t c, uint32_t count, const int pixels,
                                     f32x4 *sums) {
    OFFCUT__UNROLL
    for (int p = 0; p < pixels; p++)
        sums[p] = count == 4 ? f32x4_load(t->bias + c) : f32x4_load_part(t->bias + c, count);
    for (int32_t i = t->top; i < t->bottom; i++) {
        for (int32_t j = t->left; j < t->right; j++) {
            const float *w = t->weights + i * t->weights_y + j * t->weights_x + c;
            const float *in = t->in + i * t->in_y + j * t->in_x + c;
            const f32x4 weight = count == 4 ? f32x4_load(w) : f32x4_load_part(w, count);
            OFFCUT__UNROLL
            for (int p = 0; p < pixels; p++, in += t->step)
                sums[p] = f32x4_madd(count == 4 ? f32x4_load(in) : f32x4_load_part(in, count),
                                     weight, sums[p]);
        }
    }
}

OFFCUT__INLINE void depthwise_store(const taps *t, float *out, ptrdiff_t out_x, const float *add,
                                    ptrdiff_t add_x, size_t channels, const int pixels) {
    for (size_t c = 0; c < channels; c += 4) {
        const uint32_t count = channels - c < 4 ? (uint32_t)(channels - c) : 4;
        f32x4 sums[4];
        if (count == 4)
            depthwise_pixels(t, c, 4, pixels, sums);
        else
            depthwise_pixels(t, c, count, pixels, sums);
        OFFCUT__UNROLL
        for (int p = 0; p < pixels; p++) {
            if (add) sums[p] += f32x4_load_part(add + p * add_x + (ptrdiff_t)c, count);
            sums[p] = f32x4_clamp(sums[p], t->lo, t->hi);
            if (count == 4)
                f32x4_store(out + p * out_x + (ptrdiff_t)c, sums[p]);
            else
                f32x4_store_part(out + p * out_x + (ptrdiff_t)c, sums[p], count);
        }
    }
}

bool offcut__conv_depthwise_can(const offcut__conv *conv) {
    return conv->group_in == 1 && conv->group_out == 1;
}

void offcut__conv_depthwise_pack(const offcut__conv *conv, const float *reference, float *packed) {
    const size_t size = (size_t)(conv->window.kernel_h * conv->window.kernel_w);
    for (size_t c = 0; c < conv->groups; c++)
        for (size_t i = 0; i < size; i++) packed[i * conv->groups + c] = reference[c * size + i];
}

static void depthwise_row(const offcut__conv *c, const geometry *g, const float *in, float *out,
                          const float *add, int32_t y) {
    taps t = taps_of_row(c, g, c->weights, c->groups, y);
    t.bias = c->bias;
    for (int32_t x = 0; x < g->out_w;) {
        const int32_t pixels = taps_go(&t, c, g, in, y, x);
        const float *added = add ? add + x * g->add_x : NULL;
        if (pixels == 4)
            depthwise_store(&t, out + x * g->out_x, g->out_x, added, g->add_x, c->groups, 4);
        else
            depthwise_store(&t, out + x * g->out_x, g->out_x, added, g->add_x, c->groups, 1);
        x += pixels;
    }
}

void offcut__conv_depthwise(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const geometry g = geometry_of(op, arena);
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / g.out_h, y = (int32_t)unit % g.out_h;
        depthwise_row(&op->u.conv, &g, g.in + n * g.in_n, g.out + n * g.out_n + y * g.out_y,
                      g.add ? g.add + n * g.add_n + y * g.add_y : NULL, y);
        offcut__act_rows(op, arena, n, y, y + 1);
    }
}

/* ---- few output channels ---- */

bool offcut__conv_narrow_can(const offcut__conv *conv) {
    return conv->groups == 1 && conv->group_out <= 3 && conv->group_in >= 8;
}

/* The dot products of a few neighbouring pixels that share their taps. */
OFFCUT__INLINE void narrow_pixels(const taps *t, size_t channels, const int pixels,
                                  float *results) {
    f32x4 sums[4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    const uint32_t rest = (uint32_t)(channels % 4);
    const size_t whole = channels - rest;
    for (int32_t i = t->top; i < t->bottom; i++) {
        for (int32_t j = t->left; j < t->right; j++) {
            const float *w = t->weights + i * t->weights_y + j * t->weights_x;
            const float *in = t->in + i * t->in_y + j * t->in_x;
            for (size_t c = 0; c < whole; c += 4) {
                const f32x4 weight = f32x4_load(w + c);
                OFFCUT__UNROLL
                for (int p = 0; p < pixels; p++)
                    sums[p] =
                        f32x4_madd(f32x4_load(in + p * t->step + (ptrdiff_t)c), weight, sums[p]);
            }
            if (rest == 0) continue;
            const f32x4 weight = f32x4_load_part(w + whole, rest);
            OFFCUT__UNROLL
            for (int p = 0; p < pixels; p++)
                sums[p] = f32x4_madd(f32x4_load_part(in + p * t->step + (ptrdiff_t)whole, rest),
                                     weight, sums[p]);
        }
    }
    OFFCUT__UNROLL
    for (int p = 0; p < pixels; p++) results[p] = f32x4_sum(sums[p]);
}

static void narrow_row(const offcut__conv *c, const geometry *g, const float *in, float *out,
                       const float *add, int32_t y, uint32_t k) {
    const size_t each = (size_t)(c->window.kernel_h * c->window.kernel_w) * c->group_in;
    taps t = taps_of_row(c, g, c->weights + k * each, c->group_in, y);
    for (int32_t x = 0; x < g->out_w;) {
        const int32_t pixels = taps_go(&t, c, g, in, y, x);
        float results[4];
        if (pixels == 4)
            narrow_pixels(&t, c->group_in, 4, results);
        else
            narrow_pixels(&t, c->group_in, 1, results);
        for (int32_t p = 0; p < pixels; p++, x++) {
            const float sum =
                results[p] + c->bias[k] + (add ? add[x * g->add_x + (ptrdiff_t)k] : 0.0f);
            out[x * g->out_x + (ptrdiff_t)k] = clamp(sum, c->lo, c->hi);
        }
    }
}

void offcut__conv_narrow(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const geometry g = geometry_of(op, arena);
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / g.out_h, y = (int32_t)unit % g.out_h;
        for (uint32_t k = 0; k < op->u.conv.group_out; k++)
            narrow_row(&op->u.conv, &g, g.in + n * g.in_n, g.out + n * g.out_n + y * g.out_y,
                       g.add ? g.add + n * g.add_n + y * g.add_y : NULL, y, k);
        offcut__act_rows(op, arena, n, y, y + 1);
    }
}
