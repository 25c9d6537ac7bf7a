/* SPDX-License-Identifier: Apache-2.0
 * Pooling and resizing. */
#include "operator.h"

#include <math.h>

/* ---- windows, as convolutions have them too
 * ------------------------------------------------------------------------- */

static int32_t auto_pads(const offcut__node *node, int32_t in, offcut__window *w) {
    const offcut__span mode = offcut__attribute_string(node, "auto_pad");
    const bool upper = offcut__span_is(mode, "SAME_UPPER"),
               lower = offcut__span_is(mode, "SAME_LOWER");
    if (!upper && !lower) {
        if (offcut__span_is(mode, "VALID")) w->before = w->after = 0;
        return -1;
    }
    const int32_t out = (in + w->stride - 1) / w->stride;
    const int64_t total =
        (int64_t)(out - 1) * w->stride + (int64_t)(w->kernel - 1) * w->dilation + 1 - in;
    const int32_t pads = total > 0 ? (int32_t)total : 0;
    w->before = upper ? pads / 2 : pads - pads / 2;
    w->after = pads - w->before;
    return out;
}

offcut_status offcut__need_windows(const offcut__graph *graph, offcut__node *node,
                                   const int32_t kernel[2]) {
    static const char *const names[] = {"kernel_shape", "strides", "dilations", "pads"};
    int64_t lists[4][4] = {{kernel[0], kernel[1]}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
    for (int i = 0; i < 4; i++) {
        int64_t values[4];
        uint32_t count = 0;
        const uint32_t wanted = i == 3 ? 4 : 2;
        const bool read = offcut__attribute_ints(node, names[i], values, 4, &count);
        if (!read || (count != 0 && count != wanted))
            return offcut__node_fail(graph, node, "attribute '%s' is not for two dimensions",
                                     names[i]);
        for (uint32_t k = 0; k < count; k++) lists[i][k] = values[k];
        for (uint32_t k = 0; k < wanted; k++)
            if (lists[i][k] < (i == 3 ? 0 : 1) || lists[i][k] > 4096)
                return offcut__node_fail(graph, node, "attribute '%s' is out of range", names[i]);
    }
    for (int d = 0; d < 2; d++)
        node->windows[d] =
            (offcut__window){(int32_t)lists[0][d], (int32_t)lists[1][d], (int32_t)lists[2][d],
                             (int32_t)lists[3][d], (int32_t)lists[3][d + 2]};
    return OFFCUT_OK;
}

int32_t offcut__window_output(const offcut__node *node, int32_t in, bool ceil_mode,
                              offcut__window *w) {
    const int32_t same = auto_pads(node, in, w);
    if (same >= 0) return same;
    const int64_t room =
        (int64_t)in + w->before + w->after - ((int64_t)(w->kernel - 1) * w->dilation + 1);
    if (room < 0) return 0;
    int64_t out = room / w->stride + 1;
    if (ceil_mode && room % w->stride != 0 && out * w->stride < (int64_t)in + w->before) out++;
    return (int32_t)out;
}

offcut__geometry offcut__windows_geometry(const offcut__window windows[2]) {
    const offcut__window *h = &windows[0], *w = &windows[1];
    return (offcut__geometry){.kernel_h = h->kernel,
                              .kernel_w = w->kernel,
                              .stride_h = h->stride,
                              .stride_w = w->stride,
                              .dilation_h = h->dilation,
                              .dilation_w = w->dilation,
                              .pad_top = h->before,
                              .pad_left = w->before};
}

/* ---- pooling ---- */

enum { MAX_POOL, AVERAGE_POOL };

static offcut_status infer_pool(offcut__graph *graph, offcut__node *node) {
    static const int32_t no_default[2] = {0, 0};
    const offcut__value *x = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    if (x->shape.rank != 4)
        return offcut__node_fail(graph, node, "its input has %u dimensions, not 4", x->shape.rank);
    OFFCUT_TRY(offcut__need_windows(graph, node, no_default));
    const bool ceil_mode = offcut__attribute_int(node, "ceil_mode", 0) != 0;
    offcut__shape shape = x->shape;
    for (int d = 0; d < 2; d++) {
        offcut__window *w = &node->windows[d];
        shape.dims[2 + d] = offcut__window_output(node, x->shape.dims[2 + d], ceil_mode, w);
        if (shape.dims[2 + d] < 1 || w->before >= w->kernel * w->dilation)
            return offcut__node_fail(graph, node, "its window does not fit its input");
    }
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

offcut__pooling offcut__pool_geometry(const offcut__node *node) {
    return (offcut__pooling){
        .window = offcut__windows_geometry(node->windows),
        .pad_bottom = node->windows[0].after,
        .pad_right = node->windows[1].after,
        .average = node->type->kind == AVERAGE_POOL,
        .include_pad = offcut__attribute_int(node, "count_include_pad", 0) != 0};
}

static offcut_status lower_pool(offcut__builder *builder, offcut__node *node) {
    const offcut__pooling pooling = offcut__pool_geometry(node);
    offcut__view in, out;
    OFFCUT_TRY(offcut__build_image(builder, node, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    if (offcut__shape_count(&out.shape) == 0) return OFFCUT_OK;
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_op(builder, &op));
    op->run = offcut__pool_run;
    op->in[0] = in;
    op->in_count = 1;
    op->out = out;
    op->u.pooling = pooling;
    op->units = (uint32_t)(out.shape.dims[0] * out.shape.dims[2]);
    op->unit_cost =
        (double)out.shape.dims[3] *
        (out.shape.dims[1] * (double)pooling.window.kernel_h * pooling.window.kernel_w + 16);
    return OFFCUT_OK;
}

/* ---- resize ---- */

typedef enum coordinates {
    HALF_PIXEL,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
} coordinates;

#define TABLES_SEEN_MAX 256u /* a limit to what a hostile file can have done */

typedef struct offcut__resizing {
    int64_t sizes[2];
    double scales[2];
    coordinates mode;
    uint32_t taps; /* 1 nearest, 2 linear, 4 cubic */
    int nearest;   /* 0 prefers the lower of two, 1 the upper, 2 rounds down, 3 up */
    float cubic;
    bool exclude_outside;
} resizing;

static bool pick(offcut__span span, const char *const *names, int count, int fallback,
                 int *result) {
    *result = fallback;
    if (span.size == 0) return true;
    for (int i = 0; i < count; i++) {
        if (!offcut__span_is(span, names[i])) continue;
        *result = i;
        return true;
    }
    return false;
}

static offcut_status resize_modes(offcut__graph *graph, const offcut__node *node, resizing *r) {
    static const char *const modes[] = {"nearest", "linear", "cubic", "bilinear"};
    static const char *const places[] = {"half_pixel",           "pytorch_half_pixel",
                                         "align_corners",        "asymmetric",
                                         "tf_half_pixel_for_nn", "half_pixel_symmetric"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil"};
    static const uint32_t taps[] = {1, 2, 4, 2};
    int mode = 0, place = 0;
    const bool old = graph->opset < 11 || offcut__span_is(node->op, "Upsample");
    if (!pick(offcut__attribute_string(node, "mode"), modes, 4, 0, &mode) ||
        !pick(offcut__attribute_string(node, "coordinate_transformation_mode"), places, 6,
              old ? ASYMMETRIC : HALF_PIXEL, &place) ||
        !pick(offcut__attribute_string(node, "nearest_mode"), roundings, 4, old ? 2 : 0,
              &r->nearest) ||
        offcut__attribute_int(node, "antialias", 0) != 0)
        return offcut__node_fail(graph, node, "this way of resizing is not supported");
    r->taps = taps[mode];
    r->mode = (coordinates)place;
    r->cubic = offcut__attribute_float(node, "cubic_coeff_a", -0.75f);
    r->exclude_outside = offcut__attribute_int(node, "exclude_outside", 0) != 0;
    return OFFCUT_OK;
}

/* Where node keeps sizes and scales depends on the opset. */
static offcut_status resize_inputs(const offcut__graph *graph, const offcut__node *node,
                                   const offcut__value **scales, const offcut__value **sizes) {
    const bool old = graph->opset < 11 || offcut__span_is(node->op, "Upsample");
    *scales = offcut__node_input(graph, node, old ? 1 : 2);
    *sizes = old ? NULL : offcut__node_input(graph, node, 3);
    if (*sizes && (*sizes)->constant && offcut__shape_count(&(*sizes)->shape) == 0) *sizes = NULL;
    if (*scales && (*scales)->constant && offcut__shape_count(&(*scales)->shape) == 0)
        *scales = NULL;
    if ((*scales && !(*scales)->constant) || (*sizes && !(*sizes)->constant))
        return offcut__node_fail(graph, node, "its sizes have to be constant");
    if (!*scales && !*sizes) return offcut__node_fail(graph, node, "it has no sizes");
    return OFFCUT_OK;
}

static offcut_status resize_axis(const offcut__graph *graph, const offcut__node *node,
                                 const offcut__value *x, uint32_t axis, double scale, double size,
                                 resizing *r) {
    const double in = x->shape.dims[axis];
    if (size < 0) size = (double)floorf((float)in * (float)scale); /* 10 x 0.7 is 7 only so */
    if (!(size >= 1 && size <= 65536) || !(scale > 0))
        return offcut__node_fail(graph, node, "its sizes are out of range");
    if (axis >= 2) {
        r->sizes[axis - 2] = (int64_t)size;
        r->scales[axis - 2] = scale;
    } else if (size < in || size > in) {
        return offcut__node_fail(graph, node, "it changes more than height and width");
    }
    return OFFCUT_OK;
}

static offcut_status read_resizing(offcut__graph *graph, const offcut__node *node,
                                   const offcut__value *x, resizing *r) {
    const offcut__value *scales = NULL, *sizes = NULL;
    int64_t axes[OFFCUT__RANK_MAX];
    uint32_t axis_count = 0;
    if (x->shape.rank != 4 || offcut__shape_count(&x->shape) == 0)
        return offcut__node_fail(graph, node, "its input is not a picture");
    r->sizes[0] = x->shape.dims[2];
    r->sizes[1] = x->shape.dims[3];
    r->scales[0] = r->scales[1] = 1;
    OFFCUT_TRY(resize_modes(graph, node, r));
    if (!offcut__attribute_ints(node, "axes", axes, OFFCUT__RANK_MAX, &axis_count))
        return offcut__node_fail(graph, node, "its axes are damaged");
    if (offcut__attribute_has(node, "scales")) { /* Upsample 7 */
        return offcut__node_fail(graph, node, "opset 7 is not supported for this operator");
    }
    OFFCUT_TRY(resize_inputs(graph, node, &scales, &sizes));
    const uint32_t count = axis_count ? axis_count : 4;
    const size_t given = offcut__shape_count(sizes ? &sizes->shape : &scales->shape);
    if (given != count) return offcut__node_fail(graph, node, "its sizes do not fit its input");
    if (offcut__attribute_has(node, "keep_aspect_ratio_policy") &&
        !offcut__span_is(offcut__attribute_string(node, "keep_aspect_ratio_policy"), "stretch"))
        return offcut__node_fail(graph, node, "keeping the aspect ratio is not supported");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis = i;
        if (axis_count && !offcut__axis(axes[i], 4, &axis))
            return offcut__node_fail(graph, node, "an axis is out of range");
        const double size = sizes ? offcut__constant_get(sizes, i) : -1;
        const double scale = sizes ? size / x->shape.dims[axis] : offcut__constant_get(scales, i);
        OFFCUT_TRY(resize_axis(graph, node, x, axis, scale, size, r));
    }
    return OFFCUT_OK;
}

static offcut_status infer_resize(offcut__graph *graph, offcut__node *node) {
    const offcut__value *x = NULL;
    resizing *r = NULL;
    OFFCUT_TRY(offcut__need_input(graph, node, 0, &x));
    OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, 1, sizeof *r, &r));
    OFFCUT_TRY(read_resizing(graph, node, x, r));
    node->resizing = r;
    const offcut__shape shape = {
        .rank = 4,
        .dims = {x->shape.dims[0], x->shape.dims[1], (int32_t)r->sizes[0], (int32_t)r->sizes[1]}};
    return offcut__infer_output(graph, node, 0, &shape, x->type);
}

/* Where output position out lies in the input. In single precision like the engines that networks
 * were trained with: nearest depends on which side of a half a product falls. */
static float position(const resizing *r, int d, int32_t in, int32_t out) {
    const float scale = (float)r->scales[d], x = (float)out;
    const float length = (float)r->sizes[d];
    switch (r->mode) {
        case PYTORCH_HALF_PIXEL: return r->sizes[d] > 1 ? (x + 0.5f) / scale - 0.5f : 0.0f;
        case ALIGN_CORNERS: return r->sizes[d] > 1 ? x * (float)(in - 1) / (length - 1) : 0.0f;
        case ASYMMETRIC: return x / scale;
        case TF_HALF_PIXEL: return (x + 0.5f) / scale;
        case HALF_PIXEL_SYMMETRIC: {
            const float adjustment = length / (scale * (float)in);
            const float centre = (float)in / 2;
            return centre * (1 - adjustment) + (x + 0.5f) / scale - 0.5f;
        }
        case HALF_PIXEL: break;
    }
    return (x + 0.5f) / scale - 0.5f;
}

static int32_t bound(int64_t index, int32_t in) {
    return index < 0 ? 0 : index >= in ? in - 1 : (int32_t)index;
}

static int32_t nearest_pixel(const resizing *r, float x, int32_t in) {
    float rounded = 0;
    switch (r->nearest) {
        case 0: rounded = ceilf(x - 0.5f); break;
        case 1: rounded = floorf(x + 0.5f); break;
        case 2: rounded = floorf(x); break;
        default: rounded = ceilf(x); break;
    }
    return bound((int64_t)rounded, in);
}

static void cubic_taps(const resizing *r, float x, int32_t in, int32_t *indices, float *weights) {
    const float floor_x = floorf(x), t = x - floor_x, a = r->cubic;
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        const float d = fabsf(t - (float)(i - 1));
        const int64_t index = (int64_t)floor_x + i - 1;
        weights[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                            : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
        if (r->exclude_outside && (index < 0 || index >= in)) weights[i] = 0;
        sum += weights[i];
        indices[i] = bound(index, in);
    }
    if (!r->exclude_outside) return;
    for (int i = 0; i < 4; i++) weights[i] /= sum;
}

static void fill_table(const resizing *r, int d, int32_t in, int32_t *index, float *weight) {
    for (int32_t out = 0; out < (int32_t)r->sizes[d]; out++, index += r->taps, weight += r->taps) {
        float x = position(r, d, in, out);
        if (r->sizes[d] == in && r->scales[d] >= 1 && r->scales[d] <= 1) x = (float)out;
        if (r->taps == 1) {
            index[0] = nearest_pixel(r, x, in);
            weight[0] = 1;
        } else if (r->taps == 4) {
            cubic_taps(r, x, in, index, weight);
        } else {
            const float last = (float)(in - 1);
            const float inside = x < 0 ? 0 : (x > last ? last : x);
            index[0] = bound((int64_t)inside, in);
            index[1] = bound((int64_t)index[0] + 1, in);
            weight[1] = inside - (float)index[0];
            weight[0] = 1 - weight[1];
        }
    }
}

/* Whether that is bilinear doubling, by the weights of every pixel. */
static bool doubles(const int32_t *sources, const float *weights, int32_t in, int64_t out) {
    if (out != 2 * (int64_t)in) return false;
    for (int32_t i = 0; i < out; i++) {
        const int32_t near = i / 2, beside = i % 2 ? near + 1 : near - 1;
        const int32_t next = beside < 0 || beside >= in ? near : beside;
        float quarters[2] = {0, 0};
        for (int k = 0; k < 2; k++) {
            quarters[0] += sources[2 * i + k] == near ? 4 * weights[2 * i + k] : 0;
            quarters[1] += sources[2 * i + k] == next ? 4 * weights[2 * i + k] : 0;
        }
        const int expected = next == near ? 44 : 31;
        if (fabsf(10 * quarters[0] + quarters[1] - (float)expected) > 0) return false;
    }
    return true;
}

typedef struct offcut__table {
    const struct offcut__table *next; /* made before */
    resizing from;
    int direction;
    int32_t in;
    const int32_t *indices;
    const float *weights;
    bool doubles;
} table;

static bool same(double a, double b) {
    return a >= b && a <= b;
}

static bool fits(const table *t, const resizing *r, int d, int32_t in) {
    const resizing *a = &t->from;
    return t->in == in && a->sizes[t->direction] == r->sizes[d] &&
           same(a->scales[t->direction], r->scales[d]) && a->mode == r->mode &&
           a->taps == r->taps && a->nearest == r->nearest && same(a->cubic, r->cubic) &&
           a->exclude_outside == r->exclude_outside;
}

/* Networks resize between few sizes: most tables are there already. */
static offcut_status find_table(offcut__builder *builder, const resizing *r, int d, int32_t in,
                                const table **result) {
    offcut__shared *shared = builder->shared;
    uint32_t seen = 0;
    for (*result = shared->tables; *result && seen < TABLES_SEEN_MAX; *result = (*result)->next) {
        if (fits(*result, r, d, in)) return OFFCUT_OK;
        seen++;
    }
    table *t = NULL;
    int32_t *indices = NULL;
    float *weights = NULL;
    const size_t count = (size_t)r->sizes[d] * r->taps;
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, shared->pool, 1, sizeof *t, &t));
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, shared->pool, count, sizeof *indices, &indices));
    OFFCUT_TRY(offcut__pool_alloc(builder->ctx, shared->pool, count, sizeof *weights, &weights));
    fill_table(r, d, in, indices, weights);
    *t = (table){shared->tables, *r, d, in, indices, weights, false};
    t->doubles = r->taps == 2 && doubles(indices, weights, in, r->sizes[d]);
    shared->tables = *result = t;
    return OFFCUT_OK;
}

