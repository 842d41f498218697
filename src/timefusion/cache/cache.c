#include "timefusion/cache/cache.h"
#include "base/clock.h"
#include "timefusion/cache/cache_inside.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    PAUSE_S = 10,        /* after a disk that was full, failed or was slow */
    ROOM_LOOK_S = 5,     /* how often the free room of the disk is looked at */
    SWEEP_S = 1,         /* how often old blocks are looked for */
    SWEEP_SLOTS = 8192,  /* and how many are looked at */
    ERASE_BATCH = 64,    /* blocks erased between two looks at the lock */
    SLOTS_PER_BLOCK = 4, /* of memory: most blocks may be short ones, with a slot each */
    FLIGHT_BYTES_MIN = 8 << 20,
    NOTES_PER_TTL = 16, /* how exactly the disk knows the last use */
};
#define SLOW_WRITE_NS 500000000ull

uint32_t cache_now_s(const struct cache *cache)
{
    int64_t now_us = cache->options.now_unix_us ? cache->options.now_unix_us(cache->options.now_ctx) : clock_unix_us();
    return now_us < 0 ? 0 : (uint32_t)(now_us / 1000000);
}

bool cache_takes(const char *key)
{
    size_t len = strlen(key);
    if (strstr(key, "_delta_log/")) return false;
    return (len > 8 && strcmp(key + len - 8, ".parquet") == 0) || strstr(key, "/_monoscope/index/") != NULL;
}

struct hash128 cache_object(const struct cache *cache, const char *key)
{
    (void)cache; /* whose store it is stands in the slabs: blocks of another one are not loaded */
    return hash128_of(bytes_of_text(key));
}

uint64_t cache_block_id(struct hash128 object, uint32_t block)
{
    return hash64_mix(object.lo + block * 0x9E3779B97F4A7C15u, object.hi ^ 0xE7037ED1A0B428DBu);
}

/* -- finding, with the lock ------------------------------------------------------------------------------------- */

static uint64_t index_bytes(const struct cache *cache)
{
    return cache_tier_bytes(&cache->memory) + cache->memory.slots_begun * sizeof *cache->names +
           (cache->has_disk ? cache_tier_bytes(&cache->disk) : 0) + (cache->reach_mask + 1ull) * sizeof *cache->reach;
}

uint64_t cache_memory_pages_max(const struct cache *cache)
{
    uint64_t others =
        index_bytes(cache) + cache->flight_bytes + (uint64_t)cache->memory.idle_pages_max * CACHE_PAGE_BYTES;
    return cache->options.memory_bytes > others ? (cache->options.memory_bytes - others) / CACHE_PAGE_BYTES : 0;
}

static bool is_old(const struct cache *cache, const struct cache_entry *entry, uint32_t now_s)
{
    return now_s > entry->touched_s && now_s - entry->touched_s > cache->options.ttl_s;
}

uint32_t cache_memory_find(struct cache *cache, struct hash128 object, uint32_t block, uint32_t need)
{
    uint32_t slot = cache_tier_find(&cache->memory, cache_block_id(object, block));
    if (slot == CACHE_SLOT_NONE) return slot;
    const struct cache_name *name = &cache->names[slot];
    bool is_it = hash128_equal(name->object, object) && name->block == block && name->len >= need;
    return is_it && !is_old(cache, &cache->memory.entries[slot], cache_now_s(cache)) ? slot : CACHE_SLOT_NONE;
}

uint32_t cache_disk_find(struct cache *cache, struct hash128 object, uint32_t block)
{
    if (!cache->has_disk) return CACHE_SLOT_NONE;
    uint32_t slot = cache_tier_find(&cache->disk, cache_block_id(object, block));
    return slot != CACHE_SLOT_NONE && is_old(cache, &cache->disk.entries[slot], cache_now_s(cache)) ? CACHE_SLOT_NONE
                                                                                                    : slot;
}

