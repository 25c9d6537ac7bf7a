/* SPDX-License-Identifier: Apache-2.0
 * Files from rows of R, G, B, A, into bytes that the caller may drain between calls; and what each
 * format implements for that. */
#ifndef OFFCUT_CODEC_WRITER_H
#define OFFCUT_CODEC_WRITER_H

#include "../base/memory.h"

typedef struct offcut__picture_spec {
    uint32_t width, height;
    uint32_t bits;      /* PNG: 8 or 16 (rows in the machine's byte order); the others take 8 */
    bool grey;          /* PNG: the rows have one sample a pixel */
    bool opaque;        /* the rows' A is 255, and not written */
    offcut_speed speed; /* PNG */
    uint32_t quality;   /* JPEG and WebP: 1..100 */
    const uint8_t *icc; /* borrowed until close; NULL: none */
    size_t icc_size;    /* 0 without */
    uint32_t density_x, density_y; /* pixels per metre; 0: none */
    /* As in offcut_options; called by WebP's finish. NULL: not called. */
    int (*progress)(void *user, int stage, float fraction);
    void *user;
} offcut__picture_spec;

typedef struct offcut__writer_kind offcut__writer_kind;

typedef struct offcut__writer {
    offcut_ctx *ctx;
    offcut__picture_spec spec;
    offcut__bytes *sink; /* borrowed */
    const offcut__writer_kind *kind;
    void *state;  /* the kind's own, zeroed before open */
    uint32_t row; /* rows written */
    bool over;    /* finished, or failed */
} offcut__writer;

/* sink is borrowed until close; every call appends what is ready to it. Fails with ERR_UNSUPPORTED
 * where a side is longer than the format has, ERR_ARGUMENT, ERR_MEMORY. *writer is the caller's.
 * JPEG lays on white what is not opaque. A profile that the format cannot hold or that is not of
 * RGB is left out. WebP keeps 1.5 bytes a pixel, 2.5 unless opaque, and does all of its encoding in
 * finish. */
offcut_status offcut__writer_open(offcut_ctx *ctx, offcut_format format,
                                  const offcut__picture_spec *spec, offcut__bytes *sink,
                                  offcut__writer **writer);

/* The next count rows, from the top; finish comes after the last one. Both fail with ERR_STATE out
 * of order, and with ERR_MEMORY. */
offcut_status offcut__writer_write(offcut__writer *writer, const uint8_t *rows, uint32_t count);
offcut_status offcut__writer_finish(offcut__writer *writer);
void offcut__writer_close(offcut__writer *writer);

/* Counts and order are checked before any of these is called. */
struct offcut__writer_kind {
    size_t state_size;
    offcut_status (*open)(offcut__writer *writer); /* on failure close is called all the same */
    offcut_status (*write)(offcut__writer *writer, const uint8_t *rows, uint32_t count);
    offcut_status (*finish)(offcut__writer *writer);
    void (*close)(offcut__writer *writer);
};

extern const offcut__writer_kind offcut__writer_jpeg;
extern const offcut__writer_kind offcut__writer_png;
extern const offcut__writer_kind offcut__writer_webp;

#endif
