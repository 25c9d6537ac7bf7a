/* SPDX-License-Identifier: Apache-2.0
 * ModelProto -> graph. Field numbers are those of onnx.proto. */
#include "graph.h"

#include <stdarg.h>
#include <stdio.h>

/* More than any network this engine is for; each costs memory before anything is known about the
 * file. */
#define NODES_MAX 16384u
#define NAMES_MAX 65536u

enum {
    MODEL_OPSET = 8,
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_SPARSE_INITIALIZER = 15,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
};

enum {
    OPSET_DOMAIN = 1,
    OPSET_VERSION = 2,
    INFO_NAME = 1,
    INFO_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_TYPE_ELEMENT = 1,
    TENSOR_TYPE_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
};

static offcut_status damaged(const offcut__graph *graph, const char *what) {
    return offcut__fail(graph->ctx, OFFCUT_ERR_MODEL, "the model is damaged: %s", what);
}

offcut_status offcut__node_fail(const offcut__graph *graph, const offcut__node *node,
                                const char *format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const int op = node->op.size < 32 ? (int)node->op.size : 32;
    const int name = node->name.size < 48 ? (int)node->name.size : 48;
    return offcut__fail(graph->ctx, OFFCUT_ERR_MODEL, "%.*s node '%.*s': %s", op,
                        (const char *)node->op.data, name, (const char *)node->name.data, text);
}

/* ---- names ---- */

static uint32_t hash(offcut__span name) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.size; i++) h = (h ^ name.data[i]) * 16777619u;
    return h;
}

/* The value of that name, made if there is none. The table never fills: it is sized for every name
 * in the file. */
static uint32_t intern(offcut__graph *graph, offcut__span name) {
    if (name.size == 0) return OFFCUT__NONE;
    uint32_t slot = hash(name) & graph->table_mask;
    while (graph->table[slot] != OFFCUT__NONE) {
        if (offcut__span_equal(graph->values[graph->table[slot]].name, name))
            return graph->table[slot];
        slot = (slot + 1) & graph->table_mask;
    }
    const uint32_t index = graph->value_count++;
    graph->values[index].name = name;
    graph->values[index].producer = OFFCUT__NONE;
    graph->table[slot] = index;
    return index;
}

/* ---- graph ---- */

typedef struct counts {
    size_t nodes, ids, attributes; /* of nodes */
    size_t tensors, inputs, outputs;
} counts;

static bool count_node(offcut__span bytes, counts *count) {
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    count->nodes++;
    while (offcut__message_next(&message, &field)) {
        if (field.number == NODE_INPUT || field.number == NODE_OUTPUT) count->ids++;
        if (field.number == NODE_ATTRIBUTE) count->attributes++;
    }
    return !message.damaged;
}

static bool count_graph(offcut__span bytes, counts *count) {
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    *count = (counts){0};
    while (offcut__message_next(&message, &field)) {
        if (field.number == GRAPH_NODE && !count_node(field.bytes, count)) return false;
        if (field.number == GRAPH_INITIALIZER) count->tensors++;
        if (field.number == GRAPH_INPUT) count->inputs++;
        if (field.number == GRAPH_OUTPUT) count->outputs++;
    }
    return !message.damaged;
}

static offcut_status allocate(offcut__graph *graph, const counts *count) {
    offcut_ctx *ctx = graph->ctx;
    const size_t names = count->ids + count->tensors + count->inputs + count->outputs;
    OFFCUT_FAIL_IF(count->nodes > NODES_MAX || names > NAMES_MAX, ctx, OFFCUT_ERR_LIMIT,
                   "the model has too many nodes: %zu", count->nodes);
    size_t slots = 16;
    while (slots < 2 * names) slots *= 2;
    OFFCUT_TRY(
        offcut__pool_alloc(ctx, graph->pool, count->nodes, sizeof *graph->nodes, &graph->nodes));
    OFFCUT_TRY(offcut__pool_alloc(ctx, graph->pool, names, sizeof *graph->values, &graph->values));
    OFFCUT_TRY(offcut__pool_alloc(ctx, graph->pool, count->ids, sizeof *graph->ids, &graph->ids));
    OFFCUT_TRY(offcut__pool_alloc(ctx, graph->pool, count->attributes, sizeof *graph->attributes,
                                  &graph->attributes));
    OFFCUT_TRY(offcut__pool_alloc(ctx, graph->pool, slots, sizeof *graph->table, &graph->table));
    OFFCUT_TRY(
        offcut__pool_alloc(ctx, graph->pool, count->inputs, sizeof *graph->inputs, &graph->inputs));
    OFFCUT_TRY(offcut__pool_alloc(ctx, graph->pool, count->outputs, sizeof *graph->outputs,
                                  &graph->outputs));
    for (size_t i = 0; i < slots; i++) graph->table[i] = OFFCUT__NONE;
    graph->table_mask = (uint32_t)(slots - 1);
    return OFFCUT_OK;
}

static offcut_status read_initializer(offcut__graph *graph, offcut__span bytes) {
    const uint32_t index = intern(graph, offcut__tensor_name(bytes));
    if (index == OFFCUT__NONE) return damaged(graph, "a tensor without a name");
    if (graph->values[index].known) return damaged(graph, "two tensors of one name");
    return offcut__tensor_read(graph, bytes, &graph->values[index]);
}

