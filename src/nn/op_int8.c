/* SPDX-License-Identifier: Apache-2.0
 * Operations on int8 quads, from the nodes that int8.c marked. */
#include "operator.h"

#include <math.h>
#include <stdlib.h>

static offcut__value *input_of(const offcut__builder *builder, const offcut__node *node,
                               uint32_t index) {
    return offcut__node_input(builder->graph, node, index);
}

static float step_out(const offcut__builder *builder, const offcut__node *node) {
    return offcut__node_output(builder->graph, node, 0)->step;
}

/* Where a clamp at bound begins in steps; a NaN clamps nothing. */
static int32_t in_steps(float bound, float step, int32_t fallback) {
    const float steps = rintf(bound / step);
    if (!(steps >= -128)) return steps < -128 ? -128 : fallback;
    return steps > 127 ? 127 : (int32_t)steps;
}

static void clamp_of(const offcut__node *node, float step, int32_t *lo, int32_t *hi) {
    *lo = -128;
    *hi = 127;
    if (node->act.kind != OFFCUT__CLIP) return;
    *lo = in_steps(node->act.a, step, -128);
    *hi = in_steps(node->act.b, step, 127);
}

/* An operation with a row a unit. */
static offcut_status emit(offcut__builder *builder, offcut__op_run run, const offcut__view *in,
                          const offcut__view *out, double row_cost, offcut__op **op) {
    OFFCUT_TRY(offcut__build_op(builder, op));
    (*op)->run = run;
    (*op)->in[0] = *in;
    (*op)->in_count = 1;
    (*op)->out = *out;
    (*op)->units = (uint32_t)out->shape.dims[2];
    (*op)->unit_cost = row_cost + 16;
    return OFFCUT_OK;
}

static double elements_in_row(const offcut__view *view) {
    return (double)view->shape.dims[3] * view->shape.dims[1];
}

/* ---- convolution ---- */

/* Of output channel k: the step of its weights, 0 where that is not one positive number. */
static float weight_step(const offcut__value *weights, uint32_t k) {
    const offcut__steps *s = weights->steps;
    const size_t each = offcut__shape_count(&weights->shape) / (size_t)weights->shape.dims[0];
    if (!s || (s->count > 1 && (s->inner != each || s->count != (size_t)weights->shape.dims[0])))
        return 0;
    const float step = s->scales[s->count > 1 ? k : 0];
    return step >= 1e-30f && step <= 1e30f ? step : 0;
}

/* The integers as they are in the file; NULL: they are stored otherwise. */
static const int8_t *stored_bytes(const offcut__value *weights) {
    return weights->encoding == OFFCUT__TYPE_I8 ? (const int8_t *)weights->bytes.data : NULL;
}

/* Of weights: the sum of those above zero, and that of those below without its sign. */
typedef struct sides {
    double above, below;
} sides;

/* Of count weights; infinite if one is not of 8 bits. */
static sides sides_of(const offcut__value *weights, size_t first, size_t count) {
    const int8_t *stored = stored_bytes(weights);
    sides sum = {0, 0};
    for (size_t i = first; stored && i < first + count;) {
        int32_t above = 0, all = 0; /* no overflow: 2^16 x 128 */
        for (size_t end = i + 65536; i < end && i < first + count; i++) {
            above += stored[i] > 0 ? stored[i] : 0;
            all += stored[i];
        }
        sum.above += above;
        sum.below += above - all;
    }
    for (size_t i = first; !stored && i < first + count; i++) {
        const double w = offcut__constant_raw(weights, i);
        const bool fits = w >= -128 && w <= 127;
        sum.above += !fits ? (double)INFINITY : w > 0 ? w : 0;
        sum.below += !fits ? (double)INFINITY : w < 0 ? -w : 0;
    }
    return sum;
}

static double bias_of(const offcut__graph *graph, const offcut__node *node, uint32_t k,
                      double step) {
    const offcut__value *bias = offcut__node_input(graph, node, 2);
    return bias ? rint(offcut__constant_get(bias, k) / step) : 0;
}

static offcut__conv8 conv8_of(const offcut__conv *c) {
    const bool depthwise = c->groups > 1;
    return (offcut__conv8){.window = c->window,
                           .channels_in = depthwise ? c->groups : c->group_in,
                           .channels_out = c->groups * c->group_out,
                           .depthwise = depthwise};
}

