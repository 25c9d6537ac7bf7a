/* SPDX-License-Identifier: Apache-2.0
 * Properties of the alpha matte that hold for any picture. */
#include "matte_check.h"

static void noise(scene *s, bool opaque) {
    for (uint32_t y = 0; y < s->height; y++)
        for (uint32_t x = 0; x < s->width; x++)
            for (int c = 0; c < 4; c++)
                scene_set(s, x, y, c, c == 3 && opaque ? 1.0f : scene_random());
}

static const uint32_t sizes[][2] = {{1, 1},    {1, 300},  {300, 1},   {2, 3},    {40, 30},
                                    {9000, 2}, {2, 9000}, {700, 500}, {641, 17}, {1000, 1000}};

/* Masks of one value: nothing below 1/2 is a subject, and a sure one leaves the picture as it is.
 */
static void check_flat_masks(uint32_t bits) {
    static const float values[] = {0.0f, 0.1f, 0.3f, 0.49f, 0.9f, 1.0f};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        scene s = scene_new(sizes[i][0], sizes[i][1], bits, i % 2 ? 160 : 37, i % 3 ? 160 : 1);
        noise(&s, true);
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            scene_fill_mask(&s, values[v]);
            scene_run(&s, true);
            const size_t bytes = (size_t)s.width * s.height * bits / 2;
            size_t wrong = 0;
            for (size_t b = 0; b < bytes; b++)
                wrong += s.rows[b] != (values[v] < 0.5f ? 0 : s.photo[b]);
            CHECKF(wrong == 0, "%u x %u, %u bits, mask %g: %zu bytes are wrong", s.width, s.height,
                   bits, (double)values[v], wrong);
        }
        scene_free(&s);
    }
}

/* A sharp edge between two colours in a picture with some noise; the mask is blurred and off by
 * `shift` of its pixels. Alpha must be right where the picture's edge is: exact on both sides,
 * nothing in between but the antialiased pixels. */
static void check_hard_edge(uint32_t bits, uint32_t width, uint32_t height, float shift) {
    const float front[3] = {0.75f, 0.5f, 0.2f}, back[3] = {0.25f, 0.4f, 0.7f};
    const float radius = 0.25f;
    scene s = scene_new(width, height, bits, 160, 160);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const float alpha = scene_disc(&s, radius, 1.0f, (float)x + 0.5f, (float)y + 0.5f);
            for (int c = 0; c < 3; c++)
                scene_set(
                    &s, x, y, c,
                    alpha * front[c] + (1.0f - alpha) * back[c] + 0.06f * (scene_random() - 0.5f));
            scene_set(&s, x, y, 3, 1.0f);
        }
    scene_disc_mask(&s, radius, shift, -shift);
    scene_run(&s, true);
    size_t wrong = 0, soft = 0, edge = 0, unclean = 0, changed = 0;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const float truth = scene_disc(&s, radius, 1.0f, (float)x + 0.5f, (float)y + 0.5f);
            const float alpha = scene_result(&s, x, y, 3);
            edge += truth > 0.0f && truth < 1.0f;
            wrong += (truth == 0.0f || truth == 1.0f) && fabsf(alpha - truth) > 0.5f;
            soft += (truth == 0.0f || truth == 1.0f) && alpha != truth;
            for (int c = 0; c < 3; c++) {
                unclean += alpha == 0.0f && scene_result(&s, x, y, c) != 0.0f;
                /* Alpha that only rounds to 1 may move a colour by a step. */
                changed += alpha == 1.0f &&
                           fabsf(scene_result(&s, x, y, c) - scene_photo(&s, x, y, c)) > 0.005f;
            }
        }
    /* Some pixels beside the edge lie in the same guide pixel as it: they may be soft, never on the
     * wrong side. */
    const double guide = (double)width / 640.0 > 1.0 ? (double)width / 640.0 : 1.0;
    CHECKF(wrong == 0, "%u x %u, shift %g: %zu pixels on the wrong side", width, height,
           (double)shift, wrong);
    CHECKF((double)soft < 0.25 * guide * (double)edge,
           "%u x %u, shift %g: %zu soft pixels along an edge of %zu", width, height, (double)shift,
           soft, edge);
    CHECKF(unclean == 0 && changed == 0, "%zu colours under alpha 0, %zu changed under alpha 1",
           unclean, changed);
    scene_free(&s);
}

