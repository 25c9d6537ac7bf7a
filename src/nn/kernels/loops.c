/* SPDX-License-Identifier: Apache-2.0
 * Element-wise functions over any strides. The innermost loop runs on vectors where it can. */
#include "kernels.h"
#include "simd.h"

/* Where the innermost loop number unit begins. */
static void locate(const offcut__loops *l, uint32_t unit, ptrdiff_t *out, ptrdiff_t *in) {
    *out = 0;
    in[0] = in[1] = in[2] = 0;
    for (uint32_t i = l->rank - 1; i-- > 0;) {
        const ptrdiff_t index = (ptrdiff_t)(unit % (uint32_t)l->dims[i]);
        unit /= (uint32_t)l->dims[i];
        *out += index * l->out[i];
        for (uint32_t k = 0; k < l->inputs; k++) in[k] += index * l->in[k][i];
    }
}

static bool vector_stride(ptrdiff_t stride) {
    return stride == 0 || stride == 1;
}

static void copy_strided(float *y, ptrdiff_t out, const float *x, ptrdiff_t in, size_t n) {
    for (size_t i = 0; i < n; i++, y += out, x += in) *y = *x;
}

/* op->act over a loop of stride out. */
static void finish(const offcut__op *op, float *y, ptrdiff_t out, size_t n) {
    if (op->act.kind == OFFCUT__IDENTITY) return;
    if (out == 1) {
        offcut__unary_row(op->act, y, y, n);
        return;
    }
    for (size_t i = 0; i < n; i++, y += out) *y = (float)offcut__unary_eval(op->act, (double)*y);
}

static void fill(float *y, ptrdiff_t out, float value, size_t n) {
    for (size_t i = 0; i < n; i++, y += out) *y = value;
}

void offcut__loops_unary(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__loops *l = &op->u.loops;
    const uint32_t last = l->rank - 1;
    const size_t n = (size_t)l->dims[last];
    const ptrdiff_t out = l->out[last], in = l->in[0][last];
    for (uint32_t unit = begin; unit < end; unit++) {
        ptrdiff_t at = 0, from[3];
        locate(l, unit, &at, from);
        float *y = offcut__view_write(&op->out, arena) + at;
        if (l->inputs == 0) {
            fill(y, out, l->a, n);
            continue;
        }
        const float *x = offcut__view_read(&op->in[0], arena) + from[0];
        if (out == 1 && in == 1) {
            offcut__unary_row(op->act, y, x, n);
        } else {
            copy_strided(y, out, x, in, n);
            finish(op, y, out, n);
        }
    }
}

void offcut__loops_binary(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__loops *l = &op->u.loops;
    const uint32_t last = l->rank - 1;
    const size_t n = (size_t)l->dims[last];
    const ptrdiff_t out = l->out[last], in1 = l->in[0][last], in2 = l->in[1][last];
    const offcut__binary kind = (offcut__binary)l->kind;
    for (uint32_t unit = begin; unit < end; unit++) {
        ptrdiff_t at = 0, from[3];
        locate(l, unit, &at, from);
        float *y = offcut__view_write(&op->out, arena) + at;
        const float *x1 = offcut__view_read(&op->in[0], arena) + from[0];
        const float *x2 = offcut__view_read(&op->in[1], arena) + from[1];
        if (out == 1 && vector_stride(in1) && vector_stride(in2)) {
            offcut__binary_row(kind, y, x1, (size_t)in1, x2, (size_t)in2, n);
        } else {
            float *to = y;
            for (size_t i = 0; i < n; i++, to += out, x1 += in1, x2 += in2)
                *to = (float)offcut__binary_eval(kind, (double)*x1, (double)*x2);
        }
        finish(op, y, out, n);
    }
}

static void affine_row(float *y, const float *x, const float *scale, ptrdiff_t s,
                       const float *shift, ptrdiff_t t, size_t n) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const f32x4 a = s ? f32x4_load(scale + i) : f32x4_load_splat(scale);
        const f32x4 b = t ? f32x4_load(shift + i) : f32x4_load_splat(shift);
        f32x4_store(y + i, f32x4_madd(f32x4_load(x + i), a, b));
    }
    for (; i < n; i++) y[i] = x[i] * scale[(ptrdiff_t)i * s] + shift[(ptrdiff_t)i * t];
}

/* clamp(round(x / scale) + zero, a, b), one scale for all. */
static void quantize_row(const offcut__loops *l, float *y, const float *x, float scale, float zero,
                         size_t n) {
    /* Adding 1.5 x 2^23 leaves no bits below one: the sum is rounded, half to even. What is clamped
     * before would be clamped after, too. */
    const f32x4 magic = f32x4_splat(12582912.0f), divisor = f32x4_splat(scale);
    const float lo = l->a - zero, hi = l->b - zero;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const f32x4 q = f32x4_clamp(f32x4_load(x + i) / divisor, lo, hi);
        f32x4_store(y + i, ((q + magic) - magic) + f32x4_splat(zero));
    }
    for (; i < n; i++)
        y[i] = (float)offcut__ternary_eval(OFFCUT__QUANTIZE, l->a, l->b, (double)x[i],
                                           (double)scale, (double)zero);
}

static void dequantize_row(float *y, const float *x, float scale, float zero, size_t n) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        f32x4_store(y + i, (f32x4_load(x + i) - f32x4_splat(zero)) * f32x4_splat(scale));
    for (; i < n; i++) y[i] = (x[i] - zero) * scale;
}

void offcut__loops_ternary(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__loops *l = &op->u.loops;
    const uint32_t last = l->rank - 1;
    const size_t n = (size_t)l->dims[last];
    const ptrdiff_t out = l->out[last], in1 = l->in[0][last], in2 = l->in[1][last],
                    in3 = l->in[2][last];
    const offcut__ternary kind = (offcut__ternary)l->kind;
    for (uint32_t unit = begin; unit < end; unit++) {
        ptrdiff_t at = 0, from[3];
        locate(l, unit, &at, from);
        float *y = offcut__view_write(&op->out, arena) + at;
        const float *x1 = offcut__view_read(&op->in[0], arena) + from[0];
        const float *x2 = offcut__view_read(&op->in[1], arena) + from[1];
        const float *x3 = offcut__view_read(&op->in[2], arena) + from[2];
        const bool one_scale = out == 1 && in1 == 1 && in2 == 0 && in3 == 0;
        if (kind == OFFCUT__QUANTIZE && one_scale) {
            quantize_row(l, y, x1, *x2, *x3, n);
        } else if (kind == OFFCUT__DEQUANTIZE && one_scale) {
            dequantize_row(y, x1, *x2, *x3, n);
        } else if (kind == OFFCUT__AFFINE && out == 1 && in1 == 1 && vector_stride(in2) &&
                   vector_stride(in3)) {
            affine_row(y, x1, x2, in2, x3, in3, n);
        } else {
            float *to = y;
            for (size_t i = 0; i < n; i++, to += out, x1 += in1, x2 += in2, x3 += in3)
                *to = (float)offcut__ternary_eval(kind, l->a, l->b, (double)*x1, (double)*x2,
                                                  (double)*x3);
        }
        finish(op, y, out, n);
    }
}
