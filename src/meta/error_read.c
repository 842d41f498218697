/* One fingerprint; and what goes: events of deleted rows, what is past its time. */
#include "meta/db_rows.h"
#include "meta/error.h"

#define EXPIRE_BATCH 5000

struct getting {
    struct arena *arena;
    struct error_known *known;
    bool is_there;
};
static bool known_row(void *ctx, struct db_row *row, struct err *err)
{
    struct getting *getting = ctx;
    struct error_counted *counted = &getting->known->counted;
    (void)err;
    getting->is_there = true;
    counted->service = db_text_keep(getting->arena, row, 0);
    counted->family = db_text_keep(getting->arena, row, 1);
    counted->language = db_text_keep(getting->arena, row, 2);
    counted->made_by = (uint32_t)db_row_integer(row, 3);
    counted->errors_version = (uint32_t)db_row_integer(row, 4);
    counted->rules_version = db_row_integer(row, 5);
    counted->rule_line = (uint32_t)db_row_integer(row, 6);
    counted->first_event = db_text_keep(getting->arena, row, 7);
    counted->last_event = db_text_keep(getting->arena, row, 8);
    counted->first_unix_us = db_row_integer(row, 9);
    counted->last_unix_us = db_row_integer(row, 10);
    counted->row_count = db_row_integer(row, 11);
    getting->known->issue = db_row_integer(row, 12);
    getting->known->user_count = db_row_integer(row, 13);
    return true;
}

bool error_get(struct db *db, struct uuid project_id, struct uuid id, struct arena *arena, struct error_known *known,
               struct err *err)
{
    struct getting getting = { .arena = arena, .known = known };
    *known = (struct error_known){ .counted = { .project_id = project_id, .id = id } };
    if (!db_read(
            db,
            "SELECT service, family, language, made_by, errors_version, rules_version, rule_line, first_event, "
            "last_event, first_unix_us, last_unix_us, total_count, issue, (SELECT count(*) FROM error_users u WHERE "
            "u.project_id = f.project_id AND u.fingerprint_id = f.id) FROM error_fingerprints f WHERE project_id = "
            "$1 AND id = $2",
            DB_VALUES(db_uuid(project_id), db_uuid(id)), known_row, &getting, err))
        return false;
    return getting.is_there || err_set(err, ERR_NOT_FOUND, "there is no error with this fingerprint");
}

static bool forget_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, "UPDATE error_fingerprints SET first_event = '', last_event = '' WHERE project_id = $1",
                  DB_VALUES(db_uuid(*(const struct uuid *)ctx)), NULL, NULL, NULL, err);
}

bool error_events_forget(struct db *db, struct uuid project_id, struct err *err)
{
    return db_transaction_adding(db, forget_run, &project_id, err);
}

/* -- what is past its time -------------------------------------------------------------------------------------- */

#define OLD(table, key, time)                                                                                    \
    "DELETE FROM " table " WHERE (" key ") IN (SELECT " key " FROM " table " WHERE " time " < $1 ORDER BY " time \
    " LIMIT $2)"
#define COUNT_KEY "project_id, at_unix_us, fingerprint_id, environment"

/* Events are of rows: they go when those do, by the project's retention or by $2, 0: never. One without an issue waits until
 * it has been looked at. $1 now, $3 the table. */
#define OLD_EVENT(event, time)                                                                                        \
    "UPDATE error_fingerprints SET " event " = '' WHERE (project_id, id) IN (SELECT f.project_id, f.id FROM "         \
    "error_fingerprints f LEFT JOIN retentions r ON r.project_id = f.project_id AND r.table_name = $3 WHERE f.issue " \
    "> 0 AND f." event " <> '' AND coalesce(r.days * " A_DAY ", $2) > 0 AND f." time                                  \
    " < $1 - coalesce(r.days * " A_DAY ", $2) LIMIT 5000)"
#define A_DAY "86400000000"

struct expire_work {
    const struct error_keep *keep;
    int64_t now_unix_us;
    uint64_t deleted;
};
static bool old_delete(struct db_session *session, struct expire_work *work, const char *sql, int64_t before_unix_us,
                       struct err *err)
{
    int64_t changed;
    if (!db_run(session, sql, DB_VALUES(db_integer(before_unix_us), db_integer(EXPIRE_BATCH)), NULL, NULL, &changed,
                err))
        return false;
    work->deleted += (uint64_t)changed;
    return true;
}

static bool events_expire(struct db_session *session, struct expire_work *work, const char *sql, struct err *err)
{
    int64_t changed;
    if (!db_run(session, sql,
                DB_VALUES(db_integer(work->now_unix_us), db_integer(work->keep->rows_us),
                          db_text(work->keep->rows_table)),
                NULL, NULL, &changed, err))
        return false;
    work->deleted += (uint64_t)changed;
    return true;
}

static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    struct expire_work *work = ctx;
    int64_t before_us = work->now_unix_us - work->keep->keep_us;
    bool got;
    work->deleted = 0;
    if (!db_lock_try(session, "errors", &got, err)) return false;
    if (!got) return true;
    if (!old_delete(session, work, OLD("error_minutes", COUNT_KEY, "at_unix_us"),
                    work->now_unix_us - ERROR_MINUTES_KEEP_US, err) ||
        !events_expire(session, work, OLD_EVENT("first_event", "first_unix_us"), err) ||
        !events_expire(session, work, OLD_EVENT("last_event", "last_unix_us"), err))
        return false;
    if (work->keep->keep_us == 0) return true;
    return old_delete(session, work, OLD("error_hours", COUNT_KEY, "at_unix_us"), before_us, err) &&
           old_delete(session, work,
                      OLD("error_releases", "project_id, fingerprint_id, release, environment", "last_unix_us"),
                      before_us, err) &&
           old_delete(session, work, OLD("error_users", "project_id, fingerprint_id, user_hash", "last_unix_us"),
                      before_us, err) &&
           old_delete(session, work, OLD("error_fingerprints", "project_id, id", "last_unix_us"), before_us, err);
}

bool error_expire(struct db *db, const struct error_keep *keep, int64_t now_unix_us, uint64_t *deleted, struct err *err)
{
    struct expire_work work = { .keep = keep, .now_unix_us = now_unix_us };
    bool ok = db_transaction_adding(db, expire_run, &work, err);
    *deleted = ok ? work.deleted : 0;
    return ok;
}
