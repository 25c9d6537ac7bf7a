/* SPDX-License-Identifier: Apache-2.0
 * Baseline JPEG by libjpeg-turbo, row by row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs stdio.h before it. */
#include <jpeglib.h>

#include "jump.h"
#include "writer.h"

enum { BUFFER_BYTES = 16384, FULL_CHROMA_QUALITY = 90 };

/* A profile is cut into at most 255 segments; a longer one is left out. */
enum { ICC_BYTES_MAX = 255 * 65519 };

typedef struct jpeg_state {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    offcut__jump jump;
    offcut__writer *writer;
    const uint8_t *rows; /* of the current write */
    uint32_t count;      /* of these */
    uint8_t *flat;       /* a row on white */
    JOCTET buffer[BUFFER_BYTES];
} jpeg_state;

/* ---- what libjpeg calls ---- */

/* Nothing here depends on what a file contains: what can fail is memory. */
static _Noreturn void leave(jpeg_state *state, const char *text) {
    offcut__jump_leave(&state->jump, OFFCUT_ERR_MEMORY, "JPEG writer", text);
}

static _Noreturn void on_error(j_common_ptr common) {
    jpeg_state *state = common->client_data;
    char text[JMSG_LENGTH_MAX] = "";
    state->errors.format_message(common, text);
    leave(state, text);
}

static void on_message(j_common_ptr common, int level) {
    (void)common;
    (void)level;
}

static void on_begin(j_compress_ptr jpeg) {
    jpeg_state *state = jpeg->client_data;
    state->destination.next_output_byte = state->buffer;
    state->destination.free_in_buffer = BUFFER_BYTES;
}

static void append(jpeg_state *state, size_t size) {
    if (!offcut__bytes_append(state->writer->sink, state->buffer, size))
        leave(state, "no memory for the output");
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

/* May jump. */
static void write_header(void *self) {
    jpeg_state *state = self;
    const offcut__picture_spec *spec = &state->writer->spec;
    j_compress_ptr jpeg = &state->jpeg;
    jpeg->client_data = state;
    jpeg->err = jpeg_std_error(&state->errors);
    state->errors.error_exit = on_error;
    state->errors.emit_message = on_message;
    state->destination.init_destination = on_begin;
    state->destination.empty_output_buffer = on_full;
    state->destination.term_destination = on_end;
    jpeg_create_compress(jpeg);
    jpeg->dest = &state->destination;
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
    if (spec->icc && spec->icc_size <= ICC_BYTES_MAX)
        jpeg_write_icc_profile(jpeg, spec->icc, (unsigned)spec->icc_size);
}

static offcut_status jpeg_open(offcut__writer *writer) {
    const offcut__picture_spec *spec = &writer->spec;
    jpeg_state *state = writer->state;
    state->writer = writer;
    state->jump.ctx = writer->ctx;
    OFFCUT_FAIL_IF(spec->width > JPEG_MAX_DIMENSION || spec->height > JPEG_MAX_DIMENSION,
                   writer->ctx, OFFCUT_ERR_UNSUPPORTED,
                   "a JPEG's sides end at %ld pixels, this is %u x %u", JPEG_MAX_DIMENSION,
                   spec->width, spec->height);
    if (!spec->opaque) OFFCUT_TRY(offcut__alloc(writer->ctx, spec->width, 4, &state->flat));
    return offcut__jump_run(&state->jump, write_header, state);
}

static void lay_on_white(uint8_t *flat, const uint8_t *rgba, uint32_t width) {
    for (size_t i = 0; i < (size_t)width * 4; i += 4) {
        const uint32_t alpha = rgba[i + 3], white = 255 * (255 - alpha) + 127;
        for (size_t c = 0; c < 3; c++) flat[i + c] = (uint8_t)((rgba[i + c] * alpha + white) / 255);
    }
}

/* May jump. */
static void write_rows(void *self) {
    jpeg_state *state = self;
    const uint32_t width = state->writer->spec.width;
    for (uint32_t i = 0; i < state->count; i++) {
        const uint8_t *row = state->rows + (size_t)i * width * 4;
        if (state->flat) lay_on_white(state->flat, row, width);
        /* The library takes rows it may write to, but only reads them. */
        JSAMPROW samples = state->flat ? state->flat : (JSAMPROW)(uintptr_t)row;
        jpeg_write_scanlines(&state->jpeg, &samples, 1);
    }
}

static offcut_status jpeg_write(offcut__writer *writer, const uint8_t *rows, uint32_t count) {
    jpeg_state *state = writer->state;
    state->rows = rows;
    state->count = count;
    return offcut__jump_run(&state->jump, write_rows, state);
}

static void write_end(void *self) {
    jpeg_state *state = self;
    jpeg_finish_compress(&state->jpeg);
}

static offcut_status jpeg_finish(offcut__writer *writer) {
    jpeg_state *state = writer->state;
    return offcut__jump_run(&state->jump, write_end, state);
}

static void jpeg_close(offcut__writer *writer) {
    jpeg_state *state = writer->state;
    jpeg_destroy_compress(&state->jpeg); /* legal at any time, also on a zeroed struct */
    free(state->flat);
}

const offcut__writer_kind offcut__writer_jpeg = {sizeof(jpeg_state), jpeg_open, jpeg_write,
                                                 jpeg_finish, jpeg_close};
