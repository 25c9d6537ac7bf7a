/* SPDX-License-Identifier: Apache-2.0
 * The int8 kernels against plain loops written here, byte for byte, over random shapes, strides and
 * slices; nothing outside the result may change. */
#include "nn/kernels/conv8_tile.h"

#include <math.h>

#define ARENA ((size_t)1 << 18) /* floats */
#include "kernel_check.h"

#define ROUNDS 200

static float *expected;

/* Quads that may be a part of a wider picture. */
static offcut__view quads(int32_t c, int32_t h, int32_t w) {
    offcut__view view = {.shape = {4, {1, c, h, w}}};
    offcut__view_quads(&view);
    view.strides[2] += check_between(0, 2) * w;
    view.offset = (ptrdiff_t)take((size_t)(view.strides[2] * h)) + check_between(0, 1);
    arena_used += 16;
    return view;
}

static offcut__view floats(int32_t c, int32_t h, int32_t w) {
    offcut__view view = {.shape = {4, {1, c, h, w}}};
    const ptrdiff_t pixel = c + check_between(0, 3);
    view.strides[1] = 1;
    view.strides[3] = pixel;
    view.strides[2] = pixel * w + check_between(0, 3);
    view.offset = (ptrdiff_t)take((size_t)(view.strides[2] * h));
    return view;
}

/* Channel c of a pixel, in either arena. */
static int8_t *byte_at(float *memory, const offcut__view *v, int32_t c, int32_t y, int32_t x) {
    return (int8_t *)(memory + v->offset + y * v->strides[2] + c / 4 * v->strides[1] + x) + c % 4;
}

static int byte(const offcut__view *v, int32_t c, int32_t y, int32_t x) {
    const bool inside = y >= 0 && y < v->shape.dims[2] && x >= 0 && x < v->shape.dims[3];
    return inside ? *byte_at(arena, v, c, y, x) : 0;
}

/* Random bytes everywhere, those of view lo..hi. */
static void randomise_between(const offcut__view *view, int32_t lo, int32_t hi) {
    for (size_t i = 0; i < ARENA; i++) {
        const uint32_t bits = check_random();
        memcpy(&arena[i], &bits, sizeof bits);
    }
    for (int32_t c = 0; view && c < offcut__view_groups(view) * 4; c++)
        for (int32_t y = 0; y < view->shape.dims[2]; y++)
            for (int32_t x = 0; x < view->shape.dims[3]; x++)
                *byte_at(arena, view, c, y, x) = (int8_t)check_between(lo, hi);
}

static void randomise(const offcut__view *view, int32_t lo) {
    randomise_between(view, lo, 127);
}

static int8_t finish(float y, int32_t lo, int32_t hi) {
    const float rounded = rintf(y);
    const int32_t v = rounded < -128 ? -128 : rounded > 127 ? 127 : (int32_t)rounded;
    return (int8_t)(v < lo ? (lo < hi ? lo : hi) : v > hi ? hi : v);
}

/* Runs op in random slices; then compares the whole arena with what is expected, but for the
 * scratch and for the channels that pad the last group. */
static void check(const char *what, offcut__op *op) {
    op->units = op->run == offcut__conv8_winograd ? offcut__conv8_winograd_units(op)
                                                  : (uint32_t)op->out.shape.dims[2];
    op->scratch_offset = take(op->scratch_size);
    run_sliced(op);
    const offcut__view *out = &op->out;
    memcpy(expected + op->scratch_offset, arena + op->scratch_offset,
           op->scratch_size * sizeof *arena);
    for (int32_t c = out->shape.dims[1]; out->quads && c < offcut__view_groups(out) * 4; c++)
        for (int32_t y = 0; y < out->shape.dims[2]; y++)
            for (int32_t x = 0; x < out->shape.dims[3]; x++)
                *byte_at(expected, out, c, y, x) = *byte_at(arena, out, c, y, x);
    size_t first = 0;
    while (first < ARENA && memcmp(&arena[first], &expected[first], 4) == 0) first++;
    CHECKF(first == ARENA, "%s [%d %d %d] differs at float %zd of the result at %td", what,
           out->shape.dims[1], out->shape.dims[2], out->shape.dims[3], first, out->offset);
}

/* ---- convolution ---- */

#define CHANNELS 24

typedef enum conv_kind { PLAIN, DEPTHWISE, WINOGRAD } conv_kind;

