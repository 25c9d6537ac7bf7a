/* SPDX-License-Identifier: Apache-2.0
 * Loading and running networks: the order of calls, what is refused and how, and files that lie. */
#include "nn/model.h"
#include "nn_check.h"

#include <math.h>

static offcut_ctx *ctx;

static offcut_status load(bytes *file, const offcut_input *input, offcut_model **model) {
    return offcut_model_load(ctx, file->data, file->size, input, model);
}

/* Many operators in few bytes: what the files that lie are made of. */
static bytes rich_network(void) {
    static const float scale = 0.05f;
    static const int8_t zero = 0;
    bytes graph = {0};
    put_weights(&graph, "w1", "8,3,3,3");
    put_weights(&graph, "bn_s", "8");
    put_weights(&graph, "bn_b", "8");
    put_weights(&graph, "bn_m", "8");
    float variance[8];
    for (int i = 0; i < 8; i++) variance[i] = 0.5f + 0.1f * (float)i;
    put_tensor(&graph, "bn_v", 1, "8", variance, sizeof *variance);
    put_weights(&graph, "dw", "8,1,3,3");
    put_weights(&graph, "w2", "8,8,1,1");
    put_weights(&graph, "wt", "16,4,2,2");
    put_weights(&graph, "slope", "4,1,1");
    put_weights(&graph, "w3", "1,4,3,3");
    put_tensor(&graph, "s", 1, "", &scale, sizeof scale);
    put_tensor(&graph, "z", 3, "", &zero, sizeof zero);
    put_i64s(&graph, "shape", "1,2,4,8,8");
    put_i64s(&graph, "flat", "0,8,8,-1");
    put_i64s(&graph, "two", "2");
    put_i64s(&graph, "one", "1");
    put_i64s(&graph, "pads", "0,0,1,1,0,0,1,1");
    put_node(&graph, "Pad", "x,pads", "p", "mode='constant'");
    put_node(&graph, "Conv", "p,w1", "c1", "strides=2,2");
    put_node(&graph, "BatchNormalization", "c1,bn_s,bn_b,bn_m,bn_v", "n1", "epsilon=0.001f");
    put_node(&graph, "Relu", "n1", "r1", "");
    put_node(&graph, "Conv", "r1,dw", "d1", "group=8 pads=1,1,1,1");
    put_node(&graph, "Conv", "d1,w2", "d2", "");
    put_node(&graph, "Add", "d2,r1", "sum", "");
    put_node(&graph, "MaxPool", "sum", "pool", "kernel_shape=2,2 strides=2,2");
    put_node(&graph, "Shape", "sum", "sh", "");
    put_node(&graph, "Slice", "sh,two,four", "hw", "");
    put_i64s(&graph, "four", "4");
    put_node(&graph, "Gather", "sh,one", "ch", "axis=0");
    put_node(&graph, "Concat", "n,ch,hw", "sizes", "axis=0");
    put_i64s(&graph, "n", "1");
    put_node(&graph, "Resize", "pool,,,sizes", "up", "mode='linear'");
    put_node(&graph, "Reshape", "pool,shape", "five", "");
    put_node(&graph, "Transpose", "five", "shuffled", "perm=0,2,1,3,4");
    put_node(&graph, "Reshape", "shuffled,flat", "back", "");
    put_node(&graph, "QuantizeLinear", "back,s,z", "q", "");
    put_node(&graph, "DequantizeLinear", "q,s,z", "dq", "");
    put_node(&graph, "Resize", "dq,,,sizes", "up2", "mode='nearest'");
    put_node(&graph, "Concat", "up,up2", "both", "axis=1");
    put_node(&graph, "ConvTranspose", "both,wt", "t", "strides=2,2");
    put_node(&graph, "PRelu", "t,slope", "pr", "");
    put_node(&graph, "GlobalAveragePool", "pr", "gap", "");
    put_node(&graph, "HardSigmoid", "gap", "gate", "");
    put_node(&graph, "Mul", "pr,gate", "gated", "");
    put_node(&graph, "Conv", "gated,w3", "logit", "pads=1,1,1,1");
    put_node(&graph, "Sigmoid", "logit", "mask", "");
    put_value_info(&graph, 11, "x", "1,3,32,32");
    put_value_info(&graph, 12, "mask", "1,1,32,32");
    return onnx_file(&graph, 13);
}

