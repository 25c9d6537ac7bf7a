/* SPDX-License-Identifier: Apache-2.0
 * LZ77 with chains of hashes, one step of lazy matching, and dynamic Huffman codes, as zlib has it;
 * but matches begin with four equal bytes, compare eight at a time, and runs of one byte, which
 * erased parts become, are taken as they are seen, without an entry for each of their places. */
#include "deflate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/simd_int.h"
#include "huffman.h"

enum {
    WINDOW = 32768,
    FARTHEST = WINDOW - 1, /* the oldest place's link is the newest one's */
    BUFFER = 4 * WINDOW,
    HASH_BITS = 14,
    SHORTEST = 4,
    LONGEST = 258,
    RUN = 16,                          /* as many equal bytes are a run */
    GOOD = 32,                         /* so long a match ends the search */
    LAZY = 8,                          /* after a shorter one the next place is tried too */
    AHEAD = LONGEST + LAZY + SHORTEST, /* bytes that a decision may depend on */
    SYMBOLS = 16384,                   /* of a block */
    OUT_BYTES = 65536,
    SLACK = 16,       /* bytes behind the buffer that are read, but matter not */
    OUT_SLACK = 1024, /* more than what is written between two looks at what is left */
};

enum { LITERALS = 286, DISTANCES = 30, PRECODES = 19, END = 256 };
enum { CODE_LIMIT = 15, PRECODE_LIMIT = 7 };

/* What a match takes, about, besides the extra bits of its distance. Found by trying: files are
 * smallest when short matches have to be worth a little more. */
#define MATCH_BITS 14.0f

typedef struct match {
    uint32_t length, distance; /* length 0: none */
} match;

typedef struct code {
    uint32_t frequencies[LITERALS];
    uint8_t lengths[LITERALS];
    uint16_t words[LITERALS];
} code;

struct offcut__deflate {
    offcut__deflate_sink sink;
    void *self;
    uint32_t chain;
    float literal_bits; /* of a literal, on average in the last block */
    /* Bytes first..end of the buffer are the window and what follows it; next is to be coded.
     * Places are counted from the beginning of the stream, modulo 2^32: base is that of the buffer.
     */
    uint8_t *buffer;
    size_t next, end;
    uint32_t base;
    uint32_t *heads;   /* the latest place with a hash */
    uint16_t *links;   /* how far back from a place the one before it is with the same hash */
    uint32_t *symbols; /* a literal, or length << 16 | distance - 1 */
    size_t count;      /* of symbols */
    code literals, distances;
    uint64_t bits;      /* not yet written, the first lowest */
    uint32_t bit_count; /* of them */
    uint8_t *out;
    size_t out_count;
    uint32_t adler;
};

/* ---- Adler-32, RFC 1950 ---- */

enum { ADLER_PRIME = 65521, ADLER_MOST = 5552 /* bytes whose sums stay in 32 bits */ };

static inline uint32_t sum_lanes(i32x4 v) {
    const u32x4 u = (u32x4)v;
    return (u[0] + u[1]) + (u[2] + u[3]);
}

/* a is the sum of all bytes, b that of all values of a. Of 16 bytes the first counts 16 times in b,
 * the last once. */
static uint32_t adler(uint32_t before, const uint8_t *data, size_t size) {
    const i16x8 ones = i16x8_splat(1), first = {16, 15, 14, 13, 12, 11, 10, 9},
                second = {8, 7, 6, 5, 4, 3, 2, 1};
    uint32_t a = before & 0xffff, b = before >> 16;
    while (size > 0) {
        const size_t part = size < ADLER_MOST ? size : ADLER_MOST, whole = part / 16 * 16;
        i32x4 sum = {0}, sums = {0}, weighted = {0};
        for (size_t i = 0; i < whole; i += 16) {
            const i16x8 low = i16x8_load_unsigned(data + i),
                        high = i16x8_load_unsigned(data + i + 8);
            sums += sum;
            sum = i32x4_dot16(high, ones, i32x4_dot16(low, ones, sum));
            weighted = i32x4_dot16(high, second, i32x4_dot16(low, first, weighted));
        }
        b += (uint32_t)whole * a + 16 * sum_lanes(sums) + sum_lanes(weighted);
        a += sum_lanes(sum);
        for (size_t i = whole; i < part; i++) b += a += data[i];
        a %= ADLER_PRIME;
        b %= ADLER_PRIME;
        data += part;
        size -= part;
    }
    return b << 16 | a;
}

/* ---- bits ---- */

