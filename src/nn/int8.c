/* SPDX-License-Identifier: Apache-2.0
 * Finds what a quantised file means to be integer arithmetic. In DequantizeLinear -> operator ->
 * QuantizeLinear with int8, one scale a tensor and zero point 0 the three become one operation on
 * int8 quads (view.h). Whatever does not fit (other types, zero points, odd scales, other
 * operators) stays f32 between a QuantizeLinear and a DequantizeLinear. */
#include "operator.h"

#include <math.h>

typedef struct marker {
    offcut__graph *graph;
    uint32_t *consumer; /* by value: the last node that uses it */
    uint32_t *reads;    /* by value: how many plain DequantizeLinear nodes read it */
} marker;

static bool is(const offcut__node *node, const char *op) {
    return offcut__span_is(node->op, op);
}

static offcut__value *value_of(const marker *m, uint32_t index) {
    return &m->graph->values[index];
}

static void count_use(marker *m, uint32_t value, uint32_t node) {
    if (value == OFFCUT__NONE) return;
    value_of(m, value)->uses++;
    m->consumer[value] = node;
}

static void count_uses(marker *m) {
    for (uint32_t i = 0; i < m->graph->value_count; i++) {
        value_of(m, i)->uses = 0;
        m->consumer[i] = OFFCUT__NONE;
    }
    for (uint32_t i = 0; i < m->graph->node_count; i++) {
        const offcut__node *node = &m->graph->nodes[i];
        if (!node->live) continue;
        for (uint32_t k = 0; k < node->input_count; k++) count_use(m, node->inputs[k], i);
        count_use(m, node->residual, i);
        count_use(m, node->slope, i);
    }
    count_use(m, m->graph->output, OFFCUT__NONE);
}

/* ---- quantised values ---- */

/* The one scale of a QuantizeLinear or DequantizeLinear with zero point 0; 0 if it has not that. */
static float step_of(const marker *m, const offcut__node *node) {
    const offcut__value *scale = offcut__node_input(m->graph, node, 1),
                        *zero = offcut__node_input(m->graph, node, 2);
    if (!scale || !scale->constant || offcut__shape_count(&scale->shape) != 1) return 0;
    if (zero && (!zero->constant || offcut__shape_count(&zero->shape) != 1 ||
                 fabs(offcut__constant_get(zero, 0)) > 0))
        return 0;
    const float step = (float)offcut__constant_get(scale, 0);
    return step >= 1e-30f && step <= 1e30f ? step : 0;
}

static bool picture(const offcut__value *value) {
    return value->shape.rank == 4 && value->shape.dims[0] == 1 &&
           offcut__shape_count(&value->shape) > 0;
}

/* A value becomes quads where one QuantizeLinear makes it, as int8, and only DequantizeLinear nodes
 * of that kind read it. */
static void mark_values(marker *m) {
    for (uint32_t i = 0; i < m->graph->node_count; i++) {
        const offcut__node *node = &m->graph->nodes[i];
        if (node->live && is(node, "DequantizeLinear") && step_of(m, node) > 0 &&
            offcut__node_output(m->graph, node, 0)->type == OFFCUT__TYPE_F32)
            m->reads[node->inputs[0]]++;
    }
    for (uint32_t i = 0; i < m->graph->node_count; i++) {
        offcut__node *node = &m->graph->nodes[i];
        if (!node->live || !is(node, "QuantizeLinear")) continue;
        const offcut__value *value = offcut__node_output(m->graph, node, 0);
        node->integer = value->type == OFFCUT__TYPE_I8 && picture(value) && value->uses > 0 &&
                        m->reads[node->outputs[0]] == value->uses &&
                        node->act.kind == OFFCUT__IDENTITY && step_of(m, node) > 0;
        if (node->integer) value_of(m, node->outputs[0])->step = step_of(m, node);
    }
    for (uint32_t i = 0; i < m->graph->node_count; i++) {
        offcut__node *node = &m->graph->nodes[i];
        if (node->live && is(node, "DequantizeLinear"))
            node->integer = value_of(m, node->inputs[0])->step > 0;
    }
}

/* ---- neighbours ---- */

static offcut__node *producer_of(const marker *m, uint32_t value) {
    if (value == OFFCUT__NONE || value_of(m, value)->producer == OFFCUT__NONE) return NULL;
    offcut__node *node = &m->graph->nodes[value_of(m, value)->producer];
    return node->live ? node : NULL;
}

/* The quads behind an f32 value that a DequantizeLinear makes of them with their own step. */
static uint32_t quads_before(const marker *m, uint32_t value) {
    const offcut__node *node = producer_of(m, value);
    if (!node || !node->integer || !is(node, "DequantizeLinear")) return OFFCUT__NONE;
    const float step = step_of(m, node), own = value_of(m, node->inputs[0])->step;
    return step >= own && step <= own ? node->inputs[0] : OFFCUT__NONE;
}

