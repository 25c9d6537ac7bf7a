/* SPDX-License-Identifier: Apache-2.0
 * From ONNX bytes to a model: read, prune, infer, fuse, lower, plan, pack. */
#include "model.h"
#include "operator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 4096
#define COST_MAX 1e13 /* multiply-adds: an hour or so */

/* What the programs of a model have in common while they are made. */
typedef struct loading {
    offcut_model *model;
    offcut__shared shared;
    offcut__pool pool;       /* until the load ends */
    offcut__graph graph;     /* the file's, before the input has a size */
    offcut__graph copy;      /* of it, for one size; unless there is only one */
    offcut__builder builder; /* its arrays serve all programs */
    bool is_free;            /* the input's size */
    bool channels_last;      /* of the input */
    uint32_t reach;          /* see assign_homes(); set with the first program */
} loading;

/* ---- the picture and the mask
 * --------------------------------------------------------------------------------------- */

static offcut_status resolve_side(const offcut__graph *graph, const char *name, uint32_t wanted,
                                  int32_t declared, uint32_t *side) {
    *side = wanted ? wanted : declared > 0 ? (uint32_t)declared : offcut__sizes[0][0];
    OFFCUT_FAIL_IF(declared > 0 && *side != (uint32_t)declared, graph->ctx, OFFCUT_ERR_ARGUMENT,
                   "the network's input %s is %d, not %u", name, declared, wanted);
    OFFCUT_FAIL_IF(*side > SIDE_MAX, graph->ctx, OFFCUT_ERR_LIMIT,
                   "the network's input %s of %u is above %d", name, *side, SIDE_MAX);
    return OFFCUT_OK;
}

