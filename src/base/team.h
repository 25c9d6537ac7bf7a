/* SPDX-License-Identifier: Apache-2.0
 * Threads that share the work of a context. A build without OFFCUT_THREADS has none, and nothing
 * here costs it anything. */
#ifndef OFFCUT_BASE_TEAM_H
#define OFFCUT_BASE_TEAM_H

#include "context.h"

/* Does one part of some work. Parts are done at the same time, in any order; lane says by which of
 * the threads, 0 is the caller's. */
typedef void (*offcut__part)(void *work, uint32_t part, uint32_t lane);

#ifdef OFFCUT_THREADS

/* How many may work at the same time: 1 without helpers. */
uint32_t offcut__team_lanes(const offcut_ctx *ctx);

/* Has parts 0..parts-1 done by the caller and those helpers that have time; returns when all are.
 * What the parts wrote is the caller's to read. */
void offcut__team_run(offcut_ctx *ctx, uint32_t parts, offcut__part part, void *work);

/* Ends the helpers, for offcut_free(). */
void offcut__team_end(offcut_ctx *ctx);

/* ---- for team.c and what brings threads: base/team_native.c and wasm/threads.c ---- */

#include <stdatomic.h>

typedef _Atomic uint32_t offcut__count;

typedef struct offcut__team {
    offcut__count left;   /* parts that nobody has taken; OFFCUT__TEAM_OVER: helpers go home */
    offcut__count undone; /* parts that are not done */
    /* The work under way. They change only while no part is left or undone, so whoever takes a part
     * sees what belongs to it. */
    uint32_t parts;
    offcut__part part;
    void *work;
    uint32_t lanes;
    struct offcut__threads *threads; /* the host's */
} offcut__team;

#define OFFCUT__TEAM_OVER UINT32_MAX

/* What a helper does until the team is over. */
void offcut__team_help(offcut__team *team, uint32_t lane);

/* Brings lanes - 1 threads that call offcut__team_help(), or sees to it that they can come; sets
 * team->threads. */
offcut_status offcut__threads_start(offcut_ctx *ctx, offcut__team *team);
/* left is OFFCUT__TEAM_OVER: waits for the threads and frees what was started. */
void offcut__threads_end(offcut__team *team);

/* Sleeps as long as *count is value, or shorter. */
void offcut__threads_sleep(offcut__team *team, offcut__count *count, uint32_t value);
/* Wakes all who sleep on count, which was changed before. */
void offcut__threads_wake(offcut__team *team, offcut__count *count);

#else

static inline uint32_t offcut__team_lanes(const offcut_ctx *ctx) {
    (void)ctx;
    return 1;
}

static inline void offcut__team_run(offcut_ctx *ctx, uint32_t parts, offcut__part part,
                                    void *work) {
    (void)ctx;
    for (uint32_t i = 0; i < parts; i++) part(work, i, 0);
}

static inline void offcut__team_end(offcut_ctx *ctx) {
    (void)ctx;
}

#endif

#endif
