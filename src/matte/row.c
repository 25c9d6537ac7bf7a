/* SPDX-License-Identifier: Apache-2.0
 * One row of the full picture becomes one row of the cut-out. Most pixels lie where alpha is surely
 * 0 or 1: these go by in runs, and only what is left is computed, one pixel's R, G, B and alpha at
 * a time in the four lanes. */
#include <string.h>

#include "../image/rgba.h"
#include "parts.h"

typedef struct span {
    uint32_t from, to;
} span;

/* ---- pixels ---- */

/* A pixel whose alpha rounds to 0 becomes all zero. */
static inline void put(uint8_t *row, uint32_t bits, uint32_t x, f32x4 value) {
    const float one = bits == 8 ? 255.0f : 65535.0f;
    i32x4 v = i32x4_from_f32(f32x4_clamp(value, 0.0f, 1.0f) * f32x4_splat(one) + f32x4_splat(0.5f));
    if (v[3] == 0) v = (i32x4){0, 0, 0, 0};
    if (bits == 8) {
        const uint8_t p[4] = {(uint8_t)v[0], (uint8_t)v[1], (uint8_t)v[2], (uint8_t)v[3]};
        memcpy(row + 4 * (size_t)x, p, sizeof p);
    } else {
        const uint16_t p[4] = {(uint16_t)v[0], (uint16_t)v[1], (uint16_t)v[2], (uint16_t)v[3]};
        memcpy(row + 8 * (size_t)x, p, sizeof p);
    }
}

static void clear(uint8_t *row, uint32_t bits, span s) {
    const size_t pixel = bits / 2;
    memset(row + pixel * s.from, 0, pixel * (s.to - s.from));
}

/* Pixels that the input made invisible lose their colour. */
static void keep(uint8_t *row, uint32_t bits, span s) {
    const size_t pixel = bits / 2, alpha = 3 * pixel / 4;
    for (size_t x = s.from; x < s.to; x++) {
        uint8_t *p = row + pixel * x;
        if (p[alpha] == 0 && (bits == 8 || p[alpha + 1] == 0)) memset(p, 0, pixel);
    }
}

/* ---- lines ---- */

/* The place in the colour picture, whose pixel i covers 2 i and 2 i + 1 of the guide. */
static inline offcut__place colour_place(offcut__place guide, uint32_t small_size) {
    const float centre = ((float)guide.at + guide.mix - 0.5f) * 0.5f;
    const float clamped = centre > 0.0f ? centre : 0.0f;
    offcut__place place = {(uint32_t)clamped, 0, 0.0f};
    if (place.at >= small_size) place.at = small_size - 1U;
    place.next = place.at + 1U < small_size ? place.at + 1U : place.at;
    place.mix = clamped - (float)place.at;
    return place;
}

static void mix_coefficients(offcut__matte *m, offcut__place place) {
    const size_t width = m->guide_width;
    const int16_t *top = m->coefficients + 4 * width * place.at;
    const int16_t *down = m->coefficients + 4 * width * place.next;
    const uint8_t *sure_top = m->sure + width * place.at;
    const uint8_t *sure_down = m->sure + width * place.next;
    const f32x4 mix = f32x4_splat(place.mix);
    const f32x4 unit = f32x4_splat(1.0f / OFFCUT__COEFFICIENT_ONE);
    for (size_t x = 0; x < width; x++, top += 4, down += 4) {
        const i32x4 a = {top[0], top[1], top[2], top[3]};
        const i32x4 b = {down[0], down[1], down[2], down[3]};
        const f32x4 above = f32x4_from_i32(a), below = f32x4_from_i32(b);
        f32x4_store(m->line + 4 * x, (above + mix * (below - above)) * unit);
        m->sure_line[x] = sure_top[x] == sure_down[x] ? sure_top[x] : OFFCUT__UNSURE;
    }
}

static void mix_colours(offcut__matte *m, offcut__place place) {
    const size_t row = 8 * (size_t)m->colour_width;
    const uint8_t *top = m->colours + row * place.at, *down = m->colours + row * place.next;
    const float unit = 1.0f / 255.0f;
    for (size_t i = 0; i < row; i++) {
        const float above = (float)top[i], below = (float)down[i];
        m->colour_line[i] = (above + place.mix * (below - above)) * unit;
    }
}

static void mix_mask(offcut__matte *m, offcut__place place) {
    const size_t width = m->guide_width;
    const uint16_t *top = m->mask + width * place.at, *down = m->mask + width * place.next;
    for (size_t x = 0; x < width; x++) {
        const float above = (float)top[x], below = (float)down[x];
        m->line[x] = (above + place.mix * (below - above)) * (1.0f / 65535.0f);
    }
}

static void prepare_lines(offcut__matte *m, uint32_t y) {
    if (m->line_y == y) return;
    m->line_y = y;
    const offcut__place place =
        offcut__place_of(y, (double)m->guide_height / (double)m->height, m->guide_height);
    if (!m->refine) {
        mix_mask(m, place);
        return;
    }
    mix_coefficients(m, place);
    mix_colours(m, colour_place(place, m->colour_height));
}

