/* What is done with minutes once they are stored: hours and days of them, edges of calls whose sides came apart, and an end. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/ddsketch.h"
#include "meta/rollup.h"

#define LOCK           "rollups"
#define OVER_AFTER_US  (5 * ROLLUP_MINUTE_US) /* what comes later opens the hour again */
#define ROLLED_A_ROUND 200
#define HALF_KEPT_US   (5 * ROLLUP_MINUTE_US) /* the other side may be in another worker's memory */
#define CALLS_A_ROUND  5000
#define VALUES_KEPT    100 /* of an attribute and day */

/* ---- hours and days ---- */

/* Of one step: what is rolled up, of what. */
struct step {
    int64_t us;
    const char *due, *close, *is_early, *sums_drop, *sums, *buckets_drop, *buckets;
};
#define SUMS_OF(to, from)                                                                                             \
    "INSERT INTO " to "(project_id, at_unix_us, series_id, row_count, error_count, duration_count, duration_sum_ns, " \
    "duration_max_ns) SELECT project_id, CAST($2 AS bigint), series_id, CAST(SUM(row_count) AS bigint), "             \
    "CAST(SUM(error_count) AS bigint), CAST(SUM(duration_count) AS bigint), SUM(duration_sum_ns), "                   \
    "MAX(duration_max_ns) FROM " from " WHERE project_id = $1 AND at_unix_us >= $2 AND at_unix_us < $3 "              \
    "GROUP BY project_id, series_id"
#define BUCKETS_OF(to, from)                                                                       \
    "INSERT INTO " to "(project_id, at_unix_us, series_id, bucket, row_count) SELECT project_id, " \
    "CAST($2 AS bigint), series_id, bucket, CAST(SUM(row_count) AS bigint) FROM " from             \
    " WHERE project_id = $1 AND at_unix_us >= $2 AND at_unix_us < $3 GROUP BY project_id, series_id, bucket"
static const struct step hours = {
    .us = ROLLUP_HOUR_US,
    .due = "SELECT project_id, at_unix_us FROM rollup_open_hours WHERE at_unix_us < $1 ORDER BY at_unix_us LIMIT $2",
    .close = "DELETE FROM rollup_open_hours WHERE project_id = $1 AND at_unix_us = $2",
    .is_early = NULL,
    .sums_drop = "DELETE FROM rollup_hours WHERE project_id = $1 AND at_unix_us = $2",
    .sums = SUMS_OF("rollup_hours", "rollup_minutes"),
    .buckets_drop = "DELETE FROM rollup_hour_buckets WHERE project_id = $1 AND at_unix_us = $2",
    .buckets = BUCKETS_OF("rollup_hour_buckets", "rollup_minute_buckets"),
};
static const struct step days = {
    .us = ROLLUP_DAY_US,
    .due = "SELECT project_id, at_unix_us FROM rollup_open_days d WHERE at_unix_us < $1 AND NOT EXISTS (SELECT 1 FROM "
           "rollup_open_hours h WHERE h.project_id = d.project_id AND h.at_unix_us >= d.at_unix_us AND "
           "h.at_unix_us < d.at_unix_us + 86400000000) ORDER BY at_unix_us LIMIT $2",
    .close = "DELETE FROM rollup_open_days WHERE project_id = $1 AND at_unix_us = $2",
    .is_early =
        "SELECT 1 FROM rollup_open_hours WHERE project_id = $1 AND at_unix_us >= $2 AND at_unix_us < $3 LIMIT 1",
    .sums_drop = "DELETE FROM rollup_days WHERE project_id = $1 AND at_unix_us = $2",
    .sums = SUMS_OF("rollup_days", "rollup_hours"),
    .buckets_drop = "DELETE FROM rollup_day_buckets WHERE project_id = $1 AND at_unix_us = $2",
    .buckets = BUCKETS_OF("rollup_day_buckets", "rollup_hour_buckets"),
};

struct due {
    struct uuid project_id;
    int64_t at_unix_us;
};
struct dues {
    struct due at[ROLLED_A_ROUND];
    uint32_t count;
};

