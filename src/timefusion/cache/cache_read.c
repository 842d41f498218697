/* cache_read.c -- a read: which of its blocks are where, and the way from there to the caller.
 *
 *   plan (with the lock): each block is in memory, on disk, being fetched by another one, or missing
 *        missing neighbours become flights, a GET each, all sent side by side; others who miss the same blocks wait for them
 *   then, without it: copy from memory; fetch; read from disk; wait for others; a block that the disk had lost: plan again
 *
 * Read more than was asked for, in the same GET: all of a small object; the end of a large one when its last block is
 * missed (a footer is read in two steps); the next blocks when reads follow each other. */
#include "base/clock.h"
#include "timefusion/cache/cache_inside.h"
#include <inttypes.h>
#include <stdlib.h>

enum { FOOT_BLOCKS = 2 };

enum piece_kind { PIECE_MISSING, PIECE_MEMORY, PIECE_DISK, PIECE_FLIGHT, PIECE_DONE };
struct piece {
    enum piece_kind kind;
    uint32_t slot, note; /* note: a slot on disk whose last use is to be written */
    struct cache_flight *flight;
};
struct batch;
/* Up to CACHE_WINDOW_BLOCKS neighbouring blocks of one range. */
struct window {
    struct cache *cache;
    struct cache_source *source;
    struct batch *batch;
    uint64_t offset, end; /* of the bytes asked for */
    uint8_t *ptr;
    uint32_t first, count, ahead;
    struct piece pieces[CACHE_WINDOW_BLOCKS];
    uint64_t ends_at; /* the object does, as far as was seen */
    bool is_planned;
};
/* Windows whose fetches go out together. */
enum { BATCH_WINDOWS = 8, BATCH_FLIGHTS = BATCH_WINDOWS * CACHE_WINDOW_BLOCKS / 2 };
struct batch {
    struct cache *cache;
    struct cache_source *source;
    struct window windows[BATCH_WINDOWS];
    uint32_t count;
    struct cache_flight *own[BATCH_FLIGHTS]; /* runs have gaps between them */
    uint32_t own_count;
    bool has_fetched;
};
struct run {
    uint32_t first, count;
};

/* The part of a block that the caller wants: [*from, *to) in the block. */
static uint8_t *piece_place(const struct window *w, uint32_t p, uint32_t *from, uint32_t *to)
{
    uint64_t begin = (uint64_t)(w->first + p) * w->cache->block_bytes;
    *from = w->offset > begin ? (uint32_t)(w->offset - begin) : 0;
    *to = w->end - begin < w->cache->block_bytes ? (uint32_t)(w->end - begin) : w->cache->block_bytes;
    return w->ptr + (begin + *from - w->offset);
}

/* len bytes of the block are there. */
static void piece_copy(struct window *w, uint32_t p, const uint8_t *block, uint32_t len)
{
    uint32_t from, to;
    uint8_t *into = piece_place(w, p, &from, &to);
    if (w->pieces[p].kind == PIECE_DONE) return; /* behind the end, which was met meanwhile */
    if (len < to) {                              /* only of an object of unknown size: this is its end */
        uint64_t end = (uint64_t)(w->first + p) * w->cache->block_bytes + len;
        if (end < w->ends_at) w->ends_at = end;
        to = len;
    }
    if (to > from) memcpy(into, block + from, to - from);
    w->pieces[p].kind = PIECE_DONE;
}

/* -- the plan, with the lock ------------------------------------------------------------------------------------ */

static struct cache_flight *flight_find(struct cache *cache, struct hash128 object, uint32_t block)
{
    struct cache_flight *flight = cache->flights;
    while (flight && !(hash128_equal(flight->object, object) && block >= flight->first &&
                       block - flight->first < flight->count && !flight->has_failed))
        flight = flight->next;
    return flight;
}

