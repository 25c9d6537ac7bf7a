/* SPDX-License-Identifier: Apache-2.0
 * Operators that put tensors together or take them apart. */
#include "operator.h"

/* Elements first..first+count-1 of one dimension. */
static offcut__view part(const offcut__view *view, uint32_t axis, int32_t first, int32_t count) {
    offcut__view result = *view;
    result.shape.dims[axis] = count;
    result.offset += first * view->strides[axis];
    return result;
}

/* ---- concat ---- */

static int64_t concat_axis(const offcut__graph *graph, const offcut__node *node) {
    return offcut__attribute_int(node, "axis", graph->opset < 4 ? 1 : INT64_MAX);
}

static offcut_status infer_concat(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *other = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    uint32_t axis = 0;
    if (!offcut__axis(concat_axis(graph, node), x->shape.rank, &axis))
        return offcut__node_fail(graph, node, "its axis is out of range");
    int64_t dims[OFFCUT__RANK_MAX];
    for (uint32_t i = 0; i < x->shape.rank; i++) dims[i] = x->shape.dims[i];
    for (uint32_t k = 1; k < node->input_count; k++) {
        OFFCUT_TRY(offcut__need_input(graph, node, k, &other));
        bool fits = other->shape.rank == x->shape.rank;
        for (uint32_t i = 0; i < x->shape.rank && fits; i++)
            fits = i == axis || other->shape.dims[i] == x->shape.dims[i];
        if (!fits)
            return offcut__node_fail(graph, node, "the shapes of its inputs do not go together");
        dims[axis] += other->shape.dims[axis];
    }
    offcut__shape shape;
    OFFCUT_TRY(offcut__shape_set(graph, &shape, x->shape.rank, dims));
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

static offcut_status fold_concat(offcut__graph *graph, offcut__node *node) {
    offcut__value *y = offcut__node_output(graph, node, 0);
    uint32_t axis = 0;
    (void)offcut__axis(concat_axis(graph, node), y->shape.rank, &axis);
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, y, &floats, &ints));
    size_t outer = 1, inner = 1, to = 0;
    for (uint32_t i = 0; i < y->shape.rank; i++) {
        if (i < axis) outer *= (size_t)y->shape.dims[i];
        if (i > axis) inner *= (size_t)y->shape.dims[i];
    }
    for (size_t o = 0; o < outer; o++) {
        for (uint32_t k = 0; k < node->input_count; k++) {
            const offcut__value *x = offcut__node_input(graph, node, k);
            const size_t run = inner * (size_t)x->shape.dims[axis];
            for (size_t i = 0; i < run; i++)
                offcut__constant_put(floats, ints, to++, offcut__constant_get(x, o * run + i));
        }
    }
    return OFFCUT_OK;
}

static bool same_place(const offcut__view *a, const offcut__view *b) {
    if (a->storage != b->storage || a->offset != b->offset) return false;
    for (uint32_t i = 0; i < a->shape.rank; i++)
        if (a->strides[i] != b->strides[i]) return false;
    return true;
}

static offcut_status lower_concat(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    uint32_t axis = 0;
    (void)offcut__axis(concat_axis(builder->graph, node), out.shape.rank, &axis);
    int32_t first = 0;
    for (uint32_t k = 0; k < node->input_count; k++) {
        OFFCUT_TRY(offcut__build_input(builder, node->inputs[k], &in));
        const offcut__view place = part(&out, axis, first, in.shape.dims[axis]);
        /* Most inputs were written here in the first place. */
        if (!same_place(&in, &place)) OFFCUT_TRY(offcut__emit_copy(builder, &in, &place));
        first += in.shape.dims[axis];
    }
    return OFFCUT_OK;
}

/* ---- split ---- */

static offcut_status split_parts(offcut__graph *graph, const offcut__node *node,
                                 const offcut__value *x, uint32_t *axis, int32_t *parts) {
    int64_t sizes[256];
    uint32_t count = 0;
    if (!offcut__axis(offcut__attribute_int(node, "axis", 0), x->shape.rank, axis) ||
        node->output_count == 0 || node->output_count > 256)
        return offcut__node_fail(graph, node, "its axis or number of parts is out of range");
    OFFCUT_TRY(offcut__need_ints(graph, node, "split", 1, sizes, 256, &count));
    const int32_t size = x->shape.dims[*axis];
    int64_t total = 0;
    for (uint32_t i = 0; i < node->output_count; i++) {
        const int32_t share =
            (size + (int32_t)node->output_count - 1) / (int32_t)node->output_count;
        const int64_t rest = size - total;
        int64_t length = rest < share ? rest : share;
        if (count > 0) length = i < count ? sizes[i] : -1;
        if (length < 0 || length > rest)
            return offcut__node_fail(graph, node, "its parts do not fit its input");
        parts[i] = (int32_t)length;
        total += length;
    }
    return OFFCUT_OK;
}

