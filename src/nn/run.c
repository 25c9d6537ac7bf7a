/* SPDX-License-Identifier: Apache-2.0
 * Runs a model: the picture in, the operations slice by slice, the mask out. */
#include "../base/team.h"
#include "kernels/kernels.h"
#include "model.h"

#include <math.h>
#include <stdlib.h>

/* Multiply-adds of a slice: some 10 ms where the engine does 10 GMAC/s. */
#define SLICE 1e8
#define ALIGNMENT 64 /* bytes */

/* Work below this is not worth waking anybody for, in multiply-adds. */
#define WORTH_SHARING 3e4
/* Parts for each thread: more even out what threads get of the processor, but every part of a
 * convolution begins by reading rows that its neighbour has read, and reads all weights, which in
 * small pictures are the most of it. */
#define PARTS_EACH 2
#define UNITS_FEW 32

static void release_arena(offcut_model *model) {
    free(model->arena_memory);
    model->arena_memory = NULL;
    model->arena = NULL;
    model->running = false;
}

void offcut__network_end(offcut_model *model) {
    if (!model) return;
    release_arena(model);
    free(model->result);
    model->result = NULL;
}

static void write_picture(const offcut_model *model, const float *input) {
    const offcut__view *p = &model->program->picture;
    const ptrdiff_t height = p->shape.dims[2], width = p->shape.dims[3];
    float *out = offcut__view_write(p, model->arena);
    for (ptrdiff_t y = 0; y < height; y++)
        for (ptrdiff_t x = 0; x < width; x++)
            for (ptrdiff_t c = 0; c < 3; c++)
                out[c * p->strides[1] + y * p->strides[2] + x * p->strides[3]] =
                    input[(c * height + y) * width + x];
}

/* The plan has scratch for one; that of the helpers follows the arena. */
static uint64_t arena_floats(const offcut__program *program, uint32_t lanes) {
    return program->arena_size + (uint64_t)(lanes - 1) * (uint64_t)program->scratch_size;
}

/* As much for every program: memory that comes and goes in one size leaves no holes. */
static uint64_t arena_floats_max(const offcut_model *model) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < model->program_count; i++) {
        const uint64_t floats = arena_floats(&model->programs[i], model->lanes);
        if (floats > most) most = floats;
    }
    return most;
}

offcut_status offcut__network_begin(offcut_ctx *ctx, offcut_model *model, const float *input) {
    OFFCUT_FAIL_IF(!model || !input, ctx, OFFCUT_ERR_ARGUMENT, "there is no model or no input");
    OFFCUT_FAIL_IF(model->running, ctx, OFFCUT_ERR_STATE, "another run is under way on this model");
    offcut__network_end(model);
    const offcut__shape *mask = &model->program->mask.shape;
    const size_t size = (size_t)mask->dims[1] * (size_t)mask->dims[2];
    OFFCUT_TRY(offcut__alloc(ctx, size, sizeof *model->result, &model->result));
    model->lanes = offcut__team_lanes(ctx);
    const uint64_t floats = arena_floats_max(model);
    if (floats < SIZE_MAX / sizeof *model->arena - ALIGNMENT)
        model->arena_memory = malloc((size_t)floats * sizeof *model->arena + ALIGNMENT);
    if (!model->arena_memory) {
        offcut__network_end(model);
        return offcut__fail(ctx, OFFCUT_ERR_MEMORY, "no memory for %.0f x %zu bytes",
                            (double)floats, sizeof(float));
    }
    const size_t misaligned = (uintptr_t)model->arena_memory % ALIGNMENT;
    model->arena =
        (float *)(void *)((uint8_t *)model->arena_memory + (ALIGNMENT - misaligned) % ALIGNMENT);
    model->running = true;
    model->next_op = 0;
    model->next_unit = 0;
    model->done = 0;
    write_picture(model, input);
    return OFFCUT_OK;
}

static float softmax(const float *values, ptrdiff_t stride, int32_t count, float x) {
    float peak = x;
    double sum = 0;
    for (int32_t c = 0; c < count; c++)
        peak = values[c * stride] > peak ? values[c * stride] : peak;
    for (int32_t c = 0; c < count; c++) sum += exp((double)(values[c * stride] - peak));
    return (float)(exp((double)(x - peak)) / sum);
}

static void read_mask(offcut_model *model) {
    const offcut__view *m = &model->program->mask;
    const float *values = offcut__view_read(m, model->arena);
    float *out = model->result;
    const size_t count = (size_t)m->shape.dims[1] * (size_t)m->shape.dims[2];
    for (int32_t y = 0; y < m->shape.dims[1]; y++) {
        for (int32_t x = 0; x < m->shape.dims[2]; x++) {
            const float *pixel = values + y * m->strides[1] + x * m->strides[2];
            const float v = pixel[(ptrdiff_t)model->input.channel * m->strides[0]];
            switch (model->input.activation) {
                case OFFCUT_ACTIVATION_SOFTMAX:
                    *out++ = softmax(pixel, m->strides[0], m->shape.dims[0], v);
                    break;
                case OFFCUT_ACTIVATION_SIGMOID:
                case OFFCUT_ACTIVATION_NONE: *out++ = v; break;
            }
        }
    }
    /* Ours is the same on every machine, the C library's is not. */
    const offcut__act sigmoid = {OFFCUT__SIGMOID, 0, 0};
    if (model->input.activation == OFFCUT_ACTIVATION_SIGMOID)
        offcut__unary_row(sigmoid, model->result, model->result, count);
}

/* Some units of an operation, for several threads. */
typedef struct share {
    const offcut_model *model;
    const offcut__op *op;
    uint32_t first, count, parts;
} share;