static void piece_find(struct window *w, uint32_t p)
{
    struct cache *cache = w->cache;
    struct piece *piece = &w->pieces[p];
    struct hash128 object = w->source->object;
    uint32_t from, to, block = w->first + p;
    piece_place(w, p, &from, &to);
    bool is_size_known = w->source->bytes != CACHE_BYTES_UNKNOWN;
    piece->kind = PIECE_MISSING;
    piece->note = CACHE_SLOT_NONE;
    piece->slot = cache_memory_find(cache, object, block, is_size_known ? to : 1);
    if (piece->slot != CACHE_SLOT_NONE) {
        piece->kind = PIECE_MEMORY;
        cache_tier_pin(&cache->memory, piece->slot);
        piece->note = cache_touch(cache, object, block, piece->slot);
        return;
    }
    piece->flight = flight_find(cache, object, block);
    if (piece->flight) {
        piece->kind = PIECE_FLIGHT;
        piece->flight->references++;
        return;
    }
    piece->slot = cache_disk_find(cache, object, block);
    if (piece->slot == CACHE_SLOT_NONE) return;
    piece->kind = PIECE_DISK;
    cache_tier_pin(&cache->disk, piece->slot);
    piece->note = cache_touch(cache, object, block, CACHE_SLOT_NONE);
}

static bool is_missing(struct window *w, uint32_t block)
{
    struct hash128 object = w->source->object;
    return cache_memory_find(w->cache, object, block, 1) == CACHE_SLOT_NONE &&
           cache_disk_find(w->cache, object, block) == CACHE_SLOT_NONE && !flight_find(w->cache, object, block);
}

static uint32_t runs_find(const struct window *w, struct run *runs)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < w->count; p++) {
        if (w->pieces[p].kind != PIECE_MISSING) continue;
        if (count > 0 && runs[count - 1].first + runs[count - 1].count == w->first + p) {
            runs[count - 1].count++;
        } else {
            runs[count++] = (struct run){ w->first + p, 1 };
        }
    }
    return count;
}

/* More in the same GET, where it is likely to be asked for next. */
static void runs_extend(struct window *w, struct run *runs, uint32_t count)
{
    uint64_t bytes = w->source->bytes;
    bool is_size_known = bytes != CACHE_BYTES_UNKNOWN;
    uint64_t blocks = is_size_known ? (bytes + w->cache->block_bytes - 1) / w->cache->block_bytes : UINT32_MAX;
    struct run *last = &runs[count - 1];
    uint64_t from = runs[0].first, to = last->first + last->count;
    if (blocks <= CACHE_WHOLE_BLOCKS) {
        from = 0;
        to = blocks;
    } else if (to == blocks && count == 1 && from + FOOT_BLOCKS > blocks) {
        from = blocks - FOOT_BLOCKS;
    } else if (to == w->first + w->count) {
        to = to + w->ahead < blocks ? to + w->ahead : blocks;
    }
    while (runs[0].first > from && is_missing(w, runs[0].first - 1)) {
        runs[0].first--;
        runs[0].count++;
    }
    while (last->first + last->count < to && is_missing(w, last->first + last->count)) last->count++;
}

static uint64_t run_bytes(const struct window *w, const struct run *run)
{
    uint64_t begin = (uint64_t)run->first * w->cache->block_bytes, bytes = (uint64_t)run->count * w->cache->block_bytes;
    uint64_t size = w->source->bytes;
    return size != CACHE_BYTES_UNKNOWN && size - begin < bytes ? size - begin : bytes;
}

static void flight_begin(struct window *w, const struct run *run)
{
    struct cache *cache = w->cache;
    struct cache_flight *flight = mem_calloc(1, sizeof *flight);
    flight->object = w->source->object;
    flight->first = run->first;
    flight->count = run->count;
    flight->references = 1;
    flight->bytes = run_bytes(w, run);
    flight->next = cache->flights;
    cache->flights = flight;
    cache->flight_bytes += flight->bytes;
    assert(w->batch->own_count < BATCH_FLIGHTS);
    w->batch->own[w->batch->own_count++] = flight;
    for (uint32_t p = 0; p < w->count; p++) {
        uint32_t block = w->first + p;
        if (w->pieces[p].kind != PIECE_MISSING || block < run->first || block - run->first >= run->count) continue;
        w->pieces[p].kind = PIECE_FLIGHT;
        w->pieces[p].flight = flight;
        flight->references++;
        cache->stats.misses++;
    }
}

/* The last one frees it. */
static void flight_release(struct cache *cache, struct cache_flight *flight)
{
    if (--flight->references > 0) return;
    cache->flight_bytes -= flight->bytes;
    pthread_cond_broadcast(&cache->changed); /* for those who wait for room */
    free(flight->ptr);
    free(flight);
}

