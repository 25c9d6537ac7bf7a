/* SPDX-License-Identifier: Apache-2.0
 * Direct convolution by pointers to pixels: up to 4 output pixels x 8 output channels are held in
 * registers while the taps and input channels go by. A table of pixel pointers, to zeros outside
 * the picture, takes padding, stride and dilation out of the inner loop (the idea of Dukhan, "The
 * Indirect Convolution Algorithm", 2019). */
#include "conv_tile.h"

#include <math.h>

/* Output pixels for which the weights of one block of channels are read once. */
#define PIXELS_PER_PASS 96

size_t offcut__conv_direct_weights(const offcut__conv *conv) {
    return (size_t)conv->groups * offcut__tile_channels(conv->group_out) *
           (size_t)(conv->window.kernel_h * conv->window.kernel_w) * conv->group_in;
}

void offcut__conv_direct_pack(const offcut__conv *conv, const float *reference, float *packed) {
    const size_t taps = (size_t)(conv->window.kernel_h * conv->window.kernel_w);
    for (uint32_t g = 0; g < conv->groups; g++) {
        for (uint32_t first = 0; first < conv->group_out;) {
            const uint32_t width = offcut__tile_width(conv->group_out - first);
            for (size_t tc = 0; tc < taps * conv->group_in; tc++)
                for (uint32_t k = first; k < first + width; k++)
                    *packed++ =
                        k < conv->group_out
                            ? reference[((size_t)g * conv->group_out + k) * taps * conv->group_in +
                                        tc]
                            : 0.0f;
            first += width;
        }
    }
}

static int32_t rows_per_pass(const offcut__op *op) {
    const int32_t height = op->out.shape.dims[2], width = op->out.shape.dims[3];
    const int32_t rows = width > 0 ? (PIXELS_PER_PASS + width - 1) / width : 1;
    return rows < height ? rows : height;
}

static int32_t span(int32_t outputs, int32_t stride, int32_t kernel, int32_t dilation) {
    return (outputs - 1) * stride + (kernel > 0 ? (kernel - 1) * dilation : 0) + 1;
}

size_t offcut__conv_direct_scratch(const offcut__op *op) {
    const offcut__conv *c = &op->u.conv;
    const uint64_t rows = (uint64_t)span(rows_per_pass(op), c->window.stride_h, c->window.kernel_h,
                                         c->window.dilation_h);
    const uint64_t columns = (uint64_t)span(op->out.shape.dims[3], c->window.stride_w,
                                            c->window.kernel_w, c->window.dilation_w);
    const uint64_t pointer = sizeof(float *) / 4; /* in floats */
    const uint64_t size = rows * columns * pointer + (uint64_t)c->groups * c->group_in + 4;
    return size < SIZE_MAX ? (size_t)size : SIZE_MAX; /* which the plan refuses */
}

void offcut__pixel_table(const float **table, const offcut__view *image, const float *pixels,
                         const float *zeros, int32_t top, int32_t rows, int32_t left,
                         int32_t columns) {
    const int32_t height = image->shape.dims[2], width = image->shape.dims[3];
    const ptrdiff_t step = image->strides[3];
    for (int32_t y = top; y < top + rows; y++) {
        const bool inside = y >= 0 && y < height;
        const float *row = inside ? pixels + y * image->strides[2] : zeros;
        int32_t x = left;
        const int32_t end = left + columns;
        for (; x < end && (x < 0 || !inside); x++) *table++ = zeros;
        for (; x < end && x < width; x++) *table++ = row + x * step;
        for (; x < end; x++) *table++ = zeros;
    }
}

typedef struct pass {
    const float **table;
    size_t columns; /* of the table */
    int32_t rows;   /* of the output */
} pass;

