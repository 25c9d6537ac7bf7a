/* SPDX-License-Identifier: Apache-2.0
 * Conversion: what comes out is the picture that went in, in another file. */
#include <webp/encode.h>
#include <webp/mux.h>

#include "codec/writer.h"
#include "codec_check.h"

enum { WIDTH = 131, HEIGHT = 97, PIXELS = WIDTH * HEIGHT };

static offcut_ctx *ctx;

/* Long enough for several segments of a JPEG. */
static const uint8_t *profile(size_t *size) {
    static uint8_t icc[150000];
    *size = sizeof icc;
    make_profile(icc, sizeof icc, "RGB ");
    return icc;
}

static offcut__bytes png_of(const uint8_t *pixels, offcut__picture_spec spec) {
    offcut__bytes file = {0};
    offcut__writer *writer = NULL;
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, &file, &writer) == OFFCUT_OK);
    CHECK(offcut__writer_write(writer, pixels, spec.height) == OFFCUT_OK);
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    offcut__writer_close(writer);
    return file;
}

static offcut__bytes small_png(const uint8_t *pixels) {
    return png_of(pixels, (offcut__picture_spec){.width = WIDTH, .height = HEIGHT, .bits = 8});
}

static offcut_buffer convert(const uint8_t *data, size_t size, const offcut_options *options,
                             offcut_format format, uint32_t quality) {
    offcut_buffer file = {0};
    const offcut_status status = offcut_convert(ctx, data, size, options, format, quality, &file);
    CHECKF(status == OFFCUT_OK && file.size > 0, "%d: %s", status, offcut_detail(ctx));
    return file;
}

static decoded decode_file(offcut_buffer file, offcut_format format) {
    const decoded result = decode(ctx, file.data, file.size, NULL, 1);
    CHECK(result.status == OFFCUT_OK && result.info.format == format);
    return result;
}

static void test_png(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    offcut_buffer png = convert(source.data, source.size, NULL, OFFCUT_FORMAT_PNG, 0);
    const decoded result = decode_file(png, OFFCUT_FORMAT_PNG);
    CHECK(result.info.has_alpha && memcmp(result.pixels, pixels, PIXELS * 4) == 0);
    free(result.pixels);
    offcut_buffer_free(&png);
    offcut__bytes_free(&source);
}

static void test_webp(const uint8_t *pixels) {
    for (int opaque = 0; opaque < 2; opaque++) {
        uint8_t *copy = malloc(PIXELS * 4);
        memcpy(copy, pixels, PIXELS * 4);
        for (int i = 0; opaque && i < PIXELS; i++) copy[4 * i + 3] = 255;
        offcut__bytes source = small_png(copy);
        offcut_buffer webp = convert(source.data, source.size, NULL, OFFCUT_FORMAT_WEBP, 63);
        uint8_t *expected = NULL;
        const size_t size = WebPEncodeRGBA(copy, WIDTH, HEIGHT, WIDTH * 4, 63, &expected);
        CHECKF(webp.size == size && memcmp(webp.data, expected, size) == 0,
               "opaque %d: %zu bytes, libwebp makes %zu of the whole picture", opaque, webp.size,
               size);
        const decoded result = decode_file(webp, OFFCUT_FORMAT_WEBP);
        CHECK((result.info.has_alpha != 0) == (opaque == 0));
        free(result.pixels);
        WebPFree(expected);
        offcut_buffer_free(&webp);
        offcut__bytes_free(&source);
        free(copy);
    }
}