uint32_t cache_touch(struct cache *cache, struct hash128 object, uint32_t block, uint32_t memory_slot)
{
    uint32_t now_s = cache_now_s(cache);
    if (memory_slot != CACHE_SLOT_NONE && !cache_tier_touch(&cache->memory, memory_slot, now_s)) return CACHE_SLOT_NONE;
    /* The disk hears of it too: else what is hot, and so always met in memory, would look unused there and go. */
    uint32_t slot = cache_disk_find(cache, object, block);
    if (slot == CACHE_SLOT_NONE) return slot;
    const struct cache_entry *entry = &cache->disk.entries[slot];
    uint64_t exactness_s = cache->options.ttl_s / NOTES_PER_TTL + 1;
    bool was_used = entry->uses > 0 || entry->place == CACHE_PLACE_MAIN;
    uint64_t before = entry->touched_s / exactness_s;
    if (!cache_tier_touch(&cache->disk, slot, now_s)) return CACHE_SLOT_NONE;
    if (was_used && before == now_s / exactness_s) return CACHE_SLOT_NONE;
    cache_tier_pin(&cache->disk, slot);
    return slot;
}

static void reach_note(struct cache *cache, struct hash128 object, uint32_t block)
{
    uint32_t *reach = &cache->reach[object.lo & cache->reach_mask];
    if (*reach <= block) *reach = block + 1;
}

/* -- room on the disk ------------------------------------------------------------------------------------------- */

static uint64_t disk_pages_max(const struct cache *cache)
{
    return (uint64_t)(cache->slab_count - cache->slabs_away) * cache->slots_each * cache->block_pages;
}

static bool is_paused(const struct cache *cache, uint32_t now_s)
{
    return cache->pause_until_s > now_s && cache->pause_until_s - now_s <= PAUSE_S;
}

static void pause_begin(struct cache *cache, const char *why, const struct err *err)
{
    uint32_t now_s = cache_now_s(cache);
    if (!is_paused(cache, now_s))
        log_warn(cache->options.log, "cache.disk_paused", log_text("why", why), log_text("err", err ? err->text : ""),
                 log_number("seconds", PAUSE_S));
    cache->pause_until_s = now_s + PAUSE_S;
}

/* With the lock: the slab whose blocks were used least, withdrawn. False: none has anything to give. */
static bool slab_withdraw(struct cache *cache, uint32_t *number)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t n = 0; n < cache->slab_count; n++) {
        uint32_t first = n * cache->slots_each, used = 0, pinned = 0;
        if (first >= cache->disk.slots_begun || cache->disk.entries[first].place == CACHE_PLACE_AWAY) continue;
        for (uint32_t slot = first; slot < first + cache->slots_each; slot++) {
            used += cache->disk.entries[slot].place == CACHE_PLACE_MAIN || cache->disk.entries[slot].uses > 0;
            pinned += cache->disk.entries[slot].pins > 0;
        }
        if (pinned > 0 || used >= least) continue;
        least = used;
        *number = n;
    }
    if (least == UINT32_MAX || !cache_tier_withdraw(&cache->disk, *number * cache->slots_each, cache->slots_each))
        return false;
    cache->slabs_away++;
    return true;
}

/* Gives the file system bytes back, in whole slabs, and takes none for a while. */
static void give_back(struct cache *cache, uint64_t bytes, const char *why, const struct err *cause)
{
    uint64_t slab_bytes = (uint64_t)cache->slots_each * cache->block_bytes, given = 0;
    pthread_mutex_lock(&cache->lock);
    pause_begin(cache, why, cause);
    cache->giving_back++;
    while (given < bytes) {
        uint32_t number = 0;
        struct err err = { 0 };
        if (!slab_withdraw(cache, &number)) break;
        pthread_mutex_unlock(&cache->lock);
        bool ok = slab_drop(&cache->slabs, number, &err);
        pthread_mutex_lock(&cache->lock);
        if (!ok) cache->stats.disk_failures++;
        given += slab_bytes;
    }
    cache->giving_back--;
    pthread_mutex_unlock(&cache->lock);
}

