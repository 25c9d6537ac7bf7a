/* SPDX-License-Identifier: Apache-2.0
 * One picture into another file: upright rows into one of the writers. */
#include <stdlib.h>

#include "job.h"

struct offcut_conversion {
    offcut_ctx *ctx;         /* borrowed */
    offcut_decoder *decoder; /* owned, like everything below */
    offcut__upright *upright;
    uint8_t *rows;
    offcut__bytes file; /* drained by the caller between steps */
    offcut__writer *writer;
    offcut_options options;
    offcut_format format;
    uint32_t quality;
    uint32_t width, height; /* upright */
    uint32_t bits;          /* of what is written */
    uint32_t slice, row;    /* rows: in a step, and written */
    bool done, failed;
};

enum { QUALITY_DEFAULT = 80 };

static offcut_status open_writer(offcut_conversion *self) {
    const offcut_info info = offcut__upright_info(self->decoder);
    const offcut__picture_spec spec = {
        .width = info.width,
        .height = info.height,
        .bits = self->bits,
        .opaque = !info.has_alpha,
        .speed = self->options.speed,
        .quality = self->quality,
        .icc = info.icc,
        .icc_size = info.icc_size,
        .density_x = info.density_x,
        .density_y = info.density_y,
        .progress = self->options.progress,
        .user = self->options.user,
    };
    return offcut__writer_open(self->ctx, self->format, &spec, &self->file, &self->writer);
}

static offcut_status prepare(offcut_conversion *self, const uint8_t *data, size_t size) {
    OFFCUT_TRY(offcut_decoder_open(self->ctx, data, size, &self->options, &self->decoder));
    const offcut_info info = offcut__upright_info(self->decoder);
    const bool wide = self->format == OFFCUT_FORMAT_PNG && !self->options.reduce_to_8_bits;
    self->width = info.width;
    self->height = info.height;
    self->bits = wide ? info.bits : 8;
    self->slice = offcut__slice_rows(self->width, self->height, self->options.speed);
    return OFFCUT_OK;
}

offcut_status offcut_conversion_open(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                     const offcut_options *options, offcut_format format,
                                     uint32_t quality, offcut_conversion **conversion) {
    *conversion = NULL;
    OFFCUT_FAIL_IF(
        format != OFFCUT_FORMAT_JPEG && format != OFFCUT_FORMAT_PNG && format != OFFCUT_FORMAT_WEBP,
        ctx, OFFCUT_ERR_ARGUMENT, "expected format 1 to 3, received %d", (int)format);
    OFFCUT_FAIL_IF(quality > 100, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected quality 1 to 100, or 0 for the default, received %u", quality);
    offcut_conversion *self = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    self->ctx = ctx;
    self->options = options ? *options : offcut_options_default();
    self->format = format;
    self->quality = quality ? quality : QUALITY_DEFAULT;
    const offcut_status status = prepare(self, data, size);
    if (status != OFFCUT_OK) {
        offcut_conversion_free(self);
        return status;
    }
    *conversion = self;
    return OFFCUT_OK;
}

void offcut_conversion_free(offcut_conversion *conversion) {
    if (!conversion) return;
    offcut__writer_close(conversion->writer);
    offcut__upright_close(conversion->upright);
    offcut__bytes_free(&conversion->file);
    free(conversion->rows);
    offcut_decoder_close(conversion->decoder);
    free(conversion);
}

static offcut_status begin(offcut_conversion *self) {
    const size_t side = self->width > self->height ? self->width : self->height;
    const size_t bits = offcut_decoder_info(self->decoder)->bits;
    OFFCUT_TRY(offcut__alloc(self->ctx, self->slice * side, bits / 2, &self->rows));
    OFFCUT_TRY(open_writer(self));
    return offcut__upright_open(self->ctx, self->decoder, &self->upright);
}

static offcut_status step(offcut_conversion *self) {
    if (!self->upright) OFFCUT_TRY(begin(self));
    if (self->row == self->height) {
        OFFCUT_TRY(offcut__writer_finish(self->writer));
        self->done = true;
        return OFFCUT_OK;
    }
    bool ready = false;
    OFFCUT_TRY(offcut__upright_fill(self->upright, self->rows, self->slice, &ready));
    if (!ready) return OFFCUT_OK;
    const uint32_t left = self->height - self->row;
    const uint32_t count = self->slice < left ? self->slice : left;
    OFFCUT_TRY(offcut__upright_read(self->upright, self->rows, count));
    if (self->bits < offcut_decoder_info(self->decoder)->bits)
        offcut__reduce_rows(self->rows, (size_t)count * self->width * 4);
    OFFCUT_TRY(offcut__writer_write(self->writer, self->rows, count));
    self->row += count;
    return OFFCUT_OK;
}

offcut_status offcut_conversion_step(offcut_conversion *conversion) {
    OFFCUT_FAIL_IF(conversion->failed || conversion->done, conversion->ctx, OFFCUT_ERR_STATE,
                   "this conversion is over");
    conversion->file.size = 0; /* the caller has drained it */
    const offcut_status status = step(conversion);
    conversion->failed = status != OFFCUT_OK;
    return status;
}

int offcut_conversion_done(const offcut_conversion *conversion) {
    return conversion->done;
}

/* The end of the file counts as a row. */
float offcut_conversion_fraction(const offcut_conversion *conversion) {
    if (conversion->done) return 1;
    const float height = (float)conversion->height;
    return conversion->upright
               ? offcut__upright_fraction(conversion->upright) * height / (height + 1)
               : 0;
}

uint32_t offcut_conversion_width(const offcut_conversion *conversion) {
    return conversion->width;
}

uint32_t offcut_conversion_height(const offcut_conversion *conversion) {
    return conversion->height;
}

const uint8_t *offcut_conversion_output(const offcut_conversion *conversion, size_t *size) {
    *size = conversion->file.size;
    return conversion->file.data;
}

static offcut_status run(offcut_conversion *conversion, offcut__bytes *file) {
    const offcut_options *options = &conversion->options;
    while (!conversion->done) {
        OFFCUT_FAIL_IF(
            options->progress && options->progress(options->user, OFFCUT_STAGE_ENCODE,
                                                   offcut_conversion_fraction(conversion)),
            conversion->ctx, OFFCUT_ERR_CANCELLED, "the progress callback asked to stop");
        OFFCUT_TRY(offcut_conversion_step(conversion));
        OFFCUT_FAIL_IF(!offcut__bytes_append(file, conversion->file.data, conversion->file.size),
                       conversion->ctx, OFFCUT_ERR_MEMORY, "no memory for a file of over %zu bytes",
                       file->size);
    }
    return OFFCUT_OK;
}

offcut_status offcut_convert(offcut_ctx *ctx, const uint8_t *data, size_t size,
                             const offcut_options *options, offcut_format format, uint32_t quality,
                             offcut_buffer *file) {
    *file = (offcut_buffer){0};
    offcut_conversion *conversion = NULL;
    OFFCUT_TRY(offcut_conversion_open(ctx, data, size, options, format, quality, &conversion));
    offcut__bytes bytes = {0};
    const offcut_status status = run(conversion, &bytes);
    offcut_conversion_free(conversion);
    if (status != OFFCUT_OK) {
        offcut__bytes_free(&bytes);
        return status;
    }
    *file = (offcut_buffer){.data = bytes.data, .size = bytes.size};
    return OFFCUT_OK;
}
