/* SPDX-License-Identifier: Apache-2.0
 * The command: a photo in, a cut-out out. The same program natively and under WASI.
 * Exit codes: 0, or the offcut_status of the failure (1 to 11), 64 for wrong usage, 74 for files.
 */
#define _GNU_SOURCE /* getopt_long */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "model.h"
#include "profile.h"

enum { EXIT_USAGE = 64, EXIT_FILE = 74 };

static const char usage[] =
    "Usage: offcut [options] [IN]\n"
    "Removes the background of a JPEG, PNG or WebP picture. IN and OUT default to - (stdin, "
    "stdout).\n"
    "  -o, --output OUT      where the PNG goes\n"
    "  -m, --model FILE      the network, ONNX; the command for WASI has one inside\n"
    "      --mask            write the alpha matte alone, as a grey PNG\n"
    "      --no-refine       enlarge the network's mask as it is\n"
    "      --no-second-look  see a small subject only once: quicker, less exact\n"
    "      --allow-truncated decode what is there of a damaged file\n"
    "      --8-bit           write 8 bits also for a 16-bit PNG\n"
    "      --refuse-empty    fail where there is no subject\n"
    "      --speed fast|balanced|small\n"
    "                        of writing the PNG: fast makes larger files\n"
    "      --mean R,G,B  --std R,G,B  --peak  --bgr\n"
    "                        how the network wants its input: (v / peak - mean) / std, and\n"
    "                        blue first\n"
    "      --activation none|sigmoid|softmax  --channel N\n"
    "                        how its output becomes the mask\n"
    "      --threads N       that share the network's work\n"
    "      --profile         say on stderr how long each part of the network takes\n"
    "  -h, --help            this text\n"
    "      --version         the version\n";

typedef struct settings {
    const char *input, *output, *model;
    offcut_options options;
    offcut_input network;
    unsigned long threads;
    bool profile;
} settings;

static bool parse_triple(const char *text, float triple[3]) {
    char tail = 0;
    return sscanf(text, "%f,%f,%f%c", &triple[0], &triple[1], &triple[2], &tail) == 3;
}

static bool parse_number(const char *text, unsigned long max, unsigned long *number) {
    char *end = NULL;
    *number = strtoul(text, &end, 10);
    return end != text && *end == 0 && *text != '-' && *number <= max;
}

/* The place of text among count names; false if it is none of them. */
static bool parse_name(const char *text, const char *const *names, int count, int *place) {
    for (*place = 0; *place < count; ++*place)
        if (strcmp(text, names[*place]) == 0) return true;
    return false;
}

/* In the order of offcut_activation and offcut_speed. */
static const char *const activations[] = {"none", "sigmoid", "softmax"};
static const char *const speeds[] = {"balanced", "fast", "small"};

enum {
    OPTION_MASK = 256,
    OPTION_NO_REFINE,
    OPTION_NO_SECOND_LOOK,
    OPTION_ALLOW_TRUNCATED,
    OPTION_8_BIT,
    OPTION_REFUSE_EMPTY,
    OPTION_SPEED,
    OPTION_MEAN,
    OPTION_STD,
    OPTION_PEAK,
    OPTION_BGR,
    OPTION_ACTIVATION,
    OPTION_CHANNEL,
    OPTION_PROFILE,
    OPTION_THREADS,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"model", required_argument, NULL, 'm'},
    {"mask", no_argument, NULL, OPTION_MASK},
    {"no-refine", no_argument, NULL, OPTION_NO_REFINE},
    {"no-second-look", no_argument, NULL, OPTION_NO_SECOND_LOOK},
    {"allow-truncated", no_argument, NULL, OPTION_ALLOW_TRUNCATED},
    {"8-bit", no_argument, NULL, OPTION_8_BIT},
    {"refuse-empty", no_argument, NULL, OPTION_REFUSE_EMPTY},
    {"speed", required_argument, NULL, OPTION_SPEED},
    {"mean", required_argument, NULL, OPTION_MEAN},
    {"std", required_argument, NULL, OPTION_STD},
    {"peak", no_argument, NULL, OPTION_PEAK},
    {"bgr", no_argument, NULL, OPTION_BGR},
    {"activation", required_argument, NULL, OPTION_ACTIVATION},
    {"channel", required_argument, NULL, OPTION_CHANNEL},
    {"profile", no_argument, NULL, OPTION_PROFILE},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static bool apply_option(settings *s, int option, const char *value) {
    unsigned long number = 0;
    int place = 0;
    switch (option) {
        case 'o': s->output = value; return true;
        case 'm': s->model = value; return true;
        case OPTION_MASK: s->options.output = OFFCUT_OUTPUT_MASK; return true;
        case OPTION_NO_REFINE: s->options.no_refine = 1; return true;
        case OPTION_NO_SECOND_LOOK: s->options.look_once = 1; return true;
        case OPTION_ALLOW_TRUNCATED: s->options.allow_truncated = 1; return true;
        case OPTION_8_BIT: s->options.reduce_to_8_bits = 1; return true;
        case OPTION_REFUSE_EMPTY: s->options.refuse_empty = 1; return true;
        case OPTION_PEAK: s->network.divide_by_peak = 1; return true;
        case OPTION_PROFILE: s->profile = true; return true;
        case OPTION_THREADS: return parse_number(value, OFFCUT_THREADS_MAX, &s->threads);
        case OPTION_BGR: s->network.bgr = 1; return true;
        case OPTION_MEAN: return parse_triple(value, s->network.mean);
        case OPTION_STD: return parse_triple(value, s->network.std);
        case OPTION_ACTIVATION:
            if (!parse_name(value, activations, 3, &place)) return false;
            s->network.activation = (offcut_activation)place;
            return true;
        case OPTION_SPEED:
            if (!parse_name(value, speeds, 3, &place)) return false;
            s->options.speed = (offcut_speed)place;
            return true;
        case OPTION_CHANNEL:
            if (!parse_number(value, 65535, &number)) return false;
            s->network.channel = (uint32_t)number;
            return true;
        default: return false;
    }
}

