/* SPDX-License-Identifier: Apache-2.0
 * Lossy: the order of calls is that of libwebp's VP8Decode() and ParseFrame(), the conversion to
 * RGBA that of its EmitFancyRGB(). Lossless: the picture is cropped to ever more rows, and each
 * call of VP8LDecodeImage() goes on where the last one stopped. So the pixels are those of
 * WebPDecode(). */
#include "webp_rows.h"

#include <stdlib.h>
#include <string.h>

/* Internal headers of libwebp 1.2.4. */
#include <src/dec/vp8i_dec.h>
#include <src/dec/vp8li_dec.h>
#include <src/dec/webpi_dec.h>
#include <src/dsp/dsp.h>

/* Rows that one step can complete. Lossy: the 16 of a row of macroblocks, 8 that the loop filter
 * held back, and one that the upsampling of colour held back. Lossless: 16, the height of libwebp's
 * own cache. */
enum { STEP_ROWS = 16, WINDOW_ROWS = STEP_ROWS + 8 + 1 };

struct offcut__webp_rows {
    VP8Decoder *vp8;   /* lossy ... */
    VP8LDecoder *vp8l; /* ... or lossless */
    VP8Io io;
    VP8StatusCode status;
    uint32_t width, height;
    uint8_t *window;     /* finished rows that were not read yet ... */
    uint32_t first, end; /* ... which of the window's rows these are */

    bool critical; /* lossy: between VP8EnterCritical() and VP8ExitCritical() */
    uint8_t *top_y, *top_u,
        *top_v; /* lossy: the last row of samples: it is finished with the next */

    WebPDecBuffer output; /* lossless: the window as libwebp sees it */
    WebPDecParams params;
    WebPDecoderOptions options;
};

/* ---- samples to RGBA ---- */

typedef struct cursor {
    const uint8_t *y, *u, *v; /* the samples to come */
    uint8_t *target;
    int width, stride;
} cursor;

static void keep_last_row(offcut__webp_rows *rows, const cursor *at) {
    const size_t width = rows->width, half = (width + 1) / 2;
    memcpy(rows->top_y, at->y, width);
    memcpy(rows->top_u, at->u, half);
    memcpy(rows->top_v, at->v, half);
}

/* The first row alone (colour is mirrored at the border), or the row kept from before and the next.
 */
static void convert_first(const offcut__webp_rows *rows, cursor *at, bool is_top) {
    const WebPUpsampleLinePairFunc upsample = WebPUpsamplers[MODE_RGBA];
    if (is_top) {
        upsample(at->y, NULL, at->u, at->v, at->u, at->v, at->target, NULL, at->width);
        at->target += at->stride;
        return;
    }
    upsample(rows->top_y, at->y, rows->top_u, rows->top_v, at->u, at->v, at->target,
             at->target + at->stride, at->width);
    at->target += 2 * at->stride;
}

/* Pairs of rows between two rows of colour samples. at->y is the row converted last. */
static void convert_pairs(const VP8Io *io, cursor *at, int pairs) {
    const WebPUpsampleLinePairFunc upsample = WebPUpsamplers[MODE_RGBA];
    for (; pairs > 0; pairs--) {
        const uint8_t *top_u = at->u, *top_v = at->v;
        at->u += io->uv_stride;
        at->v += io->uv_stride;
        at->y += 2 * io->y_stride;
        upsample(at->y - io->y_stride, at->y, top_u, top_v, at->u, at->v, at->target,
                 at->target + at->stride, at->width);
        at->target += 2 * at->stride;
    }
}

/* libwebp hands over rows io->mb_y to io->mb_y + io->mb_h. mb_y is even, and so is mb_h but at the
 * end. */
