#include "monitors/monitor_store_inside.h"

#include <inttypes.h>

#include "meta/dashboard.h"
#include "meta/db_rows.h"

enum { SLUG_TRIES_MAX = 1000 };

#define COLUMNS                                                                                                  \
    "id, project_id, slug, title, is_on, version, author, created_unix_us, changed_unix_us, evaluated_unix_us, " \
    "broken_unix_us, broken_why, muted_until_unix_us"

static void stored_take(struct arena *arena, struct db_row *row, struct monitor_stored *stored)
{
    *stored = (struct monitor_stored){ .id = db_row_uuid(row, 0),
                                       .project_id = db_row_uuid(row, 1),
                                       .slug = db_text_keep(arena, row, 2),
                                       .title = db_text_keep(arena, row, 3),
                                       .is_on = db_row_boolean(row, 4),
                                       .version = db_row_integer(row, 5),
                                       .author = db_text_keep(arena, row, 6),
                                       .created_unix_us = db_row_integer(row, 7),
                                       .changed_unix_us = db_row_integer(row, 8),
                                       .evaluated_unix_us = db_row_integer(row, 9),
                                       .broken_unix_us = db_row_integer(row, 10),
                                       .broken_why = db_text_keep(arena, row, 11),
                                       .muted_until_unix_us = db_row_integer(row, 12) };
}

struct finding {
    struct arena *arena;
    struct monitor_stored *stored;
    bool is_there;
};
static bool found_take(void *ctx, struct db_row *row, struct err *err)
{
    struct finding *finding = ctx;
    (void)err;
    stored_take(finding->arena, row, finding->stored);
    finding->stored->content = db_text_keep(finding->arena, row, 13);
    finding->is_there = true;
    return true;
}

bool monitor_find(struct db_session *session, struct arena *arena, struct uuid project_id, struct bytes slug,
                  struct monitor_stored *stored, struct err *err)
{
    struct finding finding = { .arena = arena, .stored = stored };
    return db_run(session, "SELECT " COLUMNS ", content FROM monitors WHERE project_id = $1 AND slug = $2",
                  DB_VALUES(db_uuid(project_id), db_text_bytes(slug)), found_take, &finding, NULL, err) &&
           (finding.is_there || err_set(err, ERR_NOT_FOUND, "there is no such monitor"));
}

/* ---- changes ---- */

static bool version_store(struct db_session *session, const struct monitor_stored *stored, struct err *err)
{
    return db_run(session,
                  "INSERT INTO monitor_versions(monitor_id, version, content, author, stored_unix_us) "
                  "VALUES($1, $2, $3, $4, $5)",
                  DB_VALUES(db_uuid(stored->id), db_integer(stored->version), db_text_bytes(stored->content),
                            db_text_bytes(stored->author), db_integer(stored->changed_unix_us)),
                  NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM monitor_versions WHERE monitor_id = $1 AND version <= $2",
                  DB_VALUES(db_uuid(stored->id), db_integer(stored->version - MONITOR_VERSIONS_MAX)), NULL, NULL, NULL,
                  err);
}

/* The title's, or that with the first number behind it that is free. */
static bool slug_choose(struct db_session *session, struct arena *arena, struct monitor_stored *stored, struct err *err)
{
    char base[DASHBOARD_SLUG_BYTES];
    dashboard_slug_of(stored->title, base);
    for (int number = 1; number <= SLUG_TRIES_MAX; number++) {
        int64_t count = 0;
        const char *slug = number == 1 ? arena_printf(arena, "%s", base) : arena_printf(arena, "%s-%d", base, number);
        if (!db_run(session, "SELECT count(*) FROM monitors WHERE project_id = $1 AND slug = $2",
                    DB_VALUES(db_uuid(stored->project_id), db_text(slug)), db_take_integer, &count, NULL, err))
            return false;
        stored->slug = bytes_of_text(slug);
        if (count == 0) return true;
    }
    return err_set(err, ERR_EXISTS, "too many monitors have this title: say a slug");
}

