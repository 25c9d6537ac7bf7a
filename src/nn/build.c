/* SPDX-License-Identifier: Apache-2.0
 * What lowering builds with: storages, views and the operations that fit any operator. */
#include "operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more element in a malloc'ed array. */
static offcut_status grow(offcut_ctx *ctx, void *array_pointer, uint32_t *capacity, uint32_t count,
                          size_t size) {
    if (count < *capacity) return OFFCUT_OK;
    OFFCUT_FAIL_IF(count >= 1u << 15, ctx, OFFCUT_ERR_LIMIT,
                   "the model becomes too many operations");
    const uint32_t larger = *capacity ? *capacity * 2 : 64;
    void *array = NULL, *grown = NULL;
    size_t bytes = 0;
    memcpy(&array, array_pointer, sizeof array);
    if (offcut__size_mul(&bytes, larger, size)) grown = realloc(array, bytes);
    OFFCUT_FAIL_IF(!grown, ctx, OFFCUT_ERR_MEMORY, "no memory for the model's operations");
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = larger;
    return OFFCUT_OK;
}

offcut_status offcut__build_storage(offcut__builder *builder, offcut__view *view) {
    OFFCUT_TRY(grow(builder->ctx, &builder->storages, &builder->storage_capacity,
                    builder->storage_count, sizeof *builder->storages));
    const uint32_t index = builder->storage_count++;
    size_t size = offcut__shape_count(&view->shape);
    if (view->quads) size = size / (size_t)view->shape.dims[1] * (size_t)offcut__view_groups(view);
    builder->storages[index] =
        (offcut__storage){.size = size, .first = INT32_MAX, .last = -1, .joined = (int32_t)index};
    view->storage = (int32_t)index;
    view->constant = NULL;
    view->offset = 0;
    return OFFCUT_OK;
}

offcut_status offcut__build_floats(offcut__builder *builder, size_t count, float **result) {
    return offcut__pool_alloc(builder->ctx, builder->pool, count, sizeof **result, result);
}

offcut_status offcut__build_indices(offcut__builder *builder, size_t count, int32_t **result) {
    return offcut__pool_alloc(builder->ctx, builder->pool, count, sizeof **result, result);
}

offcut_status offcut__build_op(offcut__builder *builder, offcut__op **op) {
    *op = NULL;
    OFFCUT_TRY(grow(builder->ctx, &builder->ops, &builder->op_capacity, builder->op_count,
                    sizeof *builder->ops));
    *op = &builder->ops[builder->op_count++];
    memset(*op, 0, sizeof **op);
    for (int i = 0; i < 3; i++) (*op)->in[i].storage = OFFCUT__STORAGE_NONE;
    (*op)->out.storage = OFFCUT__STORAGE_NONE;
    (*op)->scratch = OFFCUT__STORAGE_NONE;
    (*op)->units = 1;
    (*op)->node = builder->node;
    return OFFCUT_OK;
}

/* Tensors of the file are made once for all programs of a model. */
static offcut_status constant_floats(offcut__builder *builder, uint32_t index,
                                     const float **result) {
    const offcut__value *value = &builder->graph->values[index];
    const bool shared = value->producer == OFFCUT__NONE;
    float *floats = NULL;
    if (shared) *result = builder->shared->tensors[index];
    if (shared && *result) return OFFCUT_OK;
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, shared ? builder->shared->pool : builder->pool,
                                  offcut__shape_count(&value->shape), sizeof *floats, &floats));
    offcut__constant_floats(value, floats);
    *result = floats;
    if (shared) builder->shared->tensors[index] = floats;
    return OFFCUT_OK;
}