static void flush_out(offcut__deflate *d) {
    const size_t size = d->out_count;
    d->out_count = 0;
    if (size) d->sink(d->self, d->out, size);
}

/* At most 32 bits. */
static inline void put(offcut__deflate *d, uint32_t value, uint32_t count) {
    d->bits |= (uint64_t)value << d->bit_count;
    d->bit_count += count;
    if (d->bit_count < 32) return;
    const uint32_t word = (uint32_t)d->bits;
    for (int i = 0; i < 4; i++) d->out[d->out_count + (size_t)i] = (uint8_t)(word >> (8 * i));
    d->out_count += 4;
    d->bits >>= 32;
    d->bit_count -= 32;
}

static void put_rest(offcut__deflate *d) {
    for (; d->bit_count > 0; d->bit_count = d->bit_count > 8 ? d->bit_count - 8 : 0) {
        d->out[d->out_count++] = (uint8_t)d->bits;
        d->bits >>= 8;
    }
}

/* ---- symbols as RFC 1951, 3.2.5 has them ---- */

static inline uint32_t highest_bit(uint32_t value) {
    return 31U - (uint32_t)__builtin_clz(value);
}

/* A code and its extra bits. */
typedef struct extra {
    uint32_t code, value, bits;
} extra;

static inline extra length_code(uint32_t length) {
    const uint32_t l = length - 3;
    if (l < 8) return (extra){257 + l, 0, 0};
    if (length == LONGEST) return (extra){285, 0, 0};
    const uint32_t bits = highest_bit(l) - 2;
    return (extra){257 + 4 * bits + (l >> bits), l & ((1u << bits) - 1), bits};
}

/* Of a distance less one. */
static inline extra distance_code(uint32_t d) {
    if (d < 4) return (extra){d, 0, 0};
    const uint32_t bits = highest_bit(d) - 1;
    return (extra){2 * bits + (d >> bits), d & ((1u << bits) - 1), bits};
}

/* ---- blocks ---- */

