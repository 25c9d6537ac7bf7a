/* SPDX-License-Identifier: Apache-2.0
 * Operators that sum along dimensions: reductions, softmax, normalisations, matrix products. */
#include "operator.h"

static const offcut__act no_act = {OFFCUT__IDENTITY, 0, 0};

/* ---- reductions ---- */

#define GLOBAL 64 /* beside a reduction: over all but the first two dimensions */

/* Which dimensions a node reduces. */
static offcut_status reduced_axes(offcut__graph *graph, const offcut__node *node,
                                  const offcut__value *x, uint32_t *mask) {
    int64_t axes[OFFCUT__RANK_MAX];
    uint32_t count = 0;
    const int kind = node->type->kind & ~GLOBAL;
    *mask = 0;
    if (node->type->kind & GLOBAL) {
        for (uint32_t i = 2; i < x->shape.rank; i++) *mask |= 1u << i;
        return OFFCUT_OK;
    }
    if (kind == OFFCUT__REDUCE_ARGMAX || kind == OFFCUT__REDUCE_ARGMIN) {
        uint32_t axis = 0;
        if (!offcut__axis(offcut__attribute_int(node, "axis", 0), x->shape.rank, &axis))
            return offcut__node_fail(graph, node, "its axis is out of range");
        *mask = 1u << axis;
        return OFFCUT_OK;
    }
    OFFCUT_TRY(offcut__need_ints(graph, node, "axes", 1, axes, OFFCUT__RANK_MAX, &count));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis = 0;
        if (!offcut__axis(axes[i], x->shape.rank, &axis))
            return offcut__node_fail(graph, node, "an axis is out of range");
        *mask |= 1u << axis;
    }
    if (count == 0 && offcut__attribute_int(node, "noop_with_empty_axes", 0) == 0)
        *mask = (1u << x->shape.rank) - 1;
    return OFFCUT_OK;
}

static offcut_status infer_reduce(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    uint32_t mask = 0;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(reduced_axes(graph, node, x, &mask));
    const bool keep =
        (node->type->kind & GLOBAL) || offcut__attribute_int(node, "keepdims", 1) != 0;
    const int kind = node->type->kind & ~GLOBAL;
    offcut__shape shape = {.rank = 0};
    for (uint32_t i = 0; i < x->shape.rank; i++) {
        const bool reduced = mask >> i & 1;
        if (reduced && x->shape.dims[i] == 0)
            return offcut__node_fail(graph, node, "it reduces nothing");
        if (!reduced || keep) shape.dims[shape.rank++] = reduced ? 1 : x->shape.dims[i];
    }
    const bool index = kind == OFFCUT__REDUCE_ARGMAX || kind == OFFCUT__REDUCE_ARGMIN;
    return offcut__infer_output(graph, node, 0, &shape, index ? OFFCUT__TYPE_I64 : x->type);
}

static offcut_status lower_reduce(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    uint32_t mask = 0;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(
        reduced_axes(builder->graph, node, offcut__node_input(builder->graph, node, 0), &mask));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    return offcut__emit_reduce(builder, offcut__reduce_run, &in, mask, &out,
                               (offcut__reduction)(node->type->kind & ~GLOBAL), 0);
}

/* Shape arithmetic uses products and the like: small, so the elements are simply visited. */
static offcut_status fold_reduce(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = offcut__node_input(graph, node, 0);
    offcut__value *y = offcut__node_output(graph, node, 0);
    const int kind = node->type->kind;
    const size_t count = offcut__shape_count(&x->shape);
    if (offcut__shape_count(&y->shape) != 1 || count > 4096 ||
        (kind != OFFCUT__REDUCE_PROD && kind != OFFCUT__REDUCE_SUM && kind != OFFCUT__REDUCE_MAX &&
         kind != OFFCUT__REDUCE_MIN))
        return OFFCUT_OK;
    double result = offcut__constant_get(x, 0);
    for (size_t i = 1; i < count; i++) {
        const double v = offcut__constant_get(x, i);
        if (kind == OFFCUT__REDUCE_PROD) result *= v;
        if (kind == OFFCUT__REDUCE_SUM) result += v;
        if ((kind == OFFCUT__REDUCE_MAX && v > result) ||
            (kind == OFFCUT__REDUCE_MIN && v < result))
            result = v;
    }
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
    offcut__constant_put(floats, ints, 0, result);
    return OFFCUT_OK;
}

/* ---- softmax ---- */