static void read_node_field(offcut__graph *graph, const offcut__field *field, offcut__node *node) {
    const offcut__span bytes = field->bytes;
    switch (field->number) {
        case NODE_INPUT:
            graph->ids[graph->id_count++] = intern(graph, bytes);
            node->input_count++;
            break;
        case NODE_NAME: node->name = bytes; break;
        case NODE_OP: node->op = bytes; break;
        case NODE_DOMAIN: node->domain = bytes; break;
        case NODE_ATTRIBUTE:
            graph->attributes[graph->attribute_count++] =
                (offcut__attribute){offcut__attribute_name(bytes), bytes};
            node->attribute_count++;
            break;
        default: break;
    }
}

static offcut_status read_node(offcut__graph *graph, offcut__span bytes) {
    offcut__node *node = &graph->nodes[graph->node_count];
    node->residual = OFFCUT__NONE;
    node->slope = OFFCUT__NONE;
    node->inputs = graph->ids + graph->id_count;
    node->attributes = graph->attributes + graph->attribute_count;
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    while (offcut__message_next(&message, &field)) read_node_field(graph, &field, node);
    node->outputs = graph->ids + graph->id_count;
    message = offcut__message_of(bytes);
    while (offcut__message_next(&message, &field)) {
        if (field.number != NODE_OUTPUT) continue;
        const uint32_t index = intern(graph, field.bytes);
        graph->ids[graph->id_count++] = index;
        node->output_count++;
        if (index == OFFCUT__NONE) continue;
        if (graph->values[index].known || graph->values[index].producer != OFFCUT__NONE)
            return damaged(graph, "a value is made twice");
        graph->values[index].producer = graph->node_count;
    }
    graph->node_count++;
    return OFFCUT_OK;
}

static offcut__span child(offcut__span bytes, uint32_t number) {
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    offcut__span result = {NULL, 0};
    while (offcut__message_next(&message, &field))
        if (field.number == number && field.wire == OFFCUT__WIRE_BYTES) result = field.bytes;
    return result;
}

/* The shape a graph input declares; a dimension it leaves open is -1. */
static offcut_status read_input(offcut__graph *graph, offcut__span bytes) {
    const uint32_t index = intern(graph, child(bytes, INFO_NAME));
    if (index == OFFCUT__NONE) return damaged(graph, "an input without a name");
    graph->inputs[graph->input_count++] = index;
    offcut__value *value = &graph->values[index];
    if (value->known) return OFFCUT_OK; /* older files list initialisers as inputs too */
    const offcut__span tensor = child(child(bytes, INFO_TYPE), TYPE_TENSOR);
    offcut__message message = offcut__message_of(child(tensor, TENSOR_TYPE_SHAPE));
    offcut__field field;
    value->shape.rank = 0;
    while (offcut__message_next(&message, &field)) {
        if (field.number != SHAPE_DIM || field.wire != OFFCUT__WIRE_BYTES) continue;
        if (value->shape.rank == OFFCUT__RANK_MAX)
            return damaged(graph, "an input has too many dimensions");
        offcut__message dim = offcut__message_of(field.bytes);
        offcut__field part;
        int32_t size = -1;
        while (offcut__message_next(&dim, &part))
            if (part.number == DIM_VALUE && part.value > 0 && part.value <= INT32_MAX)
                size = (int32_t)part.value;
        value->shape.dims[value->shape.rank++] = size;
    }
    return OFFCUT_OK;
}

/* Fields may come in any order: tensors and inputs are read before the nodes that use them. */
static offcut_status read_graph(offcut__graph *graph, offcut__span bytes) {
    counts count;
    if (!count_graph(bytes, &count)) return damaged(graph, "the graph's fields");
    OFFCUT_TRY(allocate(graph, &count));
    static const uint32_t order[] = {GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_NODE, GRAPH_OUTPUT};
    for (size_t pass = 0; pass < sizeof order / sizeof *order; pass++) {
        offcut__message message = offcut__message_of(bytes);
        offcut__field field;
        while (offcut__message_next(&message, &field)) {
            if (field.number == GRAPH_SPARSE_INITIALIZER)
                return damaged(graph, "sparse weights are not supported");
            if (field.number != order[pass]) continue;
            if (pass == 0) OFFCUT_TRY(read_initializer(graph, field.bytes));
            if (pass == 1) OFFCUT_TRY(read_input(graph, field.bytes));
            if (pass == 2) OFFCUT_TRY(read_node(graph, field.bytes));
            if (pass == 3)
                graph->outputs[graph->output_count++] =
                    intern(graph, child(field.bytes, INFO_NAME));
        }
    }
    return OFFCUT_OK;
}

static void read_opset(offcut__graph *graph, offcut__span bytes) {
    const offcut__span domain = child(bytes, OPSET_DOMAIN);
    if (domain.size != 0 && !offcut__span_is(domain, "ai.onnx")) return;
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    while (offcut__message_next(&message, &field))
        if (field.number == OPSET_VERSION && field.value < 1000)
            graph->opset = (int64_t)field.value;
}

offcut_status offcut__onnx_read(offcut__graph *graph, offcut__span file) {
    offcut__message message = offcut__message_of(file);
    offcut__field field;
    offcut__span body = {NULL, 0};
    graph->opset = 0;
    while (offcut__message_next(&message, &field)) {
        if (field.wire != OFFCUT__WIRE_BYTES) continue;
        if (field.number == MODEL_OPSET) read_opset(graph, field.bytes);
        if (field.number != MODEL_GRAPH) continue;
        if (body.data) return damaged(graph, "two graphs");
        body = field.bytes;
    }
    if (message.damaged) return damaged(graph, "not an ONNX file, or cut off");
    if (!body.data) return damaged(graph, "there is no graph in it");
    if (graph->opset == 0) graph->opset = 1;
    return read_graph(graph, body);
}
