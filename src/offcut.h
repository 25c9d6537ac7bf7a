/* SPDX-License-Identifier: Apache-2.0
 *
 * Offcut removes the background of a photo: JPEG, PNG or WebP bytes in, the subject as a PNG with
 * straight alpha out.
 *
 *     offcut_ctx *ctx = offcut_create();
 *     offcut_model *model = NULL;
 *     offcut_buffer png = {0};
 *     if (offcut_model_load(ctx, onnx, onnx_size, NULL, &model) != OFFCUT_OK ||
 *         offcut_remove_background(ctx, model, photo, photo_size, NULL, &png) != OFFCUT_OK)
 *         fprintf(stderr, "%s\n", offcut_detail(ctx));
 *     else
 *         fwrite(png.data, 1, png.size, stdout);
 *     offcut_buffer_free(&png);
 *     offcut_model_free(model);
 *     offcut_free(ctx);
 *
 * Three levels, each built on the next:
 *   1. offcut_remove_background: one call.
 *   2. offcut_job_*: the same work in small steps, for hosts that want to show progress, to
 *      cancel, to drain the PNG while it is made, or to run the network elsewhere.
 *   3. offcut_decoder_*, offcut_network_*: the parts on their own.
 *
 * Rules for all of it
 *   - A context and what was made from it belong to one thread at a time. There are no globals.
 *   - Bytes passed in are borrowed until the object made from them is freed; what is returned
 *     says who owns it.
 *   - Every *_free and *_close takes NULL. Free a job before its model, and the context last.
 *   - On failure the status says what to do about it, offcut_detail() says what was wrong with
 *     this input, output arguments are NULL or zero, and the context stays usable.
 */
#ifndef OFFCUT_H
#define OFFCUT_H

#include <stddef.h>
#include <stdint.h>

#define OFFCUT_VERSION_MAJOR 0
#define OFFCUT_VERSION_MINOR 1
#define OFFCUT_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* Why a call failed; each asks for another action of the caller. The values never change. */
#define OFFCUT_STATUS_LIST(X)                                            \
    X(OK, 0, "ok")                                                       \
    X(ERR_ARGUMENT, 1, "an argument is not valid")                       \
    X(ERR_FORMAT, 2, "the bytes are not a JPEG, PNG or WebP picture")    \
    X(ERR_UNSUPPORTED, 3, "the file is of a kind that is not supported") \
    X(ERR_CORRUPT, 4, "the picture is damaged")                          \
    X(ERR_TRUNCATED, 5, "the picture ends too early")                    \
    X(ERR_LIMIT, 6, "the picture exceeds the configured limits")         \
    X(ERR_MEMORY, 7, "not enough memory")                                \
    X(ERR_MODEL, 8, "the model cannot be used")                          \
    X(ERR_STATE, 9, "the call came out of order")                        \
    X(ERR_EMPTY, 10, "no subject was found")                             \
    X(ERR_CANCELLED, 11, "cancelled")

typedef enum offcut_status {
#define OFFCUT_STATUS_ENUM(name, value, text) OFFCUT_##name = value,
    OFFCUT_STATUS_LIST(OFFCUT_STATUS_ENUM)
#undef OFFCUT_STATUS_ENUM
} offcut_status;

/* The sentence for a status; never NULL. Static. */
const char *offcut_status_text(offcut_status status);

/* ---- context ---- */

typedef struct offcut_ctx offcut_ctx;

/* NULL when memory is short. */
offcut_ctx *offcut_create(void);
void offcut_free(offcut_ctx *ctx);

/* What was wrong with the input of the last failed call, for people; "" if nothing failed. Owned by
 * ctx and valid until its next call. */
const char *offcut_detail(const offcut_ctx *ctx);

#define OFFCUT_THREADS_MAX 16

/* Has the network's work done by as many threads, the caller's included; 1, the default, ends the
 * others. Results are the same bytes with any number. Each takes some 100 kB of memory while a
 * network runs, and its stack. Not while a network of ctx runs. Fails with ERR_ARGUMENT,
 * ERR_UNSUPPORTED (a build without threads), ERR_MEMORY (the system has no more of them). */
