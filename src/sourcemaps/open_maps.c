#include "sourcemaps/open_maps.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "timefusion/object/object.h"

enum { SLOTS = 1024, WANTED_MAX = 64, ZSTD_LEVEL = 9 };
#define PACKED_BYTES_MAX (512u << 20)
#define NS_PER_MS        1000000ull

enum state { STATE_WANTED, STATE_OPEN, STATE_FAILED };
struct open_map {
    struct uuid project_id, id;
    struct map map;
    uint8_t *bytes;
    size_t len;
    enum state state;
    bool is_final;      /* of STATE_FAILED: trying again is of no use */
    bool is_used;       /* since open_maps_used */
    bool is_asked;      /* somebody waits for it, or did: before those that are only wanted */
    uint64_t retry_ns;  /* of STATE_FAILED */
    uint64_t used_tick; /* the last hold */
    uint32_t holders;
    struct open_map *next; /* of its slot */
    struct open_map *next_wanted;
};

struct open_maps {
    struct open_maps_options options;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wanted, came;
    bool stops, is_slow;
    struct open_map *slots[SLOTS];
    struct open_map *first_wanted, *last_wanted;
    uint32_t wanted_count, count;
    uint64_t bytes, tick, fetches, fetch_failures;
};

void open_maps_key(struct uuid project_id, struct uuid id, const char *suffix, char key[OPEN_MAPS_KEY_BYTES])
{
    char project[UUID_TEXT_BYTES + 1], text[UUID_TEXT_BYTES + 1];
    uuid_to_text(project_id, project);
    uuid_to_text(id, text);
    snprintf(key, OPEN_MAPS_KEY_BYTES, "source_maps/%s/%s.%s", project, text, suffix);
}

bool open_maps_pack(struct bytes compact, struct buf *packed, struct err *err)
{
    size_t room = ZSTD_compressBound(compact.len);
    if (!buf_reserve(packed, room)) return err_set(err, ERR_TOO_LARGE, "the map is too large");
    size_t len = ZSTD_compress(packed->ptr + packed->len, room, compact.ptr, compact.len, ZSTD_LEVEL);
    if (ZSTD_isError(len)) return err_set(err, ERR_BUSY, "could not compress a map: %s", ZSTD_getErrorName(len));
    packed->len += len;
    return true;
}

bool open_maps_unpack(struct bytes packed, uint64_t bytes_max, uint8_t **compact, size_t *len, struct err *err)
{
    unsigned long long bytes = ZSTD_getFrameContentSize(packed.ptr, packed.len);
    *compact = NULL;
    if (bytes == ZSTD_CONTENTSIZE_ERROR || bytes == ZSTD_CONTENTSIZE_UNKNOWN)
        return err_set(err, ERR_CORRUPT, "a kept source map is not as it was kept");
    if (bytes > bytes_max)
        return err_set(err, ERR_TOO_LARGE, "a source map takes %llu bytes, more than all may take together", bytes);
    *compact = mem_alloc(bytes + 1);
    *len = ZSTD_decompress(*compact, bytes, packed.ptr, packed.len);
    if (!ZSTD_isError(*len) && *len == bytes) return true;
    free(*compact);
    *compact = NULL;
    return err_set(err, ERR_CORRUPT, "a kept source map is not as it was kept");
}

/* ---- the table; under the lock ---- */

static struct open_map **slot_of(struct open_maps *maps, struct uuid id)
{
    return &maps->slots[hash64_of(bytes_from(id.bytes, sizeof id.bytes)) % SLOTS];
}

static struct open_map *find(struct open_maps *maps, struct uuid id)
{
    struct open_map *map = *slot_of(maps, id);
    while (map != NULL && !uuid_equal(map->id, id)) map = map->next;
    return map;
}

static void want(struct open_maps *maps, struct open_map *map, bool is_asked)
{
    map->state = STATE_WANTED;
    map->is_asked = is_asked;
    map->next_wanted = NULL;
    if (maps->last_wanted != NULL)
        maps->last_wanted->next_wanted = map;
    else
        maps->first_wanted = map;
    maps->last_wanted = map;
    maps->wanted_count++;
    pthread_cond_signal(&maps->wanted);
}

static struct open_map *add(struct open_maps *maps, struct uuid project_id, struct uuid id, bool is_asked)
{
    struct open_map *map = mem_calloc(1, sizeof *map), **slot = slot_of(maps, id);
    map->project_id = project_id;
    map->id = id;
    map->next = *slot;
    map->used_tick = ++maps->tick;
    *slot = map;
    want(maps, map, is_asked);
    return map;
}