static void test_jpeg(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    uint8_t *flat = malloc(PIXELS * 4);
    for (int i = 0; i < PIXELS * 4; i++) {
        const double alpha = pixels[i | 3] / 255.0;
        flat[i] = i % 4 == 3 ? 255 : (uint8_t)(pixels[i] * alpha + 255 * (1 - alpha) + 0.5);
    }
    size_t last = 0;
    const uint32_t qualities[] = {10, 50, 89, 100};
    for (int i = 0; i < 4; i++) {
        offcut_buffer jpeg =
            convert(source.data, source.size, NULL, OFFCUT_FORMAT_JPEG, qualities[i]);
        const decoded result = decode_file(jpeg, OFFCUT_FORMAT_JPEG);
        double mean = 0;
        CHECK(result.width == WIDTH && result.height == HEIGHT && jpeg.size > last);
        const int most = difference(result.pixels, flat, PIXELS, true, &mean);
        /* At full quality and full chroma only rounding is left. */
        if (qualities[i] == 100) CHECKF(most <= 4 && mean < 0.6, "%d, %g", most, mean);
        last = jpeg.size;
        free(result.pixels);
        offcut_buffer_free(&jpeg);
    }
    offcut_buffer usual = convert(source.data, source.size, NULL, OFFCUT_FORMAT_JPEG, 0);
    offcut_buffer eighty = convert(source.data, source.size, NULL, OFFCUT_FORMAT_JPEG, 80);
    CHECK(usual.size == eighty.size && memcmp(usual.data, eighty.data, usual.size) == 0);
    offcut_buffer_free(&usual);
    offcut_buffer_free(&eighty);
    free(flat);
    offcut__bytes_free(&source);
}

static void test_jpeg_to_png(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    offcut_buffer jpeg = convert(source.data, source.size, NULL, OFFCUT_FORMAT_JPEG, 70);
    offcut_buffer png = convert(jpeg.data, jpeg.size, NULL, OFFCUT_FORMAT_PNG, 0);
    const decoded before = decode_file(jpeg, OFFCUT_FORMAT_JPEG);
    const decoded after = decode_file(png, OFFCUT_FORMAT_PNG);
    CHECK(png.data[25] == 2 && !after.info.has_alpha); /* R, G, B */
    CHECK(memcmp(before.pixels, after.pixels, PIXELS * 4) == 0);
    free(before.pixels);
    free(after.pixels);
    offcut_buffer_free(&png);
    offcut_buffer_free(&jpeg);
    offcut__bytes_free(&source);
}

/* What is missing is transparent, and so white in a JPEG, whatever the picture had before. */
static void test_truncated(const uint8_t *pixels) {
    offcut__bytes source =
        png_of(pixels,
               (offcut__picture_spec){.width = WIDTH, .height = HEIGHT, .bits = 8, .opaque = true});
    offcut_options options = offcut_options_default();
    options.allow_truncated = 1;
    for (int format = OFFCUT_FORMAT_JPEG; format <= OFFCUT_FORMAT_WEBP; format++) {
        offcut_buffer file =
            convert(source.data, source.size / 2, &options, (offcut_format)format, 0);
        const decoded result = decode_file(file, (offcut_format)format);
        const uint8_t *last = result.pixels + (PIXELS - 1) * 4;
        if (format == OFFCUT_FORMAT_JPEG)
            CHECKF(last[0] > 250 && last[1] > 250 && last[2] > 250, "%d", last[0]);
        else
            CHECKF(last[3] == 0, "format %d: %d", format, last[3]);
        CHECK(result.pixels[3] == 255);
        free(result.pixels);
        offcut_buffer_free(&file);
    }
    offcut__bytes_free(&source);
}