/* Where colours say nothing the mask's edge counts: half of alpha lies at half of the mask. */
static void check_no_contrast(void) {
    scene s = scene_new(640, 480, 8, 160, 160);
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++)
            for (int c = 0; c < 4; c++) scene_set(&s, x, y, c, c == 3 ? 1.0f : 0.5f);
    scene_disc_mask(&s, 0.25f, 0.0f, 0.0f);
    scene_run(&s, true);
    size_t wrong = 0;
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++) {
            const float truth = scene_disc(&s, 0.25f, 8.0f, (float)x + 0.5f, (float)y + 0.5f);
            if (truth > 0.0f && truth < 1.0f) continue;
            wrong += scene_result(&s, x, y, 3) != truth;
        }
    CHECKF(wrong == 0, "%zu pixels away from the mask's edge", wrong);
    scene_free(&s);
}

/* A patch the network only half believes in goes away, wherever it is; a hole stays a hole. */
static void check_components(void) {
    scene s = scene_new(640, 480, 8, 160, 160);
    noise(&s, true);
    scene_disc_mask(&s, 0.2f, 0.0f, 0.0f);
    for (uint32_t y = 0; y < 160; y++)
        for (uint32_t x = 0; x < 160; x++) {
            float *value = &s.mask.data[y * 160 + x];
            if (x > 10 && x < 30 && y > 10 && y < 40) *value = 0.55f;
            if (x > 70 && x < 90 && y > 70 && y < 90) *value = 0.0f;
        }
    scene_run(&s, true);
    float patch = 0.0f, hole = 0.0f, body = 1.0f;
    for (uint32_t y = 0; y < 200; y++)
        for (uint32_t x = 0; x < 150; x++) patch = fmaxf(patch, scene_result(&s, x, y, 3));
    for (uint32_t y = 230; y < 250; y++)
        for (uint32_t x = 305; x < 335; x++) hole = fmaxf(hole, scene_result(&s, x, y, 3));
    for (uint32_t y = 150; y < 160; y++)
        for (uint32_t x = 310; x < 330; x++) body = fminf(body, scene_result(&s, x, y, 3));
    CHECKF(patch == 0.0f && hole == 0.0f && body == 1.0f, "patch %g, hole %g, body %g",
           (double)patch, (double)hole, (double)body);
    scene_free(&s);
}

/* Flecks beside the subject whose colour is a little like its: the fit alone would show them. */
static void check_ghosts(void) {
    const float front[3] = {0.8f, 0.4f, 0.2f}, back[3] = {0.2f, 0.4f, 0.8f};
    scene s = scene_new(640, 480, 8, 160, 160);
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++) {
            const bool fleck = x >= 490 && x < 496 && y % 40 < 6;
            const float disc = scene_disc(&s, 0.25f, 1.0f, (float)x + 0.5f, (float)y + 0.5f);
            const float share = fleck ? 0.35f : disc;
            for (int c = 0; c < 3; c++)
                scene_set(&s, x, y, c, share * front[c] + (1.0f - share) * back[c]);
            scene_set(&s, x, y, 3, 1.0f);
        }
    scene_disc_mask(&s, 0.25f, 0.0f, 0.0f);
    scene_run(&s, true);
    size_t ghosts = 0;
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 488; x < 500; x++) ghosts += scene_result(&s, x, y, 3) != 0.0f;
    CHECKF(ghosts == 0, "%zu pixels of flecks are left", ghosts);
    CHECK(scene_result(&s, 320, 240, 3) == 1.0f);
    scene_free(&s);
}