static void pieces_release(struct window *w)
{
    for (uint32_t p = 0; p < w->count; p++) {
        struct piece *piece = &w->pieces[p];
        if (piece->kind == PIECE_MEMORY) cache_tier_unpin(&w->cache->memory, piece->slot);
        if (piece->kind == PIECE_DISK) cache_tier_unpin(&w->cache->disk, piece->slot);
        if (piece->kind == PIECE_FLIGHT) flight_release(w->cache, piece->flight);
        if (piece->kind == PIECE_DONE) continue;
        if (piece->note != CACHE_SLOT_NONE) cache_tier_unpin(&w->cache->disk, piece->note);
        piece->kind = PIECE_MISSING;
        piece->note = CACHE_SLOT_NONE;
    }
}

static void plan_count(struct window *w)
{
    struct cache_stats *stats = &w->cache->stats;
    for (uint32_t p = 0; p < w->count; p++) {
        stats->memory_hits += w->pieces[p].kind == PIECE_MEMORY;
        stats->disk_hits += w->pieces[p].kind == PIECE_DISK;
        stats->joins += w->pieces[p].kind == PIECE_FLIGHT;
        w->batch->has_fetched |= w->pieces[p].kind == PIECE_FLIGHT || w->pieces[p].kind == PIECE_MISSING;
    }
}

/* An object of unknown size whose last block is here: what is asked for beyond it is not missing. */
static void end_find(struct window *w)
{
    for (uint32_t p = 0; p < w->count; p++) {
        const struct piece *piece = &w->pieces[p];
        bool is_last = (piece->kind == PIECE_MEMORY && w->cache->memory.entries[piece->slot].is_last) ||
                       (piece->kind == PIECE_DISK && w->cache->disk.entries[piece->slot].is_last);
        if (!is_last) continue;
        while (++p < w->count)
            if (w->pieces[p].kind == PIECE_MISSING) w->pieces[p].kind = PIECE_DONE;
    }
}

/* False: its fetches have no room beside those under way, and what was found for it is let go. */
static bool window_plan(struct window *w)
{
    struct cache *cache = w->cache;
    struct run runs[CACHE_WINDOW_BLOCKS];
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < w->count; p++)
        if (w->pieces[p].kind == PIECE_MISSING) piece_find(w, p);
    if (w->source->bytes == CACHE_BYTES_UNKNOWN) end_find(w);
    uint32_t run_count = runs_find(w, runs);
    if (run_count > 0) runs_extend(w, runs, run_count);
    for (uint32_t r = 0; r < run_count; r++) bytes += run_bytes(w, &runs[r]);
    if (bytes > 0 && cache->flight_bytes > 0 && cache->flight_bytes + bytes > cache->flight_bytes_max) {
        pieces_release(w);
        return false;
    }
    plan_count(w);
    for (uint32_t r = 0; r < run_count; r++) flight_begin(w, &runs[r]);
    if (bytes > 0) cache_tier_trim(&cache->memory, cache_memory_pages_max(cache));
    return true;
}

static bool window_is_done(const struct window *w)
{
    for (uint32_t p = 0; p < w->count; p++)
        if (w->pieces[p].kind != PIECE_DONE) return false;
    return true;
}

/* As many windows as there is room for; at least one, for which room is waited for while nothing is held that others
 * may wait for. */
static void plan(struct batch *batch)
{
    struct cache *cache = batch->cache;
    bool has_one = false;
    pthread_mutex_lock(&cache->lock);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct window *w = &batch->windows[i];
        w->is_planned = false;
        if (window_is_done(w)) continue;
        while (!(w->is_planned = window_plan(w)) && !has_one) pthread_cond_wait(&cache->changed, &cache->lock);
        if (!w->is_planned) continue;
        has_one = true;
    }
    pthread_mutex_unlock(&cache->lock);
}

/* -- the ways --------------------------------------------------------------------------------------------------- */

static void memory_copy(struct window *w)
{
    for (uint32_t p = 0; p < w->count; p++) {
        struct piece *piece = &w->pieces[p];
        if (piece->kind != PIECE_MEMORY) continue;
        uint32_t slot = piece->slot;
        piece_copy(w, p, cache_memory_at(w->cache, slot), w->cache->names[slot].len);
        pthread_mutex_lock(&w->cache->lock);
        cache_tier_unpin(&w->cache->memory, slot);
        pthread_mutex_unlock(&w->cache->lock);
        cache_note_use(w->cache, piece->note);
        piece->note = CACHE_SLOT_NONE;
    }
}