static bool due_row(void *ctx, struct db_row *row, struct err *err)
{
    struct dues *dues = ctx;
    (void)err;
    if (dues->count < ROLLED_A_ROUND)
        dues->at[dues->count++] = (struct due){ db_row_uuid(row, 0), db_row_integer(row, 1) };
    return true;
}

struct roll_work {
    const struct step *step;
    struct due due;
    bool is_done; /* else another process does the job, or an hour was opened meanwhile */
};

static bool any_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)row;
    (void)err;
    *(bool *)ctx = true;
    return true;
}

/* The mark goes first: who marks it meanwhile waits for us and opens it again; whose mark we have waited for is summed. */
static bool roll_run(struct db_session *session, void *ctx, struct err *err)
{
    struct roll_work *work = ctx;
    const struct step *step = work->step;
    struct db_value values[] = { db_uuid(work->due.project_id), db_integer(work->due.at_unix_us),
                                 db_integer(work->due.at_unix_us + step->us) };
    bool got, is_early = false;
    work->is_done = false;
    if (!db_lock_try(session, LOCK, &got, err)) return false;
    if (!got) return true;
    if (!db_run(session, step->close, values, 2, NULL, NULL, NULL, err)) return false;
    if (step->is_early && !db_run(session, step->is_early, values, 3, any_row, &is_early, NULL, err)) return false;
    if (is_early) return err_set(err, ERR_CONFLICT, "an hour of the day was opened again");
    work->is_done = true;
    return db_run(session, step->sums_drop, values, 2, NULL, NULL, NULL, err) &&
           db_run(session, step->sums, values, 3, NULL, NULL, NULL, err) &&
           db_run(session, step->buckets_drop, values, 2, NULL, NULL, NULL, err) &&
           db_run(session, step->buckets, values, 3, NULL, NULL, NULL, err);
}

static bool roll(struct db *db, const struct step *step, int64_t now_unix_us, uint64_t *count, struct err *err)
{
    struct dues *dues = mem_calloc(1, sizeof *dues);
    bool ok = db_read(db, step->due,
                      DB_VALUES(db_integer(now_unix_us - step->us - OVER_AFTER_US), db_integer(ROLLED_A_ROUND)),
                      due_row, dues, err);
    for (uint32_t d = 0; ok && d < dues->count; d++) {
        struct roll_work work = { .step = step, .due = dues->at[d] };
        ok = db_transaction_adding(db, roll_run, &work, err);
        if (ok && work.is_done) ++*count;
        if (!ok && err->code == ERR_CONFLICT) {
            *err = (struct err){ 0 };
            ok = true; /* the next round */
        }
    }
    free(dues);
    return ok;
}

/* ---- calls ---- */

struct call {
    struct uuid project_id;
    uint8_t trace_id[16], span_id[8];
    struct bytes source, target;
    const char *target_kind;
    int64_t at_unix_us, duration_ns, weight;
    bool is_error, has_edge;
};
struct calls {
    struct call *at;
    uint32_t count;
    struct arena *arena;
};

static bool id_copy(struct bytes id, uint8_t *to, size_t len, struct err *err)
{
    if (id.len != len) return err_set(err, ERR_CORRUPT, "a call's id in rollup_halves has %zu bytes", id.len);
    memcpy(to, id.ptr, len);
    return true;
}

static struct bytes text_copy(struct arena *arena, struct bytes text)
{
    return text.len > 0 ? arena_copy(arena, text) : (struct bytes){ (const uint8_t *)"", 0 };
}

static bool call_row(void *ctx, struct db_row *row, struct err *err)
{
    struct calls *calls = ctx;
    if (calls->count == CALLS_A_ROUND) return true;
    struct call *call = &calls->at[calls->count++];
    *call = (struct call){ .project_id = db_row_uuid(row, 0),
                           .source = text_copy(calls->arena, db_row_text(row, 3)),
                           .target = text_copy(calls->arena, db_row_text(row, 4)),
                           .at_unix_us = db_row_integer(row, 5),
                           .duration_ns = db_row_integer(row, 6),
                           .is_error = db_row_boolean(row, 7),
                           .weight = db_row_integer(row, 8),
                           .target_kind = db_row_integer(row, 9) != 0 ? "service" : "external",
                           .has_edge = true };
    return id_copy(db_row_bytes(row, 1), call->trace_id, 16, err) &&
           id_copy(db_row_bytes(row, 2), call->span_id, 8, err);
}

