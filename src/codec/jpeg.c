/* SPDX-License-Identifier: Apache-2.0
 * JPEG by libjpeg-turbo. Every pass begins with a fresh decompressor on the same bytes: cheap, and
 * no table or scan of one pass can leak into the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs stdio.h before it. */
#include <jpeglib.h>

/* Needs jpeglib.h before it: its numbers depend on the library's version. */
#include <jerror.h>

#include "codec.h"
#include "jpeg_markers.h"
#include "jump.h"

/* Stray bytes that a finished scan may leave behind. Cameras pad; a scan that lost its way leaves
 * more. */
enum { STRAY_BYTES_MAX = 64 };

/* Scans x pixels that a progressive picture may ask for, and how many scans are fine for any. Each
 * scan walks over the whole picture even if it says nothing ("scan bombs"); real encoders use about
 * ten. */
#define SCAN_PIXELS_MAX 4e9
enum { SCANS_FREE = 40, SCANS_MAX = 1000 };

/* Pixels of a scan that one step of the preparation reads. */
enum { STEP_PIXELS = 1 << 20 };

/* Blocks that a bit of the file may stand for where arithmetic coding sets no bound. A policy: 1 kB
 * for about 30 megapixels. */
enum { ARITHMETIC_BLOCKS_A_BIT = 64 };

typedef struct jpeg_state {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    offcut__jump jump;
    offcut_decoder *decoder;
    bool ended;      /* the library wanted more bytes than there are */
    bool in_scan;    /* past the header */
    bool cut_off;    /* a scan failed, and that is allowed: what came before it is shown */
    bool shown;      /* several scans: rows can be read */
    bool broken;     /* nothing more comes, and that is allowed: the rest is grey */
    int components;  /* as the header says */
    uint32_t reduce; /* of the pass */
    uint8_t *rows;   /* where the current read puts them ... */
    uint32_t count;  /* ... how many there are to be ... */
    uint32_t filled; /* ... and how many are done */
    uint8_t *icc;
} jpeg_state;

/* ---- what libjpeg calls ---- */

static offcut_status status_of(const jpeg_state *state, int code) {
    switch (code) {
        case JERR_OUT_OF_MEMORY: return OFFCUT_ERR_MEMORY;
        case JERR_SOF_UNSUPPORTED:
        case JERR_EMPTY_IMAGE:
        case JERR_IMAGE_TOO_BIG:
        case JERR_COMPONENT_COUNT:
        case JERR_CONVERSION_NOTIMPL:
        case JERR_FRACT_SAMPLE_NOTIMPL:
        case JERR_CCIR601_NOTIMPL:
        case JERR_ARITH_NOTIMPL:
        case JERR_NOT_COMPILED: return OFFCUT_ERR_UNSUPPORTED;
        case JERR_BAD_PRECISION:
            return state->jpeg.data_precision == 12 || state->jpeg.data_precision == 16
                       ? OFFCUT_ERR_UNSUPPORTED
                       : OFFCUT_ERR_CORRUPT;
        default: return state->ended ? OFFCUT_ERR_TRUNCATED : OFFCUT_ERR_CORRUPT;
    }
}

static _Noreturn void leave(jpeg_state *state, offcut_status status, const char *text) {
    offcut__jump_leave(&state->jump, status, "JPEG", text);
}

static _Noreturn void on_error(j_common_ptr common) {
    jpeg_state *state = common->client_data;
    char text[JMSG_LENGTH_MAX] = "";
    state->errors.format_message(common, text);
    leave(state, status_of(state, state->errors.msg_code), text);
}

/* Warnings that say nothing about the pixels. */
static bool is_harmless(const jpeg_state *state) {
    const int *numbers = state->errors.msg_parm.i;
    switch (state->errors.msg_code) {
        case JWRN_JFIF_MAJOR:
        case JWRN_ADOBE_XFORM:
        case JWRN_NOT_SEQUENTIAL: return true;
        case JWRN_EXTRANEOUS_DATA:
            if (numbers[1] >= JPEG_RST0 && numbers[1] <= JPEG_RST0 + 7) return false;
            return !state->in_scan || numbers[0] <= STRAY_BYTES_MAX;
        default: return false;
    }
}

static void on_message(j_common_ptr common, int level) {
    jpeg_state *state = common->client_data;
    if (level >= 0 || state->decoder->options.allow_truncated || is_harmless(state)) return;
    on_error(common);
}

