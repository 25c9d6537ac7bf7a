/* SPDX-License-Identifier: Apache-2.0
 * Joins nodes: what follows a convolution and can be done while its result is stored, padding
 * before it, and products of a value with its own sigmoid. A joined node stands where the last of
 * its parts stood, where all inputs exist. */
#include "operator.h"

#include <math.h>

typedef struct fuser {
    offcut__graph *graph;
    uint32_t *consumer; /* by value: the last node that uses it */
} fuser;

static bool is(const offcut__node *node, const char *op) {
    return offcut__span_is(node->op, op);
}

static offcut__node *only_consumer(const fuser *f, uint32_t value) {
    if (value == OFFCUT__NONE || f->graph->values[value].uses != 1 ||
        f->consumer[value] == OFFCUT__NONE)
        return NULL;
    offcut__node *node = &f->graph->nodes[f->consumer[value]];
    return node->live ? node : NULL;
}

static offcut__node *producer_of(const fuser *f, uint32_t value) {
    if (value == OFFCUT__NONE || f->graph->values[value].producer == OFFCUT__NONE) return NULL;
    offcut__node *node = &f->graph->nodes[f->graph->values[value].producer];
    return node->live ? node : NULL;
}

/* node takes the place and the output of next, which it does the work of from now on. */
static offcut__node *take_place(fuser *f, offcut__node *node, offcut__node *next) {
    offcut__node joined = *node;
    joined.outputs = next->outputs;
    joined.output_count = 1;
    node->live = false;
    *next = joined;
    const uint32_t index = (uint32_t)(next - f->graph->nodes);
    for (uint32_t k = 0; k < joined.input_count; k++)
        if (joined.inputs[k] != OFFCUT__NONE && f->consumer[joined.inputs[k]] < index)
            f->consumer[joined.inputs[k]] = index;
    return next;
}

/* ---- x sigmoid(x) ---- */

static bool is_hardswish_gate(const offcut__node *node) {
    const float a = offcut__attribute_float(node, "alpha", 0.2f),
                b = offcut__attribute_float(node, "beta", 0.5f);
    return is(node, "HardSigmoid") && fabsf(a - 1.0f / 6.0f) < 1e-6f && fabsf(b - 0.5f) < 1e-6f;
}

static void join_gate(fuser *f, offcut__node *mul) {
    static const uint8_t swish[] = "Swish", hardswish[] = "HardSwish";
    if (!is(mul, "Mul") || mul->input_count != 2) return;
    for (uint32_t k = 0; k < 2; k++) {
        offcut__node *gate = producer_of(f, mul->inputs[k]);
        const uint32_t other = mul->inputs[1 - k];
        if (!gate || gate->input_count == 0 || gate->inputs[0] != other ||
            only_consumer(f, mul->inputs[k]) != mul)
            continue;
        const bool sigmoid = is(gate, "Sigmoid");
        if (!sigmoid && !is_hardswish_gate(gate)) continue;
        gate->live = false;
        mul->op = sigmoid ? (offcut__span){swish, 5} : (offcut__span){hardswish, 9};
        mul->domain.size = 0;
        mul->type = offcut__operator_find(mul);
        mul->inputs[0] = other;
        mul->input_count = 1;
        f->graph->values[other].uses--;
        return;
    }
}

/* ---- after a convolution
 * -------------------------------------------------------------------------------------------- */

static offcut_status make_affine(fuser *f, offcut__node *conv, size_t channels) {
    if (conv->scale) return OFFCUT_OK;
    OFFCUT_TRY(offcut__pool_alloc(f->graph->ctx, f->graph->pool, channels, sizeof *conv->scale,
                                  &conv->scale));
    OFFCUT_TRY(offcut__pool_alloc(f->graph->ctx, f->graph->pool, channels, sizeof *conv->shift,
                                  &conv->shift));
    for (size_t i = 0; i < channels; i++) conv->scale[i] = 1.0f;
    return OFFCUT_OK;
}

bool offcut__per_channel(const offcut__value *value, const offcut__shape *y) {
    if (!value || !value->constant || value->shape.rank > y->rank) return false;
    for (uint32_t i = 0; i < value->shape.rank; i++) {
        const uint32_t axis = y->rank - value->shape.rank + i;
        if (value->shape.dims[i] != 1 && (axis != 1 || value->shape.dims[i] != y->dims[1]))
            return false;
    }
    return true;
}

static offcut_status absorb_affine(fuser *f, offcut__node *conv, const offcut__node *next,
                                   uint32_t result, bool *absorbed) {
    const offcut__value *y = &f->graph->values[result];
    const size_t channels = (size_t)y->shape.dims[1];
    const bool norm = is(next, "BatchNormalization") && next->inputs[0] == result;
    const bool add = is(next, "Add"), sub = is(next, "Sub"), mul = is(next, "Mul"),
               div = is(next, "Div");
    if (!norm && !((add || sub || mul || div) && next->input_count == 2)) return OFFCUT_OK;
    const uint32_t side = next->inputs[0] == result ? 1 : 0;
    const offcut__value *other = offcut__node_input(f->graph, next, side);
    if (!norm && (!offcut__per_channel(other, &y->shape) || (side == 0 && div))) return OFFCUT_OK;
    OFFCUT_TRY(make_affine(f, conv, channels));
    for (size_t c = 0; c < channels; c++) {
        float scale = 1, shift = 0;
        const float v = norm ? 0
                             : (float)offcut__constant_get(
                                   other, offcut__shape_count(&other->shape) == 1 ? 0 : c);
        if (norm) offcut__batchnorm_affine(f->graph, next, c, &scale, &shift);
        if (add) shift = v;
        if (sub) shift = side == 1 ? -v : v;
        if (sub && side == 0) scale = -1;
        if (mul) scale = v;
        if (div) scale = 1 / v;
        conv->scale[c] *= scale;
        conv->shift[c] = conv->shift[c] * scale + shift;
    }
    *absorbed = true;
    return OFFCUT_OK;
}

