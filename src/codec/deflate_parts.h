/* SPDX-License-Identifier: Apache-2.0
 * The deflater's two halves: deflate.c finds matches, deflate_block.c codes them. */
#ifndef OFFCUT_CODEC_DEFLATE_PARTS_H
#define OFFCUT_CODEC_DEFLATE_PARTS_H

#include <stdbool.h>

#include "deflate.h"

enum { OFFCUT__LITERALS = 286, OFFCUT__DISTANCES = 30, OFFCUT__MATCH_LONGEST = 258 };
enum { OFFCUT__BLOCK_SYMBOLS = 16384 };

typedef struct offcut__prefix_code {
    uint32_t frequencies[OFFCUT__LITERALS];
    uint8_t lengths[OFFCUT__LITERALS];
    uint16_t words[OFFCUT__LITERALS];
} offcut__prefix_code;

/* The symbols of a block, and the stream as far as it is written. */
typedef struct offcut__block {
    uint32_t *symbols; /* BLOCK_SYMBOLS: a literal, or length << 16 | distance - 1 */
    size_t count;
    offcut__prefix_code literals, distances;
    float literal_bits; /* of a literal, on average in the last block */
    uint64_t bits;      /* not yet written, the first lowest */
    uint32_t bit_count; /* of them */
    uint8_t *out;
    size_t out_count;
    offcut__deflate_sink sink;
    void *self; /* the sink's */
} offcut__block;

offcut_status offcut__block_open(offcut_ctx *ctx, offcut__block *block);
void offcut__block_close(offcut__block *block);

/* A new stream, with its head. */
void offcut__block_begin(offcut__block *block, offcut__deflate_sink sink, void *self);

/* Writes the symbols and forgets them. */
void offcut__block_put(offcut__block *block, bool last);

/* The end of a stream, after its last block. */
void offcut__block_end(offcut__block *block, uint32_t adler);

/* ---- symbols as RFC 1951, 3.2.5 has them ---- */

static inline uint32_t offcut__highest_bit(uint32_t value) {
    return 31U - (uint32_t)__builtin_clz(value);
}

/* A code and its extra bits. */
typedef struct offcut__extra {
    uint32_t code, value, bits;
} offcut__extra;

static inline offcut__extra offcut__length_code(uint32_t length) {
    const uint32_t l = length - 3;
    if (l < 8) return (offcut__extra){257 + l, 0, 0};
    if (length == OFFCUT__MATCH_LONGEST) return (offcut__extra){285, 0, 0};
    const uint32_t bits = offcut__highest_bit(l) - 2;
    return (offcut__extra){257 + 4 * bits + (l >> bits), l & ((1u << bits) - 1), bits};
}

/* Of a distance less one. */
static inline offcut__extra offcut__distance_code(uint32_t d) {
    if (d < 4) return (offcut__extra){d, 0, 0};
    const uint32_t bits = offcut__highest_bit(d) - 1;
    return (offcut__extra){2 * bits + (d >> bits), d & ((1u << bits) - 1), bits};
}

static inline void offcut__add_literal(offcut__block *b, uint8_t byte) {
    if (b->count == OFFCUT__BLOCK_SYMBOLS) offcut__block_put(b, false);
    b->symbols[b->count++] = byte;
    b->literals.frequencies[byte]++;
}

static inline void offcut__add_match(offcut__block *b, uint32_t length, uint32_t distance) {
    if (b->count == OFFCUT__BLOCK_SYMBOLS) offcut__block_put(b, false);
    b->symbols[b->count++] = length << 16 | (distance - 1);
    b->literals.frequencies[offcut__length_code(length).code]++;
    b->distances.frequencies[offcut__distance_code(distance - 1).code]++;
}

#endif
