/* SPDX-License-Identifier: Apache-2.0
 * Which operations a quantised file becomes, and files whose scales, zero points, axes and types
 * are not what the integer operations want: they stay f32 or are refused, and nothing is read or
 * written where it should not be (this runs under the sanitizers). */
#include "nn/kernels/kernels.h"
#include "nn_check.h"

#include <math.h>

/* What a file is made with. */
typedef struct oddity {
    const char *name;
    bool integers;                              /* it becomes integer operations throughout */
    float scale;                                /* of one activation */
    float weight_scale;                         /* of one channel */
    float bias_scale;                           /* 0: no bias */
    int zero;                                   /* point of that activation */
    int zero_type;                              /* 3: int8 */
    const char *weight_scales, *axis, *weights; /* shapes, and an attribute */
    bool without_zero, zero_of_two, weights_of_minus_128;
    const char *odd_zero; /* zero point of the weights */
} oddity;

enum part {
    NOTHING,
    SCALE,
    WEIGHT_SCALE,
    BIAS_SCALE,
    ZERO,
    ZERO_TYPE,
    NO_ZERO,
    TWO_ZEROS,
    MINUS_128,
    AXIS,
    WEIGHT_SCALES,
    WEIGHTS,
    WEIGHT_ZERO
};

/* One part that differs from a plain file. */
static const struct {
    const char *name;
    enum part part;
    float number;
    const char *text;
    bool integers;
} changes[] = {
    {"plain", NOTHING, 0, "", true},
    {"weights of -128", MINUS_128, 0, "", true},
    {"one weight scale", WEIGHT_SCALES, 0, "1", true},
    {"no bias", BIAS_SCALE, 0, "", true},
    {"scale 0", SCALE, 0, "", false},
    {"scale below 0", SCALE, -0.02f, "", false},
    {"scale NaN", SCALE, NAN, "", false},
    {"scale infinite", SCALE, INFINITY, "", false},
    {"scale subnormal", SCALE, 1e-40f, "", false},
    {"scale huge", SCALE, 3e38f, "", false},
    {"scale tiny", SCALE, 1e-29f, "", false},
    {"weight scale 0", WEIGHT_SCALE, 0, "", false},
    {"weight scale below 0", WEIGHT_SCALE, -1, "", false},
    {"weight scale NaN", WEIGHT_SCALE, NAN, "", false},
    {"weight scale infinite", WEIGHT_SCALE, INFINITY, "", false},
    {"weight scale huge", WEIGHT_SCALE, 1e29f, "", false},
    {"weight scale tiny", WEIGHT_SCALE, 1e-29f, "", false},
    {"bias scale huge", BIAS_SCALE, 1e30f, "", false},
    {"bias scale NaN", BIAS_SCALE, NAN, "", false},
    {"zero point 5", ZERO, 5, "", false},
    {"zero point -128", ZERO, -128, "", false},
    {"no zero point", NO_ZERO, 0, "", false},
    {"two zero points", TWO_ZEROS, 0, "", false},
    {"unsigned", ZERO_TYPE, 2, "", false},
    {"zero point of f32", ZERO_TYPE, 1, "", false},
    {"scales along axis 1", AXIS, 0, "axis=1", false},
    {"scales along axis 9", AXIS, 0, "axis=9", false},
    {"scales along axis -4", AXIS, 0, "axis=-4", true},
    {"too few scales", WEIGHT_SCALES, 0, "7", false},
    {"no scales", WEIGHT_SCALES, 0, "0", false},
    {"scales of two dimensions", WEIGHT_SCALES, 0, "8,1", false},
    {"weights for other channels", WEIGHTS, 0, "8,5,3,3", false},
    {"weights of three dimensions", WEIGHTS, 0, "8,3,9", false},
    {"scales along axis 1 that fit", WEIGHTS, 0, "3,8,3,3", false},
    {"zero point of the weights", WEIGHT_ZERO, 0, "8", false},
    {"zero points of the weights that do not fit", WEIGHT_ZERO, 0, "2", false},
};

static oddity oddity_of(size_t index) {
    const float number = changes[index].number;
    const char *text = changes[index].text;
    oddity o = {.name = changes[index].name,
                .integers = changes[index].integers,
                .scale = 0.02f,
                .weight_scale = 0.005f,
                .bias_scale = 1e-4f,
                .zero_type = 3,
                .weight_scales = "8",
                .axis = "axis=0",
                .weights = "8,3,3,3"};
    switch (changes[index].part) {
        case NOTHING: break;
        case SCALE: o.scale = number; break;
        case WEIGHT_SCALE: o.weight_scale = number; break;
        case BIAS_SCALE: o.bias_scale = number; break;
        case ZERO: o.zero = (int)number; break;
        case ZERO_TYPE: o.zero_type = (int)number; break;
        case NO_ZERO: o.without_zero = true; break;
        case TWO_ZEROS: o.zero_of_two = true; break;
        case MINUS_128: o.weights_of_minus_128 = true; break;
        case AXIS: o.axis = text; break;
        case WEIGHT_SCALES: o.weight_scales = text; break;
        case WEIGHTS: o.weights = text; break;
        case WEIGHT_ZERO: o.odd_zero = text; break;
    }
    return o;
}