static offcut__conv8 random_conv(conv_kind kind) {
    const bool depthwise = kind == DEPTHWISE;
    offcut__conv8 c = {.window = random_window(4, 3),
                       .channels_in = (uint32_t)check_between(1, 13),
                       .channels_out = (uint32_t)check_between(1, 21),
                       .depthwise = depthwise,
                       .wide = check_between(0, 1),
                       .offset = check_between(0, 3) ? 0 : check_between(1, 127),
                       .floats = !depthwise && check_between(0, 4) == 0,
                       .residual = check_float() * 2,
                       .floor = check_between(0, 1) ? 0 : -1e30f,
                       .lo = check_between(0, 1) ? 0 : check_between(-128, 20),
                       .hi = check_between(0, 1) ? 127 : check_between(0, 127)};
    if (depthwise) c.channels_in = c.channels_out;
    if (c.floats && check_between(0, 1)) c.channels_out = 1;
    if (kind == WINOGRAD) {
        const bool folds = check_between(0, 2) == 0;
        c.window = folds ? (offcut__geometry){4, 4, 2, 2, 1, 1, 0, 0}
                         : (offcut__geometry){3, 3, 1, 1, 1, 1, 0, 0};
        c.channels_in = (uint32_t)(folds ? check_between(1, 4) : check_between(8, CHANNELS));
        c.channels_out = (uint32_t)check_between(8, CHANNELS);
        c.wide = true;
        c.floats = false;
    }
    if (depthwise || c.wide) c.offset = 0;
    c.window.pad_top = check_between(-1, c.window.kernel_h * c.window.dilation_h);
    c.window.pad_left = check_between(-1, c.window.kernel_w * c.window.dilation_w);
    return c;
}

static void fill_parameters(offcut__conv8 *c, int32_t *bias, float *scale) {
    for (int k = 0; k < CHANNELS; k++) {
        bias[k] = check_between(-3000, 3000);
        scale[k] = (check_float() + 1.01f) * 0.005f;
    }
    c->bias = bias;
    c->scale = scale;
}

static int32_t conv_sum(const offcut__conv8 *c, const offcut__view *in, const int8_t *w, int32_t k,
                        int32_t y, int32_t x) {
    int32_t sum = c->bias[k];
    const int32_t each = c->depthwise ? 1 : (int32_t)c->channels_in;
    w += k * c->window.kernel_h * c->window.kernel_w * each;
    for (int32_t d = 0; d < each; d++)
        for (int32_t i = 0; i < c->window.kernel_h; i++)
            for (int32_t j = 0; j < c->window.kernel_w; j++)
                sum += *w++ *
                       byte(in, c->depthwise ? k : d,
                            y * c->window.stride_h + i * c->window.dilation_h - c->window.pad_top,
                            x * c->window.stride_w + j * c->window.dilation_w - c->window.pad_left);
    return sum;
}

static void expect_conv(const offcut__op *op, const int8_t *w) {
    const offcut__conv8 *c = &op->u.conv8;
    const offcut__view *out = &op->out;
    memcpy(expected, arena, ARENA * sizeof *arena);
    for (int32_t k = 0; k < (int32_t)c->channels_out; k++) {
        for (int32_t y = 0; y < out->shape.dims[2]; y++) {
            for (int32_t x = 0; x < out->shape.dims[3]; x++) {
                float v = (float)conv_sum(c, &op->in[0], w, k, y, x) * c->scale[k];
                if (op->in_count > 1)
                    v = (v < c->floor ? c->floor : v) +
                        (float)byte(&op->in[1], k, y, x) * c->residual;
                if (c->floats)
                    expected[out->offset + y * out->strides[2] + x * out->strides[3] + k] = v;
                else
                    *byte_at(expected, out, k, y, x) = finish(v, c->lo, c->hi);
            }
        }
    }
}

