/* SPDX-License-Identifier: Apache-2.0
 * LZ77 with chains of hashes and one step of lazy matching, as zlib has it; but matches begin with
 * four equal bytes, are compared eight at a time and have to be worth their bits, and runs of one
 * byte, which erased parts become, are taken as they are seen, without an entry for each place. */
#include "deflate.h"

#include <stdlib.h>
#include <string.h>

#include "../base/simd_int.h"
#include "deflate_parts.h"

enum {
    WINDOW = 32768,
    FARTHEST = WINDOW - 1, /* the oldest place's link is the newest one's */
    BUFFER = 4 * WINDOW,
    SLACK = 16, /* bytes behind the buffer that are read, but matter not */
    HASH_BITS = 14,
    SHORTEST = 4,
    RUN = 16,  /* as many equal bytes are a run */
    GOOD = 32, /* so long a match ends the search */
    LAZY = 8,  /* after a shorter one the next place is tried too */
    AHEAD = OFFCUT__MATCH_LONGEST + LAZY + SHORTEST, /* bytes that a decision may depend on */
};

/* What a match takes, about, besides the extra bits of its distance. Found by trying: files are
 * smallest when short matches have to be worth a little more. */
#define MATCH_BITS 14.0f

typedef struct match {
    uint32_t length, distance; /* length 0: none */
} match;

struct offcut__deflate {
    uint32_t chain;
    /* The window, and what follows it up to end; next is to be
     * coded. Places are counted from the beginning of the stream, modulo 2^32: base is that of the
     * buffer. */
    uint8_t *buffer;
    size_t next, end;
    uint32_t base;
    uint32_t *heads; /* the latest place with a hash */
    uint16_t *links; /* how far back from a place the one before it is with the same hash */
    uint32_t adler;
    offcut__block block;
};

/* ---- Adler-32, RFC 1950 ---- */

enum { ADLER_PRIME = 65521, ADLER_MOST = 5552 /* bytes whose sums stay in 32 bits */ };

static inline uint32_t sum_lanes(i32x4 v) {
    const u32x4 u = (u32x4)v;
    return (u[0] + u[1]) + (u[2] + u[3]);
}

/* As zlib's adler32(), which takes the bytes one by one: a is the sum of all bytes, b that of all
 * values of a. Of 16 bytes the first counts 16 times in b, the last once. */
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
    return d->end - at < OFFCUT__MATCH_LONGEST ? (uint32_t)(d->end - at) : OFFCUT__MATCH_LONGEST;
}

/* Whether a match is likely to take fewer bits than its bytes. */
static inline bool pays(const offcut__deflate *d, uint32_t length, uint32_t distance) {
    return (float)length * d->block.literal_bits >
           MATCH_BITS + (float)offcut__highest_bit(distance);
}

/* The longest match at a place, which is entered, if it is longer than `least`. */
static match find(const offcut__deflate *d, size_t at, uint32_t least) {
    const uint8_t *p = d->buffer + at;
    const uint32_t place = d->base + (uint32_t)at, most = most_at(d, at);
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
    if (load64(p) != load64(p - 1) || d->base + (uint32_t)at == 2 * WINDOW) return (match){0, 0};
    const uint32_t length = equal_bytes(p, p - 1, most_at(d, at));
    return (match){length >= RUN ? length : 0, 1};
}

static void enter_all(const offcut__deflate *d, size_t from, size_t to) {
    for (; from < to; from++) enter(d, from);
}

/* The next place's match, or one of a later place if that is longer: then what comes before it has
 * become literals. */
static match find_lazily(offcut__deflate *d) {
    match m = find(d, d->next, 0);
    while (m.length && m.length < LAZY) {
        const match later = find(d, d->next + 1, m.length);
        if (!later.length) {
            enter_all(d, d->next + 2, d->next + m.length);
            return m;
        }
        offcut__add_literal(&d->block, d->buffer[d->next++]);
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
            offcut__add_match(&d->block, m.length, m.distance);
        else
            offcut__add_literal(&d->block, d->buffer[d->next]);
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
    memset(d->heads, 0, sizeof *d->heads << HASH_BITS);
    d->next = d->end = WINDOW; /* before the stream nothing matches: all heads are too far back */
    d->base = WINDOW;
    d->adler = 1;
    offcut__block_begin(&d->block, sink, self);
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
    offcut__block_put(&d->block, true);
    offcut__block_end(&d->block, d->adler);
}

void offcut__deflate_close(offcut__deflate *d) {
    if (!d) return;
    offcut__block_close(&d->block);
    free(d->links);
    free(d->heads);
    free(d->buffer);
    free(d);
}

static offcut_status allocate(offcut_ctx *ctx, offcut__deflate *d) {
    OFFCUT_TRY(offcut__alloc(ctx, BUFFER + SLACK, 1, &d->buffer));
    OFFCUT_TRY(offcut__alloc(ctx, (size_t)1 << HASH_BITS, sizeof *d->heads, &d->heads));
    OFFCUT_TRY(offcut__alloc(ctx, WINDOW, sizeof *d->links, &d->links));
    return offcut__block_open(ctx, &d->block);
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
