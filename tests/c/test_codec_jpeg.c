/* SPDX-License-Identifier: Apache-2.0
 * JPEG: kinds, reduced passes, metadata, damage. Bit-exactness is the corpus's matter. */
#include <stdio.h>

#include "codec_check.h"

/* Needs stdio.h before it. */
#include <jpeglib.h>

enum { WIDTH = 117, HEIGHT = 83 };

typedef struct kind {
    const char *name;
    J_COLOR_SPACE input, stored;
    int components;
    bool progressive, arithmetic;
    int sampling, restart;
} kind;

static const kind kinds[] = {
    {"baseline", JCS_EXT_RGBX, JCS_YCbCr, 4, false, false, 2, 0},
    {"baseline 4:4:4", JCS_EXT_RGBX, JCS_YCbCr, 4, false, false, 1, 0},
    {"restarts", JCS_EXT_RGBX, JCS_YCbCr, 4, false, false, 2, 3},
    {"RGB", JCS_EXT_RGBX, JCS_RGB, 4, false, false, 1, 0},
    {"grey", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, false, false, 1, 0},
    {"progressive", JCS_EXT_RGBX, JCS_YCbCr, 4, true, false, 2, 0},
    {"arithmetic", JCS_EXT_RGBX, JCS_YCbCr, 4, false, true, 2, 0},
    {"progressive arithmetic", JCS_EXT_RGBX, JCS_YCbCr, 4, true, true, 2, 5},
    {"CMYK", JCS_CMYK, JCS_CMYK, 4, false, false, 1, 0},
    {"YCCK", JCS_CMYK, JCS_YCCK, 4, false, false, 2, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Adobe's way: every ink is stored inverted. Here black is never used, so RGB survives as it is. */
static void to_samples(const kind *k, const uint8_t *pixels, size_t count, uint8_t *samples) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = pixels + i * 4;
        if (k->components == 1) {
            samples[i] = p[0];
            continue;
        }
        memcpy(samples + i * 4, p, 3);
        samples[i * 4 + 3] = 255;
    }
}

static file_bytes encode(const kind *k, const uint8_t *pixels, uint32_t width, uint32_t height,
                         void (*decorate)(struct jpeg_compress_struct *)) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;
    uint8_t *samples = malloc((size_t)width * height * 4);
    to_samples(k, pixels, (size_t)width * height, samples);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = k->components;
    jpeg.in_color_space = k->input;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, k->stored);
    jpeg_set_quality(&jpeg, 92, TRUE);
    jpeg.arith_code = k->arithmetic;
    jpeg.restart_interval = (unsigned)k->restart;
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = k->sampling;
    if (k->progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (decorate) decorate(&jpeg);
    while (jpeg.next_scanline < height) {
        JSAMPROW row = samples + (size_t)jpeg.next_scanline * width * (unsigned)k->components;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(samples);
    return (file_bytes){data, size};
}

/* Where the picture's data begin: behind the first SOS. */
static size_t header_size(file_bytes file) {
    size_t at = 2;
    while (at + 4 <= file.size && file.data[at + 1] != 0xda)
        at += 2 + ((size_t)file.data[at + 2] << 8 | file.data[at + 3]);
    return at + 2 + file.data[at + 3];
}

static void test_kinds(offcut_ctx *ctx, const uint8_t *pixels) {
    uint8_t *grey = malloc(WIDTH * HEIGHT * 4);
    for (size_t i = 0; i < WIDTH * HEIGHT * 4; i++) grey[i] = pixels[i / 4 * 4];
    for (size_t i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        const file_bytes file = encode(k, pixels, WIDTH, HEIGHT, NULL);
        const decoded result = decode(ctx, file.data, file.size, NULL, 1);
        CHECKF(result.status == OFFCUT_OK, "%s: %s", k->name, offcut_detail(ctx));
        if (result.status == OFFCUT_OK) {
            double mean = 0;
            const uint8_t *expected = k->components == 1 ? grey : pixels;
            const int most = difference(result.pixels, expected, WIDTH * HEIGHT, false, &mean);
            /* Quality 92, and the noise of the blue channel. */
            CHECKF(most < 30 && mean < 4, "%s: off by %d, mean %g", k->name, most, mean);
            CHECK(result.info.format == OFFCUT_FORMAT_JPEG && result.info.bits == 8);
            CHECK(result.info.width == WIDTH && result.info.height == HEIGHT);
            CHECK(!result.info.has_alpha && result.info.orientation == 1);
            CHECK(result.info.whole == k->progressive);
            for (size_t p = 3; p < WIDTH * HEIGHT * 4; p += 4)
                if (result.pixels[p] != 255) CHECKF(false, "%s: alpha at %zu", k->name, p / 4);
        }
        free(result.pixels);
        free(file.data);
    }
    free(grey);
}

static void test_reduce(offcut_ctx *ctx, const uint8_t *pixels) {
    const file_bytes file = encode(&kinds[0], pixels, WIDTH, HEIGHT, NULL);
    for (uint32_t reduce = 2; reduce <= 8; reduce *= 2) {
        const decoded result = decode(ctx, file.data, file.size, NULL, reduce);
        CHECK(result.status == OFFCUT_OK);
        CHECK(result.width == (WIDTH + reduce - 1) / reduce);
        CHECK(result.height == (HEIGHT + reduce - 1) / reduce);
        uint32_t sum = 0, expected = 0; /* of red: a ramp over the width */
        for (uint32_t i = 0; i < result.width * result.height; i++) sum += result.pixels[i * 4];
        for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) expected += pixels[i * 4];
        const double mean = sum / (double)(result.width * result.height);
        const double wanted = expected / (double)(WIDTH * HEIGHT);
        CHECKF(mean > wanted - 4 && mean < wanted + 4, "1/%u: %g, %g", reduce, mean, wanted);
        free(result.pixels);
    }
    free(file.data);
}