/* Whether sums of up to that fit 32 bits, and results, before they are clamped, what the rounding
 * can take; step: of the result, 0 for f32. */
static bool sums_fit(double largest, double sum_step, double step, double residual) {
    return largest < 2147483647.0 &&
           (!(step > 0) || largest * sum_step / step + 128.0 * residual / step < 4194304.0);
}

bool offcut__conv8_fits(offcut__graph *graph, const offcut__node *node, const offcut__value *in,
                        float step, float residual) {
    const offcut__value *weights = offcut__node_input(graph, node, 1),
                        *out = offcut__node_output(graph, node, 0);
    if (node->scale || node->shift || !weights || !weights->steps) return false;
    const offcut__conv geometry = offcut__conv_geometry(graph, node);
    const bool depthwise = geometry.groups > 1 && geometry.group_in == 1 && geometry.group_out == 1;
    offcut__conv8 c = conv8_of(&geometry);
    if (!(geometry.groups == 1 || (depthwise && step > 0)) ||
        !offcut__conv8_can(&c, out->shape.dims[3]))
        return false;
    const size_t each = offcut__shape_count(&weights->shape) / c.channels_out;
    for (uint32_t k = 0; k < c.channels_out; k++) {
        const double sum_step = (double)in->step * (double)weight_step(weights, k);
        if (!(sum_step > 0)) return false;
        const double bias = fabs(bias_of(graph, node, k, sum_step));
        /* Mostly any weights of 8 bits do. */
        if (stored_bytes(weights) &&
            sums_fit(bias + 16384 * (double)each, sum_step, step, residual))
            continue;
        const sides w = sides_of(weights, k * each, each);
        if (!sums_fit(bias + 128 * (w.above + w.below), sum_step, step, residual)) return false;
    }
    return true;
}

static offcut_status conv8_parameters(offcut__builder *builder, const offcut__node *node,
                                      offcut__conv8 *c, int32_t **bias) {
    const offcut__value *weights = input_of(builder, node, 1);
    const float out = step_out(builder, node);
    const size_t padded = ((size_t)c->channels_out + 7) & ~(size_t)7;
    float *scale = NULL;
    OFFCUT_TRY(offcut__build_indices(builder, padded, bias));
    OFFCUT_TRY(offcut__build_floats(builder, padded, &scale));
    for (uint32_t k = 0; k < c->channels_out; k++) {
        const double step =
            (double)input_of(builder, node, 0)->step * (double)weight_step(weights, k);
        (*bias)[k] = (int32_t)bias_of(builder->graph, node, k, step);
        scale[k] = (float)(out > 0 ? step / (double)out : step);
    }
    c->bias = *bias;
    c->scale = scale;
    return OFFCUT_OK;
}

static offcut__sums8 sums_of(const offcut__value *weights, uint32_t channels_out) {
    const size_t each = offcut__shape_count(&weights->shape) / channels_out;
    offcut__sums8 sums = {0, 0};
    for (uint32_t k = 0; k < channels_out; k++) {
        const sides w = sides_of(weights, k * each, each);
        sums.one_sign = fmax(sums.one_sign, fmax(w.above, w.below));
        sums.all = fmax(sums.all, w.above + w.below);
    }
    return sums;
}

/* What no sum of products of one output is above, nor its negative. */
static double largest_sum(const offcut__builder *builder, const offcut__node *node,
                          uint32_t channels_out) {
    offcut__sums8 *sums = &builder->shared->sums8[node->inputs[1]];
    if (!(sums->all > 0)) *sums = sums_of(input_of(builder, node, 1), channels_out);
    return input_of(builder, node, 0)->positive ? 127 * sums->one_sign : 128 * sums->all;
}

/* Where there are fewer tiles their weights, 36 numbers for 9, are not worth their memory. */
#define WINOGRAD_TILES_MIN 16

static bool winograd_pays(const offcut__builder *builder, const offcut__node *node,
                          const offcut__conv8 *c, const int32_t *out) {
    const int32_t tiles = ((out[2] + 3) / 4) * ((out[3] + 3) / 4);
    if (offcut__dot8_is_fast() || tiles < WINOGRAD_TILES_MIN) return false;
    return offcut__conv8_winograd_can(c, 0) &&
           offcut__conv8_winograd_can(c, largest_sum(builder, node, c->channels_out));
}

