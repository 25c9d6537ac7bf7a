/* SPDX-License-Identifier: Apache-2.0
 * Operators that work element by element. */
#include "operator.h"

#include <math.h>

/* Shape of an operand as it is broadcast: scales of a quantised axis and parameters per channel get
 * their place. */
static offcut__shape aligned(const offcut__shape *shape, uint32_t rank, uint32_t axis) {
    if (shape->rank != 1 || shape->dims[0] == 1 || axis >= rank) return *shape;
    offcut__shape result = {.rank = rank};
    for (uint32_t i = 0; i < rank; i++) result.dims[i] = i == axis ? shape->dims[0] : 1;
    return result;
}

/* ---- folding ---- */

#define OPERANDS_MAX 64

typedef double (*evaluate)(const offcut__node *node, const double *x, uint32_t count,
                           const void *context);

/* The output, whose shape and type are known, becomes a constant. shapes: of the inputs as
 * broadcast. */
static offcut_status fold_elements(offcut__graph *graph, offcut__node *node,
                                   const offcut__shape *shapes, uint32_t count, evaluate f,
                                   const void *context) {
    offcut__value *value = offcut__node_output(graph, node, 0);
    ptrdiff_t strides[OPERANDS_MAX][OFFCUT__RANK_MAX];
    size_t at[OPERANDS_MAX] = {0};
    double x[OPERANDS_MAX] = {0};
    if (count > OPERANDS_MAX) return offcut__node_fail(graph, node, "it has too many inputs");
    for (uint32_t k = 0; k < count; k++) {
        offcut__view view = {.shape = shapes[k]}, broadcast;
        offcut__view_row_major(&view);
        offcut__view_broadcast(&view, &value->shape, &broadcast);
        for (uint32_t i = 0; i < value->shape.rank; i++) strides[k][i] = broadcast.strides[i];
    }
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, value, &floats, &ints));
    int32_t index[OFFCUT__RANK_MAX] = {0};
    const size_t total = offcut__shape_count(&value->shape);
    for (size_t n = 0; n < total; n++) {
        for (uint32_t k = 0; k < count; k++) {
            const offcut__value *in = offcut__node_input(graph, node, k);
            x[k] = in ? offcut__constant_get(in, at[k]) : 0;
        }
        offcut__constant_put(floats, ints, n, f(node, x, count, context));
        for (uint32_t i = value->shape.rank; i-- > 0;) {
            for (uint32_t k = 0; k < count; k++) at[k] += (size_t)strides[k][i];
            if (++index[i] < value->shape.dims[i]) break;
            for (uint32_t k = 0; k < count; k++)
                at[k] -= (size_t)(strides[k][i] * value->shape.dims[i]);
            index[i] = 0;
        }
    }
    return OFFCUT_OK;
}

static uint32_t input_shapes(const offcut__graph *graph, const offcut__node *node, uint32_t axis,
                             offcut__shape *shapes, uint32_t max) {
    const offcut__value *first = offcut__node_input(graph, node, 0);
    uint32_t count = 0;
    for (; count < node->input_count && count < max; count++) {
        const offcut__value *value = offcut__node_input(graph, node, count);
        shapes[count] = (offcut__shape){.rank = 0};
        if (value)
            shapes[count] = count == 0
                                ? value->shape
                                : aligned(&value->shape, first ? first->shape.rank : 0, axis);
    }
    return count;
}

/* ---- unary ---- */

static offcut_status infer_same(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    return offcut__infer_output(graph, node, 0, &x->shape, x->type);
}

static bool clip_bound(const offcut__graph *graph, const offcut__node *node, const char *name,
                       uint32_t index, float *bound) {
    *bound = offcut__attribute_float(node, name, *bound);
    const offcut__value *value = offcut__node_input(graph, node, index);
    if (!value) return true;
    if (!value->constant || offcut__shape_count(&value->shape) != 1) return false;
    *bound = (float)offcut__constant_get(value, 0);
    return true;
}

