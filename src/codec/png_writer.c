/* SPDX-License-Identifier: Apache-2.0
 * PNG by rows: libpng writes all chunks, but filters are chosen and IDAT is compressed here.
 *
 * Measured on ten cut-outs of 4000 x 3000 (1/6 to 1/4 of the pixels opaque, five photos with and
 * without the noise of a camera). Sizes are relative to libpng's own choice at level 6: its
 * heuristic for the filter of each row, and zlib with Z_FILTERED. Times are of processors, native
 * (AMD EPYC, Zen 4), for writing alone.
 *
 *     FAST      chain of 2, Up                     1.01-1.14     90-170 ms
 *     BALANCED  chain of 16, Up                    0.95-1.04    110-230 ms
 *     (libpng)  level 6, heuristic, Z_FILTERED     1            820-1,360 ms
 *     (libpng)  level 9, heuristic, Z_FILTERED     0.97-1       2,500-6,400 ms
 *     SMALL     chain of 1024, the better of both  0.90-0.99    630-800 ms
 *
 * Up is the cheapest filter, and the erased pixels need no better one. Where there is noise, rows
 * filtered by Up repeat themselves more than others. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "deflate.h"
#include "jump.h"
#include "png_filter.h"
#include "png_memory.h"
#include "writer.h"

/* How many earlier places the deflater looks at. */
static const unsigned chains[] = {
    [OFFCUT_SPEED_BALANCED] = 16,
    [OFFCUT_SPEED_FAST] = 2,
    [OFFCUT_SPEED_SMALL] = 1024,
};

/* SMALL compresses the first rows of each band with both filters, quickly, and goes on with the
 * better one. */
enum { BAND_ROWS = 32, TRIAL_ROWS = 4, TRIAL_CHAIN = 8 };

enum { UP, HEURISTIC, FILTERS };

typedef struct png_state {
    png_structp png;
    png_infop info;
    offcut__deflate *deflate;
    offcut__jump jump;
    bool no_memory;
    offcut__writer *writer;
    const uint8_t *rows;     /* of the current write */
    uint32_t count;          /* of these */
    size_t stride;           /* of the rows that come */
    size_t pixel, line_size; /* of what is filtered, in bytes */
    uint8_t *line, *above;   /* a row as the file has it, and the one before */
    uint8_t *filtered, *scratch;
    uint32_t row; /* rows written */
    int filter;
    offcut__deflate *trials[FILTERS]; /* of SMALL */
    size_t trial_sizes[FILTERS];
    offcut__bytes profile; /* the chunk's */
} png_state;

/* ---- what libpng calls ---- */

/* Nothing here depends on what a file contains: what can fail is memory. */
static _Noreturn void on_error(png_structp png, png_const_charp text) {
    png_state *state = png_get_error_ptr(png);
    offcut__jump_leave(&state->jump, OFFCUT_ERR_MEMORY, "PNG writer", text);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png; /* a profile that libpng refuses is left out */
    (void)text;
}

static void on_write(png_structp png, png_bytep data, size_t size) {
    const png_state *state = png_get_io_ptr(png);
    if (!offcut__bytes_append(state->writer->sink, data, size))
        png_error(png, "no memory for the output");
}

static void on_flush(png_structp png) {
    (void)png;
}

/* ---- opening ---- */

static int colour_type(const offcut__picture_spec *spec) {
    if (spec->grey) return PNG_COLOR_TYPE_GRAY;
    return spec->opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
}

/* May jump. */
static void write_idat(void *self, const uint8_t *part, size_t size) {
    const png_state *state = self;
    png_write_chunk(state->png, (png_const_bytep) "IDAT", part, size);
}

static void append_profile(void *self, const uint8_t *part, size_t size) {
    png_state *state = self;
    if (!offcut__bytes_append(&state->profile, part, size))
        png_error(state->png, "no memory for the profile");
}

