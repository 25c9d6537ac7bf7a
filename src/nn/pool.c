/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

/* Small requests share a block; large ones get their own. */
#define BLOCK_SIZE ((size_t)16384)
#define ALIGNMENT ((size_t)16)

struct offcut__pool_block {
    struct offcut__pool_block *next;
    size_t used, capacity; /* bytes of data */
    size_t last;           /* where the latest allocation begins */
    size_t unused_padding_to_16;
};

static uint8_t *block_data(struct offcut__pool_block *block) {
    return (uint8_t *)block + ((sizeof *block + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
}

static struct offcut__pool_block *block_add(offcut__pool *pool, size_t capacity) {
    size_t bytes = 0;
    if (!offcut__size_add(&bytes, capacity, sizeof(struct offcut__pool_block) + ALIGNMENT))
        return NULL;
    struct offcut__pool_block *block = calloc(1, bytes);
    if (!block) return NULL;
    block->capacity = capacity;
    /* A large block goes second, so that small requests keep filling the first. */
    if (pool->blocks && capacity > BLOCK_SIZE) {
        block->next = pool->blocks->next;
        pool->blocks->next = block;
    } else {
        block->next = pool->blocks;
        pool->blocks = block;
    }
    return block;
}

offcut_status offcut__pool_alloc(offcut_ctx *ctx, offcut__pool *pool, size_t count, size_t size,
                                 void *result_pointer) {
    void *memory = NULL;
    memcpy(result_pointer, &memory, sizeof memory);
    size_t bytes = 0;
    const bool fits =
        offcut__size_mul(&bytes, count, size) && offcut__size_add(&bytes, bytes, ALIGNMENT);
    OFFCUT_FAIL_IF(!fits, ctx, OFFCUT_ERR_MEMORY, "no memory for %zu x %zu bytes", count, size);
    bytes &= ~(ALIGNMENT - 1);
    OFFCUT_FAIL_IF(pool->limit && (pool->used > pool->limit || bytes > pool->limit - pool->used),
                   ctx, OFFCUT_ERR_LIMIT, "the model needs more than %zu bytes while it is loaded",
                   pool->limit);
    struct offcut__pool_block *block = pool->blocks;
    if (!block || bytes > block->capacity - block->used)
        block = block_add(pool, bytes > BLOCK_SIZE / 2 ? bytes : BLOCK_SIZE);
    OFFCUT_FAIL_IF(!block, ctx, OFFCUT_ERR_MEMORY, "no memory for %zu x %zu bytes", count, size);
    memory = block_data(block) + block->used;
    block->last = block->used;
    block->used += bytes;
    pool->used += bytes;
    memcpy(result_pointer, &memory, sizeof memory);
    return OFFCUT_OK;
}

void offcut__pool_pop(offcut__pool *pool, void *memory) {
    struct offcut__pool_block **link = &pool->blocks;
    for (int i = 0; *link && i < 2; i++, link = &(*link)->next) {
        struct offcut__pool_block *block = *link;
        if (block->used == 0 || block_data(block) + block->last != (uint8_t *)memory) continue;
        pool->used -= block->used - block->last;
        if (block->last == 0) {
            *link = block->next;
            free(block);
        } else {
            memset(block_data(block) + block->last, 0, block->used - block->last);
            block->used = block->last;
        }
        return;
    }
}

void offcut__pool_free(offcut__pool *pool) {
    while (pool->blocks) {
        struct offcut__pool_block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
    pool->used = 0;
}
