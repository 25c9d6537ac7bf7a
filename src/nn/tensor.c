/* SPDX-License-Identifier: Apache-2.0
 * TensorProto and AttributeProto. Field numbers are those of onnx.proto. */
#include "graph.h"

#include <string.h>

enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_STRING = 4,
    ATTRIBUTE_TENSOR = 5,
    ATTRIBUTE_FLOATS = 7,
    ATTRIBUTE_INTS = 8,
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_STRINGS = 6,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_UINT64S = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
};

static offcut_status damaged(const offcut__graph *graph, const char *what) {
    return offcut__fail(graph->ctx, OFFCUT_ERR_MODEL, "the model is damaged: %s", what);
}

/* ---- tensors ---- */

typedef struct tensor {
    offcut__span message, name, raw, packed_floats;
    int64_t dims[OFFCUT__RANK_MAX];
    uint32_t rank;
    uint64_t type;
    uint32_t typed_fields; /* how many fields hold typed elements */
    bool has_raw, refused;
} tensor;

static bool tensor_dim(tensor *t, uint64_t dim) {
    if (t->rank == OFFCUT__RANK_MAX) return false;
    t->dims[t->rank++] = dim > INT64_MAX ? -1 : (int64_t)dim;
    return true;
}

static bool tensor_dims(tensor *t, const offcut__field *field) {
    if (field->wire == OFFCUT__WIRE_VARINT) return tensor_dim(t, field->value);
    offcut__message packed = offcut__message_of(field->bytes);
    uint64_t dim = 0;
    while (offcut__message_varint(&packed, &dim))
        if (!tensor_dim(t, dim)) return false;
    return !packed.damaged;
}

static bool tensor_scan(tensor *t, offcut__span bytes) {
    *t = (tensor){.message = bytes};
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    while (offcut__message_next(&message, &field)) {
        switch (field.number) {
            case TENSOR_DIMS:
                if (!tensor_dims(t, &field)) return false;
                break;
            case TENSOR_TYPE: t->type = field.value; break;
            case TENSOR_NAME: t->name = field.bytes; break;
            case TENSOR_RAW:
                t->raw = field.bytes;
                t->has_raw = true;
                break;
            case TENSOR_FLOATS:
                t->packed_floats = field.bytes;
                t->typed_fields++;
                break;
            case TENSOR_INT32S:
            case TENSOR_INT64S:
            case TENSOR_DOUBLES:
            case TENSOR_UINT64S: t->typed_fields++; break;
            case TENSOR_LOCATION: t->refused |= field.value != 0; break;
            case TENSOR_SEGMENT:
            case TENSOR_EXTERNAL: t->refused = true; break;
            default: break;
        }
    }
    return !message.damaged;
}

static size_t type_size(uint64_t type) {
    switch (type) {
        case OFFCUT__TYPE_U8:
        case OFFCUT__TYPE_I8:
        case OFFCUT__TYPE_BOOL: return 1;
        case OFFCUT__TYPE_U16:
        case OFFCUT__TYPE_I16:
        case OFFCUT__TYPE_F16:
        case OFFCUT__TYPE_BF16: return 2;
        case OFFCUT__TYPE_F32:
        case OFFCUT__TYPE_I32:
        case OFFCUT__TYPE_U32: return 4;
        case OFFCUT__TYPE_I64:
        case OFFCUT__TYPE_U64:
        case OFFCUT__TYPE_F64: return 8;
        default: return 0;
    }
}

/* One element of a typed field: wire is how it is stored, type what it means. */
static double typed_element(uint64_t bits, offcut__wire wire, uint64_t type) {
    offcut__value one = {.constant = true, .encoding = OFFCUT__TYPE_I64};
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(bits >> (8 * i));
    one.bytes = (offcut__span){bytes, 8};
    if (wire == OFFCUT__WIRE_32) one.encoding = OFFCUT__TYPE_F32;
    if (wire == OFFCUT__WIRE_64) one.encoding = OFFCUT__TYPE_F64;
    if (wire == OFFCUT__WIRE_VARINT &&
        (type == OFFCUT__TYPE_F16 || type == OFFCUT__TYPE_BF16 || type == OFFCUT__TYPE_U64))
        one.encoding = (offcut__type)type;
    return offcut__constant_get(&one, 0);
}