static void make_code(code *c, size_t count, uint32_t limit) {
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

static void put_codes(offcut__deflate *d) {
    static const uint8_t order[PRECODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                            11, 4,  12, 3, 13, 2, 14, 1, 15};
    static const uint8_t extra_bits[3] = {2, 3, 7};
    uint8_t lengths[LITERALS + DISTANCES];
    uint16_t packed[LITERALS + DISTANCES];
    size_t literals = LITERALS, distances = DISTANCES, precodes = PRECODES;
    code precode = {0};
    while (d->literals.lengths[literals - 1] == 0) literals--;
    while (distances > 1 && d->distances.lengths[distances - 1] == 0) distances--;
    memcpy(lengths, d->literals.lengths, literals);
    memcpy(lengths + literals, d->distances.lengths, distances);
    const size_t size = pack_lengths(lengths, literals + distances, packed);
    for (size_t i = 0; i < size; i++) precode.frequencies[packed[i] & 0xff]++;
    make_code(&precode, PRECODES, PRECODE_LIMIT);
    while (precode.lengths[order[precodes - 1]] == 0) precodes--;
    put(d, (uint32_t)literals - 257, 5);
    put(d, (uint32_t)distances - 1, 5);
    put(d, (uint32_t)precodes - 4, 4);
    for (size_t i = 0; i < precodes; i++) put(d, precode.lengths[order[i]], 3);
    for (size_t i = 0; i < size; i++) {
        const uint32_t symbol = packed[i] & 0xff;
        put(d, precode.words[symbol], precode.lengths[symbol]);
        if (symbol >= 16) put(d, packed[i] >> 8, extra_bits[symbol - 16]);
    }
}

static void put_symbols(offcut__deflate *d) {
    const code *literals = &d->literals, *distances = &d->distances;
    for (size_t i = 0; i < d->count; i++) {
        if (d->out_count > OUT_BYTES) flush_out(d);
        const uint32_t symbol = d->symbols[i];
        if (symbol < 256) {
            put(d, literals->words[symbol], literals->lengths[symbol]);
            continue;
        }
        const extra length = length_code(symbol >> 16), far = distance_code(symbol & 0xffff);
        put(d, literals->words[length.code] | length.value << literals->lengths[length.code],
            literals->lengths[length.code] + length.bits);
        put(d, distances->words[far.code] | far.value << distances->lengths[far.code],
            distances->lengths[far.code] + far.bits);
    }
    put(d, literals->words[END], literals->lengths[END]);
}

static void begin_block(offcut__deflate *d) {
    d->count = 0;
    memset(d->literals.frequencies, 0, sizeof d->literals.frequencies);
    memset(d->distances.frequencies, 0, sizeof d->distances.frequencies);
}

/* Learns from a block for the next. */
static void weigh_literals(offcut__deflate *d) {
    uint32_t bits = 0, count = 0; /* of a block's symbols: they fit */
    for (size_t i = 0; i < END; i++) {
        bits += d->literals.frequencies[i] * d->literals.lengths[i];
        count += d->literals.frequencies[i];
    }
    if (count > 0) d->literal_bits = (float)bits / (float)count;
}

static void put_block(offcut__deflate *d, bool last) {
    if (d->out_count > OUT_BYTES) flush_out(d);
    d->literals.frequencies[END] = 1;
    make_code(&d->literals, LITERALS, CODE_LIMIT);
    make_code(&d->distances, DISTANCES, CODE_LIMIT);
    put(d, last ? 1 : 0, 1);
    put(d, 2, 2);
    put_codes(d);
    put_symbols(d);
    weigh_literals(d);
    begin_block(d);
}

/* ---- matches ---- */

static inline uint32_t load32(const uint8_t *p) {
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static inline uint64_t load64(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

/* The first byte of a word in memory that is not zero. */
static inline uint32_t first_byte(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (uint32_t)__builtin_clzll(word) / 8;
#else
    return (uint32_t)__builtin_ctzll(word) / 8;
#endif
}

/* How many of at most `most` bytes are equal; reads up to 7 more. */
static inline uint32_t equal_bytes(const uint8_t *a, const uint8_t *b, uint32_t most) {
    for (uint32_t i = 0; i < most; i += 8) {
        const uint64_t differ = load64(a + i) ^ load64(b + i);
        if (!differ) continue;
        const uint32_t equal = i + first_byte(differ);
        return equal < most ? equal : most;
    }
    return most;
}

static inline uint32_t *head_of(const offcut__deflate *d, const uint8_t *p) {
    return d->heads + ((load32(p) * 0x9e3779b1U) >> (32 - HASH_BITS));
}

/* Enters a place; returns how far back the latest one with its hash is. */
static inline uint32_t enter(const offcut__deflate *d, size_t at) {
    const uint32_t place = d->base + (uint32_t)at;
    uint32_t *head = head_of(d, d->buffer + at);
    const uint32_t back = place - *head;
    *head = place;
    d->links[place % WINDOW] = (uint16_t)(back < 0xffff ? back : 0xffff);
    return back;
}

static inline uint32_t most_at(const offcut__deflate *d, size_t at) {
    return d->end - at < LONGEST ? (uint32_t)(d->end - at) : LONGEST;
}

/* Whether a match is likely to take fewer bits than its bytes. */
static inline bool pays(const offcut__deflate *d, uint32_t length, uint32_t distance) {
    return (float)length * d->literal_bits > MATCH_BITS + (float)highest_bit(distance);
}

/* The longest match at a place, which is entered, if it is longer than `least`. */
static match find(const offcut__deflate *d, size_t at, uint32_t most, uint32_t least) {
    const uint8_t *p = d->buffer + at;
    const uint32_t place = d->base + (uint32_t)at;
    match best = {0, 0};
    uint32_t back = enter(d, at), longest = least < SHORTEST ? SHORTEST - 1 : least;
    if (most <= longest) return best;
    for (uint32_t tries = d->chain; tries > 0 && back <= FARTHEST; tries--) {
        const uint8_t *q = p - back;
        if (load32(q + longest - 3) == load32(p + longest - 3)) {
            const uint32_t length = equal_bytes(p, q, most);
            if (length > longest && pays(d, length, back)) {
                longest = length;
                best = (match){length, back};
                if (length >= GOOD) break;
            }
        }
        back += d->links[(place - back) % WINDOW];
    }
    return best;
}

/* A run of the byte before, if here is one. */
static match find_run(const offcut__deflate *d, size_t at) {
    const uint8_t *p = d->buffer + at;
    if (load64(p) != load64(p - 1) || d->base + at == 2 * WINDOW) return (match){0, 0};
    const uint32_t length = equal_bytes(p, p - 1, most_at(d, at));
    return (match){length >= RUN ? length : 0, 1};
}

static void enter_all(const offcut__deflate *d, size_t from, size_t to) {
    for (; from < to; from++) enter(d, from);
}

/* What the symbols stand for is still to be passed. */
static void add_literal(offcut__deflate *d, uint8_t byte) {
    if (d->count == SYMBOLS) put_block(d, false);
    d->symbols[d->count++] = byte;
    d->literals.frequencies[byte]++;
}

static void add_match(offcut__deflate *d, match m) {
    if (d->count == SYMBOLS) put_block(d, false);
    d->symbols[d->count++] = m.length << 16 | (m.distance - 1);
    d->literals.frequencies[length_code(m.length).code]++;
    d->distances.frequencies[distance_code(m.distance - 1).code]++;
}

/* The next place's match, or one of a later place if that is longer: then what comes before it has
 * become literals. */
static match find_lazily(offcut__deflate *d) {
    match m = find(d, d->next, most_at(d, d->next), 0);
    while (m.length && m.length < LAZY) {
        const match later = find(d, d->next + 1, most_at(d, d->next + 1), m.length);
        if (!later.length) {
            enter_all(d, d->next + 2, d->next + m.length);
            return m;
        }
        add_literal(d, d->buffer[d->next++]);
        m = later;
    }
    enter_all(d, d->next + 1, d->next + m.length);
    return m;
}

/* Codes what is in the buffer but for what a match may need, or all. */
static void code_bytes(offcut__deflate *d, bool all) {
    const size_t ahead = all ? 0 : AHEAD;
    while (d->next + ahead < d->end) {
        match m = find_run(d, d->next);
        if (!m.length) m = find_lazily(d);
        if (m.length)
            add_match(d, m);
        else
            add_literal(d, d->buffer[d->next]);
        d->next += m.length ? m.length : 1;
    }
}

/* Makes room at the end of the buffer; the window stays. */
static void slide(offcut__deflate *d) {
    const size_t gone = d->next - WINDOW;
    memmove(d->buffer, d->buffer + gone, d->end - gone);
    d->base += (uint32_t)gone;
    d->next -= gone;
    d->end -= gone;
}

void offcut__deflate_begin(offcut__deflate *d, offcut__deflate_sink sink, void *self) {
    d->sink = sink;
    d->self = self;
    memset(d->heads, 0, sizeof *d->heads << HASH_BITS);
    d->next = d->end = WINDOW; /* before the stream nothing matches: all heads are too far back */
    d->base = WINDOW;
    d->literal_bits = 5.0f;
    d->out_count = d->bit_count = 0;
    d->bits = 0;
    begin_block(d);
    d->adler = 1;
    put(d, 0x9c78, 16); /* RFC 1950: a window of 32 kB, and no dictionary */
}

void offcut__deflate_write(offcut__deflate *d, const uint8_t *data, size_t size) {
    d->adler = adler(d->adler, data, size);
    while (size > 0) {
        if (d->end == BUFFER) slide(d);
        const size_t part = size < BUFFER - d->end ? size : BUFFER - d->end;
        memcpy(d->buffer + d->end, data, part);
        d->end += part;
        data += part;
        size -= part;
        code_bytes(d, false);
    }
}

void offcut__deflate_finish(offcut__deflate *d) {
    memset(d->buffer + d->end, 0, SLACK);
    code_bytes(d, true);
    put_block(d, true);
    put_rest(d);
    for (int i = 0; i < 4; i++) d->out[d->out_count++] = (uint8_t)(d->adler >> (24 - 8 * i));
    flush_out(d);
}

void offcut__deflate_close(offcut__deflate *d) {
    if (!d) return;
    free(d->out);
    free(d->symbols);
    free(d->links);
    free(d->heads);
    free(d->buffer);
    free(d);
}

static offcut_status allocate(offcut_ctx *ctx, offcut__deflate *d) {
    OFFCUT_TRY(offcut__alloc(ctx, BUFFER + SLACK, 1, &d->buffer));
    OFFCUT_TRY(offcut__alloc(ctx, (size_t)1 << HASH_BITS, sizeof *d->heads, &d->heads));
    OFFCUT_TRY(offcut__alloc(ctx, WINDOW, sizeof *d->links, &d->links));
    OFFCUT_TRY(offcut__alloc(ctx, SYMBOLS, sizeof *d->symbols, &d->symbols));
    return offcut__alloc(ctx, OUT_BYTES + OUT_SLACK, 1, &d->out);
}

offcut_status offcut__deflate_open(offcut_ctx *ctx, unsigned chain, offcut__deflate **deflate) {
    offcut__deflate *d = NULL;
    *deflate = NULL;
    OFFCUT_TRY(offcut__alloc(ctx, 1, sizeof *d, &d));
    const offcut_status status = allocate(ctx, d);
    if (status != OFFCUT_OK) {
        offcut__deflate_close(d);
        return status;
    }
    d->chain = chain;
    *deflate = d;
    return OFFCUT_OK;
}