bool monitor_insert(struct db_session *session, struct arena *arena, struct monitor_stored *stored, int64_t now_us,
                    struct err *err)
{
    int64_t count = 0;
    if (!db_run(session, "SELECT count(*) FROM monitors WHERE project_id = $1", DB_VALUES(db_uuid(stored->project_id)),
                db_take_integer, &count, NULL, err))
        return false;
    if (count >= MONITORS_MAX) return err_set(err, ERR_TOO_LARGE, "a project has at most %d monitors", MONITORS_MAX);
    if (stored->slug.len == 0 && !slug_choose(session, arena, stored, err)) return false;
    stored->id = uuid_random();
    stored->version = 1;
    stored->created_unix_us = stored->changed_unix_us = now_us;
    return db_run(session,
                  "INSERT INTO monitors(" COLUMNS
                  ", content) VALUES($1, $2, $3, $4, $5, 1, $6, $7, $7, 0, 0, '', 0, $8)",
                  DB_VALUES(db_uuid(stored->id), db_uuid(stored->project_id), db_text_bytes(stored->slug),
                            db_text_bytes(stored->title), db_boolean(stored->is_on), db_text_bytes(stored->author),
                            db_integer(now_us), db_text_bytes(stored->content)),
                  NULL, NULL, NULL, err) &&
           version_store(session, stored, err);
}

bool monitor_update(struct db_session *session, struct arena *arena, struct monitor_stored *stored, bool keeps_state,
                    int64_t now_us, struct err *err)
{
    stored->version++;
    stored->changed_unix_us = now_us > stored->changed_unix_us ? now_us : stored->changed_unix_us + 1;
    if (!keeps_state) {
        stored->evaluated_unix_us = 0;
        if (!monitor_reset(session, arena, stored, now_us, err)) return false;
    }
    return db_run(session,
                  "UPDATE monitors SET title = $2, content = $3, is_on = $4, version = $5, author = $6, "
                  "changed_unix_us = $7, evaluated_unix_us = $8, broken_unix_us = 0, broken_why = '' WHERE id = $1",
                  DB_VALUES(db_uuid(stored->id), db_text_bytes(stored->title), db_text_bytes(stored->content),
                            db_boolean(stored->is_on), db_integer(stored->version), db_text_bytes(stored->author),
                            db_integer(stored->changed_unix_us), db_integer(stored->evaluated_unix_us)),
                  NULL, NULL, NULL, err) &&
           version_store(session, stored, err);
}

bool monitor_delete(struct db_session *session, struct arena *arena, const struct monitor_stored *stored,
                    int64_t now_us, struct err *err)
{
    return monitor_reset(session, arena, stored, now_us, err) &&
           db_run(session, "DELETE FROM monitors WHERE id = $1", DB_VALUES(db_uuid(stored->id)), NULL, NULL, NULL, err);
}

bool monitor_mute(struct db_session *session, struct arena *arena, struct monitor_stored *stored, int64_t until_us,
                  int64_t now_us, struct err *err)
{
    stored->muted_until_unix_us = until_us;
    return db_run(session, "UPDATE monitors SET muted_until_unix_us = $2 WHERE id = $1",
                  DB_VALUES(db_uuid(stored->id), db_integer(until_us)), NULL, NULL, NULL, err) &&
           monitor_put_anew(session, arena, stored, now_us, err);
}

/* ---- lists ---- */

