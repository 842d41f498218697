#include "meta/pattern.h"

#include <stdlib.h>

#include "meta/tap_position.h"

#define CHUNK_ROWS   512
#define EXPIRE_BATCH 5000

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int ids_compare(struct uuid project_a, struct uuid a, struct uuid project_b, struct uuid b)
{
    int order = memcmp(project_a.bytes, project_b.bytes, sizeof project_a.bytes);
    return order != 0 ? order : memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

static int template_compare(const void *left, const void *right)
{
    const struct pattern_template *a = left, *b = right;
    return ids_compare(a->project_id, a->id, b->project_id, b->id);
}

static int count_compare(const void *left, const void *right)
{
    const struct pattern_count *a = left, *b = right;
    int order = memcmp(a->project_id.bytes, b->project_id.bytes, sizeof a->project_id.bytes);
    if (order == 0) order = ORDER(a->at_unix_us, b->at_unix_us);
    if (order == 0) order = memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
    return order != 0 ? order : ORDER(a->level, b->level);
}

/* The sample of the first line; of two at one time the lesser text: whoever comes second. */
#define IS_FIRST                                                    \
    "excluded.first_unix_us < t.first_unix_us OR t.sample = '' OR " \
    "(excluded.first_unix_us = t.first_unix_us AND excluded.sample < t.sample)"
static const char template_sql[] =
    "INSERT INTO pattern_templates AS t(project_id, id, service, template, sample, is_rest, first_unix_us, "
    "last_unix_us) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (project_id, id) DO UPDATE SET "
    "sample = CASE WHEN " IS_FIRST " THEN excluded.sample ELSE t.sample END, "
    "first_unix_us = CASE WHEN excluded.first_unix_us < t.first_unix_us THEN excluded.first_unix_us ELSE "
    "t.first_unix_us END, "
    "is_rest = CASE WHEN excluded.is_rest > t.is_rest THEN excluded.is_rest ELSE t.is_rest END, "
    "last_unix_us = CASE WHEN excluded.last_unix_us > t.last_unix_us THEN excluded.last_unix_us ELSE t.last_unix_us "
    "END";
#define COUNT_SQL(table)                                                                                             \
    "INSERT INTO " table " AS c(project_id, at_unix_us, template_id, level, row_count) VALUES ($1, $2, $3, $4, $5) " \
    "ON CONFLICT (project_id, at_unix_us, template_id, level) DO UPDATE SET row_count = c.row_count + "              \
    "excluded.row_count"

static bool templates_add(struct db_session *session, const struct pattern_changes *changes, struct err *err)
{
    struct db_value *values = mem_alloc(CHUNK_ROWS * 8 * sizeof *values);
    bool ok = true;
    for (size_t from = 0; ok && from < changes->template_count; from += CHUNK_ROWS) {
        size_t count = changes->template_count - from < CHUNK_ROWS ? changes->template_count - from : CHUNK_ROWS;
        for (size_t i = 0; i < count; i++) {
            const struct pattern_template *template = &changes->templates[from + i];
            struct db_value *of_row = values + i * 8;
            of_row[0] = db_uuid(template->project_id);
            of_row[1] = db_uuid(template->id);
            of_row[2] = db_text_bytes(template->service);
            of_row[3] = db_text_bytes(template->template);
            of_row[4] = db_text_bytes(template->sample);
            of_row[5] = db_boolean(template->is_rest);
            of_row[6] = db_integer(template->first_unix_us);
            of_row[7] = db_integer(template->last_unix_us);
        }
        ok = db_run_many(session, template_sql, values, 8, count, NULL, err);
    }
    free(values);
    return ok;
}

static bool counts_add(struct db_session *session, const char *sql, const struct pattern_count *counts, size_t total,
                       struct err *err)
{
    struct db_value *values = mem_alloc(CHUNK_ROWS * 5 * sizeof *values);
    bool ok = true;
    for (size_t from = 0; ok && from < total; from += CHUNK_ROWS) {
        size_t count = total - from < CHUNK_ROWS ? total - from : CHUNK_ROWS;
        for (size_t i = 0; i < count; i++) {
            const struct pattern_count *one = &counts[from + i];
            struct db_value *of_row = values + i * 5;
            of_row[0] = db_uuid(one->project_id);
            of_row[1] = db_integer(one->at_unix_us);
            of_row[2] = db_uuid(one->id);
            of_row[3] = db_integer(one->level);
            of_row[4] = db_integer(one->row_count);
        }
        ok = db_run_many(session, sql, values, 5, count, NULL, err);
    }
    free(values);
    return ok;
}

/* The same by the hour, in order. */
static size_t hours_make(const struct pattern_changes *changes, struct pattern_count *hours)
{
    size_t kept = 0;
    for (size_t c = 0; c < changes->count_count; c++) {
        hours[c] = changes->counts[c];
        hours[c].at_unix_us -= hours[c].at_unix_us % PATTERN_HOUR_US;
    }
    if (changes->count_count > 1) qsort(hours, changes->count_count, sizeof *hours, count_compare);
    for (size_t c = 0; c < changes->count_count; c++) {
        if (kept > 0 && count_compare(&hours[kept - 1], &hours[c]) == 0)
            hours[kept - 1].row_count += hours[c].row_count;
        else
            hours[kept++] = hours[c];
    }
    return kept;
}

struct store_work {
    const struct pattern_changes *changes;
    const struct pattern_count *hours;
    size_t hour_count;
    int64_t now_unix_us;
};
static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct store_work *work = ctx;
    const struct pattern_changes *changes = work->changes;
    const struct tap_move move = { .tap = PATTERN_TAP,
                                   .app_id = changes->app_id,
                                   .owner = changes->owner,
                                   .before = changes->position_before,
                                   .position = changes->position };
    bool is_done;
    if (!tap_position_move(session, &move, work->now_unix_us, &is_done, err)) return false;
    return is_done || (templates_add(session, changes, err) &&
                       counts_add(session, COUNT_SQL("pattern_minutes"), changes->counts, changes->count_count, err) &&
                       counts_add(session, COUNT_SQL("pattern_hours"), work->hours, work->hour_count, err));
}

