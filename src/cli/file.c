/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L /* lstat */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* A device, a pipe or a link, which a renamed file would take the place of. */
static bool is_special(const char *path) {
#ifdef __wasm__ /* the folders that a runtime opens for the WASI command have none */
    (void)path;
    return false;
#else
    struct stat status;
    return lstat(path, &status) == 0 && !S_ISREG(status.st_mode);
#endif
}

static bool write_file(const char *path, const offcut_buffer *buffer) {
    FILE *file = fopen(path, "wb");
    const bool ok = file && write_to(file, buffer);
    return file && fclose(file) == 0 && ok;
}

static bool write_beside(const char *path, const offcut_buffer *buffer) {
    static const char suffix[] = ".part";
    char *part = malloc(strlen(path) + sizeof suffix);
    if (!part) return false;
    strcpy(part, path);
    strcat(part, suffix);
    const bool ok = write_file(part, buffer) && rename(part, path) == 0;
    const int error = errno;
    if (!ok) remove(part);
    errno = error;
    free(part);
    return ok;
}

bool file_write(const char *path, const offcut_buffer *buffer) {
    if (strcmp(path, "-") == 0)
        return write_to(stdout, buffer) || complain("standard output", "cannot write");
    const bool ok = is_special(path) ? write_file(path, buffer) : write_beside(path, buffer);
    return ok || complain(path, "cannot write");
}
