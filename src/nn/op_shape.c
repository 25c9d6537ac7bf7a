/* SPDX-License-Identifier: Apache-2.0
 * Operators that move elements or talk about shapes. Most become views: nothing is copied until
 * strides cannot say it. */
#include "operator.h"

#include <math.h>

#define LIST_MAX 4096 /* elements of a shape, indices and the like */

/* ---- views: an output as strides over the input
 * --------------------------------------------------------------------- */

static offcut_status view_transpose(offcut__graph *graph, const offcut__node *node,
                                    const offcut__view *in, offcut__view *out) {
    int64_t order[OFFCUT__RANK_MAX];
    uint32_t count = 0, seen = 0;
    const uint32_t rank = in->shape.rank;
    if (!offcut__attribute_ints(node, "perm", order, OFFCUT__RANK_MAX, &count) ||
        (count != 0 && count != rank))
        return offcut__node_fail(graph, node, "its order of dimensions is damaged");
    *out = *in;
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t from = rank - 1 - i;
        if (count != 0 && !offcut__axis(order[i], rank, &from))
            return offcut__node_fail(graph, node, "its order of dimensions is damaged");
        seen |= 1u << from;
        out->shape.dims[i] = in->shape.dims[from];
        out->strides[i] = in->strides[from];
    }
    if (seen != (1u << rank) - 1)
        return offcut__node_fail(graph, node, "its order of dimensions is damaged");
    return OFFCUT_OK;
}

static int64_t clamp_index(int64_t index, int64_t size, int64_t lo, int64_t hi) {
    if (index < 0) index = index < -size ? lo : index + size;
    return index < lo ? lo : index > hi ? hi : index;
}

static offcut_status view_slice(offcut__graph *graph, const offcut__node *node,
                                const offcut__view *in, offcut__view *out) {
    int64_t starts[OFFCUT__RANK_MAX], ends[OFFCUT__RANK_MAX], axes[OFFCUT__RANK_MAX],
        steps[OFFCUT__RANK_MAX];
    uint32_t count = 0, end_count = 0, axis_count = 0, step_count = 0;
    OFFCUT_TRY(offcut__need_ints(graph, node, "starts", 1, starts, OFFCUT__RANK_MAX, &count));
    OFFCUT_TRY(offcut__need_ints(graph, node, "ends", 2, ends, OFFCUT__RANK_MAX, &end_count));
    OFFCUT_TRY(offcut__need_ints(graph, node, "axes", 3, axes, OFFCUT__RANK_MAX, &axis_count));
    OFFCUT_TRY(offcut__need_ints(graph, node, "steps", 4, steps, OFFCUT__RANK_MAX, &step_count));
    if (end_count != count || (axis_count != 0 && axis_count != count) ||
        (step_count != 0 && step_count != count))
        return offcut__node_fail(graph, node, "its lists differ in length");
    *out = *in;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis = i;
        const int64_t step = step_count ? steps[i] : 1;
        if (!offcut__axis(axis_count ? axes[i] : i, in->shape.rank, &axis) || step == 0 ||
            step < -INT32_MAX || step > INT32_MAX)
            return offcut__node_fail(graph, node, "an axis or step is out of range");
        const int64_t size = in->shape.dims[axis];
        const int64_t from = clamp_index(starts[i], size, 0, step > 0 ? size : size - 1);
        const int64_t to =
            clamp_index(ends[i], size, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
        const int64_t length =
            step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
        out->shape.dims[axis] = length > 0 && size > 0 ? (int32_t)length : 0;
        if (length > 0 && size > 0) out->offset += (ptrdiff_t)from * in->strides[axis];
        /* A step beyond the size leaves one element, whose stride is never used. */
        out->strides[axis] = length > 1 ? in->strides[axis] * (ptrdiff_t)step : in->strides[axis];
    }
    return OFFCUT_OK;
}

static offcut_status view_expand(offcut__graph *graph, const offcut__node *node,
                                 const offcut__view *in, offcut__view *out) {
    int64_t dims[OFFCUT__RANK_MAX];
    offcut__shape wanted = {.rank = 0}, shape;
    const offcut__value *value = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &value));
    uint32_t count = 0;
    if (!offcut__constant_ints(value, dims, OFFCUT__RANK_MAX, &count))
        return offcut__node_fail(graph, node, "its shape has to be constant");
    OFFCUT_TRY(offcut__shape_set(graph, &wanted, count, dims));
    if (!offcut__broadcast(&in->shape, &wanted, &shape))
        return offcut__node_fail(graph, node, "the shape does not fit its input");
    offcut__view_broadcast(in, &shape, out);
    return OFFCUT_OK;
}