static offcut_status softmax_axes(offcut__graph *graph, const offcut__node *node,
                                  const offcut__value *x, uint32_t *mask) {
    uint32_t axis = 0;
    const bool flattens = graph->opset < 13;
    if (!offcut__axis(offcut__attribute_int(node, "axis", flattens ? 1 : -1), x->shape.rank, &axis))
        return offcut__node_fail(graph, node, "its axis is out of range");
    *mask = 1u << axis;
    if (flattens)
        for (uint32_t i = axis; i < x->shape.rank; i++) *mask |= 1u << i;
    return OFFCUT_OK;
}

static offcut_status infer_softmax(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    uint32_t mask = 0;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(softmax_axes(graph, node, x, &mask));
    return offcut__infer_output(graph, node, 0, &x->shape, x->type);
}

static offcut_status lower_softmax(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    uint32_t mask = 0;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(
        softmax_axes(builder->graph, node, offcut__node_input(builder->graph, node, 0), &mask));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    OFFCUT_TRY(
        offcut__emit_reduce(builder, offcut__softmax_run, &in, mask, &out, OFFCUT__REDUCE_SUM, 0));
    if (!offcut__span_is(node->op, "LogSoftmax")) return OFFCUT_OK;
    return offcut__emit_loops(builder, 1, &out, &out, 0, 0, 0, (offcut__act){OFFCUT__LOG, 0, 0});
}

/* ---- normalisation ---- */

enum { INSTANCE, LAYER };

static offcut_status infer_normalization(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *scale = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &scale));
    const offcut__value *bias = offcut__node_input(graph, node, 2);
    offcut__shape shape;
    uint32_t axis = 0;
    if (node->type->kind == INSTANCE) {
        const bool fits = x->shape.rank >= 2 && scale->shape.rank == 1 &&
                          scale->shape.dims[0] == x->shape.dims[1];
        if (!fits || !bias || !offcut__shape_equal(&bias->shape, &scale->shape))
            return offcut__node_fail(graph, node, "its scales do not fit its channels");
    } else if (!offcut__axis(offcut__attribute_int(node, "axis", -1), x->shape.rank, &axis) ||
               !offcut__broadcast(&x->shape, &scale->shape, &shape) ||
               !offcut__shape_equal(&shape, &x->shape) ||
               (bias && (!offcut__broadcast(&x->shape, &bias->shape, &shape) ||
                         !offcut__shape_equal(&shape, &x->shape)))) {
        return offcut__node_fail(graph, node, "its scales do not fit its input");
    }
    return offcut__infer_output(graph, node, 0, &x->shape, x->type);
}

static offcut_status lower_normalization(offcut__builder *builder, offcut__node *node) {
    offcut__view in, parameters[3], out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    const uint32_t rank = in.shape.rank;
    uint32_t first = 2, mask = 0;
    if (node->type->kind == LAYER)
        (void)offcut__axis(offcut__attribute_int(node, "axis", -1), rank, &first);
    for (uint32_t i = first; i < rank; i++) mask |= 1u << i;
    const float epsilon = offcut__attribute_float(node, "epsilon", 1e-5f);
    OFFCUT_TRY(offcut__emit_reduce(builder, offcut__normalize_run, &in, mask, &out,
                                   OFFCUT__REDUCE_MEAN, epsilon));
    parameters[0] = out;
    uint32_t count = 1;
    for (uint32_t k = 1; k < 3; k++) {
        if (!offcut__node_input(builder->graph, node, k)) continue;
        OFFCUT_TRY(offcut__build_input(builder, node->inputs[k], &parameters[count]));
        if (node->type->kind == INSTANCE) {
            offcut__shape shape = {.rank = rank};
            for (uint32_t i = 0; i < rank; i++) shape.dims[i] = i == 1 ? in.shape.dims[1] : 1;
            (void)offcut__view_reshape(&parameters[count], &shape, &parameters[count]);
        }
        count++;
    }
    if (count == 2)
        return offcut__emit_loops(builder, 2, parameters, &out, OFFCUT__MUL, 0, 0, node->act);
    return offcut__emit_loops(builder, 3, parameters, &out, OFFCUT__AFFINE, 0, 0, node->act);
}

/* ---- matrix products ---- */

static offcut_status emit_matmul(offcut__builder *builder, const offcut__view *a,
                                 const offcut__view *b, const offcut__view *out) {
    if (offcut__shape_count(&out->shape) == 0) return OFFCUT_OK;
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_op(builder, &op));
    op->run = offcut__matmul_run;
    op->in[0] = *a;
    op->in[1] = *b;
    op->in_count = 2;
    op->out = *out;
    offcut__matmul *p = &op->u.matmul;
    const uint32_t rank = out->shape.rank;
    p->m = out->shape.dims[rank - 2];
    p->n = out->shape.dims[rank - 1];
    p->k = a->shape.dims[rank - 1];
    p->a_m = a->strides[rank - 2];
    p->a_k = a->strides[rank - 1];
    p->b_k = b->strides[rank - 2];
    p->b_n = b->strides[rank - 1];
    p->out_m = out->strides[rank - 2];
    p->out_n = out->strides[rank - 1];
    p->batch_rank = rank - 2;
    for (uint32_t i = 0; i + 2 < rank; i++) {
        p->batch[i] = out->shape.dims[i];
        p->batch_a[i] = a->shape.dims[i] == 1 ? 0 : a->strides[i];
        p->batch_b[i] = b->shape.dims[i] == 1 ? 0 : b->strides[i];
        p->batch_out[i] = out->strides[i];
    }
    op->units = (uint32_t)(offcut__shape_count(&out->shape) / (size_t)p->n);
    op->unit_cost = (double)p->n * p->k * 2;
    return OFFCUT_OK;
}

