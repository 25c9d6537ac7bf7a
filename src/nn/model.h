/* SPDX-License-Identifier: Apache-2.0
 * A network made ready to run: a list of operations on one arena. */
#ifndef OFFCUT_NN_MODEL_H
#define OFFCUT_NN_MODEL_H

#include "kernels/eltwise.h"
#include "network.h"
#include "pool.h"
#include "view.h"

/* Which pixels of the input make one of the output: those of taps (i, j), see offcut__conv. */
typedef struct offcut__geometry {
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left; /* below zero: the picture's first rows are skipped */
} offcut__geometry;

/* Geometry and weights of a convolution. Output (y, x) is the sum over taps (i, j) of
 * weights[i][j] . input(y stride_h + i dilation_h - pad_top, x stride_w + j dilation_w - pad_left),
 * zero outside. */
typedef struct offcut__conv {
    offcut__geometry window;
    uint32_t groups, group_in, group_out; /* channels of a group */
    const float *weights;                 /* packed as the kernel wants them */
    const float *bias;                    /* [groups x group_out] */
    float lo, hi;                         /* the result is clamped to lo..hi */
    struct { /* at load: which taps of a transposed convolution these are */
        bool transposed;
        int32_t first_h, step_h, first_w, step_w;
    } source;
} offcut__conv;

/* A convolution of int8 quads:
 * y = clamp(round(max(f(sum) scale, floor) + residual in[1]), lo, hi), where sum is exact, f the
 * rounding of sum + bias to f32; products and sums are rounded to f32 one by one and the result
 * half to even.
 * One group, or one for each channel (depthwise). */
typedef struct offcut__conv8 {
    offcut__geometry window;
    uint32_t channels_in, channels_out;
    bool depthwise;
    bool wide;             /* rows are widened to 16 bits: the input is signed, or no 8-bit dot */
    int32_t offset;        /* added to the input, and to zeros around it; the bias takes it back */
    bool floats;           /* y = f(sum) scale as f32, then act; no residual */
    bool line;             /* f32 of one channel: lanes are pixels */
    int32_t tile;          /* pixels of a tile */
    const void *weights;   /* packed as the kernel wants them */
    const int32_t *bias;   /* per channel, channels_out rounded up to 8 */
    const float *scale;    /* likewise */
    float residual, floor; /* floor: 0 or, where there is none, far below */
    int32_t lo, hi;
} offcut__conv8;

/* int8 quads element by element: y = clamp(round(f(x1) factor[0] + f(x2) factor[1]), lo, hi) as
 * above; between f32 and quads: see the kernels. */
typedef struct offcut__scaling8 {
    float factor[2];
    int32_t lo, hi;
    const float *centre, *spread; /* per channel, rounded up to 4; quantise only */
} offcut__scaling8;

typedef struct offcut__pooling {
    offcut__geometry window;
    int32_t pad_bottom, pad_right; /* counted by an average that includes padding */
    bool average, include_pad;
} offcut__pooling;

/* Every output row is a weighted sum of taps input rows, and every pixel of it of taps pixels. */
typedef struct offcut__resize {
    uint32_t taps_y, taps_x;       /* 1, 2 or 4 */
    const int32_t *rows, *columns; /* [output][taps] */
    const float *row_weights, *column_weights;
    bool doubles; /* quads: 3/4 of the nearest pixel, 1/4 of the next, each way */
} offcut__resize;

#define OFFCUT__LOOPS_MAX OFFCUT__RANK_MAX

/* y = f(x1, x2, x3) over nested loops, the last innermost. */
typedef struct offcut__loops {
    uint32_t inputs; /* 0: fill with a */
    uint32_t rank;
    int32_t dims[OFFCUT__LOOPS_MAX];
    ptrdiff_t out[OFFCUT__LOOPS_MAX], in[3][OFFCUT__LOOPS_MAX]; /* strides */
    int kind; /* offcut__binary, offcut__ternary */
    float a, b;
} offcut__loops;

