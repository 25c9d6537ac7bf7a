/* SPDX-License-Identifier: Apache-2.0
 * WebP by libwebp: stills, and the first frame of an animation where the canvas has it. */
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "codec.h"
#include "exif.h"
#include "webp_rows.h"

enum { LOSSY = 1 }; /* of WebPBitstreamFeatures.format */

typedef struct webp_state {
    WebPDemuxer *demuxer; /* NULL where the container is too odd for it; the picture may be fine */
    bool animated;
    offcut__webp_rows *rows;      /* of the pass under way */
    uint32_t x, y, width, height; /* where they are on the canvas; a still fills it */
    uint8_t *line;                /* one of them, where they are narrower than the canvas */
} webp_state;

static offcut_status fail(const offcut_decoder *decoder, VP8StatusCode code) {
    offcut_ctx *ctx = decoder->ctx;
    switch (code) {
        case VP8_STATUS_OK: return OFFCUT_OK;
        case VP8_STATUS_OUT_OF_MEMORY:
            return offcut__fail(ctx, OFFCUT_ERR_MEMORY, "WebP: no memory for %u x %u pixels",
                                decoder->info.width, decoder->info.height);
        case VP8_STATUS_UNSUPPORTED_FEATURE:
            return offcut__fail(ctx, OFFCUT_ERR_UNSUPPORTED,
                                "WebP: a feature that libwebp does not know");
        case VP8_STATUS_SUSPENDED:
        case VP8_STATUS_NOT_ENOUGH_DATA:
            return offcut__fail(ctx, OFFCUT_ERR_TRUNCATED,
                                "WebP: the picture needs more than the %zu bytes there are",
                                decoder->size);
        case VP8_STATUS_INVALID_PARAM:
        case VP8_STATUS_BITSTREAM_ERROR:
        case VP8_STATUS_USER_ABORT: break;
    }
    return offcut__fail(ctx, OFFCUT_ERR_CORRUPT, "WebP: the %s cannot be decoded",
                        decoder->info.width ? "picture" : "header");
}

/* ICCP is used in place; EXIF is a TIFF block, from some writers with JPEG's prefix. */
static void read_chunks(offcut_decoder *decoder, const WebPDemuxer *demuxer) {
    WebPChunkIterator chunk = {0};
    if (WebPDemuxGetChunk(demuxer, "ICCP", 1, &chunk) && chunk.chunk.size > 0) {
        decoder->info.icc = chunk.chunk.bytes;
        decoder->info.icc_size = chunk.chunk.size;
    }
    WebPDemuxReleaseChunkIterator(&chunk);
    chunk = (WebPChunkIterator){0};
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk))
        offcut__exif_read(chunk.chunk.bytes, chunk.chunk.size, &decoder->info);
    WebPDemuxReleaseChunkIterator(&chunk);
}

/* Whether the first frame of an animation leaves something of the canvas to be seen through. */
static bool is_seen_through(const offcut_info *info, const WebPDemuxer *demuxer) {
    WebPIterator frame = {0};
    if (!demuxer || !WebPDemuxGetFrame(demuxer, 1, &frame)) return false;
    const bool fills =
        (uint32_t)frame.width == info->width && (uint32_t)frame.height == info->height;
    const bool result = frame.has_alpha || !fills;
    WebPDemuxReleaseIterator(&frame);
    return result;
}

static offcut_status webp_open(offcut_decoder *decoder) {
    webp_state *state = decoder->state;
    WebPBitstreamFeatures features;
    OFFCUT_TRY(fail(decoder, WebPGetFeatures(decoder->data, decoder->size, &features)));
    decoder->info.width = (uint32_t)features.width;
    decoder->info.height = (uint32_t)features.height;
    decoder->info.has_alpha = features.has_alpha;
    state->animated = features.has_animation != 0;
    /* What an animation is made of is not known yet. */
    decoder->info.whole = state->animated || features.format != LOSSY || features.has_alpha;
    OFFCUT_TRY(offcut__decoder_limits(decoder));
    const WebPData bytes = {decoder->data, decoder->size};
    WebPDemuxState parsed = WEBP_DEMUX_PARSE_ERROR;
    state->demuxer = WebPDemuxPartial(&bytes, &parsed);
    if (state->demuxer) read_chunks(decoder, state->demuxer);
    if (state->animated && is_seen_through(&decoder->info, state->demuxer))
        decoder->info.has_alpha = 1;
    return OFFCUT_OK;
}