static offcut__wire typed_wire(uint32_t number) {
    if (number == TENSOR_FLOATS) return OFFCUT__WIRE_32;
    return number == TENSOR_DOUBLES ? OFFCUT__WIRE_64 : OFFCUT__WIRE_VARINT;
}

static bool typed_next(offcut__message *packed, offcut__wire wire, uint64_t *bits) {
    if (wire == OFFCUT__WIRE_VARINT) return offcut__message_varint(packed, bits);
    const size_t size = wire == OFFCUT__WIRE_32 ? 4 : 8;
    if ((size_t)(packed->end - packed->at) < size) return false;
    *bits = 0;
    for (size_t i = 0; i < size; i++) *bits |= (uint64_t)packed->at[i] << (8 * i);
    packed->at += size;
    return true;
}

/* Elements from float_data, int32_data and the like. */
static offcut_status tensor_typed(offcut__graph *graph, const tensor *t, offcut__value *value) {
    const size_t count = offcut__shape_count(&value->shape);
    /* The least an element takes is a byte: checked before the memory for all of them is asked for.
     */
    OFFCUT_FAIL_IF(count > t->message.size, graph->ctx, OFFCUT_ERR_MODEL,
                   "the model is damaged: a tensor has fewer elements than its shape says");
    float *floats = NULL;
    int64_t *ints = NULL;
    OFFCUT_TRY(offcut__constant_new(graph, value, &floats, &ints));
    size_t index = 0;
    offcut__message message = offcut__message_of(t->message);
    offcut__field field;
    while (offcut__message_next(&message, &field)) {
        if (field.number != TENSOR_FLOATS && field.number != TENSOR_INT32S &&
            field.number != TENSOR_INT64S && field.number != TENSOR_DOUBLES &&
            field.number != TENSOR_UINT64S)
            continue;
        const offcut__wire wire = typed_wire(field.number);
        if (field.wire != OFFCUT__WIRE_BYTES) {
            if (field.wire != wire || index == count) return damaged(graph, "tensor elements");
            offcut__constant_put(floats, ints, index++, typed_element(field.value, wire, t->type));
            continue;
        }
        offcut__message packed = offcut__message_of(field.bytes);
        uint64_t bits = 0;
        while (typed_next(&packed, wire, &bits)) {
            if (index == count)
                return damaged(graph, "a tensor has more elements than its shape says");
            offcut__constant_put(floats, ints, index++, typed_element(bits, wire, t->type));
        }
        if (packed.damaged) return damaged(graph, "tensor elements");
    }
    if (index != count) return damaged(graph, "a tensor has fewer elements than its shape says");
    return OFFCUT_OK;
}

static offcut_status tensor_value(offcut__graph *graph, const tensor *t, offcut__value *value) {
    OFFCUT_FAIL_IF(t->refused, graph->ctx, OFFCUT_ERR_MODEL,
                   "the model keeps weights outside the file, which is not supported");
    const size_t size = type_size(t->type);
    OFFCUT_FAIL_IF(size == 0, graph->ctx, OFFCUT_ERR_MODEL,
                   "tensor '%.*s' has unsupported element type %d",
                   t->name.size < 64 ? (int)t->name.size : 64, (const char *)t->name.data,
                   (int)(t->type & 0xff));
    OFFCUT_TRY(offcut__shape_set(graph, &value->shape, t->rank, t->dims));
    value->type = (offcut__type)t->type;
    value->known = true;
    value->constant = true;
    const size_t count = offcut__shape_count(&value->shape);
    const bool floats_are_raw = !t->has_raw && t->type == OFFCUT__TYPE_F32 &&
                                t->typed_fields == 1 && t->packed_floats.size == count * 4;
    if (!t->has_raw && !floats_are_raw) return tensor_typed(graph, t, value);
    value->bytes = t->has_raw ? t->raw : t->packed_floats;
    value->encoding = value->type;
    if (value->bytes.size != count * size)
        return damaged(graph, "a tensor's size does not match its shape");
    return OFFCUT_OK;
}

