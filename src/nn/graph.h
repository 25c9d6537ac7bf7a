/* SPDX-License-Identifier: Apache-2.0
 * An ONNX graph while it is being made into a model: nodes and values, shapes, constants. It lives
 * for the length of offcut_model_load() and borrows the file's bytes. */
#ifndef OFFCUT_NN_GRAPH_H
#define OFFCUT_NN_GRAPH_H

#include "kernels/eltwise.h"
#include "pool.h"
#include "protobuf.h"
#include "view.h"

#define OFFCUT__NONE UINT32_MAX

/* Element types of ONNX that the reader understands. */
typedef enum offcut__type {
    OFFCUT__TYPE_UNKNOWN = 0,
    OFFCUT__TYPE_F32 = 1,
    OFFCUT__TYPE_U8 = 2,
    OFFCUT__TYPE_I8 = 3,
    OFFCUT__TYPE_U16 = 4,
    OFFCUT__TYPE_I16 = 5,
    OFFCUT__TYPE_I32 = 6,
    OFFCUT__TYPE_I64 = 7,
    OFFCUT__TYPE_BOOL = 9,
    OFFCUT__TYPE_F16 = 10,
    OFFCUT__TYPE_F64 = 11,
    OFFCUT__TYPE_U32 = 12,
    OFFCUT__TYPE_U64 = 13,
    OFFCUT__TYPE_BF16 = 16,
} offcut__type;

/* What a constant's integers are multiplied by: element i by scales[i / inner % count]. */
typedef struct offcut__steps {
    const float *scales;
    size_t inner, count;
} offcut__steps;

/* One tensor. At most one of bytes, floats, ints holds a constant's elements, row-major. */
typedef struct offcut__value {
    offcut__span name;
    offcut__shape shape;
    offcut__type type;
    bool known;    /* shape and type are set */
    bool constant; /* its elements are known at load */
    offcut__type
        encoding;        /* of bytes; may differ from type: a cast that has not been carried out */
    offcut__span bytes;  /* little-endian, in the file */
    const float *floats; /* in the load pool */
    const int64_t *ints; /* likewise */
    const offcut__steps *steps; /* of a DequantizeLinear that has not been carried out; or NULL */
    float step;        /* above 0: int8 quads in memory, which stand for step times themselves */
    bool positive;     /* quads: none is below 0 */
    int32_t offset;    /* quads: with this added none is below 0 nor above 127; 0: who knows */
    uint32_t producer; /* node, or OFFCUT__NONE */
    uint32_t uses;     /* by live nodes and as the model's output */
} offcut__value;

/* Of a convolution or pooling, in one direction. */
typedef struct offcut__window {
    int32_t kernel, stride, dilation, before, after; /* the last two: padding */
} offcut__window;

typedef struct offcut__attribute {
    offcut__span name, message; /* the latter: the AttributeProto */
} offcut__attribute;

typedef struct offcut__node {
    offcut__span name, op, domain;
    const offcut__attribute *attributes;
    uint32_t attribute_count;
    uint32_t *inputs; /* values; OFFCUT__NONE where left out */
    uint32_t *outputs;
    uint32_t input_count, output_count;
    bool live;
    const struct offcut__operator *type;
    /* Set by inference, where the operator has them */
    offcut__window windows[2];               /* height and width */
    uint32_t groups;                         /* of channels */
    const struct offcut__resizing *resizing; /* in the load pool */
    /* Set by fusion */
    float *scale, *shift; /* per output channel: conv(x) * scale + shift; NULL: 1, 0 */
    uint32_t residual;    /* added after that; OFFCUT__NONE */
    offcut__act act;      /* applied last */
    uint32_t slope;       /* value with the slope of a PRelu act; OFFCUT__NONE */
    /* Set by int8.c */
    bool integer;           /* reads or writes quads */
    bool rectified;         /* a Conv's result is made 0 or more before the residual is added */
    float *centre, *spread; /* QuantizeLinear, per channel: of (x - centre) / spread; or NULL */
} offcut__node;