typedef enum offcut__reduction {
    OFFCUT__REDUCE_SUM,
    OFFCUT__REDUCE_MEAN,
    OFFCUT__REDUCE_MAX,
    OFFCUT__REDUCE_MIN,
    OFFCUT__REDUCE_PROD,
    OFFCUT__REDUCE_L1,
    OFFCUT__REDUCE_L2,
    OFFCUT__REDUCE_SUM_SQUARE,
    OFFCUT__REDUCE_LOG_SUM_EXP,
    OFFCUT__REDUCE_ARGMAX,
    OFFCUT__REDUCE_ARGMIN,
} offcut__reduction;

/* Loops over what is kept, and inside over what is reduced. */
typedef struct offcut__reduce {
    uint32_t kept_rank, rank;
    int32_t kept_dims[OFFCUT__RANK_MAX], dims[OFFCUT__RANK_MAX];
    ptrdiff_t kept_in[OFFCUT__RANK_MAX], kept_out[OFFCUT__RANK_MAX];
    ptrdiff_t in[OFFCUT__RANK_MAX],
        out[OFFCUT__RANK_MAX]; /* out: softmax and normalise write everywhere */
    offcut__reduction kind;
    float epsilon;
} offcut__reduce;

/* out[b, i, j] = sum over k of a[b, i, k] b[b, k, j] */
typedef struct offcut__matmul {
    uint32_t batch_rank;
    int32_t batch[OFFCUT__RANK_MAX];
    ptrdiff_t batch_a[OFFCUT__RANK_MAX], batch_b[OFFCUT__RANK_MAX], batch_out[OFFCUT__RANK_MAX];
    int32_t m, n, k;
    ptrdiff_t a_m, a_k, b_k, b_n, out_m, out_n;
} offcut__matmul;

typedef struct offcut__op offcut__op;

/* Does units begin..end-1 of an operation. */
typedef void (*offcut__op_run)(const offcut__op *op, float *arena, uint32_t begin, uint32_t end);

struct offcut__op {
    offcut__op_run run;
    offcut__view in[3], out; /* a convolution's in[1]: what is added to its result */
    uint32_t in_count;
    offcut__act act;     /* applied to the result; IDENTITY: nothing */
    const float *slope;  /* per output channel: a PRelu after the result; NULL: none */
    uint32_t in_place;   /* bit i: the output may take the memory of in[i] */
    size_t scratch_size; /* floats, for the length of the operation */
    int32_t scratch;     /* storage, OFFCUT__STORAGE_NONE */
    size_t scratch_offset;
    uint32_t units;   /* >= 1 */
    double unit_cost; /* in multiply-adds, roughly */
    union {
        offcut__conv conv;
        offcut__conv8 conv8;
        offcut__scaling8 scaling8;
        offcut__pooling pooling;
        offcut__resize resize;
        offcut__loops loops;
        offcut__reduce reduce;
        offcut__matmul matmul;
    } u;
    uint32_t node;      /* at load: where it came from */
    const void *origin; /* at load: what the weights are in the file; NULL: not in it */
    double macs;        /* multiply-adds as the network means them; 0: not counted */
    char name[64];      /* operator and node, for profiles */
};

static inline float *offcut__op_scratch(const offcut__op *op, float *arena) {
    return arena + op->scratch_offset;
}

/* A part of the arena. */
typedef struct offcut__storage {
    size_t size;         /* floats */
    int32_t first, last; /* operations that use it */
    int32_t joined;      /* the storage whose place this one takes; itself if none */
    size_t offset;       /* floats */
} offcut__storage;

/* What a run does, for one size of the input. */
typedef struct offcut__program {
    offcut__op *ops; /* in the order of the graph's nodes */
    uint32_t op_count;
    size_t arena_size;    /* floats */
    size_t scratch_size;  /* of the operation that takes most; floats */
    offcut__view picture; /* where the input goes, [1, 3, height, width] */
    offcut__view mask;    /* where the output is, [channels, height, width] */
    double cost;          /* of a run, in multiply-adds */
} offcut__program;

struct offcut_model {
    offcut_input input; /* width and height are those of program */
    offcut__pool pool;  /* owns all that programs point to; weights are shared */
    offcut__program programs[OFFCUT__SIZES];
    uint32_t program_count;   /* 1, or one for each of offcut__sizes */
    offcut__program *program; /* of this run or the next */

    /* The run */
    bool running;
    float *arena;
    void *arena_memory;
    float *result;  /* the mask */
    uint32_t lanes; /* with scratch */
    uint32_t next_op, next_unit;
    double done;
};

#endif
