/* SPDX-License-Identifier: Apache-2.0
 * Element by element: the definitions in double precision, and vector code for the functions that
 * networks use in volume. What has no vector code falls back to the definition. */
#include "eltwise.h"

#include "simd.h"

#include <math.h>

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double clip(double x, double lo, double hi) {
    const double raised = x < lo ? lo : x;
    return raised > hi ? hi : raised;
}

double offcut__unary_eval(offcut__act act, double x) {
    const double a = act.a, b = act.b;
    switch (act.kind) {
        case OFFCUT__IDENTITY: return x;
        case OFFCUT__CLIP: return clip(x, a, b);
        case OFFCUT__LEAKY: return x < 0 ? a * x : x;
        case OFFCUT__SIGMOID: return sigmoid(x);
        case OFFCUT__SILU: return x * sigmoid(x);
        case OFFCUT__HARDSIGMOID: return clip(a * x + b, 0, 1);
        case OFFCUT__HARDSWISH: return x * clip(a * x + b, 0, 1);
        case OFFCUT__TANH: return tanh(x);
        case OFFCUT__ELU: return x < 0 ? a * expm1(x) : x;
        case OFFCUT__SELU: return b * (x < 0 ? a * expm1(x) : x);
        case OFFCUT__CELU: return x < 0 ? a * expm1(x / a) : x;
        case OFFCUT__THRESHOLDED: return x > a ? x : 0;
        case OFFCUT__SOFTPLUS: return softplus(x);
        case OFFCUT__SOFTSIGN: return x / (1 + fabs(x));
        case OFFCUT__MISH: return x * tanh(softplus(x));
        case OFFCUT__GELU: return x * (1 + erf(x * 0.70710678118654752)) / 2;
        case OFFCUT__GELU_TANH:
            return x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x))) / 2;
        case OFFCUT__ERF: return erf(x);
        case OFFCUT__EXP: return exp(x);
        case OFFCUT__LOG: return log(x);
        case OFFCUT__SQRT: return sqrt(x);
        case OFFCUT__RECIPROCAL: return 1 / x;
        case OFFCUT__ABS: return fabs(x);
        case OFFCUT__NEG: return -x;
        case OFFCUT__FLOOR: return floor(x);
        case OFFCUT__CEIL: return ceil(x);
        case OFFCUT__ROUND: return rint(x);
        case OFFCUT__SIGN: return x > 0 ? 1 : x < 0 ? -1 : 0;
        case OFFCUT__SIN: return sin(x);
        case OFFCUT__COS: return cos(x);
        case OFFCUT__NOT: return x == 0;
        case OFFCUT__TRUNCATE: return trunc(x);
        case OFFCUT__TO_BOOL: return x != 0;
    }
    return 0;
}

