/* SPDX-License-Identifier: Apache-2.0
 * Baseline JPEG by libjpeg-turbo, row by row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs stdio.h before it. */
#include <jpeglib.h>

#include "jump.h"
#include "picture_writer.h"

enum { BUFFER_BYTES = 16384, FULL_CHROMA_QUALITY = 90 };

/* A profile is cut into at most 255 segments; a longer one is left out. */
enum { ICC_BYTES_MAX = 255 * 65519 };

struct offcut__jpeg_writer {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    offcut__jump jump;
    offcut_ctx *ctx;
    offcut_status status; /* why the last jump was made */
    offcut__bytes *sink;  /* borrowed */
    offcut__picture_spec spec;
    uint32_t row; /* rows written */
    bool failed;
    uint8_t *flat; /* a row on white */
    JOCTET buffer[BUFFER_BYTES];
};

/* ---- what libjpeg calls ---- */

static _Noreturn void leave(offcut__jpeg_writer *writer, const char *text) {
    /* Nothing here depends on what a file contains: what can fail is memory. */
    writer->status = offcut__fail(writer->ctx, OFFCUT_ERR_MEMORY, "JPEG writer: %s", text);
    OFFCUT__JUMP(writer->jump, writer->ctx, writer->status);
}

static _Noreturn void on_error(j_common_ptr common) {
    offcut__jpeg_writer *writer = common->client_data;
    char text[JMSG_LENGTH_MAX] = "";
    writer->errors.format_message(common, text);
    leave(writer, text);
}

static void on_message(j_common_ptr common, int level) {
    (void)common;
    (void)level;
}

static void on_begin(j_compress_ptr jpeg) {
    offcut__jpeg_writer *writer = jpeg->client_data;
    writer->destination.next_output_byte = writer->buffer;
    writer->destination.free_in_buffer = BUFFER_BYTES;
}

static void append(offcut__jpeg_writer *writer, size_t size) {
    if (!offcut__bytes_append(writer->sink, writer->buffer, size))
        leave(writer, "no memory for the output");
}

static boolean on_full(j_compress_ptr jpeg) {
    append(jpeg->client_data, BUFFER_BYTES);
    on_begin(jpeg);
    return TRUE;
}

static void on_end(j_compress_ptr jpeg) {
    append(jpeg->client_data, BUFFER_BYTES - jpeg->dest->free_in_buffer);
}

/* ---- */

/* Pixels per metre to the whole numbers per centimetre that JFIF has. */
static UINT16 density_of(uint32_t per_metre) {
    const uint32_t rounded = per_metre / 100 + (per_metre % 100 >= 50);
    return (UINT16)(rounded > 65535 ? 65535 : rounded);
}

static void set_chroma(j_compress_ptr jpeg, uint32_t quality) {
    if (quality < FULL_CHROMA_QUALITY) return; /* the library's default, 4:2:0 */
    jpeg->comp_info[0].h_samp_factor = 1;
    jpeg->comp_info[0].v_samp_factor = 1;
}

/* Call under OFFCUT__JUMPED. */
static void write_header(offcut__jpeg_writer *writer) {
    const offcut__picture_spec *spec = &writer->spec;
    j_compress_ptr jpeg = &writer->jpeg;
    jpeg_create_compress(jpeg);
    jpeg->dest = &writer->destination;
    jpeg->image_width = spec->width;
    jpeg->image_height = spec->height;
    jpeg->input_components = 4;
    jpeg->in_color_space = JCS_EXT_RGBX;
    jpeg_set_defaults(jpeg);
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_set_quality(jpeg, (int)spec->quality, TRUE);
    set_chroma(jpeg, spec->quality);
    const UINT16 x = density_of(spec->density_x), y = density_of(spec->density_y);
    if (x > 0 && y > 0) {
        jpeg->density_unit = 2;
        jpeg->X_density = x;
        jpeg->Y_density = y;
    }
    jpeg_start_compress(jpeg, TRUE);
    if (spec->icc && spec->icc_size > 0 && spec->icc_size <= ICC_BYTES_MAX)
        jpeg_write_icc_profile(jpeg, spec->icc, (unsigned)spec->icc_size);
}

