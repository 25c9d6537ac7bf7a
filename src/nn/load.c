/* SPDX-License-Identifier: Apache-2.0
 * From ONNX bytes to a model: read, prune, infer, fuse, lower, plan, pack. */
#include "model.h"
#include "operator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_DEFAULT 320
#define SIDE_MAX 4096
#define COST_MAX 1e13 /* multiply-adds: an hour or so */

/* ---- the picture and the mask
 * --------------------------------------------------------------------------------------- */

static offcut_status resolve_side(const offcut__graph *graph, const char *name, uint32_t wanted,
                                  int32_t declared, uint32_t *side) {
    *side = wanted ? wanted : declared > 0 ? (uint32_t)declared : SIDE_DEFAULT;
    OFFCUT_FAIL_IF(declared > 0 && *side != (uint32_t)declared, graph->ctx, OFFCUT_ERR_ARGUMENT,
                   "the network's input %s is %d, not %u", name, declared, wanted);
    OFFCUT_FAIL_IF(*side > SIDE_MAX, graph->ctx, OFFCUT_ERR_LIMIT,
                   "the network's input %s of %u is above %d", name, *side, SIDE_MAX);
    return OFFCUT_OK;
}

/* The one input without a value, [1, 3, height, width] or [1, height, width, 3]. */
static offcut_status resolve_picture(offcut__graph *graph, offcut_input *input,
                                     bool *channels_last) {
    uint32_t open = 0;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        if (graph->values[graph->inputs[i]].known) continue;
        if (open++ == 0) graph->input = graph->inputs[i];
    }
    OFFCUT_FAIL_IF(open != 1, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network has %u inputs, not one picture", open);
    offcut__value *value = &graph->values[graph->input];
    const int32_t *d = value->shape.dims;
    OFFCUT_FAIL_IF(value->shape.rank != 4 || d[0] > 1, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's input is not one picture of four dimensions");
    *channels_last = d[3] == 3 && d[1] != 3;
    OFFCUT_FAIL_IF(!*channels_last && d[1] > 0 && d[1] != 3, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's input has %d channels, not 3", d[1]);
    const int first = *channels_last ? 1 : 2;
    OFFCUT_TRY(resolve_side(graph, "height", input->height, d[first], &input->height));
    OFFCUT_TRY(resolve_side(graph, "width", input->width, d[first + 1], &input->width));
    const int64_t h = input->height, w = input->width;
    const int64_t dims[2][4] = {{1, 3, h, w}, {1, h, w, 3}};
    value->type = OFFCUT__TYPE_F32;
    value->known = true;
    return offcut__shape_set(graph, &value->shape, 4, dims[*channels_last]);
}

/* The output as [channels, height, width], whatever order and rank it has. */
static offcut_status mask_view(const offcut__graph *graph, const offcut__view *output,
                               offcut__view *mask) {
    const uint32_t rank = output->shape.rank;
    *mask = *output;
    mask->shape.rank = 3;
    bool single = true;
    for (uint32_t i = 0; i + 3 < rank; i++) single &= output->shape.dims[i] == 1;
    OFFCUT_FAIL_IF(rank < 2 || !single, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's output is not a mask");
    for (uint32_t i = 0; i < 3; i++) {
        const bool missing = rank == 2 && i == 0;
        const uint32_t axis = rank - 3 + i;
        mask->shape.dims[i] = missing ? 1 : output->shape.dims[rank == 2 ? i - 1 : axis];
        mask->strides[i] = missing ? 0 : output->strides[rank == 2 ? i - 1 : axis];
    }
    const offcut__view whole = *mask;
    /* Channels last, if the last dimension is the small one. */
    if (whole.shape.dims[2] < whole.shape.dims[0] ||
        (whole.shape.dims[2] == 1 && whole.shape.dims[0] > 1)) {
        for (uint32_t i = 0; i < 3; i++) {
            mask->shape.dims[i] = whole.shape.dims[(i + 2) % 3];
            mask->strides[i] = whole.strides[(i + 2) % 3];
        }
    }
    OFFCUT_FAIL_IF(mask->shape.dims[1] < 1 || mask->shape.dims[2] < 1, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's output is empty");
    return OFFCUT_OK;
}

/* ---- lowering ---- */

/* Channel-wise Concat results: inputs made at most reach nodes before are written straight into
 * them; the memory of the whole result is taken from then on. */
static void assign_homes(offcut__builder *builder, uint32_t reach) {
    offcut__graph *graph = builder->graph;
    for (uint32_t i = 0; i < graph->value_count; i++) builder->home[i] = OFFCUT__NONE;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const offcut__node *node = &graph->nodes[i];
        if (!node->live || !offcut__span_is(node->op, "Concat")) continue;
        const offcut__value *y = offcut__node_output(graph, node, 0);
        uint32_t axis = 0;
        if (y->shape.rank != 4 || !offcut__axis(offcut__attribute_int(node, "axis", 1), 4, &axis) ||
            axis != 1)
            continue;
        int32_t channel = 0;
        for (uint32_t k = 0; k < node->input_count; k++) {
            const uint32_t index = node->inputs[k];
            const offcut__value *x = &graph->values[index];
            const bool near = x->producer != OFFCUT__NONE && i - x->producer <= reach;
            if (near && !x->constant && index != graph->input && index != graph->output &&
                builder->home[index] == OFFCUT__NONE) {
                builder->home[index] = node->outputs[0];
                builder->home_channel[index] = channel;
            }
            channel += x->shape.dims[1];
        }
    }
}

static offcut_status lower_all(offcut__builder *builder, offcut_model *model, bool channels_last) {
    offcut__graph *graph = builder->graph;
    builder->op_count = 0;
    builder->storage_count = 0;
    for (uint32_t i = 0; i < graph->value_count; i++)
        builder->views[i] = (offcut__view){.storage = OFFCUT__STORAGE_NONE};
    /* In memory the picture is rows of R, G, B, whatever order its dimensions are declared in. */
    const int64_t dims[4] = {1, 3, model->input.height, model->input.width};
    model->picture = (offcut__view){.storage = OFFCUT__STORAGE_NONE};
    OFFCUT_TRY(offcut__shape_set(graph, &model->picture.shape, 4, dims));
    offcut__view_standard(&model->picture);
    OFFCUT_TRY(offcut__build_storage(builder, &model->picture));
    offcut__view *input = &builder->views[graph->input];
    *input = model->picture;
    input->shape = graph->values[graph->input].shape;
    for (uint32_t i = 1; i < 4 && channels_last; i++)
        input->strides[i] = model->picture.strides[i == 3 ? 1 : i + 1];
    for (uint32_t i = 0; i < graph->node_count; i++) {
        offcut__node *node = &graph->nodes[i];
        if (!node->live) continue;
        builder->node = i;
        if (!node->type->lower) return offcut__node_fail(graph, node, "it has to be constant");
        OFFCUT_TRY(node->integer ? offcut__lower_integer(builder, node)
                                 : node->type->lower(builder, node));
    }
    offcut__view output;
    OFFCUT_TRY(offcut__build_input(builder, graph->output, &output));
    return mask_view(graph, &output, &model->mask);
}

static offcut_status finish_ops(offcut__builder *builder, offcut_model *model) {
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, builder->pool, builder->op_count,
                                  sizeof *model->ops, &model->ops));
    model->op_count = builder->op_count;
    model->cost = 0;
    for (uint32_t i = 0; i < model->op_count; i++) {
        offcut__op *op = &model->ops[i];
        *op = builder->ops[i];
        const bool conv = op->run == offcut__conv_direct || op->run == offcut__conv_winograd ||
                          op->run == offcut__conv_depthwise || op->run == offcut__conv_narrow;
        if (conv) OFFCUT_TRY(offcut__conv_pack(builder, op));
        if (op->run == offcut__conv8_run || op->run == offcut__depthwise8_run)
            OFFCUT_TRY(offcut__conv8_pack(builder, op));
        model->cost += op->units * op->unit_cost;
        if (op->scratch_size > model->scratch_size) model->scratch_size = op->scratch_size;
    }
    model->scratch_size = (model->scratch_size + 15) & ~(size_t)15; /* to cache lines */
    OFFCUT_FAIL_IF(!(model->cost < COST_MAX), builder->ctx, OFFCUT_ERR_LIMIT,
                   "the model needs %.0f multiply-adds a run", model->cost);
    return OFFCUT_OK;
}

static offcut_status lower_and_plan(offcut__builder *builder, offcut_model *model,
                                    bool channels_last, uint32_t reach) {
    assign_homes(builder, reach);
    OFFCUT_TRY(lower_all(builder, model, channels_last));
    return offcut__plan(builder, &model->picture, &model->mask, &model->arena_size);
}

/* What is copied into a Concat result late costs time, what is written there early costs memory:
 * copies are made where they save a twentieth of the arena. */
static offcut_status choose_reach(offcut__builder *builder, offcut_model *model, bool channels_last,
                                  uint32_t *reach) {
    static const uint32_t reaches[] = {OFFCUT__NONE, 48, 12, 4};
    size_t best = 0;
    for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
        offcut__pool trial = {.limit = model->pool.limit};
        builder->pool = &trial;
        const offcut_status status = lower_and_plan(builder, model, channels_last, reaches[i]);
        builder->pool = &model->pool;
        offcut__pool_free(&trial);
        OFFCUT_TRY(status);
        if (i > 0 && model->arena_size >= best - best / 20) continue;
        best = model->arena_size;
        *reach = reaches[i];
    }
    return OFFCUT_OK;
}

