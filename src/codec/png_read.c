/* SPDX-License-Identifier: Apache-2.0
 * PNG by libpng. Every pass begins with fresh readers on the same bytes. An interlaced picture
 * (Adam7) is seven small ones, one after the other, and each row of it is made of several: so it
 * has seven readers, each of them at its own place in the file, and is never kept. That costs
 * inflating it about twice: half of the file is before the place where the last reader begins. */
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec.h"
#include "exif.h"
#include "jump.h"
#include "png_memory.h"

/* No chunk but IDAT may need more memory than this, compressed or not. */
enum { CHUNK_BYTES_MAX = 8000000, SIGNATURE = 8, CHUNK_FRAME = 12, TRUNCATED_BYTES = 128 };

/* Pixels that one step of the preparation reads past. */
enum { SKIP_PIXELS = 1 << 19 };

/* Where each small picture of an interlaced one has its pixels (PNG specification, clause 8.2). */
enum { READERS = 7 };

static const struct {
    uint8_t x, y, step_x, step_y;
} adam7[READERS] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

typedef struct png_state png_state;

/* One run through the file, for one of the small pictures, or for all that is not interlaced. */
typedef struct png_reader {
    png_state *state;
    png_structp png;
    png_infop info;
    size_t at;   /* bytes consumed */
    bool ended;  /* the library wanted more bytes than there are */
    bool broken; /* failed within the picture, and that is allowed: nothing more comes from here */
} png_reader;

struct png_state {
    offcut__jump jump;
    offcut_decoder *decoder;
    bool no_memory;
    bool interlaced;
    png_reader readers[READERS];
    uint32_t reader;     /* the one that is at work */
    uint32_t skipped;    /* interlaced: readers that are where their small picture begins */
    uint32_t skip_row;   /* rows that the next one has read past */
    uint8_t *rows;       /* where the current read puts them ... */
    uint32_t count;      /* ... how many there are to be ... */
    uint32_t filled;     /* ... and how many are done */
    uint32_t y;          /* interlaced: the row that small rows are read for */
    uint8_t *small_rows; /* interlaced: the last row of each small picture, and of the whole one */
    uint8_t *icc;
};

/* ---- what libpng calls ---- */

static _Noreturn void leave(png_state *state, offcut_status status, const char *text) {
    offcut__jump_leave(&state->jump, status, "PNG", text);
}

static _Noreturn void on_error(png_structp png, png_const_charp text) {
    const png_reader *reader = png_get_error_ptr(png);
    if (reader->state->no_memory) leave(reader->state, OFFCUT_ERR_MEMORY, text);
    leave(reader->state, reader->ended ? OFFCUT_ERR_TRUNCATED : OFFCUT_ERR_CORRUPT, text);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png; /* ancillary chunks only: libpng leaves out what it warns about */
    (void)text;
}

static void on_read(png_structp png, png_bytep target, size_t size) {
    png_reader *reader = png_get_io_ptr(png);
    const offcut_decoder *decoder = reader->state->decoder;
    if (size > decoder->size - reader->at) {
        reader->ended = true;
        png_error(png, "the file ends within a chunk");
    }
    memcpy(target, decoder->data + reader->at, size);
    reader->at += size;
}

/* ---- passes ---- */

static void end_pass(png_state *state) {
    for (int i = 0; i < READERS; i++) /* takes NULLs */
        png_destroy_read_struct(&state->readers[i].png, &state->readers[i].info, NULL);
    free(state->small_rows);
    state->small_rows = NULL;
}

