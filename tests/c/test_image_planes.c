/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../src/image/resample.h"
#include "check.h"

/* What EXIF says the stored picture 012 / 345 looks like upright. */
typedef struct turn {
    uint32_t orientation, width, height;
    const char *upright;
} turn;

static const turn turns[] = {
    {0, 3, 2, "012345"}, {1, 3, 2, "012345"}, {2, 3, 2, "210543"}, {3, 3, 2, "543210"},
    {4, 3, 2, "345012"}, {5, 2, 3, "031425"}, {6, 2, 3, "304152"}, {7, 2, 3, "524130"},
    {8, 2, 3, "251403"}, {9, 3, 2, "012345"},
};

static void check_turn(offcut_ctx *ctx, const turn *t) {
    offcut__planes picture = {0};
    CHECK(offcut__planes_alloc(ctx, 2, 3, 2, &picture) == OFFCUT_OK);
    if (!picture.data) return;
    for (int i = 0; i < 12; i++) picture.data[i] = (float)(i < 6 ? i : 100 + i - 6);
    CHECK(offcut__planes_orient(ctx, &picture, t->orientation) == OFFCUT_OK);
    CHECKF(picture.width == t->width && picture.height == t->height, "orientation %u: %u x %u",
           t->orientation, picture.width, picture.height);
    for (size_t i = 0; i < 6; i++) {
        const float want = (float)(t->upright[i] - '0');
        CHECKF(picture.data[i] == want && picture.data[6 + i] == 100.0f + want,
               "orientation %u, pixel %zu: %g", t->orientation, i, (double)picture.data[i]);
    }
    offcut__planes_free(&picture);
    CHECK(picture.data == NULL);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) check_turn(ctx, &turns[i]);
    offcut__planes huge = {0};
    CHECK(offcut__planes_alloc(ctx, UINT32_MAX, UINT32_MAX, UINT32_MAX, &huge) ==
          OFFCUT_ERR_MEMORY);
    CHECK(huge.data == NULL && strlen(offcut_detail(ctx)) > 0);
    offcut_free(ctx);
    return check_done();
}
