/* source_map.h -- which source maps a project has, and since when; their bytes are elsewhere (sourcemaps/).
 *
 *   upload --source_map_begin--> a row that counts for nothing --bytes stored--> source_map_finish: valid 5 s from now
 *   delete, a newer one of the same file --> deleted_unix_us, 5 s from now: what was received before is still resolved by it
 *   source_map_doomed --> rows whose bytes may go, an hour after that --bytes deleted--> source_map_forget
 *
 * Between the two times every worker has heard of a change (the topic), so that a replay resolves what was resolved before.
 * Table: migrations/0063_source_maps.sql. Thread: any. Times: unix microseconds.
 * Errors: ERR_TOO_LARGE past the project's limits; ERR_NOT_FOUND; those of db.h. */
#pragma once
#include "meta/db.h"

#define SOURCE_MAPS_TOPIC        "source_maps" /* of db_note_change */
#define SOURCE_MAPS_DELAY_US     INT64_C(5000000)
#define SOURCE_MAPS_KEEP_US      INT64_C(3600000000) /* bytes of what was deleted: for replays */
#define SOURCE_MAP_RELEASE_BYTES 201
#define SOURCE_MAP_FILE_BYTES    1001
#define SOURCE_MAP_BY_BYTES      256

struct source_map {
    struct uuid id, project_id;
    struct uuid debug_id;                   /* all zero: it has none */
    char release[SOURCE_MAP_RELEASE_BYTES]; /* empty: of any */
    char file[SOURCE_MAP_FILE_BYTES]; /* as it was named: "https://www.example.com/assets/app.js", "~/assets/app.js" */
    char host[SOURCE_MAP_FILE_BYTES], path[SOURCE_MAP_FILE_BYTES];
    int64_t bytes, stored_bytes; /* as it was sent; in the object store */
    int64_t mapping_count, source_count;
    bool has_sources;
    char uploaded_by[SOURCE_MAP_BY_BYTES];
    int64_t uploaded_unix_us, valid_from_unix_us, deleted_unix_us, used_unix_us;
};
struct source_map_limits { /* of a project; 0: none */
    uint64_t bytes_max, count_max;
};
/* map: all but id and the times are read. */
MUST_CHECK bool source_map_begin(struct db *db, struct source_map *map, const struct source_map_limits *limits,
                                 struct err *err);
/* From then on it counts, and what the same file of the release had before does not. */
MUST_CHECK bool source_map_finish(struct db_session *session, struct source_map *map, struct err *err);
MUST_CHECK bool source_map_find(struct db_session *session, struct uuid project_id, struct uuid id,
                                struct source_map *map, struct err *err);
MUST_CHECK bool source_map_delete(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err);
/* Those that are there, newest first, behind a place (after_unix_us 0: from the start). each answers false to stop. */
struct source_map_filter {
    struct bytes release, file; /* empty: any; file: a part of it */
    int64_t after_unix_us;
    struct uuid after_id;
    uint32_t limit;
};
MUST_CHECK bool source_map_list(struct db *db, struct uuid project_id, const struct source_map_filter *filter,
                                bool (*each)(void *ctx, const struct source_map *map), void *ctx, struct err *err);
/* Of all projects, also those that count no more and whose bytes are still kept. */
MUST_CHECK bool source_map_each(struct db *db, bool (*each)(void *ctx, const struct source_map *map), void *ctx,
                                struct err *err);
/* Somebody's stack was resolved by them. */
MUST_CHECK bool source_map_used(struct db *db, const struct uuid *ids, uint32_t count, int64_t now_unix_us,
                                struct err *err);
/* Those that nobody needed since before_unix_us end, as if they had been deleted. */
MUST_CHECK bool source_map_expire(struct db *db, int64_t before_unix_us, int64_t *count, struct err *err);
/* Whose bytes may go: ended SOURCE_MAPS_KEEP_US ago, or begun that long ago and never finished; at most limit. */
MUST_CHECK bool source_map_doomed(struct db *db, int64_t now_unix_us, uint32_t limit,
                                  bool (*each)(void *ctx, const struct source_map *map), void *ctx, struct err *err);
MUST_CHECK bool source_map_forget(struct db *db, const struct uuid *ids, uint32_t count, struct err *err);
