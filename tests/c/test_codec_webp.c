/* SPDX-License-Identifier: Apache-2.0
 * WebP: kinds, metadata, the first frame of an animation, damage. */
#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "codec_check.h"

enum { WIDTH = 93, HEIGHT = 71 };

typedef struct kind {
    const char *name;
    bool lossless, alpha;
    int filter; /* strength of the loop filter: it decides how many rows are held back */
    bool simple_filter;
} kind;

static const kind kinds[] = {
    {"lossy", false, false, 60, false},           {"lossy, simple filter", false, false, 60, true},
    {"lossy, no filter", false, false, 0, false}, {"lossy with alpha", false, true, 60, false},
    {"lossless", true, false, 0, false},          {"lossless with alpha", true, true, 0, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static file_bytes encode(const kind *k, const uint8_t *pixels, int width, int height) {
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    CHECK(WebPConfigInit(&config) && WebPPictureInit(&picture));
    WebPMemoryWriterInit(&writer);
    config.lossless = k->lossless;
    config.exact = 1;
    config.quality = 95;
    config.filter_strength = k->filter;
    config.filter_type = !k->simple_filter;
    config.partitions = 2;
    picture.use_argb = k->lossless;
    picture.width = width;
    picture.height = height;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    CHECK(k->alpha ? WebPPictureImportRGBA(&picture, pixels, width * 4)
                   : WebPPictureImportRGBX(&picture, pixels, width * 4));
    CHECK(WebPEncode(&config, &picture));
    WebPPictureFree(&picture);
    return (file_bytes){writer.mem, writer.size};
}

static void test_kinds(offcut_ctx *ctx, const uint8_t *pixels) {
    for (size_t i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        file_bytes file = encode(k, pixels, WIDTH, HEIGHT);
        const decoded result = decode(ctx, file.data, file.size, NULL, 4);
        CHECKF(result.status == OFFCUT_OK, "%s: %s", k->name, offcut_detail(ctx));
        CHECK(result.width == WIDTH && result.height == HEIGHT); /* reduce is ignored */
        CHECK(result.info.format == OFFCUT_FORMAT_WEBP && result.info.bits == 8);
        CHECKF(!result.info.has_alpha == !k->alpha, "%s", k->name);
        CHECKF(!result.info.whole == !(k->lossless || k->alpha), "%s", k->name);
        double mean = 0;
        const int most = difference(result.pixels, pixels, WIDTH * HEIGHT, k->alpha, &mean);
        /* Quality 95 with halved colour, and the noise of the blue channel. */
        CHECKF(k->lossless ? most == 0 : most < 60 && mean < 4, "%s: off by %d, mean %g", k->name,
               most, mean);
        for (size_t p = 3; !k->alpha && p < WIDTH * HEIGHT * 4; p += 4)
            if (result.pixels[p] != 255) CHECKF(false, "%s: alpha at %zu", k->name, p / 4);
        free(result.pixels);
        free(file.data);
    }
}

/* Sizes around the 16 pixels of a macroblock: what is shown is less than what is coded. Rows are
 * the same whichever way they are read, and in whatever portions. */
static void test_passes(offcut_ctx *ctx, const uint8_t *pixels) {
    const int sides[] = {1, 2, 15, 16, 17, 31, 33};
    uint8_t *rows = malloc(WIDTH * HEIGHT * 4);
    for (size_t i = 0; i < KINDS * 7; i++) {
        const kind *k = &kinds[i / 7];
        const int width = sides[i % 7], height = sides[(i * 3 + 1) % 7];
        file_bytes file = encode(k, pixels, width, height);
        const decoded expected = decode(ctx, file.data, file.size, NULL, 1);
        offcut_decoder *decoder = NULL;
        uint32_t w = 0, h = 0;
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 8, &w, &h) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, h / 2) == OFFCUT_OK);
        CHECK(offcut_decoder_start(decoder, 1, &w, &h) == OFFCUT_OK);
        CHECK(w == (uint32_t)width && h == (uint32_t)height);
        for (uint32_t y = 0; y < h; y++)
            CHECK(offcut_decoder_read(decoder, rows + (size_t)y * w * 4, 1) == OFFCUT_OK);
        CHECK(expected.status == OFFCUT_OK);
        int real_width = 0, real_height = 0;
        uint8_t *real = WebPDecodeRGBA(file.data, file.size, &real_width, &real_height);
        CHECK(real && real_width == width && real_height == height);
        CHECKF(memcmp(rows, real, (size_t)w * h * 4) == 0, "%s %ux%u", k->name, w, h);
        WebPFree(real);
        CHECKF(memcmp(rows, expected.pixels, (size_t)w * h * 4) == 0, "%s %ux%u", k->name, w, h);
        CHECK(offcut_decoder_start(decoder, 1, &w, &h) == OFFCUT_OK);
        CHECK(offcut_decoder_read(decoder, rows, h) == OFFCUT_OK);
        CHECKF(memcmp(rows, expected.pixels, (size_t)w * h * 4) == 0, "%s %ux%u", k->name, w, h);
        offcut_decoder_close(decoder);
        free(expected.pixels);
        free(file.data);
    }
    free(rows);
}

