#include "meta/rollup.h"

#include <stdlib.h>

#include "base/hash.h"
#include "meta/tap_position.h"

int64_t rollup_series_id(const struct rollup_series *series)
{
    const struct bytes parts[] = { bytes_of_text(series->kind),
                                   series->service,
                                   series->endpoint,
                                   series->method,
                                   series->route,
                                   series->target,
                                   bytes_of_text(series->target_kind) };
    uint64_t hashes[COUNT_OF(parts)];
    for (size_t i = 0; i < COUNT_OF(parts); i++) hashes[i] = hash64_of(parts[i]); /* XXH3: the same for ever */
    return (int64_t)hash64_of(bytes_from(hashes, sizeof hashes));
}

bool rollup_trace_is_sampled(struct bytes trace_id, int64_t one_in)
{
    return one_in <= 1 || ((hash64_of(trace_id) >> 32) & (uint64_t)(one_in - 1)) == 0;
}

/* -- rows ------------------------------------------------------------------------------------------------------- */

#define CHUNK_ROWS 512

static int uuid_compare(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes);
}
#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int series_compare(const void *left, const void *right)
{
    const struct rollup_series *a = left, *b = right;
    int order = uuid_compare(a->project_id, b->project_id);
    return order ? order : ORDER(a->id, b->id);
}

static void series_put(const void *row, struct db_value *values)
{
    const struct rollup_series *series = row;
    values[0] = db_uuid(series->project_id);
    values[1] = db_integer(series->id);
    values[2] = db_text(series->kind);
    values[3] = db_text_bytes(series->service);
    values[4] = db_text_bytes(series->endpoint);
    values[5] = db_text_bytes(series->method);
    values[6] = db_text_bytes(series->route);
    values[7] = db_text(series->source_kind);
    values[8] = db_text_bytes(series->target);
    values[9] = db_text(series->target_kind);
    values[10] = db_integer(series->first_unix_us);
    values[11] = db_integer(series->last_unix_us);
}

static int sums_compare(const void *left, const void *right)
{
    const struct rollup_sums *a = left, *b = right;
    int order = uuid_compare(a->project_id, b->project_id);
    if (order == 0) order = ORDER(a->at_unix_us, b->at_unix_us);
    return order ? order : ORDER(a->series_id, b->series_id);
}

static void sums_put(const void *row, struct db_value *values)
{
    const struct rollup_sums *sums = row;
    values[0] = db_uuid(sums->project_id);
    values[1] = db_integer(sums->at_unix_us);
    values[2] = db_integer(sums->series_id);
    values[3] = db_integer(sums->row_count);
    values[4] = db_integer(sums->error_count);
    values[5] = db_integer(sums->duration_count);
    values[6] = db_real(sums->duration_sum_ns);
    values[7] = db_integer(sums->duration_max_ns);
}

static int bucket_compare(const void *left, const void *right)
{
    const struct rollup_bucket *a = left, *b = right;
    int order = uuid_compare(a->project_id, b->project_id);
    if (order == 0) order = ORDER(a->at_unix_us, b->at_unix_us);
    if (order == 0) order = ORDER(a->series_id, b->series_id);
    return order ? order : ORDER(a->bucket, b->bucket);
}

static void bucket_put(const void *row, struct db_value *values)
{
    const struct rollup_bucket *bucket = row;
    values[0] = db_uuid(bucket->project_id);
    values[1] = db_integer(bucket->at_unix_us);
    values[2] = db_integer(bucket->series_id);
    values[3] = db_integer(bucket->bucket);
    values[4] = db_integer(bucket->row_count);
}

/* Keys, then values. */
static int attribute_compare(const void *left, const void *right)
{
    const struct rollup_attribute *a = left, *b = right;
    int order = ORDER(a->is_value, b->is_value);
    if (order == 0) order = uuid_compare(a->project_id, b->project_id);
    if (order == 0) order = ORDER(a->day_unix_us, b->day_unix_us);
    if (order == 0) order = strcmp(a->place, b->place);
    if (order == 0) order = bytes_compare(a->key, b->key);
    return order ? order : bytes_compare(a->value, b->value);
}