static bool act_parameters(const offcut__graph *graph, const offcut__node *node, offcut__act *act) {
    const float nan_value = NAN;
    float a = offcut__attribute_float(node, "alpha", nan_value);
    float b = offcut__attribute_float(node, "beta", nan_value);
    const float gamma = offcut__attribute_float(node, "gamma", nan_value);
    float default_a = 1, default_b = 0;
    switch (act->kind) {
        case OFFCUT__CLIP:
            act->a = -INFINITY;
            act->b = INFINITY;
            if (offcut__span_is(node->op, "Relu"))
                act->a = 0;
            else
                return clip_bound(graph, node, "min", 1, &act->a) &&
                       clip_bound(graph, node, "max", 2, &act->b);
            return true;
        case OFFCUT__LEAKY: default_a = 0.01f; break;
        case OFFCUT__HARDSIGMOID:
            default_a = 0.2f;
            default_b = 0.5f;
            break;
        case OFFCUT__HARDSWISH:
            a = 1.0f / 6.0f;
            b = 0.5f;
            break;
        case OFFCUT__SELU:
            default_a = 1.67326319217681884765625f;
            default_b = 1.05070102214813232421875f;
            b = gamma;
            break;
        case OFFCUT__GELU:
            if (offcut__span_is(offcut__attribute_string(node, "approximate"), "tanh"))
                act->kind = OFFCUT__GELU_TANH;
            break;
        default: break;
    }
    act->a = isnan(a) ? default_a : a;
    act->b = isnan(b) ? default_b : b;
    return true;
}

static offcut_status lower_unary(offcut__builder *builder, offcut__node *node);

bool offcut__node_act(const offcut__graph *graph, const offcut__node *node, offcut__act *act) {
    if (!node->type || node->type->lower != lower_unary) return false;
    act->kind = (offcut__unary)node->type->kind;
    return act_parameters(graph, node, act);
}

static double evaluate_unary(const offcut__node *node, const double *x, uint32_t count,
                             const void *context) {
    (void)node;
    (void)count;
    return offcut__unary_eval(*(const offcut__act *)context, x[0]);
}

static offcut_status fold_unary(offcut__graph *graph, offcut__node *node) {
    offcut__act act;
    if (!offcut__node_act(graph, node, &act))
        return offcut__node_fail(graph, node, "its bounds have to be constant");
    const offcut__shape shape = offcut__node_input(graph, node, 0)->shape;
    return fold_elements(graph, node, &shape, 1, evaluate_unary, &act);
}

static offcut_status lower_unary(offcut__builder *builder, offcut__node *node) {
    offcut__act act;
    if (!offcut__node_act(builder->graph, node, &act))
        return offcut__node_fail(builder->graph, node, "its bounds have to be constant");
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    return offcut__emit_loops(builder, 1, &in, &out, 0, 0, 0, act);
}

/* ---- cast ---- */

static offcut_status infer_cast(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    const int64_t to = offcut__attribute_int(node, "to", 0);
    if (to < OFFCUT__TYPE_F32 || to > OFFCUT__TYPE_BF16 || to == 8 || to == 14 || to == 15)
        return offcut__node_fail(graph, node, "element type %d is not supported", (int)to);
    return offcut__infer_output(graph, node, 0, &x->shape, (offcut__type)to);
}

static offcut__act cast_act(offcut__type from, offcut__type to) {
    const bool truncates = offcut__type_is_float(from) && !offcut__type_is_float(to);
    return (offcut__act){to == OFFCUT__TYPE_BOOL ? OFFCUT__TO_BOOL
                         : truncates             ? OFFCUT__TRUNCATE
                                                 : OFFCUT__IDENTITY,
                         0, 0};
}

/* Between floats nothing is carried out: the weights of a model stored as fp16 stay so until they
 * are packed. */
static offcut_status fold_cast(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = offcut__node_input(graph, node, 0);
    offcut__value *y = offcut__node_output(graph, node, 0);
    const offcut__act act = cast_act(x->type, y->type);
    if (offcut__type_is_float(x->type) && offcut__type_is_float(y->type)) {
        y->encoding = x->encoding;
        y->bytes = x->bytes;
        y->floats = x->floats;
        y->ints = x->ints;
        y->steps = x->steps;
        y->constant = true;
        return OFFCUT_OK;
    }
    return fold_elements(graph, node, &x->shape, 1, evaluate_unary, &act);
}