static void put_bytes(bytes *graph, const char *name, const char *shape, int lo) {
    int64_t dims[16];
    const size_t count = dims_count(dims, parse_dims(shape, dims));
    int8_t *data = malloc(count + 1);
    if (!data) exit(2);
    for (size_t i = 0; i < count; i++) data[i] = (int8_t)check_between(lo, 127);
    if (count) data[0] = (int8_t)lo;
    put_tensor(graph, name, 3, shape, data, 1);
    free(data);
}

static void put_scales(bytes *graph, const char *name, const char *shape, float first) {
    float scales[16];
    for (int i = 0; i < 16; i++) scales[i] = i == 1 ? first : 0.005f;
    if (strcmp(shape, "1") == 0) scales[0] = first;
    put_tensor(graph, name, 1, shape, scales, sizeof *scales);
}

static void put_zero(bytes *graph, const oddity *odd) {
    int8_t zero[8] = {(int8_t)odd->zero, (int8_t)odd->zero};
    const float none[2] = {0, 0};
    const char *shape = odd->zero_of_two ? "2" : "1";
    if (odd->zero_type == 1)
        put_tensor(graph, "odd_zero", 1, shape, none, sizeof *none);
    else
        put_tensor(graph, "odd_zero", odd->zero_type, shape, zero, 1);
    zero[0] = zero[1] = 0;
    put_tensor(graph, "zero", 3, "1", zero, 1);
    memset(zero, 3, sizeof zero);
    if (odd->odd_zero) put_tensor(graph, "wz", 3, odd->odd_zero, zero, 1);
}

static void put_pair(bytes *graph, const char *value, const char *pair, const char *q,
                     const char *dq) {
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s,%s", value, pair);
    put_node(graph, "QuantizeLinear", inputs, q, "");
    snprintf(inputs, sizeof inputs, "%s,%s", q, pair);
    put_node(graph, "DequantizeLinear", inputs, dq, "");
}

/* Every operator that has an integer form; the first convolution and what is after it is odd. */
static bytes odd_file(const oddity *odd) {
    bytes graph = {0};
    const float scales[2] = {odd->scale, 0.02f}, twice[4] = {1, 1, 2, 2};
    put_value_info(&graph, 11, "x", "1,3,16,16");
    put_value_info(&graph, 12, "y", "");
    put_tensor(&graph, "odd_s", 1, "1", &scales[0], sizeof *scales);
    put_tensor(&graph, "s", 1, "1", &scales[1], sizeof *scales);
    put_zero(&graph, odd);
    put_bytes(&graph, "w", odd->weights, odd->weights_of_minus_128 ? -128 : -127);
    put_scales(&graph, "ws", odd->weight_scales, odd->weight_scale);
    put_bytes(&graph, "b", "8", -127);
    put_scales(&graph, "bs", "8", odd->bias_scale);
    put_bytes(&graph, "each", "8,1,3,3", -127);
    put_bytes(&graph, "last", "1,16,3,3", -127);
    put_scales(&graph, "es", "1", 0.004f);
    put_tensor(&graph, "twice", 1, "4", twice, sizeof *twice);
    put_pair(&graph, "x", "s,zero", "q0", "d0");
    put_node(&graph, "DequantizeLinear", odd->odd_zero ? "w,ws,wz" : "w,ws", "wd", odd->axis);
    put_node(&graph, "DequantizeLinear", "b,bs", "bd", "axis=0");
    put_node(&graph, "Conv",
             (odd->bias_scale < 0 || odd->bias_scale > 0 || isnan(odd->bias_scale)) ? "d0,wd,bd"
                                                                                    : "d0,wd",
             "c1", "pads=1,1,1,1");
    put_node(&graph, "Relu", "c1", "r1", "");
    put_pair(&graph, "r1", odd->without_zero ? "odd_s" : "odd_s,odd_zero", "q1", "d1");
    put_node(&graph, "MaxPool", "d1", "m1", "kernel_shape=2,2 strides=2,2");
    put_pair(&graph, "m1", odd->without_zero ? "odd_s" : "odd_s,odd_zero", "q2", "d2");
    put_node(&graph, "DequantizeLinear", "each,es", "ed", "");
    put_node(&graph, "Conv", "d2,ed", "c2", "pads=1,1,1,1 group=8");
    put_pair(&graph, "c2", "s,zero", "q3", "d3");
    put_node(&graph, "Add", "d2,d3", "a", "");
    put_node(&graph, "Relu", "a", "r2", "");
    put_pair(&graph, "r2", "s,zero", "q4", "d4");
    put_node(&graph, "Conv", "d4,ed", "c3", "pads=1,1,1,1 group=8");
    put_node(&graph, "Relu", "c3", "r3", "");
    put_node(&graph, "Add", "r3,d4", "a2", "");
    put_pair(&graph, "a2", "s,zero", "q6", "d6");
    put_node(&graph, "Resize", "d6,,twice", "up", "mode='linear'");
    put_node(&graph, "Concat", "up,d1", "both", "axis=1");
    put_pair(&graph, "both", "s,zero", "q5", "d5");
    put_node(&graph, "DequantizeLinear", "last,es", "ld", "");
    put_node(&graph, "Conv", "d5,ld", "y", "pads=1,1,1,1");
    return onnx_file(&graph, 13);
}

