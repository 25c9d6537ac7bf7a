/* SPDX-License-Identifier: Apache-2.0
 * --profile: the time of each operation of a network. */
#ifndef OFFCUT_CLI_PROFILE_H
#define OFFCUT_CLI_PROFILE_H

#include "../offcut.h"

/* Runs the network a few times and prints the least time of each operation, with the multiply-adds
 * a second, on stderr. */
offcut_status profile_print(offcut_ctx *ctx, offcut_model *model);

#endif
