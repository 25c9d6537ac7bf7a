/* SPDX-License-Identifier: Apache-2.0
 * Helpers by POSIX threads. */
#include "team.h"

#if defined(OFFCUT_THREADS) && !defined(__wasm__)

#include "memory.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct helper {
    offcut__team *team;
    uint32_t lane;
    pthread_t thread;
} helper;

typedef struct offcut__threads {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t started;
    helper helpers[OFFCUT_THREADS_MAX - 1];
} threads;

static void *help(void *argument) {
    const helper *self = argument;
    offcut__team_help(self->team, self->lane);
    return NULL;
}

offcut_status offcut__threads_start(offcut_ctx *ctx, offcut__team *team) {
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof(threads), &team->threads));
    threads *all = team->threads;
    if (pthread_mutex_init(&all->mutex, NULL) != 0 || pthread_cond_init(&all->changed, NULL) != 0) {
        free(all);
        team->threads = NULL;
        return offcut__fail(ctx, OFFCUT_ERR_MEMORY, "no memory for threads");
    }
    for (uint32_t i = 0; i + 1 < team->lanes; i++, all->started++) {
        helper *one = &all->helpers[i];
        one->team = team;
        one->lane = i + 1;
        OFFCUT_FAIL_IF(pthread_create(&one->thread, NULL, help, one) != 0, ctx, OFFCUT_ERR_MEMORY,
                       "the system does not start %u threads", team->lanes);
    }
    return OFFCUT_OK;
}

void offcut__threads_end(offcut__team *team) {
    threads *all = team->threads;
    if (!all) return;
    for (uint32_t i = 0; i < all->started; i++) pthread_join(all->helpers[i].thread, NULL);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->mutex);
    free(all);
}

void offcut__threads_sleep(offcut__team *team, offcut__count *count, uint32_t value) {
    threads *all = team->threads;
    pthread_mutex_lock(&all->mutex);
    if (atomic_load(count) == value) pthread_cond_wait(&all->changed, &all->mutex);
    pthread_mutex_unlock(&all->mutex);
}

void offcut__threads_wake(offcut__team *team, offcut__count *count) {
    (void)count; /* one condition for both: there are few sleepers */
    threads *all = team->threads;
    if (!all) return;
    pthread_mutex_lock(&all->mutex);
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->mutex);
}

#endif
