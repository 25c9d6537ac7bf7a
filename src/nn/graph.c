/* SPDX-License-Identifier: Apache-2.0
 * Walks over the graph: what is needed, and what shape it has. */
#include "graph.h"

#include "operator.h"

#include <string.h>

offcut__value *offcut__node_input(const offcut__graph *graph, const offcut__node *node,
                                  uint32_t index) {
    if (index >= node->input_count || node->inputs[index] == OFFCUT__NONE) return NULL;
    return &graph->values[node->inputs[index]];
}

offcut__value *offcut__node_output(const offcut__graph *graph, const offcut__node *node,
                                   uint32_t index) {
    if (index >= node->output_count || node->outputs[index] == OFFCUT__NONE) return NULL;
    return &graph->values[node->outputs[index]];
}

const offcut__operator *offcut__operator_find(const offcut__node *node) {
    static const offcut__operator *const tables[] = {
        offcut__operators_convolution, offcut__operators_image, offcut__operators_eltwise,
        offcut__operators_shape,       offcut__operators_join,  offcut__operators_reduce};
    if (node->domain.size != 0 && !offcut__span_is(node->domain, "ai.onnx")) return NULL;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const offcut__operator *op = tables[i]; op->name; op++)
            if (offcut__span_is(node->op, op->name)) return op;
    return NULL;
}

offcut_status offcut__graph_copy(const offcut__graph *from, offcut__graph *to) {
    offcut__graph copy = *from;
    copy.pool = to->pool;
    copy.nodes = to->nodes;
    copy.values = to->values;
    copy.ids = to->ids;
    if (!to->ids) {
        offcut__pool *pool = from->pool;
        OFFCUT_TRY(
            offcut__pool_alloc(from->ctx, pool, from->node_count, sizeof *copy.nodes, &copy.nodes));
        OFFCUT_TRY(offcut__pool_alloc(from->ctx, pool, from->value_count, sizeof *copy.values,
                                      &copy.values));
        OFFCUT_TRY(
            offcut__pool_alloc(from->ctx, pool, from->id_count, sizeof *copy.ids, &copy.ids));
    }
    memcpy(copy.nodes, from->nodes, from->node_count * sizeof *copy.nodes);
    memcpy(copy.values, from->values, from->value_count * sizeof *copy.values);
    memcpy(copy.ids, from->ids, from->id_count * sizeof *copy.ids);
    for (uint32_t i = 0; i < copy.node_count; i++) {
        offcut__node *node = &copy.nodes[i];
        node->inputs = copy.ids + (node->inputs - from->ids);
        node->outputs = copy.ids + (node->outputs - from->ids);
    }
    *to = copy;
    return OFFCUT_OK;
}

/* Nodes are in order, so one walk from the end finds all that the output depends on. */
offcut_status offcut__graph_prune(offcut__graph *graph) {
    for (uint32_t i = 0; i < graph->value_count; i++) graph->values[i].uses = 0;
    graph->values[graph->output].uses = 1;
    for (uint32_t i = graph->node_count; i-- > 0;) {
        offcut__node *node = &graph->nodes[i];
        node->live = false;
        for (uint32_t k = 0; k < node->output_count; k++) {
            const offcut__value *value = offcut__node_output(graph, node, k);
            node->live |= value && value->uses > 0;
        }
        if (!node->live) continue;
        node->type = offcut__operator_find(node);
        for (uint32_t k = 0; k < node->input_count; k++) {
            offcut__value *value = offcut__node_input(graph, node, k);
            if (!value) continue;
            value->uses++;
            if (value->producer != OFFCUT__NONE && value->producer >= i)
                return offcut__node_fail(graph, node, "its inputs come after it");
        }
    }
    return OFFCUT_OK;
}

static void drop_uses(const offcut__graph *graph, const offcut__node *node) {
    for (uint32_t k = 0; k < node->input_count; k++) {
        offcut__value *value = offcut__node_input(graph, node, k);
        if (value && value->uses > 0) value->uses--;
    }
}

static offcut_status infer_node(offcut__graph *graph, offcut__node *node) {
    bool constant = true;
    for (uint32_t k = 0; k < node->input_count; k++) {
        const offcut__value *value = offcut__node_input(graph, node, k);
        if (!value) continue;
        if (!value->known)
            return offcut__node_fail(graph, node, "input '%.*s' is not given",
                                     value->name.size < 48 ? (int)value->name.size : 48,
                                     (const char *)value->name.data);
        constant &= value->constant;
    }
    OFFCUT_TRY(node->type->infer(graph, node));
    for (uint32_t k = 0; k < node->output_count; k++) {
        const offcut__value *value = offcut__node_output(graph, node, k);
        if (value && value->uses > 0 && !value->known)
            return offcut__node_fail(graph, node, "output %u is not supported", k);
    }
    const offcut__value *first = offcut__node_output(graph, node, 0);
    if (constant && node->type->fold && first && !first->constant)
        OFFCUT_TRY(node->type->fold(graph, node));
    if (first && first->constant) {
        node->live = false;
        drop_uses(graph, node);
    }
    return OFFCUT_OK;
}

