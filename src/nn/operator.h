/* SPDX-License-Identifier: Apache-2.0
 * What is known of each ONNX operator: shapes, folding of constants, and how it becomes operations.
 */
#ifndef OFFCUT_NN_OPERATOR_H
#define OFFCUT_NN_OPERATOR_H

#include "graph.h"
#include "kernels/kernels.h"

/* Of int8 weights, over one output channel each: the largest sum of those of one sign and of all,
 * without their signs. */
typedef struct offcut__sums8 {
    double one_sign, all;
} offcut__sums8;

/* What all programs of a model use, made once. */
typedef struct offcut__shared {
    offcut__pool *pool;                 /* the model's */
    const float **tensors;              /* by value: those of the file, as f32; NULL: not yet */
    offcut__sums8 *sums8;               /* by value; all is 0: not yet */
    const struct offcut__table *tables; /* of resizing */
} offcut__shared;

/* Operations under construction. Rebuilding is cheap: weights are packed when the list is final. */
typedef struct offcut__builder {
    offcut_ctx *ctx;
    offcut__graph *graph;
    offcut__shared *shared;
    offcut__pool *pool;    /* for all else that operations point to */
    offcut__view *views;   /* by value; storage is OFFCUT__STORAGE_NONE where there is none yet */
    uint32_t *home;        /* by value: the Concat result it is a part of, or OFFCUT__NONE */
    int32_t *home_channel; /* by value: its first channel there */
    offcut__op *ops;
    uint32_t op_count, op_capacity;
    offcut__storage *storages;
    uint32_t storage_count, storage_capacity;
    uint32_t node; /* being lowered */
} offcut__builder;

typedef struct offcut__operator {
    const char *name;
    int kind; /* for the functions below */
    offcut_status (*infer)(offcut__graph *graph, offcut__node *node);
    offcut_status (*fold)(offcut__graph *graph,
                          offcut__node *node); /* all inputs are constants; NULL: never */
    offcut_status (*lower)(offcut__builder *builder, offcut__node *node);
} offcut__operator;

/* NULL: unknown. */
const offcut__operator *offcut__operator_find(const offcut__node *node);

/* Each file of operators has a table, ended by a NULL name. */
extern const offcut__operator offcut__operators_convolution[], offcut__operators_image[],
    offcut__operators_eltwise[], offcut__operators_shape[], offcut__operators_join[],
    offcut__operators_reduce[];

/* ---- for infer ---- */

/* Sets an output that is there; the shape is copied, bounds are checked. */
offcut_status offcut__infer_output(offcut__graph *graph, const offcut__node *node, uint32_t index,
                                   const offcut__shape *shape, offcut__type type);
/* ERR_MODEL unless input index is given. */
offcut_status offcut__need_input(const offcut__graph *graph, const offcut__node *node,
                                 uint32_t index, const offcut__value **value);
/* -rank..rank-1 becomes 0..rank-1; false if outside. */
bool offcut__axis(int64_t axis, uint32_t rank, uint32_t *result);
/* Integers from an attribute, or from the constant input index where newer opsets put them. *count
 * 0: neither is there. ERR_MODEL if they are not constant or more than max. */
offcut_status offcut__need_ints(const offcut__graph *graph, const offcut__node *node,
                                const char *attribute, uint32_t index, int64_t *values,
                                uint32_t max, uint32_t *count);
/* The shape that a and b are broadcast to. */
bool offcut__broadcast(const offcut__shape *a, const offcut__shape *b, offcut__shape *result);
/* Strides for reading a view as if it had that shape, aligned at the last dimension. */
void offcut__view_broadcast(const offcut__view *view, const offcut__shape *shape,
                            offcut__view *result);

/* ---- for lower (build.c) ---- */

/* Where a value is: made before, or a constant (which is converted now). */
offcut_status offcut__build_input(offcut__builder *builder, uint32_t value, offcut__view *view);
/* As above, copied if its channels do not lie side by side. ERR_MODEL unless rank is 4. */
offcut_status offcut__build_image(offcut__builder *builder, const offcut__node *node,
                                  uint32_t value, offcut__view *view);
/* Where a value shall be written: fresh memory in the standard layout, or its place in a Concat
 * result. */