static void attribute_put(const void *row, struct db_value *values)
{
    const struct rollup_attribute *attribute = row;
    values[0] = db_uuid(attribute->project_id);
    values[1] = db_integer(attribute->day_unix_us);
    values[2] = db_text(attribute->place);
    values[3] = db_text_bytes(attribute->key);
    values[4] = attribute->is_value ? db_text_bytes(attribute->value) : db_text(attribute->type);
    values[5] = db_integer(attribute->row_count);
    values[6] = db_integer(attribute->last_unix_us);
}

static int metric_compare(const void *left, const void *right)
{
    const struct rollup_metric *a = left, *b = right;
    int order = uuid_compare(a->project_id, b->project_id);
    if (order == 0) order = bytes_compare(a->name, b->name);
    return order ? order : bytes_compare(a->service, b->service);
}

static void metric_put(const void *row, struct db_value *values)
{
    const struct rollup_metric *metric = row;
    values[0] = db_uuid(metric->project_id);
    values[1] = db_text_bytes(metric->name);
    values[2] = db_text_bytes(metric->service);
    values[3] = db_text(metric->type);
    values[4] = db_text_bytes(metric->unit);
    values[5] = db_text_bytes(metric->description);
    values[6] = db_text(metric->temporality);
    values[7] = db_boolean(metric->is_monotonic);
    values[8] = db_integer(metric->row_count);
    values[9] = db_integer(metric->first_unix_us);
    values[10] = db_integer(metric->last_unix_us);
}

static int half_compare(const void *left, const void *right)
{
    const struct rollup_half *a = left, *b = right;
    int order = uuid_compare(a->project_id, b->project_id);
    if (order == 0) order = bytes_compare(a->trace_id, b->trace_id);
    if (order == 0) order = bytes_compare(a->span_id, b->span_id);
    return order ? order : ORDER(a->is_server, b->is_server);
}

static void half_put(const void *row, struct db_value *values)
{
    const struct rollup_half *half = row;
    values[0] = db_uuid(half->project_id);
    values[1] = db_bytes(half->trace_id);
    values[2] = db_bytes(half->span_id);
    values[3] = db_boolean(half->is_server);
    values[4] = db_text_bytes(half->service);
    values[5] = db_text_bytes(half->target);
    values[6] = db_text(half->target_kind);
    values[7] = db_integer(half->at_unix_us);
    values[8] = db_integer(half->duration_ns);
    values[9] = db_boolean(half->is_error);
    values[10] = db_integer(half->sampled_one_in);
}

#define LEAST(table, column)                                                                                    \
#column " = CASE WHEN excluded." #column " < " #table "." #column " THEN excluded." #column " ELSE " #table \
            "." #column " END"
#define GREATEST(table, column)                                                                                 \
#column " = CASE WHEN excluded." #column " > " #table "." #column " THEN excluded." #column " ELSE " #table \
            "." #column " END"
#define SUM(table, column) #column " = " #table "." #column " + excluded." #column