static inline f32x4 mix_at(const float *line, size_t stride, offcut__place place) {
    const f32x4 a = f32x4_load(line + stride * place.at);
    const f32x4 b = f32x4_load(line + stride * place.next);
    return a + f32x4_splat(place.mix) * (b - a);
}

/* ---- spans ---- */

/* The pixel's own foreground: what alpha F + (1 - alpha) B leaves of it goes to F in proportion to
 * its share. */
static inline f32x4 free_colour(const offcut__matte *m, offcut__place place, f32x4 pixel,
                                float alpha) {
    const float rest = 1.0f - alpha;
    place = colour_place(place, m->colour_width);
    const f32x4 front = mix_at(m->colour_line, 8, place);
    const f32x4 back = mix_at(m->colour_line + 4, 8, place);
    const f32x4 left = pixel - f32x4_splat(alpha) * front - f32x4_splat(rest) * back;
    const float gain = alpha * offcut__share(alpha);
    return front + f32x4_splat(gain) * left;
}

static inline void refine_span(const offcut__matte *m, uint32_t bits, uint8_t *row, span s) {
    const double scale = (double)m->guide_width / (double)m->width;
    for (uint32_t x = s.from; x < s.to; x++) {
        const offcut__place place = offcut__place_of(x, scale, m->guide_width);
        f32x4 pixel = offcut__rgba_load(row, bits, x);
        const float own = pixel[3];
        /* The guide shows a transparent picture over white, and so must this pixel be seen. */
        f32x4 seen = pixel;
        if (own < 1.0f) {
            const f32x4 one = f32x4_splat(1.0f);
            seen = one - (one - pixel) * f32x4_splat(own);
        }
        seen[3] = 1.0f;
        const f32x4 terms = mix_at(m->line, 4, place) * seen;
        const float alpha = offcut__snap((terms[0] + terms[1]) + (terms[2] + terms[3]));
        if (alpha > 0.0f && alpha < 1.0f && own >= 1.0f)
            pixel = free_colour(m, place, pixel, alpha);
        pixel[3] = alpha * own;
        put(row, bits, x, pixel);
    }
}

/* The end of the pixels that lie between guide pixel `at` and the next. */
static uint32_t cell_end(const offcut__matte *m, uint32_t at) {
    if (at + 1U >= m->guide_width) return m->width;
    const uint64_t twice = (2 * (uint64_t)at + 3) * m->width - m->guide_width;
    const uint64_t end =
        (twice + 2 * (uint64_t)m->guide_width - 1) / (2 * (uint64_t)m->guide_width);
    return end < m->width ? (uint32_t)end : m->width;
}

static inline void refine_row(const offcut__matte *m, uint32_t bits, uint8_t *row) {
    uint32_t x = 0;
    for (uint32_t at = 0; at < m->guide_width && x < m->width;) {
        uint8_t kind = 0;
        const uint32_t first = at;
        for (; at < m->guide_width; at++) {
            const uint32_t next = at + 1U < m->guide_width ? at + 1U : at;
            const uint8_t cell =
                m->sure_line[at] == m->sure_line[next] ? m->sure_line[at] : (uint8_t)OFFCUT__UNSURE;
            if (at > first && cell != kind) break;
            kind = cell;
        }
        const span s = {x, cell_end(m, at - 1U)};
        if (kind == OFFCUT__SURE_OUT)
            clear(row, bits, s);
        else if (kind == OFFCUT__SURE_IN)
            keep(row, bits, s);
        else
            refine_span(m, bits, row, s);
        x = s.to;
    }
}

static inline void plain_span(const offcut__matte *m, uint32_t bits, uint8_t *row, span s) {
    const double scale = (double)m->guide_width / (double)m->width;
    for (uint32_t x = s.from; x < s.to; x++) {
        const offcut__place place = offcut__place_of(x, scale, m->guide_width);
        const float a = m->line[place.at], b = m->line[place.next];
        f32x4 pixel = offcut__rgba_load(row, bits, x);
        pixel[3] *= a + place.mix * (b - a);
        put(row, bits, x, pixel);
    }
}

static inline void plain_row(const offcut__matte *m, uint32_t bits, uint8_t *row) {
    const float nothing = 0.5f / (bits == 8 ? 255.0f : 65535.0f);
    uint32_t x = 0;
    for (uint32_t at = 0; at < m->guide_width && x < m->width; at++) {
        const span s = {x, cell_end(m, at)};
        const float a = m->line[at], b = m->line[at + 1U < m->guide_width ? at + 1U : at];
        if (a < nothing && b < nothing)
            clear(row, bits, s);
        else
            plain_span(m, bits, row, s);
        x = s.to;
    }
}

/* Constant arguments give the compiler one loop for each depth. */
void offcut__matte_row(offcut__matte *matte, uint32_t y, uint32_t bits, uint8_t *row) {
    if (y >= matte->height) return;
    prepare_lines(matte, y);
    if (matte->refine) {
        if (bits == 8)
            refine_row(matte, 8, row);
        else
            refine_row(matte, 16, row);
    } else {
        if (bits == 8)
            plain_row(matte, 8, row);
        else
            plain_row(matte, 16, row);
    }
}
