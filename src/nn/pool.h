/* SPDX-License-Identifier: Apache-2.0
 * Many allocations freed at once: one pool lives as long as a load, another as long as a model. */
#ifndef OFFCUT_NN_POOL_H
#define OFFCUT_NN_POOL_H

#include "../base/memory.h"

typedef struct offcut__pool {
    struct offcut__pool_block *blocks;
    size_t used;  /* bytes handed out */
    size_t limit; /* 0: none */
} offcut__pool;

/* As offcut__alloc(), but owned by the pool; 16-byte aligned. ERR_LIMIT beyond pool->limit. */
offcut_status offcut__pool_alloc(offcut_ctx *ctx, offcut__pool *pool, size_t count, size_t size,
                                 void *result_pointer);
/* Frees the last allocation early, if memory is what it returned; otherwise does nothing. */
void offcut__pool_pop(offcut__pool *pool, void *memory);
void offcut__pool_free(offcut__pool *pool);

#endif
