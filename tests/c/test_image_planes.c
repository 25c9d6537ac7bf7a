/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../src/image/resize.h"
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

static void check_values(const offcut__planes *picture, const float *want, const char *what) {
    const size_t count = (size_t)picture->planes * picture->width * picture->height;
    for (size_t i = 0; i < count; i++)
        CHECKF(picture->data[i] == want[i], "%s: value %zu is %g", what, i,
               (double)picture->data[i]);
}

/* Two planes of 3 x 2: 0 1 2 / 3 4 5 and ten times that. */
static void check_parts(offcut_ctx *ctx) {
    offcut__planes picture = {0}, result = {0};
    CHECK(offcut__planes_alloc(ctx, 2, 3, 2, &picture) == OFFCUT_OK);
    for (int i = 0; i < 12; i++) picture.data[i] = (float)(i < 6 ? i : 10 * (i - 6));
    const offcut__box part = {1, 0, 2, 2};
    const float plain[] = {1, 2, 4, 5, 10, 20, 40, 50};
    const float mirrored[] = {2, 1, 5, 4, 20, 10, 50, 40};
    CHECK(offcut__planes_crop(ctx, &picture, &part, false, &result) == OFFCUT_OK);
    CHECK(result.width == 2 && result.height == 2);
    check_values(&result, plain, "a part");
    offcut__planes_free(&result);
    CHECK(offcut__planes_crop(ctx, &picture, &part, true, &result) == OFFCUT_OK);
    check_values(&result, mirrored, "a part, mirrored");
    offcut__planes_free(&result);
    const float smaller[] = {2.5f, 25};
    CHECK(offcut__planes_resize(ctx, &picture, 1, 1, &result) == OFFCUT_OK);
    check_values(&result, smaller, "the mean");
    offcut__planes_free(&result);
    const float taller[] = {0, 1, 2, 0.75f, 1.75f, 2.75f, 2.25f, 3.25f, 4.25f, 3, 4, 5};
    CHECK(offcut__planes_resize(ctx, &picture, 3, 4, &result) == OFFCUT_OK);
    for (size_t i = 0; i < 12; i++)
        CHECK(result.data[i] == taller[i] && result.data[12 + i] == 10 * taller[i]);
    offcut__planes_free(&result);
    offcut__planes_free(&picture);
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) check_turn(ctx, &turns[i]);
    check_parts(ctx);
    offcut__planes huge = {0};
    CHECK(offcut__planes_alloc(ctx, UINT32_MAX, UINT32_MAX, UINT32_MAX, &huge) ==
          OFFCUT_ERR_MEMORY);
    CHECK(huge.data == NULL && strlen(offcut_detail(ctx)) > 0);
    offcut_free(ctx);
    return check_done();
}
