/* SPDX-License-Identifier: Apache-2.0
 * The job: its order of calls, every orientation, outputs and cancelling, without a network. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec/writer.h"
#include "job_check.h"

enum { WIDTH = 37, HEIGHT = 23 };

static uint32_t sample(uint32_t x, uint32_t y, uint32_t channel, uint32_t bits, bool opaque) {
    if (channel == 3 && opaque) return bits == 8 ? 255 : 65535;
    const uint32_t value = (x * 7 + y * 13 + channel * 50 + 1) % 256;
    return bits == 8 ? value : value * 257;
}

static void put_sample(uint8_t *row, size_t index, uint32_t bits, uint32_t value) {
    const uint16_t wide = (uint16_t)value;
    if (bits == 8)
        row[index] = (uint8_t)value;
    else
        memcpy(row + 2 * index, &wide, 2);
}

/* The test picture as a PNG, with an eXIf chunk after the header if orientation is not 0. */
static void make_png(offcut_ctx *ctx, uint32_t bits, bool opaque, uint32_t orientation,
                     offcut__bytes *png) {
    offcut__bytes plain = {0};
    offcut__writer *writer = NULL;
    const offcut__picture_spec spec = {.width = WIDTH, .height = HEIGHT, .bits = bits};
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, &plain, &writer) == OFFCUT_OK);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        uint8_t row[WIDTH * 8];
        for (uint32_t i = 0; i < WIDTH * 4; i++)
            put_sample(row, i, bits, sample(i / 4, y, i % 4, bits, opaque));
        CHECK(offcut__writer_write(writer, row, 1) == OFFCUT_OK);
    }
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    offcut__writer_close(writer);

    /* Little-endian TIFF with the one entry 0x0112, a SHORT. */
    uint8_t chunk[] = {0, 0, 0, 26, 'e', 'X', 'I', 'f', 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12,
                       1, 3, 0, 1,  0,   0,   0,   0,   0,   0,   0,  0, 0, 0, 0, 0, 0, 0, 0};
    chunk[26] = (uint8_t)orientation;
    const uLong crc = crc32(0, chunk + 4, 30);
    for (int i = 0; i < 4; i++) chunk[34 + i] = (uint8_t)(crc >> (24 - 8 * i));
    const size_t header = 33;
    CHECK(offcut__bytes_append(png, plain.data, header));
    if (orientation) CHECK(offcut__bytes_append(png, chunk, sizeof chunk));
    CHECK(offcut__bytes_append(png, plain.data + header, plain.size - header));
    offcut__bytes_free(&plain);
}

/* Where the pixel that is seen at (x, y) stands in the file: EXIF 2.32, 4.6.4. */
static void stored_position(uint32_t orientation, uint32_t *x, uint32_t *y) {
    const uint32_t seen_x = *x, seen_y = *y;
    const uint32_t across = WIDTH - 1, down = HEIGHT - 1;
    switch (orientation) {
        case 2: *x = across - seen_x; break;
        case 3: *x = across - seen_x, *y = down - seen_y; break;
        case 4: *y = down - seen_y; break;
        case 5: *x = seen_y, *y = seen_x; break;
        case 6: *x = seen_y, *y = down - seen_x; break;
        case 7: *x = across - seen_y, *y = down - seen_x; break;
        case 8: *x = across - seen_y, *y = seen_x; break;
        default: break;
    }
}

static uint32_t read_sample(const uint8_t *row, size_t index, uint32_t bits) {
    uint16_t wide = 0;
    memcpy(&wide, row + 2 * index, 2);
    return bits == 8 ? row[index] : wide;
}

static uint32_t count_wrong(offcut_ctx *ctx, const offcut__bytes *png, uint32_t orientation,
                            uint32_t bits, bool opaque) {
    offcut_decoder *decoder = NULL;
    uint32_t width = 0, height = 0, wrong = 0;
    CHECK(offcut_decoder_open(ctx, png->data, png->size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
    CHECK(width == (orientation >= 5 ? HEIGHT : WIDTH));
    CHECK(height == (orientation >= 5 ? WIDTH : HEIGHT));
    CHECK(offcut_decoder_info(decoder)->orientation == 1);
    for (uint32_t y = 0; y < height; y++) {
        uint8_t row[(WIDTH + HEIGHT) * 8];
        CHECK(offcut_decoder_read(decoder, row, 1) == OFFCUT_OK);
        for (uint32_t i = 0; i < width * 4; i++) {
            uint32_t x = i / 4, from_y = y;
            stored_position(orientation, &x, &from_y);
            const bool erased = sample(x, from_y, 3, bits, opaque) == 0;
            const uint32_t expected = erased ? 0 : sample(x, from_y, i % 4, bits, opaque);
            wrong += read_sample(row, i, bits) != expected;
        }
    }
    offcut_decoder_close(decoder);
    return wrong;
}

/* A mask that keeps everything must give the picture back, upright. */
static void test_orientation(offcut_ctx *ctx, uint32_t orientation, uint32_t bits, bool opaque) {
    offcut__bytes photo = {0}, png = {0};
    make_png(ctx, bits, opaque, orientation, &photo);
    offcut_job *job = NULL;
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, NULL, &job) == OFFCUT_OK);
    CHECK(offcut_job_input_width(job) == (orientation >= 5 ? 256 : 384));
    CHECK(offcut_job_input_height(job) == (orientation >= 5 ? 384 : 256));
    CHECK(job_step_to(job, OFFCUT_STAGE_INFER, &png) == OFFCUT_OK);
    const float keep = 1;
    CHECK(offcut_job_mask(job, &keep, 1, 1) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_DONE, &png) == OFFCUT_OK);
    const uint32_t wrong = count_wrong(ctx, &png, orientation, bits, opaque);
    CHECKF(wrong == 0, "orientation %u, %u bits, %s: %u samples differ", orientation, bits,
           opaque ? "opaque" : "with alpha", wrong);
    offcut_job_free(job);
    offcut__bytes_free(&png);
    offcut__bytes_free(&photo);
}

