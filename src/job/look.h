/* SPDX-License-Identifier: Apache-2.0
 * The second look. What is small in the photo has few pixels in the network's input; a network that
 * runs at several sizes then sees that part of the guide picture again, from near. It sees it
 * mirrored, so that it does not repeat its errors, and the mask is the mean of both.
 * models/eval/README.md has the measurements. */
#ifndef OFFCUT_JOB_LOOK_H
#define OFFCUT_JOB_LOOK_H

#include "job.h"

/* After the first look, whose mask is job->mask. Where another is worth its time: makes
 * job->network_input and its size for it, and sets job->near; else leaves them. */
offcut_status offcut__look_again(offcut_job *job);

/* After the second look: job->mask becomes the mean of it and `near`, of the part job->near;
 * mirrored, borrowed. */
offcut_status offcut__look_merge(offcut_job *job, const offcut__planes *near);

#endif
