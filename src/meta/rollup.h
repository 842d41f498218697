/* rollup.h -- counts of rows by minute, hour and day, and the catalogs beside them: stored by the worker's tap, asked by
 * services, endpoints, facets and the service map.
 *
 *   worker/rollup --rollup_store(changes, position)--> minutes --rollup_job--> hours --> days
 *                                                         '-----------'----------'--rollup_read.h--> answers
 *   with TimescaleDB: minutes is a hypertable; hours and days are continuous aggregates; its own policies do the job
 *
 * Exactly once: the position of (tap, partition) moves in the transaction that adds the counts, and only from the position
 * that they begin behind, and by the partition's last owner. Tables: migrations/0010_rollups.sql; what each figure means: docs/rollups.md.
 * Thread: any. Memory: the changes are the caller's. Errors: as db.h has them; ERR_CONFLICT of rollup_store: another process
 * has stored what these changes hold. */
#pragma once
#include "meta/db.h"

#define ROLLUP_MINUTE_US INT64_C(60000000)
#define ROLLUP_HOUR_US   INT64_C(3600000000)
#define ROLLUP_DAY_US    INT64_C(86400000000)
#define ROLLUP_KIND_EDGE "edge"
#define ROLLUP_OTHER     "(other)" /* what passes the limits on names is counted under it */

struct rollup_series {
    struct uuid project_id;
    int64_t id;       /* rollup_series_id */
    const char *kind; /* as in the column `kind` of rows; "metric"; "edge" */
    struct bytes service, endpoint, method, route;
    /* Of an edge: service is its source, of this kind: service, messaging, caller (from outside; then it has no name); the
     * target's: service, database, messaging, external. Of rows: "". */
    const char *source_kind, *target_kind;
    struct bytes target;
    int64_t first_unix_us, last_unix_us;
};
/* Of what names it; equal in every process. */
int64_t rollup_series_id(const struct rollup_series *series);

struct rollup_sums {
    struct uuid project_id;
    int64_t at_unix_us, series_id;
    int64_t row_count, error_count, duration_count;
    double duration_sum_ns;
    int64_t duration_max_ns;
};
struct rollup_bucket {
    struct uuid project_id;
    int64_t at_unix_us, series_id;
    int32_t bucket;
    int64_t row_count;
};
struct rollup_attribute {
    struct uuid project_id;
    int64_t day_unix_us;
    const char *place, *type;
    struct bytes key;
    bool is_value; /* value's count, else the key's */
    struct bytes value;
    int64_t row_count, last_unix_us;
};
struct rollup_metric {
    struct uuid project_id;
    struct bytes name, service, unit, description;
    const char *type, *temporality;
    bool is_monotonic;
    int64_t row_count, first_unix_us, last_unix_us;
};
struct rollup_half {
    struct uuid project_id;
    struct bytes trace_id, span_id;
    bool is_server;
    struct bytes service, target;
    const char *target_kind;
    int64_t at_unix_us, duration_ns; /* -1: not told */
    bool is_error;
    int64_t sampled_one_in;
};

/* What the records in (position_before, position] add. */
struct rollup_changes {
    const char *app_id;
    struct uuid owner; /* of tap_position_take */
    uint64_t position_before, position;
    struct rollup_series *series;
    struct rollup_sums *minutes;
    struct rollup_bucket *buckets;
    struct rollup_attribute *attributes;
    struct rollup_metric *metrics;
    struct rollup_half *halves;
    size_t series_count, minute_count, bucket_count, attribute_count, metric_count, half_count;
};
#define ROLLUP_TAP "rollups"
/* Sorts the arrays (locks are taken in one order by all). */
MUST_CHECK bool rollup_store(struct db *db, struct rollup_changes *changes, int64_t now_unix_us, struct err *err);
/* The same inside a transaction, without a position: what rollup_job finds out. */
MUST_CHECK bool rollup_add(struct db_session *session, struct rollup_changes *changes, int64_t now_unix_us,
                           struct err *err);

/* Rows of the project were deleted: the examples of attribute values that may be of them go, all of the project; new rows
 * bring new ones. With SQLite nothing of them is left in its files. */
MUST_CHECK bool rollup_values_forget(struct db *db, struct uuid project_id, struct err *err);

/* Are the halves of this trace kept where one trace in one_in (a power of two) is? The same in every process, and those
 * kept at 8 are kept at 4 too. */
bool rollup_trace_is_sampled(struct bytes trace_id, int64_t one_in);

/* How long what is kept, 0: for ever; minutes at least ROLLUP_KEEP_MIN_US. */
struct rollup_keep {
    int64_t minutes_us, hours_us, days_us, attributes_us;
};
#define ROLLUP_KEEP_MIN_US (3 * ROLLUP_DAY_US)
struct rollup_job_stats {
    uint64_t hours, days; /* rolled up */
    uint64_t edges;       /* calls that got one */
    uint64_t deleted;     /* rows past their time */
};
/* TimescaleDB, when it is there: makes hypertables, aggregates and policies, or brings them to `keep`. To be called at
 * start; is idempotent. */
MUST_CHECK bool rollup_prepare(struct db *db, const struct rollup_keep *keep, const struct log *log, struct err *err);
/* One round: finds the other side of calls, rolls up hours and days that are over; is_thorough: deletes what is past its time
 * too. Several processes may call it, every half minute or so: a lock in the database lets one at a time. */
MUST_CHECK bool rollup_job(struct db *db, const struct rollup_keep *keep, int64_t now_unix_us, bool is_thorough,
                           struct rollup_job_stats *stats, struct err *err);
/* Do hours and days come of continuous aggregates? Asks the database where TimescaleDB is. */
MUST_CHECK bool rollup_aggregates(struct db *db, bool *has, struct err *err);