/* Sets up the library as far as the first IDAT. May jump. */
static void open_reader(png_state *state, uint32_t number, bool with_icc) {
    /* Not decompressed, not kept: text can be a bomb, and none of these is carried on. eXIf is read
     * by find_exif(), also where it stands behind the picture. iCCP is unwanted once it is known.
     */
    static const png_byte unwanted[] = "tEXt\0zTXt\0iTXt\0eXIf\0sPLT\0hIST\0pCAL\0sCAL\0tIME\0iCCP";
    png_reader *self = &state->readers[number];
    *self = (png_reader){.state = state};
    self->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, self, on_error, on_warning,
                                         &state->no_memory, offcut__png_malloc, offcut__png_free);
    if (!self->png) leave(state, OFFCUT_ERR_MEMORY, "no memory for the reader");
    self->info = png_create_info_struct(self->png);
    if (!self->info) leave(state, OFFCUT_ERR_MEMORY, "no memory for the header");
    png_set_read_fn(self->png, self, on_read);
    png_set_user_limits(self->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours come later */
    png_set_chunk_malloc_max(self->png, CHUNK_BYTES_MAX);
    png_set_keep_unknown_chunks(self->png, PNG_HANDLE_CHUNK_NEVER, unwanted,
                                (int)(sizeof unwanted / 5) - with_icc);
    /* The library asks for so many bytes of the picture at once: fewer at the end are lost. */
    if (state->decoder->options.allow_truncated)
        png_set_compression_buffer_size(self->png, TRUNCATED_BYTES);
    png_read_info(self->png, self->info);
}

/* Any PNG into RGBA, 8 or 16 bits; the small pictures of an interlaced one as they come. */
static void set_transforms(const png_state *state, const png_reader *reader) {
    const bool wide = state->decoder->info.bits == 16;
    const uint16_t one = 1;
    uint8_t first_byte = 0;
    memcpy(&first_byte, &one, 1);
    png_set_expand(reader->png); /* palette, 1-4 bits, tRNS */
    png_set_gray_to_rgb(reader->png);
    png_set_add_alpha(reader->png, wide ? 0xffff : 0xff, PNG_FILLER_AFTER);
    if (wide && first_byte == 1) png_set_swap(reader->png);
    png_read_update_info(reader->png, reader->info);
}

/* ---- the header ---- */

static uint32_t read_32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* eXIf may stand before or behind the picture (PNG 3rd edition, 5.6), so the chunks are walked. */
static void find_exif(offcut_decoder *decoder) {
    const uint8_t *data = decoder->data;
    size_t at = SIGNATURE;
    while (decoder->size - at >= CHUNK_FRAME) {
        const size_t length = read_32(data + at);
        if (length > decoder->size - at - CHUNK_FRAME) return;
        if (memcmp(data + at + 4, "eXIf", 4) == 0) {
            const uLong crc = crc32_z(0, data + at + 4, length + 4);
            if (crc != read_32(data + at + 8 + length)) return;
            offcut__exif_read(data + at + 8, length, &decoder->info);
            return;
        }
        at += CHUNK_FRAME + length;
    }
}

static void read_density(const png_reader *reader, offcut_info *info) {
    png_uint_32 x = 0, y = 0;
    int unit = PNG_RESOLUTION_UNKNOWN;
    if (!png_get_pHYs(reader->png, reader->info, &x, &y, &unit) || unit != PNG_RESOLUTION_METER)
        return;
    if (x == 0 || y == 0) return;
    info->density_x = x;
    info->density_y = y;
}

static offcut_status read_icc(png_state *state, const png_reader *reader) {
    png_charp name = NULL;
    png_bytep profile = NULL;
    png_uint_32 size = 0;
    int method = 0;
    if (!png_get_iCCP(reader->png, reader->info, &name, &method, &profile, &size)) return OFFCUT_OK;
    OFFCUT_TRY(offcut__alloc(state->decoder->ctx, size, 1, &state->icc));
    memcpy(state->icc, profile, size);
    state->decoder->info.icc = state->icc;
    state->decoder->info.icc_size = size;
    return OFFCUT_OK;
}