#define VALUES_MAX 12
struct upsert {
    const char *sql;
    size_t value_count, row_bytes;
    int (*compare)(const void *left, const void *right);
    void (*put)(const void *row, struct db_value *values);
    bool has_now; /* the last value */
};
static const struct upsert series_upsert = {
    .sql = "INSERT INTO rollup_series AS s(project_id, id, kind, service, endpoint, method, route, source_kind, "
           "target, target_kind, first_unix_us, last_unix_us) "
           "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
           "ON CONFLICT (project_id, id) DO UPDATE SET " LEAST(s, first_unix_us) ", " GREATEST(s, last_unix_us),
    .value_count = 12,
    .row_bytes = sizeof(struct rollup_series),
    .compare = series_compare,
    .put = series_put,
};
static const struct upsert minute_upsert = {
    .sql =
        "INSERT INTO rollup_minutes AS m(project_id, at_unix_us, series_id, row_count, error_count, duration_count, "
        "duration_sum_ns, duration_max_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
        "ON CONFLICT (project_id, at_unix_us, series_id) DO UPDATE SET " SUM(m, row_count) ", " SUM(
            m, error_count) ", " SUM(m, duration_count) ", " SUM(m, duration_sum_ns) ", " GREATEST(m, duration_max_ns),
    .value_count = 8,
    .row_bytes = sizeof(struct rollup_sums),
    .compare = sums_compare,
    .put = sums_put,
};
static const struct upsert bucket_upsert = {
    .sql = "INSERT INTO rollup_minute_buckets AS b(project_id, at_unix_us, series_id, bucket, row_count) "
           "VALUES ($1, $2, $3, $4, $5) "
           "ON CONFLICT (project_id, at_unix_us, series_id, bucket) DO UPDATE SET " SUM(b, row_count),
    .value_count = 5,
    .row_bytes = sizeof(struct rollup_bucket),
    .compare = bucket_compare,
    .put = bucket_put,
};
static const struct upsert attribute_upsert = {
    .sql = "INSERT INTO rollup_attributes AS a(project_id, day_unix_us, place, key, type, row_count, last_unix_us) "
           "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project_id, day_unix_us, place, key) DO UPDATE SET "
           "type = excluded.type, " SUM(a, row_count) ", " GREATEST(a, last_unix_us),
    .value_count = 7,
    .row_bytes = sizeof(struct rollup_attribute),
    .compare = attribute_compare,
    .put = attribute_put,
};
static const struct upsert value_upsert = {
    .sql = "INSERT INTO rollup_attribute_values AS v(project_id, day_unix_us, place, key, value, row_count, "
           "last_unix_us) VALUES ($1, $2, $3, $4, $5, $6, $7) "
           "ON CONFLICT (project_id, day_unix_us, place, key, value) DO UPDATE SET " SUM(v, row_count) ", " GREATEST(
               v, last_unix_us),
    .value_count = 7,
    .row_bytes = sizeof(struct rollup_attribute),
    .compare = attribute_compare,
    .put = attribute_put,
};
static const struct upsert metric_upsert = {
    .sql =
        "INSERT INTO rollup_metrics AS m(project_id, name, service, type, unit, description, temporality, "
        "is_monotonic, row_count, first_unix_us, last_unix_us) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (project_id, name, service) DO UPDATE SET "
        "type = excluded.type, unit = excluded.unit, description = excluded.description, "
        "temporality = excluded.temporality, is_monotonic = excluded.is_monotonic, " SUM(m, row_count) ", " LEAST(
            m, first_unix_us) ", " GREATEST(m, last_unix_us),
    .value_count = 11,
    .row_bytes = sizeof(struct rollup_metric),
    .compare = metric_compare,
    .put = metric_put,
};
static const struct upsert half_upsert = {
    .sql = "INSERT INTO rollup_halves(project_id, trace_id, span_id, side, service, target, target_kind, at_unix_us, "
           "duration_ns, is_error, sampled_one_in, stored_unix_us) "
           "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    .value_count = 12,
    .row_bytes = sizeof(struct rollup_half),
    .compare = half_compare,
    .put = half_put,
    .has_now = true,
};

static bool upsert_run(struct db_session *session, const struct upsert *upsert, const void *rows, size_t row_count,
                       int64_t now_unix_us, struct err *err)
{
    if (row_count == 0) return true;
    struct db_value *values = mem_alloc(CHUNK_ROWS * upsert->value_count * sizeof *values);
    bool ok = true;
    assert(upsert->value_count <= VALUES_MAX);
    for (size_t from = 0; ok && from < row_count; from += CHUNK_ROWS) {
        size_t count = row_count - from < CHUNK_ROWS ? row_count - from : CHUNK_ROWS;
        for (size_t i = 0; i < count; i++) {
            struct db_value *of_row = values + i * upsert->value_count;
            upsert->put((const uint8_t *)rows + (from + i) * upsert->row_bytes, of_row);
            if (upsert->has_now) of_row[upsert->value_count - 1] = db_integer(now_unix_us);
        }
        ok = db_run_many(session, upsert->sql, values, upsert->value_count, count, NULL, err);
    }
    free(values);
    return ok;
}

