/* SPDX-License-Identifier: Apache-2.0
 * WebP stills by rows. libwebp's public interface fills whole pictures only, so this drives the
 * decoders below it; the version is pinned. What is kept is a few rows of a lossy picture, with its
 * alpha plane if it has one, and 4 bytes a pixel of a lossless one. */
#ifndef OFFCUT_CODEC_WEBP_ROWS_H
#define OFFCUT_CODEC_WEBP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <webp/decode.h>

typedef struct offcut__webp_rows offcut__webp_rows;

/* Begins a still picture of width x height; data is borrowed until close. complete false: the
 * file may be cut off. *rows is the caller's, also after a failure, and then gives no rows. */
VP8StatusCode offcut__webp_rows_open(const uint8_t *data, size_t size, uint32_t width,
                                     uint32_t height, bool complete, offcut__webp_rows **rows);

/* Copies up to count RGBA rows to target, width * 4 bytes each; *done says how many. Less than
 * count only after a failure, which every later call repeats, or at the end. */
VP8StatusCode offcut__webp_rows_read(offcut__webp_rows *rows, uint8_t *target, uint32_t count,
                                     uint32_t *done);
void offcut__webp_rows_close(offcut__webp_rows *rows);

#endif
