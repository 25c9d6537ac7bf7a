/* SPDX-License-Identifier: Apache-2.0
 * What Emscripten's C library would otherwise import from the host: with these a host needs to
 * provide nothing (the WASI command: nothing but WASI). */
#include <stddef.h>
#include <stdio.h>

void emscripten_notify_memory_growth(size_t index);
int offcut__print_nothing(FILE *file, const char *format, ...);
_Noreturn void offcut__no_exit(int code);

/* Hosts look at the memory's size after every call. */
void emscripten_notify_memory_growth(size_t index) {
    (void)index;
}

/* In place of fprintf in libjpeg's default error handler, which the codec replaces: it is linked
 * but never called. */
int offcut__print_nothing(FILE *file, const char *format, ...) {
    (void)file;
    (void)format;
    return 0;
}

/* In place of exit, likewise. */
_Noreturn void offcut__no_exit(int code) {
    (void)code;
    __builtin_trap();
}
