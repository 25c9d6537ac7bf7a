/* SPDX-License-Identifier: Apache-2.0
 * Whole files and streams in and out; "-" is the standard one. */
#ifndef OFFCUT_CLI_FILE_H
#define OFFCUT_CLI_FILE_H

#include <stdbool.h>

#include "../offcut.h"

/* *buffer is the caller's: offcut_buffer_free(). On failure says why on stderr. */
bool file_read(const char *path, offcut_buffer *buffer);

/* Writes beside the target and renames, so that a failure leaves no half file; what is no plain
 * file is written to as it is. Says why on stderr. */
bool file_write(const char *path, const offcut_buffer *buffer);

#endif
