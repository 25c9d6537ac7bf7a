/* SPDX-License-Identifier: Apache-2.0 */
#include "resize.h"

/* One output value of a line of `count` values that lie `stride` apart. */
static float resize_at(const float *line, size_t stride, uint32_t count, uint32_t index,
                       uint32_t out_count) {
    if (count <= out_count) {
        const offcut__place place =
            offcut__place_of(index, (double)count / (double)out_count, count);
        const float a = line[place.at * stride], b = line[place.next * stride];
        return a + place.mix * (b - a);
    }
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

/* One plane by way of `wide`, [height][out_width]. */
static void resize_plane(const float *from, uint32_t width, uint32_t height, float *wide, float *to,
                         uint32_t out_width, uint32_t out_height) {
    for (size_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < out_width; x++)
            wide[y * out_width + x] = resize_at(from + y * width, 1, width, x, out_width);
    for (uint32_t y = 0; y < out_height; y++)
        for (size_t x = 0; x < out_width; x++)
            to[(size_t)y * out_width + x] = resize_at(wide + x, out_width, height, y, out_height);
}

offcut_status offcut__planes_resize(offcut_ctx *ctx, const offcut__planes *picture, uint32_t width,
                                    uint32_t height, offcut__planes *result) {
    offcut__planes wide = {0};
    OFFCUT_TRY(offcut__planes_alloc(ctx, 1, width, picture->height, &wide));
    const offcut_status status = offcut__planes_alloc(ctx, picture->planes, width, height, result);
    const size_t from = (size_t)picture->width * picture->height, to = (size_t)width * height;
    for (uint32_t i = 0; status == OFFCUT_OK && i < picture->planes; i++)
        resize_plane(picture->data + i * from, picture->width, picture->height, wide.data,
                     result->data + i * to, width, height);
    offcut__planes_free(&wide);
    return status;
}
