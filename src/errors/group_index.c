#include "errors/group_inside.h"

#include <stdlib.h>

#define ROOM_0     256
#define ROOM_LARGE 16384
#define EMPTIED    (NONE - 1) /* of a group that lost its last fingerprint: its place stays taken */

static void heads_clear(struct heads *heads, uint32_t slots)
{
    heads->numbers = mem_alloc(slots * sizeof heads->numbers[0]);
    heads->first = mem_alloc(slots * sizeof heads->first[0]);
    memset(heads->first, 0xFF, slots * sizeof heads->first[0]);
    heads->mask = slots - 1;
    heads->count = 0;
}

static uint32_t *heads_at(const struct heads *heads, uint64_t number)
{
    uint64_t at = hash64_mix(number ^ 0x9E3779B97F4A7C15u, 0xA0761D6478BD642Fu);
    while (heads->first[at & heads->mask] != NONE && heads->numbers[at & heads->mask] != number) at++;
    return &heads->first[at & heads->mask];
}

static uint32_t *heads_make(struct heads *heads, uint64_t number)
{
    uint32_t *first = heads_at(heads, number);
    if (*first != NONE) return first;
    if (++heads->count * 2 > heads->mask) {
        struct heads old = *heads;
        heads_clear(heads, (old.mask + 1) * 2);
        for (uint32_t i = 0; i <= old.mask; i++) {
            if (old.first[i] == NONE) continue;
            uint32_t *to = heads_at(heads, old.numbers[i]);
            heads->numbers[to - heads->first] = old.numbers[i];
            *to = old.first[i];
            heads->count++;
        }
        free(old.numbers);
        free(old.first);
        heads->count++;
        first = heads_at(heads, number);
    }
    heads->numbers[first - heads->first] = number;
    return first;
}

struct group_index *group_index_create(const struct group_options *options)
{
    struct group_index *index = mem_calloc(1, sizeof *index);
    index->options = *options;
    heads_clear(&index->groups, ROOM_0);
    heads_clear(&index->families, ROOM_0);
    index->similar = similar_index_create(options->fingerprints_max);
    return index;
}

void group_index_destroy(struct group_index *index)
{
    if (index == NULL) return;
    similar_index_destroy(index->similar);
    free(index->groups.numbers);
    free(index->groups.first);
    free(index->families.numbers);
    free(index->families.first);
    free(index->entries);
    free(index->slots);
    free(index->vectors);
    free(index);
}

static size_t heads_bytes(const struct heads *heads)
{
    return (heads->mask + 1) * (sizeof heads->numbers[0] + sizeof heads->first[0]);
}

size_t group_index_bytes(const struct group_index *index)
{
    return sizeof *index + index->room * sizeof index->entries[0] + (index->slot_mask + 1) * sizeof index->slots[0] +
           heads_bytes(&index->groups) + heads_bytes(&index->families) + similar_index_bytes(index->similar) +
           (size_t)index->vector_room * EMBED_DIMENSIONS;
}

uint32_t group_index_count(const struct group_index *index)
{
    return index->count;
}

static uint32_t *slot_of(const struct group_index *index, struct hash128 key)
{
    uint64_t at = key.lo;
    for (;; at++) {
        uint32_t *slot = &index->slots[at & index->slot_mask];
        if (*slot == NONE || hash128_equal(index->entries[*slot].key, key)) return slot;
    }
}

uint32_t key_find(const struct group_index *index, struct hash128 key)
{
    return index->slots == NULL ? NONE : *slot_of(index, key);
}

uint32_t group_first(const struct group_index *index, uint64_t group)
{
    uint32_t first = *heads_at(&index->groups, group);
    return first == EMPTIED ? NONE : first;
}

uint32_t family_first(const struct group_index *index, uint64_t family_hash)
{
    return *heads_at(&index->families, family_hash);
}

/* By a quarter once it is large: what is not used yet is memory too. */
static uint32_t room_next(uint32_t room)
{
    if (room == 0) return ROOM_0;
    return room < ROOM_LARGE ? room * 2 : room + room / 4;
}

static void grow(struct group_index *index)
{
    uint32_t slots = ROOM_0;
    index->room = room_next(index->room);
    while (slots < index->room + index->room / 2) slots *= 2;
    index->entries = mem_realloc(index->entries, index->room * sizeof index->entries[0]);
    free(index->slots);
    index->slot_mask = slots - 1;
    index->slots = mem_alloc((index->slot_mask + 1) * sizeof index->slots[0]);
    memset(index->slots, 0xFF, (index->slot_mask + 1) * sizeof index->slots[0]);
    for (uint32_t at = 0; at < index->count; at++) *slot_of(index, index->entries[at].key) = at;
}