/* Several passes of one decoder, also abandoned ones, give the same as the first. */
static void test_passes(offcut_ctx *ctx, const uint8_t *pixels) {
    for (size_t i = 0; i < KINDS; i++) {
        const file_bytes file = encode(&kinds[i], pixels, WIDTH, HEIGHT, NULL);
        const decoded expected = decode(ctx, file.data, file.size, NULL, 1);
        offcut_decoder *decoder = NULL;
        uint32_t width = 0, height = 0;
        uint8_t *rows = malloc(WIDTH * HEIGHT * 4);
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 8, &width, &height) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, height) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, 10) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, height) == OFFCUT_OK);
        CHECKF(memcmp(rows, expected.pixels, WIDTH * HEIGHT * 4) == 0, "%s", kinds[i].name);
        offcut_decoder_close(decoder);
        free(rows);
        free(expected.pixels);
        free(file.data);
    }
}

/* Ink as it is, and Adobe's inverted ink, mean the same picture. */
static void test_cmyk(offcut_ctx *ctx) {
    const uint8_t stored[] = {200, 100, 50, 128}; /* inverted: 55, 155, 205, 127 of ink */
    uint8_t pixels[16 * 16 * 4];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = stored[i % 4];
    kind k = kinds[8];
    file_bytes file = encode(&k, pixels, 16, 16, NULL);
    decoded result = decode(ctx, file.data, file.size, NULL, 1);
    CHECK(result.status == OFFCUT_OK);
    /* encode() sets black to 255, that is, no black ink */
    CHECKF(abs(result.pixels[0] - 200) < 3 && abs(result.pixels[2] - 50) < 3, "%d %d",
           result.pixels[0], result.pixels[2]);
    free(result.pixels);
    /* Without Adobe's marker (FF EE, 14 bytes more) the samples are ink. */
    for (size_t at = 0; at + 16 < file.size; at++)
        if (file.data[at] == 0xff && file.data[at + 1] == 0xee) {
            memmove(file.data + at, file.data + at + 16, file.size - at - 16);
            file.size -= 16;
            break;
        }
    result = decode(ctx, file.data, file.size, NULL, 1);
    CHECK(result.status == OFFCUT_OK);
    CHECKF(result.pixels[0] == 0 && result.pixels[3] == 255, "all black ink: %d %d",
           result.pixels[0], result.pixels[3]);
    free(result.pixels);
    free(file.data);
}

