/* SPDX-License-Identifier: Apache-2.0
 * Every fast kernel against the plain one, over random shapes, strides and slices. */
#include "nn/kernels/conv_tile.h"
#include "nn/kernels/simd.h"

#include <math.h>

#define ARENA ((size_t)1 << 21) /* floats */
#include "kernel_check.h"

/* An image whose pixels may lie apart, as a part of a Concat result does. */
static offcut__view image(int32_t n, int32_t c, int32_t h, int32_t w) {
    const ptrdiff_t pixel = c + check_between(0, 2) * check_between(0, 5);
    const ptrdiff_t row = pixel * w + check_between(0, 1) * 3;
    offcut__view view = {.shape = {4, {n, c, h, w}}, .strides = {row * h, 1, row, pixel}};
    view.offset = (ptrdiff_t)take((size_t)(row * h * n));
    return view;
}

static void randomise(void) {
    for (size_t i = 0; i < ARENA; i++) arena[i] = check_float();
}

/* fast and plain have run: compares their results, and what lies between the pixels with what was
 * there. */
static void compare(const char *what, const offcut__view *fast, const offcut__view *plain,
                    float tolerance) {
    const int32_t *d = fast->shape.dims;
    float worst = 0, largest = 1;
    for (int32_t n = 0; n < d[0]; n++)
        for (int32_t y = 0; y < d[2]; y++)
            for (int32_t x = 0; x < d[3]; x++)
                for (int32_t c = 0; c < d[1]; c++) {
                    const ptrdiff_t at =
                        n * fast->strides[0] + c + y * fast->strides[2] + x * fast->strides[3];
                    const ptrdiff_t other =
                        n * plain->strides[0] + c + y * plain->strides[2] + x * plain->strides[3];
                    const float a = arena[fast->offset + at], b = arena[plain->offset + other];
                    if (!(fabsf(a - b) <= worst)) worst = fabsf(a - b);
                    if (fabsf(b) > largest) largest = fabsf(b);
                }
    CHECKF(worst <= tolerance * largest, "%s [%d %d %d %d]: differs by %g of %g", what, d[0], d[1],
           d[2], d[3], (double)worst, (double)largest);
}

static float *guard_copy;

/* What a kernel may not touch stays as it was: everything outside the view's elements and the
 * scratch. */
static void check_untouched(const char *what, const offcut__view *out, size_t scratch,
                            size_t scratch_size) {
    const int32_t *d = out->shape.dims;
    for (int32_t n = 0; n < d[0]; n++)
        for (int32_t y = 0; y < d[2]; y++)
            for (int32_t x = 0; x < d[3]; x++)
                for (int32_t c = 0; c < d[1]; c++) {
                    const ptrdiff_t at = out->offset + n * out->strides[0] + c +
                                         y * out->strides[2] + x * out->strides[3];
                    guard_copy[at] = arena[at];
                }
    memcpy(guard_copy + scratch, arena + scratch, scratch_size * sizeof *arena);
    CHECKF(memcmp(guard_copy, arena, ARENA * sizeof *arena) == 0, "%s wrote outside its result",
           what);
}

/* ---- convolution ---- */

static void random_weights(float *data, size_t count) {
    for (size_t i = 0; i < count; i++) data[i] = check_float();
}

typedef struct kernel {
    const char *name;
    offcut__op_run run;
    float tolerance;
} kernel;

