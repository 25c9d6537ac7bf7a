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

/* In place of libwebp's slow and sharp conversion of colours, which a picture has to ask for. */
void SharpYuvInit(void *cpu_info);
const void *SharpYuvGetConversionMatrix(int type);
int SharpYuvConvert(const void *r, const void *g, const void *b, int rgb_step, int rgb_stride,
                    int rgb_bits, void *y, int y_stride, void *u, int u_stride, void *v,
                    int v_stride, int yuv_bits, int width, int height, const void *matrix);

void SharpYuvInit(void *cpu_info) {
    (void)cpu_info;
}

const void *SharpYuvGetConversionMatrix(int type) {
    (void)type;
    return NULL;
}

int SharpYuvConvert(const void *r, const void *g, const void *b, int rgb_step, int rgb_stride,
                    int rgb_bits, void *y, int y_stride, void *u, int u_stride, void *v,
                    int v_stride, int yuv_bits, int width, int height, const void *matrix) {
    (void)r, (void)g, (void)b, (void)rgb_step, (void)rgb_stride, (void)rgb_bits;
    (void)y, (void)y_stride, (void)u, (void)u_stride, (void)v, (void)v_stride, (void)yuv_bits;
    (void)width, (void)height, (void)matrix;
    return 0; /* failed */
}
