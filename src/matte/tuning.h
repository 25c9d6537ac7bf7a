/* SPDX-License-Identifier: Apache-2.0
 * The constants of the matte; models/eval/README.md has the measurements that chose them. Lengths
 * are in cells: one pixel of the network's mask, measured in pixels of the guide, which is how far
 * off the mask may be. */
#ifndef OFFCUT_MATTE_TUNING_H
#define OFFCUT_MATTE_TUNING_H

/* Long side of the guide picture: twice that of the usual mask. */
#define OFFCUT__GUIDE_SIDE 640u

/* The mask: below LOW is 0, above HIGH is 1. */
#define OFFCUT__MASK_LOW 0.25f
#define OFFCUT__MASK_HIGH 0.75f

/* Alpha: below LOW is 0, above HIGH is 1. */
#define OFFCUT__SNAP_LOW 0.15f
#define OFFCUT__SNAP_HIGH 0.85f

/* Colours are compared in the guide shrunk to SIDE. Shares of the histograms below LEAST are as
 * good as none, their ratio counts up to MOST. With fewer sure PIXELS than that of the subject or
 * of the background the mask stays. */
#define OFFCUT__ODDS_SIDE 160u
#define OFFCUT__ODDS_LEAST 5e-4f
#define OFFCUT__ODDS_MOST 20.0f
#define OFFCUT__ODDS_PIXELS 20.0f

/* Pixels of the mask above EDGE that touch are a component. One whose best confidence is below
 * FLOOR, or below this SHARE of the best of all, is no subject. In the refined alpha a component is
 * what is above VISIBLE, and one that nowhere reaches FLOOR is a ghost. */
#define OFFCUT__COMPONENT_EDGE 0.35f
#define OFFCUT__COMPONENT_VISIBLE 0.02f
#define OFFCUT__COMPONENT_FLOOR 0.5f
#define OFFCUT__COMPONENT_SHARE 0.96f

/* Two fits: the first finds the edge within reach of the mask's error, the second makes it crisp.
 */
#define OFFCUT__FIT_REACH_FIRST 4.0
#define OFFCUT__FIT_REACH_SECOND 1.5
#define OFFCUT__FIT_EPSILON 1e-4

/* How much a pixel counts in a fit: LEAST plus up to 1 with the certainty of the mask within one
 * cell. */
#define OFFCUT__FIT_WEIGHT_LEAST 0.05f

/* How much a window counts at a pixel: the variance of alpha that it explains, plus this. */
#define OFFCUT__FIT_WINDOW_LEAST 1e-2

/* Where colours explain less than NONE of alpha's variance the mask stays as it is, above ALL the
 * fit takes over. */
#define OFFCUT__FIT_EXPLAINS_NONE 0.2f
#define OFFCUT__FIT_EXPLAINS_ALL 0.6f

/* Sides so alike that a is longer than STEEP would show the photo's grain in alpha: the fit fades,
 * to nothing at twice that. */
#define OFFCUT__FIT_STEEP 7.0f

/* The mask's edge is where its mean within one cell is between EDGE and 1 - EDGE; the fit counts up
 * to half of REACH around it and fades to nothing at REACH. */
#define OFFCUT__BAND_EDGE 0.05f
#define OFFCUT__BAND_REACH 5.0

/* Windows of the colour means, as shares of the guide's long side. */
#define OFFCUT__COLOUR_WIDE 0.04
#define OFFCUT__COLOUR_NARROW 0.01

/* How much of what the means leave unexplained of a mixed pixel is its own colour: 0 little, 2 all.
 */
#define OFFCUT__COLOUR_TRUST 1.6f

#endif