static void on_output(j_common_ptr common) {
    (void)common; /* a library does not print */
}

static void on_source(j_decompress_ptr jpeg) {
    (void)jpeg;
}

/* Like libjpeg's own memory source: an end marker in place of what is missing. Whether anything
 * really is missing shows later: the last bytes before the end of the file often are read ahead
 * only. */
static boolean on_empty(j_decompress_ptr jpeg) {
    static const JOCTET end[] = {0xff, JPEG_EOI};
    jpeg_state *state = jpeg->client_data;
    state->ended = true;
    state->source.next_input_byte = end;
    state->source.bytes_in_buffer = sizeof end;
    return TRUE;
}

static void on_skip(j_decompress_ptr jpeg, long count) {
    jpeg_state *state = jpeg->client_data;
    if (count <= 0) return;
    if ((unsigned long)count > state->source.bytes_in_buffer) {
        on_empty(jpeg);
        return;
    }
    state->source.next_input_byte += count;
    state->source.bytes_in_buffer -= (size_t)count;
}

/* May jump. */
static void check_scans(jpeg_state *state) {
    const offcut_info *info = &state->decoder->info;
    const double pixels = (double)info->width * info->height;
    const int scan = state->jpeg.input_scan_number;
    if (scan <= SCANS_FREE || (scan <= SCANS_MAX && scan * pixels <= SCAN_PIXELS_MAX)) return;
    leave(state, OFFCUT_ERR_LIMIT, "more scans than a picture of this size can need");
}

/* ---- passes ---- */

static void end_pass(jpeg_state *state) {
    jpeg_destroy_decompress(&state->jpeg); /* legal at any time, also on a zeroed struct */
    memset(&state->jpeg, 0, sizeof state->jpeg);
}

/* Sets up the library as far as the header. May jump. */
static void begin_pass(void *self) {
    jpeg_state *state = self;
    end_pass(state);
    state->jpeg.err = jpeg_std_error(&state->errors);
    state->errors.error_exit = on_error;
    state->errors.emit_message = on_message;
    state->errors.output_message = on_output;
    state->jpeg.client_data = state;
    state->ended = state->in_scan = state->cut_off = state->shown = state->broken = false;
    jpeg_create_decompress(&state->jpeg);
    state->source = (struct jpeg_source_mgr){
        .next_input_byte = state->decoder->data,
        .bytes_in_buffer = state->decoder->size,
        .init_source = on_source,
        .fill_input_buffer = on_empty,
        .skip_input_data = on_skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = on_source,
    };
    state->jpeg.src = &state->source;
    jpeg_read_header(&state->jpeg, TRUE);
}

static bool is_cmyk(const jpeg_state *state) {
    return state->jpeg.jpeg_color_space == JCS_CMYK || state->jpeg.jpeg_color_space == JCS_YCCK;
}

static void read_density(const jpeg_state *state, offcut_info *info) {
    if (!state->jpeg.saw_JFIF_marker || state->jpeg.X_density == 0 || state->jpeg.Y_density == 0)
        return;
    const uint32_t unit = state->jpeg.density_unit;
    if (unit != 1 && unit != 2) return; /* neither per inch nor per centimetre: a ratio */
    const uint32_t scale = unit == 1 ? 10000 : 25400; /* per metre, times 254 */
    info->density_x = (state->jpeg.X_density * scale + 127) / 254;
    info->density_y = (state->jpeg.Y_density * scale + 127) / 254;
}

/* A picture of several scans is kept as coefficients, so a small file must not claim a big one:
 * with Huffman codes every block of a component takes at least a bit. */
static offcut_status check_plausible(const jpeg_state *state) {
    const struct jpeg_decompress_struct *jpeg = &state->jpeg;
    const offcut_decoder *decoder = state->decoder;
    if (!jpeg->arith_code && decoder->options.allow_truncated) return OFFCUT_OK;
    uint64_t least = UINT64_MAX, sum = 0;
    for (int i = 0; i < jpeg->num_components; i++) {
        const jpeg_component_info *part = &jpeg->comp_info[i];
        const uint64_t blocks = (uint64_t)part->width_in_blocks * part->height_in_blocks;
        if (blocks < least) least = blocks;
        sum += blocks;
    }
    const uint64_t bytes = (jpeg->arith_code ? sum / ARITHMETIC_BLOCKS_A_BIT : least) / 8;
    OFFCUT_FAIL_IF(bytes > decoder->size, decoder->ctx, OFFCUT_ERR_TRUNCATED,
                   "JPEG: expected at least %llu bytes for %u x %u pixels, received %zu",
                   (unsigned long long)bytes, decoder->info.width, decoder->info.height,
                   decoder->size);
    return OFFCUT_OK;
}