offcut_status offcut__build_output(offcut__builder *builder, uint32_t value, offcut__view *view);
/* Fresh memory for the view's shape and strides; sets storage and offset. */
offcut_status offcut__build_storage(offcut__builder *builder, offcut__view *view);
/* A new operation, zeroed but for node, units, storages and the clamp of a convolution. */
offcut_status offcut__build_op(offcut__builder *builder, offcut__op **op);
/* Memory in the model. */
offcut_status offcut__build_floats(offcut__builder *builder, size_t count, float **result);
offcut_status offcut__build_indices(offcut__builder *builder, size_t count, int32_t **result);

/* y = act(f(x...)) over out's shape; the inputs are broadcast. inputs 1: f is act; 0: fills with a.
 */
offcut_status offcut__emit_loops(offcut__builder *builder, uint32_t inputs, const offcut__view *in,
                                 const offcut__view *out, int kind, float a, float b,
                                 offcut__act act);
offcut_status offcut__emit_copy(offcut__builder *builder, const offcut__view *in,
                                const offcut__view *out);
/* value, whose shape is known, gets in's elements in row-major order: without copying where strides
 * allow. */
offcut_status offcut__emit_reshape(offcut__builder *builder, const offcut__view *in,
                                   uint32_t value);
/* Reduces the axes of in marked in the mask; out has the kept ones in order, and may keep the
 * others as 1 (or, for softmax and the like, all of them). */
offcut_status offcut__emit_reduce(offcut__builder *builder, offcut__op_run run,
                                  const offcut__view *in, uint32_t axes, const offcut__view *out,
                                  offcut__reduction kind, float epsilon);

/* Fused activation: clamp, function or slope after an operation. */
offcut_status offcut__build_act(offcut__builder *builder, const offcut__node *node, offcut__op *op);

/* ---- op_convolution.c ---- */

/* Geometry of a Conv, without weights. */
offcut__conv offcut__conv_geometry(const offcut__graph *graph, const offcut__node *node);
/* Packs weights as the kernel wants them and sets the bias; called once, when the operations are
 * final. */
offcut_status offcut__conv_pack(offcut__builder *builder, offcut__op *op);

/* ---- op_int8.c ---- */

/* Of a node that int8.c marked. */
offcut_status offcut__lower_integer(offcut__builder *builder, offcut__node *node);
/* Whether a Conv of quads is one of integers; step: of the result, 0 for f32; residual: likewise.
 */
bool offcut__conv8_fits(offcut__graph *graph, const offcut__node *node, const offcut__value *in,
                        float step, float residual);
/* As offcut__conv_pack(). */
offcut_status offcut__conv8_pack(offcut__builder *builder, offcut__op *op);

/* ---- op_image.c: windows of convolutions and pooling, one a dimension ---- */

/* node->windows from its attributes; kernel: the default, 0 for none. All are within 1..4096
 * (padding from 0). */
offcut_status offcut__need_windows(const offcut__graph *graph, offcut__node *node,
                                   const int32_t kernel[2]);
/* The length of the output; auto_pad sets the padding. 0: nothing fits. */
int32_t offcut__window_output(const offcut__node *node, int32_t in, bool ceil_mode,
                              offcut__window *window);
/* Height and width together. */
offcut__geometry offcut__windows_geometry(const offcut__window windows[2]);

offcut__pooling offcut__pool_geometry(const offcut__node *node);
/* Of a node after inference. */
offcut_status offcut__resize_tables(offcut__builder *builder, const offcut__node *node,
                                    offcut__resize *resize);

/* ---- op_join.c ---- */

/* pads (top, left, bottom, right) of a Pad that does what a convolution's padding does; false if it
 * is none. */
bool offcut__pad_zeros(offcut__graph *graph, const offcut__node *node, int32_t *pads);

/* ---- fuse.c ---- */

/* One number, or one a channel, aligned so that it is broadcast over everything else of y. */
bool offcut__per_channel(const offcut__value *value, const offcut__shape *y);

/* ---- op_eltwise.c ---- */

/* The function of a unary activation node; false if the node is none or its parameters are not
 * constant. */
bool offcut__node_act(const offcut__graph *graph, const offcut__node *node, offcut__act *act);

/* What a BatchNormalization does to a channel: x scale + shift. */
void offcut__batchnorm_affine(const offcut__graph *graph, const offcut__node *node, size_t channel,
                              float *scale, float *shift);

/* ---- plan.c ---- */

/* Joins in-place storages, assigns offsets and writes them into the views; *size is the arena's, in
 * floats. */
offcut_status offcut__plan(offcut__builder *builder, offcut__view *picture, offcut__view *mask,
                           size_t *size);

#endif