static void fill(float *input, size_t count) {
    for (size_t i = 0; i < count; i++) input[i] = check_float();
}

/* One operation at a time, in order or not at all. */
static void check_operations(offcut_model *model, const float *picture) {
    const uint32_t count = offcut_model_operations(model);
    double sum = 0;
    CHECK(count > 1 && offcut_model_operations(NULL) == 0);
    CHECK(offcut_operation_run(ctx, model, 1, picture) == OFFCUT_ERR_STATE);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(offcut_operation_name(model, i)[0] != '\0');
        sum += offcut_operation_multiply_adds(model, i);
        CHECK(offcut_operation_run(ctx, model, i, picture) == OFFCUT_OK);
        CHECK(offcut_operation_run(ctx, model, i, picture) == OFFCUT_ERR_STATE);
    }
    CHECK(sum == offcut_model_multiply_adds(model));
    CHECK(offcut_operation_name(model, count) == NULL);
    CHECK(offcut_operation_run(ctx, model, count, picture) == OFFCUT_ERR_ARGUMENT);
}

static void test_run(void) {
    bytes file = small_network("1,3,0,0", "1,1,0,0");
    offcut_model *model = NULL;
    offcut_input input = offcut_input_default();
    input.width = 20;
    input.height = 12;
    CHECK(load(&file, &input, &model) == OFFCUT_OK);
    CHECK(strcmp(offcut_detail(ctx), "") == 0);
    CHECK(offcut_model_input(model)->width == 20 && offcut_model_input(model)->height == 12);
    CHECK(offcut_model_multiply_adds(model) == 20 * 12 * (8 * 3 * 9 + 8));
    CHECK(offcut_model_multiply_adds(NULL) == 0);
    float picture[3 * 20 * 12];
    fill(picture, 3 * 20 * 12);
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    CHECK(offcut_network_run(ctx, model, picture, &mask, &width, &height) == OFFCUT_OK);
    CHECK(width == 20 && height == 12);
    float first[20 * 12];
    for (int i = 0; i < 20 * 12; i++) {
        CHECK(mask[i] >= 0.0f && mask[i] <= 1.0f);
        first[i] = mask[i];
    }
    /* The same again, step by step: the same floats. */
    bool done = false;
    CHECK(offcut__network_step(ctx, model, &done) == OFFCUT_ERR_STATE);
    CHECK(offcut__network_begin(ctx, model, picture) == OFFCUT_OK);
    CHECK(offcut__network_begin(ctx, model, picture) == OFFCUT_ERR_STATE);
    while (!done) CHECK(offcut__network_step(ctx, model, &done) == OFFCUT_OK);
    CHECK(offcut__network_fraction(model) > 0.999f && offcut__network_fraction(model) < 1.001f);
    mask = offcut__network_mask(model, &width, &height);
    CHECK(memcmp(mask, first, sizeof first) == 0);
    offcut__network_end(model);
    offcut__network_end(model);
    check_operations(model, picture);
    offcut_model_free(model);
    offcut_model_free(NULL);
    free(file.data);
}

/* Units of one by one give what one go gives: slices may fall anywhere. */
static void test_slices(void) {
    bytes file = rich_network();
    offcut_model *model = NULL;
    CHECK(load(&file, NULL, &model) == OFFCUT_OK);
    float picture[3 * 32 * 32], whole[32 * 32];
    fill(picture, 3 * 32 * 32);
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    CHECK(offcut_network_run(ctx, model, picture, &mask, &width, &height) == OFFCUT_OK);
    CHECK(width == 32 && height == 32);
    memcpy(whole, mask, sizeof whole);
    for (uint32_t i = 0; i < model->program->op_count; i++) model->program->ops[i].unit_cost = 2e8;
    model->program->cost = 0;
    CHECK(offcut_network_run(ctx, model, picture, &mask, &width, &height) == OFFCUT_OK);
    float worst = 0;
    for (int i = 0; i < 32 * 32; i++) worst = fmaxf(worst, fabsf(whole[i] - mask[i]));
    /* Reductions take four channels at once or one by one, which rounds differently. */
    CHECKF(worst < 1e-5f, "differs by %g", (double)worst);
    offcut_model_free(model);
    free(file.data);
}

