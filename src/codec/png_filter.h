/* SPDX-License-Identifier: Apache-2.0
 * What PNG does to rows before they are deflated (PNG specification, clause 9). */
#ifndef OFFCUT_CODEC_PNG_FILTER_H
#define OFFCUT_CODEC_PNG_FILTER_H

#include <stddef.h>
#include <stdint.h>

typedef enum offcut__png_filter {
    OFFCUT__PNG_FILTER_NONE = 0,
    OFFCUT__PNG_FILTER_SUB = 1,
    OFFCUT__PNG_FILTER_UP = 2,
    OFFCUT__PNG_FILTER_AVERAGE = 3,
    OFFCUT__PNG_FILTER_PAETH = 4,
} offcut__png_filter;

/* target[0 .. size] becomes the filter's number and the row filtered by it. row and above have size
 * bytes, of which pixel make a pixel; above the first row there are zeros. */
void offcut__png_filter_row(uint8_t *target, offcut__png_filter filter, const uint8_t *row,
                            const uint8_t *above, size_t size, size_t pixel);

/* The same by the filter that leaves the least sum of absolute differences, the specification's
 * advice (clause 12.7). scratch has room for size + 1 bytes. */
void offcut__png_filter_best(uint8_t *target, uint8_t *scratch, const uint8_t *row,
                             const uint8_t *above, size_t size, size_t pixel);

#endif
