/* SPDX-License-Identifier: Apache-2.0
 * Checked sizes and allocation. Every size that comes from a file goes through here. */
#ifndef OFFCUT_BASE_MEMORY_H
#define OFFCUT_BASE_MEMORY_H

#include "context.h"

#include <stdbool.h>

/* *result = a * b, or a + b; false on overflow (then *result is untouched). */
bool offcut__size_mul(size_t *result, size_t a, size_t b);
bool offcut__size_add(size_t *result, size_t a, size_t b);

/* calloc that reports: *result gets count * size zeroed bytes, the caller's to free(); NULL and
 * ERR_MEMORY if there is no room or the product overflows. count * size of 0 gives a valid pointer.
 */
offcut_status offcut__alloc(offcut_ctx *ctx, size_t count, size_t size, void *result_pointer);

/* Bytes that grow; data is owned, freed by offcut__bytes_free(). */
typedef struct offcut__bytes {
    uint8_t *data;
    size_t size;
    size_t capacity;
} offcut__bytes;

bool offcut__bytes_append(offcut__bytes *bytes, const void *data,
                          size_t size); /* false: out of memory */
void offcut__bytes_free(offcut__bytes *bytes);

#endif