static bool ranges_get(struct batch *batch, bool is_size_known, struct err *err)
{
    struct cache_source *source = batch->source;
    struct object_range ranges[BATCH_FLIGHTS];
    for (uint32_t f = 0; f < batch->own_count; f++) {
        struct cache_flight *flight = batch->own[f];
        flight->ptr = mem_alloc(flight->bytes);
        flight->len = (size_t)flight->bytes;
        ranges[f] =
            (struct object_range){ (uint64_t)flight->first * batch->cache->block_bytes, flight->len, flight->ptr };
    }
    if (is_size_known) return object_get_ranges(source->inner, source->key, ranges, batch->own_count, err);
    for (uint32_t f = 0; f < batch->own_count; f++)
        if (!source->read_short(source, ranges[f].offset, ranges[f].into, ranges[f].len, &batch->own[f]->len, err))
            return false;
    return true;
}

static bool flight_is_dropped(struct cache *cache, const struct cache_flight *flight)
{
    pthread_mutex_lock(&cache->lock);
    bool is_dropped = flight->is_dropped;
    pthread_mutex_unlock(&cache->lock);
    return is_dropped;
}

static void flight_keep(struct cache *cache, struct cache_flight *flight)
{
    for (uint32_t b = 0; b < flight->count; b++) {
        size_t at = (size_t)b * cache->block_bytes;
        if (at >= flight->len || flight_is_dropped(cache, flight)) return;
        size_t len = flight->len - at < cache->block_bytes ? flight->len - at : cache->block_bytes;
        cache_keep_memory(cache, flight->object, flight->first + b, bytes_from(flight->ptr + at, len));
        cache_keep_disk(cache, flight->object, flight->first + b, bytes_from(flight->ptr + at, len));
    }
}

static void flight_unlink(struct cache *cache, struct cache_flight *flight)
{
    struct cache_flight **at = &cache->flights;
    while (*at != flight) at = &(*at)->next;
    *at = flight->next;
    flight_release(cache, flight);
}

/* Those who wait are told first; who comes later finds the blocks in the flight until they are kept. */
static bool own_fetch(struct batch *batch, bool is_size_known, struct err *err)
{
    struct cache *cache = batch->cache;
    if (batch->own_count == 0) return true;
    uint64_t begin_ns = clock_mono_ns(), bytes = 0;
    bool ok = ranges_get(batch, is_size_known, err);
    histogram_add_ns(&cache->fetch_times, clock_mono_ns() - begin_ns);
    pthread_mutex_lock(&cache->lock);
    for (uint32_t f = 0; f < batch->own_count; f++) {
        batch->own[f]->is_done = true;
        batch->own[f]->has_failed = !ok;
        if (!ok) batch->own[f]->err = *err;
        bytes += batch->own[f]->len;
    }
    cache->stats.fetches += batch->own_count;
    if (ok) cache->stats.bytes_fetched += bytes;
    cache->stats.fetch_failures += !ok;
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
    for (uint32_t f = 0; ok && f < batch->own_count; f++) flight_keep(cache, batch->own[f]);
    bool is_dropped = false; /* between two blocks: what was kept after that goes again */
    pthread_mutex_lock(&cache->lock);
    for (uint32_t f = 0; f < batch->own_count; f++) {
        is_dropped |= batch->own[f]->is_dropped;
        flight_unlink(cache, batch->own[f]);
    }
    pthread_mutex_unlock(&cache->lock);
    if (is_dropped) cache_drop(cache, batch->source->object);
    batch->own_count = 0;
    return ok;
}

/* Straight into its place in memory. False: no place was to be had, or it was lost. */
static bool disk_copy_whole(struct window *w, uint32_t p, bool *was_read)
{
    struct cache *cache = w->cache;
    uint32_t slot = cache_memory_take(cache, cache->block_bytes), len = 0, block = w->first + p;
    if (slot == CACHE_SLOT_NONE) return false;
    uint8_t *into = cache_memory_at(cache, slot);
    *was_read = true;
    if (!cache_disk_read(cache, w->pieces[p].slot, w->source->object, block, into, &len) || len < cache->block_bytes) {
        cache_memory_give_up(cache, slot);
        return false;
    }
    piece_copy(w, p, into, len);
    cache_memory_publish(cache, slot, w->source->object, block, len);
    return true;
}

