/* SPDX-License-Identifier: Apache-2.0
 * The context: where a failure leaves its detail text. Two macros are the whole vocabulary of
 * errors. */
#ifndef OFFCUT_BASE_CONTEXT_H
#define OFFCUT_BASE_CONTEXT_H

#include "../offcut.h"

struct offcut_ctx {
    char detail[256];
#ifdef OFFCUT_THREADS
    struct offcut__team *team; /* NULL: the caller works alone */
#endif
};

/* Sets the detail text (printf-like) and returns status, so that a failure is one statement. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
offcut_status
offcut__fail(offcut_ctx *ctx, offcut_status status, const char *format, ...);

/* Return at once on failure; only in functions that own nothing, owners use `goto done`. */
#define OFFCUT_TRY(expression)                          \
    do {                                                \
        const offcut_status try_status = (expression);  \
        if (try_status != OFFCUT_OK) return try_status; \
    } while (0)

#define OFFCUT_FAIL_IF(condition, ctx, status, ...)                       \
    do {                                                                  \
        if (condition) return offcut__fail((ctx), (status), __VA_ARGS__); \
    } while (0)

#endif
