/* SPDX-License-Identifier: Apache-2.0
 * The PNG writer, read back. */

#include "codec/writer.h"
#include "codec_check.h"

enum { WIDTH = 301, HEIGHT = 200 };

static uint8_t profile[2048];

/* Writes rows a few at a time and drains the sink in between. */
static offcut__bytes write_png(offcut_ctx *ctx, const offcut__picture_spec *spec,
                               const uint8_t *pixels) {
    offcut__bytes sink = {0}, file = {0};
    offcut__writer *writer = NULL;
    const size_t stride = (size_t)spec->width * (spec->grey ? 1 : 4) * spec->bits / 8;
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, spec, &sink, &writer) == OFFCUT_OK);
    size_t largest = 0;
    for (uint32_t y = 0, count = 1; writer && y < spec->height; y += count) {
        count = y % 3 + 1;
        if (count > spec->height - y) count = spec->height - y;
        CHECK(offcut__writer_write(writer, pixels + y * stride, count) == OFFCUT_OK);
        CHECK(offcut__bytes_append(&file, sink.data, sink.size));
        if (sink.size > largest) largest = sink.size;
        sink.size = 0;
    }
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    CHECK(offcut__bytes_append(&file, sink.data, sink.size));
    /* One IDAT at a time, beside the header with its profile. */
    CHECKF(largest < 2 * 65536 + 4096, "%zu bytes at once", largest);
    offcut__writer_close(writer);
    offcut__bytes_free(&sink);
    return file;
}

static void test_rgba(offcut_ctx *ctx, const uint8_t *pixels) {
    for (offcut_speed speed = OFFCUT_SPEED_BALANCED; speed <= OFFCUT_SPEED_SMALL; speed++)
        for (uint32_t bits = 8; bits <= 16; bits += 8) {
            const offcut__picture_spec spec = {.width = bits == 8 ? WIDTH : WIDTH / 2,
                                               .height = HEIGHT,
                                               .bits = bits,
                                               .speed = speed,
                                               .density_x = 2835,
                                               .density_y = 11811};
            offcut__bytes file = write_png(ctx, &spec, pixels);
            offcut__bytes again = write_png(ctx, &spec, pixels);
            CHECK(file.size == again.size && memcmp(file.data, again.data, file.size) == 0);
            const decoded result = decode(ctx, file.data, file.size, NULL, 1);
            CHECK(result.status == OFFCUT_OK && result.info.bits == bits);
            CHECK(result.info.density_x == 2835 && result.info.density_y == 11811);
            const size_t size = (size_t)spec.width * HEIGHT * bits / 2;
            CHECKF(memcmp(result.pixels, pixels, size) == 0, "speed %d, %u bits", (int)speed, bits);
            free(result.pixels);
            offcut__bytes_free(&again);
            offcut__bytes_free(&file);
        }
}

static void test_grey(offcut_ctx *ctx, const uint8_t *pixels) {
    for (uint32_t bits = 8; bits <= 16; bits += 8) {
        const offcut__picture_spec spec = {
            .width = WIDTH, .height = HEIGHT, .bits = bits, .grey = true};
        offcut__bytes file = write_png(ctx, &spec, pixels);
        const decoded result = decode(ctx, file.data, file.size, NULL, 1);
        CHECK(result.status == OFFCUT_OK && result.info.bits == bits && !result.info.has_alpha);
        CHECK(result.info.density_x == 0);
        size_t wrong = 0;
        const size_t bytes = bits / 8;
        for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
            for (size_t channel = 0; channel < 3; channel++)
                wrong += memcmp(result.pixels + (i * 4 + channel) * bytes, pixels + i * bytes,
                                bytes) != 0;
        CHECKF(wrong == 0, "%zu samples differ", wrong);
        free(result.pixels);
        offcut__bytes_free(&file);
    }
}

static void test_profile(offcut_ctx *ctx, const uint8_t *pixels) {
    offcut__picture_spec spec = {
        .width = WIDTH, .height = 5, .bits = 8, .icc = profile, .icc_size = sizeof profile};
    const char *const spaces[] = {"RGB ", "GRAY", "CMYK"};
    for (int i = 0; i < 3; i++) { /* what does not describe RGB is left out */
        make_profile(profile, sizeof profile, spaces[i]);
        offcut__bytes file = write_png(ctx, &spec, pixels);
        offcut_decoder *decoder = NULL;
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        const offcut_info *info = offcut_decoder_info(decoder);
        CHECKF(info->icc_size == (i == 0 ? sizeof profile : 0), "%s: %zu", spaces[i],
               info->icc_size);
        CHECK(i > 0 || memcmp(info->icc, profile, sizeof profile) == 0);
        offcut_decoder_close(decoder);
        offcut__bytes_free(&file);
    }
    make_profile(profile, sizeof profile, "RGB ");
    const size_t sizes[] = {1, 100, 131, sizeof profile - 4};
    for (size_t i = 0; i < 4; i++) { /* cut off */
        spec.icc_size = sizes[i];
        offcut__bytes file = write_png(ctx, &spec, pixels);
        CHECK(decode_status(ctx, file.data, file.size, false) == OFFCUT_OK);
        offcut__bytes_free(&file);
    }
}

static void test_order(offcut_ctx *ctx, const uint8_t *pixels) {
    offcut__picture_spec spec = {.width = 10, .height = 4, .bits = 8};
    offcut__bytes sink = {0};
    offcut__writer *writer = NULL;
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, &sink, &writer) == OFFCUT_OK);
    CHECK(offcut__writer_write(writer, pixels, 3) == OFFCUT_OK);
    CHECK(offcut__writer_finish(writer) == OFFCUT_ERR_STATE); /* a row is missing */
    CHECK(offcut__writer_write(writer, pixels, 2) == OFFCUT_ERR_STATE);
    CHECK(offcut__writer_write(writer, pixels, 1) == OFFCUT_OK);
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    CHECK(offcut__writer_finish(writer) == OFFCUT_ERR_STATE);
    CHECK(offcut__writer_write(writer, pixels, 0) == OFFCUT_ERR_STATE);
    CHECK(decode_status(ctx, sink.data, sink.size, false) == OFFCUT_OK);
    offcut__writer_close(writer);
    offcut__bytes_free(&sink);

    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, &sink, &writer) == OFFCUT_OK);
    offcut__writer_close(writer); /* abandoned */
    offcut__writer_close(NULL);
    offcut__bytes_free(&sink);

    const offcut__picture_spec wrong[] = {
        {.width = 0, .height = 4, .bits = 8},
        {.width = 10, .height = 0, .bits = 8},
        {.width = 10, .height = 4, .bits = 4},
        {.width = 10, .height = 4, .bits = 8, .speed = (offcut_speed)3},
        {.width = 0x80000000u, .height = 4, .bits = 8},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &wrong[i], &sink, &writer) ==
              OFFCUT_ERR_ARGUMENT);
        CHECK(writer == NULL && *offcut_detail(ctx));
    }
    offcut__bytes_free(&sink);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    uint8_t *pixels = make_pixels(WIDTH, HEIGHT);
    test_rgba(ctx, pixels);
    test_grey(ctx, pixels);
    test_profile(ctx, pixels);
    test_order(ctx, pixels);
    free(pixels);
    offcut_free(ctx);
    return check_done();
}