static offcut_status describe(jpeg_state *state) {
    offcut_decoder *decoder = state->decoder;
    offcut_info *info = &decoder->info;
    info->width = state->jpeg.image_width;
    info->height = state->jpeg.image_height;
    info->whole = jpeg_has_multiple_scans(&state->jpeg);
    OFFCUT_TRY(offcut__decoder_limits(decoder));
    OFFCUT_FAIL_IF(state->jpeg.jpeg_color_space == JCS_UNKNOWN, decoder->ctx,
                   OFFCUT_ERR_UNSUPPORTED, "JPEG: %d colour components of unknown meaning",
                   state->jpeg.num_components);
    if (info->whole) OFFCUT_TRY(check_plausible(state));
    read_density(state, info);
    OFFCUT_TRY(offcut__jpeg_markers_read(decoder->ctx, decoder->data, decoder->size, info,
                                         &state->icc, &info->icc_size));
    if (is_cmyk(state)) { /* the rows will be RGB: a CMYK profile does not describe them */
        free(state->icc);
        state->icc = NULL;
        info->icc_size = 0;
    }
    info->icc = state->icc;
    return OFFCUT_OK;
}

static offcut_status jpeg_open(offcut_decoder *decoder) {
    jpeg_state *state = decoder->state;
    state->decoder = decoder;
    state->jump.ctx = decoder->ctx;
    OFFCUT_TRY(offcut__jump_run(&state->jump, begin_pass, state));
    return describe(state);
}

/* ---- beginning ---- */

/* What a failure within the picture means: the status, or OK where the rest may be missing. */
static offcut_status forgive(const jpeg_state *state) {
    const offcut_status status = state->jump.status;
    const bool damage = state->in_scan && status != OFFCUT_ERR_MEMORY && status != OFFCUT_ERR_LIMIT;
    return damage && state->decoder->options.allow_truncated ? OFFCUT_OK : status;
}

static void choose_output(jpeg_state *state) {
    struct jpeg_decompress_struct *jpeg = &state->jpeg;
    jpeg->buffered_image = jpeg_has_multiple_scans(jpeg);
    jpeg->out_color_space = is_cmyk(state) ? JCS_CMYK : JCS_EXT_RGBA;
    jpeg->scale_num = 1;
    jpeg->scale_denom = state->reduce;
    jpeg->dct_method = JDCT_ISLOW;
    if (state->reduce == 1) return;
    /* A reduced pass is only averaged further: what fancy upsampling adds would be lost. */
    jpeg->dct_method = JDCT_IFAST;
    jpeg->do_fancy_upsampling = FALSE;
}

/* May jump. */
static void begin_picture(void *self) {
    jpeg_state *state = self;
    begin_pass(state);
    choose_output(state);
    state->components = state->jpeg.num_components;
    state->in_scan = true;
    jpeg_start_decompress(&state->jpeg);
}

static offcut_status jpeg_start(offcut_decoder *decoder, uint32_t reduce) {
    jpeg_state *state = decoder->state;
    state->reduce = reduce;
    decoder->pass_width = (decoder->info.width + reduce - 1) / reduce;
    decoder->pass_height = (decoder->info.height + reduce - 1) / reduce;
    if (offcut__jump_run(&state->jump, begin_picture, state) == OFFCUT_OK) return OFFCUT_OK;
    state->broken = true;
    return forgive(state);
}

/* Where no code word can run past the end unnoticed (arithmetic coding), or whole scans may be
 * missing, the end of the file before the end marker means loss. Elsewhere a missing end marker is
 * no harm. May jump. */
static void check_end(jpeg_state *state) {
    const bool matters = state->jpeg.arith_code || jpeg_has_multiple_scans(&state->jpeg);
    if (!matters || !state->ended || state->decoder->options.allow_truncated) return;
    leave(state, OFFCUT_ERR_TRUNCATED, "the file ends before the end marker");
}

