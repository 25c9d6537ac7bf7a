/* SPDX-License-Identifier: Apache-2.0
 * EXIF's orientations as walks through memory. */
#ifndef OFFCUT_IMAGE_ORIENTATION_H
#define OFFCUT_IMAGE_ORIENTATION_H

#include <stddef.h>
#include <stdint.h>

/* Where in a stored picture its upright pixel (0, 0) lies, and what one step to the right or down
 * is there; in pixels. */
typedef struct offcut__walk {
    ptrdiff_t origin, right, down;
} offcut__walk;

/* width, height: of the stored picture. Orientations as in EXIF 2.32, 4.6.4; what is none is 1. */
offcut__walk offcut__walk_upright(uint32_t orientation, uint32_t width, uint32_t height);

/* The other way: where in the upright picture the stored pixels lie. width, height are again the
 * stored ones. */
offcut__walk offcut__walk_stored(uint32_t orientation, uint32_t width, uint32_t height);

#endif