static void test_16_bits(void) {
    uint16_t *wide = malloc(PIXELS * 8);
    for (int i = 0; i < PIXELS * 4; i++) wide[i] = (uint16_t)((unsigned)i * 40503u);
    offcut__bytes source = png_of((const uint8_t *)wide, (offcut__picture_spec){
                                                             .width = WIDTH,
                                                             .height = HEIGHT,
                                                             .bits = 16,
                                                         });
    offcut_buffer same = convert(source.data, source.size, NULL, OFFCUT_FORMAT_PNG, 0);
    const decoded result = decode_file(same, OFFCUT_FORMAT_PNG);
    CHECK(result.info.bits == 16 && memcmp(result.pixels, wide, PIXELS * 8) == 0);
    offcut_options options = offcut_options_default();
    options.reduce_to_8_bits = 1;
    offcut_buffer less = convert(source.data, source.size, &options, OFFCUT_FORMAT_PNG, 0);
    const decoded reduced = decode_file(less, OFFCUT_FORMAT_PNG);
    int wrong = reduced.info.bits != 8;
    for (int i = 0; i < PIXELS * 4 && !wrong; i++)
        wrong = reduced.pixels[i] != (uint8_t)(wide[i] / 257.0 + 0.5);
    CHECK(!wrong);
    offcut_buffer webp = convert(source.data, source.size, NULL, OFFCUT_FORMAT_WEBP, 0);
    free(decode_file(webp, OFFCUT_FORMAT_WEBP).pixels);
    free(result.pixels);
    free(reduced.pixels);
    offcut_buffer_free(&webp);
    offcut_buffer_free(&less);
    offcut_buffer_free(&same);
    offcut__bytes_free(&source);
    free(wide);
}

static void test_profile_and_density(const uint8_t *pixels) {
    size_t size = 0;
    const uint8_t *icc = profile(&size);
    const offcut__picture_spec spec = {
        .width = WIDTH,
        .height = HEIGHT,
        .bits = 8,
        .icc = icc,
        .icc_size = size,
        .density_x = 11811, /* 300 dpi */
        .density_y = 5906,
    };
    offcut__bytes source = png_of(pixels, spec);
    const offcut_format formats[] = {OFFCUT_FORMAT_PNG, OFFCUT_FORMAT_JPEG, OFFCUT_FORMAT_WEBP};
    for (int i = 0; i < 3; i++) {
        offcut_buffer file = convert(source.data, source.size, NULL, formats[i], 0);
        offcut_decoder *decoder = NULL;
        CHECK(offcut_decoder_open(ctx, file.data, file.size, NULL, &decoder) == OFFCUT_OK);
        const offcut_info *info = offcut_decoder_info(decoder);
        CHECKF(info->icc_size == size && memcmp(info->icc, icc, size) == 0, "format %d",
               formats[i]);
        const uint32_t x = i == 0 ? 11811 : i == 1 ? 11800 : 0; /* JFIF: whole cm; WebP: none */
        const uint32_t y = i == 0 ? 5906 : i == 1 ? 5900 : 0;
        CHECKF(info->density_x == x && info->density_y == y, "format %d: %u x %u", formats[i],
               info->density_x, info->density_y);
        offcut_decoder_close(decoder);
        free(decode_file(file, formats[i]).pixels);
        offcut_buffer_free(&file);
    }
    offcut__bytes_free(&source);
}

/* Rows are R, G, B in every file: the profile of a grey picture does not describe them. */
static void test_grey_profile(const uint8_t *pixels) {
    size_t size = 0;
    const uint8_t *icc = profile(&size);
    const offcut__picture_spec spec = {
        .width = WIDTH, .height = HEIGHT, .bits = 8, .icc = icc, .icc_size = size};
    offcut__bytes source = png_of(pixels, spec);
    offcut_buffer webp = convert(source.data, source.size, NULL, OFFCUT_FORMAT_WEBP, 0);
    uint8_t *space = NULL;
    for (size_t i = 0; !space && i + 8 <= webp.size; i++)
        if (memcmp(webp.data + i, "mntrRGB ", 8) == 0) space = webp.data + i + 4;
    CHECK(space);
    if (space) memcpy(space, "GRAY", 4);
    for (int format = OFFCUT_FORMAT_JPEG; format <= OFFCUT_FORMAT_WEBP; format++) {
        offcut_buffer file = convert(webp.data, webp.size, NULL, (offcut_format)format, 0);
        const decoded result = decode_file(file, (offcut_format)format);
        CHECKF(result.info.icc_size == 0, "format %d: %zu", format, result.info.icc_size);
        free(result.pixels);
        offcut_buffer_free(&file);
    }
    offcut_buffer_free(&webp);
    offcut__bytes_free(&source);
}

