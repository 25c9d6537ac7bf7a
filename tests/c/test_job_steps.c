/* SPDX-License-Identifier: Apache-2.0
 * A host can only stop between steps, so no step may do much, whatever the file: here photos of 12
 * megapixels of every kind that used to take one long step. What is counted is steps, not time: a
 * busy machine must not fail this. The longest step is printed, in processor time. */
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <webp/encode.h>

#include "check.h"
#include "offcut.h"

/* Needs stdio.h before it. */
#include <jpeglib.h>

enum { WIDTH = 4000, HEIGHT = 3000 };

typedef struct file_bytes {
    uint8_t *data;
    size_t size, capacity;
} file_bytes;

static void append(file_bytes *file, const void *data, size_t size) {
    if (file->size + size > file->capacity) {
        file->capacity = 2 * (file->size + size);
        file->data = realloc(file->data, file->capacity);
    }
    memcpy(file->data + file->size, data, size);
    file->size += size;
}

/* Something round in front of something with grain: R, G, B. */
static void make_row(uint8_t *row, uint32_t y) {
    uint32_t random = y * 2654435761u + 1;
    for (uint32_t x = 0; x < WIDTH; x++, row += 3) {
        random = random * 1664525u + 1013904223u;
        const int64_t dx = (int64_t)x - WIDTH / 2, dy = (int64_t)y - HEIGHT / 2;
        const bool inside = dx * dx + dy * dy < 1000000;
        const uint8_t grain = (uint8_t)(random >> 28);
        row[0] = (uint8_t)((inside ? 180 : 40) + grain);
        row[1] = (uint8_t)(x / 32 + grain);
        row[2] = (uint8_t)(y / 32 + grain);
    }
}

static file_bytes make_jpeg(bool progressive, bool arithmetic) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;
    uint8_t *row = malloc(WIDTH * 3);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg.arith_code = arithmetic;
    if (progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < HEIGHT) {
        make_row(row, jpeg.next_scanline);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    return (file_bytes){data, size, size};
}

static void on_write(png_structp png, png_bytep data, size_t size) {
    append(png_get_io_ptr(png), data, size);
}

/* Interlaced. */
static file_bytes make_png(void) {
    file_bytes file = {0};
    uint8_t *row = malloc(WIDTH * 3);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &file, on_write, NULL);
    png_set_IHDR(png, info, WIDTH, HEIGHT, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 1);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_write_info(png, info);
    for (int passes = png_set_interlace_handling(png); passes > 0; passes--)
        for (uint32_t y = 0; y < HEIGHT; y++) {
            make_row(row, y);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    return file;
}

/* Lossless. */
static file_bytes make_webp(void) {
    uint8_t *pixels = malloc((size_t)WIDTH * HEIGHT * 3);
    for (uint32_t y = 0; y < HEIGHT; y++) make_row(pixels + (size_t)y * WIDTH * 3, y);
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter writer;
    CHECK(WebPConfigInit(&config) && WebPPictureInit(&picture));
    WebPMemoryWriterInit(&writer);
    config.lossless = 1;
    config.method = 0;
    config.quality = 1;
    picture.use_argb = 1;
    picture.width = WIDTH;
    picture.height = HEIGHT;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    CHECK(WebPPictureImportRGB(&picture, pixels, WIDTH * 3) && WebPEncode(&config, &picture));
    WebPPictureFree(&picture);
    free(pixels);
    return (file_bytes){writer.mem, writer.size, writer.max_size};
}

typedef struct count {
    uint32_t steps;
    double longest; /* milliseconds */
} count;

static offcut_status timed_step(offcut_job *job, count *counts) {
    count *c = &counts[offcut_job_stage(job)];
    const clock_t start = clock();
    const offcut_status status = offcut_job_step(job);
    const double milliseconds = (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC;
    c->steps++;
    if (milliseconds > c->longest) c->longest = milliseconds;
    return status;
}

/* Both passes of one file. least: steps that decoding and encoding have to take. */
static void run(offcut_ctx *ctx, const char *name, file_bytes file, offcut_speed speed,
                uint32_t decode_least, uint32_t encode_least) {
    static const float mask[16] = {0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0};
    count counts[OFFCUT_STAGE_DONE + 1] = {{0}};
    offcut_options options = offcut_options_default();
    options.speed = speed;
    offcut_job *job = NULL;
    offcut_status status = offcut_job_open(ctx, NULL, file.data, file.size, &options, &job);
    while (status == OFFCUT_OK && offcut_job_stage(job) != OFFCUT_STAGE_DONE)
        status = offcut_job_stage(job) == OFFCUT_STAGE_INFER ? offcut_job_mask(job, mask, 4, 4)
                                                             : timed_step(job, counts);
    CHECKF(status == OFFCUT_OK, "%s: %s", name, offcut_detail(ctx));
    const count *decode = &counts[OFFCUT_STAGE_DECODE], *encode = &counts[OFFCUT_STAGE_ENCODE];
    CHECKF(decode->steps >= decode_least, "%s: decoded in %u steps", name, decode->steps);
    CHECKF(encode->steps >= encode_least, "%s: encoded in %u steps", name, encode->steps);
    printf("%-22s decode %3u steps, longest %4.1f ms; refine %4.1f; encode %4u, %4.1f\n", name,
           decode->steps, decode->longest, counts[OFFCUT_STAGE_REFINE].longest, encode->steps,
           encode->longest);
    offcut_job_free(job);
}

int main(void) {
    /* Megapixels, rounded down: a step reads one of a scan, half a one of what is skipped of an
     * interlaced picture, and 128 k pixels that are written (8 k for SMALL). */
    enum { PICTURE = 11, ROWS = 90, SCANS = 8 };
    const struct {
        const char *name;
        file_bytes file;
        offcut_speed speed;
        uint32_t decode_least, encode_least;
    } runs[] = {
        {"JPEG", make_jpeg(false, false), OFFCUT_SPEED_BALANCED, PICTURE, ROWS},
        {"JPEG, written small", make_jpeg(false, false), OFFCUT_SPEED_SMALL, PICTURE, 12 * ROWS},
        {"progressive", make_jpeg(true, false), OFFCUT_SPEED_BALANCED, SCANS * PICTURE / 2,
         ROWS + SCANS * PICTURE / 2},
        {"progressive arithmetic", make_jpeg(true, true), OFFCUT_SPEED_FAST, SCANS * PICTURE / 2,
         ROWS + SCANS * PICTURE / 2},
        {"interlaced PNG", make_png(), OFFCUT_SPEED_BALANCED, ROWS + PICTURE, ROWS + PICTURE},
        {"lossless WebP", make_webp(), OFFCUT_SPEED_BALANCED, ROWS, ROWS},
    };
    offcut_ctx *ctx = offcut_create();
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        run(ctx, runs[i].name, runs[i].file, runs[i].speed, runs[i].decode_least,
            runs[i].encode_least);
        free(runs[i].file.data);
    }
    offcut_free(ctx);
    return check_done();
}