static offcut_status infer_split(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    uint32_t axis = 0;
    int32_t parts[256];
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(split_parts(graph, node, x, &axis, parts));
    for (uint32_t i = 0; i < node->output_count; i++) {
        offcut__shape shape = x->shape;
        shape.dims[axis] = parts[i];
        OFFCUT_TRY(offcut__infer_output(graph, node, i, &shape, x->type));
    }
    return OFFCUT_OK;
}

static offcut_status lower_split(offcut__builder *builder, offcut__node *node) {
    offcut__view in;
    uint32_t axis = 0;
    int32_t parts[256], first = 0;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    const offcut__value *x = offcut__node_input(builder->graph, node, 0);
    OFFCUT_TRY(split_parts(builder->graph, node, x, &axis, parts));
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != OFFCUT__NONE)
            builder->views[node->outputs[i]] = part(&in, axis, first, parts[i]);
        first += parts[i];
    }
    return OFFCUT_OK;
}

/* ---- pad ---- */

typedef struct padding {
    int32_t before[OFFCUT__RANK_MAX], after[OFFCUT__RANK_MAX];
    offcut__span mode;
    float value;
} padding;

static offcut_status read_padding(offcut__graph *graph, const offcut__node *node,
                                  const offcut__value *x, padding *p) {
    int64_t pads[2 * OFFCUT__RANK_MAX], axes[OFFCUT__RANK_MAX];
    uint32_t count = 0, axis_count = 0;
    *p = (padding){.mode = offcut__attribute_string(node, "mode"),
                   .value = offcut__attribute_float(node, "value", 0)};
    OFFCUT_TRY(offcut__need_ints(graph, node, "pads", 1, pads, 2 * OFFCUT__RANK_MAX, &count));
    if (count == 0) /* opset 1 */
        OFFCUT_TRY(offcut__need_ints(graph, node, "paddings", OFFCUT__NONE, pads,
                                     2 * OFFCUT__RANK_MAX, &count));
    OFFCUT_TRY(offcut__need_ints(graph, node, "axes", 3, axes, OFFCUT__RANK_MAX, &axis_count));
    const offcut__value *value = offcut__node_input(graph, node, 2);
    if (value && (!value->constant || offcut__shape_count(&value->shape) > 1))
        return offcut__node_fail(graph, node, "its value has to be constant");
    if (value && offcut__shape_count(&value->shape) == 1)
        p->value = (float)offcut__constant_get(value, 0);
    const uint32_t dims = axis_count ? axis_count : x->shape.rank;
    if (count != 2 * dims)
        return offcut__node_fail(graph, node, "its padding does not fit its input");
    for (uint32_t i = 0; i < dims; i++) {
        uint32_t axis = i;
        if (axis_count && !offcut__axis(axes[i], x->shape.rank, &axis))
            return offcut__node_fail(graph, node, "an axis is out of range");
        if (pads[i] < -INT16_MAX || pads[i] > INT16_MAX || pads[dims + i] < -INT16_MAX ||
            pads[dims + i] > INT16_MAX)
            return offcut__node_fail(graph, node, "its padding is out of range");
        p->before[axis] = (int32_t)pads[i];
        p->after[axis] = (int32_t)pads[dims + i];
    }
    return OFFCUT_OK;
}

static bool pads_constant(const padding *p) {
    return p->mode.size == 0 || offcut__span_is(p->mode, "constant");
}

