/* SPDX-License-Identifier: Apache-2.0
 * Every allocation fails once, by itself and with all that follow it: the call says so, or its
 * result is what it is otherwise; and nothing stays allocated. The linker puts the functions below
 * in the place of the C library's (CMakeLists.txt), in our code and in the libraries'. */
#include <stdint.h>
#include <stdlib.h>
#include <webp/encode.h>

#include "codec/writer.h"
#include "codec_check.h"
#include "nn_check.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static long countdown = -1; /* allocations before the one that fails; -1: none does */
static bool lasting;        /* all that follow fail too */
static bool failed;
static long live; /* blocks */

static bool fails(void) {
    if (countdown < 0) return false;
    if (countdown > 0) {
        countdown--;
        return false;
    }
    if (!lasting) countdown = -1;
    return failed = true;
}

static void *counted(void *memory) {
    live += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size) {
    if (fails()) return NULL;
    return memory ? __real_realloc(memory, size) : counted(__real_malloc(size));
}

void __wrap_free(void *memory) {
    live -= memory != NULL;
    __real_free(memory);
}

/* ---- what is called ---- */

typedef struct call {
    const char *name;
    file_bytes file;
    offcut_format format; /* of a conversion; 0: a cut-out */
    bool network;         /* is what is run */
    bool blames_file;     /* libwebp reports damage where a table has no memory */
} call;

/* Free *result; empty after a failure. */
static offcut_status cut_out(offcut_ctx *ctx, file_bytes file, offcut__bytes *result) {
    static const float mask[] = {0, 0, 1, 0.2f, 0, 0}; /* small: there is a second look */
    offcut_options options = offcut_options_default();
    options.speed = OFFCUT_SPEED_SMALL;
    offcut_job *job = NULL;
    offcut_status status = offcut_job_open(ctx, NULL, file.data, file.size, &options, &job);
    while (status == OFFCUT_OK && offcut_job_stage(job) != OFFCUT_STAGE_DONE) {
        const bool waits = offcut_job_stage(job) == OFFCUT_STAGE_INFER;
        status = waits ? offcut_job_answer(job, mask, 3, 2) : offcut_job_step(job);
        size_t size = 0;
        const uint8_t *data = offcut_job_output(job, &size);
        if (status == OFFCUT_OK && !offcut__bytes_append(result, data, size))
            status = OFFCUT_ERR_MEMORY;
    }
    offcut_job_free(job);
    if (status != OFFCUT_OK) offcut__bytes_free(result);
    return status;
}

static offcut_status run_network(offcut_ctx *ctx, file_bytes file, offcut__bytes *result) {
    static const float picture[3 * 320 * 320] = {1, 2, 3}; /* as much as either takes */
    offcut_model *model = NULL;
    const float *mask = NULL;
    uint32_t width = 0, height = 0;
    offcut_status status = offcut_model_load(ctx, file.data, file.size, NULL, &model);
    if (status == OFFCUT_OK)
        status = offcut_network_run(ctx, model, picture, &mask, &width, &height);
    if (status == OFFCUT_OK &&
        !offcut__bytes_append(result, mask, (size_t)width * height * sizeof *mask))
        status = OFFCUT_ERR_MEMORY;
    offcut_model_free(model);
    return status;
}

static offcut_status run(const call *c, offcut__bytes *result) {
    offcut_ctx *ctx = offcut_create();
    if (!ctx) return OFFCUT_ERR_MEMORY;
    offcut_status status = OFFCUT_OK;
    if (c->format) {
        offcut_buffer file = {0};
        status = offcut_convert(ctx, c->file.data, c->file.size, NULL, c->format, 0, &file);
        *result = (offcut__bytes){file.data, file.size, file.size};
    } else {
        status = (c->network ? run_network : cut_out)(ctx, c->file, result);
    }
    offcut_free(ctx);
    return status;
}

