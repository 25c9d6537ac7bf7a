/* SPDX-License-Identifier: Apache-2.0
 * What the operations run. Image tensors are N, C, H, W by shape; where "image" is said, channels
 * lie side by side. A unit is what one call does at least; begin and end count units. */
#ifndef OFFCUT_NN_KERNELS_KERNELS_H
#define OFFCUT_NN_KERNELS_KERNELS_H

#include "../model.h"

/* ---- convolution: in[0] and out are images, in[1] (if in_count is 2) an image of out's shape that
 * is added. A unit is a row of the output. y = act(clamp(conv(x) + bias + in[1], lo, hi)) ---- */

/* Any convolution, as plainly as it can be written. weights: [groups x
 * group_out][kernel_h][kernel_w][group_in]. */
void offcut__conv_reference(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

/* Any convolution. */
void offcut__conv_direct(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
size_t offcut__conv_direct_scratch(const offcut__op *op);
size_t offcut__conv_direct_weights(const offcut__conv *conv);
void offcut__conv_direct_pack(const offcut__conv *conv, const float *reference, float *packed);

/* group_in = group_out = 1. */
bool offcut__conv_depthwise_can(const offcut__conv *conv);
void offcut__conv_depthwise(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__conv_depthwise_pack(const offcut__conv *conv, const float *reference, float *packed);

/* One group, few output channels: the dot product runs along the input's channels. Weights as in
 * the reference. */
bool offcut__conv_narrow_can(const offcut__conv *conv);
void offcut__conv_narrow(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

/* 3x3, stride 1, one group, channels in fours: Winograd F(4x4, 3x3), a quarter of the
 * multiplications. A unit is a row of tiles: 4 rows of the output. */
bool offcut__conv_winograd_can(const offcut__conv *conv);
void offcut__conv_winograd(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
uint32_t offcut__conv_winograd_units(const offcut__op *op);
size_t offcut__conv_winograd_scratch(const offcut__op *op);
size_t offcut__conv_winograd_weights(const offcut__conv *conv);
void offcut__conv_winograd_pack(const offcut__conv *conv, const float *reference, float *packed);

/* ---- the rest of the image operators; a unit is a row of the output ---- */

void offcut__pool_reference(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__pool_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

void offcut__resize_reference(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__resize_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
size_t offcut__resize_scratch(const offcut__op *op);

/* Whether there is a dot product of bytes. */
#if defined(__wasm_relaxed_simd__)
#define OFFCUT__DOT8 1
#else
#define OFFCUT__DOT8 0
#endif
/* Whether it is one instruction of the machine that this runs on. */
bool offcut__dot8_is_fast(void);

/* ---- int8 quads (view.h); a unit is a row of the output ---- */

/* A convolution with one group. in[0] and out are quads, or out f32 with contiguous channels; in[1]
 * (if in_count is 2) quads of out's shape. */
void offcut__conv8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
/* Sets tile; false: this geometry is not for this kernel. */
bool offcut__conv8_can(offcut__conv8 *conv, int32_t width);
size_t offcut__conv8_scratch(const offcut__op *op);
size_t offcut__conv8_weights(const offcut__conv8 *conv); /* bytes */
/* weights: [channels_out][channels_in][kernel_h][kernel_w], as in the file */
void offcut__conv8_fill(const offcut__conv8 *conv, const int8_t *weights, int8_t *packed);

/* 3x3, stride 1, or 4x4, stride 2, of up to four channels; no f32: Winograd F(4x4, 3x3) in 16 bits,
 * the same result to the bit by a quarter of the multiplications. A unit is four tiles of 4x4
 * pixels of the output. largest: what no sum of products is above, nor its negative. */
bool offcut__conv8_winograd_can(const offcut__conv8 *conv, double largest);
void offcut__conv8_winograd(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
uint32_t offcut__conv8_winograd_units(const offcut__op *op);
size_t offcut__conv8_winograd_scratch(const offcut__op *op);
size_t offcut__conv8_winograd_weights(const offcut__conv8 *conv); /* bytes */
void offcut__conv8_winograd_fill(const offcut__conv8 *conv, const int8_t *weights, int16_t *packed);

/* The same with as many groups as channels. packed: [kernel_h][kernel_w][channels, up to 4]. */
void offcut__depthwise8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__depthwise8_fill(const offcut__conv8 *conv, const int8_t *weights, int8_t *packed);

/* f32 with contiguous channels -> quads: clamp(round((x - centre) / spread / factor[0]), lo, hi);
 * a NaN becomes lo. */
void offcut__quantise8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
/* quads -> f32 with contiguous channels: x factor[0]. */
void offcut__dequantise8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
/* One or two quads -> quads. */
void offcut__add8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__pool8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__resize8_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
size_t offcut__resize8_scratch(const offcut__op *op);

/* ---- any strides ---- */

/* A unit is a pass of the innermost loop. Unary: act of in[0] (a copy, if it is IDENTITY); with 0
 * inputs fills with loops.a. After a binary or ternary function comes act. */
void offcut__loops_unary(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__loops_binary(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__loops_ternary(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

/* A unit is one combination of the kept dimensions; if the first of these is contiguous, four of
 * them at once. */
void offcut__reduce_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
void offcut__softmax_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);
/* (x - mean) / sqrt(variance + epsilon) over the reduced dimensions. */
void offcut__normalize_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

/* A unit is a row of the output. */
void offcut__matmul_run(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

/* ---- shared ---- */

/* Rows begin..end-1 of picture n: op->slope and op->act applied in place. */
void offcut__act_rows(const offcut__op *op, float *arena, int32_t n, int32_t begin, int32_t end);

/* Taps *from..*to-1 of count that fall on pixels 0..size-1 when the first falls on start. */
void offcut__taps_inside(int32_t start, int32_t dilation, int32_t count, int32_t size,
                         int32_t *from, int32_t *to);

/* Pointers to the pixels of an image's rows top..top+rows-1 and columns left..left+columns-1; to
 * zeros where there are none. table: [rows][columns]. */
void offcut__pixel_table(const float **table, const offcut__view *image, const float *pixels,
                         const float *zeros, int32_t top, int32_t rows, int32_t left,
                         int32_t columns);

#endif