/* One convolution of the picture, whose dimensions and whose mask's may be in either order. */
static void run_order(bool channels_last, float *result) {
    bytes graph = {0};
    check_seed = 5;
    put_weights(&graph, "w", "2,3,3,3");
    if (channels_last) put_node(&graph, "Transpose", "x", "t", "perm=0,3,1,2");
    put_node(&graph, "Conv", channels_last ? "t,w" : "x,w", channels_last ? "c" : "m",
             "pads=1,1,1,1");
    if (channels_last) put_node(&graph, "Transpose", "c", "m", "perm=0,2,3,1");
    put_value_info(&graph, 11, "x", channels_last ? "1,9,12,3" : "1,3,9,12");
    put_value_info(&graph, 12, "m", "1");
    bytes file = onnx_file(&graph, 13);
    offcut_model *model = NULL;
    offcut_input input = offcut_input_default();
    input.channel = 1;
    CHECKF(load(&file, &input, &model) == OFFCUT_OK, "%s", offcut_detail(ctx));
    float picture[3 * 9 * 12];
    fill(picture, 3 * 9 * 12);
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    CHECK(offcut_network_run(ctx, model, picture, &mask, &width, &height) == OFFCUT_OK);
    CHECK(width == 12 && height == 9);
    if (mask && width * height == 9 * 12) memcpy(result, mask, 9 * 12 * sizeof *result);
    offcut_model_free(model);
    free(file.data);
}

/* Networks from TensorFlow take the picture as [1, height, width, 3]; ours always comes as planes.
 */
static void test_orders(void) {
    float first[9 * 12] = {0}, last[9 * 12] = {1};
    run_order(false, first);
    run_order(true, last);
    CHECK(memcmp(first, last, sizeof first) == 0);
}

static void expect(const char *what, bytes file, const offcut_input *input, offcut_status status,
                   const char *detail) {
    offcut_model *model = NULL;
    const offcut_status got = load(&file, input, &model);
    CHECKF(got == status, "%s: status %d, '%s'", what, (int)got, offcut_detail(ctx));
    CHECKF(strstr(offcut_detail(ctx), detail) != NULL, "%s: the detail is '%s'", what,
           offcut_detail(ctx));
    CHECKF((model != NULL) == (status == OFFCUT_OK), "%s: the model", what);
    offcut_model_free(model);
    free(file.data);
}

static bytes one_node(const char *op, const char *inputs, const char *attributes) {
    bytes graph = {0};
    put_weights(&graph, "w", "4,3,3,3");
    put_i64s(&graph, "huge", "1000000,1000000");
    put_i64s(&graph, "large", "1,16384,16384");
    put_node(&graph, op, inputs, "y", attributes);
    put_value_info(&graph, 11, "x", "1,3,16,16");
    put_value_info(&graph, 12, "y", "1,4,16,16");
    return onnx_file(&graph, 13);
}

/* A node that writes over the picture, more than there is room for. */
static bytes picture_maker(void) {
    bytes graph = {0};
    put_weights(&graph, "w", "1,3,64,64");
    put_node(&graph, "MaxPool", "w", "x", "kernel_shape=1,1");
    put_node(&graph, "Sigmoid", "x", "y", "");
    put_value_info(&graph, 11, "x", "1,3,16,16");
    put_value_info(&graph, 12, "y", "1,3,16,16");
    return onnx_file(&graph, 13);
}

