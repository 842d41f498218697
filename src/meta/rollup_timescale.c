/* TimescaleDB: minutes in hypertables, hours and days as continuous aggregates of them, kept by its own policies. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "meta/rollup.h"

/* Integers of microseconds are the time dimension, so that the same statements write and read everywhere. */
#define CHUNK     "86400000000"  /* a day */
#define COMPRESS  "172800000000" /* after two */
#define SQL_BYTES 2048

static bool found_row(void *ctx, struct db_row *row, struct err *err)
{
    (void)err;
    *(bool *)ctx = db_row_integer(row, 0) == 4;
    return true;
}

bool rollup_aggregates(struct db *db, bool *has, struct err *err)
{
    *has = false;
    if (db_kind(db) != DB_POSTGRES || !db_has_extension(db, "timescaledb")) return true;
    return db_read(
        db,
        "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind = 'v' AND pg_table_is_visible(oid) AND relname "
        "IN ('rollup_hours_live', 'rollup_hour_buckets_live', 'rollup_days_live', 'rollup_day_buckets_live')",
        DB_NO_VALUES, found_row, has, err);
}

static const char sums_select[] =
    "SELECT project_id, time_bucket(%s::bigint, at_unix_us) AS at_unix_us, series_id, sum(row_count)::bigint AS "
    "row_count, "
    "sum(error_count)::bigint AS error_count, sum(duration_count)::bigint AS duration_count, "
    "sum(duration_sum_ns) AS duration_sum_ns, max(duration_max_ns) AS duration_max_ns FROM %s GROUP BY 1, 2, 3";
static const char buckets_select[] =
    "SELECT project_id, time_bucket(%s::bigint, at_unix_us) AS at_unix_us, series_id, bucket, "
    "sum(row_count)::bigint AS row_count FROM %s GROUP BY 1, 2, 3, 4";

static const struct aggregate {
    const char *view, *from, *step, *select;
    bool is_hour;
} aggregates[] = {
    { "rollup_hours_live", "rollup_minutes", "3600000000", sums_select, true },
    { "rollup_hour_buckets_live", "rollup_minute_buckets", "3600000000", buckets_select, true },
    { "rollup_days_live", "rollup_hours_live", "86400000000", sums_select, false },
    { "rollup_day_buckets_live", "rollup_hour_buckets_live", "86400000000", buckets_select, false },
};