static offcut_status build(offcut__graph *graph, offcut_model *model, bool channels_last) {
    offcut__builder builder = {.ctx = graph->ctx, .graph = graph, .pool = &model->pool};
    offcut_status status = OFFCUT_OK;
    const size_t values = graph->value_count;
    uint32_t reach = OFFCUT__NONE;
    if ((status = offcut__pool_alloc(graph->ctx, graph->pool, values, sizeof *builder.views,
                                     &builder.views)) != OFFCUT_OK ||
        (status = offcut__pool_alloc(graph->ctx, graph->pool, values, sizeof *builder.home,
                                     &builder.home)) != OFFCUT_OK ||
        (status = offcut__pool_alloc(graph->ctx, graph->pool, values, sizeof *builder.home_channel,
                                     &builder.home_channel)) != OFFCUT_OK ||
        (status = choose_reach(&builder, model, channels_last, &reach)) != OFFCUT_OK ||
        (status = lower_and_plan(&builder, model, channels_last, reach)) != OFFCUT_OK)
        goto done;
    status = finish_ops(&builder, model);
done:
    free(builder.ops);
    free(builder.storages);
    return status;
}

/* ---- the public face ---- */

static offcut_status check_input(offcut_ctx *ctx, const offcut_input *input) {
    OFFCUT_FAIL_IF(input->width > SIDE_MAX || input->height > SIDE_MAX, ctx, OFFCUT_ERR_ARGUMENT,
                   "the network's input of %u x %u is above %d", input->width, input->height,
                   SIDE_MAX);
    for (int i = 0; i < 3; i++)
        OFFCUT_FAIL_IF(
            !isfinite(input->mean[i]) || !isfinite(input->std[i]) || !(fabsf(input->std[i]) > 0),
            ctx, OFFCUT_ERR_ARGUMENT, "mean and std have to be finite, and std not 0");
    OFFCUT_FAIL_IF((unsigned)input->activation > OFFCUT_ACTIVATION_SOFTMAX, ctx,
                   OFFCUT_ERR_ARGUMENT, "activation %d does not exist", (int)input->activation);
    return OFFCUT_OK;
}

