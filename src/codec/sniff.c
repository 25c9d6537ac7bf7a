/* SPDX-License-Identifier: Apache-2.0
 * The format by the first bytes; names and media types are not asked. */
#include <string.h>

#include "codec.h"

/* Pictures people really hand in and that are not ours: naming them is worth more than "unknown".
 */
static const struct {
    const char *name;
    size_t offset;
    size_t size;
    const char *bytes;
} others[] = {
    {"GIF", 0, 4, "GIF8"},
    {"BMP", 0, 2, "BM"},
    {"TIFF", 0, 4, "II*\0"},
    {"TIFF", 0, 4, "MM\0*"},
    {"AVIF", 4, 8, "ftypavif"},
    {"AVIF", 4, 8, "ftypavis"},
    {"HEIC", 4, 8, "ftypheic"},
    {"HEIC", 4, 8, "ftypheix"},
    {"HEIF", 4, 8, "ftypmif1"},
    {"HEIF", 4, 8, "ftypmsf1"},
    {"JPEG XL", 0, 2, "\xff\x0a"},
    {"JPEG XL", 4, 8, "JXL \r\n\x87\n"},
    {"JPEG 2000", 4, 8, "jP  \r\n\x87\n"},
    {"ICO", 0, 4, "\0\0\1\0"},
    {"Photoshop", 0, 4, "8BPS"},
    {"PDF", 0, 4, "%PDF"},
    {"SVG", 0, 4, "<svg"},
    {"XML or SVG", 0, 5, "<?xml"},
    {"HTML", 0, 9, "<!DOCTYPE"},
    {"ZIP", 0, 4, "PK\3\4"},
    {"gzip", 0, 2, "\x1f\x8b"},
    {"EXR", 0, 4, "v/1\1"},
};

static bool has(const uint8_t *data, size_t size, size_t offset, const char *bytes, size_t count) {
    return size >= offset + count && memcmp(data + offset, bytes, count) == 0;
}

static offcut_status refuse(offcut_ctx *ctx, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (has(data, size, others[i].offset, others[i].bytes, others[i].size))
            return offcut__fail(ctx, OFFCUT_ERR_FORMAT,
                                "expected a JPEG, PNG or WebP picture, received %s",
                                others[i].name);
    char hex[4 * 3 + 1] = "";
    const size_t count = size < 4 ? size : 4;
    for (size_t i = 0; i < count; i++) {
        hex[i * 3] = "0123456789abcdef"[data[i] >> 4];
        hex[i * 3 + 1] = "0123456789abcdef"[data[i] & 15];
        hex[i * 3 + 2] = i + 1 < count ? ' ' : '\0';
    }
    return offcut__fail(ctx, OFFCUT_ERR_FORMAT,
                        "expected a JPEG, PNG or WebP picture, received %zu bytes that begin %s",
                        size, hex);
}

offcut_status offcut__sniff(offcut_ctx *ctx, const uint8_t *data, size_t size,
                            offcut_format *format) {
    static const char png[] = "\x89PNG\r\n\x1a\n";
    if (has(data, size, 0, "\xff\xd8", 2)) {
        *format = OFFCUT_FORMAT_JPEG;
        return OFFCUT_OK;
    }
    if (has(data, size, 0, png, 8)) {
        *format = OFFCUT_FORMAT_PNG;
        return OFFCUT_OK;
    }
    if (has(data, size, 0, "RIFF", 4) && has(data, size, 8, "WEBP", 4)) {
        *format = OFFCUT_FORMAT_WEBP;
        return OFFCUT_OK;
    }
    /* PNG's signature is made to tell how a file was damaged. */
    OFFCUT_FAIL_IF(size >= 4 && size < 8 && memcmp(data, png, size) == 0, ctx, OFFCUT_ERR_TRUNCATED,
                   "expected a PNG signature of 8 bytes, the file ends after %zu", size);
    OFFCUT_FAIL_IF(has(data, size, 0, png, 4), ctx, OFFCUT_ERR_CORRUPT,
                   "PNG signature damaged: the file was probably sent as text");
    OFFCUT_FAIL_IF(has(data, size, 0, "RIFF", 4) && size < 12, ctx, OFFCUT_ERR_TRUNCATED,
                   "expected a WebP header of 12 bytes, the file ends after %zu", size);
    return refuse(ctx, data, size);
}
