/* SPDX-License-Identifier: Apache-2.0
 * ITU-T T.81, B.1.1: segments are FF, a marker, and for most a length that counts itself. The
 * pieces of a profile: ICC.1, annex B.4. */
#include "jpeg_markers.h"

#include <stdlib.h>
#include <string.h>

#include "exif.h"

enum { MARKER_TEM = 0x01, MARKER_RST0 = 0xd0, MARKER_EOI = 0xd9, MARKER_SOS = 0xda };
enum { MARKER_APP1 = 0xe1, MARKER_APP2 = 0xe2 };
enum { ICC_HEADER = 14, ICC_PIECES = 255 };

typedef struct segment {
    uint8_t marker;
    const uint8_t *data;
    size_t size;
} segment;

/* The next segment with a length; false at a scan, at the end, and where there is no sense to be
 * made. */
static bool next_segment(const uint8_t *data, size_t size, size_t *at, segment *result) {
    while (*at < size) {
        while (*at < size && data[*at] != 0xff) (*at)++; /* stray bytes: libjpeg skips them too */
        while (*at < size && data[*at] == 0xff) (*at)++;
        if (*at >= size) return false;
        const uint8_t marker = data[(*at)++];
        if (marker == MARKER_SOS || marker == MARKER_EOI) return false;
        if (marker <= MARKER_TEM || (marker >= MARKER_RST0 && marker < MARKER_EOI)) continue;
        if (size - *at < 2) return false;
        const size_t length = (size_t)data[*at] << 8 | data[*at + 1];
        if (length < 2 || length > size - *at) return false;
        *result = (segment){marker, data + *at + 2, length - 2};
        *at += length;
        return true;
    }
    return false;
}

static bool is_icc(const segment *piece) {
    return piece->marker == MARKER_APP2 && piece->size > ICC_HEADER &&
           memcmp(piece->data, "ICC_PROFILE\0", 12) == 0;
}

static offcut_status join_icc(offcut_ctx *ctx, const segment *pieces, size_t count, size_t total,
                              uint8_t **icc, size_t *icc_size) {
    OFFCUT_TRY(offcut__alloc(ctx, total, 1, icc));
    for (size_t i = 0; i < count; i++) {
        const size_t size = pieces[i].size - ICC_HEADER;
        memcpy(*icc + *icc_size, pieces[i].data + ICC_HEADER, size);
        *icc_size += size;
    }
    return OFFCUT_OK;
}

offcut_status offcut__jpeg_markers_read(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                        offcut_info *info, uint8_t **icc, size_t *icc_size) {
    segment pieces[ICC_PIECES] = {{0}};
    size_t expected = 0, found = 0, total = 0;
    bool whole = true, exif = false;
    size_t at = 2;
    segment part;
    *icc = NULL;
    *icc_size = 0;
    while (next_segment(data, size, &at, &part)) {
        if (!exif && part.marker == MARKER_APP1 && part.size > 6 &&
            memcmp(part.data, "Exif\0", 5) == 0) {
            offcut__exif_read(part.data + 6, part.size - 6, info);
            exif = true;
        }
        if (!is_icc(&part)) continue;
        const size_t number = part.data[12], count = part.data[13];
        if (expected == 0) expected = count;
        if (number == 0 || number > count || count != expected || pieces[number - 1].data) {
            whole = false;
            continue;
        }
        pieces[number - 1] = part;
        total += part.size - ICC_HEADER;
        found++;
    }
    if (!whole || found == 0 || found != expected) return OFFCUT_OK;
    return join_icc(ctx, pieces, found, total, icc, icc_size);
}