static void test_refusals(void) {
    offcut_input input = offcut_input_default();
    expect("a node that makes the input", picture_maker(), NULL, OFFCUT_ERR_MODEL,
           "makes the network's input");
    expect("unknown operator", one_node("Wobble", "x", ""), NULL, OFFCUT_ERR_MODEL,
           "Wobble node 'y'");
    expect("missing input", one_node("Conv", "x,nowhere", ""), NULL, OFFCUT_ERR_MODEL,
           "'nowhere' is not given");
    expect("too few inputs", one_node("Conv", "x", ""), NULL, OFFCUT_ERR_MODEL,
           "input 1 is missing");
    expect("groups", one_node("Conv", "x,w", "group=2"), NULL, OFFCUT_ERR_MODEL, "groups");
    expect("strides", one_node("Conv", "x,w", "strides=0,1"), NULL, OFFCUT_ERR_MODEL, "strides");
    expect("strides of one dimension", one_node("Conv", "x,w", "strides=1,1,1"), NULL,
           OFFCUT_ERR_MODEL, "strides");
    expect("pads", one_node("Conv", "x,w", "pads=-1,0,0,0"), NULL, OFFCUT_ERR_MODEL, "pads");
    expect("huge pads", one_node("Conv", "x,w", "pads=2000000000,0,0,0"), NULL, OFFCUT_ERR_MODEL,
           "pads");
    expect("kernel", one_node("MaxPool", "x", "kernel_shape=20,20"), NULL, OFFCUT_ERR_MODEL,
           "window");
    expect("axis", one_node("Concat", "x,x", "axis=4"), NULL, OFFCUT_ERR_MODEL, "axis");
    expect("concat", one_node("Concat", "x,w", "axis=2"), NULL, OFFCUT_ERR_MODEL, "shapes");
    expect("reshape", one_node("Reshape", "x,huge", ""), NULL, OFFCUT_ERR_MODEL, "shape");
    expect("expand", one_node("Expand", "w,huge", ""), NULL, OFFCUT_ERR_LIMIT, "too many elements");
    expect("constant of a GiB", one_node("ConstantOfShape", "large", ""), NULL, OFFCUT_ERR_LIMIT,
           "while it is loaded");
    expect("output", small_network("1,3,8,8", "1,1,8,8"),
           &(offcut_input){.std = {1, 1, 1}, .output = 1}, OFFCUT_ERR_ARGUMENT, "no number 1");
    expect("channel", small_network("1,3,8,8", "1,1,8,8"),
           &(offcut_input){.std = {1, 1, 1}, .channel = 1}, OFFCUT_ERR_ARGUMENT, "no number 1");
    input.width = 9;
    expect("width", small_network("1,3,8,8", "1,1,8,8"), &input, OFFCUT_ERR_ARGUMENT,
           "width is 8, not 9");
    input.width = 1000000;
    expect("large width", small_network("1,3,0,0", "1,1,0,0"), &input, OFFCUT_ERR_ARGUMENT,
           "above");
    input = offcut_input_default();
    input.std[1] = 0;
    expect("std", small_network("1,3,8,8", "1,1,8,8"), &input, OFFCUT_ERR_ARGUMENT, "std");
    input.std[1] = NAN;
    expect("std", small_network("1,3,8,8", "1,1,8,8"), &input, OFFCUT_ERR_ARGUMENT, "std");
    expect("channels", small_network("1,4,8,8", "1,1,8,8"), NULL, OFFCUT_ERR_MODEL, "4 channels");
    expect("batch", small_network("2,3,8,8", "2,1,8,8"), NULL, OFFCUT_ERR_MODEL, "one picture");
    offcut_model *model = NULL;
    CHECK(offcut_model_load(ctx, NULL, 0, NULL, &model) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_model_load(ctx, (const uint8_t *)"nonsense", 8, NULL, &model) == OFFCUT_ERR_MODEL);
}

/* ---- files that lie ---- */

/* Loads what may be anything; runs it if it is small. */
static int try_file(const uint8_t *data, size_t size) {
    /* In memory of its own, so that the sanitizer sees a read beyond the end. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) exit(2);
    memcpy(copy, data, size);
    offcut_model *model = NULL;
    const offcut_status status = offcut_model_load(ctx, copy, size, NULL, &model);
    free(copy);
    CHECK((status == OFFCUT_OK) == (model != NULL));
    CHECK((status == OFFCUT_OK) == (strcmp(offcut_detail(ctx), "") == 0));
    if (!model) return 0;
    if (model->program->cost < 2e7 && model->program->arena_size < 4u << 20) {
        const offcut_input *input = offcut_model_input(model);
        const size_t count = (size_t)3 * input->width * input->height;
        float *picture = malloc(count * sizeof *picture);
        const float *mask = NULL;
        uint32_t width = 0, height = 0;
        if (!picture) exit(2);
        fill(picture, count);
        CHECK(offcut_network_run(ctx, model, picture, &mask, &width, &height) == OFFCUT_OK);
        free(picture);
    }
    offcut_model_free(model);
    return 1;
}

static void test_lies(void) {
    bytes file = rich_network();
    int loaded = 0;
    CHECK(try_file(file.data, file.size) == 1);
    for (size_t size = 0; size < file.size; size += 1 + size / 64)
        CHECK(try_file(file.data, size) == 0);
    for (int i = 0; i < 4000; i++) {
        bytes copy = {0};
        put(&copy, file.data, file.size);
        mutate(&copy, check_between(1, 4));
        loaded += try_file(copy.data, copy.size);
        free(copy.data);
    }
    /* Changed weights are still a model; changed structure mostly is none. */
    CHECKF(loaded > 200 && loaded < 3800, "%d of 4000 loaded", loaded);
    free(file.data);
}

