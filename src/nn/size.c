/* SPDX-License-Identifier: Apache-2.0
 * The sizes of networks that run at any. */
#include "network.h"

/* Of about one area, so that they take about the same time and memory; sides are multiples of 64,
 * what networks halve six times. */
const uint32_t offcut__sizes[OFFCUT__SIZES][2] = {
    {320, 320}, {384, 256}, {512, 192}, {256, 384}, {192, 512}};

uint32_t offcut__size_for(uint32_t width, uint32_t height) {
    const double ratio = width > height ? (double)width / height : (double)height / width;
    /* Nearest by the ratio of ratios: half way from 1 to 3/2 is its root, from 3/2 to 8/3 is 2. */
    const uint32_t stretch = ratio > 2 ? 2 : ratio * ratio > 1.5 ? 1 : 0;
    return stretch == 0 || width > height ? stretch : stretch + 2;
}
