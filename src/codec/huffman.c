/* SPDX-License-Identifier: Apache-2.0 */
#include "huffman.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MAX = 15 };

typedef struct leaf {
    uint32_t frequency;
    uint32_t symbol;
} leaf;

static int compare(const void *a, const void *b) {
    const leaf *one = a, *other = b;
    if (one->frequency != other->frequency) return one->frequency < other->frequency ? -1 : 1;
    return one->symbol < other->symbol ? -1 : 1;
}

/* The symbols that occur, rarest first; two at least. */
static size_t gather(const uint32_t *frequencies, size_t count, leaf *leaves) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (frequencies[i]) leaves[used++] = (leaf){frequencies[i], (uint32_t)i};
    for (size_t i = 0; used < 2; i++)
        if (!frequencies[i]) leaves[used++] = (leaf){1, (uint32_t)i};
    qsort(leaves, used, sizeof *leaves, compare);
    return used;
}

/* In-place calculation of minimum-redundancy codes (Moffat & Katajainen 1995): from frequencies in
 * ascending order to depths in descending order. */
static void depths_of(uint32_t *a, size_t n) {
    size_t root = 0, item = 0;
    for (size_t next = 0; next + 1 < n; next++) { /* a[next]: the weight of an inner node */
        uint32_t weight = 0;
        for (int child = 0; child < 2; child++) {
            if (item >= n || (root < next && a[root] < a[item])) {
                weight += a[root];
                a[root++] = (uint32_t)next; /* its parent */
            } else {
                weight += a[item++];
            }
        }
        a[next] = weight;
    }
    a[n - 2] = 0;
    for (size_t i = n - 2; i-- > 0;) a[i] = a[a[i]] + 1; /* depths of inner nodes */
    size_t inner = n - 1, out = n;
    uint32_t depth = 0;
    for (size_t places = 1; places > 0; depth++) {
        size_t used = 0;
        while (inner > 0 && a[inner - 1] == depth) {
            inner--;
            used++;
        }
        for (size_t i = used; i < places; i++) a[--out] = depth;
        places = 2 * used;
    }
}

/* Cuts what is longer than the limit, and lengthens others until all fit. counts: of code words by
 * length. */
static void limit_lengths(uint32_t *counts, uint32_t limit) {
    uint32_t room = 1u << limit; /* in code words of the greatest length */
    uint32_t taken = 0;
    for (uint32_t i = 1; i <= limit; i++) taken += counts[i] << (limit - i);
    for (; taken > room; taken--) { /* one of the longest moves beside a shorter one */
        uint32_t shorter = limit - 1;
        while (!counts[shorter]) shorter--;
        counts[shorter]--;
        counts[shorter + 1] += 2;
        counts[limit]--;
    }
}

void offcut__huffman_lengths(const uint32_t *frequencies, size_t count, uint32_t limit,
                             uint8_t *lengths) {
    leaf leaves[OFFCUT__HUFFMAN_SYMBOLS_MAX];
    uint32_t depths[OFFCUT__HUFFMAN_SYMBOLS_MAX], counts[LIMIT_MAX + 1] = {0};
    const size_t used = gather(frequencies, count, leaves);
    for (size_t i = 0; i < used; i++) depths[i] = leaves[i].frequency;
    depths_of(depths, used);
    for (size_t i = 0; i < used; i++) counts[depths[i] < limit ? depths[i] : limit]++;
    limit_lengths(counts, limit);
    memset(lengths, 0, count);
    size_t i = 0;
    for (uint32_t length = limit; length > 0; length--) /* the rarest get the longest */
        for (; counts[length] > 0; counts[length]--) lengths[leaves[i++].symbol] = (uint8_t)length;
}

static uint32_t reversed(uint32_t code, uint32_t length) {
    uint32_t result = 0;
    for (uint32_t i = 0; i < length; i++) result |= ((code >> i) & 1u) << (length - 1 - i);
    return result;
}

void offcut__huffman_codes(const uint8_t *lengths, size_t count, uint16_t *codes) {
    uint32_t counts[LIMIT_MAX + 1] = {0}, next[LIMIT_MAX + 2] = {0};
    for (size_t i = 0; i < count; i++) counts[lengths[i]]++;
    counts[0] = 0;
    for (uint32_t i = 1; i <= LIMIT_MAX; i++) next[i] = (next[i - 1] + counts[i - 1]) << 1;
    for (size_t i = 0; i < count; i++)
        codes[i] = (uint16_t)(lengths[i] ? reversed(next[lengths[i]]++, lengths[i]) : 0);
}