/* The input's own alpha is multiplied; without refinement the mask is enlarged as it is. */
static void check_own_alpha(uint32_t bits, bool refine) {
    scene s = scene_new(120, 80, bits, 30, 20);
    noise(&s, false);
    for (size_t i = 0; i < 600; i++) s.mask.data[i] = i % 30 < 15 ? 0.0f : 1.0f;
    scene_run(&s, refine);
    float worst = 0.0f;
    size_t unclean = 0;
    for (uint32_t y = 0; y < s.height; y++)
        for (uint32_t x = 0; x < s.width; x++) {
            const float alpha = scene_result(&s, x, y, 3);
            for (int c = 0; c < 3; c++)
                unclean += alpha == 0.0f && scene_result(&s, x, y, c) != 0.0f;
            if (x > 40 && x < 80) continue;
            worst = fmaxf(worst, fabsf(alpha - (x < 60 ? 0.0f : scene_photo(&s, x, y, 3))));
        }
    CHECKF(worst == 0.0f && unclean == 0, "%u bits, refine %d: off by %g, %zu unclean", bits,
           refine, (double)worst, unclean);
    scene_free(&s);
}

/* A mask as large as the picture comes out as it is; a small one bilinear. */
static void check_plain(void) {
    scene s = scene_new(90, 70, 16, 90, 70);
    noise(&s, true);
    for (size_t i = 0; i < 6300; i++) s.mask.data[i] = scene_random();
    scene_run(&s, false);
    float worst = 0.0f;
    for (uint32_t y = 0; y < 70; y++)
        for (uint32_t x = 0; x < 90; x++)
            worst = fmaxf(worst, fabsf(scene_result(&s, x, y, 3) - s.mask.data[y * 90 + x]));
    CHECKF(worst <= 1.1f / 65535.0f, "off by %g", (double)worst);
    scene_free(&s);

    s = scene_new(640, 4, 16, 2, 1);
    noise(&s, true);
    s.mask.data[1] = 1.0f;
    scene_run(&s, false);
    worst = 0.0f;
    for (uint32_t x = 0; x < 640; x++) {
        const float truth = fminf(fmaxf(((float)x + 0.5f) / 320.0f - 0.5f, 0.0f), 1.0f);
        worst = fmaxf(worst, fabsf(scene_result(&s, x, 2, 3) - truth));
    }
    CHECKF(worst <= 1.1f / 65535.0f, "off by %g", (double)worst);
    scene_free(&s);
}

/* Rows in any order, and both depths, give the same picture. */
static void check_order_and_depth(void) {
    scene a = scene_new(700, 500, 8, 160, 160), b = scene_new(700, 500, 16, 160, 160);
    scene c = scene_new(700, 500, 8, 160, 160);
    for (uint32_t y = 0; y < a.height; y++)
        for (uint32_t x = 0; x < a.width; x++)
            for (int i = 0; i < 4; i++) {
                const float shade = 0.3f + 0.4f * scene_disc(&a, 0.25f, 9.0f, (float)x, (float)y);
                scene_set(&a, x, y, i, i == 3 ? 1.0f : shade + 0.2f * scene_random());
                const float value = scene_photo(&a, x, y, i);
                scene_set(&b, x, y, i, value);
                scene_set(&c, x, y, i, value);
            }
    scene_disc_mask(&a, 0.25f, 0.5f, 0.5f);
    scene_disc_mask(&b, 0.25f, 0.5f, 0.5f);
    scene_disc_mask(&c, 0.25f, 0.5f, 0.5f);
    scene_run(&a, true);
    scene_run(&b, true);
    scene_run_rows(&c, true, true);
    CHECK(memcmp(a.rows, c.rows, (size_t)4 * 700 * 500) == 0);
    float worst = 0.0f;
    size_t partial = 0;
    for (uint32_t y = 0; y < a.height; y++)
        for (uint32_t x = 0; x < a.width; x++) {
            const float alpha = scene_result(&a, x, y, 3), wide = scene_result(&b, x, y, 3);
            partial += alpha > 0.0f && alpha < 1.0f;
            for (int i = 0; i < 4; i++)
                if (alpha > 0.0f && wide > 0.0f)
                    worst =
                        fmaxf(worst, fabsf(scene_result(&a, x, y, i) - scene_result(&b, x, y, i)));
            worst = fmaxf(worst, fabsf(alpha - wide));
        }
    /* Half a step of 8 bits, and the guide's own rounding. */
    CHECKF(worst < 0.6f / 255.0f, "8 and 16 bits differ by %g", (double)worst);
    CHECKF(partial > 1000, "only %zu soft pixels: the test tests nothing", partial);
    scene_free(&a);
    scene_free(&b);
    scene_free(&c);
}

