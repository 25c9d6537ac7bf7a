/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "codec/exif.h"

typedef struct block {
    uint8_t data[256];
    size_t size;
    int big_endian;
} block;

static void put(block *b, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        const int shift = b->big_endian ? 8 * (bytes - 1 - i) : 8 * i;
        b->data[b->size++] = (uint8_t)(value >> shift);
    }
}

static block begin(int big_endian, uint32_t entries) {
    block b = {.big_endian = big_endian};
    memcpy(b.data, big_endian ? "MM" : "II", 2);
    b.size = 2;
    put(&b, 42, 2);
    put(&b, 8, 4);
    put(&b, entries, 2);
    return b;
}

static void entry(block *b, uint32_t tag, uint32_t type, uint32_t value) {
    put(b, tag, 2);
    put(b, type, 2);
    put(b, 1, 4);
    put(b, value, type == 3 ? 2 : 4);
    if (type == 3) put(b, 0, 2);
}

static offcut_info parse(const block *b) {
    offcut_info info = {.orientation = 1};
    offcut__exif_read(b->data, b->size, &info);
    return info;
}

static void test_orientation(void) {
    for (int big_endian = 0; big_endian < 2; big_endian++)
        for (uint32_t type = 3; type <= 4; type++)
            for (uint32_t value = 0; value < 12; value++) {
                block b = begin(big_endian, 2);
                entry(&b, 0x010f, 4, 7);
                entry(&b, 0x0112, type, value);
                const uint32_t expected = value >= 1 && value <= 8 ? value : 1;
                const uint32_t found = parse(&b).orientation;
                CHECKF(found == expected, "value %u: expected %u, received %u", value, expected,
                       found);
            }
    block first = begin(0, 2);
    entry(&first, 0x0112, 3, 6);
    entry(&first, 0x0112, 3, 3);
    CHECK(parse(&first).orientation == 6);
    block text = begin(1, 1); /* an orientation that is no number */
    entry(&text, 0x0112, 2, 0x36000000);
    CHECK(parse(&text).orientation == 1);
}

static void test_prefix(void) {
    block b = begin(1, 1), prefixed = {0};
    entry(&b, 0x0112, 3, 8);
    memcpy(prefixed.data, "Exif\0\0", 6);
    memcpy(prefixed.data + 6, b.data, b.size);
    prefixed.size = b.size + 6;
    CHECK(parse(&prefixed).orientation == 8);
}

static void test_density(void) {
    block b = begin(0, 3);
    entry(&b, 0x011a, 5, 50);
    entry(&b, 0x011b, 5, 58);
    entry(&b, 0x0128, 3, 2);
    put(&b, 0, 4);
    CHECK(b.size == 50);
    put(&b, 300, 4);
    put(&b, 1, 4);
    put(&b, 1440, 4);
    put(&b, 10, 4);
    CHECK(parse(&b).density_x == 11811); /* 300 / 0.0254 */
    CHECK(parse(&b).density_y == 5669);  /* 144 / 0.0254 */
    offcut_info known = {.density_x = 1, .density_y = 1};
    offcut__exif_read(b.data, b.size, &known);
    CHECK(known.density_x == 1);
    b.data[42] = 3; /* the unit: centimetres */
    CHECK(parse(&b).density_x == 30000);
    b.data[42] = 1; /* none */
    CHECK(parse(&b).density_x == 0);
    b.data[42] = 2;
    memset(b.data + 54, 0, 4); /* x / 0 */
    CHECK(parse(&b).density_x == 0 && parse(&b).density_y == 0);
}

/* Each prefix in a block of its own, so that a sanitizer sees the first byte too many. */
static void test_truncation(void) {
    block b = begin(1, 3);
    entry(&b, 0x011a, 5, 46);
    entry(&b, 0x0112, 3, 5);
    entry(&b, 0x0128, 3, 2);
    put(&b, 72, 4);
    put(&b, 1, 4);
    for (size_t size = 0; size <= b.size; size++) {
        uint8_t *exact = malloc(size ? size : 1);
        offcut_info info = {.orientation = 1};
        memcpy(exact, b.data, size);
        offcut__exif_read(exact, size, &info);
        const uint32_t expected = size >= 34 ? 5 : 1; /* the second entry ends there */
        CHECKF(info.orientation == expected, "%zu bytes: %u", size, info.orientation);
        free(exact);
    }
}

static void test_nonsense(void) {
    block b = begin(0, 0xffff);
    entry(&b, 0x0112, 3, 7);
    CHECK(parse(&b).orientation == 7); /* the count promises more than there is */
    const uint32_t offsets[] = {0, 4, 7, 200, 0xffffffff, 0xfffffff8};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        block moved = b;
        moved.size = 4;
        put(&moved, offsets[i], 4);
        moved.size = b.size;
        CHECKF(parse(&moved).orientation == 1, "directory at %u", offsets[i]);
    }
    block other = b;
    other.data[2] = 43; /* neither TIFF ... */
    CHECK(parse(&other).orientation == 1);
    other.data[2] = 42;
    other.data[0] = 'M'; /* ... nor one byte order */
    CHECK(parse(&other).orientation == 1);
}

int main(void) {
    test_orientation();
    test_prefix();
    test_density();
    test_truncation();
    test_nonsense();
    return check_done();
}