/* Called without the lock before a write. Others need room on this disk more than we do: the log lives there too. */
static void room_look(struct cache *cache)
{
    uint64_t slab_bytes = (uint64_t)cache->slots_each * cache->block_bytes, room = 0;
    uint32_t now_s = cache_now_s(cache);
    struct err err = { 0 };
    pthread_mutex_lock(&cache->lock);
    bool is_time = now_s < cache->room_looked_s || now_s - cache->room_looked_s >= ROOM_LOOK_S;
    if (is_time) cache->room_looked_s = now_s;
    pthread_mutex_unlock(&cache->lock);
    if (!is_time || !cache->options.disk->ops->room(cache->options.disk, cache->dir, &room, &err)) return;
    if (room < cache->options.disk_reserve_bytes) {
        give_back(cache, cache->options.disk_reserve_bytes - room, "little room is free on the disk", NULL);
        return;
    }
    if (room - cache->options.disk_reserve_bytes < 2 * slab_bytes) return;
    pthread_mutex_lock(&cache->lock);
    for (uint32_t n = 0; n < cache->slab_count && cache->slabs_away > 0 && cache->giving_back == 0; n++) {
        if (cache->disk.entries[n * cache->slots_each].place != CACHE_PLACE_AWAY) continue;
        cache_tier_return(&cache->disk, n * cache->slots_each, cache->slots_each);
        cache->slabs_away--;
        break;
    }
    pthread_mutex_unlock(&cache->lock);
}

/* -- taking in -------------------------------------------------------------------------------------------------- */

uint32_t cache_memory_take(struct cache *cache, size_t len)
{
    uint32_t pages = (uint32_t)((len + CACHE_PAGE_BYTES - 1) / CACHE_PAGE_BYTES), slot = CACHE_SLOT_NONE;
    pthread_mutex_lock(&cache->lock);
    if (cache->region) slot = cache_tier_take(&cache->memory, pages, cache_memory_pages_max(cache));
    pthread_mutex_unlock(&cache->lock);
    return slot;
}

void cache_memory_publish(struct cache *cache, uint32_t slot, struct hash128 object, uint32_t block, uint32_t len)
{
    pthread_mutex_lock(&cache->lock);
    cache->names[slot] = (struct cache_name){ object, block, len };
    cache->memory.entries[slot].is_last = len < cache->block_bytes;
    cache_tier_publish(&cache->memory, slot, cache_block_id(object, block), cache_now_s(cache));
    reach_note(cache, object, block);
    pthread_mutex_unlock(&cache->lock);
}

void cache_memory_give_up(struct cache *cache, uint32_t slot)
{
    pthread_mutex_lock(&cache->lock);
    cache_tier_remove(&cache->memory, slot);
    pthread_mutex_unlock(&cache->lock);
}

void cache_keep_memory(struct cache *cache, struct hash128 object, uint32_t block, struct bytes bytes)
{
    assert(bytes.len > 0 && bytes.len <= cache->block_bytes);
    pthread_mutex_lock(&cache->lock);
    bool is_there = cache_memory_find(cache, object, block, (uint32_t)bytes.len) != CACHE_SLOT_NONE;
    pthread_mutex_unlock(&cache->lock);
    uint32_t slot = is_there ? CACHE_SLOT_NONE : cache_memory_take(cache, bytes.len);
    if (slot == CACHE_SLOT_NONE) return;
    memcpy(cache_memory_at(cache, slot), bytes.ptr, bytes.len);
    cache_memory_publish(cache, slot, object, block, (uint32_t)bytes.len);
}

/* A slot for that block, held. */
static uint32_t disk_slot_take(struct cache *cache, struct hash128 object, uint32_t block)
{
    uint32_t slot = CACHE_SLOT_NONE;
    pthread_mutex_lock(&cache->lock);
    if (cache_disk_find(cache, object, block) == CACHE_SLOT_NONE) {
        if (!is_paused(cache, cache_now_s(cache)))
            slot = cache_tier_take(&cache->disk, cache->block_pages, disk_pages_max(cache));
        if (slot == CACHE_SLOT_NONE) cache->stats.refused++;
    }
    pthread_mutex_unlock(&cache->lock);
    return slot;
}