/* One block of output channels over the pass's pixels. */
static void block(const offcut__op *op, const pass *p, offcut__tile tile, float *out,
                  const float *add) {
    const offcut__conv *c = &op->u.conv;
    const int32_t width = op->out.shape.dims[3];
    const int32_t tiles = (width + OFFCUT__TILE_PIXELS - 1) / OFFCUT__TILE_PIXELS;
    for (int32_t y = 0; y < p->rows; y++) {
        /* Even shares: 5 pixels are 3 + 2, not 4 + 1. */
        for (int32_t i = 0, x = 0; i < tiles; i++) {
            const int32_t pixels = (width - x + tiles - i - 1) / (tiles - i);
            tile.table = p->table + (size_t)(y * c->window.stride_h) * p->columns +
                         (size_t)(x * c->window.stride_w);
            tile.out = out + y * op->out.strides[2] + x * op->out.strides[3];
            tile.add = add ? add + y * op->in[1].strides[2] + x * op->in[1].strides[3] : NULL;
            offcut__tile_run(&tile, pixels);
            x += pixels;
        }
    }
}

static void run_pass(const offcut__op *op, const pass *p, float *out, const float *add) {
    const offcut__conv *c = &op->u.conv;
    offcut__tile tile = {
        .row = (size_t)c->window.dilation_h * p->columns,
        .column = (size_t)c->window.dilation_w,
        .step = (size_t)c->window.stride_w,
        .kernel_h = c->window.kernel_h,
        .kernel_w = c->window.kernel_w,
        .channels = c->group_in,
        .out_step = op->out.strides[3],
        .add_step = op->in_count > 1 ? op->in[1].strides[3] : 0,
        .lo = c->lo,
        .hi = c->hi,
        .clamped = c->lo > -INFINITY || c->hi < INFINITY,
        .weights = c->weights,
    };
    for (uint32_t g = 0; g < c->groups; g++) {
        tile.channel = (size_t)g * c->group_in;
        for (uint32_t first = 0; first < c->group_out;) {
            const uint32_t k = g * c->group_out + first;
            const uint32_t width = offcut__tile_width(c->group_out - first);
            tile.vectors = width / 4;
            tile.width = c->group_out - first < width ? c->group_out - first : width;
            tile.bias = c->bias + k;
            block(op, p, tile, out + k, add ? add + k : NULL);
            tile.weights += (size_t)(c->window.kernel_h * c->window.kernel_w) * c->group_in * width;
            first += width;
        }
    }
}

void offcut__conv_direct(const offcut__op *op, float *arena, uint32_t begin, uint32_t end) {
    const offcut__conv *c = &op->u.conv;
    const int32_t height = op->out.shape.dims[2];
    float *zeros = offcut__op_scratch(op, arena);
    const size_t channels = (size_t)c->groups * c->group_in;
    memset(zeros, 0, channels * sizeof *zeros);
    /* Pointers need 8-byte alignment on 64-bit machines; scratch is aligned, so only the zeros can
     * break it. */
    pass p = {.table = (const float **)(void *)(zeros + ((channels + 3) & ~(size_t)3)),
              .columns = (size_t)span(op->out.shape.dims[3], c->window.stride_w, c->window.kernel_w,
                                      c->window.dilation_w)};
    for (uint32_t unit = begin; unit < end;) {
        const int32_t n = (int32_t)unit / height, y = (int32_t)unit % height;
        int32_t rows = rows_per_pass(op);
        if (rows > height - y) rows = height - y;
        if ((uint32_t)rows > end - unit) rows = (int32_t)(end - unit);
        p.rows = rows;
        offcut__pixel_table(
            p.table, &op->in[0], offcut__view_read(&op->in[0], arena) + n * op->in[0].strides[0],
            zeros, y * c->window.stride_h - c->window.pad_top,
            span(rows, c->window.stride_h, c->window.kernel_h, c->window.dilation_h),
            -c->window.pad_left, (int32_t)p.columns);
        float *out =
            offcut__view_write(&op->out, arena) + n * op->out.strides[0] + y * op->out.strides[2];
        const float *add = NULL;
        if (op->in_count > 1)
            add = offcut__view_read(&op->in[1], arena) + n * op->in[1].strides[0] +
                  y * op->in[1].strides[2];
        run_pass(op, &p, out, add);
        offcut__act_rows(op, arena, n, y, y + rows);
        unit += (uint32_t)rows;
    }
}
