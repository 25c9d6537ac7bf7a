/* SPDX-License-Identifier: Apache-2.0
 * Products on Intel's AMX: tiles of 16 x 32 by 32 x 16 values. */
#include "products.h"

#include <sys/syscall.h>
#include <unistd.h>

bool products_allow(void) {
    const long request_permission = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

void products_begin(void) {
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shape.bytes[i] = 64;
        shape.rows[i] = 16;
    }
    _tile_loadconfig(&shape);
}

void products_end(void) {
    _tile_release();
}

#define LOAD(tile, read, at) _tile_loadd(tile, operand_at(&(read), at), (size_t)(read).channels * 2)

/* Two spans by two blocks of outputs. */
static void square(const operand *operands, int count, const bf16 *weights, const target *t,
                   int block, const span *spans, int present) {
    _Alignas(64) float sums[4][256];
    const span *a = spans, *b = spans + (present > 1);
    const bf16 *other = weights + count * TILE;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < count; i++) {
        LOAD(4, operands[i], a);
        _tile_loadd(6, weights + i * TILE, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, other + i * TILE, 64);
        _tile_dpbf16ps(1, 4, 7);
        LOAD(5, operands[i], b);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums[0], 64);
    _tile_stored(1, sums[1], 64);
    _tile_stored(2, sums[2], 64);
    _tile_stored(3, sums[3], 64);
    for (int i = 0; i < present; i++) {
        target_store(t, sums[2 * i], block, spans + i);
        target_store(t, sums[2 * i + 1], block + 1, spans + i);
    }
}

/* Four spans by one block of outputs. */
static void column(const operand *operands, int count, const bf16 *weights, const target *t,
                   int block, const span *spans, int present) {
    _Alignas(64) float sums[4][256];
    const span *last = spans + present - 1;
    const span *b = spans + 1 < last ? spans + 1 : last, *c = spans + 2 < last ? spans + 2 : last;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < count; i++) {
        _tile_loadd(6, weights + i * TILE, 64);
        LOAD(4, operands[i], spans);
        _tile_dpbf16ps(0, 4, 6);
        LOAD(5, operands[i], b);
        _tile_dpbf16ps(1, 5, 6);
        LOAD(7, operands[i], c);
        _tile_dpbf16ps(2, 7, 6);
        LOAD(4, operands[i], last);
        _tile_dpbf16ps(3, 4, 6);
    }
    _tile_stored(0, sums[0], 64);
    _tile_stored(1, sums[1], 64);
    _tile_stored(2, sums[2], 64);
    _tile_stored(3, sums[3], 64);
    for (int i = 0; i < present; i++)
        target_store(t, sums[i < present - 1 ? i : 3], block, spans + i);
}

void products_map(const operand *operands, int count, const bf16 *weights, const target *t,
                  int blocks, const span *spans, int span_count) {
    int block = 0;
    for (; block + 1 < blocks; block += 2, weights += 2 * count * TILE)
        for (int i = 0; i < span_count; i += 2)
            square(operands, count, weights, t, block, spans + i, span_count - i < 2 ? 1 : 2);
    if (block == blocks) return;
    for (int i = 0; i < span_count; i += 4)
        column(operands, count, weights, t, block, spans + i,
               span_count - i < 4 ? span_count - i : 4);
}

void products_row(const bf16 *planes, int size, const int *shifts, int taps, const bf16 *pairs,
                  int length, float *const *sums, int outputs) {
    const size_t by_sum = (size_t)outputs * 4, by_plane = (size_t)size * 2;
    if (taps == 1) {
        _tile_loadd(0, sums[0], by_sum);
        for (int i = 0; i < length; i += 32) {
            _tile_loadd(7, pairs + i * 16, 64);
            _tile_loadd(4, planes + shifts[0] + i, by_plane);
            _tile_dpbf16ps(0, 4, 7);
        }
        _tile_stored(0, sums[0], by_sum);
        return;
    }
    _tile_loadd(0, sums[0], by_sum);
    _tile_loadd(1, sums[1], by_sum);
    _tile_loadd(2, sums[2], by_sum);
    for (int i = 0; i < length; i += 32) {
        _tile_loadd(7, pairs + i * 16, 64);
        _tile_loadd(4, planes + shifts[0] + i, by_plane);
        _tile_dpbf16ps(0, 4, 7);
        _tile_loadd(5, planes + shifts[1] + i, by_plane);
        _tile_dpbf16ps(1, 5, 7);
        _tile_loadd(6, planes + shifts[2] + i, by_plane);
        _tile_dpbf16ps(2, 6, 7);
    }
    _tile_stored(0, sums[0], by_sum);
    _tile_stored(1, sums[1], by_sum);
    _tile_stored(2, sums[2], by_sum);
}