static const char matched_sql[] =
    "SELECT c.project_id, c.trace_id, c.span_id, c.service, s.service, c.at_unix_us, c.duration_ns, c.is_error, "
    "CASE WHEN s.sampled_one_in > c.sampled_one_in THEN s.sampled_one_in ELSE c.sampled_one_in END, 1 "
    "FROM rollup_halves s JOIN rollup_halves c ON c.project_id = s.project_id AND c.trace_id = s.trace_id "
    "AND c.span_id = s.span_id AND c.side = 0 WHERE s.side = 1 LIMIT $1";
/* How much a project samples is asked once a project: once a call it would be all halves as often as calls. */
static const char expired_sql[] =
    "WITH e AS (SELECT project_id, trace_id, span_id, service, target, at_unix_us, duration_ns, is_error "
    "FROM rollup_halves WHERE side = 0 AND stored_unix_us < $1 LIMIT $2), "
    "m AS (SELECT project_id, MAX(sampled_one_in) AS most FROM rollup_halves "
    "WHERE project_id IN (SELECT project_id FROM e) GROUP BY project_id) "
    "SELECT e.project_id, e.trace_id, e.span_id, e.service, e.target, e.at_unix_us, e.duration_ns, e.is_error, m.most, "
    "0 FROM e JOIN m ON m.project_id = e.project_id";

/* Calls become series, minutes and buckets; one at a time, put together by rollup_add. */
static bool calls_add(struct db_session *session, const struct calls *calls, int64_t now_unix_us, uint64_t *count,
                      struct err *err)
{
    struct rollup_changes changes = {
        .series = arena_alloc(calls->arena, calls->count * sizeof *changes.series),
        .minutes = arena_alloc(calls->arena, calls->count * sizeof *changes.minutes),
        .buckets = arena_alloc(calls->arena, calls->count * sizeof *changes.buckets),
    };
    for (uint32_t c = 0; c < calls->count; c++) {
        const struct call *call = &calls->at[c];
        if (!call->has_edge) continue;
        struct rollup_series *series = &changes.series[changes.series_count++];
        int64_t minute = call->at_unix_us - call->at_unix_us % ROLLUP_MINUTE_US;
        *series = (struct rollup_series){ .project_id = call->project_id,
                                          .kind = ROLLUP_KIND_EDGE,
                                          .service = call->source,
                                          .source_kind = "service",
                                          .target = call->target,
                                          .target_kind = call->target_kind,
                                          .first_unix_us = call->at_unix_us,
                                          .last_unix_us = call->at_unix_us };
        series->id = rollup_series_id(series);
        struct rollup_sums *sums = &changes.minutes[changes.minute_count++];
        *sums = (struct rollup_sums){ .project_id = call->project_id,
                                      .at_unix_us = minute,
                                      .series_id = series->id,
                                      .row_count = call->weight,
                                      .error_count = call->is_error ? call->weight : 0 };
        if (call->duration_ns < 0) continue;
        sums->duration_count = call->weight;
        sums->duration_sum_ns = (double)call->duration_ns * (double)call->weight;
        sums->duration_max_ns = call->duration_ns;
        changes.buckets[changes.bucket_count++] =
            (struct rollup_bucket){ .project_id = call->project_id,
                                    .at_unix_us = minute,
                                    .series_id = series->id,
                                    .bucket = ddsketch_bucket((uint64_t)call->duration_ns),
                                    .row_count = call->weight };
    }
    *count += changes.series_count;
    return changes.series_count == 0 || rollup_add(session, &changes, now_unix_us, err);
}