static void check_arguments(void) {
    offcut__planes guide = {0}, mask = {0};
    offcut__matte *matte = NULL;
    CHECK(offcut__planes_alloc(NULL, 1, 4, 4, &mask) == OFFCUT_OK);
    CHECK(offcut__matte_open(NULL, &guide, &mask, 8, 8, true, &matte) == OFFCUT_ERR_ARGUMENT);
    CHECK(offcut__matte_open(NULL, &guide, &mask, 0, 8, false, &matte) == OFFCUT_ERR_ARGUMENT);
    CHECK(matte == NULL);
    offcut__matte_free(NULL);
    offcut__planes_free(&mask);
    uint32_t width = 0, height = 0;
    offcut__matte_guide_size(100000, 2, &width, &height);
    CHECKF(width == 640 && height == 1, "%u x %u", width, height);
    offcut__matte_guide_size(3, 5, &width, &height);
    CHECKF(width == 3 && height == 5, "%u x %u", width, height);
}

/* Where the mask hesitates colours decide: in a red subject before blue there are a blue patch, a
 * red one and a green one, which is a colour of neither. */
static void check_hesitation(void) {
    static const struct {
        float hesitant, colour[3], low, high;
    } patches[] = {{0.6f, {0.1f, 0.2f, 0.8f}, 0.0f, 0.0f},
                   {0.4f, {0.8f, 0.2f, 0.1f}, 1.0f, 1.0f},
                   {0.6f, {0.2f, 0.7f, 0.2f}, 0.5f, 1.0f}};
    for (size_t p = 0; p < sizeof patches / sizeof *patches; p++) {
        scene s = scene_new(640, 640, 8, 160, 160);
        for (uint32_t y = 0; y < 640; y++)
            for (uint32_t x = 0; x < 640; x++) {
                const bool patch = x >= 120 && x < 280 && y >= 240 && y < 400;
                const float *colour = patches[patch ? p : x < 440].colour;
                for (int c = 0; c < 3; c++)
                    scene_set(&s, x, y, c, colour[c] + 0.03f * (scene_random() - 0.5f));
                scene_set(&s, x, y, 3, 1.0f);
                s.mask.data[y / 4 * 160 + x / 4] = patch ? patches[p].hesitant : x < 440;
            }
        scene_run(&s, true);
        const float alpha = scene_result(&s, 200, 320, 3);
        CHECKF(alpha >= patches[p].low && alpha <= patches[p].high, "patch %zu: alpha %g", p,
               (double)alpha);
        CHECK(scene_result(&s, 60, 60, 3) >= 1.0f && scene_result(&s, 600, 60, 3) <= 0.0f);
        scene_free(&s);
    }
}

int main(void) {
    check_arguments();
    check_hesitation();
    check_flat_masks(8);
    check_flat_masks(16);
    check_hard_edge(8, 640, 480, 0.0f);
    check_hard_edge(8, 640, 480, 1.0f);
    check_hard_edge(16, 640, 640, -1.0f);
    check_hard_edge(8, 2400, 1600, 1.0f);
    check_no_contrast();
    check_components();
    check_ghosts();
    check_own_alpha(8, true);
    check_own_alpha(8, false);
    check_own_alpha(16, true);
    check_own_alpha(16, false);
    check_plain();
    check_order_and_depth();
    return check_done();
}