/* Both sides with the rank of the result: vectors become a row or a column, missing batches 1. */
static void matmul_shapes(const offcut__shape *a, const offcut__shape *b, offcut__shape *left,
                          offcut__shape *right) {
    *left = *a;
    *right = *b;
    if (a->rank == 1) *left = (offcut__shape){.rank = 2, .dims = {1, a->dims[0]}};
    if (b->rank == 1) *right = (offcut__shape){.rank = 2, .dims = {b->dims[0], 1}};
    const uint32_t rank = left->rank > right->rank ? left->rank : right->rank;
    offcut__shape *sides[2] = {left, right};
    for (int s = 0; s < 2; s++) {
        while (sides[s]->rank < rank) {
            for (uint32_t i = sides[s]->rank++; i > 0; i--)
                sides[s]->dims[i] = sides[s]->dims[i - 1];
            sides[s]->dims[0] = 1;
        }
    }
}

static offcut_status infer_matmul(offcut__graph *graph, offcut__node *node) {
    const offcut__value *a = NULL, *b = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &a));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &b));
    if (a->shape.rank == 0 || b->shape.rank == 0)
        return offcut__node_fail(graph, node, "an input is a single number");
    offcut__shape left, right, out = {.rank = 0};
    matmul_shapes(&a->shape, &b->shape, &left, &right);
    const uint32_t rank = left.rank;
    bool fits = left.dims[rank - 1] == right.dims[rank - 2];
    for (uint32_t i = 0; i + 2 < rank; i++) {
        fits &= left.dims[i] == right.dims[i] || left.dims[i] == 1 || right.dims[i] == 1;
        out.dims[out.rank++] = left.dims[i] == 1 ? right.dims[i] : left.dims[i];
    }
    if (!fits) return offcut__node_fail(graph, node, "the shapes of its inputs do not go together");
    if (a->shape.rank > 1) out.dims[out.rank++] = left.dims[rank - 2];
    if (b->shape.rank > 1) out.dims[out.rank++] = right.dims[rank - 1];
    return offcut__infer_output(graph, node, 0, &out, a->type);
}

static offcut_status lower_matmul(offcut__builder *builder, offcut__node *node) {
    offcut__view a, b, out;
    offcut__shape left, right;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &a));
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[1], &b));
    matmul_shapes(&a.shape, &b.shape, &left, &right);
    (void)offcut__view_reshape(&a, &left,
                               &a); /* adds dimensions of 1: strides can always say that */
    (void)offcut__view_reshape(&b, &right, &b);
    offcut__view rows = {.storage = OFFCUT__STORAGE_NONE, .shape = {.rank = left.rank}};
    for (uint32_t i = 0; i + 2 < left.rank; i++)
        rows.shape.dims[i] = left.dims[i] == 1 ? right.dims[i] : left.dims[i];
    rows.shape.dims[left.rank - 2] = left.dims[left.rank - 2];
    rows.shape.dims[left.rank - 1] = right.dims[left.rank - 1];
    offcut__view_row_major(&rows); /* not channels last: rows of the result are contiguous */
    OFFCUT_TRY(offcut__build_storage(builder, &rows));
    OFFCUT_TRY(emit_matmul(builder, &a, &b, &rows));
    if (builder->home[node->outputs[0]] == OFFCUT__NONE) {
        out = rows;
        out.shape = builder->graph->values[node->outputs[0]].shape;
        offcut__view_row_major(&out);
        builder->views[node->outputs[0]] = out;
        return OFFCUT_OK;
    }
    return offcut__emit_reshape(builder, &rows, node->outputs[0]);
}

static offcut_status gemm_operand(offcut__builder *builder, const offcut__node *node,
                                  uint32_t index, const char *attribute, offcut__view *view) {
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[index], view));
    if (offcut__attribute_int(node, attribute, 0) == 0) return OFFCUT_OK;
    const offcut__view from = *view;
    for (int i = 0; i < 2; i++) {
        view->shape.dims[i] = from.shape.dims[1 - i];
        view->strides[i] = from.strides[1 - i];
    }
    return OFFCUT_OK;
}

