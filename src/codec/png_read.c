/* SPDX-License-Identifier: Apache-2.0
 * PNG by libpng. Every pass begins with a fresh reader on the same bytes; an interlaced picture is
 * decoded once and kept. */
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec.h"
#include "exif.h"
#include "jump.h"

/* No chunk but IDAT may need more memory than this, compressed or not. */
enum { CHUNK_BYTES_MAX = 8000000, SIGNATURE = 8, CHUNK_FRAME = 12 };

typedef struct png_state {
    png_structp png;
    png_infop info;
    offcut__jump jump;
    offcut_decoder *decoder;
    offcut_status status; /* why the last jump was made */
    size_t at;            /* bytes consumed */
    bool ended;           /* the library wanted more bytes than there are */
    bool no_memory;
    bool broken;     /* failed within the picture, and that is allowed: the rest is transparent */
    uint32_t filled; /* rows of the current read or of the whole picture that are done */
    uint8_t *whole;  /* an interlaced picture, NULL until the first pass */
    uint8_t *icc;
} png_state;

/* ---- what libpng calls ---- */

static _Noreturn void leave(png_state *state, offcut_status status, const char *text) {
    state->status = offcut__fail(state->decoder->ctx, status, "PNG: %s", text);
    OFFCUT__JUMP(state->jump, state->decoder->ctx, status);
}

static _Noreturn void on_error(png_structp png, png_const_charp text) {
    png_state *state = png_get_error_ptr(png);
    if (state->no_memory) leave(state, OFFCUT_ERR_MEMORY, text);
    leave(state, state->ended ? OFFCUT_ERR_TRUNCATED : OFFCUT_ERR_CORRUPT, text);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png; /* ancillary chunks only: libpng leaves out what it warns about */
    (void)text;
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size) {
    png_state *state = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (!memory) state->no_memory = true;
    return memory;
}

static void on_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static void on_read(png_structp png, png_bytep target, size_t size) {
    png_state *state = png_get_io_ptr(png);
    if (size > state->decoder->size - state->at) {
        state->ended = true;
        png_error(png, "the file ends within a chunk");
    }
    memcpy(target, state->decoder->data + state->at, size);
    state->at += size;
}

/* ---- passes ---- */

static void end_pass(png_state *state) {
    png_destroy_read_struct(&state->png, &state->info, NULL); /* takes NULLs */
}

/* Sets up the library as far as the first IDAT. Call under OFFCUT__JUMPED. */
static void begin_pass(png_state *state) {
    /* Not decompressed, not kept: text can be a bomb, and none of these is carried on. eXIf is read
     * by find_exif(), also where it stands behind the picture. */
    static const png_byte unwanted[] = "tEXt\0zTXt\0iTXt\0eXIf\0sPLT\0hIST\0pCAL\0sCAL\0tIME";
    end_pass(state);
    state->at = 0;
    state->ended = state->no_memory = state->broken = false;
    state->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, state, on_error, on_warning, state,
                                          on_malloc, on_free);
    if (!state->png) leave(state, OFFCUT_ERR_MEMORY, "no memory for the reader");
    state->info = png_create_info_struct(state->png);
    if (!state->info) leave(state, OFFCUT_ERR_MEMORY, "no memory for the header");
    png_set_read_fn(state->png, state, on_read);
    png_set_user_limits(state->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours come later */
    png_set_chunk_malloc_max(state->png, CHUNK_BYTES_MAX);
    png_set_keep_unknown_chunks(state->png, PNG_HANDLE_CHUNK_NEVER, unwanted,
                                (int)(sizeof unwanted / 5));
    png_read_info(state->png, state->info);
}

