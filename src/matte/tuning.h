/* SPDX-License-Identifier: Apache-2.0
 * The constants of the matte; models/eval/README.md has the measurements that chose them. */
#ifndef OFFCUT_MATTE_TUNING_H
#define OFFCUT_MATTE_TUNING_H

/* Long side of the guide picture. */
#define OFFCUT__GUIDE_SIDE 800u

/* alpha below LOW is 0, above HIGH is 1. */
#define OFFCUT__SNAP_LOW 0.1f
#define OFFCUT__SNAP_HIGH 0.9f

/* A component whose best confidence is below this, or below this share of the best of all, is no subject. */
#define OFFCUT__COMPONENT_EDGE 0.2f
#define OFFCUT__COMPONENT_FLOOR 0.5f
#define OFFCUT__COMPONENT_SHARE 0.6f

/* The window of the local fit is a square of 2 r + 1, r = long side of the guide / WINDOW. */
#define OFFCUT__FIT_WINDOW 60.0
#define OFFCUT__FIT_EPSILON 5e-4
#define OFFCUT__FIT_WEIGHT_FLOOR 0.02
#define OFFCUT__FIT_PASSES 1
#define OFFCUT__FIT_WINDOW_2 160.0
#define OFFCUT__BAND_SMALL 200.0
#define OFFCUT__BAND_LOW 0.05f
#define OFFCUT__BAND 40.0
#define OFFCUT__SHARP_LOW 0.0f
#define OFFCUT__SHARP_HIGH 1.0f

#define OFFCUT__COLOUR_WIDE 25.0
#define OFFCUT__COLOUR_NARROW 100.0
#define OFFCUT__COLOUR_TRUST 0.1f

#endif
