/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <stdlib.h>
#include <string.h>

static const offcut__writer_kind *kind_of(offcut_format format) {
    switch (format) {
        case OFFCUT_FORMAT_JPEG: return &offcut__writer_jpeg;
        case OFFCUT_FORMAT_PNG: return &offcut__writer_png;
        case OFFCUT_FORMAT_WEBP: return &offcut__writer_webp;
    }
    return NULL;
}

/* Whether its colour space (ICC.1, 7.2.8) is that of the rows. */
static bool describes_rgb(const uint8_t *icc, size_t size) {
    return icc && size >= 20 && memcmp(icc + 16, "RGB ", 4) == 0;
}

offcut_status offcut__writer_open(offcut_ctx *ctx, offcut_format format,
                                  const offcut__picture_spec *spec, offcut__bytes *sink,
                                  offcut__writer **writer) {
    *writer = NULL;
    OFFCUT_FAIL_IF(spec->width == 0 || spec->height == 0, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected a picture with pixels, received %u x %u", spec->width, spec->height);
    offcut__writer *self = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    self->ctx = ctx;
    self->spec = *spec;
    if (!describes_rgb(spec->icc, spec->icc_size)) {
        self->spec.icc = NULL;
        self->spec.icc_size = 0;
    }
    self->sink = sink;
    self->kind = kind_of(format);
    offcut_status status = offcut__alloc(ctx, 1, self->kind->state_size, &self->state);
    if (status == OFFCUT_OK) status = self->kind->open(self);
    if (status != OFFCUT_OK) {
        offcut__writer_close(self);
        return status;
    }
    *writer = self;
    return OFFCUT_OK;
}

offcut_status offcut__writer_write(offcut__writer *writer, const uint8_t *rows, uint32_t count) {
    const uint32_t left = writer->over ? 0 : writer->spec.height - writer->row;
    OFFCUT_FAIL_IF(writer->over || count > left, writer->ctx, OFFCUT_ERR_STATE,
                   "expected at most %u more rows to write, received %u", left, count);
    const offcut_status status = writer->kind->write(writer, rows, count);
    writer->over = status != OFFCUT_OK;
    writer->row += count;
    return status;
}

offcut_status offcut__writer_finish(offcut__writer *writer) {
    OFFCUT_FAIL_IF(writer->over || writer->row != writer->spec.height, writer->ctx,
                   OFFCUT_ERR_STATE, "expected %u rows before the end of the file, received %u",
                   writer->spec.height, writer->row);
    writer->over = true;
    return writer->kind->finish(writer);
}

void offcut__writer_close(offcut__writer *writer) {
    if (!writer) return;
    if (writer->state) writer->kind->close(writer);
    free(writer->state);
    free(writer);
}