static offcut_status infer_gemm(offcut__graph *graph, offcut__node *node) {
    const offcut__value *a = NULL, *b = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &a));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &b));
    if (a->shape.rank != 2 || b->shape.rank != 2)
        return offcut__node_fail(graph, node, "an input is not a matrix");
    const int trans_a = offcut__attribute_int(node, "transA", 0) != 0,
              trans_b = offcut__attribute_int(node, "transB", 0) != 0;
    const offcut__shape out = {.rank = 2,
                               .dims = {a->shape.dims[trans_a], b->shape.dims[1 - trans_b]}};
    const offcut__value *c = offcut__node_input(graph, node, 2);
    offcut__shape sum = out;
    if (a->shape.dims[1 - trans_a] != b->shape.dims[trans_b] ||
        (c && (!offcut__broadcast(&out, &c->shape, &sum) || !offcut__shape_equal(&sum, &out))))
        return offcut__node_fail(graph, node, "the shapes of its inputs do not go together");
    return offcut__infer_output(graph, node, 0, &out, a->type);
}

/* out = f(out, number) in place, unless the number is 1. */
static offcut_status emit_scale(offcut__builder *builder, const offcut__view *in,
                                const offcut__view *out, float factor) {
    float *constant = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, 1, &constant));
    *constant = factor;
    const offcut__view operands[2] = {*in,
                                      {.storage = OFFCUT__STORAGE_CONSTANT, .constant = constant}};
    return offcut__emit_loops(builder, 2, operands, out, OFFCUT__MUL, 0, 0, no_act);
}

static offcut_status lower_gemm(offcut__builder *builder, offcut__node *node) {
    offcut__view a, b, c, out;
    OFFCUT_TRY(gemm_operand(builder, node, 0, "transA", &a));
    OFFCUT_TRY(gemm_operand(builder, node, 1, "transB", &b));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    OFFCUT_TRY(emit_matmul(builder, &a, &b, &out));
    const float alpha = offcut__attribute_float(node, "alpha", 1),
                beta = offcut__attribute_float(node, "beta", 1);
    if (alpha < 1 || alpha > 1) OFFCUT_TRY(emit_scale(builder, &out, &out, alpha));
    if (!offcut__node_input(builder->graph, node, 2)) return OFFCUT_OK;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[2], &c));
    if (beta < 1 || beta > 1) {
        offcut__view scaled = c;
        offcut__view_row_major(&scaled);
        OFFCUT_TRY(offcut__build_storage(builder, &scaled));
        OFFCUT_TRY(emit_scale(builder, &c, &scaled, beta));
        c = scaled;
    }
    const offcut__view operands[2] = {out, c};
    return offcut__emit_loops(builder, 2, operands, &out, OFFCUT__ADD, 0, 0, node->act);
}

#define REDUCE(name, kind) {name, kind, infer_reduce, fold_reduce, lower_reduce}

const offcut__operator offcut__operators_reduce[] = {
    REDUCE("ReduceMean", OFFCUT__REDUCE_MEAN),
    REDUCE("ReduceSum", OFFCUT__REDUCE_SUM),
    REDUCE("ReduceMax", OFFCUT__REDUCE_MAX),
    REDUCE("ReduceMin", OFFCUT__REDUCE_MIN),
    REDUCE("ReduceProd", OFFCUT__REDUCE_PROD),
    REDUCE("ReduceL1", OFFCUT__REDUCE_L1),
    REDUCE("ReduceL2", OFFCUT__REDUCE_L2),
    REDUCE("ReduceSumSquare", OFFCUT__REDUCE_SUM_SQUARE),
    REDUCE("ReduceLogSumExp", OFFCUT__REDUCE_LOG_SUM_EXP),
    REDUCE("ArgMax", OFFCUT__REDUCE_ARGMAX),
    REDUCE("ArgMin", OFFCUT__REDUCE_ARGMIN),
    REDUCE("GlobalAveragePool", OFFCUT__REDUCE_MEAN | GLOBAL),
    REDUCE("GlobalMaxPool", OFFCUT__REDUCE_MAX | GLOBAL),
    {"Softmax", 0, infer_softmax, NULL, lower_softmax},
    {"LogSoftmax", 0, infer_softmax, NULL, lower_softmax},
    {"InstanceNormalization", INSTANCE, infer_normalization, NULL, lower_normalization},
    {"LayerNormalization", LAYER, infer_normalization, NULL, lower_normalization},
    {"MatMul", 0, infer_matmul, NULL, lower_matmul},
    {"Gemm", 0, infer_gemm, NULL, lower_gemm},
    {.name = NULL},
};
