/* SPDX-License-Identifier: Apache-2.0
 * What each file format implements. Public face: offcut_decoder_* in offcut.h. */
#ifndef OFFCUT_CODEC_CODEC_H
#define OFFCUT_CODEC_CODEC_H

#include "../base/memory.h"

typedef struct offcut__codec offcut__codec;

struct offcut_decoder {
    offcut_ctx *ctx;
    const uint8_t *data; /* borrowed */
    size_t size;
    offcut_options options;
    offcut_info info;
    const offcut__codec *codec;
    void *state;                      /* the codec's own, zeroed before open */
    uint32_t pass_width, pass_height; /* 0: no pass is under way */
    bool prepared;                    /* rows can be read */
    uint32_t row;                     /* rows read in this pass */
};

/* Arguments are checked and decoder->ctx, data, size, options and info.format are set before any of
 * these is called. */
struct offcut__codec {
    size_t state_size;
    /* Reads the header, fills info. Limits are applied by offcut__decoder_limits()
     * before anything that grows with the picture is allocated. On failure close is called all the
     * same. */
    offcut_status (*open)(offcut_decoder *decoder);
    /* Sets pass_width and pass_height. */
    offcut_status (*start)(offcut_decoder *decoder, uint32_t reduce);
    /* Does a step, of some milliseconds, of what must come before the first row; *ready says that
     * none is left. */
    offcut_status (*prepare)(offcut_decoder *decoder, bool *ready);
    /* decoder->row is the first of the rows; count is at least 1 and the pass has as many left. */
    offcut_status (*read)(offcut_decoder *decoder, uint8_t *rows, uint32_t count);
    void (*close)(offcut_decoder *decoder);
};

extern const offcut__codec offcut__codec_jpeg;
extern const offcut__codec offcut__codec_png;
extern const offcut__codec offcut__codec_webp;

/* Which format the first bytes announce. Fails with ERR_FORMAT, ERR_TRUNCATED or ERR_CORRUPT. */
offcut_status offcut__sniff(offcut_ctx *ctx, const uint8_t *data, size_t size,
                            offcut_format *format);

/* ERR_LIMIT or ERR_CORRUPT (a side of 0) for info.width x info.height. */
offcut_status offcut__decoder_limits(const offcut_decoder *decoder);

/* Bytes of a full-size row: width x 4 samples of info.bits. Fits, because the limits were applied.
 */
size_t offcut__decoder_stride(const offcut_decoder *decoder);

#endif
