/* SPDX-License-Identifier: Apache-2.0
 * PNG by rows: libpng's framing, zlib's deflate, into bytes that the caller may drain between
 * calls. */
#ifndef OFFCUT_CODEC_PNG_WRITER_H
#define OFFCUT_CODEC_PNG_WRITER_H

#include "../base/memory.h"

typedef struct offcut__png_spec {
    uint32_t width, height;
    uint32_t bits; /* 8 or 16 (rows in the machine's byte order) */
    bool grey;     /* one sample a pixel, else R, G, B, A */
    bool opaque;   /* the A of the rows is left out: R, G, B is written */
    offcut_speed speed;
    const uint8_t *icc; /* borrowed while opening; NULL: none */
    size_t icc_size;
    uint32_t density_x, density_y; /* pixels per metre; 0: none */
} offcut__png_spec;

typedef struct offcut__png_writer offcut__png_writer;

/* sink is borrowed until close; every call appends what is ready to it. *writer is the caller's.
 * An ICC profile that libpng refuses is left out, not an error. */
offcut_status offcut__png_writer_open(offcut_ctx *ctx, const offcut__png_spec *spec,
                                      offcut__bytes *sink, offcut__png_writer **writer);
offcut_status offcut__png_writer_write(offcut__png_writer *writer, const uint8_t *rows,
                                       uint32_t count);
offcut_status offcut__png_writer_finish(offcut__png_writer *writer);
void offcut__png_writer_close(offcut__png_writer *writer);

#endif