/* Instead of the plain kernel, in a third of the time. */
static void use_winograd(offcut__op *op) {
    op->run = offcut__conv8_winograd;
    op->unit_cost *= (double)op->units / offcut__conv8_winograd_units(op) / 3;
    op->units = offcut__conv8_winograd_units(op);
    op->scratch_size = offcut__conv8_winograd_scratch(op);
}

static offcut_status lower_conv8(offcut__builder *builder, offcut__node *node) {
    const offcut__conv geometry = offcut__conv_geometry(builder->graph, node);
    offcut__view in, out;
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    offcut__conv8 c = conv8_of(&geometry);
    const float step = step_out(builder, node);
    const offcut__value *x = input_of(builder, node, 0);
    c.floats = !(step > 0);
    const bool winograd = winograd_pays(builder, node, &c, out.shape.dims);
    if (OFFCUT__DOT8 && geometry.groups == 1 && !winograd) c.offset = x->offset;
    c.wide = !OFFCUT__DOT8 || !(x->positive || c.offset) || winograd;
    clamp_of(node, c.floats ? 1 : step, &c.lo, &c.hi);
    (void)offcut__conv8_can(&c, out.shape.dims[3]);
    const double taps = (double)c.window.kernel_h * c.window.kernel_w * geometry.group_in;
    OFFCUT_TRY(emit(builder, c.depthwise ? offcut__depthwise8_run : offcut__conv8_run, &in, &out,
                    elements_in_row(&out) * taps / 4, &op));
    op->macs = elements_in_row(&out) * out.shape.dims[2] * taps;
    if (c.floats) op->act = node->act;
    if (node->residual != OFFCUT__NONE) {
        c.residual = builder->graph->values[node->residual].step / step;
        c.floor = node->rectified ? 0 : -1e30f;
        OFFCUT_TRY(offcut__build_input(builder, node->residual, &op->in[1]));
        op->in_count = 2;
        op->in_place = 2;
    }
    op->u.conv8 = c;
    if (winograd)
        use_winograd(op);
    else if (!c.depthwise)
        op->scratch_size = offcut__conv8_scratch(op);
    return OFFCUT_OK;
}

offcut_status offcut__conv8_pack(offcut__builder *builder, offcut__op *op) {
    const offcut__node *node = &builder->graph->nodes[op->node];
    const offcut__value *value = input_of(builder, node, 1);
    offcut__conv8 *c = &op->u.conv8;
    int32_t *bias = NULL;
    OFFCUT_TRY(conv8_parameters(builder, node, c, &bias));
    int8_t *packed = NULL, *bytes = NULL;
    const bool winograd = op->run == offcut__conv8_winograd;
    const size_t size = winograd ? offcut__conv8_winograd_weights(c) : offcut__conv8_weights(c);
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, builder->pool, size, sizeof *packed, &packed));
    c->weights = packed;
    const int8_t *weights = stored_bytes(value);
    const size_t count = offcut__shape_count(&value->shape), each = count / c->channels_out;
    if (!weights) {
        OFFCUT_TRY(offcut__alloc(builder->ctx, count, sizeof *bytes, &bytes));
        for (size_t i = 0; i < count; i++) bytes[i] = (int8_t)offcut__constant_raw(value, i);
        weights = bytes;
    }
    for (size_t i = 0; c->offset != 0 && i < count; i++) bias[i / each] -= c->offset * weights[i];
    if (winograd)
        offcut__conv8_winograd_fill(c, weights, (int16_t *)(void *)packed);
    else if (c->depthwise)
        offcut__depthwise8_fill(c, weights, packed);
    else
        offcut__conv8_fill(c, weights, packed);
    free(bytes);
    return OFFCUT_OK;
}

/* ---- the rest ---- */

static offcut_status lower_quantise(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_image(builder, node, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    const size_t padded = (size_t)offcut__view_groups(&out) * 4;
    float *centre = NULL, *spread = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, padded, &centre));
    OFFCUT_TRY(offcut__build_floats(builder, padded, &spread));
    for (size_t i = 0; i < padded; i++) {
        centre[i] = node->centre[i];
        spread[i] = node->spread[i];
    }
    OFFCUT_TRY(emit(builder, offcut__quantise8_run, &in, &out, 4 * elements_in_row(&out), &op));
    offcut__scaling8 *s = &op->u.scaling8;
    *s = (offcut__scaling8){
        .factor = {step_out(builder, node), 0}, .centre = centre, .spread = spread};
    clamp_of(node, s->factor[0], &s->lo, &s->hi);
    return OFFCUT_OK;
}

