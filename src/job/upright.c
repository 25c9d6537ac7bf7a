/* SPDX-License-Identifier: Apache-2.0 */
#include "upright.h"

#include <stdlib.h>
#include <string.h>

#include "../image/orientation.h"

struct offcut__upright {
    offcut_ctx *ctx;
    offcut_decoder *decoder; /* borrowed */
    const offcut_info *info;
    size_t sample_bytes;
    size_t kept_samples;       /* per pixel of the kept picture: 3 or 4 */
    offcut__walk walk;         /* of the stored pixels in it */
    uint8_t *kept;             /* upright; NULL while streaming */
    uint32_t width, height;    /* upright */
    uint32_t filled, consumed; /* rows: stored ones written to kept, upright ones handed out */
};

offcut_info offcut__upright_info(const offcut_decoder *decoder) {
    const offcut_info *stored = offcut_decoder_info(decoder);
    offcut_info info = *stored;
    info.orientation = 1;
    if (stored->orientation < 5) return info;
    info.width = stored->height;
    info.height = stored->width;
    info.density_x = stored->density_y;
    info.density_y = stored->density_x;
    return info;
}

static bool streams(uint32_t orientation) {
    return orientation <= 2;
}

offcut_status offcut__upright_open(offcut_ctx *ctx, offcut_decoder *decoder,
                                   offcut__upright **upright) {
    *upright = NULL;
    offcut__upright *self = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    const offcut_info *info = offcut_decoder_info(decoder),
                      upright_info = offcut__upright_info(decoder);
    *self = (offcut__upright){
        .ctx = ctx,
        .decoder = decoder,
        .info = info,
        .sample_bytes = info->bits / 8,
        .kept_samples = info->has_alpha ? 4 : 3,
        .walk = offcut__walk_stored(info->orientation, info->width, info->height),
        .width = upright_info.width,
        .height = upright_info.height,
    };
    uint32_t width = 0, height = 0;
    offcut_status status = offcut_decoder_start(decoder, 1, &width, &height);
    if (status == OFFCUT_OK && !streams(info->orientation)) {
        const size_t pixel = self->kept_samples * self->sample_bytes;
        size_t pixels = 0;
        if (offcut__size_mul(&pixels, info->width, info->height) && pixels <= SIZE_MAX / pixel)
            self->kept = malloc(pixels * pixel);
        if (!self->kept)
            status = offcut__fail(ctx, OFFCUT_ERR_MEMORY, "no memory to turn %u x %u pixels",
                                  info->width, info->height);
    }
    if (status != OFFCUT_OK) {
        offcut__upright_close(self);
        return status;
    }
    *upright = self;
    return OFFCUT_OK;
}

void offcut__upright_close(offcut__upright *upright) {
    if (!upright) return;
    free(upright->kept);
    free(upright);
}

/* Columns outside, rows inside: turned pictures are then written in runs of neighbours. */
static void keep_rows(offcut__upright *self, const uint8_t *rows, uint32_t count) {
    const size_t pixel = self->kept_samples * self->sample_bytes;
    const size_t rgba = 4 * self->sample_bytes, stride = rgba * self->info->width;
    const uint32_t block = 16;
    for (uint32_t first = 0; first < count; first += block) {
        const uint32_t end = count - first < block ? count : first + block;
        for (uint32_t x = 0; x < self->info->width; x++) {
            const ptrdiff_t column = self->walk.origin + (ptrdiff_t)x * self->walk.right;
            for (uint32_t i = first; i < end; i++) {
                const ptrdiff_t index = column + (ptrdiff_t)(self->filled + i) * self->walk.down;
                memcpy(self->kept + (size_t)index * pixel, rows + i * stride + x * rgba, pixel);
            }
        }
    }
    self->filled += count;
}

offcut_status offcut__upright_fill(offcut__upright *upright, uint8_t *rows, uint32_t count,
                                   bool *ready) {
    int prepared = 0;
    OFFCUT_TRY(offcut_decoder_prepare(upright->decoder, &prepared));
    *ready = false;
    if (!prepared) return OFFCUT_OK;
    const uint32_t left = upright->kept ? upright->info->height - upright->filled : 0;
    if (count > left) count = left;
    if (count > 0) {
        OFFCUT_TRY(offcut_decoder_read(upright->decoder, rows, count));
        keep_rows(upright, rows, count);
    }
    *ready = count == left;
    return OFFCUT_OK;
}

static void swap_pixels(uint8_t *a, uint8_t *b, size_t pixel) {
    uint8_t kept[8];
    memcpy(kept, a, pixel);
    memcpy(a, b, pixel);
    memcpy(b, kept, pixel);
}

static void mirror_rows(uint8_t *rows, uint32_t count, size_t width, size_t pixel) {
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *left = rows + i * width * pixel, *right = left + (width - 1) * pixel;
        for (; left < right; left += pixel, right -= pixel) swap_pixels(left, right, pixel);
    }
}

static void expand_rows(const offcut__upright *self, uint8_t *rows, size_t pixels) {
    const size_t kept_pixel = self->kept_samples * self->sample_bytes;
    const size_t rgba = 4 * self->sample_bytes;
    const uint8_t *from = self->kept + (size_t)self->consumed * self->width * kept_pixel;
    if (kept_pixel == rgba) {
        memcpy(rows, from, pixels * rgba);
        return;
    }
    for (size_t i = 0; i < pixels; i++) {
        memcpy(rows + i * rgba, from + i * kept_pixel, kept_pixel);
        memset(rows + i * rgba + kept_pixel, 0xFF, self->sample_bytes);
    }
}

offcut_status offcut__upright_read(offcut__upright *upright, uint8_t *rows, uint32_t count) {
    if (upright->kept) {
        expand_rows(upright, rows, (size_t)count * upright->width);
    } else {
        OFFCUT_TRY(offcut_decoder_read(upright->decoder, rows, count));
        if (upright->info->orientation == 2)
            mirror_rows(rows, count, upright->width, 4 * upright->sample_bytes);
    }
    upright->consumed += count;
    return OFFCUT_OK;
}

float offcut__upright_fraction(const offcut__upright *upright) {
    const float consumed = (float)upright->consumed / (float)upright->height;
    if (!upright->kept) return consumed;
    return (consumed + (float)upright->filled / (float)upright->info->height) / 2;
}
