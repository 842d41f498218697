#include "meta/source_map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define COLUMNS                                                                                               \
    "id, project_id, debug_id, release, file, host, path, bytes, stored_bytes, mapping_count, source_count, " \
    "has_sources, uploaded_by, uploaded_unix_us, valid_from_unix_us, deleted_unix_us, used_unix_us"
#define IS_THERE  "valid_from_unix_us > 0 AND deleted_unix_us = 0"
#define NEVER     INT64_MAX
#define US_OF_DAY INT64_C(86400000000)

static bool is_none(struct uuid id)
{
    return uuid_equal(id, (struct uuid){ 0 });
}

/* ---- one comes in ---- */

struct counting {
    int64_t count, bytes;
};
static bool count_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(struct counting *)ctx = (struct counting){ db_row_integer(row, 0), db_row_integer(row, 1) };
    return true;
}

struct beginning {
    struct source_map *map;
    const struct source_map_limits *limits;
};

/* What the new one takes the place of does not count against it. */
static bool limits_check(struct db_session *session, const struct beginning *beginning, struct err *err)
{
    const struct source_map *map = beginning->map;
    const struct source_map_limits *limits = beginning->limits;
    struct counting has = { 0 };
    if (!db_run(
            session,
            "SELECT count(*), CAST(coalesce(sum(stored_bytes), 0) AS bigint) FROM source_maps WHERE project_id = $1 "
            "AND " IS_THERE " AND NOT (release = $2 AND file = $3)",
            DB_VALUES(db_uuid(map->project_id), db_text(map->release), db_text(map->file)), count_row, &has, NULL, err))
        return false;
    if (limits->count_max > 0 && (uint64_t)has.count >= limits->count_max)
        return err_set(err, ERR_TOO_LARGE,
                       "the project has %" PRId64 " source maps, and at most %" PRIu64
                       " (--source-maps-count): delete some of old releases",
                       has.count, limits->count_max);
    if (limits->bytes_max > 0 && (uint64_t)(has.bytes + map->stored_bytes) > limits->bytes_max)
        return err_set(err, ERR_TOO_LARGE,
                       "the project's source maps would take %" PRId64 " bytes, and may take %" PRIu64
                       " (--source-maps-bytes): delete some of old releases",
                       has.bytes + map->stored_bytes, limits->bytes_max);
    return true;
}

static bool begin_run(struct db_session *session, void *ctx, struct err *err)
{
    struct beginning *beginning = ctx;
    const struct source_map *map = beginning->map;
    return limits_check(session, beginning, err) &&
           db_run(session,
                  "INSERT INTO source_maps(" COLUMNS
                  ") VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, $14)",
                  DB_VALUES(db_uuid(map->id), db_uuid(map->project_id),
                            is_none(map->debug_id) ? db_null(DB_UUID) : db_uuid(map->debug_id), db_text(map->release),
                            db_text(map->file), db_text(map->host), db_text(map->path), db_integer(map->bytes),
                            db_integer(map->stored_bytes), db_integer(map->mapping_count),
                            db_integer(map->source_count), db_boolean(map->has_sources), db_text(map->uploaded_by),
                            db_integer(map->uploaded_unix_us)),
                  NULL, NULL, NULL, err);
}

bool source_map_begin(struct db *db, struct source_map *map, const struct source_map_limits *limits, struct err *err)
{
    map->id = uuid_random();
    map->uploaded_unix_us = map->used_unix_us = clock_unix_us();
    map->valid_from_unix_us = map->deleted_unix_us = 0;
    return db_transaction(db, begin_run, &(struct beginning){ map, limits }, err);
}

