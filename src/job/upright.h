/* SPDX-License-Identifier: Apache-2.0
 * Decoder rows in upright order. Orientations 1 and 2 stream; the others begin with the last row or
 * turn the picture, so it is kept: 3 bytes a pixel (4 with alpha, twice that at 16 bits), written
 * upright at once. */
#ifndef OFFCUT_JOB_UPRIGHT_H
#define OFFCUT_JOB_UPRIGHT_H

#include "../base/memory.h"

typedef struct offcut__upright offcut__upright;

/* What the header says, of the upright picture: sides and density swapped where it is turned. */
offcut_info offcut__upright_info(const offcut_decoder *decoder);

/* Begins a full-size pass of decoder (borrowed until close). *upright is the caller's. */
offcut_status offcut__upright_open(offcut_ctx *ctx, offcut_decoder *decoder,
                                   offcut__upright **upright);

/* Does a step of what must come before rows can be read, then *ready turns true: preparing the
 * decoder, and decoding count more rows into the kept picture. `rows` is scratch for count stored
 * rows. */
offcut_status offcut__upright_fill(offcut__upright *upright, uint8_t *rows, uint32_t count,
                                   bool *ready);

/* The next count upright rows, RGBA. */
offcut_status offcut__upright_read(offcut__upright *upright, uint8_t *rows, uint32_t count);

/* How much of all rows has been gone through, 0..1: twice, where the picture is kept. */
float offcut__upright_fraction(const offcut__upright *upright);
void offcut__upright_close(offcut__upright *upright);

#endif
