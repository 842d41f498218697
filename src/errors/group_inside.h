/* group_inside.h -- what group.c (decides) and group_index.c (keeps) share. */
#pragma once
#include "errors/group.h"

#define NONE UINT32_MAX

/* What is compared beside sketch and vector: of the root cause, and of the service. */
struct facts {
    uint64_t template_hash, service_hash, family_hash, type_hash;
};
struct entry { /* one fingerprint */
    struct hash128 key, with;
    uint64_t group, template_hash, service_hash, family_hash, type_hash;
    float score, threshold;
    uint32_t sketch_at, vector_at; /* or NONE */
    uint32_t group_next, family_next;
    uint8_t by;
    bool is_pinned;
    uint8_t errors_version, similar_version, group_version;
};
static_assert(SIMILAR_NONE == NONE, "one word for nothing");

struct heads { /* a number to the first entry that has it: open addressing */
    uint64_t *numbers;
    uint32_t *first; /* NONE: free */
    uint32_t mask, count;
};
struct group_index {
    struct group_options options;
    struct entry *entries;
    uint32_t count, room;
    uint32_t *slots; /* of keys: at, or NONE */
    uint32_t slot_mask;
    struct heads groups, families;
    struct similar_index *similar;
    int8_t *vectors;
    uint32_t vector_count, vector_room;
};

#define GROUP_WORDS_BYTES 400
/* What the root cause's message says, without its values and an engine's own wording. is_telling: it means something. */
struct bytes group_words(const struct error_event *event, uint8_t out[GROUP_WORDS_BYTES], bool *is_telling);

uint32_t key_find(const struct group_index *index, struct hash128 key);
uint32_t group_first(const struct group_index *index, uint64_t group);
uint32_t family_first(const struct group_index *index, uint64_t family_hash);
static inline const int8_t *group_vector(const struct group_index *index, uint32_t vector_at)
{
    return index->vectors + (size_t)vector_at * EMBED_DIMENSIONS;
}
