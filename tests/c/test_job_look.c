/* SPDX-License-Identifier: Apache-2.0
 * The second look at a small subject: when it comes, what it is shown, and what comes of both. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/writer.h"
#include "image/resample.h"
#include "job_check.h"

enum { WIDTH = 64, HEIGHT = 48 };

/* Red grows to the right, green downwards. */
static void make_png(offcut_ctx *ctx, offcut__bytes *png) {
    offcut__writer *writer = NULL;
    const offcut__picture_spec spec = {.width = WIDTH, .height = HEIGHT, .bits = 8};
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, png, &writer) == OFFCUT_OK);
    for (uint32_t y = 0; y < HEIGHT; y++) {
        uint8_t row[WIDTH * 4];
        for (uint32_t x = 0; x < WIDTH; x++) {
            const uint8_t pixel[4] = {(uint8_t)(4 * x), (uint8_t)(5 * y), 0, 255};
            memcpy(row + 4 * x, pixel, 4);
        }
        CHECK(offcut__writer_write(writer, row, 1) == OFFCUT_OK);
    }
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    offcut__writer_close(writer);
}

/* 1 in a part of a mask, 0 elsewhere. */
static float *part_mask(uint32_t width, uint32_t height, offcut__box part) {
    float *mask = calloc((size_t)width * height, sizeof *mask);
    CHECK(mask != NULL);
    for (uint32_t y = part.top; mask && y < part.top + part.height; y++)
        for (uint32_t x = part.left; x < part.left + part.width; x++) mask[y * width + x] = 1;
    return mask;
}

static offcut_job *open_job(offcut_ctx *ctx, const offcut__bytes *png, uint32_t input) {
    offcut_options options = offcut_options_default();
    options.no_refine = 1;
    options.output = OFFCUT_OUTPUT_MASK;
    options.input.width = options.input.height = input;
    offcut_job *job = NULL;
    CHECK(offcut_job_open(ctx, NULL, png->data, png->size, &options, &job) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_INFER, NULL) == OFFCUT_OK);
    return job;
}

static void answer(offcut_job *job, uint32_t width, uint32_t height, offcut__box part) {
    float *mask = part_mask(width, height, part);
    CHECK(offcut_job_answer(job, mask, width, height) == OFFCUT_OK);
    free(mask);
}

/* Runs the job to its end; the mask that it writes, [HEIGHT][WIDTH], the caller's. */
static uint8_t *finish(offcut_ctx *ctx, offcut_job *job) {
    offcut__bytes png = {0};
    CHECK(job_step_to(job, OFFCUT_STAGE_DONE, &png) == OFFCUT_OK);
    offcut_decoder *decoder = NULL;
    uint32_t width = 0, height = 0;
    uint8_t *rows = calloc(WIDTH * HEIGHT, 4);
    CHECK(rows && offcut_decoder_open(ctx, png.data, png.size, NULL, &decoder) == OFFCUT_OK);
    CHECK(offcut_decoder_start(decoder, 1, &width, &height) == OFFCUT_OK);
    CHECK(width == WIDTH && height == HEIGHT);
    CHECK(offcut_decoder_read(decoder, rows, HEIGHT) == OFFCUT_OK);
    for (size_t i = 0; rows && i < WIDTH * HEIGHT; i++) rows[i] = rows[4 * i];
    offcut_decoder_close(decoder);
    offcut__bytes_free(&png);
    return rows;
}

static const offcut__box small = {8, 8, 16, 32}; /* in a mask of WIDTH x HEIGHT */

/* 16 x 32 with a margin of 5 % of 32 on each side: from 6 to 26 and from 6 to 42. */
static void check_near(const offcut_job *job) {
    const uint32_t width = offcut_job_input_width(job), height = offcut_job_input_height(job);
    CHECKF(width == 256 && height == 384, "%u x %u", width, height);
    const float *red = offcut_job_input(job), *green = red + (size_t)width * height;
    CHECKF(fabsf(red[0] * 255 - 4 * 25) < 3, "left: %g", (double)red[0] * 255);
    CHECKF(fabsf(red[width - 1] * 255 - 4 * 6) < 3, "right: %g", (double)red[width - 1] * 255);
    const float bottom = green[(size_t)width * height - 1] * 255;
    CHECKF(fabsf(green[0] * 255 - 5 * 6) < 3, "top: %g", (double)green[0] * 255);
    CHECKF(fabsf(bottom - 5 * 41) < 3, "bottom: %g", (double)bottom);
}

