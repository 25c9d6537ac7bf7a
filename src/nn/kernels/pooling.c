/* SPDX-License-Identifier: Apache-2.0
 * Max and average pooling of images. */
#include "kernels.h"
#include "simd.h"

#include <math.h>

/* The part of a window that lies on the picture, and how many pixels an average divides by. */
typedef struct window {
    int32_t top, bottom, left, right; /* taps */
    int32_t y, x;                     /* of tap 0, which need not exist */
    float scale;
} window;

static window window_at(const offcut__op *op, int32_t y, int32_t x) {
    const offcut__pooling *p = &op->u.pooling;
    const int32_t height = op->in[0].shape.dims[2], width = op->in[0].shape.dims[3];
    window w = {.y = y * p->window.stride_h - p->window.pad_top,
                .x = x * p->window.stride_w - p->window.pad_left};
    offcut__taps_inside(w.y, p->window.dilation_h, p->window.kernel_h, height, &w.top, &w.bottom);
    offcut__taps_inside(w.x, p->window.dilation_w, p->window.kernel_w, width, &w.left, &w.right);
    int32_t rows = w.bottom - w.top, columns = w.right - w.left;
    if (p->include_pad) { /* but not what ceil_mode adds beyond the padding */
        int32_t from = 0;
        offcut__taps_inside(w.y + p->window.pad_top, p->window.dilation_h, p->window.kernel_h,
                            height + p->window.pad_top + p->pad_bottom, &from, &rows);
        offcut__taps_inside(w.x + p->window.pad_left, p->window.dilation_w, p->window.kernel_w,
                            width + p->window.pad_left + p->pad_right, &from, &columns);
    }
    w.scale = rows * columns > 0 ? 1.0f / (float)(rows * columns) : 0.0f;
    return w;
}

void offcut__pool_reference(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__pooling *p = &op->u.pooling;
    const offcut__view *in = &op->in[0], *out = &op->out;
    const int32_t height = out->shape.dims[2];
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / height, y = (int32_t)unit % height;
        for (int32_t x = 0; x < out->shape.dims[3]; x++) {
            const window w = window_at(op, y, x);
            for (int32_t c = 0; c < out->shape.dims[1]; c++) {
                const float *plane = offcut__view_read(in, arena) + n * in->strides[0] + c;
                double best = -(double)INFINITY, sum = 0;
                for (int32_t i = w.top; i < w.bottom; i++) {
                    for (int32_t j = w.left; j < w.right; j++) {
                        const double v =
                            (double)plane[(w.y + i * p->window.dilation_h) * in->strides[2] +
                                          (w.x + j * p->window.dilation_w) * in->strides[3]];
                        sum += v;
                        if (v > best) best = v;
                    }
                }
                offcut__view_write(
                    out,
                    arena)[n * out->strides[0] + y * out->strides[2] + x * out->strides[3] + c] =
                    (float)(p->average ? sum * (double)w.scale : best);
            }
        }
    }
}

/* Four channels (or the count that is left) of one window. */
OFFCUT__INLINE f32x4 pool_window(const offcut__pooling *p, const window *w, const float *in,
                                 ptrdiff_t in_y, ptrdiff_t in_x, uint32_t count) {
    f32x4 result = f32x4_splat(p->average ? 0.0f : -INFINITY);
    for (int32_t i = w->top; i < w->bottom; i++) {
        for (int32_t j = w->left; j < w->right; j++) {
            const float *pixel = in + i * in_y + j * in_x;
            const f32x4 v = count == 4 ? f32x4_load(pixel) : f32x4_load_part(pixel, count);
            result = p->average ? result + v : f32x4_max(result, v);
        }
    }
    return p->average ? result * f32x4_splat(w->scale) : result;
}

void offcut__pool_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__pooling *p = &op->u.pooling;
    const offcut__view *in = &op->in[0], *out = &op->out;
    const int32_t height = out->shape.dims[2], channels = out->shape.dims[1];
    const ptrdiff_t in_y = p->window.dilation_h * in->strides[2],
                    in_x = p->window.dilation_w * in->strides[3];
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / height, y = (int32_t)unit % height;
        const float *picture = offcut__view_read(in, arena) + n * in->strides[0];
        float *row = offcut__view_write(out, arena) + n * out->strides[0] + y * out->strides[2];
        for (int32_t x = 0; x < out->shape.dims[3]; x++) {
            const window w = window_at(op, y, x);
            const float *first = picture + w.y * in->strides[2] + w.x * in->strides[3];
            float *pixel = row + x * out->strides[3];
            int32_t c = 0;
            for (; c + 4 <= channels; c += 4)
                f32x4_store(pixel + c, pool_window(p, &w, first + c, in_y, in_x, 4));
            const uint32_t rest = (uint32_t)(channels - c);
            if (rest > 0)
                f32x4_store_part(pixel + c, pool_window(p, &w, first + c, in_y, in_x, rest), rest);
        }
    }
}