static offcut_status view_gather(offcut__graph *graph, const offcut__node *node,
                                 const offcut__view *in, int64_t index, bool keep,
                                 offcut__view *out) {
    uint32_t axis = 0;
    if (!offcut__axis(offcut__attribute_int(node, "axis", 0), in->shape.rank, &axis))
        return offcut__node_fail(graph, node, "its axis is out of range");
    const int64_t size = in->shape.dims[axis];
    if (index < -size || index >= size)
        return offcut__node_fail(graph, node, "an index is out of range");
    *out = *in;
    out->offset += (ptrdiff_t)(index < 0 ? index + size : index) * in->strides[axis];
    out->shape.dims[axis] = 1;
    if (keep) return OFFCUT_OK;
    out->shape.rank--;
    for (uint32_t i = axis; i < out->shape.rank; i++) {
        out->shape.dims[i] = in->shape.dims[i + 1];
        out->strides[i] = in->strides[i + 1];
    }
    return OFFCUT_OK;
}

enum { TRANSPOSE, SLICE, EXPAND };

static offcut_status view_of(offcut__graph *graph, const offcut__node *node, const offcut__view *in,
                             offcut__view *out) {
    switch (node->type->kind) {
        case TRANSPOSE: return view_transpose(graph, node, in, out);
        case SLICE: return view_slice(graph, node, in, out);
        default: return view_expand(graph, node, in, out);
    }
}

static offcut__view view_of_value(const offcut__value *value) {
    offcut__view view = {.storage = OFFCUT__STORAGE_NONE, .shape = value->shape};
    offcut__view_row_major(&view);
    return view;
}

static offcut_status infer_view(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    const offcut__view in = view_of_value(x);
    offcut__view out;
    OFFCUT_TRY(view_of(graph, node, &in, &out));
    return offcut__infer_output(graph, node, 0, &out.shape, x->type);
}

/* Copies a view of constant x to elements first.. of the constant being made. */
static void fold_copy(const offcut__value *x, const offcut__view *in, const offcut__view *out,
                      float *floats, int64_t *ints) {
    int32_t index[OFFCUT__RANK_MAX] = {0};
    const size_t count = offcut__shape_count(&in->shape);
    ptrdiff_t from = in->offset, to = out->offset;
    for (size_t n = 0; n < count; n++) {
        if (ints && x->ints)
            ints[to] = x->ints[from];
        else
            offcut__constant_put(floats, ints, (size_t)to, offcut__constant_get(x, (size_t)from));
        for (uint32_t i = in->shape.rank; i-- > 0;) {
            from += in->strides[i];
            to += out->strides[i];
            if (++index[i] < in->shape.dims[i]) break;
            from -= in->strides[i] * in->shape.dims[i];
            to -= out->strides[i] * in->shape.dims[i];
            index[i] = 0;
        }
    }
}

static offcut_status fold_view(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = offcut__node_input(graph, node, 0);
    offcut__value *y = offcut__node_output(graph, node, 0);
    const offcut__view in = view_of_value(x), out = view_of_value(y);
    offcut__view view;
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(view_of(graph, node, &in, &view));
    OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
    fold_copy(x, &view, &out, floats, ints);
    return OFFCUT_OK;
}

static offcut_status lower_view(offcut__builder *builder, offcut__node *node) {
    offcut__view in;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    return view_of(builder->graph, node, &in, &builder->views[node->outputs[0]]);
}

/* ---- other shapes of the same elements
 * ------------------------------------------------------------------------------ */

enum { IDENTITY, RESHAPE, FLATTEN, SQUEEZE, UNSQUEEZE };

static offcut_status reshape_dims(offcut__graph *graph, const offcut__node *node,
                                  const offcut__value *x, int64_t *dims, uint32_t *rank) {
    OFFCUT_TRY(offcut__need_ints(graph, node, "shape", 1, dims, OFFCUT__RANK_MAX, rank));
    const bool zero_is_zero = offcut__attribute_int(node, "allowzero", 0) != 0;
    const int64_t total = (int64_t)offcut__shape_count(&x->shape);
    int64_t known = 1;
    uint32_t open = OFFCUT__NONE;
    for (uint32_t i = 0; i < *rank; i++) {
        if (dims[i] == 0 && !zero_is_zero && i < x->shape.rank) dims[i] = x->shape.dims[i];
        if (dims[i] == -1 && open == OFFCUT__NONE) {
            open = i;
        } else {
            if (dims[i] < 0 || dims[i] > INT32_MAX || (dims[i] > 0 && known > INT32_MAX / dims[i]))
                return offcut__node_fail(graph, node, "its shape is out of range");
            known *= dims[i];
        }
    }
    if (open != OFFCUT__NONE) dims[open] = known > 0 ? total / known : 0;
    return OFFCUT_OK;
}