static offcut_status lower_scaling(offcut__builder *builder, offcut__node *node, bool floats) {
    offcut__view in, out;
    offcut__op *op = NULL;
    const bool sum = offcut__span_is(node->op, "Add");
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    OFFCUT_TRY(emit(builder, floats ? offcut__dequantise8_run : offcut__add8_run, &in, &out,
                    2 * elements_in_row(&out), &op));
    offcut__scaling8 *s = &op->u.scaling8;
    const float step = step_out(builder, node);
    clamp_of(node, floats ? 1 : step, &s->lo, &s->hi);
    s->factor[0] = floats ? (float)offcut__constant_get(input_of(builder, node, 1), 0)
                          : input_of(builder, node, 0)->step / step;
    if (!sum) return OFFCUT_OK;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[1], &op->in[1]));
    s->factor[1] = input_of(builder, node, 1)->step / step;
    op->in_count = 2;
    op->in_place = 3;
    return OFFCUT_OK;
}

static offcut_status lower_pool8(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    offcut__op *op = NULL;
    const offcut__pooling pooling = offcut__pool_geometry(node);
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    const double cost = (double)pooling.window.kernel_h * pooling.window.kernel_w;
    OFFCUT_TRY(emit(builder, offcut__pool8_run, &in, &out, elements_in_row(&out) * cost, &op));
    op->u.pooling = pooling;
    return OFFCUT_OK;
}

static offcut_status lower_resize8(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    offcut__op *op = NULL;
    offcut__resize resize;
    OFFCUT_TRY(offcut__build_input(builder, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    OFFCUT_TRY(offcut__resize_tables(builder, node, &resize));
    /* The rows' weights take the scales along. */
    const float factor = input_of(builder, node, 0)->step / step_out(builder, node);
    if (!(fabsf(factor - 1) <= 0)) {
        const size_t count = (size_t)out.shape.dims[2] * resize.taps_y;
        float *weights = NULL;
        OFFCUT_TRY(offcut__build_floats(builder, count, &weights));
        for (size_t i = 0; i < count; i++) weights[i] = resize.row_weights[i] * factor;
        resize.row_weights = weights;
        resize.doubles = false;
    }
    OFFCUT_TRY(emit(builder, offcut__resize8_run, &in, &out,
                    elements_in_row(&out) * 2 * resize.taps_y, &op));
    op->u.resize = resize;
    op->scratch_size = offcut__resize8_scratch(op);
    return OFFCUT_OK;
}

/* The same memory as f32 of a quarter of the channels: what copies move. */
static offcut__view as_floats(const offcut__view *quads) {
    offcut__view view = *quads;
    view.quads = false;
    view.shape.dims[1] = offcut__view_groups(quads);
    return view;
}

static offcut_status lower_concat8(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    offcut__view place = as_floats(&out);
    for (uint32_t k = 0; k < node->input_count; k++) {
        OFFCUT_TRY(offcut__build_input(builder, node->inputs[k], &in));
        const offcut__view from = as_floats(&in);
        place.shape.dims[1] = from.shape.dims[1];
        /* Most inputs were written here in the first place. */
        if (from.storage != place.storage || from.offset != place.offset)
            OFFCUT_TRY(offcut__emit_copy(builder, &from, &place));
        place.offset += from.shape.dims[1] * place.strides[1];
    }
    return OFFCUT_OK;
}

offcut_status offcut__lower_integer(offcut__builder *builder, offcut__node *node) {
    if (offcut__span_is(node->op, "Conv")) return lower_conv8(builder, node);
    if (offcut__span_is(node->op, "QuantizeLinear")) return lower_quantise(builder, node);
    if (offcut__span_is(node->op, "MaxPool")) return lower_pool8(builder, node);
    if (offcut__span_is(node->op, "Resize")) return lower_resize8(builder, node);
    if (offcut__span_is(node->op, "Concat")) return lower_concat8(builder, node);
    return lower_scaling(builder, node, !(step_out(builder, node) > 0));
}