offcut_status offcut_threads_set(offcut_ctx *ctx, uint32_t threads);

/* Bytes owned by the caller; data is NULL when size is 0. */
typedef struct offcut_buffer {
    uint8_t *data;
    size_t size;
} offcut_buffer;

/* Frees what the library put into *buffer and makes it empty. */
void offcut_buffer_free(offcut_buffer *buffer);

/* ---- network input ---- */

typedef enum offcut_activation {
    OFFCUT_ACTIVATION_NONE = 0,    /* the network's output is the mask, 0..1 */
    OFFCUT_ACTIVATION_SIGMOID = 1, /* the network's output are logits of one channel */
    OFFCUT_ACTIVATION_SOFTMAX = 2, /* the network's output are logits of several channels */
} offcut_activation;

/* How a picture becomes a network's input and the output a mask. The picture is squashed to width x
 * height, its values v (0..1, sRGB as stored) become (v / peak - mean) / std, where peak is 1, or
 * with divide_by_peak the largest value in the squashed picture.
 *
 * Where neither this nor the network says a width or a height, the size is free: it follows the
 * upright picture, as the one of 320 x 320, 384 x 256, 256 x 384, 512 x 192 and 192 x 512 whose
 * shape is nearest. */
typedef struct offcut_input {
    uint32_t width;  /* 0: what the network asks for, 320 if it leaves only this open */
    uint32_t height; /* likewise */
    float mean[3];   /* R, G, B; default 0 */
    float std[3];    /* R, G, B; default 1; never 0 */
    int divide_by_peak;
    offcut_activation activation;
    uint32_t output;  /* which of the network's outputs is the mask; default 0 */
    uint32_t channel; /* which channel of it; default 0 */
    int bgr;          /* the planes go in as B, G, R; mean and std stay R, G, B; default 0 */
} offcut_input;

offcut_input offcut_input_default(void);

/* ---- model ---- */

/* A network made ready to run: weights packed, memory planned. Runs one job at a time. */
typedef struct offcut_model offcut_model;

/* Reads an ONNX file. onnx is not needed afterwards. input NULL: offcut_input_default().
 * Fails with ERR_MODEL (damaged, or an operator is unknown: the detail names it and its node),
 * ERR_ARGUMENT, ERR_LIMIT, ERR_MEMORY. *model is the caller's: offcut_model_free(). */
offcut_status offcut_model_load(offcut_ctx *ctx, const uint8_t *onnx, size_t size,
                                const offcut_input *input, offcut_model **model);
void offcut_model_free(offcut_model *model);

/* The input as it was resolved: width and height are set. Owned by the model. */
const offcut_input *offcut_model_input(const offcut_model *model);

/* Takes a model of free size to the input size for pictures of that shape, from 320 x 320: what
 * offcut_model_input() says, and the functions below and offcut_network_run() go by. Does nothing
 * to others; a job does it by itself. Fails with ERR_ARGUMENT, ERR_STATE (a run is under way). */
offcut_status offcut_model_fit(offcut_ctx *ctx, offcut_model *model, uint32_t width,
                               uint32_t height);

/* Of one run, those of convolutions and matrix products; 0 for NULL. */
double offcut_model_multiply_adds(const offcut_model *model);

/* ---- pictures ---- */

typedef enum offcut_format {
    OFFCUT_FORMAT_JPEG = 1,
    OFFCUT_FORMAT_PNG = 2,
    OFFCUT_FORMAT_WEBP = 3,
} offcut_format;

