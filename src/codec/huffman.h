/* SPDX-License-Identifier: Apache-2.0
 * Prefix codes of a limited length for the DEFLATE writer. */
#ifndef OFFCUT_CODEC_HUFFMAN_H
#define OFFCUT_CODEC_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

enum { OFFCUT__HUFFMAN_SYMBOLS_MAX = 288 };

/* lengths: of the best code for symbols that occur so many times, at most `limit` bits each and 0
 * for those that never occur; at least two symbols get one. count <= SYMBOLS_MAX. */
void offcut__huffman_lengths(const uint32_t *frequencies, size_t count, uint32_t limit,
                             uint8_t *lengths);

/* The canonical code of RFC 1951, 3.2.2, each code word with its first bit lowest. */
void offcut__huffman_codes(const uint8_t *lengths, size_t count, uint16_t *codes);

#endif
