/* SPDX-License-Identifier: Apache-2.0
 * Functions applied element by element, alone or after another operator. */
#ifndef OFFCUT_NN_KERNELS_ELTWISE_H
#define OFFCUT_NN_KERNELS_ELTWISE_H

#include <stddef.h>
#include <stdint.h>

/* One input x; a and b are parameters. */
typedef enum offcut__unary {
    OFFCUT__IDENTITY,
    OFFCUT__CLIP,        /* min(max(x, a), b); Relu is 0, infinity */
    OFFCUT__LEAKY,       /* x < 0 ? a x : x */
    OFFCUT__SIGMOID,     /* 1 / (1 + e^-x) */
    OFFCUT__SILU,        /* x sigmoid(x) */
    OFFCUT__HARDSIGMOID, /* min(max(a x + b, 0), 1) */
    OFFCUT__HARDSWISH,   /* x min(max(a x + b, 0), 1) */
    OFFCUT__TANH,
    OFFCUT__ELU,         /* x < 0 ? a (e^x - 1) : x */
    OFFCUT__SELU,        /* b (x < 0 ? a (e^x - 1) : x) */
    OFFCUT__CELU,        /* max(0, x) + min(0, a (e^(x/a) - 1)) */
    OFFCUT__THRESHOLDED, /* x > a ? x : 0 */
    OFFCUT__SOFTPLUS,    /* ln(1 + e^x) */
    OFFCUT__SOFTSIGN,    /* x / (1 + |x|) */
    OFFCUT__MISH,        /* x tanh(softplus(x)) */
    OFFCUT__GELU,        /* x (1 + erf(x / sqrt 2)) / 2 */
    OFFCUT__GELU_TANH,   /* the approximation by tanh */
    OFFCUT__ERF,
    OFFCUT__EXP,
    OFFCUT__LOG,
    OFFCUT__SQRT,
    OFFCUT__RECIPROCAL,
    OFFCUT__ABS,
    OFFCUT__NEG,
    OFFCUT__FLOOR,
    OFFCUT__CEIL,
    OFFCUT__ROUND, /* half to even */
    OFFCUT__SIGN,
    OFFCUT__SIN,
    OFFCUT__COS,
    OFFCUT__NOT,
    OFFCUT__TRUNCATE, /* a cast to integers */
    OFFCUT__TO_BOOL,
} offcut__unary;

typedef enum offcut__binary {
    OFFCUT__ADD,
    OFFCUT__SUB,
    OFFCUT__MUL,
    OFFCUT__DIV,
    OFFCUT__MIN,
    OFFCUT__MAX,
    OFFCUT__PRELU, /* x < 0 ? x y : x */
    OFFCUT__POW,
    OFFCUT__MOD,  /* with the sign of y */
    OFFCUT__FMOD, /* with the sign of x */
    OFFCUT__EQUAL,
    OFFCUT__LESS,
    OFFCUT__GREATER,
    OFFCUT__LESS_EQUAL,
    OFFCUT__GREATER_EQUAL,
    OFFCUT__AND,
    OFFCUT__OR,
    OFFCUT__XOR,
} offcut__binary;

typedef enum offcut__ternary {
    OFFCUT__WHERE,      /* x ? y : z */
    OFFCUT__AFFINE,     /* x y + z */
    OFFCUT__QUANTIZE,   /* clamp(round(x / y) + z, a, b) */
    OFFCUT__DEQUANTIZE, /* (x - z) y */
} offcut__ternary;

/* A function with its parameters. */
typedef struct offcut__act {
    offcut__unary kind;
    float a, b;
} offcut__act;

/* One element in double precision: what constants are folded with, and what the vector code is
 * tested against. */
double offcut__unary_eval(offcut__act act, double x);
double offcut__binary_eval(offcut__binary kind, double x, double y);
double offcut__ternary_eval(offcut__ternary kind, float a, float b, double x, double y, double z);

/* y[i] = f(x[i]) for n elements; y may be x. */
void offcut__unary_row(offcut__act act, float *y, const float *x, size_t n);
/* Strides are 0 or 1; y may be x1 or x2. */
void offcut__binary_row(offcut__binary kind, float *y, const float *x1, size_t stride1,
                        const float *x2, size_t stride2, size_t n);

#endif
