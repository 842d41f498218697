#include "meta/error.h"

#include <stdlib.h>

#include "meta/tap_position.h"

#define CHUNK_ROWS 512

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int ids_compare(struct uuid project_a, struct uuid a, struct uuid project_b, struct uuid b)
{
    int order = memcmp(project_a.bytes, project_b.bytes, sizeof project_a.bytes);
    return order != 0 ? order : memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

static int counted_compare(const void *left, const void *right)
{
    const struct error_counted *a = left, *b = right;
    return ids_compare(a->project_id, a->id, b->project_id, b->id);
}

static int count_compare(const void *left, const void *right)
{
    const struct error_count *a = left, *b = right;
    int order = memcmp(a->project_id.bytes, b->project_id.bytes, sizeof a->project_id.bytes);
    if (order == 0) order = ORDER(a->at_unix_us, b->at_unix_us);
    if (order == 0) order = memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
    return order != 0 ? order : bytes_compare(a->environment, b->environment);
}

static int release_compare(const void *left, const void *right)
{
    const struct error_release *a = left, *b = right;
    int order = ids_compare(a->project_id, a->id, b->project_id, b->id);
    if (order == 0) order = bytes_compare(a->release, b->release);
    return order != 0 ? order : bytes_compare(a->environment, b->environment);
}

static int user_compare(const void *left, const void *right)
{
    const struct error_user *a = left, *b = right;
    int order = ids_compare(a->project_id, a->id, b->project_id, b->id);
    return order != 0 ? order : ORDER(a->hash, b->hash);
}

static void sort(void *items, size_t count, size_t item_bytes, int (*compare)(const void *, const void *))
{
    if (count > 1) qsort(items, count, item_bytes, compare);
}

/* Which of two is the first event, and which the last: by time, then by text, whoever comes second. Where there is none any
 * more, the next will do. What the fingerprint is known by goes with the first. */
#define IS_FIRST                                                       \
    "(excluded.first_unix_us < t.first_unix_us OR t.first_event = '' " \
    "OR (excluded.first_unix_us = t.first_unix_us AND excluded.first_event < t.first_event))"
#define IS_LAST                                                     \
    "(excluded.last_unix_us > t.last_unix_us OR t.last_event = '' " \
    "OR (excluded.last_unix_us = t.last_unix_us AND excluded.last_event > t.last_event))"
#define OF_FIRST(column) column " = CASE WHEN " IS_FIRST " THEN excluded." column " ELSE t." column " END, "
enum { COUNTED_VALUES = 14, COUNT_VALUES = 5, RELEASE_VALUES = 7, USER_VALUES = 5 };
static const char counted_sql[] =
    "INSERT INTO error_fingerprints AS t(project_id, id, service, family, language, made_by, errors_version, "
    "rules_version, rule_line, first_event, last_event, first_unix_us, last_unix_us, total_count, issue, is_changed) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 1) ON CONFLICT (project_id, id) DO UPDATE "
    "SET " OF_FIRST("service") OF_FIRST("family") OF_FIRST("language") OF_FIRST("made_by") OF_FIRST("errors_version")
        OF_FIRST("rules_version") OF_FIRST("rule_line")
            OF_FIRST("first_event") "last_event = CASE WHEN " IS_LAST
                                    " THEN excluded.last_event ELSE t.last_event END, first_unix_us = CASE WHEN "
                                    "excluded.first_unix_us < "
                                    "t.first_unix_us THEN excluded.first_unix_us ELSE t.first_unix_us END, "
                                    "last_unix_us = CASE WHEN "
                                    "excluded.last_unix_us > t.last_unix_us THEN excluded.last_unix_us ELSE "
                                    "t.last_unix_us END, total_count = "
                                    "t.total_count + excluded.total_count, is_changed = 1";
#define COUNT_SQL(table)                                                                                          \
    "INSERT INTO " table " AS c(project_id, at_unix_us, fingerprint_id, environment, row_count) VALUES ($1, $2, " \
    "$3, $4, $5) ON CONFLICT (project_id, at_unix_us, fingerprint_id, environment) DO UPDATE SET row_count = "    \
    "c.row_count + excluded.row_count"
#define TIMES_WIDEN                                                                                        \
    "first_unix_us = CASE WHEN excluded.first_unix_us < t.first_unix_us THEN excluded.first_unix_us ELSE " \
    "t.first_unix_us END, last_unix_us = CASE WHEN excluded.last_unix_us > t.last_unix_us THEN "           \
    "excluded.last_unix_us ELSE t.last_unix_us END"
static const char release_sql[] =
    "INSERT INTO error_releases AS t(project_id, fingerprint_id, release, environment, first_unix_us, last_unix_us, "
    "row_count) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project_id, fingerprint_id, release, environment) DO "
    "UPDATE SET row_count = t.row_count + excluded.row_count, " TIMES_WIDEN;
static const char user_sql[] =
    "INSERT INTO error_users AS t(project_id, fingerprint_id, user_hash, first_unix_us, last_unix_us) VALUES ($1, $2, "
    "$3, $4, $5) ON CONFLICT (project_id, fingerprint_id, user_hash) DO UPDATE SET " TIMES_WIDEN;
/* $3: ERROR_USERS_MAX - 1. With fewer of them there is nothing to compare with, and nothing goes. */
static const char users_cut_sql[] =
    "DELETE FROM error_users WHERE project_id = $1 AND fingerprint_id = $2 AND user_hash > (SELECT user_hash FROM "
    "error_users WHERE project_id = $1 AND fingerprint_id = $2 ORDER BY user_hash LIMIT 1 OFFSET $3)";

/* Rows of one kind, a chunk at a time: fill makes the values of the item at an index. */
typedef void fill_fn(const void *items, size_t at, struct db_value *values);
static bool rows_add(struct db_session *session, const char *sql, size_t value_count, fill_fn *fill, const void *items,
                     size_t total, struct err *err)
{
    struct db_value *values = mem_alloc(CHUNK_ROWS * value_count * sizeof *values);
    bool ok = true;
    for (size_t from = 0; ok && from < total; from += CHUNK_ROWS) {
        size_t count = total - from < CHUNK_ROWS ? total - from : CHUNK_ROWS;
        for (size_t i = 0; i < count; i++) fill(items, from + i, values + i * value_count);
        ok = db_run_many(session, sql, values, value_count, count, NULL, err);
    }
    free(values);
    return ok;
}

static void counted_fill(const void *items, size_t at, struct db_value *values)
{
    const struct error_counted *one = (const struct error_counted *)items + at;
    const struct db_value its[COUNTED_VALUES] = {
        db_uuid(one->project_id),        db_uuid(one->id),
        db_text_bytes(one->service),     db_text_bytes(one->family),
        db_text_bytes(one->language),    db_integer(one->made_by),
        db_integer(one->errors_version), db_integer(one->rules_version),
        db_integer(one->rule_line),      db_text_bytes(one->first_event),
        db_text_bytes(one->last_event),  db_integer(one->first_unix_us),
        db_integer(one->last_unix_us),   db_integer(one->row_count),
    };
    memcpy(values, its, sizeof its);
}

static void count_fill(const void *items, size_t at, struct db_value *values)
{
    const struct error_count *one = (const struct error_count *)items + at;
    const struct db_value its[COUNT_VALUES] = { db_uuid(one->project_id), db_integer(one->at_unix_us), db_uuid(one->id),
                                                db_text_bytes(one->environment), db_integer(one->row_count) };
    memcpy(values, its, sizeof its);
}

static void release_fill(const void *items, size_t at, struct db_value *values)
{
    const struct error_release *one = (const struct error_release *)items + at;
    const struct db_value its[RELEASE_VALUES] = { db_uuid(one->project_id),       db_uuid(one->id),
                                                  db_text_bytes(one->release),    db_text_bytes(one->environment),
                                                  db_integer(one->first_unix_us), db_integer(one->last_unix_us),
                                                  db_integer(one->row_count) };
    memcpy(values, its, sizeof its);
}

static void user_fill(const void *items, size_t at, struct db_value *values)
{
    const struct error_user *one = (const struct error_user *)items + at;
    const struct db_value its[USER_VALUES] = { db_uuid(one->project_id), db_uuid(one->id), db_integer(one->hash),
                                               db_integer(one->first_unix_us), db_integer(one->last_unix_us) };
    memcpy(values, its, sizeof its);
}

static bool users_cut(struct db_session *session, const struct error_changes *changes, struct err *err)
{
    for (size_t u = 0; u < changes->user_count; u++) {
        const struct error_user *user = &changes->users[u];
        if (u > 0 && ids_compare(user[-1].project_id, user[-1].id, user->project_id, user->id) == 0) continue;
        if (!db_run(session, users_cut_sql,
                    DB_VALUES(db_uuid(user->project_id), db_uuid(user->id), db_integer(ERROR_USERS_MAX - 1)), NULL,
                    NULL, NULL, err))
            return false;
    }
    return true;
}

/* The same by the hour, in order. */
static size_t hours_make(const struct error_changes *changes, struct error_count *hours)
{
    size_t kept = 0;
    for (size_t c = 0; c < changes->count_count; c++) {
        hours[c] = changes->counts[c];
        hours[c].at_unix_us -= hours[c].at_unix_us % ERROR_HOUR_US;
    }
    sort(hours, changes->count_count, sizeof *hours, count_compare);
    for (size_t c = 0; c < changes->count_count; c++) {
        if (kept > 0 && count_compare(&hours[kept - 1], &hours[c]) == 0)
            hours[kept - 1].row_count += hours[c].row_count;
        else
            hours[kept++] = hours[c];
    }
    return kept;
}

struct store_work {
    const struct error_changes *changes;
    const struct error_count *hours;
    size_t hour_count;
    int64_t now_unix_us;
};
static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct store_work *work = ctx;
    const struct error_changes *changes = work->changes;
    const struct tap_move move = { .tap = ERROR_TAP,
                                   .app_id = changes->app_id,
                                   .owner = changes->owner,
                                   .before = changes->position_before,
                                   .position = changes->position };
    bool is_done;
    if (!tap_position_move(session, &move, work->now_unix_us, &is_done, err)) return false;
    if (is_done || changes->fingerprint_count == 0) return true;
    return rows_add(session, counted_sql, COUNTED_VALUES, counted_fill, changes->fingerprints,
                    changes->fingerprint_count, err) &&
           rows_add(session, COUNT_SQL("error_minutes"), COUNT_VALUES, count_fill, changes->counts,
                    changes->count_count, err) &&
           rows_add(session, COUNT_SQL("error_hours"), COUNT_VALUES, count_fill, work->hours, work->hour_count, err) &&
           rows_add(session, release_sql, RELEASE_VALUES, release_fill, changes->releases, changes->release_count,
                    err) &&
           rows_add(session, user_sql, USER_VALUES, user_fill, changes->users, changes->user_count, err) &&
           users_cut(session, changes, err) && db_note_change(session, ERROR_TOPIC, err);
}

bool error_store(struct db *db, struct error_changes *changes, int64_t now_unix_us, struct err *err)
{
    assert(changes->position > changes->position_before);
    sort(changes->fingerprints, changes->fingerprint_count, sizeof *changes->fingerprints, counted_compare);
    sort(changes->counts, changes->count_count, sizeof *changes->counts, count_compare);
    sort(changes->releases, changes->release_count, sizeof *changes->releases, release_compare);
    sort(changes->users, changes->user_count, sizeof *changes->users, user_compare);
    struct error_count *hours = mem_alloc((changes->count_count + 1) * sizeof *hours);
    struct store_work work = { changes, hours, hours_make(changes, hours), now_unix_us };
    bool ok = db_transaction_adding(db, store_run, &work, err);
    free(hours);
    return ok;
}