static offcut__node *only_consumer(const marker *m, uint32_t value) {
    if (value_of(m, value)->uses != 1 || m->consumer[value] == OFFCUT__NONE) return NULL;
    offcut__node *node = &m->graph->nodes[m->consumer[value]];
    return node->live ? node : NULL;
}

/* The QuantizeLinear that alone reads an f32 value, if it makes quads. */
static offcut__node *quantised_after(const marker *m, uint32_t value) {
    offcut__node *node = only_consumer(m, value);
    return node && node->integer && is(node, "QuantizeLinear") && node->inputs[0] == value ? node
                                                                                           : NULL;
}

/* *input, made by a DequantizeLinear, becomes the quads behind it. */
static void read_quads(marker *m, uint32_t *input, uint32_t quads) {
    offcut__node *node = producer_of(m, *input);
    if (--value_of(m, *input)->uses == 0) {
        node->live = false;
        value_of(m, quads)->uses--;
    }
    value_of(m, quads)->uses++;
    *input = quads;
}

/* node takes the place of the QuantizeLinear after it. */
static offcut__node *take_place(marker *m, offcut__node *node, offcut__node *next) {
    offcut__node joined = *node;
    joined.outputs = next->outputs;
    joined.output_count = 1;
    joined.integer = true;
    node->live = false;
    *next = joined;
    const uint32_t index = (uint32_t)(next - m->graph->nodes);
    for (uint32_t k = 0; k < joined.input_count; k++)
        if (joined.inputs[k] != OFFCUT__NONE) m->consumer[joined.inputs[k]] = index;
    return next;
}

static bool clips(const offcut__node *node) {
    return node->slope == OFFCUT__NONE &&
           (node->act.kind == OFFCUT__IDENTITY || node->act.kind == OFFCUT__CLIP);
}

static bool never_below_zero(const offcut__node *node) {
    return node->act.kind == OFFCUT__CLIP && node->act.a >= 0;
}

static bool rectifies(const offcut__node *node) {
    return never_below_zero(node) && node->slope == OFFCUT__NONE && node->act.a <= 0 &&
           isinf(node->act.b);
}

/* ---- operators ---- */

/* What a Clip leaves of the normalised picture may be signed and yet have no more than 7 bits. */
static void mark_range(marker *m, offcut__node *node) {
    const offcut__node *before = producer_of(m, node->inputs[0]);
    offcut__value *value = value_of(m, node->outputs[0]);
    if (!before || before->act.kind != OFFCUT__CLIP || before->slope != OFFCUT__NONE) return;
    const float lo = rintf(before->act.a / value->step), hi = rintf(before->act.b / value->step);
    if (lo >= -127 && lo < 0 && hi >= lo && hi <= lo + 127) value->offset = (int32_t)-lo;
}

/* The sum that alone reads what a ReLU makes of a convolution's result, and quads of that shape;
 * *added: their f32 value. NULL: there is none. */
static offcut__node *sum_after(const marker *m, const offcut__node *conv, uint32_t *added) {
    const uint32_t result = conv->outputs[0];
    offcut__node *sum = only_consumer(m, result);
    if (!sum || !is(sum, "Add") || sum->input_count != 2 || sum->act.kind != OFFCUT__IDENTITY ||
        conv->residual != OFFCUT__NONE || !rectifies(conv))
        return NULL;
    *added = sum->inputs[sum->inputs[0] == result ? 1 : 0];
    return quads_before(m, *added) != OFFCUT__NONE && quantised_after(m, sum->outputs[0]) &&
                   offcut__shape_equal(&value_of(m, *added)->shape, &value_of(m, result)->shape)
               ? sum
               : NULL;
}

static void mark_conv(marker *m, offcut__node *node) {
    const uint32_t quads = quads_before(m, node->inputs[0]);
    uint32_t residual = OFFCUT__NONE, added = node->residual;
    if (quads == OFFCUT__NONE || node->slope != OFFCUT__NONE) return;
    offcut__node *sum = sum_after(m, node, &added);
    if (added != OFFCUT__NONE && (residual = quads_before(m, added)) == OFFCUT__NONE) return;
    offcut__node *next = clips(node) ? quantised_after(m, (sum ? sum : node)->outputs[0]) : NULL;
    const float step = next ? value_of(m, next->outputs[0])->step : 0;
    if ((!next && residual != OFFCUT__NONE) ||
        !offcut__conv8_fits(m->graph, node, value_of(m, quads), step,
                            residual != OFFCUT__NONE ? value_of(m, residual)->step : 0))
        return;
    if (sum) {
        sum->live = false;
        node->residual = added;
        node->rectified = true;
        node->act.kind = OFFCUT__IDENTITY;
    }
    read_quads(m, &node->inputs[0], quads);
    if (residual != OFFCUT__NONE) read_quads(m, &node->residual, residual);
    node->integer = true;
    if (!next) return;
    node = take_place(m, node, next);
    value_of(m, node->outputs[0])->positive =
        never_below_zero(node) || (node->rectified && value_of(m, residual)->positive);
}

