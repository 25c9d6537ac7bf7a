/* SPDX-License-Identifier: Apache-2.0
 * PNG: kinds, metadata, damage, bombs. Conformance is the corpus's matter. */
#include <png.h>
#include <zlib.h>

#include "base/memory.h"
#include "codec_check.h"

enum { WIDTH = 67, HEIGHT = 45, SIGNATURE = 8, HEADER_CHUNK = 25 };

typedef struct kind {
    const char *name;
    int colour, bits;
    bool interlaced;
} kind;

static const kind kinds[] = {
    {"RGBA", PNG_COLOR_TYPE_RGB_ALPHA, 8, false},
    {"RGB", PNG_COLOR_TYPE_RGB, 8, false},
    {"RGBA 16", PNG_COLOR_TYPE_RGB_ALPHA, 16, false},
    {"grey 16", PNG_COLOR_TYPE_GRAY, 16, false},
    {"grey 1", PNG_COLOR_TYPE_GRAY, 1, false},
    {"palette 4", PNG_COLOR_TYPE_PALETTE, 4, false},
    {"RGBA interlaced", PNG_COLOR_TYPE_RGB_ALPHA, 8, true},
    {"RGB 16 interlaced", PNG_COLOR_TYPE_RGB, 16, true},
    {"palette 2 interlaced", PNG_COLOR_TYPE_PALETTE, 2, true},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void append(png_structp png, png_bytep data, size_t size) {
    if (!offcut__bytes_append(png_get_io_ptr(png), data, size)) png_error(png, "memory");
}

static void flush(png_structp png) {
    (void)png;
}

/* Stored samples are bytes of a fixed sequence, whatever they mean. */
static uint8_t stored(uint32_t y, size_t i) {
    return (uint8_t)(y * 31 + i * 7 + (i * y) % 5);
}

static offcut__bytes encode(const kind *k) {
    static const png_color colours[16] = {{1, 2, 3}, {250, 0, 9}, {7, 77, 177}, {255, 255, 255}};
    offcut__bytes file = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &file, append, flush);
    png_set_IHDR(png, info, WIDTH, HEIGHT, k->bits, k->colour,
                 k->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (k->colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, colours, 1 << k->bits);
    png_write_info(png, info);
    uint8_t row[WIDTH * 8];
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < HEIGHT; y++) {
            for (size_t i = 0; i < sizeof row; i++) row[i] = stored(y, i);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
}

static uint32_t crc_of(const uint8_t *data, size_t size) {
    return (uint32_t)crc32(0, data, (uInt)size);
}

static void put_32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t find(const offcut__bytes *file, const char *type) {
    for (size_t at = 0; at + 4 < file->size; at++)
        if (memcmp(file->data + at, type, 4) == 0) return at - 4;
    return 0;
}

/* The file with one more chunk at an offset. */
static offcut__bytes insert(const offcut__bytes *file, size_t at, const char *type,
                            const void *data, size_t size) {
    uint8_t frame[8], crc[4];
    offcut__bytes result = {0};
    put_32(frame, (uint32_t)size);
    memcpy(frame + 4, type, 4);
    uLong sum = crc32(0, frame + 4, 4);
    if (size) sum = crc32(sum, data, (uInt)size);
    put_32(crc, (uint32_t)sum);
    CHECK(offcut__bytes_append(&result, file->data, at));
    CHECK(offcut__bytes_append(&result, frame, 8));
    CHECK(offcut__bytes_append(&result, data, size));
    CHECK(offcut__bytes_append(&result, crc, 4));
    CHECK(offcut__bytes_append(&result, file->data + at, file->size - at));
    return result;
}

/* ---- kinds ---- */

static uint32_t expected_sample(const kind *k, uint32_t x, uint32_t y, size_t channel) {
    const uint32_t most = k->bits == 16 ? 65535 : 255;
    if (k->colour == PNG_COLOR_TYPE_PALETTE || k->bits < 8) {
        const uint32_t per_byte = 8 / (uint32_t)k->bits;
        const uint32_t shift = 8 - (uint32_t)k->bits * (x % per_byte + 1);
        const uint32_t value = (uint32_t)stored(y, x / per_byte) >> shift & ((1u << k->bits) - 1);
        static const uint8_t colours[4][3] = {
            {1, 2, 3}, {250, 0, 9}, {7, 77, 177}, {255, 255, 255}};
        if (channel == 3) return 255;
        if (k->colour == PNG_COLOR_TYPE_PALETTE) return value < 4 ? colours[value][channel] : 0;
        return value * 255;
    }
    const size_t channels = k->colour == PNG_COLOR_TYPE_RGB_ALPHA ? 4
                            : k->colour == PNG_COLOR_TYPE_RGB     ? 3
                                                                  : 1;
    if (channel == 3 && channels < 4) return most;
    const size_t i = x * channels + (channels == 1 ? 0 : channel);
    if (k->bits == 8) return stored(y, i);
    return (uint32_t)stored(y, 2 * i) << 8 | stored(y, 2 * i + 1);
}

static void test_kinds(offcut_ctx *ctx) {
    for (size_t i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        offcut__bytes file = encode(k);
        const decoded result = decode(ctx, file.data, file.size, NULL, 8);
        CHECKF(result.status == OFFCUT_OK, "%s: %s", k->name, offcut_detail(ctx));
        CHECK(result.width == WIDTH && result.height == HEIGHT); /* reduce is ignored */
        CHECK(result.info.bits == (k->bits == 16 ? 16u : 8u));
        CHECK(!result.info.whole);
        CHECK(result.info.has_alpha == (k->colour == PNG_COLOR_TYPE_RGB_ALPHA));
        size_t wrong = 0;
        for (uint32_t s = 0; s < WIDTH * HEIGHT * 4; s++) {
            uint16_t wide = 0;
            memcpy(&wide, result.pixels + (k->bits == 16 ? 2 * (size_t)s : 0), 2);
            const uint32_t sample = k->bits == 16 ? wide : result.pixels[s];
            wrong += sample != expected_sample(k, s / 4 % WIDTH, s / 4 / WIDTH, s % 4);
        }
        CHECKF(wrong == 0, "%s: %zu samples differ", k->name, wrong);
        free(result.pixels);
        offcut__bytes_free(&file);
    }
}

static void test_passes(offcut_ctx *ctx) {
    for (size_t i = 0; i < KINDS; i++) {
        offcut__bytes file = encode(&kinds[i]);
        const decoded expected = decode(ctx, file.data, file.size, NULL, 1);
        const size_t size = (size_t)WIDTH * HEIGHT * expected.info.bits / 2;
        uint8_t *rows = malloc(size);
        offcut_decoder *decoder = NULL;
        uint32_t width = 0, height = 0;
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, 7) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, HEIGHT) == OFFCUT_OK);
        CHECKF(memcmp(rows, expected.pixels, size) == 0, "%s", kinds[i].name);
        offcut_decoder_close(decoder);
        free(rows);
        free(expected.pixels);
        offcut__bytes_free(&file);
    }
}