offcut_status offcut__build_input(offcut__builder *builder, uint32_t index, offcut__view *view) {
    offcut__view *known = &builder->views[index];
    if (known->storage == OFFCUT__STORAGE_NONE) {
        const offcut__value *value = &builder->graph->values[index];
        OFFCUT_FAIL_IF(!value->constant, builder->ctx, OFFCUT_ERR_MODEL,
                       "the model is damaged: a value is never made");
        OFFCUT_TRY(constant_floats(builder, index, &known->constant));
        known->storage = OFFCUT__STORAGE_CONSTANT;
        known->offset = 0;
        known->shape = value->shape;
        offcut__view_row_major(known);
    }
    *view = *known;
    return OFFCUT_OK;
}

offcut_status offcut__build_image(offcut__builder *builder, const offcut__node *node,
                                  uint32_t index, offcut__view *view) {
    OFFCUT_TRY(offcut__build_input(builder, index, view));
    if (view->shape.rank != 4)
        return offcut__node_fail(builder->graph, node, "its input has %u dimensions, not 4",
                                 view->shape.rank);
    if (offcut__view_is_image(view)) return OFFCUT_OK;
    offcut__view copy = *view;
    offcut__view_standard(&copy);
    OFFCUT_TRY(offcut__build_storage(builder, &copy));
    OFFCUT_TRY(offcut__emit_copy(builder, view, &copy));
    *view = copy;
    return OFFCUT_OK;
}

offcut_status offcut__build_output(offcut__builder *builder, uint32_t index, offcut__view *view) {
    /* A Concat result may be part of another: collect the way up, then place from the top down. */
    uint32_t top = index;
    int32_t channel = 0;
    while (builder->home[top] != OFFCUT__NONE &&
           builder->views[top].storage == OFFCUT__STORAGE_NONE) {
        channel += builder->home_channel[top];
        top = builder->home[top];
    }
    offcut__view *whole = &builder->views[top];
    if (whole->storage == OFFCUT__STORAGE_NONE) {
        whole->shape = builder->graph->values[top].shape;
        if (builder->graph->values[top].step > 0)
            offcut__view_quads(whole);
        else
            offcut__view_standard(whole);
        OFFCUT_TRY(offcut__build_storage(builder, whole));
    }
    offcut__view *known = &builder->views[index];
    if (top != index) {
        *known = *whole;
        known->shape = builder->graph->values[index].shape;
        known->offset += known->quads ? channel / 4 * known->strides[1] : channel;
    }
    *view = *known;
    return OFFCUT_OK;
}

/* ---- loops ---- */

static bool joinable(const offcut__loops *l, uint32_t outer, const offcut__loops *from,
                     uint32_t inner) {
    if (l->out[outer] != from->out[inner] * from->dims[inner]) return false;
    for (uint32_t k = 0; k < l->inputs; k++)
        if (l->in[k][outer] != from->in[k][inner] * from->dims[inner]) return false;
    return true;
}

static void take_loop(offcut__loops *l, uint32_t to, const offcut__loops *from, uint32_t i,
                      int32_t dim) {
    l->dims[to] = dim;
    l->out[to] = from->out[i];
    for (uint32_t k = 0; k < 3; k++) l->in[k][to] = from->in[k][i];
}

/* Orders loops by the output's memory and joins those that run on in every operand. */
static void arrange(offcut__loops *l) {
    offcut__loops sorted = *l;
    sorted.rank = 0;
    for (uint32_t i = 0; i < l->rank; i++) {
        if (l->dims[i] == 1) continue;
        uint32_t at = sorted.rank++;
        for (; at > 0 && labs((long)sorted.out[at - 1]) < labs((long)l->out[i]); at--)
            take_loop(&sorted, at, &sorted, at - 1, sorted.dims[at - 1]);
        take_loop(&sorted, at, l, i, l->dims[i]);
    }
    uint32_t rank = 0;
    for (uint32_t i = 0; i < sorted.rank; i++) {
        if (rank > 0 && joinable(l, rank - 1, &sorted, i)) {
            take_loop(l, rank - 1, &sorted, i, l->dims[rank - 1] * sorted.dims[i]);
        } else {
            take_loop(l, rank++, &sorted, i, sorted.dims[i]);
        }
    }
    if (rank == 0) {
        l->dims[0] = 1;
        l->out[0] = 1;
        for (uint32_t k = 0; k < 3; k++) l->in[k][0] = 1;
        rank = 1;
    }
    l->rank = rank;
}

