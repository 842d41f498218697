#include "base/repeats.h"
#include <stdlib.h>

struct entry {
    struct hash128 hash;
    uint32_t second_unix;
    uint32_t older; /* number of the next older entry of the bucket; forgotten: the end */
};
static_assert(sizeof(struct entry) == 24, "what the bound in the header counts on");

struct repeats_block {
    struct entry entries[REPEATS_BLOCK_ENTRIES];
};

void repeats_init(struct repeats *repeats, uint32_t count_max, uint32_t window_s)
{
    assert(count_max > 0 && count_max <= UINT32_C(1) << 30);
    uint32_t block_count = 2; /* a ring that is full by count may begin and end inside a block */
    while ((uint64_t)(block_count - 1) * REPEATS_BLOCK_ENTRIES < count_max) block_count *= 2;
    *repeats = (struct repeats){
        .blocks = mem_calloc(block_count, sizeof *repeats->blocks),
        .block_count = block_count,
        .count_max = count_max,
        .oldest = 1,
        .window_s = window_s,
    };
}

void repeats_deinit(struct repeats *repeats)
{
    for (uint32_t i = 0; i < repeats->block_count; i++) free(repeats->blocks[i]);
    free(repeats->blocks);
    free(repeats->heads);
}

static bool is_kept(const struct repeats *repeats, uint32_t number)
{
    return number - repeats->oldest < repeats->count; /* numbers wrap: so does the difference */
}

static struct entry *entry_at(const struct repeats *repeats, uint32_t number)
{
    struct repeats_block *block = repeats->blocks[number / REPEATS_BLOCK_ENTRIES % repeats->block_count];
    return &block->entries[number % REPEATS_BLOCK_ENTRIES];
}

/* Linear hashing: buckets 0 .. bucket_count-1; the last doubling is done up to bucket_count. */
static uint32_t bucket_of(struct hash128 hash, uint32_t bucket_count)
{
    uint32_t bits = 32 - (uint32_t)__builtin_clz(bucket_count);
    uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1);
    uint32_t bucket = (uint32_t)hash.lo & mask;
    return bucket < bucket_count ? bucket : bucket & mask >> 1;
}

/* One more bucket: takes its share of the chain that it is split from. Order within a chain stays: new to old. */
static void bucket_add(struct repeats *repeats)
{
    if (repeats->bucket_count == repeats->heads_cap) {
        repeats->heads_cap = repeats->heads_cap ? repeats->heads_cap * 2 : 256;
        repeats->heads = mem_realloc(repeats->heads, repeats->heads_cap * sizeof *repeats->heads);
    }
    uint32_t made = repeats->bucket_count++;
    uint32_t nothing = repeats->oldest - 1;
    repeats->heads[made] = nothing;
    if (made == 0) return;
    uint32_t split = made & ~(UINT32_C(1) << (31 - __builtin_clz(made)));
    uint32_t number = repeats->heads[split];
    uint32_t *end_split = &repeats->heads[split], *end_made = &repeats->heads[made];
    while (is_kept(repeats, number)) {
        struct entry *entry = entry_at(repeats, number);
        uint32_t bucket = bucket_of(entry->hash, repeats->bucket_count);
        if (bucket != split && bucket != made) break; /* a stale head whose number came round again */
        uint32_t **end = bucket == made ? &end_made : &end_split;
        **end = number;
        *end = &entry->older;
        number = entry->older;
    }
    *end_split = nothing;
    *end_made = nothing;
}

bool repeats_has(const struct repeats *repeats, struct hash128 hash, uint32_t second_unix)
{
    if (repeats->count == 0) return false;
    uint32_t bucket = bucket_of(hash, repeats->bucket_count);
    for (uint32_t number = repeats->heads[bucket]; is_kept(repeats, number);) {
        const struct entry *entry = entry_at(repeats, number);
        if (hash128_equal(entry->hash, hash)) {
            uint32_t apart =
                entry->second_unix > second_unix ? entry->second_unix - second_unix : second_unix - entry->second_unix;
            return apart <= repeats->window_s;
        }
        if (bucket_of(entry->hash, repeats->bucket_count) != bucket) return false;
        number = entry->older;
    }
    return false;
}

static void oldest_forget(struct repeats *repeats)
{
    assert(repeats->count > 0);
    uint32_t number = repeats->oldest++;
    repeats->count--;
    if (number % REPEATS_BLOCK_ENTRIES != REPEATS_BLOCK_ENTRIES - 1 && repeats->count > 0) return;
    struct repeats_block **block = &repeats->blocks[number / REPEATS_BLOCK_ENTRIES % repeats->block_count];
    free(*block);
    *block = NULL;
}

void repeats_add(struct repeats *repeats, struct hash128 hash, uint32_t second_unix)
{
    if (second_unix > repeats->newest_s) repeats->newest_s = second_unix;
    while (repeats->count > 0 &&
           repeats->newest_s - entry_at(repeats, repeats->oldest)->second_unix > repeats->window_s)
        oldest_forget(repeats);
    if (repeats->count == repeats->count_max) oldest_forget(repeats);

    uint32_t number = repeats->oldest + repeats->count;
    struct repeats_block **block = &repeats->blocks[number / REPEATS_BLOCK_ENTRIES % repeats->block_count];
    if (*block == NULL) *block = mem_alloc(sizeof **block);
    while (repeats->bucket_count <= repeats->count) bucket_add(repeats);
    uint32_t *head = &repeats->heads[bucket_of(hash, repeats->bucket_count)];
    *entry_at(repeats, number) = (struct entry){ hash, second_unix, *head };
    *head = number;
    repeats->count++;
}

void repeats_drop_newest(struct repeats *repeats, uint64_t count)
{
    for (; count > 0 && repeats->count > 0; count--) {
        uint32_t number = repeats->oldest + --repeats->count;
        const struct entry *entry = entry_at(repeats, number);
        uint32_t *head = &repeats->heads[bucket_of(entry->hash, repeats->bucket_count)];
        assert(*head == number); /* the newest of all is the newest of its bucket */
        *head = entry->older;
        if (number % REPEATS_BLOCK_ENTRIES != 0 && repeats->count > 0) continue;
        struct repeats_block **block = &repeats->blocks[number / REPEATS_BLOCK_ENTRIES % repeats->block_count];
        free(*block);
        *block = NULL;
    }
}

bool repeats_at(const struct repeats *repeats, uint64_t back, struct hash128 *hash, uint32_t *second_unix)
{
    if (back >= repeats->count) return false;
    const struct entry *entry = entry_at(repeats, repeats->oldest + repeats->count - 1 - (uint32_t)back);
    *hash = entry->hash;
    *second_unix = entry->second_unix;
    return true;
}

size_t repeats_bytes(const struct repeats *repeats)
{
    size_t bytes = repeats->block_count * sizeof *repeats->blocks + repeats->heads_cap * sizeof *repeats->heads;
    for (uint32_t i = 0; i < repeats->block_count; i++)
        if (repeats->blocks[i] != NULL) bytes += sizeof **repeats->blocks;
    return bytes;
}