static int32_t outputs(int32_t in, int32_t taps, int32_t stride, int32_t dilation, int32_t before,
                       int32_t after) {
    const int32_t room = in + before + after - (taps - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
}

static void pack(const kernel *k, offcut__op *op, const float *reference, float *packed) {
    const offcut__conv *c = &op->u.conv;
    op->units = (uint32_t)(op->out.shape.dims[0] * op->out.shape.dims[2]);
    op->scratch_size = 0;
    if (k->run == offcut__conv_direct) {
        offcut__conv_direct_pack(c, reference, packed);
        op->scratch_size = offcut__conv_direct_scratch(op);
    } else if (k->run == offcut__conv_winograd) {
        offcut__conv_winograd_pack(c, reference, packed);
        op->scratch_size = offcut__conv_winograd_scratch(op);
        op->units = offcut__conv_winograd_units(op);
    } else if (k->run == offcut__conv_depthwise) {
        offcut__conv_depthwise_pack(c, reference, packed);
    } else {
        memcpy(packed, reference,
               (size_t)c->groups * c->group_out * c->group_in *
                   (size_t)(c->window.kernel_h * c->window.kernel_w) * sizeof *packed);
    }
    op->scratch_offset = take(op->scratch_size);
    op->run = k->run;
}

static offcut__conv random_conv(const kernel *k) {
    offcut__conv c = {.window = random_window(4, 3),
                      .groups = (uint32_t)check_between(1, 3),
                      .group_in = (uint32_t)check_between(1, 13),
                      .group_out = (uint32_t)check_between(1, 21),
                      .lo = -INFINITY,
                      .hi = INFINITY};
    if (k->run == offcut__conv_depthwise) {
        c.groups = (uint32_t)check_between(1, 19);
        c.group_in = c.group_out = 1;
    }
    if (k->run == offcut__conv_narrow) {
        c.groups = 1;
        c.group_in = (uint32_t)check_between(8, 30);
        c.group_out = (uint32_t)check_between(1, 3);
    }
    if (k->run == offcut__conv_winograd) {
        c.window.kernel_h = c.window.kernel_w = 3;
        c.window.stride_h = c.window.stride_w = c.window.dilation_h = c.window.dilation_w = 1;
        c.groups = 1;
        c.group_in = 4 * (uint32_t)check_between(1, 6);
        c.group_out = 4 * (uint32_t)check_between(1, 6);
    }
    c.window.pad_top = check_between(-1, c.window.kernel_h * c.window.dilation_h);
    c.window.pad_left = check_between(-1, c.window.kernel_w * c.window.dilation_w);
    if (check_between(0, 2) == 0) c.lo = 0;
    if (check_between(0, 2) == 0) c.hi = 1;
    return c;
}

static void test_convolution(const kernel *k) {
    const offcut__conv c = random_conv(k);
    arena_used = 0;
    const int32_t in_c = (int32_t)(c.groups * c.group_in),
                  out_c = (int32_t)(c.groups * c.group_out);
    const int32_t in_h = check_between(1, 19), in_w = check_between(1, 60), n = check_between(1, 2);
    const int32_t out_h = outputs(in_h, c.window.kernel_h, c.window.stride_h, c.window.dilation_h,
                                  c.window.pad_top, check_between(0, 3));
    const int32_t out_w = outputs(in_w, c.window.kernel_w, c.window.stride_w, c.window.dilation_w,
                                  c.window.pad_left, check_between(0, 3));
    if (out_h < 1 || out_w < 1) return;
    const size_t size =
        (size_t)out_c * c.group_in * (size_t)(c.window.kernel_h * c.window.kernel_w);
    float *reference = malloc(size * sizeof *reference),
          *packed = malloc((size + 64) * 64 * sizeof *packed);
    float *bias = malloc((size_t)out_c * sizeof *bias),
          *slope = malloc((size_t)out_c * sizeof *slope);
    if (!reference || !packed || !bias || !slope) exit(2);
    random_weights(reference, size);
    random_weights(bias, (size_t)out_c);
    random_weights(slope, (size_t)out_c);
    offcut__op plain = {.run = offcut__conv_reference, .in_count = 1, .u.conv = c};
    plain.units = (uint32_t)(n * out_h);
    plain.in[0] = image(n, in_c, in_h, in_w);
    plain.in[1] = image(n, out_c, out_h, out_w);
    plain.in_count = (uint32_t)check_between(1, 2);
    plain.slope = check_between(0, 3) == 0 ? slope : NULL;
    if (check_between(0, 3) == 0) plain.act.kind = OFFCUT__SIGMOID;
    plain.u.conv.weights = reference;
    plain.u.conv.bias = bias;
    offcut__op fast = plain;
    fast.out = image(n, out_c, out_h, out_w);
    plain.out = image(n, out_c, out_h, out_w);
    pack(k, &fast, reference, packed);
    fast.u.conv.weights = packed;
    randomise();
    run_sliced(&plain);
    memcpy(guard_copy, arena, ARENA * sizeof *arena);
    run_sliced(&fast);
    compare(k->name, &fast.out, &plain.out, k->tolerance);
    check_untouched(k->name, &fast.out, fast.scratch_offset, fast.scratch_size);
    free(reference);
    free(packed);
    free(bias);
    free(slope);
}

/* ---- pooling and resize ---- */

static void test_pool(void) {
    arena_used = 0;
    offcut__pooling p = {.window = random_window(5, 2),
                         .average = check_between(0, 1),
                         .include_pad = check_between(0, 1)};
    p.window.pad_top = check_between(0, p.window.kernel_h - 1);
    p.window.pad_left = check_between(0, p.window.kernel_w - 1);
    p.pad_bottom = check_between(0, p.window.kernel_h - 1);
    p.pad_right = check_between(0, p.window.kernel_w - 1);
    const int32_t n = check_between(1, 2), c = check_between(1, 11), h = check_between(1, 17),
                  w = check_between(1, 17);
    const int32_t out_h = outputs(h, p.window.kernel_h, p.window.stride_h, p.window.dilation_h,
                                  p.window.pad_top, p.pad_bottom);
    const int32_t out_w = outputs(w, p.window.kernel_w, p.window.stride_w, p.window.dilation_w,
                                  p.window.pad_left, p.pad_right);
    if (out_h < 1 || out_w < 1) return;
    offcut__op plain = {.run = offcut__pool_reference, .in_count = 1, .u.pooling = p};
    plain.units = (uint32_t)(n * out_h);
    plain.in[0] = image(n, c, h, w);
    offcut__op fast = plain;
    fast.run = offcut__pool_run;
    plain.out = image(n, c, out_h, out_w);
    fast.out = image(n, c, out_h, out_w);
    randomise();
    run_sliced(&plain);
    memcpy(guard_copy, arena, ARENA * sizeof *arena);
    run_sliced(&fast);
    compare("pool", &fast.out, &plain.out, 1e-5f);
    check_untouched("pool", &fast.out, 0, 0);
}

static void random_taps(int32_t *indices, float *weights, int32_t outputs_count, uint32_t taps,
                        int32_t in) {
    for (uint32_t i = 0; i < (uint32_t)outputs_count * taps; i++) {
        indices[i] = check_between(0, in - 1);
        weights[i] = taps == 1 ? 1.0f : check_float();
    }
}

static void test_resize(void) {
    static const uint32_t taps[] = {1, 2, 4};
    arena_used = 0;
    const uint32_t t = taps[check_between(0, 2)];
    const int32_t n = check_between(1, 2), c = check_between(1, 11), h = check_between(1, 9),
                  w = check_between(1, 9);
    const int32_t out_h = check_between(1, 19), out_w = check_between(1, 19);
    int32_t rows[19 * 4], columns[19 * 4];
    float row_weights[19 * 4], column_weights[19 * 4];
    random_taps(rows, row_weights, out_h, t, h);
    random_taps(columns, column_weights, out_w, t, w);
    offcut__op plain = {.run = offcut__resize_reference, .in_count = 1};
    plain.u.resize = (offcut__resize){t, t, rows, columns, row_weights, column_weights, false};
    plain.units = (uint32_t)(n * out_h);
    plain.in[0] = image(n, c, h, w);
    offcut__op fast = plain;
    fast.run = offcut__resize_run;
    plain.out = image(n, c, out_h, out_w);
    fast.out = image(n, c, out_h, out_w);
    fast.scratch_size = offcut__resize_scratch(&fast);
    fast.scratch_offset = take(fast.scratch_size);
    randomise();
    run_sliced(&plain);
    memcpy(guard_copy, arena, ARENA * sizeof *arena);
    run_sliced(&fast);
    compare("resize", &fast.out, &plain.out, 1e-5f);
    check_untouched("resize", &fast.out, fast.scratch_offset, fast.scratch_size);
}

/* ---- element-wise ---- */

static void test_unary(offcut__unary kind) {
    float x[64], y[67];
    const size_t n = (size_t)check_between(1, 64);
    const offcut__act act = {kind, 0.25f, 0.5f};
    for (size_t i = 0; i < n; i++) {
        x[i] = check_float() * 12;
        if (kind == OFFCUT__LOG || kind == OFFCUT__SQRT) x[i] = fabsf(x[i]) + 0.01f;
    }
    for (size_t i = 0; i < 67; i++) y[i] = 77;
    offcut__unary_row(act, y, x, n);
    for (size_t i = 0; i < n; i++) {
        const double expected = offcut__unary_eval(act, (double)x[i]);
        CHECKF(fabs((double)y[i] - expected) <= 2e-6 * (fabs(expected) > 1 ? fabs(expected) : 1),
               "function %d of %g is %g, not %g", (int)kind, (double)x[i], (double)y[i], expected);
    }
    for (size_t i = n; i < 67; i++) CHECK(y[i] > 76 && y[i] < 78);
}

static void test_binary(offcut__binary kind) {
    float a[64], b[64], y[67];
    const size_t n = (size_t)check_between(1, 64);
    const size_t stride_a = (size_t)check_between(0, 1), stride_b = (size_t)check_between(0, 1);
    for (size_t i = 0; i < n; i++) {
        a[i] = kind == OFFCUT__POW ? fabsf(check_float()) + 0.1f : check_float() * 4;
        b[i] = check_between(0, 4) == 0 ? a[i] : check_float() * 4 + 0.001f;
    }
    for (size_t i = 0; i < 67; i++) y[i] = 77;
    offcut__binary_row(kind, y, a, stride_a, b, stride_b, n);
    for (size_t i = 0; i < n; i++) {
        const double expected =
            offcut__binary_eval(kind, (double)a[i * stride_a], (double)b[i * stride_b]);
        CHECKF(fabs((double)y[i] - expected) <= 1e-6 * (fabs(expected) > 1 ? fabs(expected) : 1),
               "function %d of %g and %g is %g, not %g", (int)kind, (double)a[i * stride_a],
               (double)b[i * stride_b], (double)y[i], expected);
    }
    for (size_t i = n; i < 67; i++) CHECK(y[i] > 76 && y[i] < 78);
}

/* e^x where it matters: near 0, at the ends, and for masks far from both. */
static void test_exp(void) {
    for (float x = -87.0f; x < 88.0f; x += 0.173f) {
        const double expected = exp((double)x), got = (double)f32x4_exp(f32x4_splat(x))[0];
        CHECKF(fabs(got - expected) <= 2e-7 * expected, "e^%g is %g, not %g", (double)x, got,
               expected);
    }
    CHECK(f32x4_sigmoid(f32x4_splat(-1000.0f))[0] >= 0.0f &&
          f32x4_sigmoid(f32x4_splat(-1000.0f))[0] < 1e-30f);
    CHECK(f32x4_sigmoid(f32x4_splat(1000.0f))[0] > 0.999999f &&
          f32x4_sigmoid(f32x4_splat(1000.0f))[0] <= 1.0f);
}

int main(void) {
    /* Winograd's transforms multiply by up to 8 and take differences: two decimal digits fewer than
     * the direct sum. */
    static const kernel kernels[] = {{"direct", offcut__conv_direct, 1e-5f},
                                     {"depthwise", offcut__conv_depthwise, 1e-5f},
                                     {"narrow", offcut__conv_narrow, 1e-5f},
                                     {"winograd", offcut__conv_winograd, 1e-4f}};
    arena = malloc(ARENA * sizeof *arena);
    guard_copy = malloc(ARENA * sizeof *guard_copy);
    if (!arena || !guard_copy) return 2;
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        for (int i = 0; i < 60; i++) test_convolution(&kernels[k]);
    for (int i = 0; i < 60; i++) test_pool();
    for (int i = 0; i < 60; i++) test_resize();
    for (int kind = OFFCUT__IDENTITY; kind <= OFFCUT__TO_BOOL; kind++)
        for (int i = 0; i < 20; i++) test_unary((offcut__unary)kind);
    for (int kind = OFFCUT__ADD; kind <= OFFCUT__XOR; kind++)
        for (int i = 0; i < 20; i++) test_binary((offcut__binary)kind);
    test_exp();
    free(arena);
    free(guard_copy);
    return check_done();
}
