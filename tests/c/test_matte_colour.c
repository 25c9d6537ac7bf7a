/* SPDX-License-Identifier: Apache-2.0
 * The old background must not shine through: a composite of known colours gives the foreground
 * back. */
#include "matte_check.h"

/* Colours that change slowly across the picture, as light does. */
static float front_at(int channel, float x, float y) {
    static const float base[3] = {0.8f, 0.55f, 0.3f};
    return base[channel] + 0.12f * sinf(3.0f * x + (float)channel) * cosf(2.0f * y);
}

static float back_at(int channel, float x, float y) {
    static const float base[3] = {0.15f, 0.3f, 0.75f};
    return base[channel] + 0.12f * cosf(2.0f * x - (float)channel) * sinf(3.0f * y + 1.0f);
}

static void check_composite(uint32_t bits, uint32_t width, uint32_t height, float soft) {
    scene s = scene_new(width, height, bits, 320, 320);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const float alpha = scene_disc(&s, 0.25f, soft, (float)x + 0.5f, (float)y + 0.5f);
            const float u = (float)x / (float)width, v = (float)y / (float)height;
            for (int c = 0; c < 3; c++)
                scene_set(&s, x, y, c,
                          alpha * front_at(c, u, v) + (1.0f - alpha) * back_at(c, u, v));
            scene_set(&s, x, y, 3, 1.0f);
        }
    scene_disc_mask(&s, 0.25f, 0.0f, 0.0f);
    scene_run(&s, true);
    double colour = 0.0, untouched = 0.0, alpha_error = 0.0, weight = 0.0;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const float truth = scene_disc(&s, 0.25f, soft, (float)x + 0.5f, (float)y + 0.5f);
            const float alpha = scene_result(&s, x, y, 3);
            if (!(truth > 0.0f && truth < 1.0f)) continue;
            alpha_error += (double)fabsf(alpha - truth);
            weight += 1.0;
            /* What is seen of a pixel is its colour times alpha. */
            for (int c = 0; c < 3 && alpha > 0.0f; c++) {
                const float want = front_at(c, (float)x / (float)width, (float)y / (float)height);
                colour += (double)(alpha * fabsf(scene_result(&s, x, y, c) - want));
                untouched += (double)(alpha * fabsf(scene_photo(&s, x, y, c) - want));
            }
        }
    alpha_error /= weight;
    colour /= 3.0 * weight;
    untouched /= 3.0 * weight;
    /* The matte prefers crisp edges: snapping at 0.15 and 0.85 alone moves a linear ramp by 0.05 in
     * the mean, and the wider the ramp the more; a hard step in its middle would be 0.25 off. */
    CHECKF(alpha_error < 0.16, "%u x %u, soft %g: alpha off by %g", width, height, (double)soft,
           alpha_error);
    CHECKF(colour < 0.04 && colour < 0.65 * untouched,
           "%u x %u, soft %g: colour off by %g, untouched %g", width, height, (double)soft, colour,
           untouched);
    scene_free(&s);
}

int main(void) {
    check_composite(8, 640, 480, 6.0f);
    check_composite(16, 640, 480, 12.0f);
    check_composite(8, 1600, 1200, 10.0f);
    check_composite(8, 300, 400, 4.0f);
    return check_done();
}