static bool run(struct db *db, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool run(struct db *db, struct err *err, const char *fmt, ...)
{
    char sql[SQL_BYTES];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(sql, sizeof sql, fmt, args);
    va_end(args);
    assert(len > 0 && (size_t)len < sizeof sql);
    return db_run_alone(db, sql, err);
}

static bool table_prepare(struct db *db, const char *table, struct err *err)
{
    return run(db, err,
               "SELECT create_hypertable('%s', 'at_unix_us', chunk_time_interval => " CHUNK
               "::bigint, migrate_data => true, if_not_exists => true)",
               table) &&
           run(db, err, "SELECT set_integer_now_func('%s', 'rollup_now_unix_us', replace_if_exists => true)", table) &&
           run(db, err,
               "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = "
               "'%s' "
               "AND compression_enabled) THEN ALTER TABLE %s SET (timescaledb.compress, "
               "timescaledb.compress_segmentby = 'project_id, series_id', "
               "timescaledb.compress_orderby = '%s'); END IF; END $$",
               table, table, strstr(table, "bucket") ? "at_unix_us, bucket" : "at_unix_us") &&
           run(db, err,
               "SELECT add_compression_policy('%s', compress_after => " COMPRESS "::bigint, if_not_exists => true)",
               table);
}

/* Not further back than the minutes are: what is made again of minutes that are gone would be less. */
static bool aggregate_prepare(struct db *db, const struct aggregate *aggregate, const struct rollup_keep *keep,
                              struct err *err)
{
    char select[SQL_BYTES / 2], start[48] = "NULL::bigint";
    snprintf(select, sizeof select, aggregate->select, aggregate->step, aggregate->from);
    if (keep->minutes_us > 0)
        snprintf(start, sizeof start, "%" PRId64 "::bigint", keep->minutes_us - 2 * ROLLUP_HOUR_US);
    return run(db, err,
               "CREATE MATERIALIZED VIEW IF NOT EXISTS %s WITH (timescaledb.continuous, "
               "timescaledb.materialized_only = false) AS %s WITH NO DATA",
               aggregate->view, select) &&
           run(db, err, "SELECT remove_continuous_aggregate_policy('%s', if_exists => true)", aggregate->view) &&
           run(db, err,
               "SELECT add_continuous_aggregate_policy('%s', start_offset => %s, end_offset => %s::bigint, "
               "schedule_interval => interval '%s')",
               aggregate->view, start, aggregate->step, aggregate->is_hour ? "5 minutes" : "1 hour");
}

static bool retention_prepare(struct db *db, const char *table, int64_t keep_us, struct err *err)
{
    return run(db, err, "SELECT remove_retention_policy('%s', if_exists => true)", table) &&
           (keep_us <= 0 || run(db, err, "SELECT add_retention_policy('%s', drop_after => %" PRId64 "::bigint)", table,
                                keep_us + 2 * ROLLUP_HOUR_US));
}

/* Rows that our own job made of minutes that are still there would count twice; those of minutes that are gone stay, and
 * are read beside the aggregates. */
static bool plain_drop(struct db *db, const char *plain, const char *minutes, struct err *err)
{
    return run(db, err,
               "DELETE FROM %s WHERE at_unix_us >= (SELECT min(at_unix_us) - min(at_unix_us) %% 86400000000 FROM %s)",
               plain, minutes);
}

static bool all_prepare(struct db *db, const struct rollup_keep *keep, struct err *err)
{
    bool ok = run(db, err,
                  "CREATE OR REPLACE FUNCTION rollup_now_unix_us() RETURNS bigint LANGUAGE sql STABLE AS "
                  "'SELECT (extract(epoch FROM now()) * 1000000)::bigint'") &&
              table_prepare(db, "rollup_minutes", err) && table_prepare(db, "rollup_minute_buckets", err);
    for (size_t a = 0; ok && a < COUNT_OF(aggregates); a++) ok = aggregate_prepare(db, &aggregates[a], keep, err);
    return ok && retention_prepare(db, "rollup_minutes", keep->minutes_us, err) &&
           retention_prepare(db, "rollup_minute_buckets", keep->minutes_us, err) &&
           retention_prepare(db, "rollup_hours_live", keep->hours_us, err) &&
           retention_prepare(db, "rollup_hour_buckets_live", keep->hours_us, err) &&
           retention_prepare(db, "rollup_days_live", keep->days_us, err) &&
           retention_prepare(db, "rollup_day_buckets_live", keep->days_us, err) &&
           plain_drop(db, "rollup_hours", "rollup_minutes", err) &&
           plain_drop(db, "rollup_hour_buckets", "rollup_minute_buckets", err) &&
           plain_drop(db, "rollup_days", "rollup_minutes", err) &&
           plain_drop(db, "rollup_day_buckets", "rollup_minute_buckets", err);
}

/* Where it cannot be done (a license without aggregates, no right to create functions) the ordinary tables do. */
bool rollup_prepare(struct db *db, const struct rollup_keep *keep, const struct log *log, struct err *err)
{
    if (db_kind(db) != DB_POSTGRES || !db_has_extension(db, "timescaledb")) return true;
    struct err why = { 0 };
    if (all_prepare(db, keep, &why)) {
        log_info(log, "rollups.prepared", log_text("with", "TimescaleDB"));
        return true;
    }
    if (why.code == ERR_BUSY || why.code == ERR_TIMEOUT) {
        *err = why;
        return false;
    }
    log_warn(log, "rollups.timescale_unusable", log_text("err", why.text),
             log_text("then", "hours and days are made by the server's own job"));
    return true;
}