/* ---- metadata ---- */

static uint8_t profile[100000];

static void write_profile(struct jpeg_compress_struct *jpeg) {
    static const JOCTET exif[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0";
    jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof exif - 1);
    jpeg_write_icc_profile(jpeg, profile, sizeof profile);
}

static void test_metadata(offcut_ctx *ctx, const uint8_t *pixels) {
    for (size_t i = 0; i < sizeof profile; i++) profile[i] = (uint8_t)(i * 7 + i / 256);
    file_bytes file = encode(&kinds[0], pixels, WIDTH, HEIGHT, write_profile);
    offcut_decoder *decoder = NULL;
    CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
    const offcut_info *info = offcut_decoder_info(decoder);
    CHECK(info->orientation == 6);
    CHECK(info->icc_size == sizeof profile);
    CHECK(info->icc && memcmp(info->icc, profile, sizeof profile) == 0);
    CHECK(info->density_x == 0 && info->density_y == 0); /* JFIF 1:1 is a ratio */
    offcut_decoder_close(decoder);

    /* A piece numbered twice: no profile rather than a wrong one. */
    size_t pieces = 0;
    for (size_t at = 0; at + 14 < file.size; at++)
        if (memcmp(file.data + at, "ICC_PROFILE\0\2", 13) == 0) {
            file.data[at + 12] = 1;
            pieces++;
        }
    CHECK(pieces == 1);
    CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_info(decoder)->icc == NULL);
    CHECK(offcut_decoder_info(decoder)->icc_size == 0);
    offcut_decoder_close(decoder);
    free(file.data);

    file = encode(&kinds[8], pixels, WIDTH, HEIGHT, write_profile); /* CMYK: dropped */
    CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_info(decoder)->icc == NULL);
    offcut_decoder_close(decoder);
    free(file.data);

    file = encode(&kinds[0], pixels, WIDTH, HEIGHT, NULL);
    const uint8_t jfif[] = {1, 0x01, 0x2c, 0x00, 0x48}; /* per inch: 300 x 72 */
    memcpy(file.data + 13, jfif, sizeof jfif);
    CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_info(decoder)->density_x == 11811);
    CHECK(offcut_decoder_info(decoder)->density_y == 2835);
    offcut_decoder_close(decoder);
    free(file.data);
}

/* ---- damage ---- */

static void test_damage(const uint8_t *pixels) {
    for (size_t i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        const file_bytes file = encode(k, pixels, WIDTH, HEIGHT, NULL);
        /* A Huffman-coded scan that lacks nothing but the end marker is complete, and its last bits
         * may be padding; everything else needs the marker. */
        const bool strict = k->progressive || k->arithmetic;
        check_truncations(k->name, file, header_size(file), file.size - (strict ? 2 : 4));
        check_bit_flips(k->name, file);
        free(file.data);
    }
}

static void test_end(offcut_ctx *ctx, const uint8_t *pixels) {
    const file_bytes file = encode(&kinds[0], pixels, WIDTH, HEIGHT, NULL);
    uint8_t *longer = calloc(1, file.size + 100);
    memcpy(longer, file.data, file.size);
    CHECK(decode_status(ctx, file.data, file.size - 2, false) == OFFCUT_OK); /* no end marker */
    CHECK(decode_status(ctx, longer, file.size + 100, false) == OFFCUT_OK);  /* a tail */
    /* Padding before the end marker is usual; a lot of data left over is a scan that lost its way.
     */
    longer[file.size - 2] = longer[file.size - 1] = 0;
    longer[file.size + 20] = 0xff;
    longer[file.size + 21] = 0xd9;
    CHECK(decode_status(ctx, longer, file.size + 100, false) == OFFCUT_OK);
    longer[file.size + 20] = 0;
    longer[file.size + 98] = 0xff;
    longer[file.size + 99] = 0xd9;
    longer[file.size + 21] = 0;
    CHECK(decode_status(ctx, longer, file.size + 100, false) == OFFCUT_ERR_CORRUPT);
    CHECK(decode_status(ctx, longer, file.size + 100, true) == OFFCUT_OK);
    free(longer);
    free(file.data);
}