bool source_map_finish(struct db_session *session, struct source_map *map, struct err *err)
{
    int64_t changed;
    map->valid_from_unix_us = clock_unix_us() + SOURCE_MAPS_DELAY_US;
    return db_run(
               session,
               "UPDATE source_maps SET deleted_unix_us = $4 WHERE project_id = $1 AND release = $2 AND file = $3 AND "
               "id <> $5 AND " IS_THERE,
               DB_VALUES(db_uuid(map->project_id), db_text(map->release), db_text(map->file),
                         db_integer(map->valid_from_unix_us), db_uuid(map->id)),
               NULL, NULL, NULL, err) &&
           db_run(session, "UPDATE source_maps SET valid_from_unix_us = $2 WHERE id = $1 AND valid_from_unix_us = 0",
                  DB_VALUES(db_uuid(map->id), db_integer(map->valid_from_unix_us)), NULL, NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_CONFLICT, "the upload took so long that it was given up")) &&
           db_note_change(session, SOURCE_MAPS_TOPIC, err);
}

bool source_map_delete(struct db_session *session, struct uuid project_id, struct uuid id, struct err *err)
{
    int64_t changed;
    return db_run(session,
                  "UPDATE source_maps SET deleted_unix_us = $3 WHERE id = $1 AND project_id = $2 AND " IS_THERE,
                  DB_VALUES(db_uuid(id), db_uuid(project_id), db_integer(clock_unix_us() + SOURCE_MAPS_DELAY_US)), NULL,
                  NULL, &changed, err) &&
           (changed == 1 || err_set(err, ERR_NOT_FOUND, "there is no such source map")) &&
           db_note_change(session, SOURCE_MAPS_TOPIC, err);
}

/* ---- which there are ---- */

struct listing {
    bool (*each)(void *ctx, const struct source_map *map);
    void *ctx;
    bool is_over;
    struct source_map map;
};
static bool map_row(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    struct source_map *map = &listing->map;
    (void)err;
    if (listing->is_over) return true;
    map->id = db_row_uuid(row, 0);
    map->project_id = db_row_uuid(row, 1);
    map->debug_id = db_row_uuid(row, 2);
    db_row_text_copy(row, 3, map->release, sizeof map->release);
    db_row_text_copy(row, 4, map->file, sizeof map->file);
    db_row_text_copy(row, 5, map->host, sizeof map->host);
    db_row_text_copy(row, 6, map->path, sizeof map->path);
    map->bytes = db_row_integer(row, 7);
    map->stored_bytes = db_row_integer(row, 8);
    map->mapping_count = db_row_integer(row, 9);
    map->source_count = db_row_integer(row, 10);
    map->has_sources = db_row_boolean(row, 11);
    db_row_text_copy(row, 12, map->uploaded_by, sizeof map->uploaded_by);
    map->uploaded_unix_us = db_row_integer(row, 13);
    map->valid_from_unix_us = db_row_integer(row, 14);
    map->deleted_unix_us = db_row_integer(row, 15);
    map->used_unix_us = db_row_integer(row, 16);
    if (!row->is_bad) listing->is_over = !listing->each(listing->ctx, map);
    return true;
}

static bool found_take(void *ctx, const struct source_map *map)
{
    *(struct source_map *)ctx = *map;
    return false;
}

bool source_map_find(struct db_session *session, struct uuid project_id, struct uuid id, struct source_map *map,
                     struct err *err)
{
    struct listing *listing = mem_calloc(1, sizeof *listing);
    *listing = (struct listing){ .each = found_take, .ctx = map };
    *map = (struct source_map){ 0 };
    bool ok = db_run(session, "SELECT " COLUMNS " FROM source_maps WHERE id = $1 AND project_id = $2 AND " IS_THERE,
                     DB_VALUES(db_uuid(id), db_uuid(project_id)), map_row, listing, NULL, err);
    free(listing);
    return ok && (!is_none(map->id) || err_set(err, ERR_NOT_FOUND, "there is no such source map"));
}

bool source_map_list(struct db *db, struct uuid project_id, const struct source_map_filter *filter,
                     bool (*each)(void *ctx, const struct source_map *map), void *ctx, struct err *err)
{
    struct listing *listing = mem_calloc(1, sizeof *listing);
    *listing = (struct listing){ .each = each, .ctx = ctx };
    int64_t after = filter->after_unix_us == 0 ? NEVER : filter->after_unix_us;
    /* A part of the file's name: without wildcards of its own. */
    bool ok = db_read(db,
                      "SELECT " COLUMNS " FROM source_maps WHERE project_id = $1 AND " IS_THERE
                      " AND ($2 = '' OR release = $2) AND ($3 = '' OR replace(file, $3, '') <> file)"
                      " AND (uploaded_unix_us < $4 OR (uploaded_unix_us = $4 AND id < $5))"
                      " ORDER BY uploaded_unix_us DESC, id DESC LIMIT $6",
                      DB_VALUES(db_uuid(project_id), db_text_bytes(filter->release), db_text_bytes(filter->file),
                                db_integer(after), db_uuid(filter->after_id), db_integer(filter->limit)),
                      map_row, listing, err);
    free(listing);
    return ok;
}