offcut_status offcut__resize_tables(offcut__builder *builder, const offcut__node *node,
                                    offcut__resize *resize) {
    const int32_t *in = offcut__node_input(builder->graph, node, 0)->shape.dims;
    const resizing *r = node->resizing;
    const table *rows = NULL, *columns = NULL;
    OFFCUT_TRY(find_table(builder, r, 0, in[2], &rows));
    OFFCUT_TRY(find_table(builder, r, 1, in[3], &columns));
    *resize = (offcut__resize){.taps_y = r->taps,
                               .taps_x = r->taps,
                               .rows = rows->indices,
                               .columns = columns->indices,
                               .row_weights = rows->weights,
                               .column_weights = columns->weights,
                               .doubles = rows->doubles && columns->doubles};
    return OFFCUT_OK;
}

static offcut_status lower_resize(offcut__builder *builder, offcut__node *node) {
    offcut__view in, out;
    offcut__resize resize;
    OFFCUT_TRY(offcut__build_image(builder, node, node->inputs[0], &in));
    OFFCUT_TRY(offcut__build_output(builder, node->outputs[0], &out));
    OFFCUT_TRY(offcut__resize_tables(builder, node, &resize));
    offcut__op *op = NULL;
    OFFCUT_TRY(offcut__build_op(builder, &op));
    op->run = offcut__resize_run;
    op->in[0] = in;
    op->in_count = 1;
    op->out = out;
    op->u.resize = resize;
    op->scratch_size = offcut__resize_scratch(op);
    op->units = (uint32_t)(out.shape.dims[0] * out.shape.dims[2]);
    op->unit_cost = (double)out.shape.dims[3] * out.shape.dims[1] * 4 * resize.taps_y;
    return OFFCUT_OK;
}

const offcut__operator offcut__operators_image[] = {
    {"MaxPool", MAX_POOL, infer_pool, NULL, lower_pool},
    {"AveragePool", AVERAGE_POOL, infer_pool, NULL, lower_pool},
    {"Resize", 0, infer_resize, NULL, lower_resize},
    {"Upsample", 0, infer_resize, NULL, lower_resize},
    {.name = NULL},
};