static offcut_status load(offcut__graph *graph, const uint8_t *onnx, size_t size,
                          offcut_model *model) {
    bool channels_last = false;
    OFFCUT_TRY(offcut__onnx_read(graph, onnx, size));
    OFFCUT_FAIL_IF(graph->output_count == 0, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network has no output");
    OFFCUT_FAIL_IF(model->input.output >= graph->output_count, graph->ctx, OFFCUT_ERR_ARGUMENT,
                   "the network has %u outputs: there is no number %u", graph->output_count,
                   model->input.output);
    graph->output = graph->outputs[model->input.output];
    OFFCUT_FAIL_IF(graph->output == OFFCUT__NONE, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's output has no name");
    OFFCUT_TRY(resolve_picture(graph, &model->input, &channels_last));
    OFFCUT_TRY(offcut__graph_prune(graph));
    OFFCUT_TRY(offcut__graph_infer(graph));
    OFFCUT_FAIL_IF(!graph->values[graph->output].known, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's output is never made");
    OFFCUT_TRY(offcut__graph_fuse(graph));
    OFFCUT_TRY(offcut__graph_quantise(graph));
    OFFCUT_TRY(build(graph, model, channels_last));
    OFFCUT_FAIL_IF(model->input.channel >= (uint32_t)model->mask.shape.dims[0], graph->ctx,
                   OFFCUT_ERR_ARGUMENT,
                   "the network's output has %d channels: there is no number %u",
                   model->mask.shape.dims[0], model->input.channel);
    return OFFCUT_OK;
}

offcut_status offcut_model_load(offcut_ctx *ctx, const uint8_t *onnx, size_t size,
                                const offcut_input *input, offcut_model **result) {
    if (!ctx || !result) return OFFCUT_ERR_ARGUMENT;
    *result = NULL;
    OFFCUT_FAIL_IF(!onnx || size == 0, ctx, OFFCUT_ERR_ARGUMENT, "there is no model");
    const offcut_input wanted = input ? *input : offcut_input_default();
    OFFCUT_TRY(check_input(ctx, &wanted));
    offcut_model *model = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *model, &model));
    model->input = wanted;
    /* Folding may blow a small file up (ConstantOfShape, Expand): as far as honest models do, and
     * no further. */
    size_t limit = 0;
    if (!offcut__size_mul(&limit, size, 16) || !offcut__size_add(&limit, limit, (size_t)64 << 20))
        limit = SIZE_MAX;
    offcut__pool pool = {.limit = limit};
    model->pool.limit = limit;
    offcut__graph graph = {.ctx = ctx, .pool = &pool};
    const offcut_status status = load(&graph, onnx, size, model);
    offcut__pool_free(&pool);
    if (status != OFFCUT_OK) {
        offcut_model_free(model);
        return status;
    }
    *result = model;
    ctx->detail[0] = 0; /* what was tried and did not fit is no failure */
    return OFFCUT_OK;
}

void offcut_model_free(offcut_model *model) {
    if (!model) return;
    offcut__network_end(model);
    offcut__pool_free(&model->pool);
    free(model);
}

const offcut_input *offcut_model_input(const offcut_model *model) {
    return model ? &model->input : NULL;
}

double offcut_model_multiply_adds(const offcut_model *model) {
    double sum = 0;
    for (uint32_t i = 0; model && i < model->op_count; i++) sum += model->ops[i].macs;
    return sum;
}
