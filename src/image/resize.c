/* SPDX-License-Identifier: Apache-2.0 */
#include "resize.h"

#include <stdlib.h>

/* The mean of what output value `index` covers of a line of `count` values that lie `stride` apart.
 */
static float mean_at(const float *line, size_t stride, uint32_t count, uint32_t index,
                     uint32_t out_count) {
    /* In units of 1 / out_count of a value everything is a whole number. */
    const uint64_t begin = (uint64_t)index * count, end = begin + count;
    double sum = 0.0;
    for (uint64_t i = begin / out_count; i * out_count < end; i++) {
        const uint64_t from = i * out_count > begin ? i * out_count : begin;
        const uint64_t to = (i + 1) * out_count < end ? (i + 1) * out_count : end;
        sum += (double)(to - from) * (double)line[i * stride];
    }
    return (float)(sum / (double)count);
}

/* Pictures here are one plane after the other, so that their rows are those of one tall picture.
 * places: of the values of a line that grows; else not read. */
static void resize_across(const float *from, uint32_t width, size_t rows,
                          const offcut__place *places, float *to, uint32_t out_width) {
    for (size_t y = 0; y < rows; y++, from += width, to += out_width) {
        if (width > out_width) {
            for (uint32_t x = 0; x < out_width; x++) to[x] = mean_at(from, 1, width, x, out_width);
            continue;
        }
        for (uint32_t x = 0; x < out_width; x++) {
            const float a = from[places[x].at], b = from[places[x].next];
            to[x] = a + places[x].mix * (b - a);
        }
    }
}

static void resize_down(const float *from, uint32_t width, uint32_t height, float *to,
                        uint32_t out_height) {
    for (uint32_t y = 0; y < out_height; y++, to += width) {
        if (height > out_height) {
            for (size_t x = 0; x < width; x++)
                to[x] = mean_at(from + x, width, height, y, out_height);
            continue;
        }
        const offcut__place place =
            offcut__place_of(y, (double)height / (double)out_height, height);
        const float *a = from + (size_t)place.at * width, *b = from + (size_t)place.next * width;
        for (size_t x = 0; x < width; x++) to[x] = a[x] + place.mix * (b[x] - a[x]);
    }
}

static void resize(const offcut__planes *from, offcut__place *places, offcut__planes *wide,
                   offcut__planes *to) {
    const double scale = (double)from->width / (double)to->width;
    for (uint32_t x = 0; from->width <= to->width && x < to->width; x++)
        places[x] = offcut__place_of(x, scale, from->width);
    resize_across(from->data, from->width, (size_t)from->planes * from->height, places, wide->data,
                  to->width);
    const size_t before = (size_t)wide->width * wide->height,
                 after = (size_t)to->width * to->height;
    for (uint32_t i = 0; i < to->planes; i++)
        resize_down(wide->data + i * before, wide->width, wide->height, to->data + i * after,
                    to->height);
}

offcut_status offcut__planes_resize(offcut_ctx *ctx, const offcut__planes *picture, uint32_t width,
                                    uint32_t height, offcut__planes *result) {
    offcut__planes wide = {0};
    offcut__place *places = NULL;
    offcut_status status = offcut__alloc(ctx, width, sizeof *places, &places);
    if (status == OFFCUT_OK)
        status = offcut__planes_alloc(ctx, picture->planes, width, picture->height, &wide);
    if (status == OFFCUT_OK)
        status = offcut__planes_alloc(ctx, picture->planes, width, height, result);
    if (status == OFFCUT_OK) resize(picture, places, &wide, result);
    offcut__planes_free(&wide);
    free(places);
    return status;
}