/* The structure alone: no weights to hide in. */
static void test_lies_of_structure(void) {
    static const char *const ops[] = {"Conv",
                                      "ConvTranspose",
                                      "MaxPool",
                                      "AveragePool",
                                      "Resize",
                                      "Concat",
                                      "Slice",
                                      "Split",
                                      "Reshape",
                                      "Transpose",
                                      "Expand",
                                      "Tile",
                                      "Pad",
                                      "Gather",
                                      "Squeeze",
                                      "Unsqueeze",
                                      "Flatten",
                                      "ReduceMean",
                                      "ArgMax",
                                      "Softmax",
                                      "MatMul",
                                      "Gemm",
                                      "InstanceNormalization",
                                      "LayerNormalization",
                                      "DepthToSpace",
                                      "SpaceToDepth",
                                      "QuantizeLinear",
                                      "DequantizeLinear",
                                      "Where",
                                      "Clip",
                                      "PRelu",
                                      "Add",
                                      "Range",
                                      "ConstantOfShape",
                                      "Cast",
                                      "Upsample",
                                      "Shape",
                                      "BatchNormalization",
                                      "Mul"};
    static const char *const names[] = {"x", "a", "b", "c", "d", "w", "i", "j", "k", ""};
    static const char *const lists[] = {"1,1",
                                        "2,2",
                                        "0,0,1,1",
                                        "1,3,16,16",
                                        "0",
                                        "-1",
                                        "3,-1",
                                        "9223372036854775807,1",
                                        "-9223372036854775807,2",
                                        "0,1,2,3",
                                        "3,2,1,0",
                                        "65536,65536"};
    static const char *const keys[] = {
        "axis",      "axes", "kernel_shape", "strides", "pads",  "dilations", "perm",    "group",
        "blocksize", "to",   "starts",       "ends",    "split", "ceil_mode", "keepdims"};
    int loaded = 0;
    for (int i = 0; i < 6000; i++) {
        bytes graph = {0};
        put_weights(&graph, "w", check_between(0, 1) ? "3,3,3,3" : "3");
        put_i64s(&graph, "i", lists[check_between(0, 11)]);
        put_i64s(&graph, "j", lists[check_between(0, 11)]);
        put_i64s(&graph, "k", lists[check_between(0, 11)]);
        const char *outputs[] = {"a", "b", "c", "d"};
        for (int n = 0; n < 4; n++) {
            char inputs[32] = "", attributes[160] = "";
            const int count = check_between(1, 4);
            for (int k = 0; k < count; k++) {
                strcat(inputs, k == 0 && n > 0 ? outputs[n - 1] : names[check_between(0, 9)]);
                strcat(inputs, ",");
            }
            for (int k = check_between(0, 2); k > 0; k--) {
                char one[64];
                snprintf(one, sizeof one, "%s%s=%s", *attributes ? " " : "",
                         keys[check_between(0, 14)], lists[check_between(0, 11)]);
                strcat(attributes, one);
            }
            put_node(&graph, ops[check_between(0, 38)],
                     n == 0 && check_between(0, 1) ? "x" : inputs, outputs[n], attributes);
        }
        put_value_info(&graph, 11, "x", "1,3,16,16");
        put_value_info(&graph, 12, outputs[check_between(0, 3)], "1,3,16,16");
        bytes file = onnx_file(&graph, check_between(0, 2) ? 13 : 9);
        loaded += try_file(file.data, file.size);
        free(file.data);
    }
    CHECKF(loaded > 150, "%d of 6000 loaded", loaded);
}

int main(void) {
    ctx = offcut_create();
    if (!ctx) return 2;
    test_run();
    test_slices();
    test_orders();
    test_refusals();
    test_lies();
    test_lies_of_structure();
    offcut_free(ctx);
    return check_done();
}
