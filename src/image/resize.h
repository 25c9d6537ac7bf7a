/* SPDX-License-Identifier: Apache-2.0
 * Resize of small float pictures that are there as a whole. Streaming: resample.h. */
#ifndef OFFCUT_IMAGE_RESIZE_H
#define OFFCUT_IMAGE_RESIZE_H

#include "resample.h"

/* A position in a smaller picture: between pixel `at` and the next (clamped) one, `mix` of the way.
 */
typedef struct offcut__place {
    uint32_t at, next;
    float mix;
} offcut__place;

/* Pixel centre x of a picture in a smaller one of `small_size` pixels; scale is the quotient of
 * their sizes, at most 1. */
static inline offcut__place offcut__place_of(uint32_t x, double scale, uint32_t small_size) {
    const double centre = ((double)x + 0.5) * scale - 0.5;
    const double clamped = centre > 0.0 ? centre : 0.0;
    offcut__place place = {(uint32_t)clamped, 0, 0.0f};
    if (place.at >= small_size) place.at = small_size - 1U;
    place.next = place.at + 1U < small_size ? place.at + 1U : place.at;
    place.mix = (float)(clamped - (double)place.at);
    return place;
}

/* What value `index` of `to` covers of a line of `from` values that shrinks: `count` of them from
 * `at` on, the first and the last with these weights, those between with to / from. */
typedef struct offcut__span {
    uint32_t at, count;
    float first, last; /* one value only: first */
} offcut__span;

static inline offcut__span offcut__span_of(uint32_t index, uint32_t from, uint32_t to) {
    /* In units of 1 / to of a value everything is a whole number. */
    const uint64_t begin = (uint64_t)index * from, end = begin + from;
    const uint64_t at = begin / to, stop = (end - 1) / to;
    const uint64_t head = (at + 1) * to < end ? (at + 1) * to : end;
    return (offcut__span){(uint32_t)at, (uint32_t)(stop - at + 1),
                          (float)((double)(head - begin) / (double)from),
                          (float)((double)(end - stop * to) / (double)from)};
}

/* A length in a picture of `from` pixels as one in the same of `to` pixels, rounded to nearest. */
static inline uint32_t offcut__scaled(uint32_t length, uint32_t from, uint32_t to) {
    return (uint32_t)(((uint64_t)length * to + from / 2) / from);
}

/* Every plane: area average where it shrinks, bilinear where it grows. *result is the caller's. */
offcut_status offcut__planes_resize(offcut_ctx *ctx, const offcut__planes *picture, uint32_t width,
                                    uint32_t height, offcut__planes *result);

#endif