static offcut_status describe(png_state *state) {
    offcut_decoder *decoder = state->decoder;
    const png_reader *reader = &state->readers[0];
    offcut_info *info = &decoder->info;
    info->width = png_get_image_width(reader->png, reader->info);
    info->height = png_get_image_height(reader->png, reader->info);
    info->bits = png_get_bit_depth(reader->png, reader->info) == 16 ? 16 : 8;
    info->has_alpha = (png_get_color_type(reader->png, reader->info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                      png_get_valid(reader->png, reader->info, PNG_INFO_tRNS) != 0;
    state->interlaced = png_get_interlace_type(reader->png, reader->info) != PNG_INTERLACE_NONE;
    OFFCUT_TRY(offcut__decoder_limits(decoder));
    read_density(reader, info);
    find_exif(decoder);
    return read_icc(state, reader);
}

static void read_header(void *self) {
    open_reader(self, 0, true);
}

static offcut_status png_open(offcut_decoder *decoder) {
    png_state *state = decoder->state;
    state->decoder = decoder;
    state->jump.ctx = decoder->ctx;
    OFFCUT_TRY(offcut__jump_run(&state->jump, read_header, state));
    OFFCUT_FAIL_IF(state->no_memory, decoder->ctx, OFFCUT_ERR_MEMORY,
                   "PNG: no memory for the header");
    return describe(state);
}

/* ---- beginning ---- */

/* May jump. */
static void open_readers(void *self) {
    png_state *state = self;
    const uint32_t count = state->interlaced ? READERS : 1;
    for (uint32_t i = 0; i < count; i++) {
        open_reader(state, i, false);
        set_transforms(state, &state->readers[i]);
    }
}

static offcut_status png_start(offcut_decoder *decoder, uint32_t reduce) {
    png_state *state = decoder->state;
    (void)reduce;
    decoder->pass_width = decoder->info.width;
    decoder->pass_height = decoder->info.height;
    end_pass(state);
    state->no_memory = false;
    state->reader = state->skipped = 0;
    state->skip_row = 0;
    if (state->interlaced)
        OFFCUT_TRY(offcut__alloc(decoder->ctx, READERS + 1, offcut__decoder_stride(decoder),
                                 &state->small_rows));
    return offcut__jump_run(&state->jump, open_readers, state);
}

/* What a failure within the picture means: the status, or OK where the rest may be missing. */
static offcut_status forgive(png_state *state) {
    const offcut_status status = state->jump.status;
    if (!state->decoder->options.allow_truncated || status == OFFCUT_ERR_MEMORY) return status;
    state->readers[state->reader].broken = true;
    return OFFCUT_OK;
}

/* Rows that libpng gives of the small pictures before this one: an empty one is not in the file. */
static uint32_t rows_before(const offcut_decoder *decoder, uint32_t number) {
    const offcut_info *info = &decoder->info;
    uint32_t rows = 0;
    for (uint32_t i = 0; i < number; i++)
        if (info->width > adam7[i].x && info->height > adam7[i].y)
            rows += (info->height - adam7[i].y - 1) / adam7[i].step_y + 1;
    return rows;
}

/* Some rows of what the next readers have to read past. May jump. */
static void skip_rows(void *self) {
    png_state *state = self;
    const offcut_decoder *decoder = state->decoder;
    const uint32_t rows = SKIP_PIXELS / decoder->info.width + 1;
    for (uint32_t count = 0; state->skipped < READERS && count < rows;) {
        state->reader = state->skipped;
        png_reader *reader = &state->readers[state->skipped];
        if (reader->broken || state->skip_row == rows_before(decoder, state->skipped)) {
            state->skipped++;
            state->skip_row = 0;
            continue;
        }
        png_read_row(reader->png, NULL, NULL);
        state->skip_row++;
        count++;
    }
}

static offcut_status png_prepare(offcut_decoder *decoder, bool *ready) {
    png_state *state = decoder->state;
    *ready = !state->interlaced;
    if (*ready) return OFFCUT_OK;
    if (offcut__jump_run(&state->jump, skip_rows, state) != OFFCUT_OK) return forgive(state);
    *ready = state->skipped == READERS;
    return OFFCUT_OK;
}

/* ---- rows ---- */

static bool has_row(const offcut_decoder *decoder, uint32_t number, uint32_t y) {
    return decoder->info.width > adam7[number].x && y >= adam7[number].y &&
           (y - adam7[number].y) % adam7[number].step_y == 0;
}

/* Reads the row of each small picture that is in row y, from the reader at work on. May jump. */
static void read_small_rows(void *self) {
    png_state *state = self;
    const size_t stride = offcut__decoder_stride(state->decoder);
    for (; state->reader < READERS; state->reader++) {
        png_reader *reader = &state->readers[state->reader];
        if (reader->broken || !has_row(state->decoder, state->reader, state->y)) continue;
        /* libpng copies as many pixels as the whole picture is wide. */
        png_read_row(reader->png, state->small_rows + (size_t)state->reader * stride, NULL);
    }
}

/* What the small pictures have of a row, to its places. */
static void merge_row(const png_state *state, uint32_t y, uint8_t *row) {
    const uint32_t width = state->decoder->info.width;
    const size_t stride = offcut__decoder_stride(state->decoder), pixel = stride / width;
    for (uint32_t i = 0; i < READERS; i++) {
        if (state->readers[i].broken || !has_row(state->decoder, i, y)) continue;
        const uint8_t *from = state->small_rows + i * stride;
        for (uint32_t x = adam7[i].x; x < width; x += adam7[i].step_x, from += pixel)
            memcpy(row + x * pixel, from, pixel);
    }
}

/* What is missing of a row: from the left, as far as a coarser picture is there, else from the row
 * above. A small picture is there only where all before it are. */
static void fill_row(const png_state *state, uint32_t y, uint8_t *row) {
    static const uint8_t steps[READERS] = {8, 4, 4, 2, 2, 1, 1}; /* with those before it */
    const uint32_t width = state->decoder->info.width;
    const size_t stride = offcut__decoder_stride(state->decoder), pixel = stride / width;
    uint8_t *above = state->small_rows + (size_t)READERS * stride;
    uint32_t step = 0;
    for (uint32_t i = 0; i < READERS; i++)
        if (has_row(state->decoder, i, y) && !state->readers[i].broken) step = steps[i];
    for (uint32_t x = 0; step > 1 && x < width; x++)
        memcpy(row + x * pixel, row + (x - x % step) * pixel, pixel);
    if (state->readers[0].broken)
        memset(row, 0, stride);
    else if (step == 0)
        memcpy(row, above, stride);
    memcpy(above, row, stride);
}

static offcut_status read_interlaced(png_state *state) {
    const size_t stride = offcut__decoder_stride(state->decoder);
    for (; state->filled < state->count; state->filled++) {
        uint8_t *row = state->rows + state->filled * stride;
        state->y = state->decoder->row + state->filled;
        state->reader = 0;
        while (offcut__jump_run(&state->jump, read_small_rows, state) != OFFCUT_OK)
            OFFCUT_TRY(forgive(state)); /* that reader stays broken */
        merge_row(state, state->y, row);
        if (state->decoder->options.allow_truncated) fill_row(state, state->y, row);
    }
    return OFFCUT_OK;
}

/* May jump. */
static void read_rows(void *self) {
    png_state *state = self;
    const size_t stride = offcut__decoder_stride(state->decoder);
    for (; state->filled < state->count; state->filled++)
        png_read_row(state->readers[0].png, state->rows + state->filled * stride, NULL);
}

static offcut_status read_plain(png_state *state) {
    const size_t stride = offcut__decoder_stride(state->decoder);
    if (!state->readers[0].broken && offcut__jump_run(&state->jump, read_rows, state) != OFFCUT_OK)
        OFFCUT_TRY(forgive(state));
    memset(state->rows + state->filled * stride, 0, (state->count - state->filled) * stride);
    return OFFCUT_OK;
}

static offcut_status png_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    png_state *state = decoder->state;
    state->rows = rows;
    state->count = count;
    state->filled = 0;
    OFFCUT_TRY(state->interlaced ? read_interlaced(state) : read_plain(state));
    if (decoder->row + count == decoder->pass_height) end_pass(state);
    return OFFCUT_OK;
}

static void png_close(offcut_decoder *decoder) {
    png_state *state = decoder->state;
    end_pass(state);
    free(state->icc);
}

const offcut__codec offcut__codec_png = {sizeof(png_state), png_open, png_start,
                                         png_prepare,       png_read, png_close};