/* ---- attributes ---- */

static offcut__span string_field(offcut__span bytes, uint32_t number) {
    offcut__message message = offcut__message_of(bytes);
    offcut__field field;
    while (offcut__message_next(&message, &field))
        if (field.number == number && field.wire == OFFCUT__WIRE_BYTES) return field.bytes;
    return (offcut__span){NULL, 0};
}

static bool find_attribute(const offcut__node *node, const char *name, offcut__span *attribute) {
    for (uint32_t i = 0; i < node->attribute_count; i++) {
        if (!offcut__span_is(node->attributes[i].name, name)) continue;
        *attribute = node->attributes[i].message;
        return true;
    }
    return false;
}

/* A field of the attribute of that name. */
static bool attribute_field(const offcut__node *node, const char *name, uint32_t number,
                            offcut__field *field) {
    offcut__span attribute;
    if (!find_attribute(node, name, &attribute)) return false;
    offcut__message message = offcut__message_of(attribute);
    while (offcut__message_next(&message, field))
        if (field->number == number) return true;
    return false;
}

offcut__span offcut__attribute_name(offcut__span bytes) {
    return string_field(bytes, ATTRIBUTE_NAME);
}

bool offcut__attribute_has(const offcut__node *node, const char *name) {
    offcut__span attribute;
    return find_attribute(node, name, &attribute);
}

int64_t offcut__attribute_int(const offcut__node *node, const char *name, int64_t fallback) {
    offcut__field field;
    return attribute_field(node, name, ATTRIBUTE_INT, &field) ? (int64_t)field.value : fallback;
}

float offcut__attribute_float(const offcut__node *node, const char *name, float fallback) {
    offcut__field field;
    if (!attribute_field(node, name, ATTRIBUTE_FLOAT, &field) || field.wire != OFFCUT__WIRE_32)
        return fallback;
    const uint32_t bits = (uint32_t)field.value;
    float result = 0;
    memcpy(&result, &bits, sizeof result);
    return result;
}

offcut__span offcut__attribute_string(const offcut__node *node, const char *name) {
    offcut__field field;
    if (!attribute_field(node, name, ATTRIBUTE_STRING, &field)) return (offcut__span){NULL, 0};
    return field.bytes;
}

bool offcut__attribute_ints(const offcut__node *node, const char *name, int64_t *values,
                            uint32_t max, uint32_t *count) {
    *count = 0;
    offcut__span attribute;
    if (!find_attribute(node, name, &attribute)) return true;
    offcut__message message = offcut__message_of(attribute);
    offcut__field field;
    while (offcut__message_next(&message, &field)) {
        if (field.number != ATTRIBUTE_INTS) continue;
        if (field.wire == OFFCUT__WIRE_VARINT) {
            if (*count == max) return false;
            values[(*count)++] = (int64_t)field.value;
            continue;
        }
        offcut__message packed = offcut__message_of(field.bytes);
        uint64_t value = 0;
        while (offcut__message_varint(&packed, &value)) {
            if (*count == max) return false;
            values[(*count)++] = (int64_t)value;
        }
        if (packed.damaged) return false;
    }
    return !message.damaged;
}

offcut_status offcut__attribute_tensor(offcut__graph *graph, const offcut__node *node,
                                       const char *name, offcut__value *value) {
    offcut__field field;
    tensor t;
    if (!attribute_field(node, name, ATTRIBUTE_TENSOR, &field) ||
        field.wire != OFFCUT__WIRE_BYTES || !tensor_scan(&t, field.bytes))
        return offcut__node_fail(graph, node, "no tensor in attribute '%s'", name);
    return tensor_value(graph, &t, value);
}

offcut__span offcut__tensor_name(offcut__span bytes) {
    return string_field(bytes, TENSOR_NAME);
}

offcut_status offcut__tensor_read(offcut__graph *graph, offcut__span bytes, offcut__value *value) {
    tensor t;
    if (!tensor_scan(&t, bytes)) return damaged(graph, "a tensor");
    return tensor_value(graph, &t, value);
}
