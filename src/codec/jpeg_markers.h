/* SPDX-License-Identifier: Apache-2.0
 * What stands in a JPEG's application segments: EXIF and the ICC profile. Read from the bytes
 * themselves, so that no pass over the picture has to collect it again. */
#ifndef OFFCUT_CODEC_JPEG_MARKERS_H
#define OFFCUT_CODEC_JPEG_MARKERS_H

#include "../base/memory.h"

/* Looks at the segments before the first scan. Orientation and density go to *info as in
 * offcut__exif_read(); *icc gets the profile joined from its pieces, the caller's to free(), or
 * NULL where there is none or a piece is missing. Fails with ERR_MEMORY only. */
offcut_status offcut__jpeg_markers_read(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                        offcut_info *info, uint8_t **icc, size_t *icc_size);

#endif
