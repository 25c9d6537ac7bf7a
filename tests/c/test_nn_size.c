/* SPDX-License-Identifier: Apache-2.0
 * Networks whose input size is free: which size a picture gets, and that all of them are there. */
#include "nn/kernels/kernels.h"
#include "nn/model.h"
#include "nn_check.h"

#include <math.h>

static offcut_ctx *ctx, *helped; /* helped: by other threads */

/* The size whose ratio is nearest to the picture's: sought through all of them, by logarithms. */
static uint32_t nearest(uint32_t width, uint32_t height) {
    uint32_t best = 0;
    double least = INFINITY;
    for (uint32_t i = 0; i < OFFCUT__SIZES; i++) {
        const double gap = fabs(log((double)width / height) -
                                log((double)offcut__sizes[i][0] / offcut__sizes[i][1]));
        if (gap < least) best = i;
        if (gap < least) least = gap;
    }
    return best;
}

static void test_choice(void) {
    static const struct {
        uint32_t width, height, input_width, input_height;
    } cases[] = {{1, 1, 320, 320},       {1200, 1000, 320, 320},   {1000, 1200, 320, 320},
                 {4000, 3000, 384, 256}, {3000, 4000, 256, 384},   {1920, 1080, 384, 256},
                 {2000, 1000, 384, 256}, {2001, 1000, 512, 192},   {1000, 2001, 192, 512},
                 {20000, 1, 512, 192},   {1, UINT32_MAX, 192, 512}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t *size = offcut__sizes[offcut__size_for(cases[i].width, cases[i].height)];
        CHECKF(size[0] == cases[i].input_width && size[1] == cases[i].input_height,
               "%u x %u gets %u x %u", cases[i].width, cases[i].height, size[0], size[1]);
    }
    for (int i = 0; i < 20000; i++) {
        const uint32_t width = 1 + check_random() % 4999, height = 1 + check_random() % 4999;
        if (width == 2 * height || height == 2 * width) continue; /* half way */
        CHECKF(offcut__size_for(width, height) == nearest(width, height), "%u x %u", width, height);
    }
    for (uint32_t i = 0; i < OFFCUT__SIZES; i++) {
        const uint32_t *size = offcut__sizes[i];
        CHECK(size[0] % 64 == 0 && size[1] % 64 == 0 && size[0] * size[1] <= 320 * 320);
    }
}

/* One of each kind of operation that has weights, all of which are shared, and a size that is
 * computed. */
static bytes free_network(const char *reshape) {
    bytes graph = {0};
    put_weights(&graph, "w", "8,3,3,3");
    put_weights(&graph, "b", "8");
    put_weights(&graph, "d", "8,1,3,3");
    put_weights(&graph, "u", "8,8,3,3");
    put_weights(&graph, "t", "8,8,2,2");
    put_weights(&graph, "k", "1");
    put_weights(&graph, "v", "1,8,1,1");
    put_i64s(&graph, "shape", reshape);
    put_i64s(&graph, "two", "2");
    put_i64s(&graph, "four", "4");
    put_i64s(&graph, "one_eight", "1,8");
    put_node(&graph, "Conv", "x,w,b", "a", "pads=1,1,1,1 strides=2,2");
    put_node(&graph, "Conv", "a,d", "e", "pads=1,1,1,1 group=8");
    put_node(&graph, "Conv", "e,u", "f", "pads=1,1,1,1");
    put_node(&graph, "ConvTranspose", "f,t", "g", "strides=2,2");
    put_node(&graph, "Shape", "x", "dims", "");
    put_node(&graph, "Slice", "dims,two,four", "sides", "");
    put_node(&graph, "Concat", "one_eight,sides", "sizes", "axis=0");
    put_node(&graph, "Resize", "f,,,sizes", "up", "mode='linear'");
    put_node(&graph, "Add", "up,g", "sum", "");
    put_node(&graph, "Reshape", "sum,shape", "h", "");
    put_node(&graph, "Max", "h,k", "i", "");
    put_node(&graph, "Conv", "i,v", "l", "");
    put_node(&graph, "Sigmoid", "l", "m", "");
    put_value_info(&graph, 11, "x", "1,3,0,0");
    put_value_info(&graph, 12, "m", "1,1,0,0");
    return onnx_file(&graph, 13);
}