static offcut_status begin(offcut__jpeg_writer *writer) {
    writer->jpeg.client_data = writer;
    writer->jpeg.err = jpeg_std_error(&writer->errors);
    writer->errors.error_exit = on_error;
    writer->errors.emit_message = on_message;
    writer->destination.init_destination = on_begin;
    writer->destination.empty_output_buffer = on_full;
    writer->destination.term_destination = on_end;
    if (OFFCUT__JUMPED(writer->jump)) return writer->status;
    write_header(writer);
    return OFFCUT_OK;
}

offcut_status offcut__jpeg_writer_open(offcut_ctx *ctx, const offcut__picture_spec *spec,
                                       offcut__bytes *sink, offcut__jpeg_writer **writer) {
    *writer = NULL;
    OFFCUT_FAIL_IF(spec->width > JPEG_MAX_DIMENSION || spec->height > JPEG_MAX_DIMENSION, ctx,
                   OFFCUT_ERR_UNSUPPORTED, "a JPEG's sides end at %ld pixels, this is %u x %u",
                   JPEG_MAX_DIMENSION, spec->width, spec->height);
    offcut__jpeg_writer *self = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    self->ctx = ctx;
    self->sink = sink;
    self->spec = *spec;
    offcut_status status = OFFCUT_OK;
    if (spec->has_alpha) status = offcut__alloc(ctx, spec->width, 4, &self->flat);
    if (status == OFFCUT_OK) status = begin(self);
    if (status != OFFCUT_OK) {
        offcut__jpeg_writer_close(self);
        return status;
    }
    *writer = self;
    return OFFCUT_OK;
}

static void lay_on_white(uint8_t *flat, const uint8_t *rgba, uint32_t width) {
    for (size_t i = 0; i < (size_t)width * 4; i += 4) {
        const uint32_t alpha = rgba[i + 3], white = 255 * (255 - alpha) + 127;
        for (size_t c = 0; c < 3; c++) flat[i + c] = (uint8_t)((rgba[i + c] * alpha + white) / 255);
    }
}

/* Call under OFFCUT__JUMPED. */
static void write_row(offcut__jpeg_writer *writer, const uint8_t *row) {
    if (writer->flat) lay_on_white(writer->flat, row, writer->spec.width);
    /* The library takes rows it may write to, but only reads them. */
    JSAMPROW samples = writer->flat ? writer->flat : (JSAMPROW)(uintptr_t)row;
    jpeg_write_scanlines(&writer->jpeg, &samples, 1);
}

offcut_status offcut__jpeg_writer_write(offcut__jpeg_writer *writer, const uint8_t *rows,
                                        uint32_t count) {
    OFFCUT_FAIL_IF(writer->failed || count > writer->spec.height - writer->row, writer->ctx,
                   OFFCUT_ERR_STATE, "expected at most %u more rows for the JPEG, received %u",
                   writer->failed ? 0 : writer->spec.height - writer->row, count);
    if (OFFCUT__JUMPED(writer->jump)) {
        writer->failed = true;
        return writer->status;
    }
    for (uint32_t i = 0; i < count; i++)
        write_row(writer, rows + (size_t)i * writer->spec.width * 4);
    writer->row += count;
    return OFFCUT_OK;
}

offcut_status offcut__jpeg_writer_finish(offcut__jpeg_writer *writer) {
    OFFCUT_FAIL_IF(writer->failed || writer->row != writer->spec.height, writer->ctx,
                   OFFCUT_ERR_STATE, "expected %u rows before the end of the JPEG, received %u",
                   writer->spec.height, writer->row);
    writer->failed = true; /* nothing may follow */
    if (OFFCUT__JUMPED(writer->jump)) return writer->status;
    jpeg_finish_compress(&writer->jpeg);
    return OFFCUT_OK;
}

void offcut__jpeg_writer_close(offcut__jpeg_writer *writer) {
    if (!writer) return;
    if (writer->jpeg.mem) jpeg_destroy_compress(&writer->jpeg);
    free(writer->flat);
    free(writer);
}