static int fail(offcut_ctx *ctx, const char *path, offcut_status status) {
    fprintf(stderr, "offcut: %s: %s: %s\n", path, offcut_status_text(status), offcut_detail(ctx));
    return (int)status;
}

static int remove_background(offcut_ctx *ctx, const settings *s, const offcut_buffer *onnx,
                             const offcut_input *network, const offcut_buffer *photo) {
    offcut_model *model = NULL;
    offcut_status status = offcut_threads_set(ctx, (uint32_t)s->threads);
    if (status != OFFCUT_OK) return fail(ctx, "--threads", status);
    status = offcut_model_load(ctx, onnx->data, onnx->size, network, &model);
    if (status != OFFCUT_OK) return fail(ctx, s->model ? s->model : "the network inside", status);
    if (s->profile && (status = profile_print(ctx, model)) != OFFCUT_OK) {
        offcut_model_free(model);
        return fail(ctx, s->model ? s->model : "the network inside", status);
    }
    offcut_buffer png = {0};
    status = offcut_remove_background(ctx, model, photo->data, photo->size, &s->options, &png);
    offcut_model_free(model);
    if (status != OFFCUT_OK) return fail(ctx, s->input, status);
    const bool written = file_write(s->output, &png);
    offcut_buffer_free(&png);
    return written ? EXIT_SUCCESS : EXIT_FILE;
}

static int run(const settings *s) {
    offcut_buffer inside = {0}, file = {0}, photo = {0};
    offcut_input network = s->network;
    if (!s->model && !model_inside(&inside, &network)) {
        fputs("offcut: this command has no network inside: --model FILE names one\n", stderr);
        return EXIT_USAGE;
    }
    offcut_ctx *ctx = offcut_create();
    int code = EXIT_FILE;
    if (!ctx)
        code = fail(NULL, s->input, OFFCUT_ERR_MEMORY);
    else if ((!s->model || file_read(s->model, &file)) && file_read(s->input, &photo))
        code = remove_background(ctx, s, s->model ? &file : &inside, &network, &photo);
    offcut_buffer_free(&photo);
    offcut_buffer_free(&file);
    offcut_free(ctx);
    return code;
}

int main(int argc, char **argv) {
    settings s = {
        .input = "-",
        .output = "-",
        .options = offcut_options_default(),
        .network = offcut_input_default(),
        .threads = 1,
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "o:m:h", long_options, NULL)) != -1) {
        if (option == 'h') return fputs(usage, stdout) < 0 ? EXIT_FILE : EXIT_SUCCESS;
        if (option == OPTION_VERSION) {
            printf("offcut %d.%d.%d\n", OFFCUT_VERSION_MAJOR, OFFCUT_VERSION_MINOR,
                   OFFCUT_VERSION_PATCH);
            return EXIT_SUCCESS;
        }
        if (option == '?') return EXIT_USAGE; /* getopt has said why */
        if (!apply_option(&s, option, optarg)) {
            fprintf(stderr, "offcut: %s is not a valid value here; see --help\n", optarg);
            return EXIT_USAGE;
        }
    }
    if (argc - optind > 1) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (optind < argc) s.input = argv[optind];
    return run(&s);
}