/* May jump. */
static void write_profile(png_state *state) {
    static const uint8_t head[] = "ICC profile\0"; /* the name's end, and 0: deflated */
    const offcut__picture_spec *spec = &state->writer->spec;
    append_profile(state, head, sizeof head);
    offcut__deflate_begin(state->deflate, append_profile, state);
    offcut__deflate_write(state->deflate, spec->icc, spec->icc_size);
    offcut__deflate_finish(state->deflate);
    png_write_chunk(state->png, (png_const_bytep) "iCCP", state->profile.data, state->profile.size);
}

/* May jump. */
static void write_header(void *self) {
    png_state *state = self;
    const offcut__picture_spec *spec = &state->writer->spec;
    png_structp png =
        png_create_write_struct_2(PNG_LIBPNG_VER_STRING, state, on_error, on_warning,
                                  &state->no_memory, offcut__png_malloc, offcut__png_free);
    state->png = png;
    if (png) state->info = png_create_info_struct(png);
    if (!state->info)
        offcut__jump_leave(&state->jump, OFFCUT_ERR_MEMORY, "PNG writer", "no memory to begin");
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_benign_errors(png, 1);
    png_set_write_fn(png, state, on_write, on_flush);
    png_set_IHDR(png, state->info, spec->width, spec->height, (int)spec->bits, colour_type(spec),
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (spec->icc && spec->icc_size <= PNG_UINT_31_MAX)
        png_set_iCCP(png, state->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, spec->icc,
                     (png_uint_32)spec->icc_size);
    if (spec->density_x > 0 && spec->density_y > 0)
        png_set_pHYs(png, state->info, spec->density_x, spec->density_y, PNG_RESOLUTION_METER);
    if (state->no_memory) png_error(png, "no memory for the profile");
    png_write_info_before_PLTE(png, state->info);
    if (png_get_valid(png, state->info, PNG_INFO_iCCP)) write_profile(state);
    png_write_info(png, state->info);
    offcut__deflate_begin(state->deflate, write_idat, state);
}

static offcut_status check_spec(offcut_ctx *ctx, const offcut__picture_spec *spec) {
    OFFCUT_FAIL_IF(spec->bits != 8 && spec->bits != 16, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected 8 or 16 bits, received %u", spec->bits);
    OFFCUT_FAIL_IF((unsigned)spec->speed > OFFCUT_SPEED_SMALL, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected speed 0 to 2, received %d", (int)spec->speed);
    /* A row of 4 x 16 bits a pixel is counted in zlib's 32 bits. */
    const uint32_t most = UINT32_MAX / 8 - 1;
    OFFCUT_FAIL_IF(spec->width > most || spec->height > most, ctx, OFFCUT_ERR_ARGUMENT,
                   "expected sides of 1 to %u, received %u x %u", most, spec->width, spec->height);
    return OFFCUT_OK;
}

static void count_bytes(void *self, const uint8_t *part, size_t size) {
    size_t *count = self;
    (void)part;
    *count += size;
}

static offcut_status open_trials(png_state *self) {
    offcut_ctx *ctx = self->writer->ctx;
    for (int i = 0; i < FILTERS; i++)
        OFFCUT_TRY(offcut__deflate_open(ctx, TRIAL_CHAIN, &self->trials[i]));
    return offcut__alloc(ctx, self->line_size + 1, 1, &self->scratch);
}

static offcut_status allocate(png_state *self) {
    const offcut__picture_spec *spec = &self->writer->spec;
    const size_t sample = spec->bits / 8;
    self->stride = (spec->grey ? 1 : 4) * sample * spec->width;
    self->pixel = (spec->grey ? 1 : spec->opaque ? 3 : 4) * sample;
    self->line_size = self->pixel * spec->width;
    OFFCUT_TRY(offcut__alloc(self->writer->ctx, self->line_size, 1, &self->line));
    OFFCUT_TRY(offcut__alloc(self->writer->ctx, self->line_size, 1, &self->above));
    OFFCUT_TRY(offcut__alloc(self->writer->ctx, self->line_size + 1, 1, &self->filtered));
    OFFCUT_TRY(offcut__deflate_open(self->writer->ctx, chains[spec->speed], &self->deflate));
    return spec->speed == OFFCUT_SPEED_SMALL ? open_trials(self) : OFFCUT_OK;
}

static offcut_status png_open(offcut__writer *writer) {
    png_state *state = writer->state;
    state->writer = writer;
    state->jump.ctx = writer->ctx;
    OFFCUT_TRY(check_spec(writer->ctx, &writer->spec));
    OFFCUT_TRY(allocate(state));
    return offcut__jump_run(&state->jump, write_header, state);
}

/* ---- rows ---- */

/* A row as the file has it: without the A of an opaque picture, the high byte of 16 first. */
static void pack_row(const png_state *state, const uint8_t *row) {
    const size_t samples = state->writer->spec.grey ? 1 : 4, sample = state->writer->spec.bits / 8;
    const size_t kept = state->pixel / sample;
    if (sample == 1 && kept == samples) {
        memcpy(state->line, row, state->line_size);
        return;
    }
    uint8_t *to = state->line;
    for (size_t x = 0; x < state->writer->spec.width; x++, row += samples * sample)
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

static void filter_row(const png_state *state, int filter) {
    if (filter == HEURISTIC)
        offcut__png_filter_best(state->filtered, state->scratch, state->line, state->above,
                                state->line_size, state->pixel);
    else
        offcut__png_filter_row(state->filtered, OFFCUT__PNG_FILTER_UP, state->line, state->above,
                               state->line_size, state->pixel);
}

/* The first rows of a band with both filters, and after the last of them the choice. */
static void try_row(png_state *state) {
    const uint32_t row = state->row % BAND_ROWS;
    for (int i = 0; i < FILTERS; i++) {
        offcut__deflate *trial = state->trials[i];
        if (row == 0) offcut__deflate_begin(trial, count_bytes, &state->trial_sizes[i]);
        filter_row(state, i);
        offcut__deflate_write(trial, state->filtered, state->line_size + 1);
        if (row == TRIAL_ROWS - 1) offcut__deflate_finish(trial);
    }
    if (row < TRIAL_ROWS - 1) return;
    state->filter = state->trial_sizes[HEURISTIC] < state->trial_sizes[UP] ? HEURISTIC : UP;
    memset(state->trial_sizes, 0, sizeof state->trial_sizes);
}

/* May jump. */
static void write_row(png_state *state, const uint8_t *row) {
    pack_row(state, row);
    if (state->scratch && state->row % BAND_ROWS < TRIAL_ROWS) try_row(state);
    filter_row(state, state->filter);
    offcut__deflate_write(state->deflate, state->filtered, state->line_size + 1);
    uint8_t *above = state->above;
    state->above = state->line;
    state->line = above;
    state->row++;
}

static void write_rows(void *self) {
    png_state *state = self;
    for (uint32_t i = 0; i < state->count; i++) write_row(state, state->rows + i * state->stride);
}

static offcut_status png_write(offcut__writer *writer, const uint8_t *rows, uint32_t count) {
    png_state *state = writer->state;
    state->rows = rows;
    state->count = count;
    return offcut__jump_run(&state->jump, write_rows, state);
}

static void write_end(void *self) {
    png_state *state = self;
    offcut__deflate_finish(state->deflate);
    png_write_chunk(state->png, (png_const_bytep) "IEND", NULL, 0);
}

static offcut_status png_finish(offcut__writer *writer) {
    png_state *state = writer->state;
    return offcut__jump_run(&state->jump, write_end, state);
}

static void png_close(offcut__writer *writer) {
    png_state *state = writer->state;
    png_destroy_write_struct(&state->png, &state->info);
    offcut__deflate_close(state->deflate);
    for (int i = 0; i < FILTERS; i++) offcut__deflate_close(state->trials[i]);
    free(state->line);
    free(state->above);
    free(state->filtered);
    free(state->scratch);
    offcut__bytes_free(&state->profile);
}

const offcut__writer_kind offcut__writer_png = {sizeof(png_state), png_open, png_write, png_finish,
                                                png_close};