/* ---- metadata ---- */

static void test_exif(offcut_ctx *ctx) {
    uint8_t exif[] = "MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\5\0\0\0\0\0\0";
    offcut__bytes plain = encode(&kinds[1]);
    const size_t places[] = {SIGNATURE + HEADER_CHUNK, find(&plain, "IEND")};
    for (int i = 0; i < 2; i++) {
        offcut__bytes file = insert(&plain, places[i], "eXIf", exif, sizeof exif - 1);
        offcut_decoder *decoder = NULL;
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        CHECK(offcut_decoder_info(decoder)->orientation == 5);
        offcut_decoder_close(decoder);
        file.data[find(&file, "eXIf") + 12] ^= 1; /* its checksum no longer holds */
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        CHECK(offcut_decoder_info(decoder)->orientation == 1);
        offcut_decoder_close(decoder);
        offcut__bytes_free(&file);
    }
    offcut__bytes_free(&plain);
}

/* ---- damage ---- */

static void test_damage(void) {
    for (size_t i = 0; i < KINDS; i++) {
        offcut__bytes file = encode(&kinds[i]);
        const size_t header = find(&file, "IDAT") + 8, needed = find(&file, "IEND");
        const file_bytes bytes = {file.data, file.size};
        check_truncations(kinds[i].name, bytes, header, needed);
        check_bit_flips(kinds[i].name, bytes);
        offcut__bytes_free(&file);
    }
}

static void test_checksums(offcut_ctx *ctx) {
    offcut__bytes file = encode(&kinds[0]);
    const size_t end = find(&file, "IEND");
    file.data[end - 1] ^= 1; /* of the last IDAT */
    CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_ERR_CORRUPT);
    CHECK(decode_status(ctx, file.data, file.size, true) == OFFCUT_OK);
    file.data[end - 1] ^= 1;
    CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_OK);
    CHECK(decode_status(ctx, file.data, end, false) == OFFCUT_OK); /* no IEND: nothing is lost */
    uint8_t *longer = calloc(1, file.size + 1000);
    memcpy(longer, file.data, file.size);
    CHECK(decode_status(ctx, longer, file.size + 1000, false) == OFFCUT_OK); /* a tail */
    free(longer);
    file.data[20] ^= 1; /* of the header */
    CHECK(decode_status(ctx, file.data, file.size, true) == OFFCUT_ERR_CORRUPT);
    offcut__bytes_free(&file);
}

/* Text that would unpack to 100 MB, and a picture of 100 megapixels in 400 bytes. */
static void test_bombs(offcut_ctx *ctx) {
    const size_t size = 100 << 20;
    uint8_t *text = malloc(size);
    memset(text, 'a', size);
    uLongf packed = compressBound((uLong)size);
    uint8_t *chunk = malloc(packed + 6);
    memcpy(chunk, "zTXt\0\0", 6); /* keyword, its end, the method */
    CHECK(compress2(chunk + 6, &packed, text, (uLong)size, 9) == Z_OK);
    offcut__bytes plain = encode(&kinds[0]);
    const char *const types[] = {"zTXt", "iCCP", "iTXt"};
    for (int i = 0; i < 3; i++) {
        offcut__bytes file = insert(&plain, SIGNATURE + HEADER_CHUNK, types[i], chunk, packed + 6);
        CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_OK);
        offcut__bytes_free(&file);
    }
    offcut__bytes_free(&plain);
    free(text);
    free(chunk);

    offcut__bytes wide = encode(&kinds[8]);
    put_32(wide.data + 16, 10000);
    put_32(wide.data + 20, 10000);
    put_32(wide.data + 29, crc_of(wide.data + 12, 17));
    CHECK(decode_status(ctx, wide.data, wide.size, false) == OFFCUT_ERR_CORRUPT);
    put_32(wide.data + 20, 100000);
    put_32(wide.data + 29, crc_of(wide.data + 12, 17));
    CHECK(decode_status(ctx, wide.data, wide.size, true) == OFFCUT_ERR_LIMIT);
    offcut__bytes_free(&wide);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    test_kinds(ctx);
    test_passes(ctx);
    test_exif(ctx);
    test_damage();
    test_checksums(ctx);
    test_bombs(ctx);
    offcut_free(ctx);
    return check_done();
}
