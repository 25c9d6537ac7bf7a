/* SPDX-License-Identifier: Apache-2.0
 * Reductions, softmax and normalisation over any dimensions and strides. Where the innermost kept
 * dimension is contiguous (channels, when rows and columns are reduced), four results are made at
 * once. */
#include "kernels.h"
#include "simd.h"

#include <math.h>

/* Visits every reduced element. */
typedef struct walk {
    int32_t index[OFFCUT__RANK_MAX];
    ptrdiff_t in, out;
    bool done;
} walk;

static walk walk_begin(const offcut__reduce *r) {
    walk w = {.done = false};
    for (uint32_t i = 0; i < r->rank; i++) w.done |= r->dims[i] == 0;
    return w;
}

static void walk_next(const offcut__reduce *r, walk *w) {
    for (uint32_t i = r->rank; i-- > 0;) {
        w->in += r->in[i];
        w->out += r->out[i];
        if (++w->index[i] < r->dims[i]) return;
        w->in -= r->in[i] * r->dims[i];
        w->out -= r->out[i] * r->dims[i];
        w->index[i] = 0;
    }
    w->done = true;
}

static size_t reduced_count(const offcut__reduce *r) {
    size_t n = 1;
    for (uint32_t i = 0; i < r->rank; i++) n *= (size_t)r->dims[i];
    return n;
}

static void locate(const offcut__reduce *r, uint32_t unit, ptrdiff_t *in, ptrdiff_t *out) {
    *in = *out = 0;
    for (uint32_t i = r->kept_rank; i-- > 0;) {
        const ptrdiff_t index = (ptrdiff_t)(unit % (uint32_t)r->kept_dims[i]);
        unit /= (uint32_t)r->kept_dims[i];
        *in += index * r->kept_in[i];
        *out += index * r->kept_out[i];
    }
}

/* Whether units unit..unit+3 lie side by side, in and out. */
static bool four_at_once(const offcut__reduce *r, uint32_t unit, uint32_t end) {
    if (r->kept_rank == 0) return false;
    const uint32_t last = r->kept_rank - 1;
    return r->kept_in[last] == 1 && r->kept_out[last] == 1 && unit + 4 <= end &&
           unit % (uint32_t)r->kept_dims[last] + 4 <= (uint32_t)r->kept_dims[last];
}

typedef struct state {
    double value, best;
    size_t index;
} state;

static void reduce_one(offcut__reduction kind, state *s, double x, size_t index) {
    switch (kind) {
        case OFFCUT__REDUCE_SUM:
        case OFFCUT__REDUCE_MEAN: s->value += x; break;
        case OFFCUT__REDUCE_L1: s->value += fabs(x); break;
        case OFFCUT__REDUCE_L2:
        case OFFCUT__REDUCE_SUM_SQUARE: s->value += x * x; break;
        case OFFCUT__REDUCE_LOG_SUM_EXP: s->value += exp(x); break;
        case OFFCUT__REDUCE_PROD: s->value *= x; break;
        case OFFCUT__REDUCE_MAX: s->value = x > s->value ? x : s->value; break;
        case OFFCUT__REDUCE_MIN: s->value = x < s->value ? x : s->value; break;
        case OFFCUT__REDUCE_ARGMAX:
            if (index == 0 || x > s->best) {
                s->best = x;
                s->value = (double)index;
            }
            break;
        case OFFCUT__REDUCE_ARGMIN:
            if (index == 0 || x < s->best) {
                s->best = x;
                s->value = (double)index;
            }
            break;
    }
}

static double reduce_all(const offcut__reduce *r, const float *in) {
    state s = {0};
    if (r->kind == OFFCUT__REDUCE_MAX) s.value = -(double)INFINITY;
    if (r->kind == OFFCUT__REDUCE_MIN) s.value = (double)INFINITY;
    if (r->kind == OFFCUT__REDUCE_PROD) s.value = 1;
    size_t index = 0;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w))
        reduce_one(r->kind, &s, (double)in[w.in], index++);
    if (r->kind == OFFCUT__REDUCE_MEAN && index > 0) return s.value / (double)index;
    if (r->kind == OFFCUT__REDUCE_L2) return sqrt(s.value);
    if (r->kind == OFFCUT__REDUCE_LOG_SUM_EXP) return log(s.value);
    return s.value;
}

