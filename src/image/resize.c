/* SPDX-License-Identifier: Apache-2.0 */
#include "resize.h"

#include <stdlib.h>

/* Pictures here are one plane after the other, so that their rows are those of one tall picture.
 * Across, the places of values are worked out once. */

static void shrink_line(const float *from, const offcut__span *spans, float inner, float *to,
                        uint32_t count) {
    for (uint32_t x = 0; x < count; x++) {
        const offcut__span *s = &spans[x];
        const float *values = from + s->at;
        float sum = s->first * values[0];
        for (uint32_t i = 1; i + 1 < s->count; i++) sum += inner * values[i];
        if (s->count > 1) sum += s->last * values[s->count - 1];
        to[x] = sum;
    }
}

static void grow_line(const float *from, const offcut__place *places, float *to, uint32_t count) {
    for (uint32_t x = 0; x < count; x++) {
        const float a = from[places[x].at], b = from[places[x].next];
        to[x] = a + places[x].mix * (b - a);
    }
}

static offcut_status shrink_across(offcut_ctx *ctx, const offcut__planes *from,
                                   offcut__planes *to) {
    const size_t rows = (size_t)from->planes * from->height;
    const float inner = (float)((double)to->width / (double)from->width);
    offcut__span *spans = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, to->width, sizeof *spans, &spans));
    for (uint32_t x = 0; x < to->width; x++) spans[x] = offcut__span_of(x, from->width, to->width);
    for (size_t y = 0; y < rows; y++)
        shrink_line(from->data + y * from->width, spans, inner, to->data + y * to->width,
                    to->width);
    free(spans);
    return OFFCUT_OK;
}

static offcut_status grow_across(offcut_ctx *ctx, const offcut__planes *from, offcut__planes *to) {
    const size_t rows = (size_t)from->planes * from->height;
    const double scale = (double)from->width / (double)to->width;
    offcut__place *places = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, to->width, sizeof *places, &places));
    for (uint32_t x = 0; x < to->width; x++) places[x] = offcut__place_of(x, scale, from->width);
    for (size_t y = 0; y < rows; y++)
        grow_line(from->data + y * from->width, places, to->data + y * to->width, to->width);
    free(places);
    return OFFCUT_OK;
}

static void shrink_down(const float *from, uint32_t width, uint32_t height, float *to,
                        uint32_t out_height) {
    const float inner = (float)((double)out_height / (double)height);
    for (uint32_t y = 0; y < out_height; y++, to += width) {
        const offcut__span s = offcut__span_of(y, height, out_height);
        const float *row = from + (size_t)s.at * width;
        for (size_t x = 0; x < width; x++) to[x] = s.first * row[x];
        for (uint32_t i = 1; i < s.count; i++) {
            const float weight = i + 1 < s.count ? inner : s.last;
            row += width;
            for (size_t x = 0; x < width; x++) to[x] += weight * row[x];
        }
    }
}

static void grow_down(const float *from, uint32_t width, uint32_t height, float *to,
                      uint32_t out_height) {
    const double scale = (double)height / (double)out_height;
    for (uint32_t y = 0; y < out_height; y++, to += width) {
        const offcut__place place = offcut__place_of(y, scale, height);
        const float *a = from + (size_t)place.at * width, *b = from + (size_t)place.next * width;
        for (size_t x = 0; x < width; x++) to[x] = a[x] + place.mix * (b[x] - a[x]);
    }
}

static void resize_down(const offcut__planes *from, offcut__planes *to) {
    const size_t before = (size_t)from->width * from->height;
    const size_t after = (size_t)to->width * to->height;
    for (uint32_t i = 0; i < to->planes; i++)
        (from->height > to->height ? shrink_down : grow_down)(
            from->data + i * before, from->width, from->height, to->data + i * after, to->height);
}

offcut_status offcut__planes_resize(offcut_ctx *ctx, const offcut__planes *picture, uint32_t width,
                                    uint32_t height, offcut__planes *result) {
    offcut__planes wide = {0};
    offcut_status status =
        offcut__planes_alloc(ctx, picture->planes, width, picture->height, &wide);
    if (status == OFFCUT_OK)
        status = (picture->width > width ? shrink_across : grow_across)(ctx, picture, &wide);
    if (status == OFFCUT_OK)
        status = offcut__planes_alloc(ctx, picture->planes, width, height, result);
    if (status == OFFCUT_OK) resize_down(&wide, result);
    offcut__planes_free(&wide);
    return status;
}