/* -- open hours ------------------------------------------------------------------------------------------------- */

static int64_t floor_to(int64_t at_unix_us, int64_t step_us)
{
    int64_t rest = at_unix_us % step_us;
    return at_unix_us - (rest < 0 ? rest + step_us : rest);
}

/* `minutes` are in order of project and time. change: a roll-up that reads beside us must lose its race. */
static bool open_mark(struct db_session *session, const char *sql, const struct rollup_changes *changes,
                      int64_t step_us, struct err *err)
{
    struct db_value values[64 * 2];
    size_t count = 0;
    bool ok = true;
    for (size_t m = 0; ok && m < changes->minute_count; m++) {
        const struct rollup_sums *minute = &changes->minutes[m];
        int64_t at = floor_to(minute->at_unix_us, step_us);
        bool is_last = m + 1 == changes->minute_count || !uuid_equal(minute[1].project_id, minute->project_id) ||
                       floor_to(minute[1].at_unix_us, step_us) != at;
        if (is_last) {
            values[2 * count] = db_uuid(minute->project_id);
            values[2 * count + 1] = db_integer(at);
            count++;
        }
        if (count == COUNT_OF(values) / 2 || (count > 0 && m + 1 == changes->minute_count)) {
            ok = db_run_many(session, sql, values, 2, count, NULL, err);
            count = 0;
        }
    }
    return ok;
}

static bool changes_add(struct db_session *session, const struct rollup_changes *changes, int64_t now_unix_us,
                        struct err *err)
{
    size_t keys = 0;
    while (keys < changes->attribute_count && !changes->attributes[keys].is_value) keys++;
    return upsert_run(session, &series_upsert, changes->series, changes->series_count, now_unix_us, err) &&
           upsert_run(session, &minute_upsert, changes->minutes, changes->minute_count, now_unix_us, err) &&
           upsert_run(session, &bucket_upsert, changes->buckets, changes->bucket_count, now_unix_us, err) &&
           open_mark(session,
                     "INSERT INTO rollup_open_hours AS o(project_id, at_unix_us, change) VALUES ($1, $2, 1) "
                     "ON CONFLICT (project_id, at_unix_us) DO UPDATE SET change = o.change + 1",
                     changes, ROLLUP_HOUR_US, err) &&
           open_mark(session,
                     "INSERT INTO rollup_open_days AS o(project_id, at_unix_us, change) VALUES ($1, $2, 1) "
                     "ON CONFLICT (project_id, at_unix_us) DO UPDATE SET change = o.change + 1",
                     changes, ROLLUP_DAY_US, err) &&
           upsert_run(session, &attribute_upsert, changes->attributes, keys, now_unix_us, err) &&
           upsert_run(session, &value_upsert, changes->attributes + keys, changes->attribute_count - keys, now_unix_us,
                      err) &&
           upsert_run(session, &metric_upsert, changes->metrics, changes->metric_count, now_unix_us, err) &&
           upsert_run(session, &half_upsert, changes->halves, changes->half_count, now_unix_us, err);
}

/* All writers take the rows' locks in one order. */
static void changes_sort(struct rollup_changes *changes)
{
    struct {
        void *rows;
        size_t count, bytes;
        int (*compare)(const void *left, const void *right);
    } lists[] = {
        { changes->series, changes->series_count, sizeof *changes->series, series_compare },
        { changes->minutes, changes->minute_count, sizeof *changes->minutes, sums_compare },
        { changes->buckets, changes->bucket_count, sizeof *changes->buckets, bucket_compare },
        { changes->attributes, changes->attribute_count, sizeof *changes->attributes, attribute_compare },
        { changes->metrics, changes->metric_count, sizeof *changes->metrics, metric_compare },
        { changes->halves, changes->half_count, sizeof *changes->halves, half_compare },
    };
    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        if (lists[l].count > 1) qsort(lists[l].rows, lists[l].count, lists[l].bytes, lists[l].compare);
    }
}