void cache_keep_disk(struct cache *cache, struct hash128 object, uint32_t block, struct bytes bytes)
{
    if (!cache->has_disk) return;
    room_look(cache);
    uint32_t slot = disk_slot_take(cache, object, block);
    if (slot == CACHE_SLOT_NONE) return;
    struct slab_head head = {
        .object = object, .block = block, .len = (uint32_t)bytes.len, .touched_s = cache_now_s(cache)
    };
    struct err err = { 0 };
    uint64_t begin_ns = clock_mono_ns();
    bool ok = slab_write(&cache->slabs, slot, &head, bytes.ptr, &err);
    bool is_slow = clock_mono_ns() - begin_ns > SLOW_WRITE_NS;
    pthread_mutex_lock(&cache->lock);
    if (ok) {
        cache->stats.disk_bytes_written += bytes.len;
        cache->disk.entries[slot].is_last = bytes.len < cache->block_bytes;
        cache_tier_publish(&cache->disk, slot, cache_block_id(object, block), head.touched_s);
        reach_note(cache, object, block);
        if (is_slow) pause_begin(cache, "the disk takes long to write", NULL);
    } else {
        cache->stats.disk_failures++;
        cache->stats.refused++;
        cache_tier_remove(&cache->disk, slot);
        pause_begin(cache, "a write to the disk failed", &err);
    }
    pthread_mutex_unlock(&cache->lock);
    if (!ok && (err.os_errno == ENOSPC || err.os_errno == EDQUOT)) give_back(cache, 1, "the disk is full", &err);
}

bool cache_disk_read(struct cache *cache, uint32_t slot, struct hash128 object, uint32_t block, uint8_t *ptr,
                     uint32_t *len)
{
    struct slab_head head = { .object = object, .block = block };
    struct err err = { 0 };
    uint64_t begin_ns = clock_mono_ns();
    bool ok = slab_read(&cache->slabs, slot, &head, ptr, &err);
    if (ok) histogram_add_ns(&cache->disk_read_times, clock_mono_ns() - begin_ns);
    pthread_mutex_lock(&cache->lock);
    if (!ok) {
        bool is_first = cache->stats.corrupt + cache->stats.disk_failures == 0;
        ++*(err.code == ERR_CORRUPT ? &cache->stats.corrupt : &cache->stats.disk_failures);
        if (is_first) /* the counters tell the rest */
            log_warn(cache->options.log, "cache.block_lost", log_text("err", err.text),
                     log_text("then", "it is fetched from the store again"));
        cache_tier_remove(&cache->disk, slot);
    }
    cache_tier_unpin(&cache->disk, slot);
    pthread_mutex_unlock(&cache->lock);
    *len = head.len;
    return ok;
}

void cache_disk_forget(struct cache *cache, struct hash128 object, uint32_t block)
{
    pthread_mutex_lock(&cache->lock);
    uint32_t slot = cache_disk_find(cache, object, block);
    if (slot != CACHE_SLOT_NONE) cache_tier_remove(&cache->disk, slot);
    pthread_mutex_unlock(&cache->lock);
}

void cache_note_use(struct cache *cache, uint32_t disk_slot)
{
    if (disk_slot == CACHE_SLOT_NONE) return;
    struct err err = { 0 };
    bool ok = slab_note_use(&cache->slabs, disk_slot, cache_now_s(cache), &err);
    pthread_mutex_lock(&cache->lock);
    if (!ok && err.code != ERR_CORRUPT) cache->stats.disk_failures++; /* a bad head is met, and counted, by a read */
    cache_tier_unpin(&cache->disk, disk_slot);
    pthread_mutex_unlock(&cache->lock);
}

/* -- going ------------------------------------------------------------------------------------------------------ */

/* With the lock, which is let go meanwhile: slots that were removed and pinned are emptied on the disk, then free. */
static void disk_slots_erase(struct cache *cache, const uint32_t *slots, uint32_t count)
{
    uint32_t failed = 0;
    pthread_mutex_unlock(&cache->lock);
    for (uint32_t i = 0; i < count; i++) {
        struct err err = { 0 };
        failed += !slab_erase(&cache->slabs, slots[i], &err);
    }
    pthread_mutex_lock(&cache->lock);
    cache->stats.disk_failures += failed;
    for (uint32_t i = 0; i < count; i++) cache_tier_unpin(&cache->disk, slots[i]);
}