static offcut_status lower_cast(offcut__builder *builder, offcut__node *node) {
    const offcut__act act = cast_act(offcut__node_input(builder->graph, node, 0)->type,
                                     offcut__node_output(builder->graph, node, 0)->type);
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    if (act.kind == OFFCUT__IDENTITY) return offcut__emit_reshape(builder, &in, node->outputs[0]);
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    return offcut__emit_loops(builder, 1, &in, &out, 0, 0, 0, act);
}

/* ---- binary and variadic
 * -------------------------------------------------------------------------------------------- */

static bool compares(int kind) {
    return kind >= OFFCUT__EQUAL;
}

static offcut_status infer_broadcast(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *y = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    if (graph->opset < 7 && offcut__attribute_int(node, "broadcast", 0) != 0 &&
        offcut__attribute_has(node, "axis"))
        return offcut__node_fail(graph, node,
                                 "broadcasting along an axis (opset below 7) is not supported");
    offcut__shape shape = x->shape;
    for (uint32_t k = 1; k < node->input_count; k++) {
        OFFCUT_TRY(offcut__need_input(graph, node, k, &y));
        if (!offcut__broadcast(&shape, &y->shape, &shape))
            return offcut__node_fail(graph, node, "the shapes of its inputs do not go together");
    }
    if (node->type->kind == OFFCUT__PRELU && !offcut__shape_equal(&shape, &x->shape))
        return offcut__node_fail(graph, node, "its slope is larger than its input");
    return offcut__infer_output(graph, node, 0, &shape,
                                compares(node->type->kind) ? OFFCUT__TYPE_BOOL : x->type);
}

static bool divides_integers(const offcut__graph *graph, const offcut__node *node) {
    return node->type->kind == OFFCUT__DIV &&
           !offcut__type_is_float(offcut__node_output(graph, node, 0)->type);
}

static int binary_kind(const offcut__node *node) {
    if (node->type->kind == OFFCUT__MOD && offcut__attribute_int(node, "fmod", 0) != 0)
        return OFFCUT__FMOD;
    return node->type->kind;
}

static double evaluate_binary(const offcut__node *node, const double *x, uint32_t count,
                              const void *context) {
    double result = x[0];
    for (uint32_t k = 1; k < count; k++)
        result = offcut__binary_eval((offcut__binary)binary_kind(node), result, x[k]);
    if (*(const bool *)context) result = trunc(result);
    return offcut__span_is(node->op, "Mean") ? result / count : result;
}

static offcut_status fold_binary(offcut__graph *graph, offcut__node *node) {
    offcut__shape shapes[OPERANDS_MAX];
    const bool truncates = divides_integers(graph, node);
    if (node->input_count > OPERANDS_MAX)
        return offcut__node_fail(graph, node, "it has too many inputs");
    for (uint32_t k = 0; k < node->input_count; k++)
        shapes[k] = offcut__node_input(graph, node, k)->shape;
    return fold_elements(graph, node, shapes, node->input_count, evaluate_binary, &truncates);
}

static offcut_status lower_binary(offcut__builder *builder, offcut__node *node) {
    const offcut__act none = {OFFCUT__IDENTITY, 0, 0};
    const int kind = binary_kind(node);
    const bool mean = offcut__span_is(node->op, "Mean");
    offcut__act act = node->act;
    if (divides_integers(builder->graph, node)) act.kind = OFFCUT__TRUNCATE;
    offcut__view in[2], out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in[0]));
    for (uint32_t k = 1; k < node->input_count; k++) {
        OFFCUT_TRY(offcut__build_input(builder, node->inputs[k], &in[1]));
        if (k == 1) OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
        const bool last = k + 1 == node->input_count && !mean;
        OFFCUT_TRY(offcut__emit_loops(builder, 2, in, &out, kind, 0, 0, last ? act : none));
        in[0] = out;
    }
    if (node->input_count == 1) {
        OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
        return offcut__emit_loops(builder, 1, in, &out, 0, 0, 0, act);
    }
    if (!mean) return OFFCUT_OK;
    float *share = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, 1, &share));
    *share = 1.0f / (float)node->input_count;
    in[1] = (offcut__view){.storage = OFFCUT__STORAGE_CONSTANT, .constant = share};
    return offcut__emit_loops(builder, 2, in, &out, OFFCUT__MUL, 0, 0, act);
}

