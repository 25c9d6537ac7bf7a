/* SPDX-License-Identifier: Apache-2.0
 * Writes zlib streams (RFC 1950, 1951). */
#ifndef OFFCUT_CODEC_DEFLATE_H
#define OFFCUT_CODEC_DEFLATE_H

#include "../base/memory.h"

/* Gets the stream in parts, in order. May leave by a jump; then begin or close. */
typedef void (*offcut__deflate_sink)(void *self, const uint8_t *part, size_t size);

typedef struct offcut__deflate offcut__deflate;

/* chain: how many earlier places are looked at for a match, at least 1. Takes 390 kB until close;
 * fails with ERR_MEMORY. */
offcut_status offcut__deflate_open(offcut_ctx *ctx, unsigned chain, offcut__deflate **deflate);

/* A stream, or the next one: begin, writes, finish. self is the sink's. */
void offcut__deflate_begin(offcut__deflate *deflate, offcut__deflate_sink sink, void *self);
void offcut__deflate_write(offcut__deflate *deflate, const uint8_t *data, size_t size);
void offcut__deflate_finish(offcut__deflate *deflate);
void offcut__deflate_close(offcut__deflate *deflate);

#endif