static void mark_add(marker *m, offcut__node *node) {
    if (node->input_count != 2 || !clips(node)) return;
    const uint32_t quads[2] = {quads_before(m, node->inputs[0]), quads_before(m, node->inputs[1])};
    offcut__node *next = quantised_after(m, node->outputs[0]);
    if (!next) return;
    for (int k = 0; k < 2; k++)
        if (quads[k] == OFFCUT__NONE ||
            !offcut__shape_equal(&value_of(m, quads[k])->shape,
                                 &value_of(m, next->outputs[0])->shape) ||
            !(value_of(m, quads[k])->step / value_of(m, next->outputs[0])->step < 1e4f))
            return;
    const bool positive = value_of(m, quads[0])->positive && value_of(m, quads[1])->positive;
    for (int k = 0; k < 2; k++) read_quads(m, &node->inputs[k], quads[k]);
    node = take_place(m, node, next);
    value_of(m, node->outputs[0])->positive = positive || never_below_zero(node);
}

static void mark_pool(marker *m, offcut__node *node) {
    const uint32_t quads = quads_before(m, node->inputs[0]);
    offcut__node *next = quantised_after(m, node->outputs[0]);
    if (quads == OFFCUT__NONE || !next) return;
    const float in = value_of(m, quads)->step, out = value_of(m, next->outputs[0])->step;
    if (in < out || in > out) return;
    read_quads(m, &node->inputs[0], quads);
    node = take_place(m, node, next);
    value_of(m, node->outputs[0])->positive = value_of(m, quads)->positive;
}

/* Whether a Resize of these quads can give that step; cubic weights may turn signs. */
static bool resizes(const marker *m, const offcut__node *node, uint32_t quads, float step,
                    bool *positive) {
    if (quads == OFFCUT__NONE || !(value_of(m, quads)->step / step < 1e4f)) return false;
    *positive = value_of(m, quads)->positive &&
                !offcut__span_is(offcut__attribute_string(node, "mode"), "cubic");
    return true;
}

static void mark_resize(marker *m, offcut__node *node) {
    const uint32_t quads = quads_before(m, node->inputs[0]);
    offcut__node *next = quantised_after(m, node->outputs[0]);
    bool positive = false;
    if (!next || !resizes(m, node, quads, value_of(m, next->outputs[0])->step, &positive)) return;
    read_quads(m, &node->inputs[0], quads);
    node = take_place(m, node, next);
    value_of(m, node->outputs[0])->positive = positive;
}

/* Whether input k of a Concat is quads with that step, or can become so. */
static bool concat_input(const marker *m, const offcut__node *node, uint32_t k, float step) {
    const uint32_t value = node->inputs[k];
    if (value == OFFCUT__NONE) return false;
    const bool last = k + 1 == node->input_count;
    if (!picture(value_of(m, value)) || (!last && value_of(m, value)->shape.dims[1] % 4 != 0))
        return false;
    const uint32_t quads = quads_before(m, value);
    if (quads != OFFCUT__NONE) {
        const float own = value_of(m, quads)->step;
        return (own >= step && own <= step) || (value_of(m, value)->uses == 1 && own / step < 1e4f);
    }
    const offcut__node *resize = producer_of(m, value);
    bool positive = false;
    return resize && value_of(m, value)->uses == 1 && !resize->integer && is(resize, "Resize") &&
           resizes(m, resize, quads_before(m, resize->inputs[0]), step, &positive);
}

static bool take_concat_input(marker *m, uint32_t *input, float step) {
    const uint32_t quads = quads_before(m, *input);
    offcut__value *value = value_of(m, *input);
    if (quads != OFFCUT__NONE) {
        const float own = value_of(m, quads)->step;
        if (own >= step && own <= step) {
            read_quads(m, input, quads);
        } else { /* the DequantizeLinear rescales */
            value->step = step;
            value->positive = value_of(m, quads)->positive;
        }
        return value_of(m, *input)->positive;
    }
    offcut__node *resize = producer_of(m, *input);
    const uint32_t source = quads_before(m, resize->inputs[0]);
    (void)resizes(m, resize, source, step, &value->positive);
    read_quads(m, &resize->inputs[0], source);
    resize->integer = true;
    value->step = step;
    return value->positive;
}

