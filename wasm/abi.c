/* SPDX-License-Identifier: Apache-2.0
 * What a WebAssembly host needs besides offcut.h: getters and setters instead of struct offsets,
 * doubles instead of 64-bit integers, single numbers instead of structs by value. No logic lives
 * here.
 *
 * Everything named *_new is the caller's and goes back through free(). A string is a C string, NUL
 * at its end. */
#include "../src/offcut.h"

#include <stdlib.h>

#if defined(__wasm__) && !defined(__wasm64__)
_Static_assert(sizeof(size_t) == 4 && sizeof(void *) == 4, "hosts read pointers and sizes as u32");
#endif

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define VERSION \
    TEXT(OFFCUT_VERSION_MAJOR) "." TEXT(OFFCUT_VERSION_MINOR) "." TEXT(OFFCUT_VERSION_PATCH)

/* The header's version, "0.1.0". */
const char *offcut_version(void);
/* The name of a status, "ERR_FORMAT"; NULL for a number that is none, so that a host can count
 * them. */
const char *offcut_status_name(int status);

const char *offcut_version(void) {
    return VERSION;
}

const char *offcut_status_name(int status) {
    switch (status) {
#define STATUS_NAME(name, value, text) \
    case value: return #name;
        OFFCUT_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
        default: return NULL;
    }
}

/* ---- offcut_input ---- */

offcut_input *offcut_input_new(void);
void offcut_input_set_size(offcut_input *input, uint32_t width, uint32_t height);
void offcut_input_set_mean(offcut_input *input, float red, float green, float blue);
void offcut_input_set_std(offcut_input *input, float red, float green, float blue);
void offcut_input_set_divide_by_peak(offcut_input *input, int on);
void offcut_input_set_bgr(offcut_input *input, int on);
void offcut_input_set_activation(offcut_input *input, int activation);
void offcut_input_set_output(offcut_input *input, uint32_t output, uint32_t channel);
uint32_t offcut_input_width(const offcut_input *input);
uint32_t offcut_input_height(const offcut_input *input);

offcut_input *offcut_input_new(void) {
    offcut_input *input = malloc(sizeof *input);
    if (input) *input = offcut_input_default();
    return input;
}

void offcut_input_set_size(offcut_input *input, uint32_t width, uint32_t height) {
    input->width = width;
    input->height = height;
}

static void set_colour(float *target, float red, float green, float blue) {
    target[0] = red;
    target[1] = green;
    target[2] = blue;
}

void offcut_input_set_mean(offcut_input *input, float red, float green, float blue) {
    set_colour(input->mean, red, green, blue);
}

void offcut_input_set_std(offcut_input *input, float red, float green, float blue) {
    set_colour(input->std, red, green, blue);
}

void offcut_input_set_divide_by_peak(offcut_input *input, int on) {
    input->divide_by_peak = on;
}

void offcut_input_set_bgr(offcut_input *input, int on) {
    input->bgr = on;
}

void offcut_input_set_activation(offcut_input *input, int activation) {
    input->activation = (offcut_activation)activation;
}

void offcut_input_set_output(offcut_input *input, uint32_t output, uint32_t channel) {
    input->output = output;
    input->channel = channel;
}

uint32_t offcut_input_width(const offcut_input *input) {
    return input->width;
}

uint32_t offcut_input_height(const offcut_input *input) {
    return input->height;
}

/* ---- offcut_options ---- */

offcut_options *offcut_options_new(void);
void offcut_options_set_pixels_max(offcut_options *options, double pixels);
void offcut_options_set_bytes_max(offcut_options *options, double bytes);
void offcut_options_set_allow_truncated(offcut_options *options, int on);
void offcut_options_set_reduce_to_8_bits(offcut_options *options, int on);
void offcut_options_set_no_refine(offcut_options *options, int on);
void offcut_options_set_look_once(offcut_options *options, int on);
void offcut_options_set_refuse_empty(offcut_options *options, int on);
void offcut_options_set_speed(offcut_options *options, int speed);
void offcut_options_set_output(offcut_options *options, int output);
/* Part of options, nothing to free. */
offcut_input *offcut_options_input(offcut_options *options);

offcut_options *offcut_options_new(void) {
    offcut_options *options = malloc(sizeof *options);
    if (options) *options = offcut_options_default();
    return options;
}

/* A double outside the integer's range is undefined behaviour in C, so it is brought inside first;
 * a NaN counts as 0. */
static uint64_t to_uint64(double value, uint64_t most) {
    if (!(value > 0)) return 0;
    return value >= (double)most ? most : (uint64_t)value;
}

void offcut_options_set_pixels_max(offcut_options *options, double pixels) {
    options->pixels_max = to_uint64(pixels, UINT64_C(1) << 53);
}

void offcut_options_set_bytes_max(offcut_options *options, double bytes) {
    options->bytes_max = (size_t)to_uint64(bytes, UINT64_C(0xffffffff));
}

void offcut_options_set_allow_truncated(offcut_options *options, int on) {
    options->allow_truncated = on;
}

void offcut_options_set_reduce_to_8_bits(offcut_options *options, int on) {
    options->reduce_to_8_bits = on;
}

void offcut_options_set_no_refine(offcut_options *options, int on) {
    options->no_refine = on;
}

void offcut_options_set_look_once(offcut_options *options, int on) {
    options->look_once = on;
}

void offcut_options_set_refuse_empty(offcut_options *options, int on) {
    options->refuse_empty = on;
}

void offcut_options_set_speed(offcut_options *options, int speed) {
    options->speed = (offcut_speed)speed;
}

void offcut_options_set_output(offcut_options *options, int output) {
    options->output = (offcut_output)output;
}

offcut_input *offcut_options_input(offcut_options *options) {
    return &options->input;
}

/* ---- offcut_info ---- */

int offcut_info_format(const offcut_info *info);
uint32_t offcut_info_width(const offcut_info *info);
uint32_t offcut_info_height(const offcut_info *info);
uint32_t offcut_info_orientation(const offcut_info *info);
uint32_t offcut_info_bits(const offcut_info *info);
int offcut_info_has_alpha(const offcut_info *info);
int offcut_info_whole(const offcut_info *info);

int offcut_info_format(const offcut_info *info) {
    return (int)info->format;
}

uint32_t offcut_info_width(const offcut_info *info) {
    return info->width;
}

uint32_t offcut_info_height(const offcut_info *info) {
    return info->height;
}

uint32_t offcut_info_orientation(const offcut_info *info) {
    return info->orientation;
}

uint32_t offcut_info_bits(const offcut_info *info) {
    return info->bits;
}

int offcut_info_has_alpha(const offcut_info *info) {
    return info->has_alpha;
}

int offcut_info_whole(const offcut_info *info) {
    return info->whole;
}

/* ---- offcut_subject ---- */

double offcut_job_coverage(const offcut_job *job);
uint32_t offcut_job_box_x(const offcut_job *job);
uint32_t offcut_job_box_y(const offcut_job *job);
uint32_t offcut_job_box_width(const offcut_job *job);
uint32_t offcut_job_box_height(const offcut_job *job);

double offcut_job_coverage(const offcut_job *job) {
    return offcut_job_subject(job).coverage;
}

uint32_t offcut_job_box_x(const offcut_job *job) {
    return offcut_job_subject(job).x;
}

uint32_t offcut_job_box_y(const offcut_job *job) {
    return offcut_job_subject(job).y;
}

uint32_t offcut_job_box_width(const offcut_job *job) {
    return offcut_job_subject(job).width;
}

uint32_t offcut_job_box_height(const offcut_job *job) {
    return offcut_job_subject(job).height;
}
