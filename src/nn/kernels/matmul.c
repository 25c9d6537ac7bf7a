/* SPDX-License-Identifier: Apache-2.0
 * Matrix products over any strides; on vectors where rows of the right side and of the result are
 * contiguous. */
#include "kernels.h"
#include "simd.h"

/* 16 columns (or the rest) of one row of the result. */
OFFCUT__INLINE void columns(const offcut__matmul *p, float *out, const float *a, const float *b,
                            const int vectors) {
    f32x4 sums[4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}};
    for (int32_t k = 0; k < p->k; k++) {
        const f32x4 x = f32x4_load_splat(a + k * p->a_k);
        OFFCUT__UNROLL
        for (int v = 0; v < vectors; v++)
            sums[v] = f32x4_madd(x, f32x4_load(b + k * p->b_k + 4 * v), sums[v]);
    }
    OFFCUT__UNROLL
    for (int v = 0; v < vectors; v++) f32x4_store(out + 4 * v, sums[v]);
}

static void one(const offcut__matmul *p, float *out, const float *a, const float *b) {
    float sum = 0;
    for (int32_t k = 0; k < p->k; k++) sum += a[k * p->a_k] * b[k * p->b_k];
    *out = sum;
}

void offcut__matmul_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__matmul *p = &op->u.matmul;
    for (uint32_t unit = begin; unit < end; unit++) {
        const ptrdiff_t i = (ptrdiff_t)(unit % (uint32_t)p->m);
        uint32_t batch = unit / (uint32_t)p->m;
        const float *a = offcut__view_read(&op->in[0], arena) + i * p->a_m;
        const float *b = offcut__view_read(&op->in[1], arena);
        float *out = offcut__view_write(&op->out, arena) + i * p->out_m;
        for (uint32_t d = p->batch_rank; d-- > 0;) {
            const ptrdiff_t index = (ptrdiff_t)(batch % (uint32_t)p->batch[d]);
            batch /= (uint32_t)p->batch[d];
            a += index * p->batch_a[d];
            b += index * p->batch_b[d];
            out += index * p->batch_out[d];
        }
        int32_t j = 0;
        if (p->b_n == 1 && p->out_n == 1) {
            for (; j + 16 <= p->n; j += 16) columns(p, out + j, a, b + j, 4);
            for (; j + 4 <= p->n; j += 4) columns(p, out + j, a, b + j, 1);
        }
        for (; j < p->n; j++) one(p, out + j * p->out_n, a, b + j * p->b_n);
    }
}