static void mark_concat(marker *m, offcut__node *node) {
    offcut__node *next = quantised_after(m, node->outputs[0]);
    const offcut__value *y = offcut__node_output(m->graph, node, 0);
    uint32_t axis = 0;
    if (!next || !offcut__axis(offcut__attribute_int(node, "axis", 1), y->shape.rank, &axis) ||
        axis != 1)
        return;
    const float step = value_of(m, next->outputs[0])->step;
    for (uint32_t k = 0; k < node->input_count; k++)
        if (!concat_input(m, node, k, step)) return;
    bool positive = true;
    for (uint32_t k = 0; k < node->input_count; k++)
        positive &= take_concat_input(m, &node->inputs[k], step);
    node = take_place(m, node, next);
    value_of(m, node->outputs[0])->positive = positive;
}

/* ---- the picture's normalisation ---- */

/* One constant for each channel, or one for all, as input 1 of a node of that kind which alone
 * reads what it reads; else NULL. */
static const offcut__value *channel_constant(const marker *m, const offcut__node *node,
                                             const char *op, uint32_t result) {
    if (!node || !is(node, op) || node->input_count != 2 || node->act.kind != OFFCUT__IDENTITY ||
        value_of(m, result)->uses != 1 || node->inputs[0] == OFFCUT__NONE)
        return NULL;
    const offcut__value *c = offcut__node_input(m->graph, node, 1), *y = value_of(m, result);
    return c && offcut__per_channel(c, &y->shape) &&
                   offcut__shape_equal(&value_of(m, node->inputs[0])->shape, &y->shape)
               ? c
               : NULL;
}

static offcut_status channel_floats(const marker *m, const offcut__value *constant, int32_t count,
                                    float fallback, float **result) {
    const size_t padded = ((size_t)count + 3) & ~(size_t)3;
    OFFCUT_TRY(offcut__pool_alloc(m->graph->ctx, m->graph->pool, padded, sizeof **result, result));
    for (size_t i = 0; i < padded; i++) {
        const bool given = constant && i < (size_t)count;
        const size_t at = given && offcut__shape_count(&constant->shape) == 1 ? 0 : i;
        (*result)[i] = given ? (float)offcut__constant_get(constant, at) : fallback;
    }
    return OFFCUT_OK;
}

/* QuantizeLinear does the division and the subtraction before it in the same order: to the bit. The
 * Clip after them may come after the rounding as well. */
static offcut_status absorb_normalisation(marker *m, offcut__node *node) {
    const int32_t channels = value_of(m, node->inputs[0])->shape.dims[1];
    offcut__node *before = producer_of(m, node->inputs[0]);
    if (before && before->act.kind == OFFCUT__CLIP && value_of(m, node->inputs[0])->uses == 1 &&
        (is(before, "Div") || is(before, "Sub"))) {
        node->act = before->act;
        before->act.kind = OFFCUT__IDENTITY;
    }
    const offcut__value *spread = channel_constant(m, before, "Div", node->inputs[0]);
    if (spread) {
        before->live = false;
        node->inputs[0] = before->inputs[0];
        before = producer_of(m, node->inputs[0]);
    }
    const offcut__value *centre = channel_constant(m, before, "Sub", node->inputs[0]);
    if (centre) {
        before->live = false;
        node->inputs[0] = before->inputs[0];
    }
    OFFCUT_TRY(channel_floats(m, spread, channels, 1, &node->spread));
    return channel_floats(m, centre, channels, 0, &node->centre);
}

offcut_status offcut__graph_quantise(offcut__graph *graph) {
    static const struct {
        const char *op;
        void (*mark)(marker *m, offcut__node *node);
    } kinds[] = {{"QuantizeLinear", mark_range}, {"Conv", mark_conv},     {"Add", mark_add},
                 {"MaxPool", mark_pool},         {"Resize", mark_resize}, {"Concat", mark_concat}};
    marker m = {.graph = graph};
    OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, graph->value_count, sizeof *m.consumer,
                                  &m.consumer));
    OFFCUT_TRY(
        offcut__pool_alloc(graph->ctx, graph->pool, graph->value_count, sizeof *m.reads, &m.reads));
    count_uses(&m);
    mark_values(&m);
    for (uint32_t i = 0; i < graph->node_count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            if (graph->nodes[i].live && graph->nodes[i].integer == (k == 0) &&
                is(&graph->nodes[i], kinds[k].op))
                kinds[k].mark(&m, &graph->nodes[i]);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        offcut__node *node = &graph->nodes[i];
        if (node->live && node->integer && is(node, "QuantizeLinear"))
            OFFCUT_TRY(absorb_normalisation(&m, node));
    }
    return OFFCUT_OK;
}
