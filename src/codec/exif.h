/* SPDX-License-Identifier: Apache-2.0
 * The two things we want of EXIF: the orientation and the density. */
#ifndef OFFCUT_CODEC_EXIF_H
#define OFFCUT_CODEC_EXIF_H

#include "../offcut.h"

/* Reads a TIFF block, with or without "Exif\0\0" before it. Sets info->orientation to 1..8 (0,
 * missing and above 8 count as 1) and, where info has none yet, the density. Damage is not an
 * error: what cannot be read is as if it were missing. */
void offcut__exif_read(const uint8_t *data, size_t size, offcut_info *info);

#endif
