/* SPDX-License-Identifier: Apache-2.0
 * JPEG and WebP from rows of R, G, B, A (8 bits), into bytes that the caller may drain between
 * calls. */
#ifndef OFFCUT_CODEC_PICTURE_WRITER_H
#define OFFCUT_CODEC_PICTURE_WRITER_H

#include "../base/memory.h"

typedef struct offcut__picture_spec {
    uint32_t width, height;
    uint32_t quality;   /* 1..100 */
    bool has_alpha;     /* else the rows' alpha is 255 */
    const uint8_t *icc; /* borrowed until close; NULL: none */
    size_t icc_size;
    uint32_t density_x, density_y; /* pixels per metre; 0: none */
} offcut__picture_spec;

/* Each kind opens with the sink borrowed until close, takes rows from the top to the last one, and
 * then is finished. open fails with ERR_UNSUPPORTED where a side is longer than the format has. */

/* Alpha is laid on white: JPEG has none. Rows are encoded as they come. */
typedef struct offcut__jpeg_writer offcut__jpeg_writer;
offcut_status offcut__jpeg_writer_open(offcut_ctx *ctx, const offcut__picture_spec *spec,
                                       offcut__bytes *sink, offcut__jpeg_writer **writer);
offcut_status offcut__jpeg_writer_write(offcut__jpeg_writer *writer, const uint8_t *rows,
                                        uint32_t count);
offcut_status offcut__jpeg_writer_finish(offcut__jpeg_writer *writer);
void offcut__jpeg_writer_close(offcut__jpeg_writer *writer);

/* The picture is kept as 1.5 bytes a pixel, 2.5 with alpha, and encoded by finish, in one go. */
typedef struct offcut__webp_writer offcut__webp_writer;
offcut_status offcut__webp_writer_open(offcut_ctx *ctx, const offcut__picture_spec *spec,
                                       offcut__bytes *sink, offcut__webp_writer **writer);
offcut_status offcut__webp_writer_write(offcut__webp_writer *writer, const uint8_t *rows,
                                        uint32_t count);
offcut_status offcut__webp_writer_finish(offcut__webp_writer *writer);
void offcut__webp_writer_close(offcut__webp_writer *writer);

#endif