static int on_rows(const VP8Io *io) {
    offcut__webp_rows *rows = io->opaque;
    const bool is_top = io->mb_y == 0, is_bottom = io->mb_y + io->mb_h >= io->height;
    const int stride = (int)rows->width * 4;
    cursor at = {io->y, io->u, io->v, rows->window, (int)rows->width, stride};
    convert_first(rows, &at, is_top);
    convert_pairs(io, &at, (io->mb_h - 1) / 2);
    if (io->mb_h % 2 == 0) { /* a row is left, and the colour below it is not known yet */
        at.y += io->y_stride;
        if (is_bottom) {
            WebPUpsamplers[MODE_RGBA](at.y, NULL, at.u, at.v, at.u, at.v, at.target, NULL,
                                      at.width);
            at.target += stride;
        } else {
            keep_last_row(rows, &at);
        }
    }
    const int count = (int)((at.target - rows->window) / stride);
    if (io->a) /* the plane is persistent: the row before is still there */
        WebPDispatchAlpha(is_top ? io->a : io->a - io->width, io->width, io->width, count,
                          rows->window + 3, stride);
    rows->first = 0;
    rows->end = (uint32_t)count;
    return 1;
}

/* ---- lossy ---- */

static VP8StatusCode begin_lossy(offcut__webp_rows *rows, const WebPHeaderStructure *headers) {
    const size_t width = rows->width, half = (width + 1) / 2;
    VP8Decoder *vp8 = VP8New();
    rows->vp8 = vp8;
    rows->top_y = malloc(width + 2 * half);
    if (!vp8 || !rows->top_y) return VP8_STATUS_OUT_OF_MEMORY;
    rows->top_u = rows->top_y + width;
    rows->top_v = rows->top_u + half;
    rows->io.opaque = rows;
    rows->io.put = on_rows;
    if (!VP8GetHeaders(vp8, &rows->io)) return vp8->status_;
    if ((uint32_t)rows->io.width != rows->width || (uint32_t)rows->io.height != rows->height)
        return VP8_STATUS_BITSTREAM_ERROR;
    WebPInitUpsamplers();
    WebPInitAlphaProcessing();
    rows->critical = true;
    if (VP8EnterCritical(vp8, &rows->io) != VP8_STATUS_OK || !VP8InitFrame(vp8, &rows->io))
        return vp8->status_;
    /* Not before: VP8InitFrame() would set aside a second plane that nothing uses. */
    vp8->alpha_data_ = headers->alpha_data;
    vp8->alpha_data_size_ = headers->alpha_data_size;
    return VP8_STATUS_OK;
}

/* One row of macroblocks; on_rows() gets what it completes. */
static VP8StatusCode step_lossy(offcut__webp_rows *rows) {
    VP8Decoder *vp8 = rows->vp8;
    VP8BitReader *tokens = &vp8->parts_[(uint32_t)vp8->mb_y_ & vp8->num_parts_minus_one_];
    if (!VP8ParseIntraModeRow(&vp8->br_, vp8)) return VP8_STATUS_NOT_ENOUGH_DATA;
    for (; vp8->mb_x_ < vp8->mb_w_; vp8->mb_x_++)
        if (!VP8DecodeMB(vp8, tokens)) return VP8_STATUS_NOT_ENOUGH_DATA;
    VP8InitScanline(vp8);
    if (!VP8ProcessRow(vp8, &rows->io))
        return vp8->status_ == VP8_STATUS_OK ? VP8_STATUS_BITSTREAM_ERROR : vp8->status_;
    vp8->mb_y_++;
    return VP8_STATUS_OK;
}

/* ---- lossless ---- */

