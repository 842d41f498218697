#include "meta/rollup_minutes.h"

#include <stdlib.h>

struct minutes_read {
    struct db_value values[3]; /* project, from, to */
    struct rollup_minute *minutes;
    struct ddsketch_count *buckets;
    uint32_t count, cap, bucket_count, bucket_cap, at;
};

static void *grown(void *array, uint32_t count, uint32_t *cap, size_t bytes)
{
    if (count < *cap) return array;
    *cap = *cap ? *cap * 2 : 1024;
    return mem_realloc(array, *cap * bytes);
}

static bool minute_row(void *ctx, struct db_row *row, struct err *err)
{
    struct minutes_read *read = ctx;
    if (read->count == ROLLUP_MINUTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d minutes of series in the range", ROLLUP_MINUTES_MAX);
    read->minutes = grown(read->minutes, read->count, &read->cap, sizeof *read->minutes);
    read->minutes[read->count++] = (struct rollup_minute){ .at_unix_us = db_row_integer(row, 0),
                                                           .series_id = db_row_integer(row, 1),
                                                           .row_count = db_row_integer(row, 2),
                                                           .error_count = db_row_integer(row, 3) };
    return true;
}

static int minute_compare(const struct rollup_minute *minute, int64_t at_unix_us, int64_t series_id)
{
    if (minute->at_unix_us != at_unix_us) return minute->at_unix_us < at_unix_us ? -1 : 1;
    return (minute->series_id > series_id) - (minute->series_id < series_id);
}

/* Both tables come in one order. */
static bool bucket_row(void *ctx, struct db_row *row, struct err *err)
{
    struct minutes_read *read = ctx;
    int64_t at_unix_us = db_row_integer(row, 0), series_id = db_row_integer(row, 1);
    while (read->at < read->count && minute_compare(&read->minutes[read->at], at_unix_us, series_id) < 0) read->at++;
    if (read->at == read->count || minute_compare(&read->minutes[read->at], at_unix_us, series_id) != 0) return true;
    if (read->bucket_count == ROLLUP_MINUTE_BUCKETS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d buckets of durations in the range", ROLLUP_MINUTE_BUCKETS_MAX);
    read->buckets = grown(read->buckets, read->bucket_count, &read->bucket_cap, sizeof *read->buckets);
    read->buckets[read->bucket_count++] =
        (struct ddsketch_count){ (int32_t)db_row_integer(row, 2), db_row_integer(row, 3) };
    read->minutes[read->at].duration_bucket_count++;
    return true;
}

#define WITHIN "WHERE project_id = $1 AND at_unix_us >= $2 AND at_unix_us < $3 ORDER BY at_unix_us, series_id"

static bool minutes_work(struct db_session *session, void *ctx, struct err *err)
{
    struct minutes_read *read = ctx;
    read->count = read->bucket_count = read->at = 0;
    return db_run(session, "SELECT at_unix_us, series_id, row_count, error_count FROM rollup_minutes " WITHIN,
                  read->values, COUNT_OF(read->values), minute_row, read, NULL, err) &&
           db_run(session,
                  "SELECT at_unix_us, series_id, bucket, row_count FROM rollup_minute_buckets " WITHIN ", bucket",
                  read->values, COUNT_OF(read->values), bucket_row, read, NULL, err);
}

bool rollup_minutes_read(struct db *db, struct uuid project_id, int64_t from_unix_us, int64_t to_unix_us,
                         struct arena *arena, struct rollup_minute **minutes, uint32_t *count, struct err *err)
{
    struct minutes_read read = { .values = { db_uuid(project_id), db_integer(from_unix_us), db_integer(to_unix_us) } };
    bool ok = db_snapshot(db, minutes_work, &read, err);
    *count = ok ? read.count : 0;
    *minutes = arena_alloc(arena, *count * sizeof **minutes);
    if (ok && read.count > 0) {
        struct ddsketch_count *buckets = arena_alloc(arena, read.bucket_count * sizeof *buckets);
        if (read.bucket_count > 0) memcpy(buckets, read.buckets, read.bucket_count * sizeof *buckets);
        memcpy(*minutes, read.minutes, read.count * sizeof **minutes);
        for (uint32_t m = 0; m < read.count; m++) {
            (*minutes)[m].durations = buckets;
            buckets += read.minutes[m].duration_bucket_count;
        }
    }
    free(read.minutes);
    free(read.buckets);
    return ok;
}

struct names_read {
    struct arena *arena;
    struct rollup_series *series;
    struct uuid project_id;
    uint32_t count, limit;
    bool is_more;
};

static struct bytes text_kept(struct arena *arena, struct db_row *row, size_t at)
{
    struct bytes text = db_row_text(row, at);
    return text.len > 0 ? arena_copy(arena, text) : BYTES("");
}

static bool name_row(void *ctx, struct db_row *row, struct err *err)
{
    struct names_read *read = ctx;
    (void)err;
    read->is_more = read->count == read->limit;
    if (read->is_more) return true;
    struct bytes kind = db_row_text(row, 1);
    read->series[read->count++] =
        (struct rollup_series){ .project_id = read->project_id,
                                .id = db_row_integer(row, 0),
                                .kind = arena_printf(read->arena, "%.*s", (int)kind.len, (const char *)kind.ptr),
                                .service = text_kept(read->arena, row, 2),
                                .endpoint = text_kept(read->arena, row, 3),
                                .method = text_kept(read->arena, row, 4),
                                .route = text_kept(read->arena, row, 5),
                                .source_kind = "",
                                .target_kind = "",
                                .target = BYTES(""),
                                .first_unix_us = db_row_integer(row, 6),
                                .last_unix_us = db_row_integer(row, 7) };
    return true;
}

bool rollup_series_names(struct db *db, struct uuid project_id, int64_t since_unix_us, uint32_t limit,
                         struct arena *arena, struct rollup_series **series, uint32_t *count, bool *is_more,
                         struct err *err)
{
    struct names_read read = { .arena = arena, .limit = limit, .project_id = project_id };
    read.series = arena_alloc(arena, limit * sizeof *read.series);
    bool ok =
        db_read(db,
                "SELECT id, kind, service, endpoint, method, route, first_unix_us, last_unix_us FROM rollup_series "
                "WHERE project_id = $1 AND last_unix_us >= $2 AND kind <> 'edge' ORDER BY id LIMIT $3",
                DB_VALUES(db_uuid(project_id), db_integer(since_unix_us), db_integer((int64_t)limit + 1)), name_row,
                &read, err);
    *series = read.series;
    *count = read.count;
    *is_more = read.is_more;
    return ok;
}