static offcut_status squeeze_dims(offcut__graph *graph, const offcut__node *node,
                                  const offcut__value *x, int64_t *dims, uint32_t *rank) {
    int64_t axes[OFFCUT__RANK_MAX];
    uint32_t count = 0, marked = 0;
    const bool adds = node->type->kind == UNSQUEEZE;
    OFFCUT_TRY(offcut__need_ints(graph, node, "axes", 1, axes, OFFCUT__RANK_MAX, &count));
    const uint32_t larger = x->shape.rank + (adds ? count : 0);
    if (larger > OFFCUT__RANK_MAX)
        return offcut__node_fail(graph, node, "it makes too many dimensions");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis = 0;
        if (!offcut__axis(axes[i], larger, &axis) || (marked >> axis & 1))
            return offcut__node_fail(graph, node, "an axis is out of range");
        if (!adds && x->shape.dims[axis] != 1)
            return offcut__node_fail(graph, node, "a squeezed dimension is not 1");
        marked |= 1u << axis;
    }
    if (!adds && count == 0)
        for (uint32_t i = 0; i < x->shape.rank; i++)
            marked |= (x->shape.dims[i] == 1 ? 1u : 0u) << i;
    *rank = 0;
    for (uint32_t i = 0, from = 0; i < larger; i++) {
        const bool is_marked = marked >> i & 1;
        if (adds)
            dims[(*rank)++] = is_marked ? 1 : x->shape.dims[from++];
        else if (!is_marked)
            dims[(*rank)++] = x->shape.dims[i];
    }
    return OFFCUT_OK;
}

static offcut_status infer_reshape(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    int64_t dims[OFFCUT__RANK_MAX + 1] = {0};
    uint32_t rank = x->shape.rank;
    for (uint32_t i = 0; i < rank; i++) dims[i] = x->shape.dims[i];
    switch (node->type->kind) {
        case RESHAPE: OFFCUT_TRY(reshape_dims(graph, node, x, dims, &rank)); break;
        case SQUEEZE:
        case UNSQUEEZE: OFFCUT_TRY(squeeze_dims(graph, node, x, dims, &rank)); break;
        case FLATTEN: {
            const int64_t axis = offcut__attribute_int(node, "axis", 1);
            if (axis < -(int64_t)rank || axis > (int64_t)rank)
                return offcut__node_fail(graph, node, "its axis is out of range");
            const uint32_t split = (uint32_t)(axis < 0 ? axis + rank : axis);
            int64_t sides[2] = {1, 1};
            for (uint32_t i = 0; i < rank; i++) sides[i >= split] *= dims[i];
            dims[0] = sides[0];
            dims[1] = sides[1];
            rank = 2;
            break;
        }
        default: break;
    }
    offcut__shape shape;
    OFFCUT_TRY(offcut__shape_set(graph, &shape, rank, dims));
    if (offcut__shape_count(&shape) != offcut__shape_count(&x->shape))
        return offcut__node_fail(graph, node, "the new shape does not hold as many elements");
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

static offcut_status fold_reshape(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = offcut__node_input(graph, node, 0);
    offcut__value *y = offcut__node_output(graph, node, 0);
    y->encoding = x->encoding;
    y->bytes = x->bytes;
    y->floats = x->floats;
    y->ints = x->ints;
    y->steps = x->steps;
    y->constant = true;
    return OFFCUT_OK;
}

static offcut_status lower_reshape(offcut__builder *builder, offcut__node *node) {
    offcut__view in;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    return offcut__emit_reshape(builder, &in, node->outputs[0]);
}

/* ---- constants ---- */

static offcut_status put_ints(offcut__graph *graph, const offcut__node *node, const int64_t *values,
                              uint32_t count, bool scalar) {
    const offcut__shape shape = {.rank = scalar ? 0 : 1, .dims = {(int32_t)count}};
    OFFCUT_TRY(offcut__infer_output(graph, node, 0, &shape, OFFCUT__TYPE_I64));
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, offcut__node_output(graph, node, 0), &floats, &ints));
    for (uint32_t i = 0; i < count; i++) ints[i] = values[i];
    return OFFCUT_OK;
}

