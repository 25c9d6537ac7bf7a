/* SPDX-License-Identifier: Apache-2.0
 * Helpers in WebAssembly: more instances of this module on the same memory, in workers that the
 * host starts (js/worker/help.js) and ends. Each has its own stack pointer, and nothing else of its
 * own: helpers neither allocate nor fail, so the C library need not know of them. */
#include "../src/base/memory.h"
#include "../src/base/team.h"

#include <stdlib.h>

/* Bytes, a multiple of 16; kernels take a few kB. */
#define STACK ((size_t)32768)

/* The caller's patience with a helper, whose share is some milliseconds: one that ended will never
 * be done. Slept thrice, as the machine itself may have been asleep. */
#define NANOSECONDS INT64_C(10000000000)
enum { SLEEPS = 3, TIMED_OUT = 2 };

struct offcut__threads {
    char stack[STACK]; /* of lane 1; those of the others follow */
};

/* Where helper lane's stack begins (it grows downwards): for _emscripten_stack_restore(), before
 * anything else is called in its instance. */
char *offcut_threads_stack(const offcut_ctx *ctx, uint32_t lane);
/* Helps until the host ends the worker. */
void offcut_threads_help(const offcut_ctx *ctx, uint32_t lane);

char *offcut_threads_stack(const offcut_ctx *ctx, uint32_t lane) {
    char *end = ctx->team->threads[lane - 1].stack + STACK;
    /* Code relies on its alignment, which malloc does not give. */
    return end - (uintptr_t)end % 16;
}

void offcut_threads_help(const offcut_ctx *ctx, uint32_t lane) {
    offcut__team_help(ctx->team, lane);
}

offcut_status offcut__threads_start(offcut_ctx *ctx, offcut__team *team) {
    team->threads = malloc((team->lanes - 1) * sizeof *team->threads);
    OFFCUT_FAIL_IF(!team->threads, ctx, OFFCUT_ERR_MEMORY, "no memory for the stacks of threads");
    return OFFCUT_OK;
}

void offcut__threads_end(offcut__team *team) {
    free(team->threads);
}

void offcut__threads_sleep(offcut__team *team, offcut__count *count, uint32_t value) {
    int32_t *word = (int32_t *)(void *)count;
    if (count == &team->left) {
        (void)__builtin_wasm_memory_atomic_wait32(word, (int32_t)value, -1);
        return;
    }
    for (int i = 0; i < SLEEPS; i++)
        if (__builtin_wasm_memory_atomic_wait32(word, (int32_t)value, NANOSECONDS) != TIMED_OUT)
            return;
    __builtin_trap();
}

void offcut__threads_wake(offcut__team *team, offcut__count *count) {
    (void)team;
    (void)__builtin_wasm_memory_atomic_notify((int32_t *)(void *)count, UINT32_MAX);
}
