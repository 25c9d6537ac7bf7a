/* SPDX-License-Identifier: Apache-2.0
 * How libjpeg and libpng report errors: a long jump out of the library. What may jump runs below
 * offcut__jump_run(), the only place with a setjmp: so no function here has locals that a jump
 * could leave indeterminate. Only the files that call these libraries include this.
 *
 * OFFCUT_NO_LONGJMP is for hosts without wasm exceptions (the WASI command): there a failure inside
 * a library ends the process, with its message and the status as exit code. */
#ifndef OFFCUT_CODEC_JUMP_H
#define OFFCUT_CODEC_JUMP_H

#include "../base/context.h"

#ifndef OFFCUT_NO_LONGJMP
#include <setjmp.h>
#endif

typedef struct offcut__jump {
    offcut_ctx *ctx;      /* borrowed */
    offcut_status status; /* why the last jump was made */
#ifndef OFFCUT_NO_LONGJMP
    jmp_buf target;
#endif
} offcut__jump;

/* Calls work(self). OFFCUT_OK, or the status that offcut__jump_leave() got meanwhile; what self
 * points to is then as the work left it. Does not nest. */
offcut_status offcut__jump_run(offcut__jump *jump, void (*work)(void *self), void *self);

/* Out of the work that is being run; "library: text" becomes the detail. */
_Noreturn void offcut__jump_leave(offcut__jump *jump, offcut_status status, const char *library,
                                  const char *text);

#endif