typedef struct offcut__graph {
    offcut_ctx *ctx;
    offcut__pool *pool; /* the load's */
    offcut__node *nodes;
    uint32_t node_count;
    offcut__value *values;
    uint32_t value_count;
    uint32_t *ids; /* the nodes' inputs and outputs */
    uint32_t id_count;
    offcut__attribute *attributes; /* the nodes' */
    uint32_t attribute_count;
    uint32_t *table; /* value by name: open addressing */
    uint32_t table_mask;
    uint32_t *inputs, *outputs; /* values */
    uint32_t input_count, output_count;
    uint32_t input;  /* the picture */
    uint32_t output; /* the mask */
    int64_t opset;
} offcut__graph;

/* ---- onnx.c ---- */

/* Reads a ModelProto into *graph, whose ctx and pool are set. */
offcut_status offcut__onnx_read(offcut__graph *graph, offcut__span file);

/* ---- tensor.c ---- */

/* A TensorProto's name, and the tensor as a constant. */
offcut__span offcut__tensor_name(offcut__span bytes);
offcut_status offcut__tensor_read(offcut__graph *graph, offcut__span bytes, offcut__value *value);

/* Of an AttributeProto. */
offcut__span offcut__attribute_name(offcut__span bytes);
/* The attributes of a node, or the default where there is none. */
int64_t offcut__attribute_int(const offcut__node *node, const char *name, int64_t fallback);
float offcut__attribute_float(const offcut__node *node, const char *name, float fallback);
offcut__span offcut__attribute_string(const offcut__node *node, const char *name);
bool offcut__attribute_has(const offcut__node *node, const char *name);
/* At most max integers; *count is how many there are (0 if none); false if more than max or
 * damaged. */
bool offcut__attribute_ints(const offcut__node *node, const char *name, int64_t *values,
                            uint32_t max, uint32_t *count);
/* A Constant node's value becomes the constant. */
offcut_status offcut__attribute_tensor(offcut__graph *graph, const offcut__node *node,
                                       const char *name, offcut__value *value);

/* ERR_MODEL with the node's type and name before the text. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
offcut_status
offcut__node_fail(const offcut__graph *graph, const offcut__node *node, const char *format, ...);

/* ---- constant.c ---- */

bool offcut__type_is_float(offcut__type type);
size_t offcut__shape_count(const offcut__shape *shape);
/* Sets a value's shape; ERR_LIMIT or ERR_MODEL if a dimension or the product is out of bounds. */
offcut_status offcut__shape_set(const offcut__graph *graph, offcut__shape *shape, uint32_t rank,
                                const int64_t *dims);

double offcut__constant_get(const offcut__value *value, size_t index);
/* The same without its step. */
double offcut__constant_raw(const offcut__value *value, size_t index);
/* All elements as f32. */
void offcut__constant_floats(const offcut__value *value, float *result);
/* All elements, of a list of at most max. false: not a constant, or longer. */
bool offcut__constant_ints(const offcut__value *value, int64_t *result, uint32_t max,
                           uint32_t *count);
/* Gives a value with known shape and type elements to be filled: one of *floats, *ints is not NULL.
 */
offcut_status offcut__constant_new(offcut__graph *graph, offcut__value *value, float **floats,
                                   int64_t **ints);
void offcut__constant_put(float *floats, int64_t *ints, size_t index, double x);

/* ---- graph.c ---- */

/* *to becomes a copy that may be changed; its pool stays. The copy is in the memory of the one
 * before, at first in from's pool. */
offcut_status offcut__graph_copy(const offcut__graph *from, offcut__graph *to);
/* Marks what the output needs as live, with its operators, and counts uses. */
offcut_status offcut__graph_prune(offcut__graph *graph);
/* Nodes with constant inputs become constants: what is the same at every size. */
offcut_status offcut__graph_fold(offcut__graph *graph);
/* Shapes of everything live, and again nodes with constant inputs. */
offcut_status offcut__graph_infer(offcut__graph *graph);
/* Joins nodes (fuse.c). */
offcut_status offcut__graph_fuse(offcut__graph *graph);
/* Marks what becomes integer operations (int8.c). */
offcut_status offcut__graph_quantise(offcut__graph *graph);

/* NULL where the input is left out. */
offcut__value *offcut__node_input(const offcut__graph *graph, const offcut__node *node,
                                  uint32_t index);
offcut__value *offcut__node_output(const offcut__graph *graph, const offcut__node *node,
                                   uint32_t index);

#endif