/* By way of a buffer: the end of an object, or there is no memory tier. */
static void disk_copy_part(struct window *w, uint32_t p)
{
    struct cache *cache = w->cache;
    struct hash128 object = w->source->object;
    uint32_t len = 0, from, to, block = w->first + p;
    uint8_t *buffer = mem_alloc(cache->block_bytes);
    piece_place(w, p, &from, &to);
    bool ok = cache_disk_read(cache, w->pieces[p].slot, object, block, buffer, &len);
    if (ok && len < to && w->source->bytes != CACHE_BYTES_UNKNOWN) {
        cache_disk_forget(cache, object, block); /* kept when the object was said to be shorter */
    } else if (ok) {
        cache_keep_memory(cache, object, block, bytes_from(buffer, len));
        piece_copy(w, p, buffer, len);
    }
    free(buffer);
}

static void disk_copy(struct window *w)
{
    for (uint32_t p = 0; p < w->count; p++) {
        struct piece *piece = &w->pieces[p];
        if (piece->kind != PIECE_DISK) continue;
        bool was_read = false;
        bool is_whole = !w->cache->disk.entries[piece->slot].is_last; /* stays as it is while pinned */
        bool ok = is_whole && disk_copy_whole(w, p, &was_read);
        if (!ok && !was_read) disk_copy_part(w, p);
        cache_note_use(w->cache, piece->note);
        piece->note = CACHE_SLOT_NONE;
        if (piece->kind != PIECE_DONE) piece->kind = PIECE_MISSING;
    }
}

static bool flights_copy(struct window *w, struct err *err)
{
    struct cache *cache = w->cache;
    bool ok = true;
    for (uint32_t p = 0; p < w->count; p++) {
        struct piece *piece = &w->pieces[p];
        if (piece->kind != PIECE_FLIGHT) continue;
        struct cache_flight *flight = piece->flight;
        pthread_mutex_lock(&cache->lock);
        while (!flight->is_done) pthread_cond_wait(&cache->changed, &cache->lock);
        pthread_mutex_unlock(&cache->lock);
        if (flight->has_failed) {
            if (ok) *err = flight->err;
            ok = false;
            piece->kind = PIECE_DONE;
        } else {
            size_t at = (size_t)(w->first + p - flight->first) * cache->block_bytes;
            size_t len = at < flight->len ? flight->len - at : 0;
            piece_copy(w, p, flight->ptr + (len ? at : 0),
                       len < cache->block_bytes ? (uint32_t)len : cache->block_bytes);
        }
        pthread_mutex_lock(&cache->lock);
        flight_release(cache, flight);
        pthread_mutex_unlock(&cache->lock);
    }
    return ok;
}

/* Own fetches come before waiting for others': so nobody waits in a circle. */
static bool batch_read(struct batch *batch, struct err *err)
{
    for (bool ok = true;;) {
        bool is_done = true;
        for (uint32_t i = 0; i < batch->count; i++) is_done = is_done && window_is_done(&batch->windows[i]);
        if (is_done || !ok) return ok;
        bool is_size_known = batch->source->bytes != CACHE_BYTES_UNKNOWN;
        plan(batch);
        for (uint32_t i = 0; i < batch->count; i++)
            if (batch->windows[i].is_planned) memory_copy(&batch->windows[i]);
        ok = own_fetch(batch, is_size_known, err);
        for (uint32_t i = 0; i < batch->count; i++) {
            if (!batch->windows[i].is_planned) continue;
            disk_copy(&batch->windows[i]);
            ok = flights_copy(&batch->windows[i], err) && ok;
        }
    }
}

/* -- the read --------------------------------------------------------------------------------------------------- */

/* Does this read go on where the last one ended? Then the next ones will, too. */
static uint32_t ahead_measure(struct cache *cache, struct cache_source *source, uint64_t offset, uint64_t end)
{
    uint64_t expected = atomic_exchange(&source->sequence_at, end);
    uint32_t ahead = 0;
    if (offset > 0 && offset <= expected + cache->block_bytes && expected <= offset + cache->block_bytes) {
        ahead = atomic_load(&source->ahead_blocks) * 2;
        if (ahead < 2) ahead = 2;
        if (ahead > CACHE_AHEAD_BLOCKS) ahead = CACHE_AHEAD_BLOCKS;
    }
    atomic_store(&source->ahead_blocks, ahead);
    return ahead;
}

