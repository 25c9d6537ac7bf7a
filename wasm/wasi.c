/* SPDX-License-Identifier: Apache-2.0
 * Files for the WASI command. Emscripten's C library opens nothing in a standalone module; these
 * are the system calls behind fopen, remove and rename, on WASI preview 1. Paths are looked up in
 * the folders that the runtime opened for us, as wasi-libc does: the longest one that contains the
 * path; "/", "." and "" all mean the first level. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

int __syscall_openat(int folder, intptr_t path, int flags, ...);
int __syscall_unlinkat(int folder, intptr_t path, int flags);
int __syscall_renameat(int old_folder, intptr_t old_path, int new_folder, intptr_t new_path);
int __syscall_rmdir(intptr_t path);

enum { FIRST_FOLDER = 3, NAME_MAX_LENGTH = 4096 };

/* A path inside a folder that the runtime opened. */
typedef struct place {
    __wasi_fd_t folder;
    const char *path;
    size_t length;
} place;

static const char *without_root(const char *path) {
    while (path[0] == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))) path++;
    return path;
}

/* What remains of path below the folder name; NULL if it is not in there. */
static const char *below(const char *path, const char *name) {
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == '/') length--;
    if (length == 0) return path;
    if (strncmp(path, name, length) != 0) return NULL;
    if (path[length] == '\0') return ".";
    return path[length] == '/' ? without_root(path + length) : NULL;
}

/* Returns 0 or an errno. */
static int find(const char *path, place *found) {
    path = without_root(path);
    size_t best = SIZE_MAX;
    for (__wasi_fd_t fd = FIRST_FOLDER;; fd++) {
        __wasi_prestat_t stat;
        char name[NAME_MAX_LENGTH + 1];
        if (__wasi_fd_prestat_get(fd, &stat) != __WASI_ERRNO_SUCCESS) break;
        const size_t length = stat.u.dir.pr_name_len;
        if (length > NAME_MAX_LENGTH) continue;
        if (__wasi_fd_prestat_dir_name(fd, (uint8_t *)name, length) != __WASI_ERRNO_SUCCESS)
            continue;
        name[length] = '\0';
        const char *rest = below(path, without_root(name));
        if (!rest || strlen(rest) >= best) continue;
        best = strlen(rest);
        *found = (place){.folder = fd, .path = rest, .length = best};
    }
    return best == SIZE_MAX ? ENOENT : 0;
}

int __syscall_openat(int folder, intptr_t path, int flags, ...) {
    (void)folder;
    place at;
    const int missing = find((const char *)path, &at);
    if (missing) return -missing;

    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    __wasi_oflags_t open_flags = 0;
    if (flags & O_CREAT) open_flags |= __WASI_OFLAGS_CREAT;
    if (flags & O_TRUNC) open_flags |= __WASI_OFLAGS_TRUNC;
    if (flags & O_EXCL) open_flags |= __WASI_OFLAGS_EXCL;
    const __wasi_rights_t rights = __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL |
                                   (writes ? __WASI_RIGHTS_FD_WRITE : __WASI_RIGHTS_FD_READ);
    __wasi_fd_t fd = 0;
    const __wasi_errno_t error =
        __wasi_path_open(at.folder, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, at.path, at.length,
                         open_flags, rights, rights, 0, &fd);
    return error == __WASI_ERRNO_SUCCESS ? (int)fd : -(int)error;
}

int __syscall_unlinkat(int folder, intptr_t path, int flags) {
    (void)folder;
    (void)flags;
    place at;
    const int missing = find((const char *)path, &at);
    if (missing) return -missing;
    return -(int)__wasi_path_unlink_file(at.folder, at.path, at.length);
}

int __syscall_renameat(int old_folder, intptr_t old_path, int new_folder, intptr_t new_path) {
    (void)old_folder;
    (void)new_folder;
    place from, to;
    int missing = find((const char *)old_path, &from);
    if (!missing) missing = find((const char *)new_path, &to);
    if (missing) return -missing;
    return -(int)__wasi_path_rename(from.folder, from.path, from.length, to.folder, to.path,
                                    to.length);
}

/* remove() tries this on folders; the command removes files only. */
int __syscall_rmdir(intptr_t path) {
    (void)path;
    return -ENOTDIR;
}
