/* SPDX-License-Identifier: Apache-2.0
 * What a C test needs: CHECK and CHECKF count and print what failed, check_done() is main's exit
 * code. */
#ifndef OFFCUT_TESTS_CHECK_H
#define OFFCUT_TESTS_CHECK_H

#include <stdio.h>

enum { CHECK_SKIPPED = 77 };

static int check_failures;
static int check_count;

/* Go on after a failure, so that one run shows all of them. CHECKF adds a printf-like text to what
 * is printed. */
#define CHECKF(condition, ...)                                             \
    do {                                                                   \
        check_count++;                                                     \
        if (!(condition)) {                                                \
            check_failures++;                                              \
            printf("%s:%d: failed: %s: ", __FILE__, __LINE__, #condition); \
            printf(__VA_ARGS__);                                           \
            printf("\n");                                                  \
        }                                                                  \
    } while (0)

#define CHECK(condition) CHECKF(condition, "expected to hold")

/* A test that checked nothing did not pass. */
static inline int check_done(void) {
    printf("%d checks, %d failed\n", check_count, check_failures);
    return check_failures == 0 && check_count > 0 ? 0 : 1;
}

/* Says why there is nothing to test here; `return check_skip(...)` from main. */
static inline int check_skip(const char *reason) {
    printf("skipped: %s\n", reason);
    return CHECK_SKIPPED;
}

#endif