/* ---- ternary ---- */

static offcut_status infer_where(offcut__graph *graph, offcut__node *node) {
    const offcut__value *c = NULL, *x = NULL, *y = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &c));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &x));
    OFFCUT_TRY(offcut__need_input(graph, node, 2, &y));
    offcut__shape shape;
    if (!offcut__broadcast(&c->shape, &x->shape, &shape) ||
        !offcut__broadcast(&shape, &y->shape, &shape))
        return offcut__node_fail(graph, node, "the shapes of its inputs do not go together");
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

static bool quantized_range(offcut__type type, float *lo, float *hi) {
    switch (type) {
        case OFFCUT__TYPE_U8: *lo = 0, *hi = 255; return true;
        case OFFCUT__TYPE_I8: *lo = -128, *hi = 127; return true;
        case OFFCUT__TYPE_U16: *lo = 0, *hi = 65535; return true;
        case OFFCUT__TYPE_I16: *lo = -32768, *hi = 32767; return true;
        default: *lo = *hi = 0; return false;
    }
}

static offcut_status infer_quantize(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *scale = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &scale));
    const offcut__value *zero = offcut__node_input(graph, node, 2);
    uint32_t axis = 0;
    const bool per_axis = scale->shape.rank == 1 && scale->shape.dims[0] != 1;
    if (per_axis && (!offcut__axis(offcut__attribute_int(node, "axis", 1), x->shape.rank, &axis) ||
                     scale->shape.dims[0] != x->shape.dims[axis]))
        return offcut__node_fail(graph, node, "its scales do not fit its axis");
    if (scale->shape.rank > 1 ||
        (zero && offcut__shape_count(&zero->shape) != offcut__shape_count(&scale->shape)))
        return offcut__node_fail(graph, node, "blocks of scales are not supported");
    offcut__type type = scale->type;
    if (node->type->kind == OFFCUT__QUANTIZE) {
        float lo = 0, hi = 0;
        const int64_t wanted = offcut__attribute_int(node, "output_dtype", 0);
        type = zero ? zero->type : wanted == 0 ? OFFCUT__TYPE_U8 : (offcut__type)(wanted & 31);
        if (!quantized_range(type, &lo, &hi))
            return offcut__node_fail(graph, node, "only 8 and 16 bits are supported");
    }
    return offcut__infer_output(graph, node, 0, &x->shape, type);
}

static uint32_t quantized_axis(const offcut__graph *graph, const offcut__node *node) {
    uint32_t axis = 0;
    (void)offcut__axis(offcut__attribute_int(node, "axis", 1),
                       offcut__node_input(graph, node, 0)->shape.rank, &axis);
    return axis;
}

static double evaluate_ternary(const offcut__node *node, const double *x, uint32_t count,
                               const void *context) {
    const float *range = context;
    return offcut__ternary_eval((offcut__ternary)node->type->kind, range[0], range[1], x[0], x[1],
                                count > 2 ? x[2] : 0);
}

static offcut_status fold_ternary(offcut__graph *graph, offcut__node *node) {
    float range[2];
    offcut__shape shapes[3];
    (void)quantized_range(offcut__node_output(graph, node, 0)->type, &range[0], &range[1]);
    const bool where = node->type->kind == OFFCUT__WHERE;
    const uint32_t count = input_shapes(
        graph, node, where ? OFFCUT__RANK_MAX : quantized_axis(graph, node), shapes, 3);
    return fold_elements(graph, node, shapes, count, evaluate_ternary, range);
}

static bool all_zero(const offcut__value *value) {
    const size_t count = value ? offcut__shape_count(&value->shape) : 0;
    for (size_t i = 0; i < count; i++) {
        const double x = offcut__constant_get(value, i);
        if (x < 0 || x > 0) return false;
    }
    return true;
}