bool source_map_each(struct db *db, bool (*each)(void *ctx, const struct source_map *map), void *ctx, struct err *err)
{
    struct listing *listing = mem_calloc(1, sizeof *listing);
    *listing = (struct listing){ .each = each, .ctx = ctx };
    bool ok = db_read(db, "SELECT " COLUMNS " FROM source_maps WHERE valid_from_unix_us > 0 ORDER BY project_id",
                      DB_NO_VALUES, map_row, listing, err);
    free(listing);
    return ok;
}

/* ---- which end ---- */

struct many {
    const struct uuid *ids;
    uint32_t count;
    int64_t unix_us, changed;
};
static bool used_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct many *many = ctx;
    for (uint32_t i = 0; i < many->count; i++) {
        if (!db_run(session, "UPDATE source_maps SET used_unix_us = $2 WHERE id = $1 AND used_unix_us < $2",
                    DB_VALUES(db_uuid(many->ids[i]), db_integer(many->unix_us)), NULL, NULL, NULL, err))
            return false;
    }
    return true;
}
bool source_map_used(struct db *db, const struct uuid *ids, uint32_t count, int64_t now_unix_us, struct err *err)
{
    struct many many = { .ids = ids, .count = count, .unix_us = now_unix_us - now_unix_us % US_OF_DAY };
    return count == 0 || db_transaction_adding(db, used_run, &many, err);
}

static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    struct many *many = ctx;
    return db_run(session, "UPDATE source_maps SET deleted_unix_us = $2 WHERE used_unix_us < $1 AND " IS_THERE,
                  DB_VALUES(db_integer(many->unix_us), db_integer(clock_unix_us() + SOURCE_MAPS_DELAY_US)), NULL, NULL,
                  &many->changed, err) &&
           (many->changed == 0 || db_note_change(session, SOURCE_MAPS_TOPIC, err));
}
bool source_map_expire(struct db *db, int64_t before_unix_us, int64_t *count, struct err *err)
{
    struct many many = { .unix_us = before_unix_us };
    bool ok = db_transaction(db, expire_run, &many, err);
    *count = ok ? many.changed : 0;
    return ok;
}

bool source_map_doomed(struct db *db, int64_t now_unix_us, uint32_t limit,
                       bool (*each)(void *ctx, const struct source_map *map), void *ctx, struct err *err)
{
    struct listing *listing = mem_calloc(1, sizeof *listing);
    *listing = (struct listing){ .each = each, .ctx = ctx };
    bool ok =
        db_read(db,
                "SELECT " COLUMNS " FROM source_maps WHERE (deleted_unix_us > 0 AND deleted_unix_us < $1)"
                " OR (valid_from_unix_us = 0 AND uploaded_unix_us < $1) LIMIT $2",
                DB_VALUES(db_integer(now_unix_us - SOURCE_MAPS_KEEP_US), db_integer(limit)), map_row, listing, err);
    free(listing);
    return ok;
}

static bool forget_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct many *many = ctx;
    for (uint32_t i = 0; i < many->count; i++) {
        if (!db_run(session, "DELETE FROM source_maps WHERE id = $1", DB_VALUES(db_uuid(many->ids[i])), NULL, NULL,
                    NULL, err))
            return false;
    }
    return db_note_change(session, SOURCE_MAPS_TOPIC, err);
}
bool source_map_forget(struct db *db, const struct uuid *ids, uint32_t count, struct err *err)
{
    struct many many = { .ids = ids, .count = count };
    return count == 0 || db_transaction(db, forget_run, &many, err);
}
