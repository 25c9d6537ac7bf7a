/* SPDX-License-Identifier: Apache-2.0
 * Lossy WebP by libwebp. Its encoder wants the whole picture, but as Y, U, V, A planes: rows become
 * that in bands, so the picture is never kept as RGBA. */
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

#include "writer.h"

/* Even, so that a band's last rows of chroma are whole; then bands give what the whole picture
 * would. */
enum { BAND_ROWS = 16 };

typedef struct webp_state {
    WebPConfig config;
    WebPPicture picture;
    uint8_t *band;   /* RGBA, up to BAND_ROWS rows */
    uint32_t banded; /* rows in it */
    uint32_t row;    /* rows taken, those in the band included */
} webp_state;

static offcut_status prepare(const offcut__writer *writer, webp_state *self) {
    const offcut__picture_spec *spec = &writer->spec;
    OFFCUT_FAIL_IF(!WebPConfigInit(&self->config) || !WebPPictureInit(&self->picture), writer->ctx,
                   OFFCUT_ERR_UNSUPPORTED, "libwebp is of another version than its headers");
    self->config.quality = (float)spec->quality;
    self->picture.width = (int)spec->width;
    self->picture.height = (int)spec->height;
    self->picture.colorspace = spec->opaque ? WEBP_YUV420 : WEBP_YUV420A;
    OFFCUT_FAIL_IF(!WebPPictureAlloc(&self->picture), writer->ctx, OFFCUT_ERR_MEMORY,
                   "no memory to keep %u x %u pixels for WebP", spec->width, spec->height);
    return offcut__alloc(writer->ctx, (size_t)spec->width * 4, BAND_ROWS, &self->band);
}

static offcut_status webp_open(offcut__writer *writer) {
    const offcut__picture_spec *spec = &writer->spec;
    OFFCUT_FAIL_IF(spec->width > WEBP_MAX_DIMENSION || spec->height > WEBP_MAX_DIMENSION,
                   writer->ctx, OFFCUT_ERR_UNSUPPORTED,
                   "a WebP's sides end at %d pixels, this is %u x %u", WEBP_MAX_DIMENSION,
                   spec->width, spec->height);
    return prepare(writer, writer->state);
}

static void copy_plane(uint8_t *to, int to_stride, const uint8_t *from, int from_stride, int width,
                       int height) {
    for (int y = 0; y < height; y++)
        memcpy(to + (ptrdiff_t)y * to_stride, from + (ptrdiff_t)y * from_stride, (size_t)width);
}

/* The rows of the band to their place in the picture's planes. */
static offcut_status convert_band(const offcut__writer *writer) {
    webp_state *self = writer->state;
    WebPPicture *whole = &self->picture, part;
    if (!WebPPictureInit(&part)) return OFFCUT_ERR_UNSUPPORTED; /* it was fine before */
    part.width = whole->width;
    part.height = (int)self->banded;
    const bool done = WebPPictureImportRGBA(&part, self->band, whole->width * 4) != 0;
    if (done) {
        const int y = (int)(self->row - self->banded), half = (part.height + 1) / 2;
        const ptrdiff_t uv = (ptrdiff_t)y / 2 * whole->uv_stride;
        copy_plane(whole->y + (ptrdiff_t)y * whole->y_stride, whole->y_stride, part.y,
                   part.y_stride, part.width, part.height);
        copy_plane(whole->u + uv, whole->uv_stride, part.u, part.uv_stride, (part.width + 1) / 2,
                   half);
        copy_plane(whole->v + uv, whole->uv_stride, part.v, part.uv_stride, (part.width + 1) / 2,
                   half);
        for (int i = 0; whole->a && i < part.height; i++) {
            uint8_t *alpha = whole->a + (ptrdiff_t)(y + i) * whole->a_stride;
            if (part.a) /* else it is all opaque */
                memcpy(alpha, part.a + (ptrdiff_t)i * part.a_stride, (size_t)part.width);
            else
                memset(alpha, 255, (size_t)part.width);
        }
    }
    WebPPictureFree(&part);
    self->banded = 0;
    OFFCUT_FAIL_IF(!done, writer->ctx, OFFCUT_ERR_MEMORY, "no memory to convert rows for WebP");
    return OFFCUT_OK;
}

static offcut_status webp_write(offcut__writer *writer, const uint8_t *rows, uint32_t count) {
    webp_state *state = writer->state;
    const size_t stride = (size_t)writer->spec.width * 4;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(state->band + state->banded * stride, rows + i * stride, stride);
        state->banded++;
        state->row++;
        if (state->banded == BAND_ROWS || state->row == writer->spec.height)
            OFFCUT_TRY(convert_band(writer));
    }
    return OFFCUT_OK;
}

