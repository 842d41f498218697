/* open_maps.h -- maps that are open, within a budget; a thread fetches what is asked for.
 *
 *   open_maps_hold(id) --there--> struct map          --not there--> wanted: [thread] object store, unpacked, checked
 *                      '--waits up to wait_ms, unless the store is known to be slow--> NULL, and *is_late
 *
 * What is not held goes when room is needed, the one unused for longest first. A map that could not be had is not asked for
 * again for OPEN_MAPS_RETRY_MS; one larger than the budget never.
 * A store that made somebody wait in vain is slow until the fetch under way ends: until then nobody waits.
 * Thread: any; one of its own, which also calls idle about every OPEN_MAPS_IDLE_MS. Memory: bytes_max of maps, and the one
 * being fetched. Errors: logged, counted. */
#pragma once
#include "base/log.h"
#include "base/uuid.h"
#include "sourcemaps/map.h"
struct object_store;

#define OPEN_MAPS_RETRY_MS  30000
#define OPEN_MAPS_IDLE_MS   60000
#define OPEN_MAPS_KEY_BYTES 128

struct open_maps;
struct open_maps_options {
    struct object_store *objects;
    uint64_t bytes_max;
    void (*idle)(void *ctx); /* on the thread */
    void *ctx;
    const struct log *log;
};
MUST_CHECK bool open_maps_create(struct open_maps **maps, const struct open_maps_options *options, struct err *err);
void open_maps_destroy(struct open_maps *maps); /* NULL is fine; nothing may be held; waits for what is being fetched */
struct open_map;
/* NULL: it cannot be had now; is_late: it may be had later. */
struct open_map *open_maps_hold(struct open_maps *maps, struct uuid project_id, struct uuid id, uint32_t wait_ms,
                                bool *is_late);
const struct map *open_map_of(const struct open_map *open);
void open_maps_release(struct open_maps *maps, struct open_map *open);
/* To be fetched when there is nothing else to do and room for it. */
void open_maps_want(struct open_maps *maps, struct uuid project_id, struct uuid id);
/* Ids that were held since the last call; answers their count, at most ids_max. */
uint32_t open_maps_used(struct open_maps *maps, struct uuid *ids, uint32_t ids_max);
/* source_maps/PROJECT/ID.map: suffix "map" or "sources". */
void open_maps_key(struct uuid project_id, struct uuid id, const char *suffix, char key[OPEN_MAPS_KEY_BYTES]);
struct open_maps_stats {
    uint64_t fetches, fetch_failures, bytes;
    uint32_t count;
};
void open_maps_stats(struct open_maps *maps, struct open_maps_stats *stats);

/* The compact form as it is kept: compressed. */
MUST_CHECK bool open_maps_pack(struct bytes compact, struct buf *packed, struct err *err);
MUST_CHECK bool open_maps_unpack(struct bytes packed, uint64_t bytes_max, uint8_t **compact, size_t *len,
                                 struct err *err);
