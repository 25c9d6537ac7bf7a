/* SPDX-License-Identifier: Apache-2.0
 * How libjpeg and libpng report errors: a long jump out of the library. Only the files
 * that call these include this.
 *
 * OFFCUT_NO_LONGJMP is for hosts without wasm exceptions (the WASI command): there a failure inside
 * a library ends the process, with its message and the status as exit code.
 *
 * Functions that use OFFCUT__JUMPED keep what they need afterwards in their state struct, never in
 * locals that change: those are indeterminate after a jump. */
#ifndef OFFCUT_CODEC_JUMP_H
#define OFFCUT_CODEC_JUMP_H

#ifdef OFFCUT_NO_LONGJMP

#include <stdio.h>
#include <stdlib.h>

typedef int offcut__jump;
#define OFFCUT__JUMPED(jump) ((void)(jump), 0)
#define OFFCUT__JUMP(jump, ctx, status)                      \
    do {                                                     \
        (void)(jump);                                        \
        fprintf(stderr, "offcut: %s\n", offcut_detail(ctx)); \
        exit((int)(status));                                 \
    } while (0)

#else

#include <setjmp.h>

typedef jmp_buf offcut__jump;
#define OFFCUT__JUMPED(jump) (setjmp(jump))
#define OFFCUT__JUMP(jump, ctx, status) longjmp(jump, 1)

#endif

#endif