static void run_part(void *work, uint32_t part, uint32_t lane) {
    const share *s = work;
    const uint64_t count = s->count;
    const uint32_t begin = s->first + (uint32_t)(count * part / s->parts),
                   end = s->first + (uint32_t)(count * (part + 1) / s->parts);
    offcut__op own = *s->op;
    if (lane > 0) own.scratch_offset = (size_t)arena_floats(s->model->program, lane);
    own.run(&own, s->model->arena, begin, end);
}

/* Where four neighbours are reduced together, results depend on where parts end: such an operation,
 * which never costs much, is done in one. */
static bool is_whole(const offcut__op *op) {
    return op->run == offcut__reduce_run || op->run == offcut__softmax_run ||
           op->run == offcut__normalize_run;
}

static uint32_t parts_each(const offcut__op *op) {
    return op->units < UNITS_FEW ? 1 : PARTS_EACH;
}

/* How many units of the next operation are done at once: a slice for each thread, and so many that
 * the threads' parts are the same. */
static uint32_t slice_of(const offcut_model *model, uint32_t lanes) {
    const offcut__op *op = &model->program->ops[model->next_op];
    const uint32_t left = op->units - model->next_unit;
    const double affordable = SLICE / op->unit_cost;
    if (is_whole(op) || affordable >= left) return left;
    uint32_t each = affordable < 1 ? 1 : (uint32_t)affordable;
    if (lanes > 1) each += parts_each(op) - 1 - (each - 1) % parts_each(op);
    return each < left / lanes ? each * lanes : left;
}

/* How many parts count units of an operation are done in. */
static uint32_t parts_of(const offcut_ctx *ctx, const offcut_model *model, const offcut__op *op,
                         uint32_t count) {
    const uint32_t lanes = offcut__team_lanes(ctx);
    if (lanes == 1 || lanes > model->lanes || count * op->unit_cost < WORTH_SHARING || is_whole(op))
        return 1;
    const uint32_t parts = parts_each(op) * lanes;
    return count < parts ? count : parts;
}

/* count units of the next operation. */
static void advance(offcut_ctx *ctx, offcut_model *model, uint32_t count) {
    const offcut__op *op = &model->program->ops[model->next_op];
    share s = {model, op, model->next_unit, count, parts_of(ctx, model, op, count)};
    if (s.parts == 1)
        op->run(op, model->arena, model->next_unit, model->next_unit + count);
    else
        offcut__team_run(ctx, s.parts, run_part, &s);
    model->next_unit += count;
    model->done += count * op->unit_cost;
    if (model->next_unit < op->units) return;
    model->next_unit = 0;
    model->next_op++;
}

offcut_status offcut__network_step(offcut_ctx *ctx, offcut_model *model, bool *done) {
    *done = false;
    OFFCUT_FAIL_IF(!model || !model->running, ctx, OFFCUT_ERR_STATE,
                   "no run is under way on this model");
    const uint32_t lanes = offcut__team_lanes(ctx);
    for (double budget = SLICE; budget > 0 && model->next_op < model->program->op_count;) {
        const uint32_t count = slice_of(model, lanes);
        budget -= count * model->program->ops[model->next_op].unit_cost / lanes;
        advance(ctx, model, count);
    }
    if (model->next_op < model->program->op_count) return OFFCUT_OK;
    read_mask(model);
    *done = true;
    return OFFCUT_OK;
}

float offcut__network_fraction(const offcut_model *model) {
    if (!model || !(model->program->cost > 0)) return 1;
    return (float)(model->done / model->program->cost);
}

const float *offcut__network_mask(const offcut_model *model, uint32_t *width, uint32_t *height) {
    *width = (uint32_t)model->program->mask.shape.dims[2];
    *height = (uint32_t)model->program->mask.shape.dims[1];
    return model->result;
}

offcut_status offcut_network_run(offcut_ctx *ctx, offcut_model *model, const float *input,
                                 const float **mask, uint32_t *mask_width, uint32_t *mask_height) {
    if (!ctx || !mask || !mask_width || !mask_height) return OFFCUT_ERR_ARGUMENT;
    *mask = NULL;
    *mask_width = *mask_height = 0;
    OFFCUT_TRY(offcut__network_begin(ctx, model, input));
    for (bool done = false; !done;) OFFCUT_TRY(offcut__network_step(ctx, model, &done));
    /* The mask stays until the next run, the arena does not. */
    release_arena(model);
    *mask = offcut__network_mask(model, mask_width, mask_height);
    return OFFCUT_OK;
}

offcut_status offcut_operation_run(offcut_ctx *ctx, offcut_model *model, uint32_t index,
                                   const float *input) {
    if (!ctx || !model || index >= model->program->op_count) return OFFCUT_ERR_ARGUMENT;
    if (index == 0) OFFCUT_TRY(offcut__network_begin(ctx, model, input));
    OFFCUT_FAIL_IF(!model->running || model->next_op != index || model->next_unit > 0, ctx,
                   OFFCUT_ERR_STATE, "operation %u is not the next one of a run", index);
    advance(ctx, model, model->program->ops[index].units);
    if (model->next_op == model->program->op_count) release_arena(model);
    return OFFCUT_OK;
}

uint32_t offcut_model_operations(const offcut_model *model) {
    return model ? model->program->op_count : 0;
}

const char *offcut_operation_name(const offcut_model *model, uint32_t index) {
    return model && index < model->program->op_count ? model->program->ops[index].name : NULL;
}

double offcut_operation_multiply_adds(const offcut_model *model, uint32_t index) {
    return model && index < model->program->op_count ? model->program->ops[index].macs : 0;
}