static void drop(struct open_maps *maps, struct open_map *map)
{
    struct open_map **at = slot_of(maps, map->id);
    while (*at != map) at = &(*at)->next;
    *at = map->next;
    if (map->state == STATE_OPEN) {
        maps->bytes -= map->len;
        maps->count--;
    }
    free(map->bytes);
    free(map);
}

/* The one that nobody holds and that was used the longest time ago; failed ones are small and go as well. */
static struct open_map *oldest(struct open_maps *maps, enum state state)
{
    struct open_map *oldest = NULL;
    for (uint32_t s = 0; s < SLOTS; s++) {
        for (struct open_map *map = maps->slots[s]; map != NULL; map = map->next) {
            if (map->holders == 0 && map->state == state && (oldest == NULL || map->used_tick < oldest->used_tick))
                oldest = map;
        }
    }
    return oldest;
}

static void room_make(struct open_maps *maps, size_t len)
{
    while (maps->bytes + len > maps->options.bytes_max) {
        struct open_map *map = oldest(maps, STATE_OPEN);
        if (map == NULL) return;
        drop(maps, map);
    }
}

/* ---- the thread ---- */

static bool fetch(struct open_maps *maps, const struct open_map *wanted, struct map *map, uint8_t **bytes, size_t *len,
                  struct err *err)
{
    char key[OPEN_MAPS_KEY_BYTES];
    struct buf packed;
    buf_init(&packed, PACKED_BYTES_MAX);
    open_maps_key(wanted->project_id, wanted->id, "map", key);
    bool ok = object_get(maps->options.objects, key, PACKED_BYTES_MAX, &packed, err) &&
              open_maps_unpack(buf_bytes(&packed), maps->options.bytes_max, bytes, len, err);
    buf_deinit(&packed);
    if (ok && !map_open(map, bytes_from(*bytes, *len), err)) {
        free(*bytes);
        ok = false;
    }
    return ok;
}

/* What somebody waits for comes first. */
static struct open_map *wanted_next(struct open_maps *maps)
{
    struct open_map *before = NULL, *wanted = maps->first_wanted;
    while (wanted != NULL && !wanted->is_asked) {
        before = wanted;
        wanted = wanted->next_wanted;
    }
    if (wanted == NULL) {
        before = NULL;
        wanted = maps->first_wanted;
    }
    if (before == NULL)
        maps->first_wanted = wanted->next_wanted;
    else
        before->next_wanted = wanted->next_wanted;
    if (maps->last_wanted == wanted) maps->last_wanted = before;
    maps->wanted_count--;
    return wanted;
}

static void wanted_take(struct open_maps *maps)
{
    struct open_map *wanted = wanted_next(maps);
    struct err err = { 0 };
    struct map map;
    uint8_t *bytes = NULL;
    size_t len = 0;
    wanted->holders++;
    pthread_mutex_unlock(&maps->lock);
    bool ok = fetch(maps, wanted, &map, &bytes, &len, &err);
    if (!ok)
        log_warn(maps->options.log, "source_maps.fetch_failed", log_text("err", err.text),
                 log_text("then", "stacks stay as they were sent"));
    pthread_mutex_lock(&maps->lock);
    wanted->holders--;
    maps->fetches++;
    maps->fetch_failures += !ok;
    maps->is_slow = false;
    if (ok) room_make(maps, len);
    if (ok && !wanted->is_asked && wanted->holders == 0 && maps->bytes + len > maps->options.bytes_max) {
        free(bytes); /* there was no room ahead of time */
        wanted->retry_ns = 0;
        wanted->state = STATE_FAILED;
    } else if (ok) {
        wanted->map = map;
        wanted->bytes = bytes;
        wanted->len = len;
        wanted->state = STATE_OPEN;
        maps->bytes += len;
        maps->count++;
    } else {
        wanted->state = STATE_FAILED;
        wanted->is_final = err.code == ERR_TOO_LARGE || err.code == ERR_CORRUPT;
        wanted->retry_ns = clock_mono_ns() + OPEN_MAPS_RETRY_MS * NS_PER_MS;
    }
    pthread_cond_broadcast(&maps->came);
}

static struct timespec at_ns(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000ull), .tv_nsec = (long)(ns % 1000000000ull) };
}

static void *fetch_thread(void *ctx)
{
    struct open_maps *maps = ctx;
    uint64_t idle_ns = clock_mono_ns() + OPEN_MAPS_IDLE_MS * NS_PER_MS;
    pthread_setname_np(pthread_self(), "source maps");
    pthread_mutex_lock(&maps->lock);
    while (!maps->stops) {
        if (maps->first_wanted != NULL) {
            wanted_take(maps);
            continue;
        }
        struct timespec until = at_ns(idle_ns);
        if (clock_mono_ns() < idle_ns) {
            pthread_cond_timedwait(&maps->wanted, &maps->lock, &until);
            continue;
        }
        pthread_mutex_unlock(&maps->lock);
        if (maps->options.idle != NULL) maps->options.idle(maps->options.ctx);
        idle_ns = clock_mono_ns() + OPEN_MAPS_IDLE_MS * NS_PER_MS;
        pthread_mutex_lock(&maps->lock);
    }
    pthread_mutex_unlock(&maps->lock);
    return NULL;
}

