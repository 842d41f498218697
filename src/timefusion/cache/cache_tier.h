/* cache_tier.h -- which blocks stay in a tier and which go: S3-FIFO with a window for what belongs together.
 *
 *   new --> [small, a tenth, first in first out] --used again--> [main, first in, first out; used ones go round] --> gone
 *                  '--not used--> gone, its name remembered [ghost]: comes back --> main
 *
 * Why: most blocks that a scan or a look into the past brings are read once. They must leave soon (through small, which a
 * scan may fill as it likes) and never push out what was used twice (main). A block that left small too early is known to
 * the ghost when it returns. Against W-TinyLFU: no lists are reordered by a hit, which is a counter of two bits, no sketch
 * must age, and what is new has a tenth of the room instead of a hundredth to show that it is used: dashboards of the last
 * minutes need that. bench/RESULTS.md has both this and LRU on one trace.
 * One thing is added to the paper: uses within CACHE_TOGETHER_S of the last one counted are one use. DuckDB opens a file
 * three times in a scan, reads its footer in pieces and its columns in runs that end inside of blocks: without it a scan
 * would look like two uses and walk into main.
 * An entry is a slot: of memory, or of the disk. This file knows neither; all is arithmetic, time comes as an argument.
 * Thread: none inside, its owner locks. Memory: 32 bytes a slot in use, 12 a slot for table and ghost.
 * Source: Yang and others, "FIFO queues are all you need for cache eviction", SOSP 2023. */
#pragma once
#include "base/bytes.h"
#include "timefusion/cache/cache.h"

#define CACHE_SLOT_NONE  UINT32_MAX
#define CACHE_TOGETHER_S 10
#define CACHE_PAGE_BYTES 4096u

enum cache_place {
    CACHE_PLACE_FREE,
    CACHE_PLACE_HELD, /* taken, being filled: in no queue */
    CACHE_PLACE_SMALL,
    CACHE_PLACE_MAIN,
    CACHE_PLACE_GOING, /* removed, freed with its last pin */
    CACHE_PLACE_AWAY,  /* withdrawn: there is no such slot now */
};
struct cache_entry {
    uint64_t id;
    uint32_t chain, next, prev; /* slots */
    uint32_t touched_s;         /* the last use that counted, Unix time */
    uint16_t pages, pins;
    uint8_t place, uses;
    bool is_last, unused; /* is_last: the owner's to set: the object ends with this block */
};
static_assert(sizeof(struct cache_entry) == 32, "there may be a million of them");

struct cache_list {
    uint32_t head, tail; /* in at the head, out at the tail */
    uint64_t pages;
};
struct cache_ghost;
struct cache_tier {
    struct cache_entry *entries;
    uint32_t slot_count, slots_begun; /* those from slots_begun on were never used */
    uint32_t *heads, head_mask;
    struct cache_list free, small, main;
    uint64_t pages_used; /* held and going ones too */
    struct cache_ghost *ghosts;
    uint32_t ghost_mask, ghost_clock, ghost_count; /* remembered are the last ghost_count that left small */
    enum cache_policy policy;
    uint64_t evictions;
    /* Its bytes are nobody's now; NULL: nothing to do. A few pages of free slots are kept for the next to come: giving
     * them back and having zeroed ones again costs more than all the rest of it. They are free.pages. */
    void (*on_free)(void *ctx, uint32_t slot);
    void *ctx;
    uint32_t idle_pages_max;
};

void cache_tier_init(struct cache_tier *tier, uint32_t slot_count, uint32_t ghost_count, enum cache_policy policy);
void cache_tier_deinit(struct cache_tier *tier);
/* Of this bookkeeping. */
uint64_t cache_tier_bytes(const struct cache_tier *tier);
/* What a tier of that many slots will need when all are in use. */
uint64_t cache_tier_bytes_max(uint64_t slot_count);

/* The slot of that id, or CACHE_SLOT_NONE. */
uint32_t cache_tier_find(const struct cache_tier *tier, uint64_t id);
/* A use. Answers whether it counted. */
bool cache_tier_touch(struct cache_tier *tier, uint32_t slot, uint32_t now_s);
/* A slot to fill, held with a pin; others are evicted until pages_max hold it too. NONE: what is there is pinned. */
uint32_t cache_tier_take(struct cache_tier *tier, uint32_t pages, uint64_t pages_max);
/* Evicts until no more than pages_max are used, or only pinned ones are left. */
void cache_tier_trim(struct cache_tier *tier, uint64_t pages_max);
/* It is filled: found from now on, and unpinned. An older slot of the same id is removed. */
void cache_tier_publish(struct cache_tier *tier, uint32_t slot, uint64_t id, uint32_t now_s);
/* The same for what was there before a restart. */
void cache_tier_restore(struct cache_tier *tier, uint32_t slot, uint64_t id, uint32_t pages, uint32_t touched_s,
                        bool was_used);
static inline void cache_tier_pin(struct cache_tier *tier, uint32_t slot)
{
    assert(tier->entries[slot].pins < UINT16_MAX);
    tier->entries[slot].pins++;
}
void cache_tier_unpin(struct cache_tier *tier, uint32_t slot);
/* Not found any more; freed at once or with its last pin. Of a held one: given back. */
void cache_tier_remove(struct cache_tier *tier, uint32_t slot);
/* Slots that can be used no more, until returned. False, and nothing done, when one of them is pinned. */
bool cache_tier_withdraw(struct cache_tier *tier, uint32_t first, uint32_t count);
void cache_tier_return(struct cache_tier *tier, uint32_t first, uint32_t count);