static bool calls_forget(struct db_session *session, const struct calls *calls, struct err *err)
{
    if (calls->count == 0) return true;
    struct db_value *values = arena_alloc(calls->arena, calls->count * 3 * sizeof *values);
    for (uint32_t c = 0; c < calls->count; c++) {
        values[3 * c] = db_uuid(calls->at[c].project_id);
        values[3 * c + 1] = db_bytes(bytes_from(calls->at[c].trace_id, 16));
        values[3 * c + 2] = db_bytes(bytes_from(calls->at[c].span_id, 8));
    }
    return db_run_many(session, "DELETE FROM rollup_halves WHERE project_id = $1 AND trace_id = $2 AND span_id = $3",
                       values, 3, calls->count, NULL, err);
}

struct calls_work {
    int64_t now_unix_us;
    struct arena arena;
    uint64_t count;
};

static bool calls_run(struct db_session *session, void *ctx, struct err *err)
{
    struct calls_work *work = ctx;
    int64_t old = work->now_unix_us - HALF_KEPT_US;
    bool got;
    work->count = 0;
    arena_reset(&work->arena);
    if (!db_lock_try(session, LOCK, &got, err)) return false;
    if (!got) return true;
    struct calls calls = { .at = arena_alloc(&work->arena, CALLS_A_ROUND * sizeof *calls.at), .arena = &work->arena };
    if (!db_run(session, matched_sql, DB_VALUES(db_integer(CALLS_A_ROUND)), call_row, &calls, NULL, err) ||
        !calls_add(session, &calls, work->now_unix_us, &work->count, err) || !calls_forget(session, &calls, err))
        return false;
    /* Where traces are sampled, one whose server side was left out looks like one that has none: only traces that are
     * sampled everywhere tell. */
    calls.count = 0;
    if (!db_run(session, expired_sql, DB_VALUES(db_integer(old), db_integer(CALLS_A_ROUND)), call_row, &calls, NULL,
                err))
        return false;
    for (uint32_t c = 0; c < calls.count; c++) {
        struct call *call = &calls.at[c];
        call->has_edge = call->target.len > 0 && rollup_trace_is_sampled(bytes_from(call->trace_id, 16), call->weight);
    }
    return calls_add(session, &calls, work->now_unix_us, &work->count, err) && calls_forget(session, &calls, err) &&
           db_run(session, "DELETE FROM rollup_halves WHERE side = 1 AND stored_unix_us < $1",
                  DB_VALUES(db_integer(old)), NULL, NULL, NULL, err);
}

/* ---- the end ---- */

struct end_work {
    const struct rollup_keep *keep;
    int64_t now_unix_us;
    bool has_aggregates;
    uint64_t deleted;
};

static bool older_delete(struct db_session *session, struct end_work *work, const char *sql, int64_t keep_us,
                         struct err *err)
{
    int64_t changed = 0;
    if (keep_us <= 0) return true;
    int64_t before = work->now_unix_us - keep_us - 2 * ROLLUP_HOUR_US;
    before -= before % ROLLUP_HOUR_US;
    if (!db_run(session, sql, DB_VALUES(db_integer(before)), NULL, NULL, &changed, err)) return false;
    work->deleted += (uint64_t)changed;
    return true;
}

/* The projects are named first: each one's rows are behind each other in the key. */
#define OLDER(table, column) \
    "DELETE FROM " table " WHERE project_id IN (SELECT DISTINCT project_id FROM rollup_series) AND " column " < $1"
/* ... and what is not rolled up yet stays. */
#define OLDER_CLOSED(table, open, us)                                                                               \
    OLDER(table, "at_unix_us")                                                                                      \
    " AND NOT EXISTS (SELECT 1 FROM " open " o WHERE o.project_id = " table ".project_id AND o.at_unix_us = " table \
    ".at_unix_us - " table ".at_unix_us % " us ")"