static bool absorb_residual(fuser *f, offcut__node *conv, const offcut__node *next,
                            uint32_t result) {
    if (!is(next, "Add") || next->input_count != 2 || conv->residual != OFFCUT__NONE) return false;
    const uint32_t other = next->inputs[next->inputs[0] == result ? 1 : 0];
    const offcut__value *value = &f->graph->values[other];
    if (other == result || value->constant ||
        !offcut__shape_equal(&value->shape, &f->graph->values[result].shape))
        return false;
    /* Of two convolutions the later one absorbs the sum: the earlier one's input need not live so
     * long. */
    const offcut__node *rival = producer_of(f, other);
    if (rival && rival > conv && (is(rival, "Conv") || is(rival, "ConvTranspose")) &&
        value->uses == 1)
        return false;
    conv->residual = other;
    return true;
}

static bool absorb_act(const fuser *f, offcut__node *node, const offcut__node *next,
                       uint32_t result, bool slopes) {
    if (slopes && is(next, "PRelu") && next->inputs[0] == result &&
        offcut__per_channel(offcut__node_input(f->graph, next, 1),
                            &f->graph->values[result].shape)) {
        node->slope = next->inputs[1];
        return true;
    }
    return offcut__node_act(f->graph, next, &node->act);
}

static offcut_status join_conv(fuser *f, offcut__node *conv) {
    for (;;) {
        const uint32_t result = conv->outputs[0];
        offcut__node *next = only_consumer(f, result);
        if (!next || conv->act.kind != OFFCUT__IDENTITY || conv->slope != OFFCUT__NONE)
            return OFFCUT_OK;
        const offcut__value *after = offcut__node_output(f->graph, next, 0);
        if (!after || !offcut__shape_equal(&after->shape, &f->graph->values[result].shape))
            return OFFCUT_OK;
        bool absorbed = false;
        if (conv->residual == OFFCUT__NONE)
            OFFCUT_TRY(absorb_affine(f, conv, next, result, &absorbed));
        absorbed = absorbed || absorb_residual(f, conv, next, result) ||
                   absorb_act(f, conv, next, result, true);
        if (!absorbed) return OFFCUT_OK;
        conv = take_place(f, conv, next);
    }
}

/* ---- the rest ---- */

static void join_pad(fuser *f, offcut__node *conv) {
    offcut__node *pad = producer_of(f, conv->inputs[0]);
    if (!is(conv, "Conv") || !pad || !is(pad, "Pad") || only_consumer(f, conv->inputs[0]) != conv)
        return;
    const offcut__span mode = offcut__attribute_string(conv, "auto_pad");
    int32_t pads[4];
    if ((mode.size != 0 && !offcut__span_is(mode, "NOTSET")) ||
        !offcut__pad_zeros(f->graph, pad, pads))
        return;
    for (int i = 0; i < 2; i++) {
        conv->windows[i].before += pads[i];
        conv->windows[i].after += pads[2 + i];
    }
    conv->inputs[0] = pad->inputs[0];
    const uint32_t index = (uint32_t)(conv - f->graph->nodes);
    if (f->consumer[conv->inputs[0]] < index) f->consumer[conv->inputs[0]] = index;
    pad->live = false;
}

static void join_act(fuser *f, offcut__node *node) {
    static const char *const takes[] = {"Add",
                                        "Sub",
                                        "Mul",
                                        "Div",
                                        "Sum",
                                        "BatchNormalization",
                                        "InstanceNormalization",
                                        "LayerNormalization",
                                        "Gemm"};
    bool can = false;
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) can |= is(node, takes[i]);
    if (is(node, "Gemm")) can = node->input_count > 2 && node->inputs[2] != OFFCUT__NONE;
    offcut__node *next = can ? only_consumer(f, node->outputs[0]) : NULL;
    if (!next || !offcut__type_is_float(f->graph->values[node->outputs[0]].type)) return;
    if (absorb_act(f, node, next, node->outputs[0], false)) (void)take_place(f, node, next);
}

offcut_status offcut__graph_fuse(offcut__graph *graph) {
    fuser f = {.graph = graph};
    OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, graph->value_count, sizeof *f.consumer,
                                  &f.consumer));
    for (uint32_t i = 0; i < graph->value_count; i++) f.consumer[i] = OFFCUT__NONE;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const offcut__node *node = &graph->nodes[i];
        for (uint32_t k = 0; node->live && k < node->input_count; k++)
            if (node->inputs[k] != OFFCUT__NONE) f.consumer[node->inputs[k]] = i;
    }
    /* The output itself has one use more than it has consumers. */
    f.consumer[graph->output] = OFFCUT__NONE;
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].live) join_gate(&f, &graph->nodes[i]);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        offcut__node *node = &graph->nodes[i];
        if (!node->live) continue;
        if (is(node, "Conv") || is(node, "ConvTranspose")) {
            join_pad(&f, node);
            OFFCUT_TRY(join_conv(&f, node));
        } else {
            join_act(&f, node);
        }
    }
    return OFFCUT_OK;
}
