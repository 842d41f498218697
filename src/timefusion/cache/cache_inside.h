/* cache_inside.h -- what the files of this folder share: the two tiers, what is being fetched, and the counts.
 *
 *   cache_store.c --cache_read--> cache_read.c --plan--> copies from memory | slab_read | object_get_ranges
 *                 --cache_warm,   cache.c: taking blocks in, dropping them, giving room back
 *                   cache_drop-->
 *
 * Thread: lock guards all that changes but the bytes of pinned slots and the slabs. changed is told when a fetch ends. */
#pragma once
#include "timefusion/cache/cache.h"
#include "timefusion/cache/cache_tier.h"
#include "timefusion/cache/slab.h"
#include <pthread.h>
#include <stdatomic.h>

#define CACHE_BYTES_UNKNOWN UINT64_MAX
/* At most so many blocks are planned, fetched and held at once for one reader. */
#define CACHE_WINDOW_BLOCKS 32u
#define CACHE_AHEAD_BLOCKS  16u /* most read beyond what was asked */
#define CACHE_WHOLE_BLOCKS  8u  /* objects up to so many come whole */

/* Of a block in memory: which it is. An id alone might, once in a long time, be that of two. */
struct cache_name {
    struct hash128 object;
    uint32_t block, len;
};
/* A run of neighbouring blocks on its way from the store. */
struct cache_flight {
    struct cache_flight *next;
    struct hash128 object;
    uint32_t first, count;
    uint32_t references;
    bool is_done, has_failed;
    bool is_dropped; /* the object was deleted meanwhile: not kept */
    struct err err;
    uint64_t bytes; /* room in ptr */
    size_t len;     /* valid; less than asked for: the object ends there */
    uint8_t *ptr;
};
struct cache {
    struct cache_options options;
    char *dir;
    uint32_t block_bytes, block_pages;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct cache_tier memory, disk;
    bool has_disk;
    uint8_t *region; /* of the memory tier: slots of block_bytes; pages not in use are given back */
    struct cache_name *names;
    struct slabs slabs;
    uint32_t slots_each, slab_count, slabs_away;
    uint32_t giving_back; /* threads that drop slabs which they withdrew: none is returned meanwhile */
    struct cache_flight *flights;
    uint64_t flight_bytes, flight_bytes_max;
    uint32_t *reach, reach_mask; /* by hash of the object: one more than the highest block ever kept of such objects */
    uint32_t pause_until_s;      /* nothing is written to disk before */
    uint32_t room_looked_s, swept_s, sweep_memory, sweep_disk;
    struct cache_stats stats;
    struct histogram fetch_times, disk_read_times;
};

/* An object being read. */
struct cache_source {
    struct object_store *inner;
    const char *key;
    struct hash128 object;
    _Atomic uint64_t bytes; /* of the object; CACHE_BYTES_UNKNOWN until told or met */
    /* The reader's own: where a read in sequence would begin, and how far it is read ahead. */
    _Atomic uint64_t sequence_at;
    _Atomic uint32_t ahead_blocks;
    bool (*read_short)(struct cache_source *source, uint64_t offset, void *ptr, size_t max, size_t *len,
                       struct err *err); /* for objects of unknown size */
};

uint32_t cache_now_s(const struct cache *cache);
struct hash128 cache_object(const struct cache *cache, const char *key);
uint64_t cache_block_id(struct hash128 object, uint32_t block);

/* *len < max only at the end of the object. */
MUST_CHECK bool cache_read(struct cache *cache, struct cache_source *source, uint64_t offset, void *ptr, size_t max,
                           size_t *len, struct err *err);
/* Side by side; each exactly. */
MUST_CHECK bool cache_read_ranges(struct cache *cache, struct cache_source *source, const struct object_range *ranges,
                                  uint32_t count, struct err *err);
/* With the lock: the slot of that block, fresh enough and with at least need bytes in memory, or CACHE_SLOT_NONE. */
uint32_t cache_memory_find(struct cache *cache, struct hash128 object, uint32_t block, uint32_t need);
uint32_t cache_disk_find(struct cache *cache, struct hash128 object, uint32_t block);
/* With the lock: a use of a block, in memory or on disk; both tiers hear of it. Answers the slot on disk whose head should
 * be written anew, or CACHE_SLOT_NONE; it is pinned: cache_note_use. */
uint32_t cache_touch(struct cache *cache, struct hash128 object, uint32_t block, uint32_t memory_slot);
void cache_note_use(struct cache *cache, uint32_t disk_slot);
/* With the lock: pages that blocks in memory may use now. */
uint64_t cache_memory_pages_max(const struct cache *cache);
static inline uint8_t *cache_memory_at(const struct cache *cache, uint32_t slot)
{
    return cache->region + (uint64_t)slot * cache->block_bytes;
}

/* Without the lock. Takes a block in, where it is not yet. */
/* A slot of memory for that many bytes, held: to be filled without the lock, then published or given up. */
uint32_t cache_memory_take(struct cache *cache, size_t len);
void cache_memory_publish(struct cache *cache, uint32_t slot, struct hash128 object, uint32_t block, uint32_t len);
void cache_memory_give_up(struct cache *cache, uint32_t slot);
void cache_keep_memory(struct cache *cache, struct hash128 object, uint32_t block, struct bytes bytes);
void cache_keep_disk(struct cache *cache, struct hash128 object, uint32_t block, struct bytes bytes);
/* From the disk: all of the block into ptr (block_bytes). slot is pinned, and unpinned here. False: it is no longer there. */
bool cache_disk_read(struct cache *cache, uint32_t slot, struct hash128 object, uint32_t block, uint8_t *ptr,
                     uint32_t *len);
void cache_disk_forget(struct cache *cache, struct hash128 object, uint32_t block);
void cache_drop(struct cache *cache, struct hash128 object);
/* Now and then: what was not used for long goes. */
void cache_sweep(struct cache *cache);
