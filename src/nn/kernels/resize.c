/* SPDX-License-Identifier: Apache-2.0
 * Resize of images by weighted taps: 1 (nearest), 2 (linear) or 4 (cubic) in each direction. Rows
 * are resized across first and kept while the next output rows need them. */
#include "kernels.h"
#include "simd.h"

void offcut__resize_reference(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__resize *r = &op->u.resize;
    const offcut__view *in = &op->in[0], *out = &op->out;
    const int32_t height = out->shape.dims[2];
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / height, y = (int32_t)unit % height;
        for (int32_t x = 0; x < out->shape.dims[3]; x++) {
            for (int32_t c = 0; c < out->shape.dims[1]; c++) {
                double sum = 0;
                for (uint32_t i = 0; i < r->taps_y; i++) {
                    const size_t v = (size_t)y * r->taps_y + i;
                    for (uint32_t j = 0; j < r->taps_x; j++) {
                        const size_t u = (size_t)x * r->taps_x + j;
                        const float *pixel = offcut__view_read(in, arena) + n * in->strides[0] +
                                             r->rows[v] * in->strides[2] +
                                             r->columns[u] * in->strides[3];
                        sum += (double)r->row_weights[v] * (double)r->column_weights[u] *
                               (double)pixel[c];
                    }
                }
                offcut__view_write(
                    out,
                    arena)[n * out->strides[0] + y * out->strides[2] + x * out->strides[3] + c] =
                    (float)sum;
            }
        }
    }
}

size_t offcut__resize_scratch(const offcut__op *op) {
    const size_t row = (size_t)op->out.shape.dims[1] * (size_t)op->out.shape.dims[3];
    return op->u.resize.taps_y * ((row + 3) & ~(size_t)3);
}

/* One pixel: the weighted sum of taps pixels at p[0..taps-1]. */
OFFCUT__INLINE void mix(float *out, const float *const *p, const f32x4 *weights,
                        const uint32_t taps, size_t n) {
    size_t c = 0;
    for (; c + 4 <= n; c += 4) {
        f32x4 sum = f32x4_load(p[0] + c) * weights[0];
        OFFCUT__UNROLL
        for (uint32_t i = 1; i < taps; i++) sum = f32x4_madd(f32x4_load(p[i] + c), weights[i], sum);
        f32x4_store(out + c, sum);
    }
    for (; c < n; c++) {
        float sum = p[0][c] * weights[0][0];
        for (uint32_t i = 1; i < taps; i++) sum += p[i][c] * weights[i][0];
        out[c] = sum;
    }
}

OFFCUT__INLINE void mix_row(const offcut__op *op, const float *in, float *row,
                            const uint32_t taps) {
    const offcut__resize *r = &op->u.resize;
    const size_t channels = (size_t)op->out.shape.dims[1];
    const int32_t width = op->out.shape.dims[3];
    for (int32_t x = 0; x < width; x++, row += channels) {
        const float *p[4];
        f32x4 weights[4];
        OFFCUT__UNROLL
        for (uint32_t i = 0; i < taps; i++) {
            p[i] = in + r->columns[(size_t)x * taps + i] * op->in[0].strides[3];
            weights[i] = f32x4_load_splat(r->column_weights + (size_t)x * taps + i);
        }
        mix(row, p, weights, taps, channels);
    }
}

static void resize_row(const offcut__op *op, const float *in, float *row) {
    switch (op->u.resize.taps_x) {
        case 1: {
            const size_t channels = (size_t)op->out.shape.dims[1];
            for (int32_t x = 0; x < op->out.shape.dims[3]; x++, row += channels)
                memcpy(row, in + op->u.resize.columns[x] * op->in[0].strides[3],
                       channels * sizeof *row);
            break;
        }
        case 2: mix_row(op, in, row, 2); break;
        default: mix_row(op, in, row, 4); break;
    }
}

OFFCUT__INLINE void combine(const offcut__op *op, float *out, const float *const *rows,
                            const f32x4 *weights, const uint32_t taps) {
    const size_t channels = (size_t)op->out.shape.dims[1];
    const int32_t width = op->out.shape.dims[3];
    if (op->out.strides[3] == (ptrdiff_t)channels) {
        mix(out, rows, weights, taps, channels * (size_t)width);
        return;
    }
    for (int32_t x = 0; x < width; x++) {
        const float *p[4];
        OFFCUT__UNROLL
        for (uint32_t i = 0; i < taps; i++) p[i] = rows[i] + (size_t)x * channels;
        mix(out + x * op->out.strides[3], p, weights, taps, channels);
    }
}

/* The cached rows, by the input row they come from. */
typedef struct cache {
    float *rows[4];
    int32_t source[4];
} cache;

/* Input row v resized across; keep: the rows this output row needs, which must not be overwritten.
 */
static const float *cached_row(const offcut__op *op, cache *rows, const float *in, int32_t v,
                               const int32_t *keep) {
    const uint32_t taps = op->u.resize.taps_y;
    uint32_t slot = 0;
    for (uint32_t i = 0; i < taps; i++)
        if (rows->source[i] == v) return rows->rows[i];
    for (uint32_t i = 0; i < taps; i++) {
        bool needed = false;
        for (uint32_t j = 0; j < taps; j++) needed |= rows->source[i] == keep[j];
        if (!needed) slot = i;
    }
    resize_row(op, in + v * op->in[0].strides[2], rows->rows[slot]);
    rows->source[slot] = v;
    return rows->rows[slot];
}

void offcut__resize_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__resize *r = &op->u.resize;
    const int32_t height = op->out.shape.dims[2];
    const size_t row = (size_t)op->out.shape.dims[1] * (size_t)op->out.shape.dims[3];
    cache rows = {.source = {-1, -1, -1, -1}};
    for (uint32_t i = 0; i < r->taps_y; i++)
        rows.rows[i] = offcut__op_scratch(op, arena) + i * ((row + 3) & ~(size_t)3);
    int32_t picture = -1;
    for (uint32_t unit = begin; unit < end; unit++) {
        const int32_t n = (int32_t)unit / height, y = (int32_t)unit % height;
        if (n != picture) memset(rows.source, -1, sizeof rows.source);
        picture = n;
        const float *in = offcut__view_read(&op->in[0], arena) + n * op->in[0].strides[0];
        float *out =
            offcut__view_write(&op->out, arena) + n * op->out.strides[0] + y * op->out.strides[2];
        const int32_t *sources = r->rows + (size_t)y * r->taps_y;
        const float *p[4];
        f32x4 weights[4];
        for (uint32_t i = 0; i < r->taps_y; i++) {
            p[i] = cached_row(op, &rows, in, sources[i], sources);
            weights[i] = f32x4_splat(r->row_weights[(size_t)y * r->taps_y + i]);
        }
        switch (r->taps_y) {
            case 1: combine(op, out, p, weights, 1); break;
            case 2: combine(op, out, p, weights, 2); break;
            default: combine(op, out, p, weights, 4); break;
        }
    }
}
