/* SPDX-License-Identifier: Apache-2.0
 * What the engine's tests share: a seeded generator, and a writer of small ONNX files. */
#ifndef OFFCUT_TESTS_NN_CHECK_H
#define OFFCUT_TESTS_NN_CHECK_H

#include "check.h"
#include "offcut.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* xorshift: the same numbers on every machine. */
static uint32_t check_seed = 1;

static inline uint32_t check_random(void) {
    check_seed ^= check_seed << 13;
    check_seed ^= check_seed >> 17;
    check_seed ^= check_seed << 5;
    return check_seed;
}

/* lo..hi */
static inline int32_t check_between(int32_t lo, int32_t hi) {
    return lo + (int32_t)(check_random() % (uint32_t)(hi - lo + 1));
}

/* -1..1 */
static inline float check_float(void) {
    return (float)(check_random() & 0xffff) / 32768.0f - 1.0f;
}

/* ---- protobuf ---- */

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

static inline void put(bytes *b, const void *data, size_t size) {
    if (b->size + size > b->capacity) {
        b->capacity = (b->size + size) * 2;
        uint8_t *grown = realloc(b->data, b->capacity);
        if (!grown) exit(2);
        b->data = grown;
    }
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put_varint(bytes *b, uint64_t value) {
    do {
        const uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(b, &byte, 1);
        value >>= 7;
    } while (value);
}

static inline void put_int(bytes *b, uint32_t field, int64_t value) {
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, (uint64_t)value);
}

static inline void put_float(bytes *b, uint32_t field, float value) {
    put_varint(b, (uint64_t)field << 3 | 5);
    put(b, &value, sizeof value);
}

static inline void put_span(bytes *b, uint32_t field, const void *data, size_t size) {
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, size);
    put(b, data, size);
}

static inline void put_text(bytes *b, uint32_t field, const char *text) {
    put_span(b, field, text, strlen(text));
}

/* Appends child as a message and empties it. */
static inline void put_message(bytes *b, uint32_t field, bytes *child) {
    put_span(b, field, child->data, child->size);
    free(child->data);
    *child = (bytes){0};
}

/* ---- ONNX: fields as in onnx.proto ---- */

/* "1,3,8,8" -> dims; returns how many. */
static inline int parse_dims(const char *text, int64_t *dims) {
    int count = 0;
    while (*text && count < 16) {
        dims[count++] = strtoll(text, (char **)&text, 10);
        if (*text == ',') text++;
    }
    return count;
}

static inline size_t dims_count(const int64_t *dims, int rank) {
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    return count;
}

static inline void put_value_info(bytes *graph, uint32_t field, const char *name,
                                  const char *shape) {
    int64_t dims[16];
    const int rank = parse_dims(shape, dims);
    bytes info = {0}, type = {0}, tensor = {0}, all = {0};
    for (int i = 0; i < rank; i++) {
        bytes dim = {0};
        put_int(&dim, 1, dims[i]);
        put_message(&all, 1, &dim);
    }
    put_int(&tensor, 1, 1);
    put_message(&tensor, 2, &all);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(graph, field, &info);
}

static inline void put_tensor(bytes *graph, const char *name, int type, const char *shape,
                              const void *data, size_t element) {
    int64_t dims[16];
    const int rank = parse_dims(shape, dims);
    bytes tensor = {0};
    for (int i = 0; i < rank; i++) put_int(&tensor, 1, dims[i]);
    put_int(&tensor, 2, type);
    put_text(&tensor, 8, name);
    put_span(&tensor, 9, data, dims_count(dims, rank) * element);
    put_message(graph, 5, &tensor);
}

/* Random weights. */
static inline void put_weights(bytes *graph, const char *name, const char *shape) {
    int64_t dims[16];
    const size_t count = dims_count(dims, parse_dims(shape, dims));
    float *data = malloc(count * sizeof *data + 1);
    if (!data) exit(2);
    for (size_t i = 0; i < count; i++) data[i] = check_float() * 0.5f;
    put_tensor(graph, name, 1, shape, data, sizeof *data);
    free(data);
}