/* Integers without a zero point stay what they are until they are packed. */
static offcut_status fold_dequantize(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = offcut__node_input(graph, node, 0);
    const offcut__value *scale = offcut__node_input(graph, node, 1);
    offcut__value *y = offcut__node_output(graph, node, 0);
    if (offcut__type_is_float(x->type) || !all_zero(offcut__node_input(graph, node, 2)))
        return fold_ternary(graph, node);
    offcut__steps *steps = NULL;
    float *scales = NULL;
    const size_t count = offcut__shape_count(&scale->shape);
    OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, 1, sizeof *steps, &steps));
    OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, count, sizeof *scales, &scales));
    offcut__constant_floats(scale, scales);
    *steps = (offcut__steps){.scales = scales, .inner = 1, .count = count};
    for (uint32_t i = quantized_axis(graph, node) + 1; count > 1 && i < x->shape.rank; i++)
        steps->inner *= (size_t)x->shape.dims[i];
    if (steps->count == 0 || steps->inner == 0) return fold_ternary(graph, node); /* nothing */
    y->encoding = x->encoding;
    y->bytes = x->bytes;
    y->ints = x->ints;
    y->steps = steps;
    y->constant = true;
    return OFFCUT_OK;
}

static offcut_status lower_ternary(offcut__builder *builder, offcut__node *node) {
    offcut__view in[3], out;
    float lo = 0, hi = 0;
    const bool where = node->type->kind == OFFCUT__WHERE;
    (void)quantized_range(offcut__node_output(builder->graph, node, 0)->type, &lo, &hi);
    for (uint32_t k = 0; k < 3; k++) {
        if (offcut__node_input(builder->graph, node, k)) {
            OFFCUT_TRY(offcut__build_input(builder, node->inputs[k], &in[k]));
        } else {
            float *zero = NULL;
            OFFCUT_TRY(offcut__build_floats(builder, 1, &zero));
            in[k] = (offcut__view){.storage = OFFCUT__STORAGE_CONSTANT, .constant = zero};
        }
        if (k == 0 || where) continue;
        const offcut__shape shape =
            aligned(&in[k].shape, in[0].shape.rank, quantized_axis(builder->graph, node));
        (void)offcut__view_reshape(&in[k], &shape, &in[k]);
    }
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    return offcut__emit_loops(builder, 3, in, &out, node->type->kind, lo, hi, node->act);
}

/* ---- batch normalisation that nothing could absorb
 * ------------------------------------------------------------------ */

static offcut_status infer_batchnorm(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL, *parameter = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    if (x->shape.rank < 2) return offcut__node_fail(graph, node, "its input has no channels");
    for (uint32_t k = 1; k < 5; k++) {
        OFFCUT_TRY(offcut__need_input(graph, node, k, &parameter));
        if (!parameter->constant ||
            offcut__shape_count(&parameter->shape) != (size_t)x->shape.dims[1])
            return offcut__node_fail(graph, node, "input %u is not one constant a channel", k);
    }
    if (offcut__attribute_int(node, "training_mode", 0) != 0)
        return offcut__node_fail(graph, node, "it is in training mode");
    return offcut__infer_output(graph, node, 0, &x->shape, x->type);
}

void offcut__batchnorm_affine(const offcut__graph *graph, const offcut__node *node, size_t channel,
                              float *scale, float *shift) {
    double p[5] = {0};
    for (uint32_t k = 1; k < 5; k++)
        p[k] = offcut__constant_get(offcut__node_input(graph, node, k), channel);
    const double s = p[1] / sqrt(p[4] + (double)offcut__attribute_float(node, "epsilon", 1e-5f));
    *scale = (float)s;
    *shift = (float)(p[2] - p[3] * s);
}

static offcut_status lower_batchnorm(offcut__builder *builder, offcut__node *node) {
    offcut__view in[3], out;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in[0]));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    const size_t channels = (size_t)in[0].shape.dims[1];
    float *parameters = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, 2 * channels, &parameters));
    for (size_t c = 0; c < channels; c++)
        offcut__batchnorm_affine(builder->graph, node, c, &parameters[c],
                                 &parameters[channels + c]);
    for (uint32_t k = 1; k < 3; k++) {
        in[k] = (offcut__view){.storage = OFFCUT__STORAGE_CONSTANT,
                               .constant = parameters + (k - 1) * channels};
        in[k].shape.rank = in[0].shape.rank;
        for (uint32_t i = 0; i < in[k].shape.rank; i++)
            in[k].shape.dims[i] = i == 1 ? (int32_t)channels : 1;
        in[k].strides[1] = 1;
    }
    return offcut__emit_loops(builder, 3, in, &out, OFFCUT__AFFINE, 0, 0, node->act);
}

