/* SPDX-License-Identifier: Apache-2.0
 * Work shared by taking parts off a counter. A late helper, with a number it read before, does no
 * harm: taking is a compare-and-swap, and whoever succeeds has a part of the work of now. */
#include "team.h"
#include "memory.h"

#include <stdlib.h>

offcut_status offcut_threads_set(offcut_ctx *ctx, uint32_t threads) {
    if (!ctx) return OFFCUT_ERR_ARGUMENT;
    OFFCUT_FAIL_IF(threads == 0 || threads > OFFCUT_THREADS_MAX, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected 1 to %d threads, received %u", OFFCUT_THREADS_MAX, threads);
#ifdef OFFCUT_THREADS
    offcut__team_end(ctx);
    if (threads == 1) return OFFCUT_OK;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *ctx->team, &ctx->team));
    ctx->team->lanes = threads;
    const offcut_status status = offcut__threads_start(ctx, ctx->team);
    if (status != OFFCUT_OK) offcut__team_end(ctx);
    return status;
#else
    OFFCUT_FAIL_IF(threads > 1, ctx, OFFCUT_ERR_UNSUPPORTED, "this build has no threads");
    return OFFCUT_OK;
#endif
}

#ifdef OFFCUT_THREADS

/* How often to look before going to sleep, which takes longer than most work takes to come: some
 * 250 microseconds. */
#define LOOKS 100000

void offcut__team_end(offcut_ctx *ctx) {
    offcut__team *team = ctx->team;
    if (!team) return;
    atomic_store(&team->left, OFFCUT__TEAM_OVER);
    offcut__threads_wake(team, &team->left);
    offcut__threads_end(team);
    free(team);
    ctx->team = NULL;
}

uint32_t offcut__team_lanes(const offcut_ctx *ctx) {
    return ctx->team ? ctx->team->lanes : 1;
}

/* Looks for a while, then sleeps, until *count is not value. */
static void await_change(offcut__team *team, offcut__count *count, uint32_t value) {
    for (int look = 0; look < LOOKS; look++)
        if (atomic_load_explicit(count, memory_order_acquire) != value) return;
    while (atomic_load_explicit(count, memory_order_acquire) == value)
        offcut__threads_sleep(team, count, value);
}

static bool take(offcut__team *team, uint32_t *part) {
    uint32_t left = atomic_load_explicit(&team->left, memory_order_relaxed);
    while (left != 0 && left != OFFCUT__TEAM_OVER) {
        if (!atomic_compare_exchange_weak_explicit(&team->left, &left, left - 1,
                                                   memory_order_acq_rel, memory_order_relaxed))
            continue;
        *part = team->parts - left;
        return true;
    }
    return false;
}

/* Answers whether it did the last one. */
static bool do_parts(offcut__team *team, uint32_t lane) {
    bool last = false;
    for (uint32_t part = 0; take(team, &part);) {
        team->part(team->work, part, lane);
        last = atomic_fetch_sub_explicit(&team->undone, 1, memory_order_acq_rel) == 1;
    }
    return last;
}

void offcut__team_help(offcut__team *team, uint32_t lane) {
    while (atomic_load_explicit(&team->left, memory_order_acquire) != OFFCUT__TEAM_OVER) {
        if (do_parts(team, lane)) offcut__threads_wake(team, &team->undone);
        await_change(team, &team->left, 0);
    }
}

void offcut__team_run(offcut_ctx *ctx, uint32_t parts, offcut__part part, void *work) {
    offcut__team *team = ctx->team;
    if (!team || parts < 2) {
        for (uint32_t i = 0; i < parts; i++) part(work, i, 0);
        return;
    }
    team->parts = parts;
    team->part = part;
    team->work = work;
    atomic_store_explicit(&team->undone, parts, memory_order_relaxed);
    atomic_store_explicit(&team->left, parts, memory_order_release);
    offcut__threads_wake(team, &team->left);
    do_parts(team, 0);
    for (uint32_t undone = 0; (undone = atomic_load_explicit(&team->undone, memory_order_acquire));)
        await_change(team, &team->undone, undone);
}

#endif