void cache_drop(struct cache *cache, struct hash128 object)
{
    uint32_t slots[ERASE_BATCH], count = 0;
    pthread_mutex_lock(&cache->lock);
    for (struct cache_flight *flight = cache->flights; flight; flight = flight->next)
        if (hash128_equal(flight->object, object)) flight->is_dropped = true;
    uint32_t reach = cache->reach[object.lo & cache->reach_mask];
    for (uint32_t block = 0; block < reach; block++) {
        uint32_t memory = cache_memory_find(cache, object, block, 0);
        if (memory != CACHE_SLOT_NONE) cache_tier_remove(&cache->memory, memory);
        uint32_t slot =
            cache->has_disk ? cache_tier_find(&cache->disk, cache_block_id(object, block)) : CACHE_SLOT_NONE;
        if (slot != CACHE_SLOT_NONE) {
            cache_tier_pin(&cache->disk, slot);
            cache_tier_remove(&cache->disk, slot);
            slots[count++] = slot;
        }
        cache->stats.dropped += memory != CACHE_SLOT_NONE || slot != CACHE_SLOT_NONE;
        if (count < ERASE_BATCH) continue;
        disk_slots_erase(cache, slots, count);
        count = 0;
    }
    if (count > 0) disk_slots_erase(cache, slots, count);
    pthread_mutex_unlock(&cache->lock);
}

static bool slot_is_old(const struct cache *cache, const struct cache_tier *tier, uint32_t slot, uint32_t now_s)
{
    const struct cache_entry *entry = &tier->entries[slot];
    return (entry->place == CACHE_PLACE_SMALL || entry->place == CACHE_PLACE_MAIN) && is_old(cache, entry, now_s);
}

void cache_sweep(struct cache *cache)
{
    uint32_t slots[ERASE_BATCH], count = 0, now_s = cache_now_s(cache);
    pthread_mutex_lock(&cache->lock);
    bool is_time = now_s < cache->swept_s || now_s - cache->swept_s >= SWEEP_S;
    if (is_time) cache->swept_s = now_s;
    for (uint32_t i = 0; is_time && i < SWEEP_SLOTS && i < cache->memory.slots_begun; i++) {
        uint32_t slot = cache->sweep_memory++ % cache->memory.slots_begun;
        if (!slot_is_old(cache, &cache->memory, slot, now_s)) continue;
        cache_tier_remove(&cache->memory, slot);
        cache->stats.expired++;
    }
    for (uint32_t i = 0; is_time && i < SWEEP_SLOTS && i < cache->disk.slots_begun && count < ERASE_BATCH; i++) {
        uint32_t slot = cache->sweep_disk++ % cache->disk.slots_begun;
        if (!slot_is_old(cache, &cache->disk, slot, now_s)) continue;
        cache_tier_pin(&cache->disk, slot);
        cache_tier_remove(&cache->disk, slot);
        cache->stats.expired++;
        slots[count++] = slot;
    }
    if (count > 0) disk_slots_erase(cache, slots, count);
    pthread_mutex_unlock(&cache->lock);
}

/* -- life ------------------------------------------------------------------------------------------------------- */

static void memory_slot_free(void *ctx, uint32_t slot)
{
    struct cache *cache = ctx;
    madvise(cache_memory_at(cache, slot), cache->block_bytes, MADV_DONTNEED);
}

/* Files that are neither thousands nor so big that giving one back hurts. */
static uint64_t slab_bytes_for(uint64_t disk_bytes)
{
    if (disk_bytes >= 256ull << 30) return 8ull << 30;
    if (disk_bytes >= 16ull << 30) return 1ull << 30;
    if (disk_bytes >= 1ull << 30) return 64ull << 20;
    return disk_bytes >= 64ull << 20 ? 4ull << 20 : 1ull << 20;
}