static size_t find_marker(file_bytes file, uint8_t marker) {
    for (size_t at = 0; at + 1 < file.size; at++)
        if (file.data[at] == 0xff && file.data[at + 1] == marker) return at;
    return 0;
}

static void test_refused_kinds(offcut_ctx *ctx, const uint8_t *pixels) {
    const file_bytes file = encode(&kinds[0], pixels, WIDTH, HEIGHT, NULL);
    const size_t sof = find_marker(file, 0xc0);
    file.data[sof + 4] = 12; /* bits a sample */
    CHECK(decode_status(ctx, file.data, file.size, true) == OFFCUT_ERR_UNSUPPORTED);
    file.data[sof + 4] = 8;
    file.data[sof + 1] = 0xc3; /* lossless */
    CHECK(decode_status(ctx, file.data, file.size, true) == OFFCUT_ERR_UNSUPPORTED);
    file.data[sof + 1] = 0xc0;
    file.data[sof + 5] = file.data[sof + 6] = 0; /* height 0: given later, in a DNL segment */
    CHECK(decode_status(ctx, file.data, file.size, true) == OFFCUT_ERR_UNSUPPORTED);
    file.data[sof + 5] = 0xea; /* 60,000 x 60,000 */
    file.data[sof + 6] = 0x60;
    file.data[sof + 7] = 0xea;
    file.data[sof + 8] = 0x60;
    CHECK(decode_status(ctx, file.data, file.size, true) == OFFCUT_ERR_LIMIT);
    CHECK(strstr(offcut_detail(ctx), "60000 x 60000"));
    free(file.data);
}

/* A progressive picture is kept as coefficients: what a small file claims must not cost memory or
 * time. */
static void test_bombs(offcut_ctx *ctx, const uint8_t *pixels) {
    file_bytes file = encode(&kinds[5], pixels, WIDTH, HEIGHT, NULL);
    const size_t sof = find_marker(file, 0xc2);
    const uint8_t sides[] = {0x27, 0x10, 0x27, 0x10}; /* 10,000 x 10,000 */
    memcpy(file.data + sof + 5, sides, sizeof sides);
    CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_ERR_TRUNCATED);
    free(file.data);

    file = encode(&kinds[5], pixels, WIDTH, HEIGHT, NULL);
    /* The last scan again and again. Each is a refinement of the same bit: a warning, so damage. */
    size_t scan = 0;
    for (size_t at = 0; at + 1 < file.size; at++)
        if (file.data[at] == 0xff && file.data[at + 1] == 0xda) scan = at;
    const size_t length = file.size - 2 - scan;
    enum { REPEATS = 2000 };
    file_bytes bomb = {malloc(file.size + REPEATS * length), file.size - 2};
    memcpy(bomb.data, file.data, file.size);
    for (int i = 0; i < REPEATS; i++, bomb.size += length)
        memcpy(bomb.data + bomb.size, file.data + scan, length);
    CHECK(decode_status(ctx, bomb.data, bomb.size, false) != OFFCUT_OK);
    CHECK(decode_status(ctx, bomb.data, bomb.size, true) == OFFCUT_ERR_LIMIT);
    free(bomb.data);
    free(file.data);

    /* Arithmetic coding: a picture of one colour, in a few hundred bytes. */
    uint8_t *plain = malloc(WIDTH * HEIGHT * 4);
    memset(plain, 255, WIDTH * HEIGHT * 4);
    file = encode(&kinds[7], plain, WIDTH, HEIGHT, NULL);
    CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_OK);
    memcpy(file.data + find_marker(file, 0xca) + 5, sides, sizeof sides);
    for (int damaged = 0; damaged < 2; damaged++)
        CHECK(decode_status(ctx, file.data, file.size, damaged) == OFFCUT_ERR_TRUNCATED);
    free(plain);
    free(file.data);
}

