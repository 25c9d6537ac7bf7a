/* SPDX-License-Identifier: Apache-2.0
 * Elements of constant tensors, whatever they are stored as. */
#include "graph.h"

#include <math.h>
#include <string.h>

/* A GiB of f32: beyond it neither wasm32 nor the networks this engine is for. */
#define ELEMENTS_MAX ((int64_t)1 << 28)

bool offcut__type_is_float(offcut__type type) {
    return type == OFFCUT__TYPE_F32 || type == OFFCUT__TYPE_F16 || type == OFFCUT__TYPE_F64 ||
           type == OFFCUT__TYPE_BF16;
}

size_t offcut__shape_count(const offcut__shape *shape) {
    size_t count = 1;
    for (uint32_t i = 0; i < shape->rank; i++) count *= (size_t)shape->dims[i];
    return count;
}

offcut_status offcut__shape_set(const offcut__graph *graph, offcut__shape *shape, uint32_t rank,
                                const int64_t *dims) {
    OFFCUT_FAIL_IF(rank > OFFCUT__RANK_MAX, graph->ctx, OFFCUT_ERR_MODEL,
                   "a tensor has %u dimensions", rank);
    int64_t count = 1;
    for (uint32_t i = 0; i < rank; i++) {
        OFFCUT_FAIL_IF(dims[i] < 0, graph->ctx, OFFCUT_ERR_MODEL,
                       "a tensor has a dimension below zero");
        OFFCUT_FAIL_IF(dims[i] > ELEMENTS_MAX || (dims[i] > 0 && count > ELEMENTS_MAX / dims[i]),
                       graph->ctx, OFFCUT_ERR_LIMIT, "a tensor of the model has too many elements");
        /* A zero must not hide that the others overflow: strides are products of them. */
        if (dims[i] > 0) count *= dims[i];
        shape->dims[i] = (int32_t)dims[i];
    }
    shape->rank = rank;
    return OFFCUT_OK;
}

static float from_half(uint16_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t exponent = (bits >> 10) & 31;
    const uint32_t fraction = bits & 1023;
    if (exponent == 0) { /* zero and subnormals: fraction x 2^-24 is exact */
        const float magnitude = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -magnitude : magnitude;
    }
    const uint32_t wide =
        sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    float result = 0;
    memcpy(&result, &wide, sizeof result);
    return result;
}

static uint64_t load_bits(const uint8_t *p, size_t size) {
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) bits |= (uint64_t)p[i] << (8 * i);
    return bits;
}

static double load_element(const uint8_t *data, offcut__type encoding, size_t index) {
    switch (encoding) {
        case OFFCUT__TYPE_U8: return data[index];
        case OFFCUT__TYPE_I8: return (int8_t)data[index];
        case OFFCUT__TYPE_BOOL: return data[index] != 0;
        case OFFCUT__TYPE_U16: return (double)load_bits(data + 2 * index, 2);
        case OFFCUT__TYPE_I16: return (int16_t)load_bits(data + 2 * index, 2);
        case OFFCUT__TYPE_I32: return (int32_t)load_bits(data + 4 * index, 4);
        case OFFCUT__TYPE_U32: return (double)load_bits(data + 4 * index, 4);
        case OFFCUT__TYPE_I64: return (double)(int64_t)load_bits(data + 8 * index, 8);
        case OFFCUT__TYPE_U64: return (double)load_bits(data + 8 * index, 8);
        case OFFCUT__TYPE_F16: return from_half((uint16_t)load_bits(data + 2 * index, 2));
        case OFFCUT__TYPE_BF16:
        case OFFCUT__TYPE_F32: {
            const uint32_t bits = encoding == OFFCUT__TYPE_F32
                                      ? (uint32_t)load_bits(data + 4 * index, 4)
                                      : (uint32_t)load_bits(data + 2 * index, 2) << 16;
            float f = 0;
            memcpy(&f, &bits, sizeof f);
            return f;
        }
        case OFFCUT__TYPE_F64: {
            const uint64_t bits = load_bits(data + 8 * index, 8);
            double d = 0;
            memcpy(&d, &bits, sizeof d);
            return d;
        }
        case OFFCUT__TYPE_UNKNOWN: break;
    }
    return 0;
}

double offcut__constant_raw(const offcut__value *value, size_t index) {
    if (value->floats) return value->floats[index];
    if (value->ints) return (double)value->ints[index];
    if (value->bytes.data) return load_element(value->bytes.data, value->encoding, index);
    return 0;
}

double offcut__constant_get(const offcut__value *value, size_t index) {
    const double raw = offcut__constant_raw(value, index);
    const offcut__steps *s = value->steps;
    return s ? raw * (double)s->scales[index / s->inner % s->count] : raw;
}

void offcut__constant_floats(const offcut__value *value, float *result) {
    const size_t count = offcut__shape_count(&value->shape);
    if (value->floats) {
        memcpy(result, value->floats, count * sizeof *result);
    } else if (value->bytes.data && value->encoding == OFFCUT__TYPE_F16) {
        for (size_t i = 0; i < count; i++)
            result[i] =
                from_half((uint16_t)(value->bytes.data[2 * i] | value->bytes.data[2 * i + 1] << 8));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    } else if (value->bytes.data && value->encoding == OFFCUT__TYPE_F32) {
        memcpy(result, value->bytes.data, count * sizeof *result);
#endif
    } else {
        for (size_t i = 0; i < count; i++) result[i] = (float)offcut__constant_get(value, i);
    }
}

static int64_t to_int(double x) {
    if (!(x > -9.2e18)) return x < 0 ? INT64_MIN : 0; /* NaN becomes 0 */
    return x < 9.2e18 ? (int64_t)x : INT64_MAX;
}

bool offcut__constant_ints(const offcut__value *value, int64_t *result, uint32_t max,
                           uint32_t *count) {
    if (!value->constant || value->shape.rank > 1) return false;
    const size_t size = offcut__shape_count(&value->shape);
    if (size > max) return false;
    for (size_t i = 0; i < size; i++)
        result[i] =
            value->ints && !value->steps ? value->ints[i] : to_int(offcut__constant_get(value, i));
    *count = (uint32_t)size;
    return true;
}

offcut_status offcut__constant_new(offcut__graph *graph, offcut__value *value, float **floats,
                                   int64_t **ints) {
    const size_t count = offcut__shape_count(&value->shape);
    *floats = NULL;
    *ints = NULL;
    if (offcut__type_is_float(value->type)) {
        OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, count, sizeof **floats, floats));
        value->floats = *floats;
    } else {
        OFFCUT_TRY(offcut__pool_alloc(graph->ctx, graph->pool, count, sizeof **ints, ints));
        value->ints = *ints;
    }
    value->bytes = (offcut__span){NULL, 0};
    value->constant = true;
    return OFFCUT_OK;
}

void offcut__constant_put(float *floats, int64_t *ints, size_t index, double x) {
    if (floats)
        floats[index] = (float)x;
    else
        ints[index] = to_int(x);
}