static void test_twice(offcut_ctx *ctx, const offcut__bytes *png) {
    offcut_job *job = open_job(ctx, png, 0);
    CHECK(offcut_job_input_width(job) == 384 && offcut_job_input_height(job) == 256);
    answer(job, WIDTH, HEIGHT, small);
    CHECK(offcut_job_stage(job) == OFFCUT_STAGE_INFER);
    CHECK(offcut_job_fraction(job) > 0.49f && offcut_job_fraction(job) < 0.51f);
    check_near(job);
    /* What it is shown is mirrored: its left half is the right one of the picture, x 16 to 26. */
    answer(job, 80, 144, (offcut__box){0, 0, 40, 144});
    CHECK(offcut_job_stage(job) == OFFCUT_STAGE_REFINE);
    uint8_t *mask = finish(ctx, job);
    const uint8_t both = mask[20 * WIDTH + 20], first = mask[20 * WIDTH + 11];
    const uint8_t second = mask[7 * WIDTH + 21], none = mask[20 * WIDTH + 40];
    CHECKF(both > 250 && abs(first - 128) < 6 && abs(second - 128) < 60 && none == 0,
           "both %u, the first %u, the second %u, none %u", both, first, second, none);
    free(mask);
    offcut_job_free(job);
}

/* The subject is large, or too small, or nowhere, or the size of the input is not ours to choose.
 */
static void test_once(offcut_ctx *ctx, const offcut__bytes *png) {
    const struct {
        offcut__box part;
        uint32_t input;
    } cases[] = {
        {{2, 2, 60, 44}, 0},
        {{30, 20, 4, 4}, 0},
        {{0, 0, 0, 0}, 0},
        {small, 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        offcut_job *job = open_job(ctx, png, cases[i].input);
        answer(job, WIDTH, HEIGHT, cases[i].part);
        CHECKF(offcut_job_stage(job) == OFFCUT_STAGE_REFINE, "case %zu", i);
        offcut_job_free(job);
    }
}

/* A speck far away is not what the second look is at. */
static void test_speck(offcut_ctx *ctx, const offcut__bytes *png) {
    offcut_job *job = open_job(ctx, png, 0);
    float *mask = part_mask(WIDTH, HEIGHT, small);
    mask[2 * WIDTH + 60] = mask[2 * WIDTH + 61] = 1;
    CHECK(offcut_job_answer(job, mask, WIDTH, HEIGHT) == OFFCUT_OK);
    free(mask);
    CHECK(offcut_job_stage(job) == OFFCUT_STAGE_INFER);
    check_near(job);
    offcut_job_free(job);
}

/* Or not wanted. */
static void test_unwanted(offcut_ctx *ctx, const offcut__bytes *png) {
    offcut_options options = offcut_options_default();
    options.look_once = 1;
    offcut_job *job = NULL;
    CHECK(offcut_job_open(ctx, NULL, png->data, png->size, &options, &job) == OFFCUT_OK);
    CHECK(job_step_to(job, OFFCUT_STAGE_INFER, NULL) == OFFCUT_OK);
    answer(job, WIDTH, HEIGHT, small);
    CHECK(offcut_job_stage(job) == OFFCUT_STAGE_REFINE);
    offcut_job_free(job);
}

static void test_order(offcut_ctx *ctx, const offcut__bytes *png) {
    offcut_job *job = open_job(ctx, png, 0);
    const float everything = 1;
    CHECK(offcut_job_answer(job, NULL, 1, 1) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut_job_answer(job, &everything, 1, 0) == OFFCUT_ERR_ARGUMENT);
    answer(job, WIDTH, HEIGHT, small);
    CHECK(offcut_job_mask(job, &everything, 1, 1) == OFFCUT_OK); /* instead of both */
    CHECK(offcut_job_answer(job, &everything, 1, 1) == OFFCUT_ERR_STATE);
    uint8_t *mask = finish(ctx, job);
    CHECK(mask[0] == 255 && mask[WIDTH * HEIGHT - 1] == 255);
    free(mask);
    offcut_job_free(job);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    offcut__bytes png = {0};
    make_png(ctx, &png);
    test_twice(ctx, &png);
    test_once(ctx, &png);
    test_unwanted(ctx, &png);
    test_speck(ctx, &png);
    test_order(ctx, &png);
    offcut__bytes_free(&png);
    offcut_free(ctx);
    return check_done();
}