/* Rows of the same key behind each other become one: fewer statements. */
static void changes_coalesce(struct rollup_changes *changes)
{
    size_t kept = 0;
    for (size_t m = 0; m < changes->minute_count; m++) {
        struct rollup_sums *to = &changes->minutes[kept], *from = &changes->minutes[m];
        if (m > 0 && sums_compare(to, from) == 0) {
            to->row_count += from->row_count;
            to->error_count += from->error_count;
            to->duration_count += from->duration_count;
            to->duration_sum_ns += from->duration_sum_ns;
            if (from->duration_max_ns > to->duration_max_ns) to->duration_max_ns = from->duration_max_ns;
            continue;
        }
        if (m > 0) kept++;
        changes->minutes[kept] = *from;
    }
    if (changes->minute_count > 0) changes->minute_count = kept + 1;
    kept = 0;
    for (size_t b = 0; b < changes->bucket_count; b++) {
        if (b > 0 && bucket_compare(&changes->buckets[kept], &changes->buckets[b]) == 0) {
            changes->buckets[kept].row_count += changes->buckets[b].row_count;
            continue;
        }
        if (b > 0) kept++;
        changes->buckets[kept] = changes->buckets[b];
    }
    if (changes->bucket_count > 0) changes->bucket_count = kept + 1;
    kept = 0;
    for (size_t s = 0; s < changes->series_count; s++) {
        struct rollup_series *to = &changes->series[kept], *from = &changes->series[s];
        if (s > 0 && series_compare(to, from) == 0) {
            if (from->first_unix_us < to->first_unix_us) to->first_unix_us = from->first_unix_us;
            if (from->last_unix_us > to->last_unix_us) to->last_unix_us = from->last_unix_us;
            continue;
        }
        if (s > 0) kept++;
        changes->series[kept] = *from;
    }
    if (changes->series_count > 0) changes->series_count = kept + 1;
}

bool rollup_add(struct db_session *session, struct rollup_changes *changes, int64_t now_unix_us, struct err *err)
{
    changes_sort(changes);
    changes_coalesce(changes);
    return changes_add(session, changes, now_unix_us, err);
}

struct store_work {
    const struct rollup_changes *changes;
    int64_t now_unix_us;
};

static bool store_run(struct db_session *session, void *ctx, struct err *err)
{
    const struct store_work *work = ctx;
    bool is_done;
    const struct tap_move move = { .tap = ROLLUP_TAP,
                                   .app_id = work->changes->app_id,
                                   .owner = work->changes->owner,
                                   .before = work->changes->position_before,
                                   .position = work->changes->position };
    if (!tap_position_move(session, &move, work->now_unix_us, &is_done, err)) return false;
    return is_done || changes_add(session, work->changes, work->now_unix_us, err);
}

bool rollup_store(struct db *db, struct rollup_changes *changes, int64_t now_unix_us, struct err *err)
{
    assert(changes->position > changes->position_before);
    changes_sort(changes);
    changes_coalesce(changes);
    struct store_work work = { changes, now_unix_us };
    return db_transaction_adding(db, store_run, &work, err);
}

static bool values_forget_run(struct db_session *session, void *ctx, struct err *err)
{
    return db_run(session, "DELETE FROM rollup_attribute_values WHERE project_id = $1",
                  DB_VALUES(db_uuid(*(const struct uuid *)ctx)), NULL, NULL, NULL, err);
}

bool rollup_values_forget(struct db *db, struct uuid project_id, struct err *err)
{
    if (!db_transaction(db, values_forget_run, &project_id, err)) return false;
    /* Freed cells are overwritten (secure_delete); pages of before are in the WAL until it is begun anew. */
    return db_kind(db) != DB_SQLITE || db_run_alone(db, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}
