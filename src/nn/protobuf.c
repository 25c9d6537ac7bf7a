/* SPDX-License-Identifier: Apache-2.0 */
#include "protobuf.h"

#include <string.h>

offcut__message offcut__message_of(offcut__span bytes) {
    return (offcut__message){bytes.data, bytes.data ? bytes.data + bytes.size : NULL, false};
}

bool offcut__message_varint(offcut__message *message, uint64_t *value) {
    uint64_t result = 0;
    if (message->at == message->end) return false;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (message->at == message->end) break;
        const uint8_t byte = *message->at++;
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = result;
            return true;
        }
    }
    message->damaged = true;
    return false;
}

static bool fixed(offcut__message *message, size_t size, uint64_t *value) {
    if ((size_t)(message->end - message->at) < size) return false;
    *value = 0;
    for (size_t i = 0; i < size; i++) *value |= (uint64_t)message->at[i] << (8 * i);
    message->at += size;
    return true;
}

static bool field_body(offcut__message *message, offcut__field *field) {
    switch (field->wire) {
        case OFFCUT__WIRE_VARINT: return offcut__message_varint(message, &field->value);
        case OFFCUT__WIRE_64: return fixed(message, 8, &field->value);
        case OFFCUT__WIRE_32: return fixed(message, 4, &field->value);
        case OFFCUT__WIRE_BYTES: {
            uint64_t size = 0;
            if (!offcut__message_varint(message, &size)) return false;
            if (size > (uint64_t)(message->end - message->at)) return false;
            field->bytes = (offcut__span){message->at, (size_t)size};
            message->at += size;
            return true;
        }
    }
    return false; /* groups, and wire types that do not exist */
}

bool offcut__message_next(offcut__message *message, offcut__field *field) {
    *field = (offcut__field){0};
    if (message->damaged || message->at == message->end) return false;
    uint64_t key = 0;
    if (offcut__message_varint(message, &key) && key >> 3 != 0 && key >> 3 <= UINT32_MAX) {
        field->number = (uint32_t)(key >> 3);
        field->wire = (offcut__wire)(key & 7);
        if (field_body(message, field)) return true;
    }
    message->damaged = true;
    return false;
}

bool offcut__span_is(offcut__span span, const char *text) {
    /* Mostly it is not, by the first character. */
    for (size_t i = 0; i < span.size; i++)
        if (text[i] == 0 || span.data[i] != (uint8_t)text[i]) return false;
    return text[span.size] == 0;
}

bool offcut__span_equal(offcut__span a, offcut__span b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
