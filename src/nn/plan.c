/* SPDX-License-Identifier: Apache-2.0
 * Places storages in one arena: those that never live at the same time may share memory. */
#include "operator.h"

#include <stdlib.h>

#define ALIGNMENT ((size_t)16)      /* floats: a cache line */
#define ARENA_MAX ((size_t)1 << 28) /* floats: a GiB */

static int32_t root(const offcut__builder *builder, int32_t storage) {
    while (builder->storages[storage].joined != storage)
        storage = builder->storages[storage].joined;
    return storage;
}

static void use(offcut__builder *builder, int32_t storage, int32_t op) {
    if (storage < 0) return;
    offcut__storage *s = &builder->storages[storage];
    if (op < s->first) s->first = op;
    if (op > s->last) s->last = op;
}

static bool same_elements(const offcut__view *a, const offcut__view *b) {
    if (a->offset != b->offset || !offcut__shape_equal(&a->shape, &b->shape)) return false;
    for (uint32_t i = 0; i < a->shape.rank; i++)
        if (a->shape.dims[i] != 1 && a->strides[i] != b->strides[i]) return false;
    return true;
}

/* Whether op's result may overwrite its input k, element by element. */
static bool can_join(const offcut__builder *builder, const offcut__op *op, uint32_t k,
                     int32_t index) {
    const offcut__view *in = &op->in[k], *out = &op->out;
    if (!(op->in_place >> k & 1) || in->storage < 0 || out->storage < 0) return false;
    const int32_t from = root(builder, in->storage), to = root(builder, out->storage);
    const offcut__storage *a = &builder->storages[from], *b = &builder->storages[to];
    if (from == to || a->last != index || b->first != index || a->size != b->size ||
        !same_elements(in, out))
        return false;
    for (uint32_t i = 0; i < op->in_count; i++) {
        const bool same = op->in[i].storage >= 0 && root(builder, op->in[i].storage) == from;
        if (i != k && same && !((op->in_place >> i & 1) && same_elements(&op->in[i], in)))
            return false;
    }
    return true;
}

static void join_in_place(offcut__builder *builder) {
    for (uint32_t i = 0; i < builder->op_count; i++) {
        const offcut__op *op = &builder->ops[i];
        for (uint32_t k = 0; k < op->in_count; k++) {
            if (!can_join(builder, op, k, (int32_t)i)) continue;
            const int32_t from = root(builder, op->in[k].storage),
                          to = root(builder, op->out.storage);
            builder->storages[to].joined = from;
            builder->storages[from].last = builder->storages[to].last;
            break;
        }
    }
}

/* A storage to be placed. */
typedef struct slot {
    size_t size, offset;
    int32_t first, last;
    uint32_t index;
} slot;

static bool goes_before(const slot *a, const slot *b) {
    if (a->size != b->size) return a->size > b->size;
    return a->first != b->first ? a->first < b->first : a->index < b->index;
}

/* Shell's sort: quick enough for some hundred, and far smaller than qsort(). */
static void sort(slot *slots, size_t count) {
    for (size_t gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (size_t i = gap; i < count; i++) {
            const slot s = slots[i];
            size_t k = i;
            for (; k >= gap && goes_before(&s, &slots[k - gap]); k -= gap)
                slots[k] = slots[k - gap];
            slots[k] = s;
        }
    }
}

/* Largest first, each at the lowest place that is free for as long as it lives; placed is kept in
 * order of offsets. */
static bool place(slot *slots, size_t count, const slot **placed, size_t *size) {
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        slot *s = &slots[i];
        size_t at = 0;
        for (size_t k = 0; k < i; k++) {
            const slot *p = placed[k];
            if (p->last < s->first || p->first > s->last) continue;
            if (p->offset >= at + s->size) break;
            if (p->offset + p->size > at) at = p->offset + p->size;
        }
        s->offset = at;
        size_t k = i;
        for (; k > 0 && placed[k - 1]->offset > at; k--) placed[k] = placed[k - 1];
        placed[k] = s;
        if (at + s->size > *size) *size = at + s->size;
        if (*size > ARENA_MAX) return false;
    }
    return true;
}

static offcut_status place_all(offcut__builder *builder, size_t *size) {
    slot *slots = NULL;
    const slot **placed = NULL;
    size_t count = 0;
    offcut_status status = OFFCUT_OK;
    if ((status = offcut__alloc(builder->ctx, builder->storage_count, sizeof *slots, &slots)) !=
            OFFCUT_OK ||
        (status = offcut__alloc(builder->ctx, builder->storage_count, sizeof *placed, &placed)) !=
            OFFCUT_OK)
        goto done;
    for (uint32_t i = 0; i < builder->storage_count; i++) {
        const offcut__storage *s = &builder->storages[i];
        if (s->joined != (int32_t)i || s->last < s->first) continue;
        const size_t rounded = (s->size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
        slots[count++] = (slot){.size = rounded, .first = s->first, .last = s->last, .index = i};
    }
    sort(slots, count);
    if (!place(slots, count, placed, size)) {
        status =
            offcut__fail(builder->ctx, OFFCUT_ERR_LIMIT, "the model needs more than %zu MB to run",
                         ARENA_MAX / 1024 / 1024 * 4);
        goto done;
    }
    for (size_t i = 0; i < count; i++) builder->storages[slots[i].index].offset = slots[i].offset;
done:
    free(placed);
    free(slots);
    return status;
}

static void resolve(const offcut__builder *builder, offcut__view *view) {
    if (view->storage >= 0)
        view->offset += (ptrdiff_t)builder->storages[root(builder, view->storage)].offset;
}

static offcut_status add_scratch(offcut__builder *builder) {
    for (uint32_t i = 0; i < builder->op_count; i++) {
        const size_t size = builder->ops[i].scratch_size;
        if (size == 0) continue;
        offcut__view view = {.shape = {.rank = 1, .dims = {1}}};
        if (size > ARENA_MAX)
            return offcut__fail(builder->ctx, OFFCUT_ERR_LIMIT,
                                "a node of the model needs too much memory");
        OFFCUT_TRY(offcut__build_storage(builder, &view));
        builder->storages[view.storage].size = size;
        builder->ops[i].scratch = view.storage;
    }
    return OFFCUT_OK;
}

offcut_status offcut__plan(offcut__builder *builder, offcut__view *picture, offcut__view *mask,
                           size_t *size) {
    OFFCUT_TRY(add_scratch(builder));
    use(builder, picture->storage, 0);
    for (uint32_t i = 0; i < builder->op_count; i++) {
        const offcut__op *op = &builder->ops[i];
        for (uint32_t k = 0; k < op->in_count; k++) use(builder, op->in[k].storage, (int32_t)i);
        use(builder, op->out.storage, (int32_t)i);
        use(builder, op->scratch, (int32_t)i);
    }
    use(builder, mask->storage, (int32_t)builder->op_count);
    join_in_place(builder);
    OFFCUT_TRY(place_all(builder, size));
    resolve(builder, picture);
    resolve(builder, mask);
    for (uint32_t i = 0; i < builder->op_count; i++) {
        offcut__op *op = &builder->ops[i];
        for (uint32_t k = 0; k < op->in_count; k++) resolve(builder, &op->in[k]);
        resolve(builder, &op->out);
        if (op->scratch >= 0) op->scratch_offset = builder->storages[op->scratch].offset;
    }
    return OFFCUT_OK;
}