#define UNARY(name, kind) {name, kind, infer_same, fold_unary, lower_unary}
#define BINARY(name, kind) {name, kind, infer_broadcast, fold_binary, lower_binary}

const offcut__operator offcut__operators_eltwise[] = {
    UNARY("Relu", OFFCUT__CLIP),
    UNARY("Clip", OFFCUT__CLIP),
    UNARY("LeakyRelu", OFFCUT__LEAKY),
    UNARY("Sigmoid", OFFCUT__SIGMOID),
    UNARY("HardSigmoid", OFFCUT__HARDSIGMOID),
    UNARY("HardSwish", OFFCUT__HARDSWISH),
    UNARY("Swish", OFFCUT__SILU),
    UNARY("Tanh", OFFCUT__TANH),
    UNARY("Elu", OFFCUT__ELU),
    UNARY("Selu", OFFCUT__SELU),
    UNARY("Celu", OFFCUT__CELU),
    UNARY("ThresholdedRelu", OFFCUT__THRESHOLDED),
    UNARY("Softplus", OFFCUT__SOFTPLUS),
    UNARY("Softsign", OFFCUT__SOFTSIGN),
    UNARY("Mish", OFFCUT__MISH),
    UNARY("Gelu", OFFCUT__GELU),
    UNARY("Erf", OFFCUT__ERF),
    UNARY("Exp", OFFCUT__EXP),
    UNARY("Log", OFFCUT__LOG),
    UNARY("Sqrt", OFFCUT__SQRT),
    UNARY("Reciprocal", OFFCUT__RECIPROCAL),
    UNARY("Abs", OFFCUT__ABS),
    UNARY("Neg", OFFCUT__NEG),
    UNARY("Floor", OFFCUT__FLOOR),
    UNARY("Ceil", OFFCUT__CEIL),
    UNARY("Round", OFFCUT__ROUND),
    UNARY("Sign", OFFCUT__SIGN),
    UNARY("Sin", OFFCUT__SIN),
    UNARY("Cos", OFFCUT__COS),
    UNARY("Not", OFFCUT__NOT),
    {"Cast", 0, infer_cast, fold_cast, lower_cast},
    BINARY("Add", OFFCUT__ADD),
    BINARY("Sub", OFFCUT__SUB),
    BINARY("Mul", OFFCUT__MUL),
    BINARY("Div", OFFCUT__DIV),
    BINARY("Min", OFFCUT__MIN),
    BINARY("Max", OFFCUT__MAX),
    BINARY("Sum", OFFCUT__ADD),
    BINARY("Mean", OFFCUT__ADD),
    BINARY("PRelu", OFFCUT__PRELU),
    BINARY("Pow", OFFCUT__POW),
    BINARY("Mod", OFFCUT__MOD),
    BINARY("Equal", OFFCUT__EQUAL),
    BINARY("Less", OFFCUT__LESS),
    BINARY("Greater", OFFCUT__GREATER),
    BINARY("LessOrEqual", OFFCUT__LESS_EQUAL),
    BINARY("GreaterOrEqual", OFFCUT__GREATER_EQUAL),
    BINARY("And", OFFCUT__AND),
    BINARY("Or", OFFCUT__OR),
    BINARY("Xor", OFFCUT__XOR),
    {"Where", OFFCUT__WHERE, infer_where, fold_ternary, lower_ternary},
    {"QuantizeLinear", OFFCUT__QUANTIZE, infer_quantize, fold_ternary, lower_ternary},
    {"DequantizeLinear", OFFCUT__DEQUANTIZE, infer_quantize, fold_dequantize, lower_ternary},
    {"BatchNormalization", 0, infer_batchnorm, NULL, lower_batchnorm},
    {.name = NULL},
};
