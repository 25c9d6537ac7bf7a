/* SPDX-License-Identifier: Apache-2.0
 * The decoder's face: sniffing, limits, the order of calls. */
#include "codec_check.h"

#include "codec/writer.h"

enum { SIDE = 12 };

static file_bytes make_png(offcut_ctx *ctx) {
    const offcut__picture_spec spec = {.width = SIDE, .height = SIDE, .bits = 8};
    offcut__bytes file = {0};
    offcut__writer *writer = NULL;
    uint8_t *pixels = make_pixels(SIDE, SIDE);
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, &file, &writer) == OFFCUT_OK);
    CHECK(offcut__writer_write(writer, pixels, SIDE) == OFFCUT_OK);
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    offcut__writer_close(writer);
    free(pixels);
    return (file_bytes){file.data, file.size};
}

static void test_sniff(offcut_ctx *ctx) {
    static const struct {
        const char *bytes;
        size_t size;
        offcut_status status;
        const char *says;
    } cases[] = {
        {"", 0, OFFCUT_ERR_FORMAT, "0 bytes"},
        {"x", 1, OFFCUT_ERR_FORMAT, "78"},
        {"\xff", 1, OFFCUT_ERR_FORMAT, "ff"},
        {"\xff\xd8", 2, OFFCUT_ERR_TRUNCATED, "JPEG"},
        {"\xff\xd8\xff\xe0", 4, OFFCUT_ERR_TRUNCATED, "JPEG"},
        {"\x89PNG", 4, OFFCUT_ERR_TRUNCATED, "PNG"},
        {"\x89PNG\r\n\x1a", 7, OFFCUT_ERR_TRUNCATED, "7"},
        {"\x89PNG\r\n\x1a\n", 8, OFFCUT_ERR_TRUNCATED, "PNG"},
        {"\x89PNG\n\x1a\n\0\0\0\0", 11, OFFCUT_ERR_CORRUPT, "text"},
        {"RIFF\0\0", 6, OFFCUT_ERR_TRUNCATED, "WebP"},
        {"RIFF\x64\0\0\0WEBP", 12, OFFCUT_ERR_TRUNCATED, "WebP"},
        {"RIFF\0\0\0\0WAVE", 12, OFFCUT_ERR_FORMAT, "52 49 46 46"},
        {"GIF89a", 6, OFFCUT_ERR_FORMAT, "GIF"},
        {"\0\0\0\x1c"
         "ftypheic",
         12, OFFCUT_ERR_FORMAT, "HEIC"},
        {"\0\0\0\x1c"
         "ftypavif",
         12, OFFCUT_ERR_FORMAT, "AVIF"},
        {"II*\0\10\0\0\0", 8, OFFCUT_ERR_FORMAT, "TIFF"},
        {"BM", 2, OFFCUT_ERR_FORMAT, "BMP"},
        {"%PDF-1.7", 8, OFFCUT_ERR_FORMAT, "PDF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const offcut_status status =
            decode_status(ctx, (const uint8_t *)cases[i].bytes, cases[i].size, false);
        const char *detail = offcut_detail(ctx);
        CHECKF(status == cases[i].status, "case %zu: %d, %s", i, status, detail);
        CHECKF(strstr(detail, cases[i].says), "case %zu: \"%s\" lacks \"%s\"", i, detail,
               cases[i].says);
    }
}

static void test_limits(offcut_ctx *ctx, file_bytes png) {
    offcut_options options = offcut_options_default();
    options.pixels_max = SIDE * SIDE;
    decoded result = decode(ctx, png.data, png.size, &options, 1);
    CHECK(result.status == OFFCUT_OK);
    free(result.pixels);
    options.pixels_max--;
    result = decode(ctx, png.data, png.size, &options, 1);
    CHECK(result.status == OFFCUT_ERR_LIMIT && strstr(offcut_detail(ctx), "12 x 12"));
    free(result.pixels);
    options = offcut_options_default();
    options.bytes_max = png.size;
    result = decode(ctx, png.data, png.size, &options, 1);
    CHECK(result.status == OFFCUT_OK);
    free(result.pixels);
    options.bytes_max--;
    result = decode(ctx, png.data, png.size, &options, 1);
    CHECK(result.status == OFFCUT_ERR_LIMIT && strstr(offcut_detail(ctx), "bytes"));
    free(result.pixels);
}

static void test_order(offcut_ctx *ctx, file_bytes png) {
    offcut_decoder *decoder = NULL;
    uint32_t width = 0, height = 0;
    uint8_t rows[SIDE * SIDE * 4];
    CHECK(offcut_decoder_open(ctx, png.data, png.size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_read(decoder, rows, 1) == OFFCUT_ERR_STATE); /* no pass */
    CHECK(offcut_decoder_start(decoder, 3, &width, &height) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_decoder_start(decoder, 0, &width, &height) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_decoder_start(decoder, 1, NULL, &height) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
    CHECK(width == SIDE && height == SIDE);
    CHECK(offcut_decoder_read(decoder, NULL, 1) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_decoder_read(decoder, rows, 0) == OFFCUT_OK);
    CHECK(offcut_decoder_read(decoder, rows, SIDE - 1) == OFFCUT_OK);
    CHECK(offcut_decoder_read(decoder, rows, 2) == OFFCUT_ERR_STATE); /* one is left */
    CHECK(offcut_decoder_read(decoder, rows, UINT32_MAX) == OFFCUT_ERR_STATE);
    CHECK(offcut_decoder_read(decoder, rows, 1) == OFFCUT_OK);
    CHECK(offcut_decoder_read(decoder, rows, 1) == OFFCUT_ERR_STATE);
    CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
    CHECK(offcut_decoder_read(decoder, rows, SIDE) == OFFCUT_OK);
    offcut_decoder_close(decoder);
    offcut_decoder_close(NULL);
}

static void test_arguments(offcut_ctx *ctx, file_bytes png) {
    offcut_decoder *decoder = (offcut_decoder *)&png;
    CHECK(offcut_decoder_open(ctx, NULL, 5, NULL, &decoder) == OFFCUT_ERR_ARGUMENT);
    CHECK(decoder == NULL);
    CHECK(offcut_decoder_open(NULL, png.data, png.size, NULL, &decoder) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_decoder_open(ctx, png.data, png.size, NULL, NULL) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_decoder_info(NULL) == NULL);
}

/* After a failure within a pass there is no pass; a new one may be begun and fails in the same way.
 */
static void test_failure(offcut_ctx *ctx, file_bytes png) {
    offcut_decoder *decoder = NULL;
    uint32_t width = 0, height = 0;
    uint8_t rows[SIDE * SIDE * 4];
    CHECK(offcut_decoder_open(ctx, png.data, png.size - 40, NULL, &decoder) == OFFCUT_OK);
    for (int pass = 0; pass < 2; pass++) {
        CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, SIDE) == OFFCUT_ERR_TRUNCATED);
        CHECK(offcut_decoder_read(decoder, rows, 1) == OFFCUT_ERR_STATE);
    }
    offcut_decoder_close(decoder);
    CHECK(decode_status(ctx, png.data, png.size, false) == OFFCUT_OK); /* ctx stays usable */
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    const file_bytes png = make_png(ctx);
    test_sniff(ctx);
    test_limits(ctx, png);
    test_order(ctx, png);
    test_arguments(ctx, png);
    test_failure(ctx, png);
    free(png.data);
    offcut_free(ctx);
    return check_done();
}
