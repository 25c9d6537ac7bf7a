/* SPDX-License-Identifier: Apache-2.0
 * Conv and ConvTranspose. The latter becomes one convolution for each phase of its stride: output
 * rows y = phase, phase + stride, ... see the same taps at a fixed distance. */
#include "operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- shapes ---- */

typedef struct channels {
    uint32_t groups, group_in, group_out;
} channels;

static bool constant_or_missing(const offcut__value *value) {
    return !value || value->constant;
}

static offcut_status read_channels(offcut__graph *graph, offcut__node *node, bool transposed) {
    const offcut__value *x = NULL, *w = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(offcut__need_input(graph, node, 1, &w));
    const offcut__value *bias = offcut__node_input(graph, node, 2);
    if (x->shape.rank != 4 || w->shape.rank != 4)
        return offcut__node_fail(graph, node, "only two-dimensional convolution is supported");
    if (!w->constant || !constant_or_missing(bias))
        return offcut__node_fail(graph, node, "its weights have to be constant");
    const int64_t groups = offcut__attribute_int(node, "group", 1);
    const int32_t in = x->shape.dims[1];
    if (groups < 1 || groups > 65536 || in < 1 || in % groups != 0 || w->shape.dims[0] < 1 ||
        w->shape.dims[1] < 1)
        return offcut__node_fail(graph, node, "its groups do not fit its channels");
    const int32_t first = w->shape.dims[0], second = w->shape.dims[1];
    const bool fits = transposed ? first == in : second == in / groups && first % groups == 0;
    if (!fits) return offcut__node_fail(graph, node, "its weights do not fit its input");
    const int64_t out = transposed ? groups * second : first;
    if (out > 65536 || in > 65536)
        return offcut__node_fail(graph, node, "it has too many channels");
    if (bias && offcut__shape_count(&bias->shape) != (size_t)out)
        return offcut__node_fail(graph, node, "its bias does not fit its weights");
    node->groups = (uint32_t)groups;
    return OFFCUT_OK;
}

static channels channels_of(const offcut__graph *graph, const offcut__node *node, bool transposed) {
    const int32_t *w = offcut__node_input(graph, node, 1)->shape.dims;
    const uint32_t first = (uint32_t)w[0], second = (uint32_t)w[1], groups = node->groups;
    if (transposed) return (channels){groups, first / groups, second};
    return (channels){groups, second, first / groups};
}

static offcut_status read_windows(offcut__graph *graph, offcut__node *node) {
    const int32_t *kernel = &offcut__node_input(graph, node, 1)->shape.dims[2];
    OFFCUT_TRY(offcut__need_windows(graph, node, kernel));
    if (node->windows[0].kernel != kernel[0] || node->windows[1].kernel != kernel[1])
        return offcut__node_fail(graph, node, "its kernel does not fit its weights");
    return OFFCUT_OK;
}