/* a is run with help. */
static bool same_mask(offcut_model *a, offcut_model *b) {
    const offcut_input *input = offcut_model_input(a);
    const size_t count = (size_t)input->width * input->height;
    float *picture = malloc(3 * count * sizeof *picture);
    const float *masks[2] = {NULL, NULL};
    uint32_t width = 0, height = 0;
    if (!picture) exit(2);
    for (size_t i = 0; i < 3 * count; i++) picture[i] = check_float();
    bool same = true;
    offcut_model *models[] = {a, b};
    offcut_ctx *owners[] = {helped, ctx};
    for (int i = 0; i < 2; i++) {
        same &= offcut_network_run(owners[i], models[i], picture, &masks[i], &width, &height) ==
                OFFCUT_OK;
        same &= width == input->width && height == input->height;
    }
    same = same && memcmp(masks[0], masks[1], count * sizeof(float)) == 0;
    free(picture);
    return same;
}

/* Each size gives what a model gives that has this size alone, in any order. */
static void test_programs(void) {
    static const uint32_t order[] = {0, 3, 1, 4, 2, 2, 0};
    bytes file = free_network("0,8,-1,0");
    offcut_model *model = NULL;
    CHECK(offcut_model_load(helped, file.data, file.size, NULL, &model) == OFFCUT_OK);
    const offcut_input *input = offcut_model_input(model);
    CHECK(input->width == 320 && input->height == 320);
    const double square = offcut_model_multiply_adds(model);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        offcut_input fixed = offcut_input_default();
        offcut_model *alone = NULL;
        fixed.width = offcut__sizes[order[i]][0];
        fixed.height = offcut__sizes[order[i]][1];
        CHECK(offcut_model_fit(ctx, model, fixed.width * 7, fixed.height * 7) == OFFCUT_OK);
        CHECK(input->width == fixed.width && input->height == fixed.height);
        CHECK(order[i] == 0 || offcut_model_multiply_adds(model) < square);
        CHECK(offcut_model_load(ctx, file.data, file.size, &fixed, &alone) == OFFCUT_OK);
        CHECK(alone->program_count == 1 && same_mask(model, alone));
        /* Nothing happens to one that has a size. */
        CHECK(offcut_model_fit(ctx, alone, 1, 100) == OFFCUT_OK);
        CHECK(offcut_model_input(alone)->width == fixed.width);
        offcut_model_free(alone);
    }
    offcut_model_free(model);
    free(file.data);
}

static void test_shared_weights(void) {
    bytes file = free_network("0,8,-1,0");
    offcut_model *model = NULL;
    CHECK(offcut_model_load(ctx, file.data, file.size, NULL, &model) == OFFCUT_OK);
    const offcut__program *first = &model->programs[0];
    uint32_t convolutions = 0, constants = 0;
    for (uint32_t p = 1; p < model->program_count; p++) {
        const offcut__program *program = &model->programs[p];
        CHECK(program->op_count == first->op_count);
        for (uint32_t i = 0; i < program->op_count && i < first->op_count; i++) {
            const offcut__op *a = &program->ops[i], *b = &first->ops[i];
            if (b->macs > 0) {
                CHECK(a->u.conv.weights == b->u.conv.weights && a->u.conv.bias == b->u.conv.bias);
                convolutions++;
            } else if (b->in_count == 2) {
                CHECK(a->in[1].constant && a->in[1].constant == b->in[1].constant);
                constants++;
            }
        }
    }
    CHECK(model->program_count == OFFCUT__SIZES && convolutions == 4 * 8 && constants == 4);
    /* 384 x 256 is resized across as 256 x 384 is down. */
    const offcut__resize *wide = NULL, *tall = NULL;
    for (uint32_t i = 0; i < first->op_count; i++) {
        if (first->ops[i].run != offcut__resize_run) continue;
        wide = &model->programs[1].ops[i].u.resize;
        tall = &model->programs[3].ops[i].u.resize;
    }
    CHECK(wide && wide->rows == tall->columns && wide->column_weights == tall->row_weights);
    CHECK(wide && wide->rows != wide->columns);
    /* The phases of a transposed convolution have other weights each. */
    CHECK(first->ops[3].u.conv.weights != first->ops[4].u.conv.weights);
    offcut_model_free(model);
    free(file.data);
}