static void test_call(const call *c) {
    offcut__bytes expected = {0};
    const long before = live;
    CHECKF(run(c, &expected) == OFFCUT_OK, "%s", c->name);
    const long after = live;
    for (int i = 0; i < 2; i++) {
        lasting = i == 1;
        long allocations = -1;
        do {
            offcut__bytes result = {0};
            failed = false;
            countdown = ++allocations;
            const offcut_status status = run(c, &result);
            countdown = -1;
            bool same = status == OFFCUT_OK && result.size == expected.size &&
                        memcmp(result.data, expected.data, result.size) == 0;
            /* libwebp tries several ways to write alpha, and leaves out what has no memory. */
            if (status == OFFCUT_OK && c->format == OFFCUT_FORMAT_WEBP)
                same = result.size > 0 && !(failed && lasting);
            const bool blamed =
                c->blames_file && (status == OFFCUT_ERR_CORRUPT || status == OFFCUT_ERR_TRUNCATED);
            CHECKF(same || blamed || status == OFFCUT_ERR_MEMORY,
                   "%s to %d, allocation %ld%s: status %d, %zu bytes", c->name, (int)c->format,
                   allocations, lasting ? " on" : "", (int)status, result.size);
            offcut__bytes_free(&result);
            CHECKF(live == after, "%s to %d, allocation %ld%s: %ld blocks", c->name, (int)c->format,
                   allocations, lasting ? " on" : "", live - after);
            live = after;
        } while (failed && allocations < 10000);
        CHECKF(allocations > 10, "%s: %ld allocations", c->name, allocations);
    }
    offcut__bytes_free(&expected);
    CHECK(live == before);
}

/* ---- what it is called with ---- */

enum { WIDTH = 40, HEIGHT = 30 };

static file_bytes as(offcut_ctx *ctx, file_bytes file, offcut_format format) {
    offcut_buffer result = {0};
    CHECK(offcut_convert(ctx, file.data, file.size, NULL, format, 0, &result) == OFFCUT_OK);
    return (file_bytes){result.data, result.size};
}

static file_bytes lossless(const uint8_t *pixels) {
    uint8_t *data = NULL;
    const size_t size = WebPEncodeLosslessRGBA(pixels, WIDTH, HEIGHT, WIDTH * 4, &data);
    file_bytes file = {malloc(size), size};
    memcpy(file.data, data, size);
    WebPFree(data);
    return file;
}

static file_bytes with_profile(offcut_ctx *ctx, const uint8_t *pixels) {
    static uint8_t icc[1000];
    make_profile(icc, sizeof icc, "RGB ");
    const offcut__picture_spec spec = {
        .width = WIDTH, .height = HEIGHT, .bits = 8, .icc = icc, .icc_size = sizeof icc};
    offcut__writer *writer = NULL;
    offcut__bytes file = {0};
    CHECK(offcut__writer_open(ctx, OFFCUT_FORMAT_PNG, &spec, &file, &writer) == OFFCUT_OK);
    CHECK(offcut__writer_write(writer, pixels, HEIGHT) == OFFCUT_OK);
    CHECK(offcut__writer_finish(writer) == OFFCUT_OK);
    offcut__writer_close(writer);
    return (file_bytes){file.data, file.size};
}

static file_bytes network(const char *picture, const char *mask) {
    const bytes file = small_network(picture, mask);
    return (file_bytes){file.data, file.size};
}

int main(void) {
    offcut_ctx *ctx = offcut_create();
    uint8_t *pixels = make_pixels(WIDTH, HEIGHT);
    const file_bytes webp = lossless(pixels);
    const file_bytes png = with_profile(ctx, pixels), jpeg = as(ctx, png, OFFCUT_FORMAT_JPEG);
    /* Without a profile: libwebp does not tell a container that makes no sense from no memory. */
    const file_bytes plain = as(ctx, webp, OFFCUT_FORMAT_JPEG);
    const file_bytes lossy = as(ctx, plain, OFFCUT_FORMAT_WEBP);
    const file_bytes alpha = as(ctx, webp, OFFCUT_FORMAT_WEBP);
    const file_bytes onnx = network("1,3,8,8", "1,1,8,8"),
                     free_onnx = network("1,3,0,0", "1,1,0,0");
    free(pixels);
    for (int format = 0; format <= OFFCUT_FORMAT_WEBP; format++) {
        const offcut_format to = (offcut_format)format;
        const call calls[] = {
            {"PNG", png, to, false, false},
            {"JPEG", jpeg, to, false, false},
            {"lossless WebP", webp, to, false, true},
            {"lossy WebP", lossy, to, false, false},
            {"lossy WebP with alpha", alpha, to, false, true},
        };
        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) test_call(&calls[i]);
    }
    test_call(&(call){"network", onnx, 0, true, false});
    test_call(&(call){"network of free size", free_onnx, 0, true, false});
    const file_bytes files[] = {webp, png, jpeg, plain, lossy, alpha, onnx, free_onnx};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) free(files[i].data);
    offcut_free(ctx);
    CHECK(live == 0);
    return check_done();
}