/* A constant of a few channels, repeated along the row: one long loop instead of one of that few
 * for every pixel. */
static offcut_status repeat_along_row(offcut__builder *builder, const offcut__view *out,
                                      offcut__view *in) {
    const int32_t channels = out->shape.dims[1], width = out->shape.dims[3];
    const bool worthwhile = out->shape.rank == 4 && channels < 16 && width > 1 &&
                            out->strides[1] == 1 && out->strides[3] == channels;
    if (!worthwhile || in->storage != OFFCUT__STORAGE_CONSTANT || in->strides[3] != 0 ||
        in->strides[1] == 0 || in->strides[0] != 0 || in->strides[2] != 0)
        return OFFCUT_OK;
    float *row = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, (size_t)channels * (size_t)width, &row));
    for (ptrdiff_t x = 0; x < width; x++)
        for (ptrdiff_t c = 0; c < channels; c++)
            row[x * channels + c] = in->constant[in->offset + c * in->strides[1]];
    in->constant = row;
    in->offset = 0;
    in->strides[1] = 1;
    in->strides[3] = channels;
    return OFFCUT_OK;
}

offcut_status offcut__emit_loops(offcut__builder *builder, uint32_t inputs, const offcut__view *in,
                                 const offcut__view *out, int kind, float a, float b,
                                 offcut__act act) {
    static const offcut__op_run runs[] = {offcut__loops_unary, offcut__loops_unary,
                                          offcut__loops_binary, offcut__loops_ternary};
    const size_t count = offcut__shape_count(&out->shape);
    if (count == 0) return OFFCUT_OK;
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_op(builder, &op));
    op->run = runs[inputs];
    op->in_count = inputs;
    op->out = *out;
    op->act = act;
    offcut__loops *l = &op->u.loops;
    *l = (offcut__loops){.inputs = inputs, .rank = out->shape.rank, .kind = kind, .a = a, .b = b};
    for (uint32_t k = 0; k < inputs; k++) {
        offcut__view_broadcast(&in[k], &out->shape, &op->in[k]);
        OFFCUT_TRY(repeat_along_row(builder, out, &op->in[k]));
        /* A repeated element may still be needed when its first copy has been written. */
        bool whole = true;
        for (uint32_t i = 0; i < out->shape.rank; i++)
            whole &= op->in[k].strides[i] == out->strides[i] || out->shape.dims[i] == 1;
        if (whole) op->in_place |= 1u << k;
    }
    for (uint32_t i = 0; i < l->rank; i++) {
        l->dims[i] = out->shape.dims[i];
        l->out[i] = out->strides[i];
        for (uint32_t k = 0; k < inputs; k++) l->in[k][i] = op->in[k].strides[i];
    }
    arrange(l);
    const size_t inner = (size_t)l->dims[l->rank - 1];
    op->units = (uint32_t)(count / inner);
    op->unit_cost = (double)inner * 4 + 16;
    return OFFCUT_OK;
}

offcut_status offcut__emit_copy(offcut__builder *builder, const offcut__view *in,
                                const offcut__view *out) {
    return offcut__emit_loops(builder, 1, in, out, 0, 0, 0, (offcut__act){OFFCUT__IDENTITY, 0, 0});
}

offcut_status offcut__emit_reshape(offcut__builder *builder, const offcut__view *in,
                                   uint32_t index) {
    const offcut__shape *shape = &builder->graph->values[index].shape;
    offcut__view *result = &builder->views[index];
    if (builder->home[index] == OFFCUT__NONE && offcut__view_reshape(in, shape, result))
        return OFFCUT_OK;
    /* Written through the source's shape into the standard layout, if that can be viewed so. */
    offcut__view out, target;
    OFFCUT_TRY(offcut__build_output(builder, index, &out));
    if (offcut__shape_count(shape) == 0) return OFFCUT_OK;
    if (offcut__view_reshape(&out, &in->shape, &target))
        return offcut__emit_copy(builder, in, &target);
    offcut__view rows = *in;
    offcut__view_row_major(&rows);
    OFFCUT_TRY(offcut__build_storage(builder, &rows));
    OFFCUT_TRY(offcut__emit_copy(builder, in, &rows));
    offcut__view reshaped = rows;
    reshaped.shape = *shape;
    offcut__view_row_major(&reshaped);
    return offcut__emit_copy(builder, &reshaped, &out);
}