static void test_refusals(void) {
    bytes file = free_network("0,8,320,320");
    offcut_input fixed = offcut_input_default();
    offcut_model *model = NULL;
    CHECK(offcut_model_load(ctx, file.data, file.size, NULL, &model) == OFFCUT_ERR_MODEL);
    CHECKF(strstr(offcut_detail(ctx), "Reshape") && strstr(offcut_detail(ctx), "384 x 256"), "%s",
           offcut_detail(ctx));
    fixed.width = fixed.height = 320;
    CHECK(offcut_model_load(ctx, file.data, file.size, &fixed, &model) == OFFCUT_OK);
    CHECK(model && model->program_count == 1);
    offcut_model_free(model);
    /* With one side given the other is what it always was. */
    fixed.width = 0;
    free(file.data);
    file = free_network("0,8,-1,0");
    CHECK(offcut_model_load(ctx, file.data, file.size, &fixed, &model) == OFFCUT_OK);
    CHECK(offcut_model_input(model)->width == 320 && model->program_count == 1);
    offcut_model_free(model);
    CHECK(offcut_model_load(ctx, file.data, file.size, NULL, &model) == OFFCUT_OK);
    CHECK(offcut_model_fit(ctx, model, 0, 1) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_model_fit(ctx, NULL, 1, 1) == OFFCUT_ERR_ARGUMENT);
    float *picture = calloc((size_t)3 * 320 * 320, sizeof *picture);
    CHECK(picture && offcut__network_begin(ctx, model, picture) == OFFCUT_OK);
    CHECK(offcut_model_fit(ctx, model, 3, 2) == OFFCUT_ERR_STATE);
    CHECK(offcut_model_input(model)->width == 320);
    offcut__network_end(model);
    CHECK(offcut_model_fit(ctx, model, 3, 2) == OFFCUT_OK);
    CHECK(offcut_model_input(model)->width == 384);
    free(picture);
    offcut_model_free(model);
    free(file.data);
}

/* Damaged files: whatever loads, loads at every size. */
static void test_lies(void) {
    bytes file = free_network("0,8,-1,0");
    int loaded = 0;
    for (int i = 0; i < 1500; i++) {
        bytes copy = {0};
        offcut_model *model = NULL;
        put(&copy, file.data, file.size);
        mutate(&copy, check_between(1, 4));
        const offcut_status status = offcut_model_load(ctx, copy.data, copy.size, NULL, &model);
        CHECK((status == OFFCUT_OK) == (strcmp(offcut_detail(ctx), "") == 0));
        if (status == OFFCUT_OK)
            CHECK(model->program_count == 1 || model->program_count == OFFCUT__SIZES);
        loaded += status == OFFCUT_OK;
        offcut_model_free(model);
        free(copy.data);
    }
    CHECKF(loaded > 100 && loaded < 1400, "%d of 1500 loaded", loaded);
    free(file.data);
}

int main(void) {
    ctx = offcut_create();
    helped = offcut_create();
    if (!ctx || !helped) return 2;
    CHECK(offcut_threads_set(helped, 3) == OFFCUT_OK);
    test_choice();
    test_programs();
    test_shared_weights();
    test_refusals();
    test_lies();
    offcut_free(helped);
    offcut_free(ctx);
    return check_done();
}
