/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

bool offcut__size_mul(size_t *result, size_t a, size_t b) {
    if (b != 0 && a > SIZE_MAX / b) return false;
    *result = a * b;
    return true;
}

bool offcut__size_add(size_t *result, size_t a, size_t b) {
    if (a > SIZE_MAX - b) return false;
    *result = a + b;
    return true;
}

offcut_status offcut__alloc(offcut_ctx *ctx, size_t count, size_t size, void *result_pointer) {
    size_t bytes = 0;
    const bool fits = offcut__size_mul(&bytes, count, size);
    void *memory = fits ? calloc(1, bytes ? bytes : 1) : NULL;
    memcpy(result_pointer, &memory, sizeof memory);
    if (memory) return OFFCUT_OK;
    return offcut__fail(ctx, OFFCUT_ERR_MEMORY, "no memory for %zu x %zu bytes", count, size);
}

bool offcut__bytes_append(offcut__bytes *bytes, const void *data, size_t size) {
    size_t needed = 0;
    if (!offcut__size_add(&needed, bytes->size, size)) return false;
    if (needed > bytes->capacity) {
        /* Half as much again: few copies, and the slack stays small beside a large picture. */
        size_t capacity = bytes->capacity + bytes->capacity / 2;
        if (capacity < needed) capacity = needed;
        if (capacity < 4096) capacity = 4096;
        uint8_t *grown = realloc(bytes->data, capacity);
        if (!grown) return false;
        bytes->data = grown;
        bytes->capacity = capacity;
    }
    if (size) memcpy(bytes->data + bytes->size, data, size);
    bytes->size = needed;
    return true;
}

void offcut__bytes_free(offcut__bytes *bytes) {
    free(bytes->data);
    *bytes = (offcut__bytes){0};
}