/* libwebp's own reader of containers takes the file with the profile, of either parity, and finds
 * the same in it as without. */
static void test_webp_container(const uint8_t *pixels) {
    size_t size = 0;
    const uint8_t *icc = profile(&size);
    for (int i = 0; i < 4; i++) {
        offcut__picture_spec spec = {
            .width = WIDTH, .height = HEIGHT, .quality = 50, .opaque = i / 2 != 0};
        offcut__bytes files[2] = {{0}, {0}};
        for (int with = 0; with < 2; with++) {
            offcut__writer *writer = NULL;
            spec.icc = with ? icc : NULL;
            spec.icc_size = with ? size - (size_t)(i % 2) : 0;
            CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_WEBP, &spec, &files[with], &writer) ==
                  OFFCUT_OK);
            CHECK(offcut__writer_write(writer, pixels, HEIGHT) == OFFCUT_OK);
            CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
            offcut__writer_close(writer);
        }
        const WebPData plain = {files[0].data, files[0].size};
        const WebPData profiled = {icc, spec.icc_size};
        const WebPData data = {files[1].data, files[1].size};
        WebPData expected = {0};
        WebPMux *mux = WebPMuxCreate(&plain, 0);
        CHECK(WebPMuxSetChunk(mux, "ICCP", &profiled, 0) == WEBP_MUX_OK);
        CHECK(WebPMuxAssemble(mux, &expected) == WEBP_MUX_OK);
        CHECKF(expected.size == data.size && memcmp(expected.bytes, data.bytes, data.size) == 0,
               "case %d: %zu bytes, libwebp's mux makes %zu", i, data.size, expected.size);
        WebPDataClear(&expected);
        WebPMuxDelete(mux);
        offcut__bytes_free(&files[0]);
        offcut__bytes_free(&files[1]);
    }
}

/* A JPEG that says it lies on its side: the same with an Exif segment after its first two bytes. */
static offcut__bytes turned_jpeg(offcut_buffer jpeg) {
    static const uint8_t exif[] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,    'M', 'M',
                                   0,    42,   0, 0,  0,   8,   0,   1,   1, 0x12, 0,   3,
                                   0,    0,    0, 1,  0,   6,   0,   0,   0, 0,    0,   0};
    offcut__bytes turned = {0};
    CHECK(offcut__bytes_append(&turned, jpeg.data, 2) &&
          offcut__bytes_append(&turned, exif, sizeof exif) &&
          offcut__bytes_append(&turned, jpeg.data + 2, jpeg.size - 2));
    return turned;
}

static void test_orientation(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    offcut_buffer jpeg = convert(source.data, source.size, NULL, OFFCUT_FORMAT_JPEG, 100);
    offcut__bytes turned = turned_jpeg(jpeg);
    offcut_buffer png = convert(turned.data, turned.size, NULL, OFFCUT_FORMAT_PNG, 0);
    const decoded before = decode_file(jpeg, OFFCUT_FORMAT_JPEG);
    const decoded after = decode_file(png, OFFCUT_FORMAT_PNG);
    CHECK(after.width == HEIGHT && after.height == WIDTH && after.info.orientation <= 1);
    int wrong = 0;
    for (uint32_t y = 0; y < HEIGHT; y++) /* a quarter turn to the right */
        for (uint32_t x = 0; x < WIDTH; x++)
            wrong += memcmp(before.pixels + (y * WIDTH + x) * 4,
                            after.pixels + (x * HEIGHT + HEIGHT - 1 - y) * 4, 4) != 0;
    CHECKF(wrong == 0, "%d pixels", wrong);
    free(before.pixels);
    free(after.pixels);
    offcut_buffer_free(&png);
    offcut_buffer_free(&jpeg);
    offcut__bytes_free(&turned);
    offcut__bytes_free(&source);
}

