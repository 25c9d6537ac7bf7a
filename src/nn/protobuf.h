/* SPDX-License-Identifier: Apache-2.0
 * The protobuf wire format, read field by field from bytes that nobody vouches for. */
#ifndef OFFCUT_NN_PROTOBUF_H
#define OFFCUT_NN_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; a string without a terminator. */
typedef struct offcut__span {
    const uint8_t *data;
    size_t size;
} offcut__span;

typedef enum offcut__wire {
    OFFCUT__WIRE_VARINT = 0,
    OFFCUT__WIRE_64 = 1,
    OFFCUT__WIRE_BYTES = 2,
    OFFCUT__WIRE_32 = 5,
} offcut__wire;

typedef struct offcut__field {
    uint32_t number;
    offcut__wire wire;
    uint64_t value;     /* of a varint, 32- or 64-bit field */
    offcut__span bytes; /* of a length-delimited field */
} offcut__field;

/* What is left of a message. */
typedef struct offcut__message {
    const uint8_t *at, *end;
    bool damaged;
} offcut__message;

offcut__message offcut__message_of(offcut__span bytes);
/* The next field; false at the end or when the message is damaged. */
bool offcut__message_next(offcut__message *message, offcut__field *field);
/* The next varint of a packed field; false as above. */
bool offcut__message_varint(offcut__message *message, uint64_t *value);

bool offcut__span_is(offcut__span span, const char *text);
bool offcut__span_equal(offcut__span a, offcut__span b);

#endif