static offcut_status infer_pad(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    padding p;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(read_padding(graph, node, x, &p));
    const bool reflects = offcut__span_is(p.mode, "reflect");
    if (!reflects && !pads_constant(&p) && !offcut__span_is(p.mode, "edge"))
        return offcut__node_fail(graph, node, "this mode is not supported");
    offcut__shape shape = x->shape;
    int64_t dims[OFFCUT__RANK_MAX];
    for (uint32_t i = 0; i < shape.rank; i++) {
        const int32_t least = reflects ? -p.before[i] : 0;
        dims[i] = (int64_t)shape.dims[i] + p.before[i] + p.after[i];
        if (dims[i] < 0 || least < -(shape.dims[i] - 1) ||
            (reflects && p.after[i] > shape.dims[i] - 1) ||
            (!pads_constant(&p) && (shape.dims[i] == 0 || p.before[i] < 0 || p.after[i] < 0)))
            return offcut__node_fail(graph, node, "its padding does not fit its input");
    }
    OFFCUT_TRY(offcut__shape_set(graph, &shape, shape.rank, dims));
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

/* Where the input lies in the output; padding below zero cuts it. false: nothing is left. */
static bool pad_inside(const padding *p, const offcut__view *in, const offcut__view *out,
                       offcut__view *from, offcut__view *to) {
    *from = *in;
    *to = *out;
    for (uint32_t i = 0; i < in->shape.rank; i++) {
        const int32_t cut = p->before[i] < 0 ? -p->before[i] : 0;
        const int32_t cut_after = p->after[i] < 0 ? -p->after[i] : 0;
        const int32_t length = in->shape.dims[i] - cut - cut_after;
        if (length <= 0) return false;
        *from = part(from, i, cut, length);
        *to = part(to, i, p->before[i] > 0 ? p->before[i] : 0, length);
    }
    return true;
}

/* Border rows of one axis after the other, from what the output already holds. */
static offcut_status pad_borders(offcut__builder *builder, const padding *p,
                                 const offcut__view *out) {
    const bool reflects = offcut__span_is(p->mode, "reflect");
    offcut__view filled = *out;
    for (uint32_t i = 0; i < out->shape.rank; i++)
        filled = part(&filled, i, p->before[i], out->shape.dims[i] - p->before[i] - p->after[i]);
    for (uint32_t i = 0; i < out->shape.rank; i++) {
        const int32_t length = filled.shape.dims[i];
        for (int32_t k = -p->before[i]; k < length + p->after[i]; k++) {
            if (k >= 0 && k < length) continue;
            int32_t source = k < 0 ? 0 : length - 1;
            if (reflects) source = k < 0 ? -k : 2 * (length - 1) - k;
            const offcut__view from = part(&filled, i, source, 1), to = part(&filled, i, k, 1);
            OFFCUT_TRY(offcut__emit_copy(builder, &from, &to));
        }
        filled = part(&filled, i, -p->before[i], out->shape.dims[i]);
    }
    return OFFCUT_OK;
}

static offcut_status lower_pad(offcut__builder *builder, offcut__node *node) {
    const offcut__act none = {OFFCUT__IDENTITY, 0, 0};
    padding p;
    offcut__view in, out, from, to;
    OFFCUT_TRY(read_padding(builder->graph, node, offcut__node_input(builder->graph, node, 0), &p));
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    const bool constant = pads_constant(&p);
    if (constant) OFFCUT_TRY(offcut__emit_loops(builder, 0, NULL, &out, 0, p.value, 0, none));
    if (pad_inside(&p, &in, &out, &from, &to)) OFFCUT_TRY(offcut__emit_copy(builder, &from, &to));
    return constant ? OFFCUT_OK : pad_borders(builder, &p, &out);
}

bool offcut__pad_zeros(offcut__graph *graph, const offcut__node *node, int32_t *pads) {
    const offcut__value *x = offcut__node_input(graph, node, 0);
    padding p;
    if (!x || x->shape.rank != 4 || read_padding(graph, node, x, &p) != OFFCUT_OK) return false;
    if (!pads_constant(&p) || p.value < 0 || p.value > 0 || p.before[0] || p.after[0] ||
        p.before[1] || p.after[1])
        return false;
    for (int i = 0; i < 2; i++) {
        pads[i] = p.before[2 + i];
        pads[2 + i] = p.after[2 + i];
        if (pads[i] < 0 || pads[2 + i] < 0) return false;
    }
    return true;
}

/* ---- tile ---- */

static offcut_status infer_tile(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *repeats = NULL;
    int64_t dims[OFFCUT__RANK_MAX];
    uint32_t count = 0;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &repeats));
    if (!offcut__constant_ints(repeats, dims, OFFCUT__RANK_MAX, &count) || count != x->shape.rank)
        return offcut__node_fail(graph, node, "its repeats have to be constant, one a dimension");
    offcut__shape shape;
    for (uint32_t i = 0; i < count; i++) {
        if (dims[i] < 0 || dims[i] > 65536)
            return offcut__node_fail(graph, node, "its repeats are out of range");
        dims[i] *= x->shape.dims[i];
    }
    OFFCUT_TRY(offcut__shape_set(graph, &shape, count, dims));
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