static void test_steps(void) {
    const uint32_t width = 2000, height = 400; /* several slices */
    uint8_t *pixels = make_pixels(width, height);
    offcut__bytes source =
        png_of(pixels, (offcut__picture_spec){.width = width, .height = height, .bits = 8});
    for (int format = OFFCUT_FORMAT_JPEG; format <= OFFCUT_FORMAT_WEBP; format++) {
        offcut_buffer whole = convert(source.data, source.size, NULL, (offcut_format)format, 40);
        offcut_conversion *conversion = NULL;
        CHECK(offcut_conversion_open(ctx, source.data, source.size, NULL, (offcut_format)format, 40,
                                     &conversion) == OFFCUT_OK);
        CHECK(offcut_conversion_width(conversion) == width);
        CHECK(offcut_conversion_height(conversion) == height);
        offcut__bytes file = {0};
        int steps = 0;
        float last = -1;
        while (!offcut_conversion_done(conversion) && steps < 1000) {
            const float fraction = offcut_conversion_fraction(conversion);
            CHECK(fraction >= last && fraction < 1);
            last = fraction;
            CHECK(offcut_conversion_step(conversion) == OFFCUT_OK);
            size_t size = 0;
            const uint8_t *data = offcut_conversion_output(conversion, &size);
            CHECK(offcut__bytes_append(&file, data, size));
            steps++;
        }
        CHECKF(steps >= 7, "%d steps", steps);
        CHECK(offcut_conversion_fraction(conversion) >= 1);
        CHECK(file.size == whole.size && memcmp(file.data, whole.data, file.size) == 0);
        CHECK(offcut_conversion_step(conversion) == OFFCUT_ERR_STATE);
        offcut_conversion_free(conversion);
        offcut__bytes_free(&file);
        offcut_buffer_free(&whole);
        /* Given up half-way: nothing may be lost (the sanitizers look). */
        CHECK(offcut_conversion_open(ctx, source.data, source.size, NULL, (offcut_format)format, 0,
                                     &conversion) == OFFCUT_OK);
        for (int i = 0; i < 3; i++) CHECK(offcut_conversion_step(conversion) == OFFCUT_OK);
        offcut_conversion_free(conversion);
    }
    offcut__bytes_free(&source);
    free(pixels);
}

/* A turned picture is gone through twice, and progress shows both. */
static void test_turned_steps(void) {
    const uint32_t width = 1000, height = 800; /* several slices */
    uint8_t *pixels = make_pixels(width, height);
    offcut__bytes source =
        png_of(pixels, (offcut__picture_spec){.width = width, .height = height, .bits = 8});
    offcut_buffer jpeg = convert(source.data, source.size, NULL, OFFCUT_FORMAT_JPEG, 40);
    offcut__bytes turned = turned_jpeg(jpeg);
    offcut_conversion *conversion = NULL;
    CHECK(offcut_conversion_open(ctx, turned.data, turned.size, NULL, OFFCUT_FORMAT_PNG, 0,
                                 &conversion) == OFFCUT_OK);
    for (float last = 0; !offcut_conversion_done(conversion);) {
        CHECK(offcut_conversion_step(conversion) == OFFCUT_OK);
        const float fraction = offcut_conversion_fraction(conversion);
        CHECKF(fraction > last && fraction <= 1, "%g after %g", (double)fraction, (double)last);
        last = fraction;
    }
    offcut_conversion_free(conversion);

    offcut_job *job = NULL;
    const float mask = 1;
    CHECK(offcut_job_open(ctx, NULL, turned.data, turned.size, NULL, &job) == OFFCUT_OK);
    while (offcut_job_stage(job) < OFFCUT_STAGE_INFER) CHECK(offcut_job_step(job) == OFFCUT_OK);
    CHECK(offcut_job_mask(job, &mask, 1, 1) == OFFCUT_OK);
    while (offcut_job_stage(job) < OFFCUT_STAGE_ENCODE) CHECK(offcut_job_step(job) == OFFCUT_OK);
    for (float last = 0; offcut_job_stage(job) != OFFCUT_STAGE_DONE;) {
        CHECK(offcut_job_step(job) == OFFCUT_OK);
        const float fraction = offcut_job_fraction(job);
        CHECKF(fraction > last && fraction <= 1, "%g after %g", (double)fraction, (double)last);
        last = fraction;
    }
    offcut_job_free(job);
    offcut__bytes_free(&turned);
    offcut_buffer_free(&jpeg);
    offcut__bytes_free(&source);
    free(pixels);
}

