/* SPDX-License-Identifier: Apache-2.0
 * PNG by rows: libpng writes all chunks, but filters and zlib's settings are chosen here.
 *
 * Measured on six cut-outs of 4000 x 3000 (1/8 to 1/4 of the pixels opaque, photos with and without
 * the noise of a camera). Sizes are relative to libpng's own choice at level 6: its heuristic for
 * the filter of each row, and Z_FILTERED. Times are of wasm in V8, for writing alone.
 *
 *     FAST      level 1, Up                        1.01-1.25    150 ms
 *     BALANCED  level 4, Up                        0.94-1.10    270-330 ms
 *     (libpng)  level 6, heuristic, Z_FILTERED     1            1,000 ms
 *     (libpng)  level 9, heuristic, Z_FILTERED     0.97-1       2,200-5,600 ms
 *     SMALL     level 9, the better of both        0.91-1       2,000-6,000 ms
 *
 * Up is the cheapest filter, and the erased pixels need no better one. Where there is noise, rows
 * filtered by Up repeat themselves more than others: short matches are then worth more than small
 * differences, so Z_FILTERED, which drops them, makes files larger. Levels 2 and 3 gain little over
 * 1, as they are as greedy; Z_RLE is no faster than level 1. */
#include "png_writer.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "jump.h"
#include "png_filter.h"

/* MEMORY is libpng's own setting of zlib's memory: 256 kB. */
enum { IDAT_BYTES = 65536, WINDOW_BITS = 15, MEMORY = 8 };

static const int levels[] = {
    [OFFCUT_SPEED_BALANCED] = 4,
    [OFFCUT_SPEED_FAST] = 1,
    [OFFCUT_SPEED_SMALL] = 9,
};

/* SMALL compresses the first rows of each band in both ways, quickly, and goes on with the better
 * one. */
enum { BAND_ROWS = 32, TRIAL_ROWS = 4, TRIAL_LEVEL = 4 };

struct offcut__png_writer {
    png_structp png;
    png_infop info;
    z_stream deflate;
    offcut__jump jump;
    offcut_ctx *ctx;
    offcut_status status; /* why the last jump was made */
    offcut__bytes *sink;  /* borrowed */
    offcut__png_spec spec;
    size_t stride;           /* of the rows that come */
    size_t pixel, line_size; /* of what is filtered, in bytes */
    uint8_t *line, *above;   /* a row as the file has it, and the one before */
    uint8_t *filtered, *scratch;
    uint32_t row;       /* rows written */
    int strategy;       /* Z_DEFAULT_STRATEGY goes with Up, Z_FILTERED with the heuristic */
    z_stream trials[2]; /* of SMALL, by strategy */
    bool failed;
    uint8_t idat[IDAT_BYTES];
};

/* ---- what libpng calls ---- */

static _Noreturn void on_error(png_structp png, png_const_charp text) {
    offcut__png_writer *writer = png_get_error_ptr(png);
    /* Nothing here depends on what a file contains: what can fail is memory. */
    writer->status = offcut__fail(writer->ctx, OFFCUT_ERR_MEMORY, "PNG writer: %s", text);
    OFFCUT__JUMP(writer->jump, writer->ctx, writer->status);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png; /* a profile that libpng refuses is left out */
    (void)text;
}

static void on_write(png_structp png, png_bytep data, size_t size) {
    offcut__png_writer *writer = png_get_io_ptr(png);
    if (!offcut__bytes_append(writer->sink, data, size)) png_error(png, "no memory for the output");
}

static void on_flush(png_structp png) {
    (void)png;
}

/* ---- opening ---- */

static int colour_type(const offcut__png_spec *spec) {
    if (spec->grey) return PNG_COLOR_TYPE_GRAY;
    return spec->opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
}