struct listing {
    struct arena *arena;
    struct monitor_stored *list;
    uint32_t count, max;
};
static bool listed_take(void *ctx, struct db_row *row, struct err *err)
{
    struct listing *listing = ctx;
    (void)err;
    if (listing->count == listing->max) return true;
    struct monitor_stored *stored = &listing->list[listing->count++];
    stored_take(listing->arena, row, stored);
    stored->content = db_text_keep(listing->arena, row, 13);
    stored->groups = (uint32_t)db_row_integer(row, 14);
    stored->groups_ill = (uint32_t)db_row_integer(row, 15);
    stored->level = db_row_integer(row, 16) > 0   ? MONITOR_ALERT
                    : db_row_integer(row, 17) > 0 ? MONITOR_NO_DATA
                    : stored->groups_ill > 0      ? MONITOR_WARNING
                                                  : MONITOR_OK;
    return true;
}
#define COUNTED                                                                                          \
    COLUMNS ", content,"                                                                                 \
            " (SELECT count(*) FROM monitor_groups g WHERE g.monitor_id = monitors.id),"                 \
            " (SELECT count(*) FROM monitor_groups g WHERE g.monitor_id = monitors.id AND g.level > 0)," \
            " (SELECT count(*) FROM monitor_groups g WHERE g.monitor_id = monitors.id AND g.level = 2)," \
            " (SELECT count(*) FROM monitor_groups g WHERE g.monitor_id = monitors.id AND g.level = 3)"

static bool list_read(struct listing *listing, struct db *db, const char *sql, const struct db_value *values,
                      size_t value_count, struct monitor_stored **list, uint32_t *count, struct err *err)
{
    listing->list = arena_calloc(listing->arena, listing->max * sizeof *listing->list);
    bool ok = db_read(db, sql, values, value_count, listed_take, listing, err);
    *list = listing->list;
    *count = listing->count;
    return ok;
}

bool monitor_list(struct db *db, struct arena *arena, struct uuid project_id, struct bytes after, uint32_t limit,
                  struct monitor_stored **list, uint32_t *count, struct err *err)
{
    struct listing listing = { .arena = arena, .max = limit };
    return list_read(&listing, db,
                     "SELECT " COUNTED " FROM monitors WHERE project_id = $1 AND slug > $2 ORDER BY slug LIMIT $3",
                     DB_VALUES(db_uuid(project_id), db_text_bytes(after), db_integer(limit)), list, count, err);
}

bool monitor_list_on(struct db *db, struct arena *arena, struct uuid project_id, struct monitor_stored **list,
                     uint32_t *count, struct err *err)
{
    struct listing listing = { .arena = arena, .max = MONITORS_MAX };
    return list_read(&listing, db,
                     "SELECT " COLUMNS ", content, 0, 0, 0, 0 FROM monitors WHERE project_id = $1 AND is_on = 1"
                     " ORDER BY evaluated_unix_us, id LIMIT $2",
                     DB_VALUES(db_uuid(project_id), db_integer(MONITORS_MAX)), list, count, err);
}

struct version_listing {
    bool (*each)(void *ctx, const struct monitor_version *version);
    void *ctx;
    bool is_over;
};
static bool version_take(void *ctx, struct db_row *row, struct err *err)
{
    struct version_listing *listing = ctx;
    struct monitor_version version = { .version = db_row_integer(row, 0),
                                       .stored_unix_us = db_row_integer(row, 1),
                                       .author = db_row_text(row, 2),
                                       .content = db_row_text(row, 3) };
    (void)err;
    if (!listing->is_over && !row->is_bad) listing->is_over = !listing->each(listing->ctx, &version);
    return true;
}
bool monitor_versions(struct db *db, struct uuid monitor_id, int64_t before, uint32_t limit,
                      bool (*each)(void *ctx, const struct monitor_version *version), void *ctx, struct err *err)
{
    struct version_listing listing = { each, ctx, false };
    return db_read(db,
                   "SELECT version, stored_unix_us, author, content FROM monitor_versions WHERE monitor_id = $1 AND "
                   "version < $2 ORDER BY version DESC LIMIT $3",
                   DB_VALUES(db_uuid(monitor_id), db_integer(before), db_integer(limit)), version_take, &listing, err);
}