static offcut_status status_of(const uint8_t *data, size_t size, const offcut_options *options,
                               int format, uint32_t quality) {
    offcut_buffer file = {0};
    const offcut_status status =
        offcut_convert(ctx, data, size, options, (offcut_format)format, quality, &file);
    CHECK(status != OFFCUT_OK && !file.data && file.size == 0);
    CHECK(*offcut_detail(ctx));
    return status;
}

static void test_refusals(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    CHECK(status_of(source.data, source.size, NULL, 0, 0) == OFFCUT_ERR_ARGUMENT);
    CHECK(status_of(source.data, source.size, NULL, 4, 0) == OFFCUT_ERR_ARGUMENT);
    CHECK(status_of(source.data, source.size, NULL, 1, 101) == OFFCUT_ERR_ARGUMENT);
    CHECK(status_of((const uint8_t *)"text", 4, NULL, 1, 0) == OFFCUT_ERR_FORMAT);
    offcut_options options = offcut_options_default();
    options.pixels_max = PIXELS - 1;
    CHECK(status_of(source.data, source.size, &options, 1, 0) == OFFCUT_ERR_LIMIT);
    options = offcut_options_default();
    options.speed = (offcut_speed)3;
    CHECK(status_of(source.data, source.size, &options, 2, 0) == OFFCUT_ERR_ARGUMENT);
    for (int format = 1; format <= 3; format++)
        CHECK(status_of(source.data, source.size / 2, NULL, format, 0) == OFFCUT_ERR_TRUNCATED);
    offcut__bytes_free(&source);

    uint8_t *line = calloc(70000, 4);
    const struct {
        int format;
        uint32_t most;
    } sides[] = {{OFFCUT_FORMAT_JPEG, 65500}, {OFFCUT_FORMAT_WEBP, 16383}};
    for (int i = 0; i < 2; i++) {
        offcut__picture_spec spec = {.width = 1, .height = sides[i].most, .bits = 8};
        offcut__bytes longest = png_of(line, spec);
        offcut_buffer file =
            convert(longest.data, longest.size, NULL, (offcut_format)sides[i].format, 0);
        offcut_buffer_free(&file);
        offcut__bytes_free(&longest);
        spec.height++;
        longest = png_of(line, spec);
        CHECK(status_of(longest.data, longest.size, NULL, sides[i].format, 0) ==
              OFFCUT_ERR_UNSUPPORTED);
        offcut__bytes_free(&longest);
    }
    free(line);
}