static VP8StatusCode begin_lossless(offcut__webp_rows *rows) {
    const int width = (int)rows->width;
    rows->vp8l = VP8LNew();
    if (!rows->vp8l) return VP8_STATUS_OUT_OF_MEMORY;
    rows->io.opaque = &rows->params;
    if (!VP8LDecodeHeader(rows->vp8l, &rows->io)) return rows->vp8l->status_;
    if (rows->io.width != width || (uint32_t)rows->io.height != rows->height)
        return VP8_STATUS_BITSTREAM_ERROR;
    rows->output = (WebPDecBuffer){.colorspace = MODE_RGBA,
                                   .width = width,
                                   .height = STEP_ROWS,
                                   .is_external_memory = 1,
                                   .u.RGBA = {.rgba = rows->window, .stride = width * 4}};
    rows->options = (WebPDecoderOptions){
        .use_cropping = 1,
        .crop_width = width,
        .crop_height = rows->height < STEP_ROWS ? (int)rows->height : STEP_ROWS};
    rows->params.output = &rows->output;
    rows->params.options = &rows->options;
    return VP8_STATUS_OK;
}

static VP8StatusCode step_lossless(offcut__webp_rows *rows) {
    VP8LDecoder *vp8l = rows->vp8l;
    if (vp8l->state_ == READ_DATA) { /* the first step takes its rows from the options */
        const int bottom = rows->io.crop_bottom + STEP_ROWS;
        rows->io.crop_bottom = bottom < rows->io.height ? bottom : rows->io.height;
    }
    vp8l->last_out_row_ = 0; /* to the window's first row */
    if (!VP8LDecodeImage(vp8l)) return vp8l->status_;
    rows->first = 0;
    rows->end = (uint32_t)vp8l->last_out_row_;
    return VP8_STATUS_OK;
}

/* ---- either ---- */

static VP8StatusCode begin(offcut__webp_rows *rows, const WebPHeaderStructure *headers) {
    if (!VP8InitIo(&rows->io)) return VP8_STATUS_INVALID_PARAM;
    rows->io.data = headers->data + headers->offset;
    rows->io.data_size = headers->data_size - headers->offset;
    rows->window = malloc((size_t)rows->width * 4 * WINDOW_ROWS);
    if (!rows->window) return VP8_STATUS_OUT_OF_MEMORY;
    return headers->is_lossless ? begin_lossless(rows) : begin_lossy(rows, headers);
}

static bool at_end(const offcut__webp_rows *rows) {
    if (rows->vp8) return rows->vp8->mb_y_ >= rows->vp8->br_mb_y_;
    return rows->vp8l->last_row_ >= rows->io.height;
}

VP8StatusCode offcut__webp_rows_open(const uint8_t *data, size_t size, uint32_t width,
                                     uint32_t height, bool complete, offcut__webp_rows **rows) {
    offcut__webp_rows *self = calloc(1, sizeof *self);
    *rows = self;
    if (!self) return VP8_STATUS_OUT_OF_MEMORY;
    self->width = width;
    self->height = height;
    WebPHeaderStructure headers = {.data = data, .data_size = size, .have_all_data = complete};
    self->status = WebPParseHeaders(&headers);
    if (self->status == VP8_STATUS_OK) self->status = begin(self, &headers);
    return self->status;
}

VP8StatusCode offcut__webp_rows_read(offcut__webp_rows *rows, uint8_t *target, uint32_t count,
                                     uint32_t *done) {
    const size_t stride = (size_t)rows->width * 4;
    *done = 0;
    while (*done < count) {
        if (rows->first < rows->end) {
            const uint32_t ready = rows->end - rows->first, left = count - *done;
            const uint32_t taken = ready < left ? ready : left;
            memcpy(target + *done * stride, rows->window + rows->first * stride, taken * stride);
            rows->first += taken;
            *done += taken;
            continue;
        }
        if (rows->status != VP8_STATUS_OK || at_end(rows)) break;
        rows->status = rows->vp8 ? step_lossy(rows) : step_lossless(rows);
    }
    return rows->status;
}

void offcut__webp_rows_close(offcut__webp_rows *rows) {
    if (!rows) return;
    if (rows->critical) VP8ExitCritical(rows->vp8, &rows->io);
    VP8Delete(rows->vp8); /* both take NULL */
    VP8LDelete(rows->vp8l);
    free(rows->top_y);
    free(rows->window);
    free(rows);
}
