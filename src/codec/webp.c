/* SPDX-License-Identifier: Apache-2.0
 * WebP by libwebp. Stills come by rows; the first frame of an animation is decoded once, at the
 * first pass, and kept on its canvas. */
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
    bool animated, by_rows;
    offcut__webp_rows *rows; /* of the pass under way */
    uint8_t *whole;          /* RGBA, NULL until the first pass */
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

static offcut_status webp_open(offcut_decoder *decoder) {
    webp_state *state = NULL;
    OFFCUT_TRY(offcut__alloc(decoder->ctx, 1, sizeof *state, &state));
    decoder->state = state;
    WebPBitstreamFeatures features;
    OFFCUT_TRY(fail(decoder, WebPGetFeatures(decoder->data, decoder->size, &features)));
    decoder->info.width = (uint32_t)features.width;
    decoder->info.height = (uint32_t)features.height;
    decoder->info.has_alpha = features.has_alpha;
    state->animated = features.has_animation != 0;
    state->by_rows = !state->animated;
    /* The alpha plane of a lossy picture is kept. */
    decoder->info.whole = state->animated || features.format != LOSSY || features.has_alpha;
    OFFCUT_TRY(offcut__decoder_limits(decoder));
    const WebPData bytes = {decoder->data, decoder->size};
    WebPDemuxState parsed = WEBP_DEMUX_PARSE_ERROR;
    state->demuxer = WebPDemuxPartial(&bytes, &parsed);
    if (state->demuxer) read_chunks(decoder, state->demuxer);
    return OFFCUT_OK;
}

/* Decodes one frame, RGBA, to target; rows are stride bytes apart, size counts from target to the
 * end of the last row. What a cut-off frame lacks stays as it is. */
static offcut_status decode_frame(const offcut_decoder *decoder, const uint8_t *data,
                                  size_t data_size, uint8_t *target, size_t stride, size_t size) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config) || stride > INT32_MAX)
        return fail(decoder, VP8_STATUS_INVALID_PARAM);
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){.rgba = target, .stride = (int)stride, .size = size};
    if (!decoder->options.allow_truncated)
        return fail(decoder, WebPDecode(data, data_size, &config));
    WebPIDecoder *incremental = WebPIDecode(NULL, 0, &config);
    if (!incremental) return fail(decoder, VP8_STATUS_OUT_OF_MEMORY);
    const VP8StatusCode code = WebPIUpdate(incremental, data, data_size);
    WebPIDelete(incremental);
    return fail(decoder, code == VP8_STATUS_OUT_OF_MEMORY ? code : VP8_STATUS_OK);
}

/* The first frame where the canvas has it; the rest of the canvas is transparent. */
static offcut_status decode_first_frame(const offcut_decoder *decoder, const webp_state *state,
                                        size_t stride) {
    WebPIterator frame = {0};
    if (!state->demuxer || !WebPDemuxGetFrame(state->demuxer, 1, &frame))
        return fail(decoder, VP8_STATUS_NOT_ENOUGH_DATA);
    offcut_status status = OFFCUT_ERR_CORRUPT;
    const uint32_t x = (uint32_t)frame.x_offset, y = (uint32_t)frame.y_offset;
    const uint32_t width = (uint32_t)frame.width, height = (uint32_t)frame.height;
    if (x > decoder->info.width || width > decoder->info.width - x || width == 0 ||
        y > decoder->info.height || height > decoder->info.height - y || height == 0)
        status = fail(decoder, VP8_STATUS_BITSTREAM_ERROR);
    else
        status = decode_frame(decoder, frame.fragment.bytes, frame.fragment.size,
                              state->whole + y * stride + (size_t)x * 4, stride,
                              (height - 1) * stride + (size_t)width * 4);
    WebPDemuxReleaseIterator(&frame);
    return status;
}

/* Whether a failure is to be passed over: then what is missing is transparent. */
static bool forgives(const offcut_decoder *decoder, VP8StatusCode code) {
    return decoder->options.allow_truncated && code != VP8_STATUS_OUT_OF_MEMORY;
}

static offcut_status start_rows(offcut_decoder *decoder, webp_state *state) {
    offcut__webp_rows_close(state->rows);
    const VP8StatusCode code = offcut__webp_rows_open(
        decoder->data, decoder->size, decoder->info.width, decoder->info.height,
        !decoder->options.allow_truncated, &state->rows);
    return forgives(decoder, code) ? OFFCUT_OK : fail(decoder, code);
}

static offcut_status webp_start(offcut_decoder *decoder, uint32_t reduce) {
    webp_state *state = decoder->state;
    (void)reduce;
    decoder->pass_width = decoder->info.width;
    decoder->pass_height = decoder->info.height;
    if (state->by_rows) return start_rows(decoder, state);
    if (state->whole) return OFFCUT_OK;
    const size_t stride = offcut__decoder_stride(decoder);
    OFFCUT_TRY(offcut__alloc(decoder->ctx, decoder->info.height, stride, &state->whole));
    const offcut_status status =
        state->animated ? decode_first_frame(decoder, state, stride)
                        : decode_frame(decoder, decoder->data, decoder->size, state->whole, stride,
                                       stride * decoder->info.height);
    if (status != OFFCUT_OK) {
        free(state->whole);
        state->whole = NULL;
    }
    return status;
}

static offcut_status webp_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count) {
    webp_state *state = decoder->state;
    const size_t stride = offcut__decoder_stride(decoder);
    if (state->by_rows) {
        uint32_t done = 0;
        const VP8StatusCode code = offcut__webp_rows_read(state->rows, rows, count, &done);
        if (done < count && !forgives(decoder, code)) return fail(decoder, code);
        memset(rows + done * stride, 0, (count - done) * stride);
        if (decoder->row + count == decoder->pass_height) { /* they may hold the whole picture */
            offcut__webp_rows_close(state->rows);
            state->rows = NULL;
        }
        return OFFCUT_OK;
    }
    memcpy(rows, state->whole + decoder->row * stride, count * stride);
    return OFFCUT_OK;
}

static void webp_close(offcut_decoder *decoder) {
    webp_state *state = decoder->state;
    if (!state) return;
    offcut__webp_rows_close(state->rows);
    WebPDemuxDelete(state->demuxer);
    free(state->whole);
    free(state);
}

const offcut__codec offcut__codec_webp = {webp_open, webp_start, webp_read, webp_close};
