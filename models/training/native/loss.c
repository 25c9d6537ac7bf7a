/* SPDX-License-Identifier: Apache-2.0 */
#include "loss.h"

#include <math.h>

#define SMOOTH 8.0 /* keeps the IoU of small subjects calm */

typedef struct sums {
    double entropy, common, all, most;
} sums;

static sums measure(const map *m, const float *truth, const float *weight) {
    sums s = {0};
    for (int y = 0; y < m->height; y++) {
        const bf16 *row = map_first(m, false) + (ptrdiff_t)y * map_pitch(m) * m->channels;
        for (int x = 0; x < m->width; x++) {
            const float z = bf16_value(row[x * m->channels]);
            const float t = truth[y * m->width + x], w = weight[y * m->width + x];
            const float guess = 1 / (1 + expf(-z));
            s.entropy += w * (fmaxf(z, 0) - z * t + log1pf(expf(-fabsf(z))));
            s.common += w * guess * t;
            s.all += w * (guess + t - guess * t);
            s.most = fmax(s.most, w);
        }
    }
    return s;
}

float mask_loss(const map *m, const float *truth, const float *weight, float share) {
    const sums s = measure(m, truth, weight);
    const double pixels = (double)m->height * m->width, all = s.all + SMOOTH;
    const double overlap = (s.common + SMOOTH) / all, half = 0.5 * s.most * share;
    for (int y = 0; y < m->height; y++) {
        const ptrdiff_t first = (ptrdiff_t)y * map_pitch(m) * m->channels;
        const bf16 *row = map_first(m, false) + first;
        bf16 *gradient = map_first(m, true) + first;
        for (int x = 0; x < m->width; x++) {
            const float t = truth[y * m->width + x], w = weight[y * m->width + x];
            const float guess = 1 / (1 + expf(-bf16_value(row[x * m->channels])));
            const double of_guess = w * (overlap * (1 - t) - t) / all;
            const double of_logit =
                half * of_guess * guess * (1 - guess) + share * w * (guess - t) / pixels;
            gradient[x * m->channels] = bf16_round((float)of_logit);
        }
    }
    return (float)(share * s.entropy / pixels + half * (1 - overlap));
}