static int on_write(const uint8_t *data, size_t size, const WebPPicture *picture) {
    return offcut__bytes_append(picture->custom_ptr, data, size);
}

static int on_progress(int percent, const WebPPicture *picture) {
    const offcut__picture_spec *spec = picture->user_data;
    return !spec->progress ||
           spec->progress(spec->user, OFFCUT_STAGE_ENCODE, (float)percent / 100) == 0;
}

static offcut_status encode(offcut__writer *writer, offcut__bytes *file) {
    webp_state *self = writer->state;
    self->picture.writer = on_write;
    self->picture.custom_ptr = file;
    self->picture.progress_hook = on_progress;
    self->picture.user_data = &writer->spec;
    if (WebPEncode(&self->config, &self->picture)) return OFFCUT_OK;
    const WebPEncodingError code = self->picture.error_code;
    OFFCUT_FAIL_IF(code == VP8_ENC_ERROR_USER_ABORT, writer->ctx, OFFCUT_ERR_CANCELLED,
                   "the progress callback asked to stop");
    /* libwebp says nothing, which is OK, where alpha had no memory. */
    const bool memory = code == VP8_ENC_OK || code == VP8_ENC_ERROR_OUT_OF_MEMORY ||
                        code == VP8_ENC_ERROR_BAD_WRITE ||
                        code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY;
    return offcut__fail(writer->ctx, memory ? OFFCUT_ERR_MEMORY : OFFCUT_ERR_UNSUPPORTED,
                        "libwebp could not encode %u x %u pixels (its error %d)",
                        writer->spec.width, writer->spec.height, (int)code);
}

static void put_number(uint8_t *to, size_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
}

/* Where a profile belongs in a file of the encoder's: RIFF header, VP8X, ICCP, what follows. */
enum { RIFF_BYTES = 12, CHUNK_BYTES = 8, VP8X_BYTES = 18, FLAG_ICC = 0x20 };

/* The same file with an ICC profile in it. libwebp's mux could do this, but is ten times the code.
 */
static offcut_status add_profile(const offcut__writer *writer, const offcut__bytes *file) {
    const offcut__picture_spec *spec = &writer->spec;
    const size_t odd = spec->icc_size % 2;
    uint8_t head[RIFF_BYTES + VP8X_BYTES + CHUNK_BYTES] = {0};
    const bool extended = memcmp(file->data + RIFF_BYTES, "VP8X", 4) == 0;
    const size_t rest = extended ? RIFF_BYTES + VP8X_BYTES : RIFF_BYTES;
    memcpy(head, file->data, rest);
    uint8_t *vp8x = head + RIFF_BYTES, *iccp = vp8x + VP8X_BYTES;
    memcpy(vp8x, "VP8X", 4);
    put_number(vp8x + 4, VP8X_BYTES - CHUNK_BYTES, 4);
    vp8x[8] |= FLAG_ICC;
    put_number(vp8x + 12, spec->width - 1, 3);
    put_number(vp8x + 15, spec->height - 1, 3);
    memcpy(iccp, "ICCP", 4);
    put_number(iccp + 4, spec->icc_size, 4);
    const size_t size = sizeof head + spec->icc_size + odd + (file->size - rest);
    put_number(head + 4, size - 8, 4);
    const bool done = offcut__bytes_append(writer->sink, head, sizeof head) &&
                      offcut__bytes_append(writer->sink, spec->icc, spec->icc_size) &&
                      offcut__bytes_append(writer->sink, "", odd) &&
                      offcut__bytes_append(writer->sink, file->data + rest, file->size - rest);
    OFFCUT_FAIL_IF(!done, writer->ctx, OFFCUT_ERR_MEMORY, "no memory for the output");
    return OFFCUT_OK;
}

static offcut_status webp_finish(offcut__writer *writer) {
    const offcut__picture_spec *spec = &writer->spec;
    if (!spec->icc) return encode(writer, writer->sink);
    offcut__bytes file = {0};
    offcut_status status = encode(writer, &file);
    if (status == OFFCUT_OK) status = add_profile(writer, &file);
    offcut__bytes_free(&file);
    return status;
}

static void webp_close(offcut__writer *writer) {
    webp_state *state = writer->state;
    WebPPictureFree(&state->picture);
    free(state->band);
}

const offcut__writer_kind offcut__writer_webp = {sizeof(webp_state), webp_open, webp_write,
                                                 webp_finish, webp_close};