/* ---- */

struct open_map *open_maps_hold(struct open_maps *maps, struct uuid project_id, struct uuid id, uint32_t wait_ms,
                                bool *is_late)
{
    uint64_t now_ns = clock_mono_ns(), until_ns = now_ns + wait_ms * NS_PER_MS;
    struct timespec until = at_ns(until_ns);
    *is_late = false;
    pthread_mutex_lock(&maps->lock);
    struct open_map *map = find(maps, id);
    if (map == NULL)
        map = add(maps, project_id, id, true);
    else if (map->state == STATE_FAILED && !map->is_final && now_ns >= map->retry_ns)
        want(maps, map, true);
    map->holders++;
    map->used_tick = ++maps->tick;
    map->is_used = true;
    if (map->state == STATE_WANTED) map->is_asked = true;
    while (map->state == STATE_WANTED && !maps->is_slow && !maps->stops) {
        if (pthread_cond_timedwait(&maps->came, &maps->lock, &until) == ETIMEDOUT && map->state == STATE_WANTED)
            maps->is_slow = true;
    }
    bool is_open = map->state == STATE_OPEN;
    *is_late = !is_open && !map->is_final;
    if (!is_open) map->holders--;
    pthread_mutex_unlock(&maps->lock);
    return is_open ? map : NULL;
}

const struct map *open_map_of(const struct open_map *open)
{
    return &open->map;
}

void open_maps_release(struct open_maps *maps, struct open_map *open)
{
    pthread_mutex_lock(&maps->lock);
    open->holders--;
    pthread_mutex_unlock(&maps->lock);
}

void open_maps_want(struct open_maps *maps, struct uuid project_id, struct uuid id)
{
    pthread_mutex_lock(&maps->lock);
    if (maps->wanted_count < WANTED_MAX && maps->bytes < maps->options.bytes_max / 2 && find(maps, id) == NULL)
        add(maps, project_id, id, false);
    pthread_mutex_unlock(&maps->lock);
}

uint32_t open_maps_used(struct open_maps *maps, struct uuid *ids, uint32_t ids_max)
{
    uint32_t count = 0;
    uint64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&maps->lock);
    for (uint32_t s = 0; s < SLOTS; s++) {
        for (struct open_map *map = maps->slots[s], *next; map != NULL && count < ids_max; map = next) {
            next = map->next;
            if (map->is_used && map->state == STATE_OPEN) ids[count++] = map->id;
            map->is_used = false;
            /* What was in vain is forgotten by and by. */
            if (map->state == STATE_FAILED && map->holders == 0 && now_ns >= map->retry_ns) drop(maps, map);
        }
    }
    pthread_mutex_unlock(&maps->lock);
    return count;
}

void open_maps_stats(struct open_maps *maps, struct open_maps_stats *stats)
{
    pthread_mutex_lock(&maps->lock);
    *stats = (struct open_maps_stats){ maps->fetches, maps->fetch_failures, maps->bytes, maps->count };
    pthread_mutex_unlock(&maps->lock);
}

bool open_maps_create(struct open_maps **out, const struct open_maps_options *options, struct err *err)
{
    struct open_maps *maps = mem_calloc(1, sizeof *maps);
    pthread_condattr_t monotonic;
    maps->options = *options;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&maps->lock, NULL);
    pthread_cond_init(&maps->wanted, &monotonic);
    pthread_cond_init(&maps->came, &monotonic);
    pthread_condattr_destroy(&monotonic);
    errno = pthread_create(&maps->thread, NULL, fetch_thread, maps);
    if (errno == 0) {
        *out = maps;
        return true;
    }
    *out = NULL;
    free(maps);
    return err_os(err, "could not start the thread of source maps");
}

void open_maps_destroy(struct open_maps *maps)
{
    if (maps == NULL) return;
    pthread_mutex_lock(&maps->lock);
    maps->stops = true;
    pthread_cond_broadcast(&maps->wanted);
    pthread_cond_broadcast(&maps->came);
    pthread_mutex_unlock(&maps->lock);
    pthread_join(maps->thread, NULL);
    for (uint32_t s = 0; s < SLOTS; s++) {
        while (maps->slots[s] != NULL) drop(maps, maps->slots[s]);
    }
    pthread_mutex_destroy(&maps->lock);
    pthread_cond_destroy(&maps->wanted);
    pthread_cond_destroy(&maps->came);
    free(maps);
}