/* A table of a later scan that makes no sense: what came before it is shown. */
static void test_lost_scans(offcut_ctx *ctx, const uint8_t *pixels) {
    const file_bytes file = encode(&kinds[5], pixels, WIDTH, HEIGHT, NULL);
    offcut_options options = offcut_options_default();
    options.allow_truncated = 1;
    int tables = 0;
    double last = 256;
    for (size_t at = header_size(file); at + 5 < file.size; at++) {
        if (file.data[at] != 0xff || file.data[at + 1] != 0xc4) continue;
        const uint8_t kept = file.data[at + 4];
        file.data[at + 4] = 0x45; /* no such table */
        CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_ERR_CORRUPT);
        const decoded result = decode(ctx, file.data, file.size, &options, 1);
        CHECK(result.status == OFFCUT_OK);
        double mean = 0;
        difference(result.pixels, pixels, WIDTH * HEIGHT, false, &mean);
        /* After the first scan the colours of 8 x 8 pixels are there; grey would be off by 50. */
        CHECKF(mean < 30 && mean < last + 1, "table %d: mean %g after %g", tables, mean, last);
        last = mean;
        free(result.pixels);
        file.data[at + 4] = kept;
        tables++;
    }
    CHECKF(tables >= 5 && last < 6, "%d tables, mean %g", tables, last);
    free(file.data);
}

/* A second frame header, of another picture, before a later scan: it is refused, and what came
 * before it is shown as the first one says. */
static void test_second_frame(offcut_ctx *ctx, const uint8_t *pixels) {
    static const uint8_t frames[][2] = {{1, 1}, {4, 3}, {255, 3}}; /* components, height / 256 */
    const file_bytes file = encode(&kinds[5], pixels, WIDTH, HEIGHT, NULL);
    const size_t sof = find_marker(file, 0xc2), size = 2 + 8 + 3 * 3;
    size_t at = header_size(file);
    while (at + 1 < file.size && (file.data[at] != 0xff || file.data[at + 1] != 0xc4)) at++;
    uint8_t *two = malloc(file.size + size);
    offcut_options options = offcut_options_default();
    options.allow_truncated = 1;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        memcpy(two, file.data, at);
        memcpy(two + at, file.data + sof, size);
        two[at + 5] = frames[i][1];
        two[at + 7] = 0;
        two[at + 9] = frames[i][0];
        memcpy(two + at + size, file.data + at, file.size - at);
        CHECK(decode_status(ctx, two, file.size + size, false) == OFFCUT_ERR_CORRUPT);
        for (uint32_t reduce = 1; reduce <= 8; reduce *= 8) {
            const decoded result = decode(ctx, two, file.size + size, &options, reduce);
            CHECK(result.status == OFFCUT_OK);
            CHECK(result.width == (WIDTH + reduce - 1) / reduce);
            double mean = 0;
            if (reduce == 1) difference(result.pixels, pixels, WIDTH * HEIGHT, false, &mean);
            CHECKF(mean < 30, "mean %g", mean);
            free(result.pixels);
        }
    }
    free(two);
    free(file.data);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    uint8_t *pixels = make_pixels(WIDTH, HEIGHT);
    test_kinds(ctx, pixels);
    test_reduce(ctx, pixels);
    test_passes(ctx, pixels);
    test_cmyk(ctx);
    test_metadata(ctx, pixels);
    test_damage(pixels);
    test_end(ctx, pixels);
    test_refused_kinds(ctx, pixels);
    test_bombs(ctx, pixels);
    test_lost_scans(ctx, pixels);
    test_second_frame(ctx, pixels);
    free(pixels);
    offcut_free(ctx);
    return check_done();
}