/* How many slots the disk gets: no more than half of the memory can tell of. */
static void disk_measure(struct cache *cache)
{
    uint64_t slots = cache->options.disk_bytes / cache->block_bytes;
    uint64_t each = slab_bytes_for(cache->options.disk_bytes) / cache->block_bytes;
    if (each == 0) each = 1;
    if (each > slots) each = slots;
    uint64_t count = each ? slots / each : 0, index_max = cache->options.memory_bytes / 2;
    if (count > SLAB_COUNT_MAX) count = SLAB_COUNT_MAX;
    while (cache->options.memory_bytes > 0 && count > 0 && cache_tier_bytes_max(count * each) > index_max) count--;
    cache->slots_each = (uint32_t)each;
    cache->slab_count = (uint32_t)count;
    if (count > 0 && count * each * cache->block_bytes < cache->options.disk_bytes / 10 * 9)
        log_warn(cache->options.log, "cache.disk_scaled",
                 log_number("disk_bytes", (int64_t)(count * each * cache->block_bytes)),
                 log_text("why", "the memory of the cache cannot hold the index of more: --cache-memory, --memory"));
}

struct loaded {
    uint64_t id;
    struct hash128 object;
    uint32_t slot, block, touched_s;
    bool was_used, is_last;
};
struct loading {
    struct loaded *items;
    size_t count, cap;
};

static void loading_add(void *ctx, uint32_t slot, const struct slab_head *head)
{
    struct loading *loading = ctx;
    if (loading->count == loading->cap) {
        loading->cap = loading->cap ? loading->cap * 2 : 1024;
        loading->items = mem_realloc(loading->items, loading->cap * sizeof *loading->items);
    }
    loading->items[loading->count++] = (struct loaded){ .id = cache_block_id(head->object, head->block),
                                                        .object = head->object,
                                                        .slot = slot,
                                                        .block = head->block,
                                                        .touched_s = head->touched_s,
                                                        .was_used = head->was_used,
                                                        .is_last = head->is_last };
}

