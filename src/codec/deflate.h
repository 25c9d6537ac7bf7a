/* SPDX-License-Identifier: Apache-2.0
 * Writes zlib streams (RFC 1950, 1951). */
#ifndef OFFCUT_CODEC_DEFLATE_H
#define OFFCUT_CODEC_DEFLATE_H

#include "../base/memory.h"

/* Gets the stream in parts, in order. May leave by a jump: the stream can then only be closed. */
typedef void (*offcut__deflate_sink)(void *self, const uint8_t *part, size_t size);

typedef struct offcut__deflate offcut__deflate;

/* chain: how many earlier places are looked at for a match, at least 1. Takes 450 kB until close;
 * fails with ERR_MEMORY. self is the sink's. */
offcut_status offcut__deflate_open(offcut_ctx *ctx, unsigned chain, offcut__deflate_sink sink,
                                   void *self, offcut__deflate **deflate);
void offcut__deflate_write(offcut__deflate *deflate, const uint8_t *data, size_t size);

/* Ends the stream. After it comes close, or restart and another stream. */
void offcut__deflate_finish(offcut__deflate *deflate);
void offcut__deflate_restart(offcut__deflate *deflate);
void offcut__deflate_close(offcut__deflate *deflate);

#endif