/* Reads on in the scans; true at the end of the file. May jump. */
static bool read_scans(jpeg_state *state) {
    const uint64_t row_pixels = (uint64_t)state->jpeg.image_width * DCTSIZE;
    for (uint64_t pixels = 0; pixels < STEP_PIXELS; pixels += row_pixels) {
        check_scans(state);
        if (jpeg_consume_input(&state->jpeg) != JPEG_REACHED_EOI) continue;
        check_end(state);
        return true;
    }
    return false;
}

/* After a scan that failed: what there is can be shown. */
static void end_scans(jpeg_state *state) {
    struct jpeg_decompress_struct *jpeg = &state->jpeg;
    /* The library refuses a second frame header, but only after it has taken these from it. */
    jpeg->num_components = state->components;
    jpeg->image_width = state->decoder->info.width;
    jpeg->image_height = state->decoder->info.height;
    /* As if the next scan had begun: then it asks for no more of this one. */
    jpeg->input_scan_number++;
}

/* Reads on in the scans, and at their end begins to show what they have brought. May jump. */
static void prepare_scans(void *self) {
    jpeg_state *state = self;
    struct jpeg_decompress_struct *jpeg = &state->jpeg;
    if (state->cut_off)
        end_scans(state);
    else if (!read_scans(state))
        return;
    jpeg_start_output(jpeg, jpeg->input_scan_number - (state->cut_off ? 1 : 0));
    state->shown = true;
}

static offcut_status jpeg_prepare(offcut_decoder *decoder, bool *ready) {
    jpeg_state *state = decoder->state;
    const bool waits = state->jpeg.buffered_image && !state->shown;
    while (waits && !state->broken &&
           offcut__jump_run(&state->jump, prepare_scans, state) != OFFCUT_OK) {
        OFFCUT_TRY(forgive(state));
        state->broken = state->cut_off; /* not even what came before can be shown */
        state->cut_off = true;
    }
    *ready = state->broken || state->shown || !state->jpeg.buffered_image;
    return OFFCUT_OK;
}

/* ---- rows ---- */

/* Adobe stores 255 - ink. The simple product is what viewers without colour management show. */
static void cmyk_to_rgba(uint8_t *row, uint32_t width, bool inverted) {
    const uint8_t flip = inverted ? 0 : 255;
    for (uint32_t x = 0; x < width; x++, row += 4) {
        const uint32_t key = row[3] ^ flip;
        for (int i = 0; i < 3; i++) row[i] = (uint8_t)(((row[i] ^ flip) * key + 127) / 255);
        row[3] = 255;
    }
}

static void fill_grey(uint8_t *rows, size_t size) {
    for (size_t i = 0; i < size; i += 4) {
        memset(rows + i, 128, 3);
        rows[i + 3] = 255;
    }
}

/* The rows of this read, and behind the last one what follows it, to judge it. May jump. */
static void read_rows(void *self) {
    jpeg_state *state = self;
    const offcut_decoder *decoder = state->decoder;
    for (; state->filled < state->count; state->filled++) {
        JSAMPROW row = state->rows + (size_t)state->filled * decoder->pass_width * 4;
        jpeg_read_scanlines(&state->jpeg, &row, 1);
        if (is_cmyk(state))
            cmyk_to_rgba(row, decoder->pass_width, state->jpeg.saw_Adobe_marker == TRUE);
    }
    if (decoder->row + state->count < decoder->pass_height || state->jpeg.buffered_image) return;
    check_end(state);
    jpeg_finish_decompress(&state->jpeg);
}

static offcut_status jpeg_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    jpeg_state *state = decoder->state;
    const size_t stride = (size_t)decoder->pass_width * 4;
    state->rows = rows;
    state->count = count;
    state->filled = 0;
    if (!state->broken && offcut__jump_run(&state->jump, read_rows, state) != OFFCUT_OK) {
        OFFCUT_TRY(forgive(state));
        state->broken = true;
    }
    fill_grey(rows + state->filled * stride, (count - state->filled) * stride);
    if (decoder->row + count == decoder->pass_height) end_pass(state);
    return OFFCUT_OK;
}

static void jpeg_close(offcut_decoder *decoder) {
    jpeg_state *state = decoder->state;
    end_pass(state);
    free(state->icc);
}

const offcut__codec offcut__codec_jpeg = {sizeof(jpeg_state), jpeg_open, jpeg_start,
                                          jpeg_prepare,       jpeg_read, jpeg_close};