static double modulo(double x, double y) {
    const double r = y == 0 ? 0 : fmod(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

double offcut__binary_eval(offcut__binary kind, double x, double y) {
    switch (kind) {
        case OFFCUT__ADD: return x + y;
        case OFFCUT__SUB: return x - y;
        case OFFCUT__MUL: return x * y;
        case OFFCUT__DIV: return x / y;
        case OFFCUT__MIN: return y < x ? y : x;
        case OFFCUT__MAX: return x < y ? y : x;
        case OFFCUT__PRELU: return x < 0 ? x * y : x;
        case OFFCUT__POW: return pow(x, y);
        case OFFCUT__MOD: return modulo(x, y);
        case OFFCUT__FMOD: return y == 0 ? 0 : fmod(x, y);
        case OFFCUT__EQUAL: return x == y;
        case OFFCUT__LESS: return x < y;
        case OFFCUT__GREATER: return x > y;
        case OFFCUT__LESS_EQUAL: return x <= y;
        case OFFCUT__GREATER_EQUAL: return x >= y;
        case OFFCUT__AND: return x != 0 && y != 0;
        case OFFCUT__OR: return x != 0 || y != 0;
        case OFFCUT__XOR: return (x != 0) != (y != 0);
    }
    return 0;
}

double offcut__ternary_eval(offcut__ternary kind, float a, float b, double x, double y, double z) {
    switch (kind) {
        case OFFCUT__WHERE: return x != 0 ? y : z;
        case OFFCUT__AFFINE: return x * y + z;
        case OFFCUT__QUANTIZE:
            /* In single precision, as every implementation of QuantizeLinear divides: a tie must
             * fall alike. */
            return clip((double)rintf((float)x / (float)y) + z, (double)a, (double)b);
        case OFFCUT__DEQUANTIZE: return (x - z) * y;
    }
    return 0;
}

/* ---- vector code ---- */

/* A unary function over four lanes; kind is a constant wherever this is inlined. */
OFFCUT__INLINE f32x4 unary_vector(offcut__unary kind, f32x4 x, f32x4 a, f32x4 b) {
    const f32x4 zero = {0, 0, 0, 0}, one = f32x4_splat(1.0f);
    switch (kind) {
        case OFFCUT__CLIP: return f32x4_min(f32x4_max(x, a), b);
        case OFFCUT__LEAKY: return f32x4_select(x < zero, x * a, x);
        case OFFCUT__SIGMOID: return f32x4_sigmoid(x);
        case OFFCUT__SILU: return x * f32x4_sigmoid(x);
        case OFFCUT__HARDSIGMOID: return f32x4_min(f32x4_max(x * a + b, zero), one);
        case OFFCUT__HARDSWISH: return x * f32x4_min(f32x4_max(x * a + b, zero), one);
        case OFFCUT__TANH: return f32x4_splat(2.0f) * f32x4_sigmoid(x + x) - one;
        case OFFCUT__ELU: return f32x4_select(x < zero, a * (f32x4_exp(x) - one), x);
        case OFFCUT__EXP: return f32x4_exp(x);
        case OFFCUT__RECIPROCAL: return one / x;
        case OFFCUT__NEG: return -x;
        default: return x;
    }
}

OFFCUT__INLINE void unary_loop(offcut__unary kind, offcut__act act, float *y, const float *x,
                               size_t n) {
    const f32x4 a = f32x4_splat(act.a), b = f32x4_splat(act.b);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) f32x4_store(y + i, unary_vector(kind, f32x4_load(x + i), a, b));
    if (i == n) return;
    const uint32_t rest = (uint32_t)(n - i);
    f32x4_store_part(y + i, unary_vector(kind, f32x4_load_part(x + i, rest), a, b), rest);
}

#define UNARY_CASE(kind) \
    case kind: unary_loop(kind, act, y, x, n); return;

void offcut__unary_row(offcut__act act, float *y, const float *x, size_t n) {
    switch (act.kind) {
        case OFFCUT__IDENTITY:
            if (y != x) memcpy(y, x, n * sizeof *y);
            return;
            UNARY_CASE(OFFCUT__CLIP)
            UNARY_CASE(OFFCUT__LEAKY)
            UNARY_CASE(OFFCUT__SIGMOID)
            UNARY_CASE(OFFCUT__SILU)
            UNARY_CASE(OFFCUT__HARDSIGMOID)
            UNARY_CASE(OFFCUT__HARDSWISH)
            UNARY_CASE(OFFCUT__TANH)
            UNARY_CASE(OFFCUT__ELU)
            UNARY_CASE(OFFCUT__EXP)
            UNARY_CASE(OFFCUT__RECIPROCAL)
            UNARY_CASE(OFFCUT__NEG)
        default: break;
    }
    for (size_t i = 0; i < n; i++) y[i] = (float)offcut__unary_eval(act, (double)x[i]);
}

OFFCUT__INLINE f32x4 binary_vector(offcut__binary kind, f32x4 x, f32x4 y) {
    switch (kind) {
        case OFFCUT__ADD: return x + y;
        case OFFCUT__SUB: return x - y;
        case OFFCUT__MUL: return x * y;
        case OFFCUT__DIV: return x / y;
        case OFFCUT__MIN: return f32x4_min(x, y);
        case OFFCUT__MAX: return f32x4_max(x, y);
        case OFFCUT__PRELU: return f32x4_select(x < f32x4_splat(0.0f), x * y, x);
        default: return x;
    }
}

OFFCUT__INLINE f32x4 operand(const float *x, size_t stride, uint32_t count) {
    if (stride == 0) return f32x4_load_splat(x);
    return count == 4 ? f32x4_load(x) : f32x4_load_part(x, count);
}

OFFCUT__INLINE void binary_loop(offcut__binary kind, float *y, const float *x1, size_t stride1,
                                const float *x2, size_t stride2, size_t n) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        f32x4_store(y + i, binary_vector(kind, operand(x1 + i * stride1, stride1, 4),
                                         operand(x2 + i * stride2, stride2, 4)));
    if (i == n) return;
    const uint32_t rest = (uint32_t)(n - i);
    f32x4_store_part(y + i,
                     binary_vector(kind, operand(x1 + i * stride1, stride1, rest),
                                   operand(x2 + i * stride2, stride2, rest)),
                     rest);
}

#define BINARY_CASE(kind)                                \
    case kind:                                           \
        if (stride1 && stride2)                          \
            binary_loop(kind, y, x1, 1, x2, 1, n);       \
        else if (stride1)                                \
            binary_loop(kind, y, x1, 1, x2, 0, n);       \
        else                                             \
            binary_loop(kind, y, x1, 0, x2, stride2, n); \
        return;

void offcut__binary_row(offcut__binary kind, float *y, const float *x1, size_t stride1,
                        const float *x2, size_t stride2, size_t n) {
    switch (kind) {
        BINARY_CASE(OFFCUT__ADD)
        BINARY_CASE(OFFCUT__SUB)
        BINARY_CASE(OFFCUT__MUL)
        BINARY_CASE(OFFCUT__DIV)
        BINARY_CASE(OFFCUT__MIN)
        BINARY_CASE(OFFCUT__MAX)
        BINARY_CASE(OFFCUT__PRELU)
        default: break;
    }
    for (size_t i = 0; i < n; i++)
        y[i] = (float)offcut__binary_eval(kind, (double)x1[i * stride1], (double)x2[i * stride2]);
}