static void test_metadata(offcut_ctx *ctx, const uint8_t *pixels) {
    static const uint8_t exif[] = "Exif\0\0II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\7\0\0\0\0\0\0\0";
    static const uint8_t icc[] = "any bytes: libwebp does not look";
    for (size_t prefix = 0; prefix <= 6; prefix += 6) {
        const file_bytes file = encode(&kinds[prefix ? 0 : 5], pixels, WIDTH, HEIGHT);
        const WebPData image = {file.data, file.size}, profile = {icc, sizeof icc};
        const WebPData block = {exif + prefix, sizeof exif - 1 - prefix};
        WebPData whole = {0};
        WebPMux *mux = WebPMuxCreate(&image, 0);
        CHECK(WebPMuxSetChunk(mux, "EXIF", &block, 0) == WEBP_MUX_OK);
        CHECK(WebPMuxSetChunk(mux, "ICCP", &profile, 0) == WEBP_MUX_OK);
        CHECK(WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK);
        offcut_decoder *decoder = NULL;
        CHECK(offcut_decoder_open(ctx, whole.bytes, whole.size, NULL, &decoder) == OFFCUT_OK);
        const offcut_info *info = offcut_decoder_info(decoder);
        CHECK(info->orientation == 7);
        CHECK(info->icc_size == sizeof icc && memcmp(info->icc, icc, sizeof icc) == 0);
        offcut_decoder_close(decoder);
        CHECK(decode_status(ctx, whole.bytes, whole.size, false) == OFFCUT_OK);
        WebPMuxDelete(mux);
        WebPDataClear(&whole);
        free(file.data);
    }
}

/* The first frame lies at 20, 10 on a canvas of 100 x 60; a second covers all of it. */
static file_bytes make_animation(const kind *k, const uint8_t *pixels) {
    WebPMux *mux = WebPMuxNew();
    WebPData whole = {0};
    for (int i = 0; i < 2; i++) {
        file_bytes file = encode(k, pixels, i ? 100 : 40, i ? 60 : 30);
        WebPMuxFrameInfo frame = {.bitstream = {file.data, file.size},
                                  .x_offset = i ? 0 : 20,
                                  .y_offset = i ? 0 : 10,
                                  .duration = 100,
                                  .id = WEBP_CHUNK_ANMF};
        CHECK(WebPMuxPushFrame(mux, &frame, 1) == WEBP_MUX_OK);
        free(file.data);
    }
    const WebPMuxAnimParams params = {0xffffffff, 0};
    CHECK(WebPMuxSetAnimationParams(mux, &params) == WEBP_MUX_OK);
    CHECK(WebPMuxSetCanvasSize(mux, 100, 60) == WEBP_MUX_OK);
    CHECK(WebPMuxAssemble(mux, &whole) == WEBP_MUX_OK);
    WebPMuxDelete(mux);
    file_bytes result = {malloc(whole.size), whole.size};
    memcpy(result.data, whole.bytes, whole.size);
    WebPDataClear(&whole);
    return result;
}

static void test_animation(offcut_ctx *ctx) {
    uint8_t *pixels = make_pixels(100, 60);
    for (size_t i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        file_bytes still = encode(k, pixels, 40, 30);
        file_bytes file = make_animation(k, pixels);
        const decoded expected = decode(ctx, still.data, still.size, NULL, 1);
        const decoded result = decode(ctx, file.data, file.size, NULL, 1);
        CHECKF(result.status == OFFCUT_OK, "%s: %s", k->name, offcut_detail(ctx));
        CHECK(result.width == 100 && result.height == 60);
        CHECKF(result.info.has_alpha, "%s: where the frame is not", k->name);
        size_t wrong = 0;
        for (uint32_t y = 0; y < 60; y++)
            for (uint32_t x = 0; x < 100; x++) {
                static const uint8_t nothing[4] = {0};
                const bool inside = x >= 20 && x < 60 && y >= 10 && y < 40;
                const uint8_t *wanted =
                    inside ? expected.pixels + ((y - 10) * 40 + x - 20) * 4 : nothing;
                wrong += memcmp(result.pixels + (y * 100 + x) * 4, wanted, 4) != 0;
            }
        CHECKF(wrong == 0, "%s: %zu pixels differ", k->name, wrong);
        check_bit_flips("animation", file);
        /* Only a file that ends within the first frame lacks something. */
        CHECK(decode_status(ctx, file.data, still.size, false) == OFFCUT_ERR_TRUNCATED);
        free(expected.pixels);
        free(result.pixels);
        free(still.data);
        free(file.data);
    }
    free(pixels);
}

static void test_damage(const uint8_t *pixels) {
    for (size_t i = 0; i < KINDS; i++) {
        const file_bytes file = encode(&kinds[i], pixels, WIDTH, HEIGHT);
        /* The container's length says what is missing, to the last byte. With allow_truncated
         * libwebp needs the header of the picture, and for alpha its whole chunk. */
        size_t header = kinds[i].lossless ? 25 : 30;
        if (kinds[i].alpha && !kinds[i].lossless)
            while (memcmp(file.data + header - 10, "VP8 ", 4) != 0) header++;
        check_truncations(kinds[i].name, file, header + 10, file.size);
        check_bit_flips(kinds[i].name, file);
        free(file.data);
    }
}

static void test_limits(offcut_ctx *ctx) {
    /* A lossless header of 16,383 x 16,383 and nothing else. */
    uint8_t file[] = "RIFF\x12\0\0\0WEBPVP8L\5\0\0\0\x2f\xfe\xbf\xff\x0f\0";
    CHECK(decode_status(ctx, file, sizeof file - 1, false) == OFFCUT_ERR_LIMIT);
    CHECKF(strstr(offcut_detail(ctx), "16383 x 16383"), "%s", offcut_detail(ctx));
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    uint8_t *pixels = make_pixels(WIDTH, HEIGHT);
    test_kinds(ctx, pixels);
    test_passes(ctx, pixels);
    test_metadata(ctx, pixels);
    test_animation(ctx);
    test_damage(pixels);
    test_limits(ctx);
    free(pixels);
    offcut_free(ctx);
    return check_done();
}