static bool has_constants_only(const offcut__graph *graph, const offcut__node *node) {
    bool constant = true;
    for (uint32_t k = 0; k < node->input_count; k++) {
        const offcut__value *value = offcut__node_input(graph, node, k);
        constant &= !value || value->constant;
    }
    return constant;
}

offcut_status offcut__graph_fold(offcut__graph *graph) {
    for (uint32_t i = 0; i < graph->node_count; i++) {
        offcut__node *node = &graph->nodes[i];
        if (node->live && node->type && has_constants_only(graph, node))
            OFFCUT_TRY(infer_node(graph, node));
    }
    return OFFCUT_OK;
}

offcut_status offcut__graph_infer(offcut__graph *graph) {
    for (uint32_t i = 0; i < graph->node_count; i++) {
        offcut__node *node = &graph->nodes[i];
        if (!node->live) continue;
        if (!node->type) return offcut__node_fail(graph, node, "this operator is not supported");
        OFFCUT_TRY(infer_node(graph, node));
    }
    return OFFCUT_OK;
}

/* ---- help for operators
 * --------------------------------------------------------------------------------------------- */

offcut_status offcut__infer_output(offcut__graph *graph, const offcut__node *node, uint32_t index,
                                   const offcut__shape *shape, offcut__type type) {
    offcut__value *value = offcut__node_output(graph, node, index);
    if (!value) return OFFCUT_OK;
    int64_t dims[OFFCUT__RANK_MAX];
    for (uint32_t i = 0; i < shape->rank && i < OFFCUT__RANK_MAX; i++) dims[i] = shape->dims[i];
    OFFCUT_TRY(offcut__shape_set(graph, &value->shape, shape->rank, dims));
    value->type = type;
    value->known = true;
    return OFFCUT_OK;
}

offcut_status offcut__need_input(const offcut__graph *graph, const offcut__node *node,
                                 uint32_t index, const offcut__value **value) {
    *value = offcut__node_input(graph, node, index);
    return *value ? OFFCUT_OK : offcut__node_fail(graph, node, "input %u is missing", index);
}

bool offcut__axis(int64_t axis, uint32_t rank, uint32_t *result) {
    if (axis < -(int64_t)rank || axis >= (int64_t)rank) return false;
    *result = (uint32_t)(axis < 0 ? axis + rank : axis);
    return true;
}

offcut_status offcut__need_ints(const offcut__graph *graph, const offcut__node *node,
                                const char *attribute, uint32_t index, int64_t *values,
                                uint32_t max, uint32_t *count) {
    if (!offcut__attribute_ints(node, attribute, values, max, count))
        return offcut__node_fail(graph, node, "attribute '%s' is damaged or too long", attribute);
    if (*count > 0) return OFFCUT_OK;
    const offcut__value *value = offcut__node_input(graph, node, index);
    if (!value) return OFFCUT_OK;
    if (!offcut__constant_ints(value, values, max, count))
        return offcut__node_fail(graph, node, "'%s' has to be constant", attribute);
    return OFFCUT_OK;
}

bool offcut__broadcast(const offcut__shape *a, const offcut__shape *b, offcut__shape *result) {
    offcut__shape shape = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (uint32_t i = 0; i < shape.rank; i++) {
        const uint32_t from_a = shape.rank - a->rank, from_b = shape.rank - b->rank;
        const int32_t x = i < from_a ? 1 : a->dims[i - from_a];
        const int32_t y = i < from_b ? 1 : b->dims[i - from_b];
        if (x != y && x != 1 && y != 1) return false;
        shape.dims[i] = x == 1 ? y : x;
    }
    *result = shape;
    return true;
}

void offcut__view_broadcast(const offcut__view *view, const offcut__shape *shape,
                            offcut__view *result) {
    offcut__view out = *view;
    out.shape = *shape;
    const uint32_t shift = shape->rank - view->shape.rank;
    for (uint32_t i = 0; i < shape->rank; i++)
        out.strides[i] =
            i < shift || view->shape.dims[i - shift] == 1 ? 0 : view->strides[i - shift];
    *result = out;
}
