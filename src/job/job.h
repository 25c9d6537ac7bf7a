/* SPDX-License-Identifier: Apache-2.0
 * One picture on its way. offcut.c lists the stages; each stage here is a function that does one
 * slice of it. */
#ifndef OFFCUT_JOB_JOB_H
#define OFFCUT_JOB_JOB_H

#include "../codec/writer.h"
#include "../image/resample.h"
#include "../matte/matte.h"
#include "upright.h"

/* Pixels handled in one slice of a row stage: some milliseconds, and half a megabyte of rows. */
#define OFFCUT_SLICE_PIXELS 131072u

struct offcut_job {
    offcut_ctx *ctx;         /* borrowed */
    offcut_model *model;     /* borrowed; NULL: the mask comes from outside */
    offcut_decoder *decoder; /* owned, like everything below */
    offcut_options options;
    offcut_input input; /* resolved: sizes are set */
    bool is_free;       /* the input's size was left to us */
    offcut_stage stage;
    bool failed;
    uint32_t width, height; /* upright */
    float fraction;         /* of the stage */

    uint8_t *rows; /* a slice of decoder rows */
    uint32_t row;  /* next row of the pass */

    uint32_t pass_width, pass_height; /* of pass 1, as stored */
    offcut__resampler *to_input, *to_guide;
    offcut__planes network_input, guide, mask;
    offcut__box near; /* of the guide: what the second look is at; no width: this is the first */
    bool running;     /* a run of the model is ours to end */

    offcut__matte *matte;
    offcut__upright *upright;
    offcut__writer *writer;
    offcut__bytes png; /* drained by the caller between steps */
    double alpha_sum;
    uint32_t left, top, right, bottom; /* of alpha >= 1/2; right and bottom are exclusive */
};

/* Each does a slice; when the stage is over it moves job->stage on. On failure the job is dead. */
offcut_status offcut__job_decode(offcut_job *job);
offcut_status offcut__job_infer(offcut_job *job);
offcut_status offcut__job_refine(offcut_job *job);
offcut_status offcut__job_encode(offcut_job *job);

/* v becomes (v / peak - mean) / std, see offcut_input. */
void offcut__job_normalise(offcut__planes *picture, const offcut_input *input);

/* 16 bits a sample to 8, rounded to nearest; in place. */
void offcut__reduce_rows(uint8_t *rows, size_t samples);

/* Rows of a slice of width x height pixels, turned or not, on the way into a file. */
uint32_t offcut__slice_rows(uint32_t width, uint32_t height, offcut_speed speed);

void offcut__job_enter(offcut_job *job, offcut_stage stage);

#endif