static uint32_t count_ops(const offcut_model *model, offcut__op_run run) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->program->op_count; i++)
        count += model->program->ops[i].run == run;
    return count;
}

/* The fast forms: bilinear doubling, and f32 of one channel. */
static uint32_t count_special(const offcut_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->program->op_count; i++) {
        const offcut__op *op = &model->program->ops[i];
        count += op->run == offcut__resize8_run && op->u.resize.doubles;
        count += op->run == offcut__conv8_run && op->u.conv8.line;
    }
    return count;
}

static void check_integers(const char *name, const offcut_model *model) {
    CHECKF(
        count_ops(model, offcut__conv8_run) == 2 && count_ops(model, offcut__depthwise8_run) == 2 &&
            count_ops(model, offcut__pool8_run) == 1 && count_ops(model, offcut__add8_run) == 1 &&
            count_ops(model, offcut__resize8_run) == 1 &&
            count_ops(model, offcut__quantise8_run) == 1 &&
            count_ops(model, offcut__loops_ternary) == 0 &&
            count_ops(model, offcut__dequantise8_run) == 0 && count_special(model) == 2,
        "%s does not become integer operations", name);
}

static void test_oddity(offcut_ctx *ctx, const oddity *odd) {
    static float input[3 * 16 * 16];
    bytes file = odd_file(odd);
    offcut_model *model = NULL;
    for (size_t i = 0; i < sizeof input / sizeof *input; i++) input[i] = check_float();
    input[5] = NAN;
    input[6] = -INFINITY;
    const offcut_status status = offcut_model_load(ctx, file.data, file.size, NULL, &model);
    CHECKF(status == OFFCUT_OK || (!odd->integers && status == OFFCUT_ERR_MODEL), "%s: %s",
           odd->name, offcut_detail(ctx));
    if (model) {
        const float *mask = NULL;
        uint32_t width = 0, height = 0;
        if (odd->integers) check_integers(odd->name, model);
        for (int i = 0; i < 2; i++)
            CHECK(offcut_network_run(ctx, model, input, &mask, &width, &height) == OFFCUT_OK);
        CHECK(width == 16 && height == 16);
        for (uint32_t i = 0; odd->integers && i < width * height; i++)
            CHECKF(isfinite(mask[i]), "%s: pixel %u is %g", odd->name, i, (double)mask[i]);
    }
    offcut_model_free(model);
    free(file.data);
}

/* Damaged in every way that changing or cutting bytes gives. */
static void test_damage(offcut_ctx *ctx) {
    const oddity plain = oddity_of(0);
    const bytes file = odd_file(&plain);
    uint8_t *copy = malloc(file.size);
    if (!copy) exit(2);
    for (int i = 0; i < 3000; i++) {
        offcut_model *model = NULL;
        memcpy(copy, file.data, file.size);
        for (int k = check_between(1, 3); k > 0; k--)
            copy[check_random() % file.size] = (uint8_t)check_random();
        const size_t size = check_between(0, 3) ? file.size : check_random() % file.size;
        if (offcut_model_load(ctx, copy, size, NULL, &model) == OFFCUT_OK) {
            const offcut_input *input = offcut_model_input(model);
            const float *mask = NULL;
            uint32_t width = 0, height = 0;
            float *picture = calloc((size_t)3 * input->width * input->height, sizeof *picture);
            if (!picture) exit(2);
            (void)offcut_network_run(ctx, model, picture, &mask, &width, &height);
            free(picture);
        }
        check_count++;
        offcut_model_free(model);
    }
    free(copy);
    free(file.data);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    if (!ctx) return 2;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const oddity odd = oddity_of(i);
        for (int k = 0; k < 5; k++) test_oddity(ctx, &odd);
    }
    test_damage(ctx);
    offcut_free(ctx);
    return check_done();
}
