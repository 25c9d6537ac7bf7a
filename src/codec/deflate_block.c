/* SPDX-License-Identifier: Apache-2.0
 * Blocks of DEFLATE with codes of their own (RFC 1951, 3.2.7). */
#include <stdlib.h>
#include <string.h>

#include "deflate_parts.h"
#include "huffman.h"

enum { PRECODES = 19, END = 256 };
enum { CODE_LIMIT = 15, PRECODE_LIMIT = 7 };

/* SLACK: more than what is written between two looks at what is left. */
enum { OUT_BYTES = 65536, OUT_SLACK = 1024 };

typedef offcut__block block;

/* ---- bits ---- */

static void flush_out(block *b) {
    const size_t size = b->out_count;
    b->out_count = 0;
    if (size) b->sink(b->self, b->out, size);
}

/* At most 32 bits. */
static inline void put(block *b, uint32_t value, uint32_t count) {
    b->bits |= (uint64_t)value << b->bit_count;
    b->bit_count += count;
    if (b->bit_count < 32) return;
    const uint32_t word = (uint32_t)b->bits;
    for (int i = 0; i < 4; i++) b->out[b->out_count + (size_t)i] = (uint8_t)(word >> (8 * i));
    b->out_count += 4;
    b->bits >>= 32;
    b->bit_count -= 32;
}

static void put_rest(block *b) {
    for (; b->bit_count > 0; b->bit_count = b->bit_count > 8 ? b->bit_count - 8 : 0) {
        b->out[b->out_count++] = (uint8_t)b->bits;
        b->bits >>= 8;
    }
}

/* ---- blocks ---- */

static void make_code(offcut__prefix_code *c, size_t count, uint32_t limit) {
    offcut__huffman_lengths(c->frequencies, count, limit, c->lengths);
    offcut__huffman_codes(c->lengths, count, c->words);
}

/* The lengths of both codes as runs, 3.2.7: a symbol of the precode, and its extra bits << 8. */
static size_t pack_lengths(const uint8_t *lengths, size_t count, uint16_t *packed) {
    size_t size = 0;
    for (size_t i = 0, run = 0; i < count; i += run) {
        const uint8_t length = lengths[i];
        for (run = 1; i + run < count && lengths[i + run] == length && run < 138;) run++;
        if (length == 0 && run >= 11) {
            packed[size++] = (uint16_t)(18 | (run - 11) << 8);
        } else if (length == 0 && run >= 3) {
            packed[size++] = (uint16_t)(17 | (run - 3) << 8);
        } else if (i > 0 && length == lengths[i - 1] && run >= 3) {
            run = run > 6 ? 6 : run;
            packed[size++] = (uint16_t)(16 | (run - 3) << 8);
        } else {
            run = 1;
            packed[size++] = length;
        }
    }
    return size;
}

static void put_codes(block *b) {
    static const uint8_t order[PRECODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                            11, 4,  12, 3, 13, 2, 14, 1, 15};
    static const uint8_t extra_bits[3] = {2, 3, 7};
    uint8_t lengths[OFFCUT__LITERALS + OFFCUT__DISTANCES];
    uint16_t packed[OFFCUT__LITERALS + OFFCUT__DISTANCES];
    size_t literals = OFFCUT__LITERALS, distances = OFFCUT__DISTANCES, precodes = PRECODES;
    offcut__prefix_code precode = {0};
    while (b->literals.lengths[literals - 1] == 0) literals--;
    while (distances > 1 && b->distances.lengths[distances - 1] == 0) distances--;
    memcpy(lengths, b->literals.lengths, literals);
    memcpy(lengths + literals, b->distances.lengths, distances);
    const size_t size = pack_lengths(lengths, literals + distances, packed);
    for (size_t i = 0; i < size; i++) precode.frequencies[packed[i] & 0xff]++;
    make_code(&precode, PRECODES, PRECODE_LIMIT);
    while (precode.lengths[order[precodes - 1]] == 0) precodes--;
    put(b, (uint32_t)literals - 257, 5);
    put(b, (uint32_t)distances - 1, 5);
    put(b, (uint32_t)precodes - 4, 4);
    for (size_t i = 0; i < precodes; i++) put(b, precode.lengths[order[i]], 3);
    for (size_t i = 0; i < size; i++) {
        const uint32_t symbol = packed[i] & 0xff;
        put(b, precode.words[symbol], precode.lengths[symbol]);
        if (symbol >= 16) put(b, packed[i] >> 8, extra_bits[symbol - 16]);
    }
}

static void put_symbols(block *b) {
    const offcut__prefix_code *literals = &b->literals, *distances = &b->distances;
    for (size_t i = 0; i < b->count; i++) {
        if (b->out_count > OUT_BYTES) flush_out(b);
        const uint32_t symbol = b->symbols[i];
        if (symbol < 256) {
            put(b, literals->words[symbol], literals->lengths[symbol]);
            continue;
        }
        const offcut__extra length = offcut__length_code(symbol >> 16),
                            far = offcut__distance_code(symbol & 0xffff);
        put(b, literals->words[length.code] | length.value << literals->lengths[length.code],
            literals->lengths[length.code] + length.bits);
        put(b, distances->words[far.code] | far.value << distances->lengths[far.code],
            distances->lengths[far.code] + far.bits);
    }
    put(b, literals->words[END], literals->lengths[END]);
}

static void begin_block(block *b) {
    b->count = 0;
    memset(b->literals.frequencies, 0, sizeof b->literals.frequencies);
    memset(b->distances.frequencies, 0, sizeof b->distances.frequencies);
}

/* Learns from a block for the next. */
static void weigh_literals(block *b) {
    uint32_t bits = 0, count = 0; /* of a block's symbols: they fit */
    for (size_t i = 0; i < END; i++) {
        bits += b->literals.frequencies[i] * b->literals.lengths[i];
        count += b->literals.frequencies[i];
    }
    if (count > 0) b->literal_bits = (float)bits / (float)count;
}

void offcut__block_put(block *b, bool last) {
    if (b->out_count > OUT_BYTES) flush_out(b);
    b->literals.frequencies[END] = 1;
    make_code(&b->literals, OFFCUT__LITERALS, CODE_LIMIT);
    make_code(&b->distances, OFFCUT__DISTANCES, CODE_LIMIT);
    put(b, last ? 1 : 0, 1);
    put(b, 2, 2);
    put_codes(b);
    put_symbols(b);
    weigh_literals(b);
    begin_block(b);
}

/* ---- streams ---- */

void offcut__block_begin(block *b, offcut__deflate_sink sink, void *self) {
    b->sink = sink;
    b->self = self;
    b->literal_bits = 5.0f;
    b->out_count = b->bit_count = 0;
    b->bits = 0;
    begin_block(b);
    put(b, 0x9c78, 16); /* RFC 1950: a window of 32 kB, and no dictionary */
}

void offcut__block_end(block *b, uint32_t adler) {
    put_rest(b);
    for (int i = 0; i < 4; i++) b->out[b->out_count++] = (uint8_t)(adler >> (24 - 8 * i));
    flush_out(b);
}

offcut_status offcut__block_open(offcut_ctx *ctx, block *b) {
    OFFCUT_TRY(offcut__alloc(ctx, OFFCUT__BLOCK_SYMBOLS, sizeof *b->symbols, &b->symbols));
    return offcut__alloc(ctx, OUT_BYTES + OUT_SLACK, 1, &b->out);
}

void offcut__block_close(block *b) {
    free(b->out);
    free(b->symbols);
}