/* ---- reductions ---- */

/* Kept dimensions outside in the order of memory, so that four neighbours can be made at once. */
static void sort_kept(offcut__reduce *r) {
    for (uint32_t i = 1; i < r->kept_rank; i++) {
        for (uint32_t k = i; k > 0 && labs((long)r->kept_in[k - 1]) < labs((long)r->kept_in[k]);
             k--) {
            const int32_t dim = r->kept_dims[k];
            const ptrdiff_t in = r->kept_in[k], out = r->kept_out[k];
            r->kept_dims[k] = r->kept_dims[k - 1];
            r->kept_in[k] = r->kept_in[k - 1];
            r->kept_out[k] = r->kept_out[k - 1];
            r->kept_dims[k - 1] = dim;
            r->kept_in[k - 1] = in;
            r->kept_out[k - 1] = out;
        }
    }
}

offcut_status offcut__emit_reduce(offcut__builder *builder, offcut__op_run run,
                                  const offcut__view *in, uint32_t axes, const offcut__view *out,
                                  offcut__reduction kind, float epsilon) {
    if (offcut__shape_count(&out->shape) == 0) return OFFCUT_OK;
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_op(builder, &op));
    op->run = run;
    op->in[0] = *in;
    op->in_count = 1;
    op->out = *out;
    offcut__reduce *r = &op->u.reduce;
    r->kind = kind;
    r->epsilon = epsilon;
    const bool same_rank = out->shape.rank == in->shape.rank;
    size_t kept = 1, reduced = 1;
    for (uint32_t i = 0, o = 0; i < in->shape.rank; i++) {
        const int32_t dim = in->shape.dims[i];
        if (axes >> i & 1) {
            r->dims[r->rank] = dim;
            r->in[r->rank] = in->strides[i];
            r->out[r->rank++] = same_rank && out->shape.dims[i] == dim ? out->strides[i] : 0;
            reduced *= (size_t)dim;
            o += same_rank;
            continue;
        }
        if (dim > 1) {
            r->kept_dims[r->kept_rank] = dim;
            r->kept_in[r->kept_rank] = in->strides[i];
            r->kept_out[r->kept_rank++] = out->strides[o];
        }
        kept *= (size_t)dim;
        o++;
    }
    sort_kept(r);
    op->units = (uint32_t)kept;
    op->unit_cost = (double)reduced * 8 + 16;
    return OFFCUT_OK;
}

/* ---- activations ---- */

offcut_status offcut__build_act(offcut__builder *builder, const offcut__node *node,
                                offcut__op *op) {
    op->u.conv.lo = -INFINITY;
    op->u.conv.hi = INFINITY;
    op->act = node->act;
    if (node->act.kind == OFFCUT__CLIP) {
        op->u.conv.lo = node->act.a;
        op->u.conv.hi = node->act.b;
        op->act = (offcut__act){OFFCUT__IDENTITY, 0, 0};
    }
    if (node->slope == OFFCUT__NONE) return OFFCUT_OK;
    const size_t channels = (size_t)op->out.shape.dims[1];
    const offcut__value *value = &builder->graph->values[node->slope];
    const size_t count = offcut__shape_count(&value->shape);
    float *slope = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, channels, &slope));
    for (size_t i = 0; i < channels; i++)
        slope[i] = (float)offcut__constant_get(value, count == 1 ? 0 : i);
    op->slope = slope;
    return OFFCUT_OK;
}
