/* SPDX-License-Identifier: Apache-2.0 */
#include "jump.h"

#include <stdio.h>
#include <stdlib.h>

offcut_status offcut__jump_run(offcut__jump *jump, void (*work)(void *self), void *self) {
#ifndef OFFCUT_NO_LONGJMP
    if (setjmp(jump->target)) return jump->status;
#else
    (void)jump;
#endif
    work(self);
    return OFFCUT_OK;
}

_Noreturn void offcut__jump_leave(offcut__jump *jump, offcut_status status, const char *library,
                                  const char *text) {
    jump->status = offcut__fail(jump->ctx, status, "%s: %s", library, text);
#ifdef OFFCUT_NO_LONGJMP
    fprintf(stderr, "offcut: %s\n", offcut_detail(jump->ctx));
    exit((int)status);
#else
    longjmp(jump->target, 1);
#endif
}