/* The one input without a value, [1, 3, height, width] or [1, height, width, 3]. */
static offcut_status find_picture(offcut__graph *graph, loading *l) {
    offcut_input *input = &l->model->input;
    uint32_t open = 0;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        if (graph->values[graph->inputs[i]].known) continue;
        if (open++ == 0) graph->input = graph->inputs[i];
    }
    OFFCUT_FAIL_IF(open != 1, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network has %u inputs, not one picture", open);
    const offcut__value *value = &graph->values[graph->input];
    const int32_t *d = value->shape.dims;
    OFFCUT_FAIL_IF(value->producer != OFFCUT__NONE, graph->ctx, OFFCUT_ERR_MODEL,
                   "the model is damaged: a node makes the network's input");
    OFFCUT_FAIL_IF(value->shape.rank != 4 || d[0] > 1, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's input is not one picture of four dimensions");
    l->channels_last = d[3] == 3 && d[1] != 3;
    OFFCUT_FAIL_IF(!l->channels_last && d[1] > 0 && d[1] != 3, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's input has %d channels, not 3", d[1]);
    const int first = l->channels_last ? 1 : 2;
    l->is_free = !input->width && !input->height && d[first] <= 0 && d[first + 1] <= 0;
    OFFCUT_TRY(resolve_side(graph, "height", input->height, d[first], &input->height));
    return resolve_side(graph, "width", input->width, d[first + 1], &input->width);
}

static offcut_status set_picture(offcut__graph *graph, const loading *l) {
    const offcut_input *input = &l->model->input;
    offcut__value *value = &graph->values[graph->input];
    const int64_t h = input->height, w = input->width;
    const int64_t dims[2][4] = {{1, 3, h, w}, {1, h, w, 3}};
    value->type = OFFCUT__TYPE_F32;
    value->known = true;
    return offcut__shape_set(graph, &value->shape, 4, dims[l->channels_last]);
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
    const offcut__graph *graph = builder->graph;
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

static offcut_status lower_all(loading *l) {
    offcut__program *program = l->model->program;
    offcut__builder *builder = &l->builder;
    offcut__graph *graph = builder->graph;
    builder->op_count = 0;
    builder->storage_count = 0;
    for (uint32_t i = 0; i < graph->value_count; i++) {
        builder->views[i].storage = OFFCUT__STORAGE_NONE;
        builder->views[i].quads = false;
    }
    /* In memory the picture is rows of R, G, B, whatever order its dimensions are declared in. */
    const int64_t dims[4] = {1, 3, l->model->input.height, l->model->input.width};
    program->picture = (offcut__view){.storage = OFFCUT__STORAGE_NONE};
    OFFCUT_TRY(offcut__shape_set(graph, &program->picture.shape, 4, dims));
    offcut__view_standard(&program->picture);
    OFFCUT_TRY(offcut__build_storage(builder, &program->picture));
    offcut__view *input = &builder->views[graph->input];
    *input = program->picture;
    input->shape = graph->values[graph->input].shape;
    for (uint32_t i = 1; i < 4 && l->channels_last; i++)
        input->strides[i] = program->picture.strides[i == 3 ? 1 : i + 1];
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
    return mask_view(graph, &output, &program->mask);
}

/* The first operation of that node or of one after it. */
static uint32_t first_op(const offcut__program *program, uint32_t node) {
    uint32_t first = 0;
    for (uint32_t end = program->op_count; first < end;) {
        const uint32_t middle = first + (end - first) / 2;
        if (program->ops[middle].node < node)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool is_conv8(const offcut__op *op) {
    return op->run == offcut__conv8_run || op->run == offcut__conv8_winograd ||
           op->run == offcut__depthwise8_run;
}

static bool same_weights8(const offcut__conv8 *a, const offcut__conv8 *b) {
    return a->window.kernel_h == b->window.kernel_h && a->window.kernel_w == b->window.kernel_w &&
           a->channels_in == b->channels_in && a->channels_out == b->channels_out &&
           a->wide == b->wide && a->floats == b->floats;
}

static bool same_weights(const offcut__conv *a, const offcut__conv *b) {
    return a->window.kernel_h == b->window.kernel_h && a->window.kernel_w == b->window.kernel_w &&
           a->groups == b->groups && a->group_in == b->group_in && a->group_out == b->group_out &&
           a->source.first_h == b->source.first_h && a->source.first_w == b->source.first_w;
}

/* Takes the weights of an earlier program's operation if they are of the same bytes of the file
 * and for the same kernel. */
static bool take_weights(const offcut_model *model, offcut__op *op) {
    const bool conv8 = is_conv8(op);
    for (const offcut__program *p = model->programs; op->origin && p < model->program; p++) {
        for (uint32_t i = first_op(p, op->node); i < p->op_count; i++) {
            const offcut__op *twin = &p->ops[i];
            if (twin->node != op->node) break;
            if (twin->run != op->run || twin->origin != op->origin) continue;
            if (conv8 && same_weights8(&twin->u.conv8, &op->u.conv8)) {
                op->u.conv8.weights = twin->u.conv8.weights;
                op->u.conv8.bias = twin->u.conv8.bias;
                op->u.conv8.scale = twin->u.conv8.scale;
                return true;
            }
            if (!conv8 && same_weights(&twin->u.conv, &op->u.conv)) {
                op->u.conv.weights = twin->u.conv.weights;
                op->u.conv.bias = twin->u.conv.bias;
                return true;
            }
        }
    }
    return false;
}

static offcut_status pack(offcut__builder *builder, const offcut_model *model, offcut__op *op) {
    const bool conv = op->run == offcut__conv_direct || op->run == offcut__conv_winograd ||
                      op->run == offcut__conv_depthwise || op->run == offcut__conv_narrow;
    if (!conv && !is_conv8(op)) return OFFCUT_OK;
    const offcut__node *node = &builder->graph->nodes[op->node];
    op->origin = offcut__node_input(builder->graph, node, 1)->bytes.data;
    if (take_weights(model, op)) return OFFCUT_OK;
    return conv ? offcut__conv_pack(builder, op) : offcut__conv8_pack(builder, op);
}

/* As much of a name of the file as there is room for, up to a zero in it; answers its end. */
static char *put_text(char *to, offcut__span text, size_t room) {
    for (size_t i = 0; i < text.size && i < room && text.data[i] != 0; i++)
        *to++ = (char)text.data[i];
    return to;
}

static offcut_status finish_ops(loading *l) {
    offcut__builder *builder = &l->builder;
    offcut__program *program = l->model->program;
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, builder->pool, builder->op_count,
                                  sizeof *program->ops, &program->ops));
    program->op_count = builder->op_count;
    for (uint32_t i = 0; i < program->op_count; i++) {
        offcut__op *op = &program->ops[i];
        *op = builder->ops[i];
        const offcut__node *node = &builder->graph->nodes[op->node];
        char *end = put_text(op->name, node->op, 20);
        *end = ' ';
        (void)put_text(end + 1, node->name, 42);
        OFFCUT_TRY(pack(builder, l->model, op));
        program->cost += op->units * op->unit_cost;
        if (op->scratch_size > program->scratch_size) program->scratch_size = op->scratch_size;
    }
    program->scratch_size = (program->scratch_size + 15) & ~(size_t)15; /* to cache lines */
    OFFCUT_FAIL_IF(!(program->cost < COST_MAX), builder->ctx, OFFCUT_ERR_LIMIT,
                   "the model needs %.0f multiply-adds a run", program->cost);
    return OFFCUT_OK;
}

static offcut_status lower_and_plan(loading *l, uint32_t reach) {
    offcut__program *program = l->model->program;
    assign_homes(&l->builder, reach);
    OFFCUT_TRY(lower_all(l));
    return offcut__plan(&l->builder, &program->picture, &program->mask, &program->arena_size);
}

/* What is copied into a Concat result late costs time, what is written there early costs memory:
 * copies are made where they save a twentieth of the arena. */
static offcut_status choose_reach(loading *l) {
    static const uint32_t reaches[] = {OFFCUT__NONE, 48, 12, 4};
    size_t best = 0;
    for (size_t i = 0; i < sizeof reaches / sizeof *reaches; i++) {
        offcut__pool trial = {.limit = l->model->pool.limit};
        l->builder.pool = &trial;
        const offcut_status status = lower_and_plan(l, reaches[i]);
        l->builder.pool = &l->model->pool;
        offcut__pool_free(&trial);
        OFFCUT_TRY(status);
        const size_t size = l->model->program->arena_size;
        if (i > 0 && size >= best - best / 20) continue;
        best = size;
        l->reach = reaches[i];
    }
    return OFFCUT_OK;
}

static offcut_status begin_building(loading *l) {
    offcut__builder *b = &l->builder;
    offcut_ctx *ctx = l->graph.ctx;
    const size_t values = l->graph.value_count;
    b->ctx = ctx;
    b->shared = &l->shared;
    b->pool = l->shared.pool = &l->model->pool;
    OFFCUT_TRY(offcut__pool_alloc(ctx, &l->pool, values, sizeof *b->views, &b->views));
    OFFCUT_TRY(offcut__pool_alloc(ctx, &l->pool, values, sizeof *b->home, &b->home));
    OFFCUT_TRY(
        offcut__pool_alloc(ctx, &l->pool, values, sizeof *b->home_channel, &b->home_channel));
    OFFCUT_TRY(
        offcut__pool_alloc(ctx, &l->pool, values, sizeof *l->shared.sums8, &l->shared.sums8));
    return offcut__pool_alloc(ctx, &l->pool, values, sizeof *l->shared.tensors, &l->shared.tensors);
}

static offcut_status build(offcut__graph *graph, loading *l) {
    l->builder.graph = graph;
    if (l->model->program_count == 0) OFFCUT_TRY(choose_reach(l));
    OFFCUT_TRY(lower_and_plan(l, l->reach));
    return finish_ops(l);
}

/* ---- programs ---- */

/* What does not depend on the size. */
static offcut_status read_graph(loading *l, offcut__span file) {
    offcut__graph *graph = &l->graph;
    const offcut_input *input = &l->model->input;
    OFFCUT_TRY(offcut__onnx_read(graph, file));
    OFFCUT_FAIL_IF(graph->output_count == 0, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network has no output");
    OFFCUT_FAIL_IF(input->output >= graph->output_count, graph->ctx, OFFCUT_ERR_ARGUMENT,
                   "the network has %u outputs: there is no number %u", graph->output_count,
                   input->output);
    graph->output = graph->outputs[input->output];
    OFFCUT_FAIL_IF(graph->output == OFFCUT__NONE, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's output has no name");
    OFFCUT_TRY(find_picture(graph, l));
    OFFCUT_TRY(offcut__graph_prune(graph));
    return offcut__graph_fold(graph);
}

static offcut_status make_program(offcut__graph *graph, loading *l) {
    const offcut_input *input = &l->model->input;
    OFFCUT_TRY(set_picture(graph, l));
    OFFCUT_TRY(offcut__graph_infer(graph));
    OFFCUT_FAIL_IF(!graph->values[graph->output].known, graph->ctx, OFFCUT_ERR_MODEL,
                   "the network's output is never made");
    OFFCUT_TRY(offcut__graph_fuse(graph));
    OFFCUT_TRY(offcut__graph_quantise(graph));
    OFFCUT_TRY(build(graph, l));
    const int32_t channels = l->model->program->mask.shape.dims[0];
    OFFCUT_FAIL_IF(input->channel >= (uint32_t)channels, graph->ctx, OFFCUT_ERR_ARGUMENT,
                   "the network's output has %d channels: there is no number %u", channels,
                   input->channel);
    return OFFCUT_OK;
}

static offcut_status add_program(loading *l) {
    offcut__graph *graph = &l->graph;
    l->model->program = &l->model->programs[l->model->program_count];
    if (l->is_free) {
        graph = &l->copy;
        OFFCUT_TRY(offcut__graph_copy(&l->graph, graph));
    }
    offcut__pool pool = {.limit = l->pool.limit, .used = l->pool.used};
    graph->pool = &pool;
    const offcut_status status = make_program(graph, l);
    offcut__pool_free(&pool);
    if (status == OFFCUT_OK) l->model->program_count++;
    return status;
}

static void choose_program(offcut_model *model, uint32_t index) {
    model->program = &model->programs[index];
    model->input.width = (uint32_t)model->program->picture.shape.dims[3];
    model->input.height = (uint32_t)model->program->picture.shape.dims[2];
}

static offcut_status add_programs(loading *l) {
    OFFCUT_TRY(add_program(l));
    for (uint32_t i = 1; l->is_free && i < OFFCUT__SIZES; i++) {
        const uint32_t width = offcut__sizes[i][0], height = offcut__sizes[i][1];
        l->model->input.width = width;
        l->model->input.height = height;
        const offcut_status status = add_program(l);
        char *detail = l->graph.ctx->detail;
        const size_t end = strlen(detail);
        if (status != OFFCUT_OK)
            snprintf(detail + end, sizeof l->graph.ctx->detail - end,
                     " (at %u x %u: its size is free)", width, height);
        OFFCUT_TRY(status);
    }
    choose_program(l->model, 0);
    return OFFCUT_OK;
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
    model->pool.limit = limit;
    loading l = {.model = model, .pool = {.limit = limit}};
    l.graph = (offcut__graph){.ctx = ctx, .pool = &l.pool};
    offcut_status status = read_graph(&l, (offcut__span){onnx, size});
    if (status == OFFCUT_OK) status = begin_building(&l);
    if (status == OFFCUT_OK) status = add_programs(&l);
    free(l.builder.ops);
    free(l.builder.storages);
    offcut__pool_free(&l.pool);
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

offcut_status offcut_model_fit(offcut_ctx *ctx, offcut_model *model, uint32_t width,
                               uint32_t height) {
    if (!ctx) return OFFCUT_ERR_ARGUMENT;
    OFFCUT_FAIL_IF(!model || width == 0 || height == 0, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a model and a picture with two sides, received %u x %u", width,
                   height);
    OFFCUT_FAIL_IF(model->running, ctx, OFFCUT_ERR_STATE, "a run is under way on this model");
    if (offcut__network_is_free(model)) choose_program(model, offcut__size_for(width, height));
    return OFFCUT_OK;
}

bool offcut__network_is_free(const offcut_model *model) {
    return model->program_count > 1;
}

const offcut_input *offcut_model_input(const offcut_model *model) {
    return model ? &model->input : NULL;
}

double offcut_model_multiply_adds(const offcut_model *model) {
    double sum = 0;
    for (uint32_t i = 0; model && i < model->program->op_count; i++)
        sum += model->program->ops[i].macs;
    return sum;
}
