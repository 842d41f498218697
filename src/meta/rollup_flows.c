#include "meta/rollup_flows.h"
#include "meta/db_rows.h"

#define OF_FLOW                                                                                                    \
    "CASE WHEN s.kind = 'edge' THEN 1 ELSE 0 END AS is_edge, s.service AS service, s.source_kind AS source_kind, " \
    "s.target AS target, s.target_kind AS target_kind"
#define OF_KIND "s.kind IN ('server', 'consumer', 'edge')"

struct flow_minute {
    uint32_t flow;
    struct rollup_flow_minute minute;
};
struct flow_bucket {
    uint32_t flow;
    int time;
    struct ddsketch_count count;
};
struct flows_read {
    struct db_value values[4]; /* project, from, to, since */
    struct arena *arena;
    struct db_rows flows, minutes, buckets;
    uint32_t at; /* flow of the buckets */
};

static int text_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The order of both statements. */
static int flow_compare(const struct rollup_flow *flow, struct db_row *row)
{
    bool is_edge = db_row_integer(row, 0) != 0;
    if (flow->is_edge != is_edge) return (int)flow->is_edge - (int)is_edge;
    const struct bytes texts[] = { flow->service, flow->source_kind, flow->target, flow->target_kind };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int order = text_compare(texts[i], db_row_text(row, 1 + i));
        if (order != 0) return order;
    }
    return 0;
}

static bool minute_row(void *ctx, struct db_row *row, struct err *err)
{
    struct flows_read *read = ctx;
    struct rollup_flow *flows = read->flows.items, *last = read->flows.count > 0 ? &flows[read->flows.count - 1] : NULL;
    if (!last || flow_compare(last, row) != 0) {
        if (read->flows.count == ROLLUP_FLOWS_MAX)
            return err_set(err, ERR_TOO_LARGE, "there are more than %d services and calls", ROLLUP_FLOWS_MAX);
        last = db_rows_add(&read->flows, sizeof *last);
        last->is_edge = db_row_integer(row, 0) != 0;
        last->service = db_text_keep(read->arena, row, 1);
        last->source_kind = db_text_keep(read->arena, row, 2);
        last->target = db_text_keep(read->arena, row, 3);
        last->target_kind = db_text_keep(read->arena, row, 4);
    }
    if (read->minutes.count == ROLLUP_FLOW_MINUTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "there are more than %d minutes of services and calls",
                       ROLLUP_FLOW_MINUTES_MAX);
    struct flow_minute *minute = db_rows_add(&read->minutes, sizeof *minute);
    *minute = (struct flow_minute){ read->flows.count - 1,
                                    { .at_unix_us = db_row_integer(row, 5),
                                      .row_count = db_row_integer(row, 6),
                                      .error_count = db_row_integer(row, 7),
                                      .duration_count = db_row_integer(row, 8),
                                      .duration_sum_ns = db_row_real(row, 9) } };
    return true;
}

static bool bucket_row(void *ctx, struct db_row *row, struct err *err)
{
    struct flows_read *read = ctx;
    const struct rollup_flow *flows = read->flows.items;
    while (read->at < read->flows.count && flow_compare(&flows[read->at], row) < 0) read->at++;
    if (read->at == read->flows.count || flow_compare(&flows[read->at], row) != 0) return true;
    if (read->buckets.count == ROLLUP_FLOW_BUCKETS_MAX)
        return err_set(err, ERR_TOO_LARGE, "there are more than %d buckets of durations", ROLLUP_FLOW_BUCKETS_MAX);
    struct flow_bucket *bucket = db_rows_add(&read->buckets, sizeof *bucket);
    *bucket = (struct flow_bucket){ read->at,
                                    db_row_integer(row, 5) != 0,
                                    { (int32_t)db_row_integer(row, 6), db_row_integer(row, 7) } };
    return true;
}

static bool flows_work(struct db_session *session, void *ctx, struct err *err)
{
    struct flows_read *read = ctx;
    read->flows = read->minutes = read->buckets = (struct db_rows){ .arena = read->arena };
    read->at = 0;
    return db_run(session,
                  "SELECT " OF_FLOW ", x.at_unix_us, CAST(SUM(x.row_count) AS bigint), CAST(SUM(x.error_count) AS "
                  "bigint), CAST(SUM(x.duration_count) AS bigint), SUM(x.duration_sum_ns) FROM rollup_minutes x JOIN "
                  "rollup_series s ON s.project_id = x.project_id AND s.id = x.series_id WHERE x.project_id = $1 AND "
                  "x.at_unix_us >= $2 AND x.at_unix_us < $3 AND " OF_KIND
                  " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6",
                  read->values, 3, minute_row, read, NULL, err) &&
           /* Numbers first: two million of them are summed in half the time that it takes beside names. */
           db_run(
               session,
               "SELECT " OF_FLOW ", x.since, x.bucket, CAST(SUM(x.n) AS bigint) FROM (SELECT series_id, CASE WHEN "
               "at_unix_us >= $4 THEN 1 ELSE 0 END AS since, bucket, SUM(row_count) AS n FROM rollup_minute_buckets "
               "WHERE project_id = $1 AND at_unix_us >= $2 AND at_unix_us < $3 GROUP BY 1, 2, 3) x JOIN rollup_series "
               "s ON s.project_id = $1 AND s.id = x.series_id WHERE " OF_KIND " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY "
               "1, 2, 3, 4, 5, 6, 7",
               read->values, 4, bucket_row, read, NULL, err);
}

bool rollup_flows_read(struct db *db, struct uuid project_id, int64_t from_unix_us, int64_t since_unix_us,
                       int64_t to_unix_us, struct arena *arena, struct rollup_flow **flows, uint32_t *count,
                       struct err *err)
{
    struct flows_read read = { .arena = arena,
                               .values = { db_uuid(project_id), db_integer(from_unix_us), db_integer(to_unix_us),
                                           db_integer(since_unix_us) } };
    *flows = NULL;
    *count = 0;
    if (!db_snapshot(db, flows_work, &read, err)) return false;
    const struct flow_minute *minutes = read.minutes.items;
    const struct flow_bucket *buckets = read.buckets.items;
    struct rollup_flow_minute *minute = arena_alloc(arena, read.minutes.count * sizeof *minute);
    struct ddsketch_count *bucket = arena_alloc(arena, read.buckets.count * sizeof *bucket);
    *flows = read.flows.items;
    *count = read.flows.count;
    for (uint32_t m = 0; m < read.minutes.count; m++) {
        struct rollup_flow *flow = &(*flows)[minutes[m].flow];
        int time = minutes[m].minute.at_unix_us >= since_unix_us;
        if (flow->minute_count++ == 0) flow->minutes = &minute[m];
        minute[m] = minutes[m].minute;
        flow->times[time].row_count += minute[m].row_count;
        flow->times[time].error_count += minute[m].error_count;
    }
    for (uint32_t b = 0; b < read.buckets.count; b++) {
        struct rollup_flow *flow = &(*flows)[buckets[b].flow];
        if (flow->times[buckets[b].time].duration_bucket_count++ == 0)
            flow->times[buckets[b].time].durations = &bucket[b];
        bucket[b] = buckets[b].count;
    }
    return true;
}