/* What a file's header says. */
typedef struct offcut_info {
    offcut_format format;
    uint32_t width;       /* as stored, before orientation is applied */
    uint32_t height;      /* likewise */
    uint32_t orientation; /* EXIF, 1..8; 0, missing and above 8 count as 1 */
    uint32_t bits;        /* per sample of the decoded rows: 8 or 16 */
    int has_alpha;        /* else A is at its largest in all rows */
    int whole; /* the decoder keeps something of every pixel in memory: the coefficients of a JPEG
                  of several scans, a lossless WebP, the alpha plane of a lossy one */
    uint32_t density_x; /* pixels per metre, 0 if unknown */
    uint32_t density_y;
    const uint8_t *icc; /* the ICC profile, NULL if none or not to be carried on (CMYK); owned by
                           the decoder */
    size_t icc_size;
} offcut_info;

typedef enum offcut_output {
    OFFCUT_OUTPUT_CUTOUT = 0, /* RGBA: the subject, straight alpha; zero where alpha is zero */
    OFFCUT_OUTPUT_MASK = 1,   /* grey: the alpha matte alone */
} offcut_output;

/* What to trade time for when a PNG is written. Figures are from cut-outs of 12 megapixels, of
 * which a fifth is opaque; BALANCED is about as large as libpng makes them at its default level. */
typedef enum offcut_speed {
    OFFCUT_SPEED_BALANCED = 0, /* the default */
    OFFCUT_SPEED_FAST = 1,     /* three quarters of the time, up to a tenth larger */
    OFFCUT_SPEED_SMALL = 2,    /* three to seven times the time, 2 to 7 % smaller */
} offcut_speed;

/* Settings of a job or a decoder. Start from offcut_options_default(): fields may be added. */
typedef struct offcut_options {
    uint64_t pixels_max; /* width x height of the input; default 120,000,000; ERR_LIMIT */
    size_t bytes_max;    /* size of the input; default 256 MiB; ERR_LIMIT */
    int allow_truncated; /* decode what is there of a damaged or cut-off file (the rest of a JPEG is
                            grey, that of others transparent, so that these always count as having
                            alpha); default 0: ERR_TRUNCATED, ERR_CORRUPT */
    int reduce_to_8_bits; /* write 8 bits also for a 16-bit PNG; default 0 */
    int no_refine;        /* enlarge the network's mask as it is, leave colours alone; default 0 */
    int look_once;        /* no second look at a small subject: quicker, less exact; default 0 */
    int refuse_empty;     /* ERR_EMPTY where no pixel is half opaque; default 0 */
    offcut_speed speed;   /* of writing a PNG; default OFFCUT_SPEED_BALANCED */
    offcut_output output; /* default OFFCUT_OUTPUT_CUTOUT */
    offcut_input input;   /* for jobs without a model: what offcut_job_input() shall hold */
    /* Called between steps by offcut_remove_background() and offcut_convert(), and while a WebP is
     * encoded; fraction is of the stage, 0..1 (for a WebP begins again with its encoding). Anything
     * but 0 stops the work with ERR_CANCELLED. NULL: not called. */
    int (*progress)(void *user, int stage, float fraction);
    void *user;
} offcut_options;

offcut_options offcut_options_default(void);

/* Level 1. Removes the background of one picture. options NULL: the defaults. *png is the caller's:
 * offcut_buffer_free(). */
offcut_status offcut_remove_background(offcut_ctx *ctx, offcut_model *model, const uint8_t *data,
                                       size_t size, const offcut_options *options,
                                       offcut_buffer *png);

/* ---- jobs ---- */

/* Level 2. One picture on its way. The stages follow in this order, each in one or more steps. */
typedef enum offcut_stage {
    OFFCUT_STAGE_DECODE = 0, /* pass 1: rows into the network's input and a small guide picture */
    OFFCUT_STAGE_INFER = 1,  /* the network, twice for a small subject, or a mask from elsewhere */
    OFFCUT_STAGE_REFINE = 2, /* the mask into an alpha matte and freed colours, at low resolution */
    OFFCUT_STAGE_ENCODE = 3, /* pass 2: rows into PNG */
    OFFCUT_STAGE_DONE = 4,
} offcut_stage;

typedef struct offcut_job offcut_job;

