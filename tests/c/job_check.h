/* SPDX-License-Identifier: Apache-2.0
 * Driving a job step by step. */
#ifndef OFFCUT_TESTS_JOB_CHECK_H
#define OFFCUT_TESTS_JOB_CHECK_H

#include "../../src/base/memory.h"
#include "check.h"

static inline void job_drain(const offcut_job *job, offcut__bytes *png) {
    size_t size = 0;
    const uint8_t *data = offcut_job_output(job, &size);
    CHECK(offcut__bytes_append(png, data, size));
}

/* png NULL: what is written is dropped. */
static inline offcut_status job_step_to(offcut_job *job, offcut_stage stage, offcut__bytes *png) {
    while (offcut_job_stage(job) != stage) {
        const offcut_status status = offcut_job_step(job);
        if (status != OFFCUT_OK) return status;
        if (png) job_drain(job, png);
    }
    return OFFCUT_OK;
}

#endif
