/* SPDX-License-Identifier: Apache-2.0
 * libpng's allocator. It makes do without memory for what a picture can do without, such as a
 * profile, and only warns; we had rather fail. */
#ifndef OFFCUT_CODEC_PNG_MEMORY_H
#define OFFCUT_CODEC_PNG_MEMORY_H

#include <png.h>
#include <stdbool.h>
#include <stdlib.h>

/* For png_create_*_struct_2() with the address of a bool, which turns true when memory is short. */
static inline png_voidp offcut__png_malloc(png_structp png, png_alloc_size_t size) {
    bool *no_memory = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory) *no_memory = true;
    return memory;
}

static inline void offcut__png_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

#endif