static void test_order(offcut_ctx *ctx) {
    offcut__bytes photo = {0}, png = {0};
    make_png(ctx, 8, true, 0, &photo);
    offcut_job *job = NULL;
    const float nothing = 0;
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, NULL, &job) == OFFCUT_OK);
    CHECK(offcut_job_input(job) == NULL);
    CHECK(offcut_job_mask(job, &nothing, 1, 1) == OFFCUT_ERR_STATE);
    CHECK(offcut_job_again(job, OFFCUT_OUTPUT_MASK) == OFFCUT_ERR_STATE);
    CHECK(job_step_to(job, OFFCUT_STAGE_INFER, NULL) == OFFCUT_OK);
    CHECK(offcut_job_input(job) != NULL);
    CHECK(offcut_job_step(job) == OFFCUT_ERR_STATE); /* no model, and no mask yet */
    CHECK(offcut_job_mask(job, &nothing, 0, 1) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_job_mask(job, &nothing, 1, 1) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_DONE, &png) == OFFCUT_OK);
    CHECK(offcut_job_step(job) == OFFCUT_ERR_STATE);
    const offcut_subject subject = offcut_job_subject(job);
    CHECK(subject.coverage == 0 && subject.width == 0 && subject.height == 0);
    CHECK(offcut_job_again(job, OFFCUT_OUTPUT_MASK) == OFFCUT_OK);
    png.size = 0;
    CHECK(job_step_to(job, OFFCUT_STAGE_DONE, &png) == OFFCUT_OK);
    offcut_decoder *decoder = NULL;
    CHECK(offcut_decoder_open(ctx, png.data, png.size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_info(decoder)->width == WIDTH && !offcut_decoder_info(decoder)->has_alpha);
    offcut_decoder_close(decoder);
    offcut_job_free(job);
    offcut__bytes_free(&png);
    offcut__bytes_free(&photo);
}

static void test_options(offcut_ctx *ctx) {
    offcut__bytes photo = {0};
    make_png(ctx, 16, true, 0, &photo);
    offcut_options options = offcut_options_default();
    offcut_job *job = NULL;

    options.speed = (offcut_speed)3;
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, &options, &job) ==
          OFFCUT_ERR_ARGUMENT);
    CHECK(job == NULL && strlen(offcut_detail(ctx)) > 0);
    options = offcut_options_default();
    options.pixels_max = WIDTH * HEIGHT - 1;
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, &options, &job) == OFFCUT_ERR_LIMIT);
    options.pixels_max = WIDTH * HEIGHT;
    options.bytes_max = photo.size - 1;
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, &options, &job) == OFFCUT_ERR_LIMIT);

    options = offcut_options_default();
    options.refuse_empty = 1;
    options.reduce_to_8_bits = 1;
    const float nothing = 0, everything = 1;
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, &options, &job) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_INFER, NULL) == OFFCUT_OK);
    CHECK(offcut_job_mask(job, &nothing, 1, 1) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_DONE, NULL) == OFFCUT_ERR_EMPTY);
    CHECK(offcut_job_step(job) == OFFCUT_ERR_STATE);
    offcut_job_free(job);

    offcut__bytes png = {0};
    CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, &options, &job) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_INFER, NULL) == OFFCUT_OK);
    CHECK(offcut_job_mask(job, &everything, 1, 1) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_DONE, &png) == OFFCUT_OK);
    CHECK(count_wrong(ctx, &png, 1, 8, true) == 0);
    const offcut_subject subject = offcut_job_subject(job);
    CHECK(subject.coverage > 0.999 && subject.x == 0 && subject.y == 0);
    CHECK(subject.width == WIDTH && subject.height == HEIGHT);
    offcut_job_free(job);
    offcut__bytes_free(&png);
    offcut__bytes_free(&photo);
}

/* Freeing at any moment loses nothing; the sanitizers look on. */
static void test_abandon(offcut_ctx *ctx) {
    offcut__bytes photo = {0};
    make_png(ctx, 8, false, 6, &photo);
    const float keep = 1;
    for (int steps = 0; steps < 8; steps++) {
        offcut_job *job = NULL;
        CHECK(offcut_job_open(ctx, NULL, photo.data, photo.size, NULL, &job) == OFFCUT_OK);
        for (int i = 0; i < steps && offcut_job_stage(job) != OFFCUT_STAGE_DONE; i++)
            CHECK((offcut_job_stage(job) == OFFCUT_STAGE_INFER
                       ? offcut_job_mask(job, &keep, 1, 1)
                       : offcut_job_step(job)) == OFFCUT_OK);
        offcut_job_free(job);
    }
    offcut__bytes_free(&photo);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    for (uint32_t orientation = 1; orientation <= 8; orientation++)
        for (uint32_t bits = 8; bits <= 16; bits += 8) {
            test_orientation(ctx, orientation, bits, true);
            test_orientation(ctx, orientation, bits, false);
        }
    test_order(ctx);
    test_options(ctx);
    test_abandon(ctx);
    offcut_job_free(NULL);
    offcut_free(ctx);
    return check_done();
}
