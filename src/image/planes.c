/* SPDX-License-Identifier: Apache-2.0 */
#include "resample.h"

#include <stdlib.h>
#include <string.h>

#include "orientation.h"

offcut_status offcut__planes_alloc(offcut_ctx *ctx, uint32_t planes, uint32_t width,
                                   uint32_t height, offcut__planes *result) {
    *result = (offcut__planes){0};
    size_t count = 0;
    const bool fits =
        offcut__size_mul(&count, width, height) && offcut__size_mul(&count, count, planes);
    OFFCUT_FAIL_IF(!fits, ctx, OFFCUT_ERR_MEMORY, "no memory for %u planes of %u x %u", planes,
                   width, height);
    float *data = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, count, sizeof *data, &data));
    *result = (offcut__planes){planes, width, height, data};
    return OFFCUT_OK;
}

void offcut__planes_free(offcut__planes *planes) {
    if (!planes) return;
    free(planes->data);
    *planes = (offcut__planes){0};
}

offcut_status offcut__planes_crop(offcut_ctx *ctx, const offcut__planes *picture,
                                  const offcut__box *part, bool mirrored, offcut__planes *result) {
    OFFCUT_TRY(offcut__planes_alloc(ctx, picture->planes, part->width, part->height, result));
    float *to = result->data;
    for (size_t plane = 0; plane < picture->planes; plane++) {
        for (size_t y = 0; y < part->height; y++, to += part->width) {
            const float *from = picture->data + part->left +
                                (plane * picture->height + part->top + y) * picture->width;
            for (size_t x = 0; x < part->width; x++)
                to[x] = from[mirrored ? part->width - 1 - x : x];
        }
    }
    return OFFCUT_OK;
}

offcut_status offcut__planes_orient(offcut_ctx *ctx, offcut__planes *picture,
                                    uint32_t orientation) {
    if (orientation < 2 || orientation > 8) return OFFCUT_OK;
    if (!picture->planes || !picture->width || !picture->height) return OFFCUT_OK;
    const bool swap = orientation > 4;
    const uint32_t width = swap ? picture->height : picture->width;
    const uint32_t height = swap ? picture->width : picture->height;
    const offcut__walk step = offcut__walk_upright(orientation, picture->width, picture->height);
    const size_t count = (size_t)width * height;
    /* One plane at a time: the copy is a third of the picture. */
    float *upright = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, count, sizeof *upright, &upright));
    for (uint32_t plane = 0; plane < picture->planes; plane++) {
        float *stored = picture->data + plane * count;
        float *to = upright;
        for (uint32_t y = 0; y < height; y++) {
            ptrdiff_t from = step.origin + (ptrdiff_t)y * step.down;
            for (uint32_t x = 0; x < width; x++, from += step.right) *to++ = stored[from];
        }
        memcpy(stored, upright, count * sizeof *upright);
    }
    free(upright);
    picture->width = width;
    picture->height = height;
    return OFFCUT_OK;
}
