#include "meta/rollup_flows.h"

#include <stdlib.h>

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
    struct db_value values[4];     /* project, from, to, since */
    struct db_value unanswered[5]; /* project, from, to, stored before, how many */
    int64_t since_unix_us;
    struct arena *arena;
    struct db_rows flows, minutes, buckets;
    uint32_t at; /* flow of the buckets, or of calls that nobody answered */
    bool has_unanswered;
};

/* The order of both statements. */
static int flow_compare(const struct rollup_flow *flow, struct db_row *row)
{
    bool is_edge = db_row_integer(row, 0) != 0;
    if (flow->is_edge != is_edge) return (int)flow->is_edge - (int)is_edge;
    const struct bytes texts[] = { flow->service, flow->source_kind, flow->target, flow->target_kind };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        int order = bytes_compare(texts[i], db_row_text(row, 1 + i));
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

/* ---- calls that nobody answered ---- */

static bool is_call_of(const struct rollup_flow *flow, struct bytes service, struct bytes target)
{
    return flow->is_edge && bytes_equal(flow->service, service) && bytes_equal(flow->target, target) &&
           bytes_equal(flow->source_kind, BYTES("service")) && bytes_equal(flow->target_kind, BYTES("external"));
}

/* Of the edge, which may have no minutes yet. */
static uint32_t flow_of_call(struct flows_read *read, struct bytes service, struct bytes target)
{
    struct rollup_flow *flows = read->flows.items;
    if (read->at < read->flows.count && is_call_of(&flows[read->at], service, target))
        return read->at; /* as the last */
    for (uint32_t f = 0; f < read->flows.count; f++)
        if (is_call_of(&flows[f], service, target)) return f;
    if (read->flows.count == ROLLUP_FLOWS_MAX) return UINT32_MAX;
    struct rollup_flow *flow = db_rows_add(&read->flows, sizeof *flow);
    flow->is_edge = true;
    flow->service = arena_copy(read->arena, service);
    flow->target = arena_copy(read->arena, target);
    flow->source_kind = BYTES("service");
    flow->target_kind = BYTES("external");
    return read->flows.count - 1;
}

static bool unanswered_row(void *ctx, struct db_row *row, struct err *err)
{
    struct flows_read *read = ctx;
    int64_t at = db_row_integer(row, 2), duration = db_row_integer(row, 3);
    uint32_t flow = flow_of_call(read, db_row_text(row, 0), db_row_text(row, 1));
    (void)err;
    if (flow == UINT32_MAX) return true;
    read->at = flow;
    read->has_unanswered = true;
    struct flow_minute *minute = db_rows_add(&read->minutes, sizeof *minute);
    *minute = (struct flow_minute){ flow,
                                    { .at_unix_us = at - at % ROLLUP_MINUTE_US,
                                      .row_count = 1,
                                      .error_count = db_row_boolean(row, 4) ? 1 : 0,
                                      .duration_count = duration >= 0,
                                      .duration_sum_ns = duration >= 0 ? (double)duration : 0 } };
    if (duration < 0) return true;
    struct flow_bucket *bucket = db_rows_add(&read->buckets, sizeof *bucket);
    *bucket = (struct flow_bucket){ flow,
                                    minute->minute.at_unix_us >= read->since_unix_us,
                                    { ddsketch_bucket((uint64_t)duration), 1 } };
    return true;
}

static int by_minute(const void *left, const void *right)
{
    const struct flow_minute *a = left, *b = right;
    if (a->flow != b->flow) return a->flow < b->flow ? -1 : 1;
    return (a->minute.at_unix_us > b->minute.at_unix_us) - (a->minute.at_unix_us < b->minute.at_unix_us);
}

static int by_bucket(const void *left, const void *right)
{
    const struct flow_bucket *a = left, *b = right;
    if (a->flow != b->flow) return a->flow < b->flow ? -1 : 1;
    if (a->time != b->time) return a->time - b->time;
    return (a->count.bucket > b->count.bucket) - (a->count.bucket < b->count.bucket);
}

/* Among the others, each minute and each bucket of a flow once. */
static void unanswered_merge(struct flows_read *read)
{
    struct flow_minute *minutes = read->minutes.items;
    struct flow_bucket *buckets = read->buckets.items;
    uint32_t kept = 0;
    qsort(minutes, read->minutes.count, sizeof *minutes, by_minute);
    for (uint32_t m = 1; m < read->minutes.count; m++) {
        struct rollup_flow_minute *last = &minutes[kept].minute;
        const struct rollup_flow_minute *next = &minutes[m].minute;
        if (by_minute(&minutes[kept], &minutes[m]) != 0) {
            minutes[++kept] = minutes[m];
            continue;
        }
        last->row_count += next->row_count;
        last->error_count += next->error_count;
        last->duration_count += next->duration_count;
        last->duration_sum_ns += next->duration_sum_ns;
    }
    read->minutes.count = kept + 1; /* there is one */
    if (read->buckets.count == 0) return;
    qsort(buckets, read->buckets.count, sizeof *buckets, by_bucket);
    kept = 0;
    for (uint32_t b = 1; b < read->buckets.count; b++) {
        if (by_bucket(&buckets[kept], &buckets[b]) == 0)
            buckets[kept].count.count += buckets[b].count.count;
        else
            buckets[++kept] = buckets[b];
    }
    read->buckets.count = kept + 1;
}

static const char unanswered_sql[] =
    "SELECT service, target, at_unix_us, duration_ns, is_error FROM rollup_halves WHERE project_id = $1 AND side = 0 "
    "AND target <> '' AND at_unix_us >= $2 AND at_unix_us < $3 AND stored_unix_us < $4 AND NOT EXISTS (SELECT 1 FROM "
    "rollup_halves o WHERE o.project_id = $1 AND o.sampled_one_in > 1) ORDER BY service, target LIMIT $5";

static bool flows_work(struct db_session *session, void *ctx, struct err *err)
{
    struct flows_read *read = ctx;
    read->flows = read->minutes = read->buckets = (struct db_rows){ .arena = read->arena };
    read->at = 0;
    read->has_unanswered = false;
    bool ok =
        db_run(session,
               "SELECT " OF_FLOW ", x.at_unix_us, CAST(SUM(x.row_count) AS bigint), CAST(SUM(x.error_count) AS "
               "bigint), CAST(SUM(x.duration_count) AS bigint), SUM(x.duration_sum_ns) FROM rollup_minutes x JOIN "
               "rollup_series s ON s.project_id = x.project_id AND s.id = x.series_id WHERE x.project_id = $1 AND "
               "x.at_unix_us >= $2 AND x.at_unix_us < $3 AND " OF_KIND
               " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6",
               read->values, 3, minute_row, read, NULL, err) &&
        /* Numbers first: two million of them are summed in half the time that it takes beside names. */
        db_run(session,
               "SELECT " OF_FLOW ", x.since, x.bucket, CAST(SUM(x.n) AS bigint) FROM (SELECT series_id, CASE WHEN "
               "at_unix_us >= $4 THEN 1 ELSE 0 END AS since, bucket, SUM(row_count) AS n FROM rollup_minute_buckets "
               "WHERE project_id = $1 AND at_unix_us >= $2 AND at_unix_us < $3 GROUP BY 1, 2, 3) x JOIN rollup_series "
               "s ON s.project_id = $1 AND s.id = x.series_id WHERE " OF_KIND " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY "
               "1, 2, 3, 4, 5, 6, 7",
               read->values, 4, bucket_row, read, NULL, err);
    read->at = 0;
    return ok && db_run(session, unanswered_sql, read->unanswered, COUNT_OF(read->unanswered), unanswered_row, read,
                        NULL, err);
}

bool rollup_flows_read(struct db *db, struct uuid project_id, int64_t from_unix_us, int64_t since_unix_us,
                       int64_t to_unix_us, int64_t now_unix_us, struct arena *arena, struct rollup_flow **flows,
                       uint32_t *count, struct err *err)
{
    struct flows_read read = {
        .arena = arena,
        .since_unix_us = since_unix_us,
        .values = { db_uuid(project_id), db_integer(from_unix_us), db_integer(to_unix_us), db_integer(since_unix_us) },
        .unanswered = { db_uuid(project_id), db_integer(from_unix_us), db_integer(to_unix_us),
                        db_integer(now_unix_us - ROLLUP_UNANSWERED_US), db_integer(ROLLUP_UNANSWERED_MAX) }
    };
    *flows = NULL;
    *count = 0;
    if (!db_snapshot(db, flows_work, &read, err)) return false;
    if (read.has_unanswered) unanswered_merge(&read);
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