/* Sniffs the format, reads the header and applies the limits. model NULL: the mask comes from
 * offcut_job_mask(). Fails with ERR_FORMAT, ERR_UNSUPPORTED, ERR_CORRUPT, ERR_TRUNCATED, ERR_LIMIT,
 * ERR_MEMORY, ERR_ARGUMENT. data and model are borrowed until offcut_job_free(). *job is the
 * caller's. */
offcut_status offcut_job_open(offcut_ctx *ctx, offcut_model *model, const uint8_t *data,
                              size_t size, const offcut_options *options, offcut_job **job);
void offcut_job_free(offcut_job *job);

/* Does a slice of work, meant to take some milliseconds. After a failure every later step fails
 * with ERR_STATE. To cancel, stop stepping and free the job. */
offcut_status offcut_job_step(offcut_job *job);

offcut_stage offcut_job_stage(const offcut_job *job);
float offcut_job_fraction(const offcut_job *job); /* of the stage, 0..1 */
const offcut_info *offcut_job_info(const offcut_job *job);
uint32_t offcut_job_width(const offcut_job *job);  /* of the result: upright */
uint32_t offcut_job_height(const offcut_job *job); /* likewise */

/* In stage INFER: the network's input, [1, 3, height, width] RGB (or BGR), normalised; owned by the
 * job. NULL in any other stage. */
const float *offcut_job_input(const offcut_job *job);
uint32_t offcut_job_input_width(const offcut_job *job);  /* in all stages; of the last look */
uint32_t offcut_job_input_height(const offcut_job *job); /* likewise */

/* In stage INFER: the mask from elsewhere, 0..1, row-major, of any size, upright, covering the
 * whole picture (copied; values outside 0..1 are clamped, a NaN counts as 0). Ends the stage. Fails
 * with ERR_STATE, ERR_ARGUMENT, ERR_MEMORY. */
offcut_status offcut_job_mask(offcut_job *job, const float *mask, uint32_t width, uint32_t height);

/* The same for a network's answer to offcut_job_input(). If the size of the input was left open and
 * the subject is small, the stage goes on: offcut_job_input() is then that part of the picture from
 * near, of another size, and the answer to it goes here too. So a network run elsewhere gives what
 * the same network gives as a model. */
offcut_status offcut_job_answer(offcut_job *job, const float *mask, uint32_t width,
                                uint32_t height);

/* The PNG bytes the last step made, 0 or more; owned by the job and valid until its next step. */
const uint8_t *offcut_job_output(const offcut_job *job, size_t *size);

/* In stage DONE: goes back to ENCODE to write the other kind of output of the same matte. */
offcut_status offcut_job_again(offcut_job *job, offcut_output output);

/* In stage DONE: what is opaque. The box holds every pixel with alpha >= 1/2; all 0 if there is
 * none. */
typedef struct offcut_subject {
    double coverage; /* mean of alpha, 0..1 */
    uint32_t x, y, width, height;
} offcut_subject;

offcut_subject offcut_job_subject(const offcut_job *job);

/* ---- conversion ---- */

/* Makes another file of a picture: upright, with its ICC profile and density (WebP has none). What
 * has alpha is laid on white for JPEG. PNG keeps 16 bits. quality 1..100 is for JPEG and WebP; 0
 * means 80. Of the options count pixels_max, bytes_max, allow_truncated, progress, and for PNG
 * speed and reduce_to_8_bits. Fails as offcut_decoder_open() and offcut_decoder_read() do, and with
 * ERR_UNSUPPORTED where a side is longer than the format has (JPEG 65,500, WebP 16,383). *file is
 * the caller's: offcut_buffer_free(). */
offcut_status offcut_convert(offcut_ctx *ctx, const uint8_t *data, size_t size,
                             const offcut_options *options, offcut_format format, uint32_t quality,
                             offcut_buffer *file);

/* The same in steps, as with offcut_job: open, step until done, take the output after every step.
 * The last step of a WebP does all of its encoding, and calls options.progress meanwhile. */
