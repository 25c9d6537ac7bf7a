/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "check.h"
#include "codec/deflate.h"
#include "codec/huffman.h"

/* ---- prefix codes ---- */

/* How much of all code words of 16 bits a code takes. */
static uint32_t taken(const uint8_t *lengths, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += lengths[i] ? 65536u >> lengths[i] : 0;
    return sum;
}

static void test_limits(void) {
    uint32_t frequencies[40] = {1, 1}; /* Fibonacci's: the unlimited code has 39 bits */
    for (int i = 2; i < 40; i++) frequencies[i] = frequencies[i - 1] + frequencies[i - 2];
    for (uint32_t limit = 6; limit <= 15; limit++) {
        uint8_t lengths[40];
        offcut__huffman_lengths(frequencies, 40, limit, lengths);
        CHECK(taken(lengths, 40) == 65536);
        for (int i = 0; i < 40; i++) CHECK(lengths[i] >= 1 && lengths[i] <= limit);
        for (int i = 1; i < 40; i++) CHECK(lengths[i] <= lengths[i - 1]);
    }
}

static void test_optimum(void) {
    const uint32_t frequencies[6] = {45, 13, 12, 16, 9, 5}; /* Cormen et al., figure 16.4 */
    const uint8_t expected[6] = {1, 3, 3, 3, 4, 4};
    uint8_t lengths[6];
    uint16_t codes[6];
    offcut__huffman_lengths(frequencies, 6, 15, lengths);
    CHECK(memcmp(lengths, expected, sizeof expected) == 0);
    offcut__huffman_codes(lengths, 6, codes);
    CHECK(codes[0] == 0);
    CHECK(codes[1] == 1);  /* 100 */
    CHECK(codes[3] == 3);  /* 110 */
    CHECK(codes[4] == 7);  /* 1110 */
    CHECK(codes[5] == 15); /* 1111 */
}

/* A code needs two words even where one symbol occurs, or none. */
static void test_few_symbols(void) {
    uint32_t frequencies[30] = {0};
    uint8_t lengths[30];
    offcut__huffman_lengths(frequencies, 30, 15, lengths);
    CHECK(lengths[0] == 1 && lengths[1] == 1);
    frequencies[7] = 9;
    offcut__huffman_lengths(frequencies, 30, 15, lengths);
    CHECK(lengths[0] == 1 && lengths[7] == 1 && taken(lengths, 30) == 65536);
}

/* ---- streams ---- */

typedef struct stream {
    uint8_t bytes[2000000];
    size_t size;
} stream;

static void append(void *self, const uint8_t *part, size_t size) {
    stream *s = self;
    memcpy(s->bytes + s->size, part, size);
    s->size += size;
}

static void encode(offcut__deflate *d, const uint8_t *data, size_t size, size_t step,
                   stream *result) {
    result->size = 0;
    offcut__deflate_begin(d, append, result);
    for (size_t i = 0; i < size; i += step)
        offcut__deflate_write(d, data + i, size - i < step ? size - i : step);
    offcut__deflate_finish(d);
}

/* Whether zlib makes the data of the stream again, and finds nothing behind its end. */
static bool decodes_to(stream *s, const uint8_t *data, size_t size) {
    uint8_t *back = malloc(size + 1);
    z_stream z = {.next_in = s->bytes,
                  .avail_in = (uInt)s->size,
                  .next_out = back,
                  .avail_out = (uInt)size + 1};
    bool same = back && inflateInit(&z) == Z_OK;
    same = same && inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 &&
           z.total_out == size && (size == 0 || memcmp(back, data, size) == 0);
    inflateEnd(&z);
    free(back);
    return same;
}

static void check_stream(const uint8_t *data, size_t size) {
    static const unsigned chains[] = {1, 24, 1024};
    static const size_t steps[] = {1u << 30, 4001, 7};
    static stream first, other;
    for (size_t i = 0; i < 3; i++) {
        offcut__deflate *d = NULL;
        CHECK(offcut__deflate_open(NULL, chains[i], &d) == OFFCUT_OK);
        encode(d, data, size, steps[0], &first);
        offcut__deflate_close(d);
        CHECK(decodes_to(&first, data, size));
        CHECK(offcut__deflate_open(NULL, chains[i], &d) == OFFCUT_OK);
        for (size_t j = 0; j < 3; j++) { /* however it comes, and after whatever else */
            encode(d, data, size, steps[j], &other);
            CHECK(other.size == first.size && memcmp(other.bytes, first.bytes, first.size) == 0);
        }
        offcut__deflate_close(d);
    }
}

static uint32_t noise(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

enum { SIZE = 400000 };

/* Runs, repeats from near and far, and noise, in turns. */
static void fill(uint8_t *data, uint32_t seed, uint32_t colours) {
    for (size_t i = 0; i < SIZE;) {
        const uint32_t kind = noise(&seed) % 4;
        size_t length = 1 + noise(&seed) % (kind == 0 ? 3000 : 300);
        const size_t back = 1 + noise(&seed) % (kind == 1 ? 8 : 60000);
        for (; length > 0 && i < SIZE; length--, i++) {
            if (kind == 0)
                data[i] = 0;
            else if (kind < 3 && back <= i)
                data[i] = data[i - back];
            else
                data[i] = (uint8_t)(noise(&seed) % colours);
        }
    }
}

static void test_streams(void) {
    static uint8_t data[SIZE];
    static const size_t sizes[] = {0,     1,      2,      3,      4,      9,      258,
                                   259,   16384,  32767,  98303,  98304,  98305,  98563,
                                   98564, 131071, 131072, 131073, 229376, 300001, SIZE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill(data, (uint32_t)i, i % 2 ? 256 : 5);
        check_stream(data, sizes[i]);
    }
    memset(data, 0, SIZE);
    check_stream(data, SIZE);
    memset(data, 255, SIZE);
    check_stream(data, 100);
}

/* A run costs next to nothing. */
static void test_size(void) {
    static uint8_t data[SIZE];
    static stream s;
    offcut__deflate *d = NULL;
    CHECK(offcut__deflate_open(NULL, 24, &d) == OFFCUT_OK);
    encode(d, data, SIZE, SIZE, &s);
    CHECK(s.size < 600); /* 1,551 matches of the greatest length, of two bits each */
    offcut__deflate_close(d);
}

int main(void) {
    test_limits();
    test_optimum();
    test_few_symbols();
    test_streams();
    test_size();
    return check_done();
}