/* Any PNG into RGBA, 8 or 16 bits. */
static void set_transforms(png_state *state) {
    const bool wide = state->decoder->info.bits == 16;
    const uint16_t one = 1;
    uint8_t first_byte = 0;
    memcpy(&first_byte, &one, 1);
    png_set_expand(state->png); /* palette, 1-4 bits, tRNS */
    png_set_gray_to_rgb(state->png);
    png_set_add_alpha(state->png, wide ? 0xffff : 0xff, PNG_FILLER_AFTER);
    if (wide && first_byte == 1) png_set_swap(state->png);
    png_set_interlace_handling(state->png);
    png_read_update_info(state->png, state->info);
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

static void read_density(const png_state *state, offcut_info *info) {
    png_uint_32 x = 0, y = 0;
    int unit = PNG_RESOLUTION_UNKNOWN;
    if (!png_get_pHYs(state->png, state->info, &x, &y, &unit) || unit != PNG_RESOLUTION_METER)
        return;
    if (x == 0 || y == 0) return;
    info->density_x = x;
    info->density_y = y;
}

static offcut_status read_icc(png_state *state) {
    png_charp name = NULL;
    png_bytep profile = NULL;
    png_uint_32 size = 0;
    int method = 0;
    if (!png_get_iCCP(state->png, state->info, &name, &method, &profile, &size)) return OFFCUT_OK;
    OFFCUT_TRY(offcut__alloc(state->decoder->ctx, size, 1, &state->icc));
    memcpy(state->icc, profile, size);
    state->decoder->info.icc = state->icc;
    state->decoder->info.icc_size = size;
    return OFFCUT_OK;
}

/* An interlaced picture is kept, so a small file must not claim a big one: deflate makes at most
 * 1032 bytes of one. */
static offcut_status check_plausible(const png_state *state) {
    const offcut_decoder *decoder = state->decoder;
    const uint32_t bits_a_pixel = (uint32_t)png_get_bit_depth(state->png, state->info) *
                                  png_get_channels(state->png, state->info);
    const uint64_t bytes = (uint64_t)decoder->info.width * decoder->info.height * bits_a_pixel / 8;
    if (decoder->options.allow_truncated) return OFFCUT_OK;
    OFFCUT_FAIL_IF(bytes / 1032 > decoder->size, decoder->ctx, OFFCUT_ERR_TRUNCATED,
                   "PNG: expected at least %llu bytes for %u x %u pixels, received %zu",
                   (unsigned long long)(bytes / 1032), decoder->info.width, decoder->info.height,
                   decoder->size);
    return OFFCUT_OK;
}

static offcut_status describe(png_state *state) {
    offcut_decoder *decoder = state->decoder;
    offcut_info *info = &decoder->info;
    info->width = png_get_image_width(state->png, state->info);
    info->height = png_get_image_height(state->png, state->info);
    info->bits = png_get_bit_depth(state->png, state->info) == 16 ? 16 : 8;
    info->has_alpha = (png_get_color_type(state->png, state->info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                      png_get_valid(state->png, state->info, PNG_INFO_tRNS) != 0;
    info->whole = png_get_interlace_type(state->png, state->info) != PNG_INTERLACE_NONE;
    OFFCUT_TRY(offcut__decoder_limits(decoder));
    if (info->whole) OFFCUT_TRY(check_plausible(state));
    read_density(state, info);
    find_exif(decoder);
    return read_icc(state);
}

static offcut_status png_open(offcut_decoder *decoder) {
    png_state *state = NULL;
    OFFCUT_TRY(offcut__alloc(decoder->ctx, 1, sizeof *state, &state));
    decoder->state = state;
    state->decoder = decoder;
    if (OFFCUT__JUMPED(state->jump)) return state->status;
    begin_pass(state);
    return describe(state);
}

/* ---- rows ---- */

/* What a failure within the picture means: the status, or OK where the rest may be missing. */
static offcut_status forgive(png_state *state) {
    if (!state->decoder->options.allow_truncated || state->status == OFFCUT_ERR_MEMORY)
        return state->status;
    state->broken = true;
    return OFFCUT_OK;
}

static offcut_status decode_whole(png_state *state) {
    offcut_decoder *decoder = state->decoder;
    const size_t stride = offcut__decoder_stride(decoder);
    OFFCUT_TRY(offcut__alloc(decoder->ctx, decoder->info.height, stride, &state->whole));
    if (OFFCUT__JUMPED(state->jump)) {
        OFFCUT_TRY(forgive(state));
        end_pass(state);
        return OFFCUT_OK;
    }
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++)
        for (uint32_t y = 0; y < decoder->info.height; y++) {
            png_bytep row = state->whole + y * stride;
            /* As a display row, each pass fills the blocks that later ones refine. */
            const bool blocks = decoder->options.allow_truncated != 0;
            png_read_row(state->png, blocks ? NULL : row, blocks ? row : NULL);
        }
    end_pass(state);
    return OFFCUT_OK;
}

static offcut_status png_start(offcut_decoder *decoder, uint32_t reduce) {
    png_state *state = decoder->state;
    (void)reduce;
    decoder->pass_width = decoder->info.width;
    decoder->pass_height = decoder->info.height;
    if (state->whole) return OFFCUT_OK;
    if (OFFCUT__JUMPED(state->jump)) return state->status;
    begin_pass(state);
    set_transforms(state);
    if (!decoder->info.whole) return OFFCUT_OK;
    const offcut_status status = decode_whole(state);
    if (status != OFFCUT_OK) {
        free(state->whole);
        state->whole = NULL;
    }
    return status;
}

static offcut_status png_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    png_state *state = decoder->state;
    const size_t stride = offcut__decoder_stride(decoder);
    if (state->whole) {
        memcpy(rows, state->whole + decoder->row * stride, count * stride);
        return OFFCUT_OK;
    }
    state->filled = 0;
    if (OFFCUT__JUMPED(state->jump)) OFFCUT_TRY(forgive(state));
    for (; !state->broken && state->filled < count; state->filled++)
        png_read_row(state->png, rows + state->filled * stride, NULL);
    memset(rows + state->filled * stride, 0, (count - state->filled) * stride);
    if (decoder->row + count == decoder->pass_height) end_pass(state);
    return OFFCUT_OK;
}

static void png_close(offcut_decoder *decoder) {
    png_state *state = decoder->state;
    if (!state) return;
    end_pass(state);
    free(state->whole);
    free(state->icc);
    free(state);
}

const offcut__codec offcut__codec_png = {png_open, png_start, png_read, png_close};