/* Call under OFFCUT__JUMPED. */
static void write_header(offcut__png_writer *writer) {
    const offcut__png_spec *spec = &writer->spec;
    png_structp png = writer->png;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_benign_errors(png, 1);
    png_set_write_fn(png, writer, on_write, on_flush);
    png_set_IHDR(png, writer->info, spec->width, spec->height, (int)spec->bits, colour_type(spec),
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (spec->icc && spec->icc_size > 0 && spec->icc_size <= PNG_UINT_31_MAX)
        png_set_iCCP(png, writer->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, spec->icc,
                     (png_uint_32)spec->icc_size);
    if (spec->density_x > 0 && spec->density_y > 0)
        png_set_pHYs(png, writer->info, spec->density_x, spec->density_y, PNG_RESOLUTION_METER);
    png_write_info(png, writer->info);
}

static offcut_status check_spec(offcut_ctx *ctx, const offcut__png_spec *spec) {
    OFFCUT_FAIL_IF(spec->bits != 8 && spec->bits != 16, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected 8 or 16 bits, received %u", spec->bits);
    OFFCUT_FAIL_IF((unsigned)spec->speed > OFFCUT_SPEED_SMALL, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected speed 0 to 2, received %d", (int)spec->speed);
    /* A row of 4 x 16 bits a pixel is counted in zlib's 32 bits. */
    const uint32_t most = UINT32_MAX / 8 - 1;
    OFFCUT_FAIL_IF(
        spec->width == 0 || spec->height == 0 || spec->width > most || spec->height > most, ctx,
        OFFCUT_ERR_ARGUMENT, "expected sides of 1 to %u, received %u x %u", most, spec->width,
        spec->height);
    return OFFCUT_OK;
}

static offcut_status open_deflate(offcut__png_writer *self, z_stream *stream, int level,
                                  int strategy) {
    OFFCUT_FAIL_IF(deflateInit2(stream, level, Z_DEFLATED, WINDOW_BITS, MEMORY, strategy) != Z_OK,
                   self->ctx, OFFCUT_ERR_MEMORY, "no memory for zlib");
    return OFFCUT_OK;
}

static offcut_status allocate(offcut__png_writer *self) {
    const offcut__png_spec *spec = &self->spec;
    const size_t sample = spec->bits / 8;
    self->stride = (spec->grey ? 1 : 4) * sample * spec->width;
    self->pixel = (spec->grey ? 1 : spec->opaque ? 3 : 4) * sample;
    self->line_size = self->pixel * spec->width;
    OFFCUT_TRY(offcut__alloc(self->ctx, self->line_size, 1, &self->line));
    OFFCUT_TRY(offcut__alloc(self->ctx, self->line_size, 1, &self->above));
    OFFCUT_TRY(offcut__alloc(self->ctx, self->line_size + 1, 1, &self->filtered));
    OFFCUT_TRY(open_deflate(self, &self->deflate, levels[spec->speed], Z_DEFAULT_STRATEGY));
    self->deflate.next_out = self->idat;
    self->deflate.avail_out = IDAT_BYTES;
    self->strategy = Z_DEFAULT_STRATEGY;
    if (spec->speed != OFFCUT_SPEED_SMALL) return OFFCUT_OK;
    for (int strategy = 0; strategy < 2; strategy++)
        OFFCUT_TRY(open_deflate(self, &self->trials[strategy], TRIAL_LEVEL, strategy));
    return offcut__alloc(self->ctx, self->line_size + 1, 1, &self->scratch);
}

static offcut_status begin(offcut__png_writer *writer) {
    OFFCUT_TRY(allocate(writer));
    if (OFFCUT__JUMPED(writer->jump)) return writer->status;
    writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, on_error, on_warning);
    if (writer->png) writer->info = png_create_info_struct(writer->png);
    OFFCUT_FAIL_IF(!writer->info, writer->ctx, OFFCUT_ERR_MEMORY, "no memory for the PNG writer");
    write_header(writer);
    return OFFCUT_OK;
}

offcut_status offcut__png_writer_open(offcut_ctx *ctx, const offcut__png_spec *spec,
                                      offcut__bytes *sink, offcut__png_writer **writer) {
    offcut__png_writer *self = NULL;
    *writer = NULL;
    OFFCUT_TRY(check_spec(ctx, spec));
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *self, &self));
    self->ctx = ctx;
    self->sink = sink;
    self->spec = *spec;
    const offcut_status status = begin(self);
    if (status != OFFCUT_OK) {
        offcut__png_writer_close(self);
        return status;
    }
    *writer = self;
    return OFFCUT_OK;
}

/* ---- rows ---- */

/* A row as the file has it: without the A of an opaque picture, the high byte of 16 first. */
static void pack_row(const offcut__png_writer *writer, const uint8_t *row) {
    const size_t samples = writer->spec.grey ? 1 : 4, sample = writer->spec.bits / 8;
    const size_t kept = writer->pixel / sample;
    if (sample == 1 && kept == samples) {
        memcpy(writer->line, row, writer->line_size);
        return;
    }
    uint8_t *to = writer->line;
    for (size_t x = 0; x < writer->spec.width; x++, row += samples * sample)
        for (size_t i = 0; i < kept; i++) {
            if (sample == 1) {
                *to++ = row[i];
                continue;
            }
            uint16_t wide = 0;
            memcpy(&wide, row + 2 * i, sizeof wide);
            *to++ = (uint8_t)(wide >> 8);
            *to++ = (uint8_t)wide;
        }
}

static void filter_row(const offcut__png_writer *writer, int strategy) {
    if (strategy == Z_FILTERED)
        offcut__png_filter_best(writer->filtered, writer->scratch, writer->line, writer->above,
                                writer->line_size, writer->pixel);
    else
        offcut__png_filter_row(writer->filtered, OFFCUT__PNG_FILTER_UP, writer->line, writer->above,
                               writer->line_size, writer->pixel);
}