static void test_writers_out_of_order(const uint8_t *pixels) {
    const offcut__picture_spec spec = {
        .width = WIDTH, .height = HEIGHT, .quality = 80, .opaque = true};
    offcut__bytes sink = {0};
    offcut__writer *jpeg = NULL;
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_JPEG, &spec, &sink, &jpeg) == OFFCUT_OK);
    CHECK(offcut__writer_finish(jpeg) == OFFCUT_ERR_STATE);
    CHECK(offcut__writer_write(jpeg, pixels, HEIGHT + 1) == OFFCUT_ERR_STATE);
    CHECK(offcut__writer_write(jpeg, pixels, HEIGHT) == OFFCUT_OK);
    CHECK(offcut__writer_finish(jpeg) == OFFCUT_OK);
    CHECK(offcut__writer_write(jpeg, pixels, 0) == OFFCUT_ERR_STATE);
    offcut__writer_close(jpeg);
    offcut__writer *webp = NULL;
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_WEBP, &spec, &sink, &webp) == OFFCUT_OK);
    CHECK(offcut__writer_finish(webp) == OFFCUT_ERR_STATE);
    CHECK(offcut__writer_write(webp, pixels, HEIGHT + 1) == OFFCUT_ERR_STATE);
    CHECK(offcut__writer_write(webp, pixels, HEIGHT) == OFFCUT_OK);
    CHECK(offcut__writer_finish(webp) == OFFCUT_OK);
    CHECK(offcut__writer_finish(webp) == OFFCUT_ERR_STATE);
    offcut__writer_close(webp);
    offcut__writer_close(NULL);
    offcut__writer_close(NULL);
    offcut_conversion_free(NULL);
    offcut__bytes_free(&sink);
}

typedef struct patience {
    int calls, limit;
} patience;

static int on_progress(void *user, int stage, float fraction) {
    patience *p = user;
    CHECK(stage == OFFCUT_STAGE_ENCODE && fraction >= 0 && fraction <= 1);
    return ++p->calls == p->limit;
}

/* What was stopped in its last step is not done. */
static void test_cancelled_step(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    patience impatient = {.limit = 1};
    offcut_options options = offcut_options_default();
    options.progress = on_progress;
    options.user = &impatient;
    offcut_conversion *conversion = NULL;
    CHECK(offcut_conversion_open(ctx, source.data, source.size, &options, OFFCUT_FORMAT_WEBP, 0,
                                 &conversion) == OFFCUT_OK);
    offcut_status status = OFFCUT_OK;
    for (int i = 0; i < 10 && status == OFFCUT_OK; i++) status = offcut_conversion_step(conversion);
    CHECK(status == OFFCUT_ERR_CANCELLED);
    CHECK(!offcut_conversion_done(conversion) && offcut_conversion_fraction(conversion) < 1);
    CHECK(offcut_conversion_step(conversion) == OFFCUT_ERR_STATE);
    offcut_conversion_free(conversion);
    offcut__bytes_free(&source);
}

/* Between steps, and within the long one in which a WebP is encoded. */
static void test_cancelling(const uint8_t *pixels) {
    offcut__bytes source = small_png(pixels);
    for (int format = OFFCUT_FORMAT_JPEG; format <= OFFCUT_FORMAT_WEBP; format++) {
        patience all = {0};
        offcut_options options = offcut_options_default();
        options.progress = on_progress;
        options.user = &all;
        offcut_buffer file = convert(source.data, source.size, &options, (offcut_format)format, 0);
        offcut_buffer_free(&file);
        CHECKF(all.calls >= (format == OFFCUT_FORMAT_WEBP ? 20 : 2), "%d calls", all.calls);
        for (int limit = 1; limit <= all.calls; limit++) {
            patience some = {.limit = limit};
            options.user = &some;
            CHECK(status_of(source.data, source.size, &options, format, 0) == OFFCUT_ERR_CANCELLED);
            CHECK(some.calls == limit);
        }
    }
    offcut__bytes_free(&source);
}

int main(void) {
    ctx = offcut_create();
    uint8_t *pixels = make_pixels(WIDTH, HEIGHT);
    test_png(pixels);
    test_webp(pixels);
    test_jpeg(pixels);
    test_jpeg_to_png(pixels);
    test_truncated(pixels);
    test_16_bits();
    test_profile_and_density(pixels);
    test_grey_profile(pixels);
    test_webp_container(pixels);
    test_orientation(pixels);
    test_steps();
    test_turned_steps();
    test_refusals(pixels);
    test_writers_out_of_order(pixels);
    test_cancelled_step(pixels);
    test_cancelling(pixels);
    free(pixels);
    offcut_free(ctx);
    return check_done();
}