static inline void put_i64s(bytes *graph, const char *name, const char *values) {
    int64_t list[16];
    char shape[16];
    snprintf(shape, sizeof shape, "%d", parse_dims(values, list));
    put_tensor(graph, name, 7, shape, list, sizeof *list);
}

/* "a,b,c" as a field each. */
static inline void put_names(bytes *node, uint32_t field, const char *names) {
    while (*names) {
        const size_t length = strcspn(names, ",");
        put_span(node, field, names, length);
        names += length + (names[length] == ',');
    }
}

/* Attributes: "kernel_shape=3,3 group=2 alpha=0.5f mode='linear'". */
static inline void put_attributes(bytes *node, const char *text) {
    while (*text) {
        bytes attribute = {0};
        const size_t name = strcspn(text, "=");
        put_span(&attribute, 1, text, name);
        text += name + 1;
        const size_t length = strcspn(text, " ");
        int64_t values[16];
        if (*text == '\'') {
            put_span(&attribute, 4, text + 1, length - 2);
        } else if (text[length - 1] == 'f') {
            put_float(&attribute, 2, strtof(text, NULL));
        } else if (memchr(text, ',', length)) {
            char list[128];
            snprintf(list, sizeof list, "%.*s", (int)length, text);
            const int count = parse_dims(list, values);
            for (int i = 0; i < count; i++) put_int(&attribute, 8, values[i]);
        } else {
            put_int(&attribute, 3, strtoll(text, NULL, 10));
        }
        text += length + (text[length] == ' ');
        put_message(node, 5, &attribute);
    }
}

static inline void put_node(bytes *graph, const char *op, const char *inputs, const char *outputs,
                            const char *attributes) {
    bytes node = {0};
    put_names(&node, 1, inputs);
    put_names(&node, 2, outputs);
    put_text(&node, 3, outputs);
    put_text(&node, 4, op);
    put_attributes(&node, attributes);
    put_message(graph, 1, &node);
}

/* The file; graph is emptied. */
static inline bytes onnx_file(bytes *graph, int64_t opset_version) {
    bytes file = {0}, opset = {0};
    put_int(&file, 1, 8);
    put_text(&opset, 1, "");
    put_int(&opset, 2, opset_version);
    put_message(&file, 8, &opset);
    put_message(&file, 7, graph);
    return file;
}

/* Changes that a damaged file, or one that lies, may have. */
static inline void mutate(bytes *file, int changes) {
    for (int i = 0; i < changes; i++) {
        const size_t at = check_random() % file->size;
        switch (check_between(0, 4)) {
            case 0: file->data[at] = (uint8_t)check_random(); break;
            case 1: file->data[at] ^= (uint8_t)(1u << check_between(0, 7)); break;
            case 2: file->data[at] = (uint8_t)(check_between(0, 1) ? 0xff : 0); break;
            case 3: memset(file->data + at, 0xff, file->size - at < 9 ? file->size - at : 9); break;
            default: {
                const size_t from = check_random() % file->size,
                             length = (size_t)check_between(1, 24);
                if (from + length <= file->size && at + length <= file->size)
                    memmove(file->data + at, file->data + from, length);
            }
        }
    }
}

/* Two convolutions: picture, "1,3,height,width", to mask, "1,1,height,width"; 0 is any side. */
static inline bytes small_network(const char *picture, const char *mask) {
    bytes graph = {0};
    put_weights(&graph, "w", "8,3,3,3");
    put_weights(&graph, "b", "8");
    put_weights(&graph, "v", "1,8,1,1");
    put_node(&graph, "Conv", "x,w,b", "a", "pads=1,1,1,1");
    put_node(&graph, "Relu", "a", "r", "");
    put_node(&graph, "Conv", "r,v", "l", "");
    put_node(&graph, "Sigmoid", "l", "m", "");
    put_value_info(&graph, 11, "x", picture);
    put_value_info(&graph, 12, "m", mask);
    return onnx_file(&graph, 13);
}

#endif
