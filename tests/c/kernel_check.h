/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the kernels share: an arena of ARENA floats, which the includer defines and
 * allocates, and operations run in slices. */
#ifndef OFFCUT_TESTS_KERNEL_CHECK_H
#define OFFCUT_TESTS_KERNEL_CHECK_H

#include "nn/kernels/kernels.h"
#include "nn_check.h"

static float *arena;
static size_t arena_used;

/* The offset of so many floats that nobody has yet. */
static inline size_t take(size_t floats) {
    const size_t at = arena_used;
    arena_used += (floats + 15) & ~(size_t)15;
    if (arena_used > ARENA) {
        printf("the test's arena is too small\n");
        exit(2);
    }
    return at;
}

/* A random window, without padding. */
static inline offcut__geometry random_window(int32_t kernel, int32_t dilation) {
    return (offcut__geometry){.kernel_h = check_between(1, kernel),
                              .kernel_w = check_between(1, kernel),
                              .stride_h = check_between(1, 3),
                              .stride_w = check_between(1, 3),
                              .dilation_h = check_between(1, dilation),
                              .dilation_w = check_between(1, dilation)};
}

/* Runs op in slices of a random length. */
static inline void run_sliced(const offcut__op *op) {
    for (uint32_t unit = 0; unit < op->units;) {
        uint32_t end = unit + (uint32_t)check_between(1, 9);
        if (end > op->units) end = op->units;
        op->run(op, arena, unit, end);
        unit = end;
    }
}

#endif