static offcut_status infer_constant(offcut__graph *graph, offcut__node *node) {
    offcut__value *y = offcut__node_output(graph, node, 0);
    if (!y) return OFFCUT_OK;
    if (offcut__attribute_has(node, "value"))
        return offcut__attribute_tensor(graph, node, "value", y);
    int64_t values[256];
    uint32_t count = 0;
    if (offcut__attribute_has(node, "value_float")) {
        const offcut__shape shape = {.rank = 0};
        OFFCUT_TRY(offcut__infer_output(graph, node, 0, &shape, OFFCUT__TYPE_F32));
        float *floats = NULL;
        int64_t *ints = NULL;
        OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
        floats[0] = offcut__attribute_float(node, "value_float", 0);
        return OFFCUT_OK;
    }
    if (offcut__attribute_has(node, "value_int")) {
        values[0] = offcut__attribute_int(node, "value_int", 0);
        return put_ints(graph, node, values, 1, true);
    }
    if (offcut__attribute_has(node, "value_ints") &&
        offcut__attribute_ints(node, "value_ints", values, 256, &count))
        return put_ints(graph, node, values, count, false);
    return offcut__node_fail(graph, node, "this kind of constant is not supported");
}

static offcut_status infer_shape(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    int64_t dims[OFFCUT__RANK_MAX];
    const int64_t rank = x->shape.rank;
    const int64_t from = clamp_index(offcut__attribute_int(node, "start", 0), rank, 0, rank);
    const int64_t to = clamp_index(offcut__attribute_int(node, "end", rank), rank, 0, rank);
    uint32_t count = 0;
    for (int64_t i = from; i < to; i++) dims[count++] = x->shape.dims[i];
    return put_ints(graph, node, dims, count, false);
}

static offcut_status infer_size(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    const int64_t size = (int64_t)offcut__shape_count(&x->shape);
    return put_ints(graph, node, &size, 1, true);
}

static offcut_status infer_constant_of_shape(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    int64_t dims[OFFCUT__RANK_MAX];
    uint32_t rank = 0;
    offcut__value fill = {.type = OFFCUT__TYPE_F32};
    offcut__shape shape;
    if (!offcut__constant_ints(x, dims, OFFCUT__RANK_MAX, &rank))
        return offcut__node_fail(graph, node, "its shape has to be constant");
    if (offcut__attribute_has(node, "value"))
        OFFCUT_TRY(offcut__attribute_tensor(graph, node, "value", &fill));
    if (fill.constant && offcut__shape_count(&fill.shape) == 0)
        return offcut__node_fail(graph, node, "its value is empty");
    OFFCUT_TRY(offcut__shape_set(graph, &shape, rank, dims));
    OFFCUT_TRY(offcut__infer_output(graph, node, 0, &shape, fill.type));
    offcut__value *y = offcut__node_output(graph, node, 0);
    if (!y) return OFFCUT_OK;
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
    const double value = fill.constant ? offcut__constant_get(&fill, 0) : 0;
    for (size_t i = 0; i < offcut__shape_count(&shape); i++)
        offcut__constant_put(floats, ints, i, value);
    return OFFCUT_OK;
}

static offcut_status infer_range(offcut__graph *graph, offcut__node *node) {
    double p[3];
    for (uint32_t k = 0; k < 3; k++) {
        const offcut__value *x = NULL;
        OFFCUT_TRY(offcut__need_input(graph, node, k, &x));
        if (!x->constant || offcut__shape_count(&x->shape) != 1)
            return offcut__node_fail(graph, node, "its bounds have to be constant");
        p[k] = offcut__constant_get(x, 0);
    }
    const double steps = p[2] != 0 ? ceil((p[1] - p[0]) / p[2]) : 0;
    if (!(steps <= 1e6)) return offcut__node_fail(graph, node, "it is too long");
    const offcut__shape shape = {.rank = 1, .dims = {steps > 0 ? (int32_t)steps : 0}};
    OFFCUT_TRY(
        offcut__infer_output(graph, node, 0, &shape, offcut__node_input(graph, node, 0)->type));
    offcut__value *y = offcut__node_output(graph, node, 0);
    if (!y) return OFFCUT_OK;
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
    for (int32_t i = 0; i < shape.dims[0]; i++)
        offcut__constant_put(floats, ints, (size_t)i, p[0] + i * p[2]);
    return OFFCUT_OK;
}

/* ---- gather ---- */