bool pattern_store(struct db *db, struct pattern_changes *changes, int64_t now_unix_us, struct err *err)
{
    assert(changes->position > changes->position_before);
    if (changes->template_count > 1)
        qsort(changes->templates, changes->template_count, sizeof *changes->templates, template_compare);
    if (changes->count_count > 1) qsort(changes->counts, changes->count_count, sizeof *changes->counts, count_compare);
    struct pattern_count *hours = mem_alloc((changes->count_count + 1) * sizeof *hours);
    struct store_work work = { changes, hours, hours_make(changes, hours), now_unix_us };
    bool ok = db_transaction_adding(db, store_run, &work, err);
    free(hours);
    return ok;
}

static bool forget_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, "UPDATE pattern_templates SET sample = '' WHERE project_id = $1",
                  DB_VALUES(db_uuid(*(const struct uuid *)ctx)), NULL, NULL, NULL, err);
}

bool pattern_samples_forget(struct db *db, struct uuid project_id, struct err *err)
{
    return db_transaction(db, forget_run, &project_id, err);
}

/* -- what is past its time -------------------------------------------------------------------------------------- */

struct expire_work {
    int64_t minutes_before_us, rest_before_us;
    uint64_t deleted;
};
static bool expire_run(struct db_session *session, void *ctx, struct err *err)
{
    struct expire_work *work = ctx;
    static const char *const minutes =
        "DELETE FROM pattern_minutes WHERE (project_id, at_unix_us, template_id, level) IN (SELECT project_id, "
        "at_unix_us, template_id, level FROM pattern_minutes WHERE at_unix_us < $1 ORDER BY at_unix_us LIMIT $2)";
    static const char *const hours =
        "DELETE FROM pattern_hours WHERE (project_id, at_unix_us, template_id, level) IN (SELECT project_id, "
        "at_unix_us, template_id, level FROM pattern_hours WHERE at_unix_us < $1 ORDER BY at_unix_us LIMIT $2)";
    static const char *const templates =
        "DELETE FROM pattern_templates WHERE (project_id, id) IN (SELECT project_id, id FROM pattern_templates "
        "WHERE last_unix_us < $1 ORDER BY last_unix_us LIMIT $2)";
    int64_t changed;
    bool got;
    work->deleted = 0;
    if (!db_lock_try(session, "patterns", &got, err)) return false;
    if (!got) return true;
    if (!db_run(session, minutes, DB_VALUES(db_integer(work->minutes_before_us), db_integer(EXPIRE_BATCH)), NULL, NULL,
                &changed, err))
        return false;
    work->deleted += (uint64_t)changed;
    if (work->rest_before_us == INT64_MIN) return true;
    struct db_value before = db_integer(work->rest_before_us), batch = db_integer(EXPIRE_BATCH);
    if (!db_run(session, hours, DB_VALUES(before, batch), NULL, NULL, &changed, err)) return false;
    work->deleted += (uint64_t)changed;
    if (!db_run(session, templates, DB_VALUES(before, batch), NULL, NULL, &changed, err)) return false;
    work->deleted += (uint64_t)changed;
    return true;
}

bool pattern_expire(struct db *db, int64_t keep_us, int64_t now_unix_us, uint64_t *deleted, struct err *err)
{
    struct expire_work work = { .minutes_before_us = now_unix_us - PATTERN_MINUTES_KEEP_US,
                                .rest_before_us = keep_us > 0 ? now_unix_us - keep_us : INT64_MIN };
    bool ok = db_transaction_adding(db, expire_run, &work, err);
    *deleted = ok ? work.deleted : 0;
    return ok;
}
