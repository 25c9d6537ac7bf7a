/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"

static bool complain(const char *path, const char *what) {
    fprintf(stderr, "offcut: %s: %s: %s\n", path, what, strerror(errno));
    return false;
}

bool file_read(const char *path, offcut_buffer *buffer) {
    const bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    if (!file) return complain(path, "cannot open");
    offcut__bytes bytes = {0};
    uint8_t chunk[16384];
    size_t got = 0;
    bool ok = true;
    while (ok && (got = fread(chunk, 1, sizeof chunk, file)) > 0)
        ok = offcut__bytes_append(&bytes, chunk, got);
    if (!ok) errno = ENOMEM;
    ok = ok && !ferror(file);
    if (!ok) complain(path, "cannot read");
    if (!standard) fclose(file);
    if (!ok) {
        offcut__bytes_free(&bytes);
        return false;
    }
    *buffer = (offcut_buffer){.data = bytes.data, .size = bytes.size};
    return true;
}

static bool write_to(FILE *file, const offcut_buffer *buffer) {
    return fwrite(buffer->data, 1, buffer->size, file) == buffer->size && fflush(file) == 0;
}

bool file_write(const char *path, const offcut_buffer *buffer) {
    if (strcmp(path, "-") == 0)
        return write_to(stdout, buffer) || complain("standard output", "cannot write");
    static const char suffix[] = ".part";
    char *part = malloc(strlen(path) + sizeof suffix);
    if (!part) return complain(path, "cannot write");
    strcpy(part, path);
    strcat(part, suffix);
    FILE *file = fopen(part, "wb");
    bool ok = file && write_to(file, buffer);
    if (file && fclose(file) != 0) ok = false;
    ok = ok && rename(part, path) == 0;
    if (!ok) {
        complain(path, "cannot write");
        if (file) remove(part);
    }
    free(part);
    return ok;
}