static uint32_t vector_keep(struct group_index *index, const int8_t vector[EMBED_DIMENSIONS])
{
    if (index->vector_count == index->vector_room) {
        index->vector_room = room_next(index->vector_room);
        index->vectors = mem_realloc(index->vectors, (size_t)index->vector_room * EMBED_DIMENSIONS);
    }
    memcpy(index->vectors + (size_t)index->vector_count * EMBED_DIMENSIONS, vector, EMBED_DIMENSIONS);
    return index->vector_count++;
}

static void group_link(struct group_index *index, uint32_t at)
{
    uint32_t *first = heads_make(&index->groups, index->entries[at].group);
    index->entries[at].group_next = *first == EMPTIED ? NONE : *first;
    *first = at;
}

static void group_unlink(struct group_index *index, uint32_t at)
{
    uint32_t *first = heads_at(&index->groups, index->entries[at].group), *link = first;
    while (*link != at) link = &index->entries[*link].group_next;
    *link = index->entries[at].group_next;
    if (*first == NONE) *first = EMPTIED;
}

bool group_load(struct group_index *index, const struct group_row *row)
{
    if (key_find(index, row->key) != NONE) return true;
    if (index->count == index->options.fingerprints_max) return false;
    if (index->count == index->room) grow(index);
    uint32_t at = index->count++;
    *slot_of(index, row->key) = at;
    struct entry *entry = &index->entries[at];
    *entry = (struct entry){
        .key = row->key,
        .with = row->with,
        .group = row->group,
        .template_hash = row->template_hash,
        .service_hash = row->service_hash,
        .family_hash = row->family_hash,
        .type_hash = row->type_hash,
        .score = row->score,
        .threshold = row->threshold,
        .sketch_at = NONE,
        .vector_at = NONE,
        .family_next = NONE,
        .by = (uint8_t)row->by,
        .is_pinned = row->is_pinned,
        .errors_version = (uint8_t)row->errors_version,
        .similar_version = (uint8_t)row->similar_version,
        .group_version = (uint8_t)row->group_version,
    };
    group_link(index, at);
    if (row->errors_version != ERRORS_VERSION) return true; /* frames and templates were others */
    if (row->similar_version == SIMILAR_VERSION) entry->sketch_at = similar_index_add(index->similar, &row->sketch, at);
    if (row->has_vector) {
        entry->vector_at = vector_keep(index, row->vector);
        uint32_t *first = heads_make(&index->families, row->family_hash);
        entry->family_next = *first;
        *first = at;
    }
    return true;
}

void group_row_at(const struct group_index *index, uint32_t at, struct group_row *row)
{
    assert(at < index->count);
    const struct entry *entry = &index->entries[at];
    *row = (struct group_row){
        .key = entry->key,
        .group = entry->group,
        .by = (enum group_by)entry->by,
        .is_pinned = entry->is_pinned,
        .score = entry->score,
        .threshold = entry->threshold,
        .with = entry->with,
        .errors_version = entry->errors_version,
        .similar_version = entry->similar_version,
        .group_version = entry->group_version,
        .template_hash = entry->template_hash,
        .service_hash = entry->service_hash,
        .family_hash = entry->family_hash,
        .type_hash = entry->type_hash,
        .has_vector = entry->vector_at != NONE,
    };
    if (entry->sketch_at != NONE) similar_index_sketch(index->similar, entry->sketch_at, &row->sketch);
    if (entry->vector_at != NONE) memcpy(row->vector, group_vector(index, entry->vector_at), sizeof row->vector);
}

static void move(struct group_index *index, uint32_t at, uint64_t group)
{
    struct entry *entry = &index->entries[at];
    group_unlink(index, at);
    entry->group = group;
    entry->by = GROUP_BY_PERSON;
    entry->is_pinned = true;
    group_link(index, at);
}

bool group_move(struct group_index *index, struct hash128 key, uint64_t group, struct group_row *row, struct err *err)
{
    uint32_t at = key_find(index, key);
    if (at == NONE) return err_set(err, ERR_NOT_FOUND, "there is no fingerprint %016llx", (unsigned long long)key.hi);
    move(index, at, group);
    if (row != NULL) group_row_at(index, at, row);
    return true;
}

uint32_t group_merge(struct group_index *index, uint64_t from, uint64_t into)
{
    uint32_t moved = 0, at;
    if (from == into) return 0;
    while ((at = group_first(index, from)) != NONE) {
        move(index, at, into);
        moved++;
    }
    return moved;
}
