/* SPDX-License-Identifier: Apache-2.0 */
#include "resample.h"

#include <stdlib.h>
#include <string.h>

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

/* Where the upright pixel (0, 0) lies in the stored picture, and what one step to the right or down
 * is there. */
typedef struct walk {
    size_t origin;
    ptrdiff_t right, down;
} walk;

static walk walk_of(uint32_t orientation, uint32_t width, uint32_t height) {
    const ptrdiff_t row = (ptrdiff_t)width;
    const size_t last_x = width - 1U;
    const size_t last_y = (size_t)(height - 1U) * width;
    switch (orientation) {
        case 2: return (walk){last_x, -1, row};
        case 3: return (walk){last_x + last_y, -1, -row};
        case 4: return (walk){last_y, 1, -row};
        case 5: return (walk){0, row, 1};
        case 6: return (walk){last_y, -row, 1};
        case 7: return (walk){last_x + last_y, -row, -1};
        case 8: return (walk){last_x, row, -1};
        default: return (walk){0, 1, row};
    }
}

offcut_status offcut__planes_orient(offcut_ctx *ctx, offcut__planes *picture,
                                    uint32_t orientation) {
    if (orientation < 2 || orientation > 8) return OFFCUT_OK;
    if (!picture->planes || !picture->width || !picture->height) return OFFCUT_OK;
    const bool swap = orientation > 4;
    const uint32_t width = swap ? picture->height : picture->width;
    const uint32_t height = swap ? picture->width : picture->height;
    const walk step = walk_of(orientation, picture->width, picture->height);
    const size_t count = (size_t)width * height;
    /* One plane at a time: the copy is a third of the picture. */
    float *upright = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, count, sizeof *upright, &upright));
    for (uint32_t plane = 0; plane < picture->planes; plane++) {
        float *stored = picture->data + plane * count;
        float *to = upright;
        for (uint32_t y = 0; y < height; y++) {
            ptrdiff_t from = (ptrdiff_t)step.origin + (ptrdiff_t)y * step.down;
            for (uint32_t x = 0; x < width; x++, from += step.right) *to++ = stored[from];
        }
        memcpy(stored, upright, count * sizeof *upright);
    }
    free(upright);
    picture->width = width;
    picture->height = height;
    return OFFCUT_OK;
}