/* Whether a failure is to be passed over: then what is missing is transparent. */
static bool forgives(const offcut_decoder *decoder, VP8StatusCode code) {
    return decoder->options.allow_truncated && code != VP8_STATUS_OUT_OF_MEMORY;
}

/* Where the first frame of an animation is, in the file and on the canvas. */
static offcut_status find_frame(const offcut_decoder *decoder, webp_state *state, WebPData *data) {
    WebPIterator frame = {0};
    if (!state->demuxer || !WebPDemuxGetFrame(state->demuxer, 1, &frame))
        return fail(decoder, VP8_STATUS_NOT_ENOUGH_DATA);
    state->x = (uint32_t)frame.x_offset;
    state->y = (uint32_t)frame.y_offset;
    state->width = (uint32_t)frame.width;
    state->height = (uint32_t)frame.height;
    *data = frame.fragment;
    WebPDemuxReleaseIterator(&frame); /* the bytes are the file's */
    const offcut_info *info = &decoder->info;
    if (state->width == 0 || state->x > info->width || state->width > info->width - state->x ||
        state->height == 0 || state->y > info->height || state->height > info->height - state->y)
        return fail(decoder, VP8_STATUS_BITSTREAM_ERROR);
    free(state->line);
    return offcut__alloc(decoder->ctx, state->width, 4, &state->line);
}

static offcut_status webp_start(offcut_decoder *decoder, uint32_t reduce) {
    webp_state *state = decoder->state;
    (void)reduce;
    decoder->pass_width = state->width = decoder->info.width;
    decoder->pass_height = state->height = decoder->info.height;
    WebPData data = {decoder->data, decoder->size};
    if (state->animated) OFFCUT_TRY(find_frame(decoder, state, &data));
    offcut__webp_rows_close(state->rows);
    const VP8StatusCode code =
        offcut__webp_rows_open(data.bytes, data.size, state->width, state->height,
                               !decoder->options.allow_truncated, &state->rows);
    return forgives(decoder, code) ? OFFCUT_OK : fail(decoder, code);
}

static offcut_status webp_prepare(offcut_decoder *decoder, bool *ready) {
    (void)decoder;
    *ready = true;
    return OFFCUT_OK;
}

/* Rows of the picture; where it is damaged and that is allowed, the rest is transparent. */
static offcut_status read_picture(const offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    const webp_state *state = decoder->state;
    const size_t stride = (size_t)state->width * 4;
    uint32_t done = 0;
    const VP8StatusCode code = offcut__webp_rows_read(state->rows, rows, count, &done);
    if (done < count && !forgives(decoder, code)) return fail(decoder, code);
    memset(rows + done * stride, 0, (count - done) * stride);
    return OFFCUT_OK;
}

/* The first frame where the canvas has it; the rest of the canvas is transparent. */
static offcut_status read_canvas(const offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    const webp_state *state = decoder->state;
    const size_t stride = offcut__decoder_stride(decoder);
    memset(rows, 0, count * stride);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t y = decoder->row + i;
        if (y < state->y || y - state->y >= state->height) continue;
        OFFCUT_TRY(read_picture(decoder, state->line, 1));
        memcpy(rows + i * stride + (size_t)state->x * 4, state->line, (size_t)state->width * 4);
    }
    return OFFCUT_OK;
}

static offcut_status webp_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    webp_state *state = decoder->state;
    if (state->animated)
        OFFCUT_TRY(read_canvas(decoder, rows, count));
    else
        OFFCUT_TRY(read_picture(decoder, rows, count));
    if (decoder->row + count < decoder->pass_height) return OFFCUT_OK;
    offcut__webp_rows_close(state->rows); /* they may hold the whole picture */
    state->rows = NULL;
    return OFFCUT_OK;
}

static void webp_close(offcut_decoder *decoder) {
    webp_state *state = decoder->state;
    offcut__webp_rows_close(state->rows);
    WebPDemuxDelete(state->demuxer);
    free(state->line);
}

const offcut__codec offcut__codec_webp = {sizeof(webp_state), webp_open, webp_start,
                                          webp_prepare,       webp_read, webp_close};
