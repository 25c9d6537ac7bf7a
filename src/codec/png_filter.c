/* SPDX-License-Identifier: Apache-2.0
 * Every byte is computed from the unfiltered rows alone, so compilers make vector code of these
 * loops. */
#include "png_filter.h"

#include <string.h>

static inline int distance(int a, int b) {
    return a > b ? a - b : b - a;
}

/* Of left, above and above left the one nearest to left + above - above left. */
static inline uint8_t paeth(int left, int above, int corner) {
    const int to_left = distance(above, corner), to_above = distance(left, corner);
    const int to_corner = distance(left + above, 2 * corner);
    if (to_left <= to_above && to_left <= to_corner) return (uint8_t)left;
    return (uint8_t)(to_above <= to_corner ? above : corner);
}

static void average_row(uint8_t *restrict to, const uint8_t *restrict row,
                        const uint8_t *restrict above, size_t size, size_t pixel) {
    for (size_t i = 0; i < pixel && i < size; i++) to[i] = (uint8_t)(row[i] - above[i] / 2);
    for (size_t i = pixel; i < size; i++)
        to[i] = (uint8_t)(row[i] - (row[i - pixel] + above[i]) / 2);
}

static void paeth_row(uint8_t *restrict to, const uint8_t *restrict row,
                      const uint8_t *restrict above, size_t size, size_t pixel) {
    for (size_t i = 0; i < pixel && i < size; i++) to[i] = (uint8_t)(row[i] - above[i]);
    for (size_t i = pixel; i < size; i++)
        to[i] = (uint8_t)(row[i] - paeth(row[i - pixel], above[i], above[i - pixel]));
}

void offcut__png_filter_row(uint8_t *target, offcut__png_filter filter, const uint8_t *row,
                            const uint8_t *above, size_t size, size_t pixel) {
    uint8_t *restrict to = target + 1;
    target[0] = (uint8_t)filter;
    switch (filter) {
        case OFFCUT__PNG_FILTER_NONE: memcpy(to, row, size); break;
        case OFFCUT__PNG_FILTER_SUB:
            memcpy(to, row, pixel < size ? pixel : size);
            for (size_t i = pixel; i < size; i++) to[i] = (uint8_t)(row[i] - row[i - pixel]);
            break;
        case OFFCUT__PNG_FILTER_UP:
            for (size_t i = 0; i < size; i++) to[i] = (uint8_t)(row[i] - above[i]);
            break;
        case OFFCUT__PNG_FILTER_AVERAGE: average_row(to, row, above, size, pixel); break;
        case OFFCUT__PNG_FILTER_PAETH: paeth_row(to, row, above, size, pixel); break;
    }
}

static uint64_t sum_of(const uint8_t *filtered, size_t size) {
    uint64_t sum = 0;
    for (size_t first = 0; first < size; first += 65536) { /* as far as 32 bits are enough */
        const size_t end = size - first < 65536 ? size : first + 65536;
        uint32_t part = 0;
        for (size_t i = first; i < end; i++)
            part += filtered[i] < 128 ? filtered[i] : 256u - filtered[i];
        sum += part;
    }
    return sum;
}

void offcut__png_filter_best(uint8_t *target, uint8_t *scratch, const uint8_t *row,
                             const uint8_t *above, size_t size, size_t pixel) {
    offcut__png_filter_row(target, OFFCUT__PNG_FILTER_NONE, row, above, size, pixel);
    uint64_t least = sum_of(target + 1, size);
    for (offcut__png_filter filter = OFFCUT__PNG_FILTER_SUB; filter <= OFFCUT__PNG_FILTER_PAETH;
         filter++) {
        offcut__png_filter_row(scratch, filter, row, above, size, pixel);
        const uint64_t sum = sum_of(scratch + 1, size);
        if (sum >= least) continue;
        least = sum;
        memcpy(target, scratch, size + 1);
    }
}