static int loaded_compare(const void *a, const void *b)
{
    const struct loaded *x = a, *y = b;
    if (x->touched_s != y->touched_s) return x->touched_s < y->touched_s ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Oldest first, so that the lists have the order they had. */
static void disk_restore(struct cache *cache, struct loading *loading)
{
    if (loading->count > 0) qsort(loading->items, loading->count, sizeof *loading->items, loaded_compare);
    for (size_t i = 0; i < loading->count; i++) {
        const struct loaded *item = &loading->items[i];
        uint32_t twin = cache_tier_find(&cache->disk, item->id);
        if (twin != CACHE_SLOT_NONE) cache_tier_remove(&cache->disk, twin); /* the older of two */
        cache_tier_restore(&cache->disk, item->slot, item->id, cache->block_pages, item->touched_s, item->was_used);
        cache->disk.entries[item->slot].is_last = item->is_last;
        reach_note(cache, item->object, item->block);
    }
}

/* A disk that cannot be had is no disk: the memory is still of use. */
static void disk_start(struct cache *cache)
{
    struct loading loading = { 0 };
    struct err err = { 0 };
    uint64_t begin_ns = clock_mono_ns();
    disk_measure(cache);
    if (cache->slab_count == 0) return;
    cache_tier_init(&cache->disk, cache->slots_each * cache->slab_count, cache->slots_each * cache->slab_count,
                    cache->options.policy);
    struct hash128 scope = hash128_of(bytes_of_text(cache->options.scope ? cache->options.scope : ""));
    cache->has_disk = slabs_open(&cache->slabs, cache->options.disk, cache->dir, scope, cache->block_bytes,
                                 cache->slots_each, cache->slab_count, loading_add, &loading, &err);
    if (cache->has_disk) {
        disk_restore(cache, &loading);
        log_info(cache->options.log, "cache.opened", log_number("blocks", (int64_t)loading.count),
                 log_number("ms", (int64_t)((clock_mono_ns() - begin_ns) / 1000000)));
    } else {
        log_warn(cache->options.log, "cache.no_disk", log_text("dir", cache->dir), log_text("err", err.text));
        cache_tier_deinit(&cache->disk);
        cache->disk = (struct cache_tier){ 0 };
    }
    free(loading.items);
}

static bool memory_start(struct cache *cache, struct err *err)
{
    uint64_t blocks = cache->options.memory_bytes / cache->block_bytes, slots = blocks * SLOTS_PER_BLOCK;
    if (slots > UINT32_MAX / 2) return err_set(err, ERR_INPUT, "the cache's memory is too large for its blocks");
    cache_tier_init(&cache->memory, (uint32_t)slots, (uint32_t)blocks, cache->options.policy);
    cache->memory.on_free = memory_slot_free;
    cache->memory.idle_pages_max = 2 * cache->block_pages;
    cache->memory.ctx = cache;
    if (slots == 0) return true;
    cache->names = mem_calloc(slots, sizeof *cache->names);
    void *region = mmap(NULL, slots * cache->block_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return err_os(err, "could not reserve address space for the cache's memory");
    madvise(region, slots * cache->block_bytes, MADV_NOHUGEPAGE); /* short blocks are counted by small pages */
    cache->region = region;
    return true;
}

bool cache_open(struct cache **out, const struct cache_options *options, struct err *err)
{
    *out = NULL;
    uint32_t block_bytes = options->block_bytes ? options->block_bytes : CACHE_BLOCK_BYTES;
    if (block_bytes < CACHE_PAGE_BYTES || (block_bytes & (block_bytes - 1)) != 0 || block_bytes > 64u << 20)
        return err_set(err, ERR_INPUT, "a cache block of %" PRIu32 " bytes is no power of two from 4096", block_bytes);
    struct cache *cache = mem_calloc(1, sizeof *cache);
    cache->options = *options;
    cache->block_bytes = block_bytes;
    cache->block_pages = block_bytes / CACHE_PAGE_BYTES;
    cache->flight_bytes_max = options->memory_bytes / 4;
    if (cache->flight_bytes_max < FLIGHT_BYTES_MIN) cache->flight_bytes_max = FLIGHT_BYTES_MIN;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->changed, NULL);
    uint64_t blocks = (options->memory_bytes + (options->dir ? options->disk_bytes : 0)) / block_bytes;
    uint32_t reach = 256;
    while (reach < blocks / 4 && reach < 1u << 20) reach *= 2;
    cache->reach = mem_calloc(reach, sizeof *cache->reach);
    cache->reach_mask = reach - 1;
    if (!memory_start(cache, err)) {
        cache_close(cache);
        return false;
    }
    if (options->dir && options->disk_bytes > 0) {
        cache->dir = mem_strdup(options->dir);
        disk_start(cache);
    }
    *out = cache;
    return true;
}

void cache_close(struct cache *cache)
{
    if (!cache) return;
    assert(cache->flights == NULL);
    if (cache->has_disk) {
        slabs_close(&cache->slabs);
        cache_tier_deinit(&cache->disk);
    }
    if (cache->region) munmap(cache->region, (uint64_t)cache->memory.slot_count * cache->block_bytes);
    cache_tier_deinit(&cache->memory);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache->names);
    free(cache->reach);
    free(cache->dir);
    free(cache);
}

void cache_stats(struct cache *cache, struct cache_stats *stats)
{
    cache_sweep(cache);
    pthread_mutex_lock(&cache->lock);
    *stats = cache->stats;
    stats->memory_evictions = cache->memory.evictions;
    stats->disk_evictions = cache->disk.evictions;
    stats->memory_bytes = (cache->memory.pages_used + cache->memory.free.pages) * CACHE_PAGE_BYTES +
                          cache->flight_bytes + index_bytes(cache);
    stats->memory_bytes_max = cache->options.memory_bytes;
    stats->disk_bytes = cache->disk.pages_used * CACHE_PAGE_BYTES;
    stats->disk_bytes_max = cache->has_disk ? disk_pages_max(cache) * CACHE_PAGE_BYTES : 0;
    pthread_mutex_unlock(&cache->lock);
    histogram_read(&cache->fetch_times, &stats->fetch_times);
    histogram_read(&cache->disk_read_times, &stats->disk_read_times);
}