static offcut_status lower_tile(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    /* [2 a, 3 b] is [2, a, 3, b] in memory, and the input [1, a, 1, b] repeated. */
    offcut__view from = in, to = out;
    from.shape.rank = to.shape.rank = 0;
    for (uint32_t i = 0; i < in.shape.rank; i++) {
        const int32_t dim = in.shape.dims[i], repeats = dim > 0 ? out.shape.dims[i] / dim : 0;
        const int32_t dims[2] = {repeats, dim};
        for (int k = 0; k < 2; k++) {
            if (dims[k] == 1) continue;
            if (to.shape.rank == OFFCUT__RANK_MAX)
                return offcut__node_fail(builder->graph, node, "it has too many dimensions");
            const uint32_t at = to.shape.rank++;
            to.shape.dims[at] = dims[k];
            to.strides[at] = out.strides[i] * (k == 0 ? dim : 1);
            from.shape.dims[at] = dims[k];
            from.strides[at] = k == 0 ? 0 : in.strides[i];
        }
    }
    from.shape.rank = to.shape.rank;
    return offcut__emit_copy(builder, &from, &to);
}

/* ---- depth and space ---- */

enum { DEPTH_TO_SPACE, SPACE_TO_DEPTH };

static offcut_status infer_depth(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    const int64_t b = offcut__attribute_int(node, "blocksize", 0);
    if (x->shape.rank != 4 || b < 1 || b > 64)
        return offcut__node_fail(graph, node, "its block size is out of range");
    const int32_t *d = x->shape.dims;
    const bool up = node->type->kind == DEPTH_TO_SPACE;
    const bool fits = up ? d[1] % (b * b) == 0 : d[2] % b == 0 && d[3] % b == 0;
    if (!fits) return offcut__node_fail(graph, node, "its block size does not fit its input");
    const int64_t dims[4] = {d[0], up ? d[1] / (b * b) : d[1] * b * b, up ? d[2] * b : d[2] / b,
                             up ? d[3] * b : d[3] / b};
    offcut__shape shape;
    OFFCUT_TRY(offcut__shape_set(graph, &shape, 4, dims));
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

static offcut_status lower_depth(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    const bool up = node->type->kind == DEPTH_TO_SPACE;
    const int32_t b = (int32_t)offcut__attribute_int(node, "blocksize", 1);
    const bool column_first = offcut__span_is(offcut__attribute_string(node, "mode"), "CRD");
    /* As [n, y, x, i, j, c] of the deep side and of the wide side. */
    const offcut__view *deep = up ? &in : &out, *wide = up ? &out : &in;
    offcut__view views[2] = {*deep, *wide};
    const int32_t dims[6] = {deep->shape.dims[0], deep->shape.dims[2], deep->shape.dims[3], b, b,
                             wide->shape.dims[1]};
    for (int k = 0; k < 2; k++) {
        views[k].shape.rank = 6;
        for (int i = 0; i < 6; i++) views[k].shape.dims[i] = dims[i];
    }
    const ptrdiff_t channel = deep->strides[1], block = column_first && up ? 1 : dims[5],
                    each = column_first && up ? b * b : 1;
    const ptrdiff_t deep_strides[6] = {deep->strides[0],    deep->strides[2], deep->strides[3],
                                       b * block * channel, block * channel,  each * channel};
    const ptrdiff_t wide_strides[6] = {wide->strides[0], wide->strides[2] * b, wide->strides[3] * b,
                                       wide->strides[2], wide->strides[3],     wide->strides[1]};
    for (int i = 0; i < 6; i++) {
        views[0].strides[i] = deep_strides[i];
        views[1].strides[i] = wide_strides[i];
    }
    return up ? offcut__emit_copy(builder, &views[0], &views[1])
              : offcut__emit_copy(builder, &views[1], &views[0]);
}

const offcut__operator offcut__operators_join[] = {
    {"Concat", 0, infer_concat, fold_concat, lower_concat},
    {"Split", 0, infer_split, NULL, lower_split},
    {"Pad", 0, infer_pad, NULL, lower_pad},
    {"Tile", 0, infer_tile, NULL, lower_tile},
    {"DepthToSpace", DEPTH_TO_SPACE, infer_depth, NULL, lower_depth},
    {"SpaceToDepth", SPACE_TO_DEPTH, infer_depth, NULL, lower_depth},
    {.name = NULL},
};
