/* SPDX-License-Identifier: Apache-2.0
 * TIFF 6.0, section 2: a header, then directories of 12-byte entries. Only the first is looked at.
 */
#include "exif.h"

#include <stdbool.h>
#include <string.h>

enum { TAG_ORIENTATION = 0x0112, TAG_X = 0x011a, TAG_Y = 0x011b, TAG_UNIT = 0x0128 };
enum { TYPE_SHORT = 3, TYPE_LONG = 4, TYPE_RATIONAL = 5 };

typedef struct tiff {
    const uint8_t *data;
    size_t size;
    bool big_endian;
} tiff;

static uint32_t read_16(const tiff *block, size_t at) {
    const uint8_t *p = block->data + at;
    return block->big_endian ? (uint32_t)(p[0] << 8 | p[1]) : (uint32_t)(p[1] << 8 | p[0]);
}

static uint32_t read_32(const tiff *block, size_t at) {
    const uint32_t first = read_16(block, at), second = read_16(block, at + 2);
    return block->big_endian ? first << 16 | second : second << 16 | first;
}

/* A SHORT, or a LONG as some writers have it; 0 if it is neither. */
static uint32_t read_number(const tiff *block, size_t entry) {
    const uint32_t type = read_16(block, entry + 2);
    if (type == TYPE_SHORT) return read_16(block, entry + 8);
    return type == TYPE_LONG ? read_32(block, entry + 8) : 0;
}

/* Pixels per metre of a RATIONAL that counts pixels per inch (unit 2) or centimetre (3); 0 if there
 * is none. */
static uint32_t read_density(const tiff *block, size_t entry, uint32_t unit) {
    if (entry == 0 || read_16(block, entry + 2) != TYPE_RATIONAL) return 0;
    const size_t at = read_32(block, entry + 8);
    if (block->size < 8 || at > block->size - 8) return 0;
    const uint64_t numerator = read_32(block, at), denominator = read_32(block, at + 4);
    const uint64_t below = denominator * (unit == 3 ? 100 : 254);
    if (below == 0) return 0;
    const uint64_t density = (numerator * 10000 + below / 2) / below;
    return density <= INT32_MAX ? (uint32_t)density : 0;
}

static void read_directory(const tiff *block, size_t at, offcut_info *info) {
    size_t x = 0, y = 0;
    uint32_t unit = 2; /* TIFF's default is the inch */
    bool oriented = false;
    const uint32_t count = read_16(block, at);
    at += 2;
    for (uint32_t i = 0; i < count && block->size - at >= 12; i++, at += 12) {
        const uint32_t tag = read_16(block, at);
        if (tag == TAG_ORIENTATION && !oriented) {
            const uint32_t value = read_number(block, at);
            info->orientation = value >= 1 && value <= 8 ? value : 1;
            oriented = true;
        }
        if (tag == TAG_X) x = at;
        if (tag == TAG_Y) y = at;
        if (tag == TAG_UNIT) unit = read_number(block, at);
    }
    if (info->density_x != 0 || (unit != 2 && unit != 3)) return;
    info->density_x = read_density(block, x, unit);
    info->density_y = read_density(block, y, unit);
    if (info->density_x == 0 || info->density_y == 0) info->density_x = info->density_y = 0;
}

void offcut__exif_read(const uint8_t *data, size_t size, offcut_info *info) {
    if (size >= 6 && memcmp(data, "Exif\0\0", 6) == 0) {
        data += 6;
        size -= 6;
    }
    if (size < 8) return;
    tiff block = {data, size, data[0] == 'M'};
    if (memcmp(data, block.big_endian ? "MM\0*" : "II*\0", 4) != 0) return;
    const size_t at = read_32(&block, 4);
    if (at < 8 || at > size - 2) return;
    read_directory(&block, at, info);
}
