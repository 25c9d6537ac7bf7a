/* SPDX-License-Identifier: Apache-2.0 */
#include "context.h"
#include "team.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

offcut_ctx *offcut_create(void) {
    return calloc(1, sizeof(offcut_ctx));
}

void offcut_free(offcut_ctx *ctx) {
    if (ctx) offcut__team_end(ctx);
    free(ctx);
}

const char *offcut_detail(const offcut_ctx *ctx) {
    return ctx ? ctx->detail : "";
}

const char *offcut_status_text(offcut_status status) {
    switch (status) {
#define STATUS_CASE(name, value, text) \
    case OFFCUT_##name: return text;
        OFFCUT_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

offcut_status offcut__fail(offcut_ctx *ctx, offcut_status status, const char *format, ...) {
    if (ctx) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(ctx->detail, sizeof ctx->detail, format, arguments);
        va_end(arguments);
    }
    return status;
}

void offcut_buffer_free(offcut_buffer *buffer) {
    if (!buffer) return;
    free(buffer->data);
    *buffer = (offcut_buffer){0};
}
