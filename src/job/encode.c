/* SPDX-License-Identifier: Apache-2.0
 * Pass 2: rows through the matte into the PNG. The full picture exists only while it passes
 * through. */
#include <stdlib.h>
#include <string.h>

#include "job.h"

static uint32_t output_bits(const offcut_job *job) {
    return job->options.reduce_to_8_bits ? 8 : offcut_decoder_info(job->decoder)->bits;
}

uint32_t offcut__slice_rows(uint32_t width, uint32_t height, offcut_speed speed) {
    /* SMALL takes up to 2 microseconds for a pixel. */
    const uint32_t pixels = OFFCUT_SLICE_PIXELS / (speed == OFFCUT_SPEED_SMALL ? 16 : 1);
    const uint32_t side = width > height ? width : height;
    return side < pixels ? pixels / side : 1;
}

static uint32_t slice_rows(const offcut_job *job) {
    return offcut__slice_rows(job->width, job->height, job->options.speed);
}

static offcut_status begin(offcut_job *job) {
    const offcut_info info = offcut__upright_info(job->decoder);
    const offcut__picture_spec spec = {
        .width = info.width,
        .height = info.height,
        .bits = output_bits(job),
        .grey = job->options.output == OFFCUT_OUTPUT_MASK,
        .speed = job->options.speed,
        .icc = job->options.output == OFFCUT_OUTPUT_MASK ? NULL : info.icc,
        .icc_size = info.icc_size,
        .density_x = info.density_x,
        .density_y = info.density_y,
    };
    const size_t side = info.width > info.height ? info.width : info.height;
    free(job->rows);
    job->rows = NULL;
    OFFCUT_TRY(offcut__alloc(job->ctx, slice_rows(job) * side, info.bits / 2, &job->rows));
    OFFCUT_TRY(offcut__upright_open(job->ctx, job->decoder, &job->upright));
    job->alpha_sum = 0;
    job->left = job->width;
    job->top = job->height;
    job->right = job->bottom = 0;
    return offcut__writer_open(job->ctx, OFFCUT_FORMAT_PNG, &spec, &job->png, &job->writer);
}

/* 65535 -> 255; front to back. */
void offcut__reduce_rows(uint8_t *rows, size_t samples) {
    for (size_t i = 0; i < samples; i++) {
        uint16_t wide = 0;
        memcpy(&wide, rows + 2 * i, sizeof wide);
        rows[i] = (uint8_t)((wide * 255u + 32895u) >> 16);
    }
}

static uint32_t alpha_of(const uint8_t *row, uint32_t x, uint32_t bits) {
    if (bits == 8) return row[4 * (size_t)x + 3];
    uint16_t wide = 0;
    memcpy(&wide, row + 8 * (size_t)x + 6, sizeof wide);
    return wide;
}

/* One loop for each thing, so that compilers make vector code of the sum. */
static inline uint64_t sum_alpha(const uint8_t *row, uint32_t width, uint32_t bits) {
    uint64_t sum = 0;
    for (uint32_t first = 0; first < width; first += 65536) { /* as far as 32 bits are enough */
        const uint32_t end = width - first < 65536 ? width : first + 65536;
        uint32_t part = 0;
        for (uint32_t x = first; x < end; x++) part += alpha_of(row, x, bits);
        sum += part;
    }
    return sum;
}

static inline void measure(offcut_job *job, const uint8_t *row, uint32_t y, uint32_t bits) {
    const uint32_t half = bits == 8 ? 128 : 32768;
    uint32_t first = 0, end = job->width;
    job->alpha_sum += (double)sum_alpha(row, job->width, bits) / (bits == 8 ? 255 : 65535);
    while (first < end && alpha_of(row, first, bits) < half) first++;
    while (end > first && alpha_of(row, end - 1, bits) < half) end--;
    if (first == end) return;
    if (first < job->left) job->left = first;
    if (end > job->right) job->right = end;
    if (job->top == job->height) job->top = y;
    job->bottom = y + 1;
}

static void measure_row(offcut_job *job, const uint8_t *row, uint32_t y, uint32_t bits) {
    if (bits == 8)
        measure(job, row, y, 8);
    else
        measure(job, row, y, 16);
}

/* RGBA -> A, in place. */
static void keep_alpha(uint8_t *rows, size_t pixels, uint32_t bits) {
    const size_t sample = bits / 8;
    for (size_t i = 0; i < pixels; i++)
        memmove(rows + i * sample, rows + i * 4 * sample + 3 * sample, sample);
}

static offcut_status finish(offcut_job *job) {
    OFFCUT_TRY(offcut__writer_finish(job->writer));
    offcut__writer_close(job->writer);
    offcut__upright_close(job->upright);
    job->writer = NULL;
    job->upright = NULL;
    OFFCUT_FAIL_IF(job->options.refuse_empty && job->right == 0, job->ctx, OFFCUT_ERR_EMPTY,
                   "nothing in this picture stands out as its subject");
    offcut__job_enter(job, OFFCUT_STAGE_DONE);
    return OFFCUT_OK;
}

offcut_status offcut__job_encode(offcut_job *job) {
    if (!job->upright) OFFCUT_TRY(begin(job));
    bool ready = false;
    OFFCUT_TRY(offcut__upright_fill(job->upright, job->rows, slice_rows(job), &ready));
    job->fraction = offcut__upright_fraction(job->upright);
    if (!ready) return OFFCUT_OK;
    const uint32_t bits = output_bits(job);
    const size_t stride = (size_t)job->width * bits / 2;
    uint32_t count = slice_rows(job);
    if (count > job->height - job->row) count = job->height - job->row;
    OFFCUT_TRY(offcut__upright_read(job->upright, job->rows, count));
    if (bits < offcut_decoder_info(job->decoder)->bits)
        offcut__reduce_rows(job->rows, (size_t)count * job->width * 4);
    for (uint32_t i = 0; i < count; i++) {
        offcut__matte_row(job->matte, job->row + i, bits, job->rows + i * stride);
        measure_row(job, job->rows + i * stride, job->row + i, bits);
    }
    if (job->options.output == OFFCUT_OUTPUT_MASK)
        keep_alpha(job->rows, (size_t)count * job->width, bits);
    OFFCUT_TRY(offcut__writer_write(job->writer, job->rows, count));
    job->row += count;
    job->fraction = offcut__upright_fraction(job->upright);
    return job->row == job->height ? finish(job) : OFFCUT_OK;
}