static f32x4 reduce_four(const offcut__reduce *r, const float *in) {
    f32x4 sum = f32x4_splat(r->kind == OFFCUT__REDUCE_MAX ? -INFINITY : 0.0f);
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) {
        const f32x4 x = f32x4_load(in + w.in);
        sum = r->kind == OFFCUT__REDUCE_MAX ? f32x4_max(sum, x) : sum + x;
    }
    return r->kind == OFFCUT__REDUCE_MEAN ? sum * f32x4_splat(1.0f / (float)reduced_count(r)) : sum;
}

void offcut__reduce_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__reduce *r = &op->u.reduce;
    const bool vectors = r->kind == OFFCUT__REDUCE_SUM || r->kind == OFFCUT__REDUCE_MEAN ||
                         r->kind == OFFCUT__REDUCE_MAX;
    for (uint32_t unit = begin; unit < end;) {
        ptrdiff_t in = 0, out = 0;
        locate(r, unit, &in, &out);
        float *y = offcut__view_write(&op->out, arena) + out;
        const float *x = offcut__view_read(&op->in[0], arena) + in;
        if (vectors && four_at_once(r, unit, end)) {
            f32x4_store(y, reduce_four(r, x));
            unit += 4;
        } else {
            *y = (float)reduce_all(r, x);
            unit++;
        }
    }
}

static void softmax_one(const offcut__reduce *r, float *y, const float *x) {
    float peak = -INFINITY;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) peak = x[w.in] > peak ? x[w.in] : peak;
    double sum = 0;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) {
        const float e = expf(x[w.in] - peak);
        y[w.out] = e;
        sum += (double)e;
    }
    const float scale = (float)(1 / sum);
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) y[w.out] *= scale;
}

static void softmax_four(const offcut__reduce *r, float *y, const float *x) {
    f32x4 peak = f32x4_splat(-INFINITY), sum = f32x4_splat(0.0f);
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w))
        peak = f32x4_max(peak, f32x4_load(x + w.in));
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) {
        const f32x4 e = f32x4_exp(f32x4_load(x + w.in) - peak);
        f32x4_store(y + w.out, e);
        sum += e;
    }
    const f32x4 scale = f32x4_splat(1.0f) / sum;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w))
        f32x4_store(y + w.out, f32x4_load(y + w.out) * scale);
}

static void normalize_one(const offcut__reduce *r, float *y, const float *x) {
    const double n = (double)reduced_count(r);
    double mean = 0, square = 0;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) mean += (double)x[w.in];
    mean /= n;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) {
        const double d = (double)x[w.in] - mean;
        square += d * d;
    }
    const float scale = (float)(1 / sqrt(square / n + (double)r->epsilon)), centre = (float)mean;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) y[w.out] = (x[w.in] - centre) * scale;
}

static void normalize_four(const offcut__reduce *r, float *y, const float *x) {
    const f32x4 share = f32x4_splat(1.0f / (float)reduced_count(r));
    f32x4 mean = f32x4_splat(0.0f), square = mean, scale = mean;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) mean += f32x4_load(x + w.in);
    mean *= share;
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w)) {
        const f32x4 d = f32x4_load(x + w.in) - mean;
        square = f32x4_madd(d, d, square);
    }
    square = square * share + f32x4_splat(r->epsilon);
    for (int i = 0; i < 4; i++) scale[i] = 1.0f / sqrtf(square[i]);
    for (walk w = walk_begin(r); !w.done; walk_next(r, &w))
        f32x4_store(y + w.out, (f32x4_load(x + w.in) - mean) * scale);
}

typedef void (*in_place)(const offcut__reduce *r, float *y, const float *x);

/* Every unit by one of two functions: for itself, or four neighbours at once. */
static void run_each(const offcut__op *op, float *arena, uint32_t begin, uint32_t end, in_place one,
                     in_place four) {
    const offcut__reduce *r = &op->u.reduce;
    for (uint32_t unit = begin; unit < end;) {
        ptrdiff_t in = 0, out = 0;
        locate(r, unit, &in, &out);
        const bool vector = four_at_once(r, unit, end);
        (vector ? four : one)(r, offcut__view_write(&op->out, arena) + out,
                              offcut__view_read(&op->in[0], arena) + in);
        unit += vector ? 4 : 1;
    }
}

void offcut__softmax_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    run_each(op, arena, begin, end, softmax_one, softmax_four);
}

void offcut__normalize_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    run_each(op, arena, begin, end, normalize_one, normalize_four);
}