static offcut_status gather_indices(offcut__graph *graph, const offcut__node *node,
                                    const offcut__value **x, const offcut__value **indices,
                                    uint32_t *axis) {
    OFFCUT_TRY(offcut__need_input(graph, node, 0, x));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, indices));
    if (!(*indices)->constant || (*indices)->shape.rank > 1 ||
        offcut__shape_count(&(*indices)->shape) > LIST_MAX)
        return offcut__node_fail(graph, node, "its indices have to be a constant list");
    if (!offcut__axis(offcut__attribute_int(node, "axis", 0), (*x)->shape.rank, axis))
        return offcut__node_fail(graph, node, "its axis is out of range");
    return OFFCUT_OK;
}

static offcut_status infer_gather(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *indices = NULL;
    uint32_t axis = 0;
    OFFCUT_TRY(gather_indices(graph, node, &x, &indices, &axis));
    const offcut__view in = view_of_value(x);
    offcut__view out;
    for (size_t i = 0; i < offcut__shape_count(&indices->shape); i++)
        OFFCUT_TRY(
            view_gather(graph, node, &in, (int64_t)offcut__constant_get(indices, i), true, &out));
    offcut__shape shape = x->shape;
    if (indices->shape.rank == 1) {
        shape.dims[axis] = indices->shape.dims[0];
    } else {
        OFFCUT_TRY(
            view_gather(graph, node, &in, (int64_t)offcut__constant_get(indices, 0), false, &out));
        shape = out.shape;
    }
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

/* The place in the result of what index number i picks. */
static offcut__view gather_place(const offcut__view *out, uint32_t axis, size_t i, bool list) {
    offcut__view place = *out;
    if (!list) return place;
    place.shape.dims[axis] = 1;
    place.offset += (ptrdiff_t)i * out->strides[axis];
    return place;
}

static offcut_status fold_gather(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *indices = NULL;
    uint32_t axis = 0;
    OFFCUT_TRY(gather_indices(graph, node, &x, &indices, &axis));
    offcut__value *y = offcut__node_output(graph, node, 0);
    const offcut__view in = view_of_value(x), out = view_of_value(y);
    const bool list = indices->shape.rank == 1;
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
    for (size_t i = 0; i < offcut__shape_count(&indices->shape); i++) {
        offcut__view from;
        OFFCUT_TRY(
            view_gather(graph, node, &in, (int64_t)offcut__constant_get(indices, i), list, &from));
        const offcut__view to = gather_place(&out, axis, i, list);
        fold_copy(x, &from, &to, floats, ints);
    }
    return OFFCUT_OK;
}

static offcut_status lower_gather(offcut__builder *builder, offcut__node *node) {
    const offcut__value *x = NULL, *indices = NULL;
    uint32_t axis = 0;
    OFFCUT_TRY(gather_indices(builder->graph, node, &x, &indices, &axis));
    offcut__view in, out, from;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    if (indices->shape.rank == 0)
        return view_gather(builder->graph, node, &in, (int64_t)offcut__constant_get(indices, 0),
                           false, &builder->views[node->outputs[0]]);
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    for (size_t i = 0; i < offcut__shape_count(&indices->shape); i++) {
        OFFCUT_TRY(view_gather(builder->graph, node, &in, (int64_t)offcut__constant_get(indices, i),
                               true, &from));
        const offcut__view to = gather_place(&out, axis, i, true);
        OFFCUT_TRY(offcut__emit_copy(builder, &from, &to));
    }
    return OFFCUT_OK;
}

#define VIEW(name, kind) {name, kind, infer_view, fold_view, lower_view}
#define SAME(name, kind) {name, kind, infer_reshape, fold_reshape, lower_reshape}

const offcut__operator offcut__operators_shape[] = {
    VIEW("Transpose", TRANSPOSE),
    VIEW("Slice", SLICE),
    VIEW("Expand", EXPAND),
    SAME("Identity", IDENTITY),
    SAME("Dropout", IDENTITY),
    SAME("Reshape", RESHAPE),
    SAME("Flatten", FLATTEN),
    SAME("Squeeze", SQUEEZE),
    SAME("Unsqueeze", UNSQUEEZE),
    {"Constant", 0, infer_constant, NULL, NULL},
    {"Shape", 0, infer_shape, NULL, NULL},
    {"Size", 0, infer_size, NULL, NULL},
    {"ConstantOfShape", 0, infer_constant_of_shape, NULL, NULL},
    {"Range", 0, infer_range, NULL, NULL},
    {"Gather", 0, infer_gather, fold_gather, lower_gather},
    {.name = NULL},
};