typedef struct offcut_conversion offcut_conversion;

offcut_status offcut_conversion_open(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                     const offcut_options *options, offcut_format format,
                                     uint32_t quality, offcut_conversion **conversion);
void offcut_conversion_free(offcut_conversion *conversion);
offcut_status offcut_conversion_step(offcut_conversion *conversion);
int offcut_conversion_done(const offcut_conversion *conversion);
float offcut_conversion_fraction(const offcut_conversion *conversion);  /* 0..1 */
uint32_t offcut_conversion_width(const offcut_conversion *conversion);  /* upright */
uint32_t offcut_conversion_height(const offcut_conversion *conversion); /* likewise */

/* The bytes the last step made, 0 or more; owned by the conversion and valid until its next step.
 */
const uint8_t *offcut_conversion_output(const offcut_conversion *conversion, size_t *size);

/* ---- parts ---- */

/* Level 3. A file as rows, top to bottom as stored: R, G, B, A with straight alpha, no gamma, ICC
 * or orientation applied; 8 bits a sample, or 16 in the machine's byte order if info->bits is 16.
 */
typedef struct offcut_decoder offcut_decoder;

/* As offcut_job_open(). Of the options only pixels_max, bytes_max and allow_truncated count. */
offcut_status offcut_decoder_open(offcut_ctx *ctx, const uint8_t *data, size_t size,
                                  const offcut_options *options, offcut_decoder **decoder);
void offcut_decoder_close(offcut_decoder *decoder);
const offcut_info *offcut_decoder_info(const offcut_decoder *decoder);

/* Begins a pass at the first row; may be called again for another pass. reduce 1, 2, 4 or 8 asks
 * for a picture that many times smaller: JPEG gives it (sizes rounded up), other formats ignore it.
 * The size of the pass goes to *width, *height. */
offcut_status offcut_decoder_start(offcut_decoder *decoder, uint32_t reduce, uint32_t *width,
                                   uint32_t *height);

/* Some files have to be read on before there is a first row: a JPEG of several scans to its end, an
 * interlaced PNG to its middle. This does a step of that, of some milliseconds; *ready turns 1 when
 * nothing is left to do, for other files at once. Without it the first read does it all. Fails as
 * offcut_decoder_read() does. */
offcut_status offcut_decoder_prepare(offcut_decoder *decoder, int *ready);

/* The next count rows of the pass, width * 4 * (bits / 8) bytes each. Fails with ERR_CORRUPT,
 * ERR_TRUNCATED, ERR_UNSUPPORTED, ERR_MEMORY, ERR_STATE (no pass begun, or more rows than there
 * are). */
offcut_status offcut_decoder_read(offcut_decoder *decoder, uint8_t *rows, uint32_t count);

/* The network alone: input [1, 3, height, width] already normalised, as offcut_job_input() gives
 * it; *mask [mask_height, mask_width] after the activation, owned by the model and valid until its
 * next run. */
offcut_status offcut_network_run(offcut_ctx *ctx, offcut_model *model, const float *input,
                                 const float **mask, uint32_t *mask_width, uint32_t *mask_height);

/* The operations of a run in their order, to see where the time goes: the clock is the caller's. A
 * name is the operator and the node's name in the file, the model's, and NULL past the end;
 * multiply_adds is 0 where counting them says nothing. */
uint32_t offcut_model_operations(const offcut_model *model);
const char *offcut_operation_name(const offcut_model *model, uint32_t index);
double offcut_operation_multiply_adds(const offcut_model *model, uint32_t index);

/* One operation of a run of the network. The first, 0, begins a run with input as for
 * offcut_network_run() (the others don't look at it), the last ends it. ERR_ARGUMENT past the end,
 * ERR_STATE out of turn. */
offcut_status offcut_operation_run(offcut_ctx *ctx, offcut_model *model, uint32_t index,
                                   const float *input);

#ifdef __cplusplus
}
#endif

#endif