static int32_t outputs(int32_t in, int32_t taps, int32_t stride, int32_t dilation, int32_t pads) {
    const int32_t room = in + pads - (taps - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
}

/* Packs the weights and says how they are used. */
static void prepare(offcut__op *op, conv_kind kind, const int8_t *weights, int16_t *packed) {
    offcut__conv8 *c = &op->u.conv8;
    c->weights = packed;
    switch (kind) {
        case PLAIN:
            op->run = offcut__conv8_run;
            offcut__conv8_fill(c, weights, (int8_t *)packed);
            op->scratch_size = offcut__conv8_scratch(op);
            break;
        case DEPTHWISE:
            op->run = offcut__depthwise8_run;
            offcut__depthwise8_fill(c, weights, (int8_t *)packed);
            break;
        case WINOGRAD:
            CHECK(offcut__conv8_winograd_can(
                c, 16384.0 * c->window.kernel_h * c->window.kernel_w * c->channels_in));
            op->run = offcut__conv8_winograd;
            offcut__conv8_winograd_fill(c, weights, packed);
            op->scratch_size = offcut__conv8_winograd_scratch(op);
    }
}

static void test_conv(conv_kind kind) {
    static const char *const names[] = {"convolution", "depthwise", "Winograd"};
    static int16_t packed[CHANNELS * CHANNELS * 36];
    const bool depthwise = kind == DEPTHWISE;
    offcut__conv8 c = random_conv(kind);
    int8_t weights[CHANNELS * CHANNELS * 9];
    int32_t bias[CHANNELS];
    float scale[CHANNELS];
    arena_used = 0;
    const int32_t h = check_between(1, 15), w = check_between(1, kind == WINOGRAD ? 100 : 40);
    const int32_t out_h = outputs(h, c.window.kernel_h, c.window.stride_h, c.window.dilation_h,
                                  c.window.pad_top + check_between(0, 2));
    const int32_t out_w = outputs(w, c.window.kernel_w, c.window.stride_w, c.window.dilation_w,
                                  c.window.pad_left + check_between(0, 2));
    if (out_h < 1 || out_w < 1) return;
    fill_parameters(&c, bias, scale);
    offcut__op op = {.in_count = 1};
    op.in[0] = quads((int32_t)c.channels_in, h, w);
    op.out = (c.floats ? floats : quads)((int32_t)c.channels_out, out_h, out_w);
    const bool adds = !c.floats && check_between(0, 1);
    const bool in_place = adds && check_between(0, 1);
    if (adds) {
        op.in[1] = in_place ? op.out : quads((int32_t)c.channels_out, out_h, out_w);
        op.in_count = 2;
    }
    const bool extreme = check_between(0, 7) == 0; /* the largest sums there can be */
    for (size_t i = 0; i < sizeof weights; i++)
        weights[i] = (int8_t)(extreme ? -128 : check_between(-128, 127));
    CHECK(offcut__conv8_can(&c, out_w));
    CHECK(offcut__conv8_weights(&c) <= sizeof packed);
    CHECK(kind != WINOGRAD || offcut__conv8_winograd_weights(&c) <= sizeof packed);
    op.u.conv8 = c;
    prepare(&op, kind, weights, packed);
    const int32_t least = c.wide || depthwise ? -128 : -c.offset;
    randomise_between(&op.in[0], least, extreme ? least : 127 - c.offset);
    expect_conv(&op, weights);
    const int32_t each =
        c.window.kernel_h * c.window.kernel_w * (depthwise ? 1 : (int32_t)c.channels_in);
    for (int32_t i = 0; i < (int32_t)c.channels_out * each; i++)
        bias[i / each] -= c.offset * weights[i];
    check(names[kind], &op);
}

/* ---- the rest ---- */

static void test_scaling(void) {
    arena_used = 0;
    const int32_t c = check_between(1, 13), h = check_between(1, 9), w = check_between(1, 20);
    offcut__op op = {.run = offcut__add8_run, .in_count = (uint32_t)check_between(1, 2)};
    op.in[0] = quads(c, h, w);
    op.in[1] = quads(c, h, w);
    op.out = check_between(0, 1) ? op.in[0] : quads(c, h, w);
    offcut__scaling8 *s = &op.u.scaling8;
    *s = (offcut__scaling8){.factor = {check_float() * 2, check_float() * 2},
                            .lo = check_between(0, 1) ? 0 : -128,
                            .hi = check_between(50, 127)};
    randomise(NULL, 0);
    memcpy(expected, arena, ARENA * sizeof *arena);
    for (int32_t k = 0; k < c; k++)
        for (int32_t y = 0; y < h; y++)
            for (int32_t x = 0; x < w; x++) {
                float v = (float)byte(&op.in[0], k, y, x) * s->factor[0];
                if (op.in_count > 1) v += (float)byte(&op.in[1], k, y, x) * s->factor[1];
                *byte_at(expected, &op.out, k, y, x) = finish(v, s->lo, s->hi);
            }
    check("sum", &op);
}

static float odd_number(void) {
    switch (check_between(0, 40)) {
        case 0: return NAN;
        case 1: return -NAN;
        case 2: return INFINITY;
        case 3: return -INFINITY;
        case 4: return 1e38f;
        case 5: return (float)check_between(-130, 130) * 0.25f; /* ties */
        default: return check_float() * 40;
    }
}

static void test_bridges(void) {
    arena_used = 0;
    const int32_t c = check_between(1, 13), h = check_between(1, 9), w = check_between(1, 20);
    offcut__op op = {.run = offcut__quantise8_run, .in_count = 1};
    float centre[16], spread[16];
    for (int i = 0; i < 16; i++) {
        centre[i] = check_between(0, 1) ? 0 : check_float();
        spread[i] = check_between(0, 1) ? 1 : check_float() + 1.5f;
    }
    op.in[0] = floats(c, h, w);
    op.out = quads(c, h, w);
    op.u.scaling8 = (offcut__scaling8){.factor = {check_between(0, 1) ? 0.5f : 0.31f},
                                       .lo = -128,
                                       .hi = 127,
                                       .centre = centre,
                                       .spread = spread};
    randomise(NULL, 0);
    const ptrdiff_t size = op.in[0].strides[2] * h;
    for (ptrdiff_t i = 0; i < size; i++) arena[op.in[0].offset + i] = odd_number();
    memcpy(expected, arena, ARENA * sizeof *arena);
    for (int32_t k = 0; k < c; k++)
        for (int32_t y = 0; y < h; y++)
            for (int32_t x = 0; x < w; x++) {
                const float v =
                    arena[op.in[0].offset + y * op.in[0].strides[2] + x * op.in[0].strides[3] + k];
                const float q = (v - centre[k]) / spread[k] / op.u.scaling8.factor[0];
                *byte_at(expected, &op.out, k, y, x) = isnan(q) ? -128 : finish(q, -128, 127);
            }
    check("quantisation", &op);
    op.run = offcut__dequantise8_run;
    op.in[0] = op.out;
    op.out = floats(c, h, w);
    memcpy(expected, arena, ARENA * sizeof *arena);
    for (int32_t k = 0; k < c; k++)
        for (int32_t y = 0; y < h; y++)
            for (int32_t x = 0; x < w; x++)
                expected[op.out.offset + y * op.out.strides[2] + x * op.out.strides[3] + k] =
                    (float)byte(&op.in[0], k, y, x) * op.u.scaling8.factor[0];
    check("dequantisation", &op);
}

static void test_pool(void) {
    arena_used = 0;
    static const offcut__geometry square = {2, 2, 2, 2, 1, 1, 0, 0};
    offcut__pooling p = {.window = check_between(0, 1) ? square : random_window(4, 2)};
    p.window.pad_top = check_between(0, p.window.kernel_h - 1);
    p.window.pad_left = check_between(0, p.window.kernel_w - 1);
    const int32_t c = check_between(1, 13), h = check_between(5, 15), w = check_between(5, 20);
    const int32_t out_h = outputs(h, p.window.kernel_h, p.window.stride_h, p.window.dilation_h,
                                  p.window.pad_top),
                  out_w = outputs(w, p.window.kernel_w, p.window.stride_w, p.window.dilation_w,
                                  p.window.pad_left);
    if (out_h < 1 || out_w < 1) return;
    offcut__op op = {.run = offcut__pool8_run, .in_count = 1, .u = {.pooling = p}};
    op.in[0] = quads(c, h, w);
    op.out = quads(c, out_h, out_w);
    randomise(NULL, 0);
    memcpy(expected, arena, ARENA * sizeof *arena);
    for (int32_t k = 0; k < c; k++)
        for (int32_t y = 0; y < out_h; y++)
            for (int32_t x = 0; x < out_w; x++) {
                int best = -128;
                for (int32_t i = 0; i < p.window.kernel_h; i++)
                    for (int32_t j = 0; j < p.window.kernel_w; j++) {
                        const int32_t v =
                            y * p.window.stride_h + i * p.window.dilation_h - p.window.pad_top;
                        const int32_t u =
                            x * p.window.stride_w + j * p.window.dilation_w - p.window.pad_left;
                        if (v < 0 || v >= h || u < 0 || u >= w) continue;
                        if (byte(&op.in[0], k, v, u) > best) best = byte(&op.in[0], k, v, u);
                    }
                *byte_at(expected, &op.out, k, y, x) = (int8_t)best;
            }
    check("max pooling", &op);
}

static void random_taps(int32_t *sources, float *weights, int32_t count, uint32_t taps,
                        int32_t size, bool rising) {
    for (int32_t i = 0; i < count; i++)
        for (uint32_t t = 0; t < taps; t++) {
            const int32_t at = rising ? i * size / count + (int32_t)t : check_between(0, size - 1);
            sources[(uint32_t)i * taps + t] = at < size ? at : size - 1;
            weights[(uint32_t)i * taps + t] = (float)check_between(-2, 8) / 8;
        }
}

static void doubling_taps(int32_t *sources, float *weights, int32_t size) {
    for (int32_t i = 0; i < 2 * size; i++) {
        const int32_t next = i / 2 + (i % 2 ? 1 : -1);
        sources[2 * i] = i / 2;
        sources[2 * i + 1] = next < 0 ? 0 : next < size ? next : size - 1;
        weights[2 * i] = 0.75f;
        weights[2 * i + 1] = 0.25f;
    }
}

static void test_resize(bool doubles) {
    arena_used = 0;
    static const uint32_t taps[] = {1, 2, 4};
    int32_t rows[4 * 20], columns[4 * 20];
    float row_weights[4 * 20], column_weights[4 * 20];
    const int32_t c = check_between(1, 13), h = check_between(1, 12), w = check_between(1, 12);
    const int32_t out_h = doubles ? 2 * h : check_between(1, 20),
                  out_w = doubles ? 2 * w : check_between(1, 20);
    offcut__op op = {.run = offcut__resize8_run, .in_count = 1};
    offcut__resize *r = &op.u.resize;
    *r = (offcut__resize){doubles ? 2 : taps[check_between(0, 2)],
                          doubles ? 2 : taps[check_between(0, 2)],
                          rows,
                          columns,
                          row_weights,
                          column_weights,
                          doubles};
    if (doubles) {
        doubling_taps(rows, row_weights, h);
        doubling_taps(columns, column_weights, w);
    } else {
        random_taps(rows, row_weights, out_h, r->taps_y, h, check_between(0, 1));
        random_taps(columns, column_weights, out_w, r->taps_x, w, check_between(0, 1));
    }
    op.in[0] = quads(c, h, w);
    op.out = quads(c, out_h, out_w);
    op.scratch_size = offcut__resize8_scratch(&op);
    randomise(NULL, 0);
    memcpy(expected, arena, ARENA * sizeof *arena);
    for (int32_t k = 0; k < c; k++)
        for (int32_t y = 0; y < out_h; y++)
            for (int32_t x = 0; x < out_w; x++) {
                /* Eighths of small integers: exact in any order. */
                float sum = 0;
                for (uint32_t i = 0; i < r->taps_y; i++)
                    for (uint32_t j = 0; j < r->taps_x; j++)
                        sum += (float)byte(&op.in[0], k, rows[(uint32_t)y * r->taps_y + i],
                                           columns[(uint32_t)x * r->taps_x + j]) *
                               row_weights[(uint32_t)y * r->taps_y + i] *
                               column_weights[(uint32_t)x * r->taps_x + j];
                *byte_at(expected, &op.out, k, y, x) = finish(sum, -128, 127);
            }
    check(doubles ? "doubling" : "resizing", &op);
}

int main(void) {
    arena = malloc(ARENA * sizeof *arena);
    expected = malloc(ARENA * sizeof *expected);
    if (!arena || !expected) return 2;
    for (int i = 0; i < ROUNDS; i++) test_conv(PLAIN);
    for (int i = 0; i < ROUNDS / 2; i++) test_conv(DEPTHWISE);
    for (int i = 0; i < ROUNDS / 2; i++) test_conv(WINOGRAD);
    for (int i = 0; i < ROUNDS / 2; i++) test_scaling();
    for (int i = 0; i < ROUNDS / 2; i++) test_bridges();
    for (int i = 0; i < ROUNDS / 2; i++) test_pool();
    for (int i = 0; i < ROUNDS / 2; i++) test_resize(i % 3 == 0);
    free(arena);
    free(expected);
    return check_done();
}