static offcut_status infer_conv(offcut__graph *graph, offcut__node *node) {
    OFFCUT_TRY(read_channels(graph, node, false));
    OFFCUT_TRY(read_windows(graph, node));
    const channels c = channels_of(graph, node, false);
    const offcut__value *x = offcut__node_input(graph, node, 0);
    offcut__shape shape = {.rank = 4,
                           .dims = {x->shape.dims[0], (int32_t)(c.groups * c.group_out)}};
    for (int d = 0; d < 2; d++) {
        shape.dims[2 + d] =
            offcut__window_output(node, x->shape.dims[2 + d], false, &node->windows[d]);
        if (shape.dims[2 + d] < 1)
            return offcut__node_fail(graph, node, "its kernel is larger than its input");
    }
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

/* The output size of a transposed convolution; sets the padding where the node leaves it open. */
static offcut_status transpose_size(offcut__graph *graph, offcut__node *node,
                                    const offcut__value *x, int32_t size[2]) {
    offcut__window *w = node->windows;
    int64_t extra[2] = {0, 0}, wanted[4] = {0};
    uint32_t extra_count = 0, wanted_count = 0;
    if (!offcut__attribute_ints(node, "output_padding", extra, 2, &extra_count) ||
        extra_count == 1 ||
        !offcut__attribute_ints(node, "output_shape", wanted, 4, &wanted_count) ||
        (wanted_count & 1))
        return offcut__node_fail(graph, node, "its output's shape is not for two dimensions");
    const offcut__span mode = offcut__attribute_string(node, "auto_pad");
    const bool upper = offcut__span_is(mode, "SAME_UPPER"),
               same = upper || offcut__span_is(mode, "SAME_LOWER");
    for (int d = 0; d < 2; d++) {
        if (extra[d] < 0 || extra[d] > 4096)
            return offcut__node_fail(graph, node, "its output padding is out of range");
        const int64_t in = x->shape.dims[2 + d];
        const int64_t full =
            w[d].stride * (in - 1) + extra[d] + (int64_t)(w[d].kernel - 1) * w[d].dilation + 1;
        int64_t out = full - w[d].before - w[d].after;
        if (same || wanted_count > 0) {
            out = wanted_count > 0 ? wanted[wanted_count - 2 + (uint32_t)d] : in * w[d].stride;
            const int64_t pads = full - out > 0 ? full - out : 0;
            if (out < 1 || pads > 1 << 20)
                return offcut__node_fail(graph, node, "its output's shape is out of range");
            w[d].before = (int32_t)(upper ? pads / 2 : pads - pads / 2);
        }
        if (out < 1 || out > 65536)
            return offcut__node_fail(graph, node, "its output's shape is out of range");
        size[d] = (int32_t)out;
    }
    return OFFCUT_OK;
}

static offcut_status infer_transpose(offcut__graph *graph, offcut__node *node) {
    int32_t size[2] = {0};
    OFFCUT_TRY(read_channels(graph, node, true));
    OFFCUT_TRY(read_windows(graph, node));
    const channels c = channels_of(graph, node, true);
    const offcut__value *x = offcut__node_input(graph, node, 0);
    OFFCUT_TRY(transpose_size(graph, node, x, size));
    const offcut__shape shape = {
        .rank = 4, .dims = {x->shape.dims[0], (int32_t)(c.groups * c.group_out), size[0], size[1]}};
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

/* ---- lowering ---- */

/* Winograd's weights are four times as large: memory is spent only where many tiles use them. */
#define WINOGRAD_WEIGHTS_MAX ((size_t)1 << 19)
#define WINOGRAD_PIXELS_MIN 1024

static bool winograd_pays(const offcut__conv *c, const int32_t *out) {
    return offcut__conv_winograd_can(c) && c->group_in >= 8 && c->group_out >= 8 &&
           (int64_t)out[2] * out[3] >= WINOGRAD_PIXELS_MIN && out[2] >= 8 && out[3] >= 8 &&
           offcut__conv_winograd_weights(c) <= WINOGRAD_WEIGHTS_MAX;
}

static void choose_kernel(offcut__op *op) {
    const offcut__conv *c = &op->u.conv;
    const int32_t *out = op->out.shape.dims;
    op->unit_cost = (double)out[3] * c->groups * c->group_out * c->group_in * c->window.kernel_h *
                        c->window.kernel_w +
                    64;
    op->units = (uint32_t)(out[0] * out[2]);
    if (offcut__conv_depthwise_can(c)) {
        op->run = offcut__conv_depthwise;
        op->unit_cost *= 4;
    } else if (offcut__conv_narrow_can(c)) {
        op->run = offcut__conv_narrow;
    } else if (winograd_pays(c, out)) {
        op->run = offcut__conv_winograd;
        op->scratch_size = offcut__conv_winograd_scratch(op);
        op->unit_cost *= (double)op->units / offcut__conv_winograd_units(op) / 2;
        op->units = offcut__conv_winograd_units(op);
    } else {
        op->run = offcut__conv_direct;
        op->scratch_size = offcut__conv_direct_scratch(op);
    }
}

/* One convolution into out, which may be every stride-th pixel of the result. */
static offcut_status emit_conv(offcut__builder *builder, const offcut__node *node,
                               const offcut__view *in, const offcut__view *add,
                               const offcut__view *out, const offcut__conv *conv) {
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_op(builder, &op));
    op->in[0] = *in;
    op->in_count = 1;
    if (add) {
        op->in[1] = *add;
        op->in_count = 2;
        op->in_place = 2;
    }
    op->out = *out;
    op->u.conv = *conv;
    OFFCUT_TRY(offcut__build_act(builder, node, op));
    choose_kernel(op);
    op->macs = (double)offcut__shape_count(&out->shape) * conv->group_in * conv->window.kernel_h *
               conv->window.kernel_w;
    return OFFCUT_OK;
}

static offcut_status conv_views(offcut__builder *builder, offcut__node *node, offcut__view *in,
                                offcut__view *add, offcut__view *out) {
    OFFCUT_TRY(offcut__build_image(builder, node, node->inputs[0], in));
    if (node->residual != OFFCUT__NONE)
        OFFCUT_TRY(offcut__build_image(builder, node, node->residual, add));
    return offcut__build_output(builder, node->outputs[0], out);
}

offcut__conv offcut__conv_geometry(const offcut__graph *graph, const offcut__node *node) {
    const channels c = channels_of(graph, node, false);
    return (offcut__conv){.window = offcut__windows_geometry(node->windows),
                          .groups = c.groups,
                          .group_in = c.group_in,
                          .group_out = c.group_out};
}

static offcut_status lower_conv(offcut__builder *builder, offcut__node *node) {
    const offcut__conv conv = offcut__conv_geometry(builder->graph, node);
    offcut__view in, add, out;
    OFFCUT_TRY(conv_views(builder, node, &in, &add, &out));
    if (offcut__shape_count(&out.shape) == 0) return OFFCUT_OK;
    return emit_conv(builder, node, &in, node->residual != OFFCUT__NONE ? &add : NULL, &out, &conv);
}

static int32_t common_divisor(int32_t a, int32_t b) {
    return b == 0 ? a : common_divisor(b, a % b);
}

/* The taps of a transposed convolution's window that reach outputs phase, phase + stride, ... */
typedef struct phase {
    int32_t first, step, count; /* kernel indices first, first + step, ... */
    int32_t outputs;
    int32_t pad, dilation; /* as a convolution, whose taps run the other way */
} phase;

static phase phase_of(const offcut__window *w, int32_t size, int32_t index) {
    const int32_t divisor = common_divisor(w->stride, w->dilation);
    phase p = {.step = w->stride / divisor, .dilation = w->dilation / divisor};
    p.outputs = index < size ? (size - index + w->stride - 1) / w->stride : 0;
    int32_t last = 0;
    for (int32_t k = 0; k < w->kernel; k++) {
        if ((index + w->before - k * w->dilation) % w->stride != 0) continue;
        if (p.count++ == 0) p.first = k;
        last = k;
    }
    p.pad = -((index + w->before - last * w->dilation) / w->stride);
    return p;
}

static offcut_status emit_phase(offcut__builder *builder, const offcut__node *node,
                                const offcut__view *in, const offcut__view *add,
                                const offcut__view *out, const int32_t index[2]) {
    const channels c = channels_of(builder->graph, node, true);
    const offcut__window *w = node->windows;
    offcut__view views[2] = {*out, add ? *add : *out};
    phase p[2];
    for (int d = 0; d < 2; d++) {
        p[d] = phase_of(&w[d], out->shape.dims[2 + d], index[d]);
        if (p[d].outputs == 0) return OFFCUT_OK;
        for (int v = 0; v < 2; v++) {
            views[v].offset += index[d] * views[v].strides[2 + d];
            views[v].strides[2 + d] *= w[d].stride;
            views[v].shape.dims[2 + d] = p[d].outputs;
        }
    }
    /* Without taps in one direction there are none at all, only the bias. */
    if (p[0].count == 0 || p[1].count == 0) p[0].count = p[1].count = 0;
    const offcut__conv conv = {.window = {.kernel_h = p[0].count,
                                          .kernel_w = p[1].count,
                                          .stride_h = 1,
                                          .stride_w = 1,
                                          .dilation_h = p[0].dilation,
                                          .dilation_w = p[1].dilation,
                                          .pad_top = p[0].count ? p[0].pad : 0,
                                          .pad_left = p[1].count ? p[1].pad : 0},
                               .groups = c.groups,
                               .group_in = c.group_in,
                               .group_out = c.group_out,
                               .source = {true, p[0].first, p[0].step, p[1].first, p[1].step}};
    return emit_conv(builder, node, in, add ? &views[1] : NULL, &views[0], &conv);
}

static offcut_status lower_transpose(offcut__builder *builder, offcut__node *node) {
    const offcut__window *w = node->windows;
    offcut__view in, add, out;
    int32_t index[2];
    OFFCUT_TRY(conv_views(builder, node, &in, &add, &out));
    if (offcut__shape_count(&out.shape) == 0) return OFFCUT_OK;
    if (w[0].stride * w[1].stride > 4096)
        return offcut__node_fail(builder->graph, node, "its stride is out of range");
    for (index[0] = 0; index[0] < w[0].stride; index[0]++)
        for (index[1] = 0; index[1] < w[1].stride; index[1]++)
            OFFCUT_TRY(emit_phase(builder, node, &in, node->residual != OFFCUT__NONE ? &add : NULL,
                                  &out, index));
    return OFFCUT_OK;
}

/* ---- weights ---- */

/* ONNX's [out][in / groups][h][w] or, transposed, [in][out / groups][h][w] -> [out][h][w][in /
 * groups]. */
static void to_reference(const offcut__node *node, const offcut__conv *c,
                         const offcut__shape *shape, const float *from, float *to) {
    const size_t height = (size_t)shape->dims[2], width = (size_t)shape->dims[3];
    const size_t plane = height * width;
    for (uint32_t k = 0; k < c->groups * c->group_out; k++) {
        const float scale = node->scale ? node->scale[k] : 1.0f;
        const uint32_t group = k / c->group_out, member = k % c->group_out;
        for (int32_t i = 0; i < c->window.kernel_h; i++) {
            for (int32_t j = 0; j < c->window.kernel_w; j++) {
                size_t at = (size_t)k * c->group_in * plane + (size_t)i * width + (size_t)j,
                       step = plane;
                if (c->source.transposed) {
                    const size_t row = (size_t)(c->source.first_h +
                                                (c->window.kernel_h - 1 - i) * c->source.step_h);
                    const size_t column = (size_t)(c->source.first_w +
                                                   (c->window.kernel_w - 1 - j) * c->source.step_w);
                    at = ((size_t)group * c->group_in * c->group_out + member) * plane +
                         row * width + column;
                    step = c->group_out * plane;
                }
                for (uint32_t d = 0; d < c->group_in; d++) *to++ = from[at + d * step] * scale;
            }
        }
    }
}

static offcut_status pack_bias(offcut__builder *builder, const offcut__node *node,
                               offcut__conv *c) {
    const size_t count = (size_t)c->groups * c->group_out;
    const offcut__value *value = offcut__node_input(builder->graph, node, 2);
    float *bias = NULL;
    OFFCUT_TRY(offcut__build_floats(builder, count, &bias));
    for (size_t k = 0; k < count; k++) {
        if (value) bias[k] = (float)offcut__constant_get(value, k);
        if (node->scale) bias[k] *= node->scale[k];
        if (node->shift) bias[k] += node->shift[k];
    }
    c->bias = bias;
    return OFFCUT_OK;
}

offcut_status offcut__conv_pack(offcut__builder *builder, offcut__op *op) {
    const offcut__node *node = &builder->graph->nodes[op->node];
    const offcut__value *value = offcut__node_input(builder->graph, node, 1);
    offcut__conv *c = &op->u.conv;
    OFFCUT_TRY(pack_bias(builder, node, c));
    const size_t reference_size = (size_t)c->groups * c->group_out * c->group_in *
                                  (size_t)c->window.kernel_h * (size_t)c->window.kernel_w;
    size_t size = reference_size;
    if (op->run == offcut__conv_direct) size = offcut__conv_direct_weights(c);
    if (op->run == offcut__conv_winograd) size = offcut__conv_winograd_weights(c);
    float *packed = NULL, *floats = NULL, *reference = NULL;
    offcut_status status = OFFCUT_OK;
    if ((status = offcut__build_floats(builder, size, &packed)) != OFFCUT_OK ||
        (status = offcut__alloc(builder->ctx, offcut__shape_count(&value->shape), sizeof *floats,
                                &floats)) != OFFCUT_OK ||
        (status = offcut__alloc(builder->ctx, reference_size, sizeof *reference, &reference)) !=
            OFFCUT_OK)
        goto done;
    offcut__constant_floats(value, floats);
    to_reference(node, c, &value->shape, floats, reference);
    if (op->run == offcut__conv_direct)
        offcut__conv_direct_pack(c, reference, packed);
    else if (op->run == offcut__conv_winograd)
        offcut__conv_winograd_pack(c, reference, packed);
    else if (op->run == offcut__conv_depthwise)
        offcut__conv_depthwise_pack(c, reference, packed);
    else
        memcpy(packed, reference, reference_size * sizeof *packed);
    c->weights = packed;
done:
    free(reference);
    free(floats);
    return status;
}

const offcut__operator offcut__operators_convolution[] = {
    {"Conv", 0, infer_conv, NULL, lower_conv},
    {"ConvTranspose", 0, infer_transpose, NULL, lower_transpose},
    {.name = NULL},
};