static bool end_run(struct db_session *session, void *ctx, struct err *err)
{
    struct end_work *work = ctx;
    const struct rollup_keep *keep = work->keep;
    bool got;
    work->deleted = 0;
    if (!db_lock_try(session, LOCK, &got, err)) return false;
    if (!got) return true;
    const struct {
        const char *sql;
        int64_t keep_us;
        bool is_of_aggregates; /* the database's own policies do it, where there are any */
    } ends[] = {
        { OLDER_CLOSED("rollup_minutes", "rollup_open_hours", "3600000000"), keep->minutes_us, true },
        { OLDER_CLOSED("rollup_minute_buckets", "rollup_open_hours", "3600000000"), keep->minutes_us, true },
        { OLDER_CLOSED("rollup_hours", "rollup_open_days", "86400000000"), keep->hours_us, false },
        { OLDER_CLOSED("rollup_hour_buckets", "rollup_open_days", "86400000000"), keep->hours_us, false },
        { OLDER("rollup_days", "at_unix_us"), keep->days_us, false },
        { OLDER("rollup_day_buckets", "at_unix_us"), keep->days_us, false },
        { "DELETE FROM rollup_attributes WHERE day_unix_us < $1", keep->attributes_us, false },
        { "DELETE FROM rollup_attribute_values WHERE day_unix_us < $1", keep->attributes_us, false },
        { "DELETE FROM rollup_metrics WHERE last_unix_us < $1", keep->hours_us, false },
        { "DELETE FROM rollup_series WHERE last_unix_us < $1", keep->days_us, false },
    };
    for (size_t e = 0; e < COUNT_OF(ends); e++) {
        if (ends[e].is_of_aggregates && work->has_aggregates) continue;
        if (!older_delete(session, work, ends[e].sql, ends[e].keep_us, err)) return false;
    }
    int64_t changed;
    if (!db_run(session,
                "DELETE FROM rollup_attribute_values WHERE (project_id, day_unix_us, place, key, value) IN ("
                "SELECT project_id, day_unix_us, place, key, value FROM (SELECT project_id, day_unix_us, place, key, "
                "value, row_number() OVER (PARTITION BY project_id, day_unix_us, place, key ORDER BY row_count DESC, "
                "value) AS place_in_row FROM rollup_attribute_values WHERE day_unix_us >= $1) v "
                "WHERE v.place_in_row > $2)",
                DB_VALUES(db_integer(work->now_unix_us - 2 * ROLLUP_DAY_US), db_integer(VALUES_KEPT)), NULL, NULL,
                &changed, err))
        return false;
    work->deleted += (uint64_t)changed;
    return true;
}

static bool marks_run(struct db_session *session, void *ctx, struct err *err)
{
    struct db_value before = db_integer(*(const int64_t *)ctx);
    return db_run(session, "DELETE FROM rollup_open_hours WHERE at_unix_us < $1", &before, 1, NULL, NULL, NULL, err) &&
           db_run(session, "DELETE FROM rollup_open_days WHERE at_unix_us < $1", &before, 1, NULL, NULL, NULL, err);
}

/* Aggregates know themselves what of them is to be made again. */
static bool marks_drop(struct db *db, int64_t now_unix_us, struct err *err)
{
    int64_t before = now_unix_us - 2 * ROLLUP_DAY_US;
    return db_transaction_adding(db, marks_run, &before, err);
}

bool rollup_job(struct db *db, const struct rollup_keep *keep, int64_t now_unix_us, bool is_thorough,
                struct rollup_job_stats *stats, struct err *err)
{
    struct calls_work calls = { .now_unix_us = now_unix_us };
    struct end_work end = { .keep = keep, .now_unix_us = now_unix_us };
    if (!rollup_aggregates(db, &end.has_aggregates, err)) return false;
    arena_init(&calls.arena, 0);
    bool ok = db_transaction_adding(db, calls_run, &calls, err);
    arena_deinit(&calls.arena);
    if (!ok) return err_within(err, "edges");
    stats->edges += calls.count;
    if (end.has_aggregates) {
        if (is_thorough && !marks_drop(db, now_unix_us, err)) return err_within(err, "open hours");
    } else if (!roll(db, &hours, now_unix_us, &stats->hours, err) || !roll(db, &days, now_unix_us, &stats->days, err)) {
        return err_within(err, "hours and days");
    }
    if (!is_thorough) return true;
    ok = db_transaction_adding(db, end_run, &end, err);
    stats->deleted += end.deleted;
    return ok || err_within(err, "what is past its time");
}