/* Call under OFFCUT__JUMPED. */
static void write_idat(offcut__png_writer *writer) {
    png_write_chunk(writer->png, (png_const_bytep) "IDAT", writer->idat,
                    IDAT_BYTES - writer->deflate.avail_out);
    writer->deflate.next_out = writer->idat;
    writer->deflate.avail_out = IDAT_BYTES;
}

/* Deflates the filtered row, or with Z_FINISH what is left. Call under OFFCUT__JUMPED. */
static void deflate_row(offcut__png_writer *writer, int flush) {
    z_stream *stream = &writer->deflate;
    stream->next_in = writer->filtered;
    stream->avail_in = flush == Z_FINISH ? 0 : (uInt)(writer->line_size + 1);
    for (;;) {
        const int result = deflate(stream, flush);
        if (result == Z_STREAM_END || (flush != Z_FINISH && stream->avail_out > 0)) return;
        write_idat(writer);
    }
}

/* Ends a block where the strategy changes. Call under OFFCUT__JUMPED. */
static void set_strategy(offcut__png_writer *writer, int strategy) {
    if (strategy == writer->strategy) return;
    writer->strategy = strategy;
    while (deflateParams(&writer->deflate, levels[writer->spec.speed], strategy) == Z_BUF_ERROR)
        write_idat(writer);
}

/* The row in both ways, and after the last row of a trial the choice. */
static void try_row(offcut__png_writer *writer) {
    const bool last = writer->row % BAND_ROWS == TRIAL_ROWS - 1;
    for (int strategy = 0; strategy < 2; strategy++) {
        z_stream *trial = &writer->trials[strategy];
        uint8_t unused[4096];
        filter_row(writer, strategy);
        trial->next_in = writer->filtered;
        trial->avail_in = (uInt)(writer->line_size + 1);
        do {
            trial->next_out = unused;
            trial->avail_out = sizeof unused;
            deflate(trial, last ? Z_FINISH : Z_NO_FLUSH);
        } while (trial->avail_out == 0);
    }
    if (!last) return;
    const uLong plain = writer->trials[0].total_out, filtered = writer->trials[1].total_out;
    set_strategy(writer, filtered < plain ? Z_FILTERED : Z_DEFAULT_STRATEGY);
    for (int strategy = 0; strategy < 2; strategy++) deflateReset(&writer->trials[strategy]);
}

/* Call under OFFCUT__JUMPED. */
static void write_row(offcut__png_writer *writer, const uint8_t *row) {
    pack_row(writer, row);
    if (writer->scratch && writer->row % BAND_ROWS < TRIAL_ROWS) try_row(writer);
    filter_row(writer, writer->strategy);
    deflate_row(writer, Z_NO_FLUSH);
    uint8_t *above = writer->above;
    writer->above = writer->line;
    writer->line = above;
    writer->row++;
}

offcut_status offcut__png_writer_write(offcut__png_writer *writer, const uint8_t *rows,
                                       uint32_t count) {
    OFFCUT_FAIL_IF(writer->failed || count > writer->spec.height - writer->row, writer->ctx,
                   OFFCUT_ERR_STATE, "expected at most %u more rows for the PNG, received %u",
                   writer->failed ? 0 : writer->spec.height - writer->row, count);
    if (OFFCUT__JUMPED(writer->jump)) {
        writer->failed = true;
        return writer->status;
    }
    for (uint32_t i = 0; i < count; i++) write_row(writer, rows + i * writer->stride);
    return OFFCUT_OK;
}

offcut_status offcut__png_writer_finish(offcut__png_writer *writer) {
    OFFCUT_FAIL_IF(writer->failed || writer->row != writer->spec.height, writer->ctx,
                   OFFCUT_ERR_STATE, "expected %u rows before the end of the PNG, received %u",
                   writer->spec.height, writer->row);
    writer->failed = true; /* nothing may follow */
    if (OFFCUT__JUMPED(writer->jump)) return writer->status;
    deflate_row(writer, Z_FINISH);
    if (writer->deflate.avail_out < IDAT_BYTES) write_idat(writer);
    png_write_chunk(writer->png, (png_const_bytep) "IEND", NULL, 0);
    return OFFCUT_OK;
}

void offcut__png_writer_close(offcut__png_writer *writer) {
    if (!writer) return;
    png_destroy_write_struct(&writer->png, &writer->info);
    deflateEnd(&writer->deflate); /* harmless where it was not begun */
    for (int strategy = 0; strategy < 2; strategy++) deflateEnd(&writer->trials[strategy]);
    free(writer->line);
    free(writer->above);
    free(writer->filtered);
    free(writer->scratch);
    free(writer);
}