/* The next part of [offset, end), up to a window. Answers where it ends. */
static uint64_t batch_add(struct batch *batch, uint64_t offset, uint64_t end, void *ptr, uint32_t ahead)
{
    uint64_t first = offset / batch->cache->block_bytes;
    uint64_t part_end = (first + CACHE_WINDOW_BLOCKS) * batch->cache->block_bytes;
    if (part_end > end) part_end = end;
    struct window *w = &batch->windows[batch->count++];
    *w = (struct window){ .cache = batch->cache,
                          .source = batch->source,
                          .batch = batch,
                          .offset = offset,
                          .end = part_end,
                          .ptr = ptr,
                          .first = (uint32_t)first,
                          .count = (uint32_t)((part_end - 1) / batch->cache->block_bytes - first + 1),
                          .ahead = part_end == end ? ahead : 0,
                          .ends_at = UINT64_MAX };
    for (uint32_t p = 0; p < w->count; p++) w->pieces[p].note = CACHE_SLOT_NONE;
    return part_end;
}

static bool range_check(const struct cache *cache, uint64_t offset, uint64_t len, struct err *err)
{
    uint64_t end;
    if (!__builtin_add_overflow(offset, len, &end) && end / cache->block_bytes < UINT32_MAX / 2) return true;
    return err_set(err, ERR_INPUT, "an object of that size cannot be cached");
}

static void request_count(struct cache *cache, bool ok, bool has_fetched, uint64_t bytes)
{
    pthread_mutex_lock(&cache->lock);
    cache->stats.requests++;
    cache->stats.request_hits += ok && !has_fetched;
    if (ok) cache->stats.bytes_asked += bytes;
    pthread_mutex_unlock(&cache->lock);
}

bool cache_read(struct cache *cache, struct cache_source *source, uint64_t offset, void *ptr, size_t max, size_t *len,
                struct err *err)
{
    uint64_t bytes = source->bytes, at = offset;
    bool ok = true, has_ended = false;
    *len = 0;
    if (bytes != CACHE_BYTES_UNKNOWN && offset >= bytes) return true;
    if (bytes != CACHE_BYTES_UNKNOWN && max > bytes - offset) max = (size_t)(bytes - offset);
    if (max == 0) return true;
    if (!range_check(cache, offset, max, err)) return false;
    uint32_t ahead = ahead_measure(cache, source, offset, offset + max);
    struct batch batch = { .cache = cache, .source = source };
    while (ok && !has_ended && at < offset + max) {
        uint64_t next = batch_add(&batch, at, offset + max, (uint8_t *)ptr + (at - offset), ahead);
        ok = batch_read(&batch, err);
        uint64_t ends_at = batch.windows[0].ends_at;
        has_ended = ends_at < next;
        at = has_ended && ends_at > at ? ends_at : has_ended ? at : next;
        batch.count = 0;
    }
    if (ok && has_ended && at > offset) source->bytes = at;
    request_count(cache, ok, batch.has_fetched, at - offset);
    *len = ok ? (size_t)(at - offset) : 0;
    return ok;
}

bool cache_read_ranges(struct cache *cache, struct cache_source *source, const struct object_range *ranges,
                       uint32_t count, struct err *err)
{
    struct batch batch = { .cache = cache, .source = source };
    for (uint32_t r = 0; r < count; r++)
        if (!range_check(cache, ranges[r].offset, ranges[r].len, err)) return false;
    uint64_t bytes = 0;
    bool ok = true;
    for (uint32_t r = 0; ok && r < count; r++) {
        uint64_t at = ranges[r].offset, end = at + ranges[r].len;
        while (ok && at < end) {
            uint64_t next = batch_add(&batch, at, end, (uint8_t *)ranges[r].into + (at - ranges[r].offset), 0);
            bytes += next - at;
            at = next;
            if (batch.count < BATCH_WINDOWS && (at < end || r + 1 < count)) continue;
            ok = batch_read(&batch, err);
            for (uint32_t w = 0; ok && w < batch.count; w++)
                if (batch.windows[w].ends_at < batch.windows[w].end)
                    ok = err_set(err, ERR_CORRUPT, "object ends at byte %" PRIu64 ", more was wanted",
                                 batch.windows[w].ends_at);
            batch.count = 0;
        }
    }
    if (ok && batch.count > 0) ok = batch_read(&batch, err); /* behind the last one there were only empty ranges */
    request_count(cache, ok, batch.has_fetched, bytes);
    return ok;
}
