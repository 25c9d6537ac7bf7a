/* SPDX-License-Identifier: Apache-2.0
 * The public face of the codecs: arguments, limits and the order of calls. */
#include <stdlib.h>

#include "codec.h"

offcut_status offcut__decoder_limits(const offcut_decoder *decoder) {
    const offcut_info *info = &decoder->info;
    const uint64_t pixels = (uint64_t)info->width * info->height;
    OFFCUT_FAIL_IF(pixels == 0, decoder->ctx, OFFCUT_ERR_CORRUPT,
                   "expected a picture with pixels, the header says %u x %u", info->width,
                   info->height);
    OFFCUT_FAIL_IF(pixels > decoder->options.pixels_max, decoder->ctx, OFFCUT_ERR_LIMIT,
                   "expected at most %.1f megapixels, the header says %u x %u",
                   (double)decoder->options.pixels_max / 1e6, info->width, info->height);
    /* What every codec relies on: a row, and the whole picture, can be counted in a size_t. */
    size_t bytes = 0;
    OFFCUT_FAIL_IF(!offcut__size_mul(&bytes, (size_t)info->width, 8) ||
                       !offcut__size_mul(&bytes, bytes, info->height),
                   decoder->ctx, OFFCUT_ERR_LIMIT, "%u x %u pixels do not fit into memory",
                   info->width, info->height);
    return OFFCUT_OK;
}

size_t offcut__decoder_stride(const offcut_decoder *decoder) {
    return (size_t)decoder->info.width * 4 * (decoder->info.bits / 8);
}

static const offcut__codec *codec_of(offcut_format format) {
    switch (format) {
        case OFFCUT_FORMAT_JPEG: return &offcut__codec_jpeg;
        case OFFCUT_FORMAT_PNG: return &offcut__codec_png;
        case OFFCUT_FORMAT_WEBP: return &offcut__codec_webp;
    }
    return NULL;
}

static offcut_status check_arguments(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                     const offcut_options *options) {
    OFFCUT_FAIL_IF(!data && size > 0, ctx, OFFCUT_ERR_ARGUMENT, "expected bytes, received NULL");
    OFFCUT_FAIL_IF(size == 0, ctx, OFFCUT_ERR_FORMAT, "expected a picture, received 0 bytes");
    OFFCUT_FAIL_IF(size > options->bytes_max, ctx, OFFCUT_ERR_LIMIT,
                   "expected at most %zu bytes, received %zu", options->bytes_max, size);
    return OFFCUT_OK;
}

offcut_status offcut_decoder_open(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                  const offcut_options *options, offcut_decoder **decoder) {
    OFFCUT_FAIL_IF(!ctx || !decoder, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a context and a place for the decoder, received NULL");
    *decoder = NULL;
    const offcut_options settings = options ? *options : offcut_options_default();
    OFFCUT_TRY(check_arguments(ctx, data, size, &settings));
    offcut_format format = 0;
    OFFCUT_TRY(offcut__sniff(ctx, data, size, &format));

    offcut_decoder *self = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    self->ctx = ctx;
    self->data = data;
    self->size = size;
    self->options = settings;
    self->codec = codec_of(format);
    self->info.format = format;
    self->info.orientation = 1;
    self->info.bits = 8;
    offcut_status status = offcut__alloc(ctx, 1, self->codec->state_size, &self->state);
    if (status == OFFCUT_OK) status = self->codec->open(self);
    if (status != OFFCUT_OK) {
        offcut_decoder_close(self);
        return status;
    }
    /* What is missing of a damaged file is grey in a JPEG and transparent in all others. */
    if (settings.allow_truncated && format != OFFCUT_FORMAT_JPEG) self->info.has_alpha = 1;
    *decoder = self;
    return OFFCUT_OK;
}

void offcut_decoder_close(offcut_decoder *decoder) {
    if (!decoder) return;
    if (decoder->state) decoder->codec->close(decoder);
    free(decoder->state);
    free(decoder);
}

const offcut_info *offcut_decoder_info(const offcut_decoder *decoder) {
    return decoder ? &decoder->info : NULL;
}

static void end_pass(offcut_decoder *decoder) {
    decoder->row = decoder->pass_width = decoder->pass_height = 0;
    decoder->prepared = false;
}

offcut_status offcut_decoder_start(offcut_decoder *decoder, uint32_t reduce, uint32_t *width,
                                   uint32_t *height) {
    if (!decoder) return OFFCUT_ERR_ARGUMENT;
    if (width) *width = 0;
    if (height) *height = 0;
    OFFCUT_FAIL_IF(!width || !height, decoder->ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a place for width and height, received NULL");
    OFFCUT_FAIL_IF(reduce != 1 && reduce != 2 && reduce != 4 && reduce != 8, decoder->ctx,
                   OFFCUT_ERR_ARGUMENT, "expected reduce 1, 2, 4 or 8, received %u", reduce);
    end_pass(decoder);
    const offcut_status status = decoder->codec->start(decoder, reduce);
    if (status != OFFCUT_OK) {
        end_pass(decoder);
        return status;
    }
    *width = decoder->pass_width;
    *height = decoder->pass_height;
    return OFFCUT_OK;
}

offcut_status offcut_decoder_prepare(offcut_decoder *decoder, int *ready) {
    if (ready) *ready = 0;
    if (!decoder) return OFFCUT_ERR_ARGUMENT;
    OFFCUT_FAIL_IF(!ready, decoder->ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a place for the answer, received NULL");
    OFFCUT_FAIL_IF(decoder->pass_height == 0, decoder->ctx, OFFCUT_ERR_STATE,
                   "expected offcut_decoder_start() before a pass is prepared");
    if (!decoder->prepared) {
        const offcut_status status = decoder->codec->prepare(decoder, &decoder->prepared);
        if (status != OFFCUT_OK) {
            end_pass(decoder);
            return status;
        }
    }
    *ready = decoder->prepared;
    return OFFCUT_OK;
}

offcut_status offcut_decoder_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    if (!decoder) return OFFCUT_ERR_ARGUMENT;
    OFFCUT_FAIL_IF(!rows && count > 0, decoder->ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a place for %u rows, received NULL", count);
    OFFCUT_FAIL_IF(decoder->pass_height == 0, decoder->ctx, OFFCUT_ERR_STATE,
                   "expected offcut_decoder_start() before rows are read");
    OFFCUT_FAIL_IF(count > decoder->pass_height - decoder->row, decoder->ctx, OFFCUT_ERR_STATE,
                   "expected at most %u more rows to be read, received %u",
                   decoder->pass_height - decoder->row, count);
    if (count == 0) return OFFCUT_OK;
    for (int ready = 0; !ready;) OFFCUT_TRY(offcut_decoder_prepare(decoder, &ready));
    const offcut_status status = decoder->codec->read(decoder, rows, count);
    if (status != OFFCUT_OK) {
        end_pass(decoder);
        return status;
    }
    decoder->row += count;
    return OFFCUT_OK;
}
