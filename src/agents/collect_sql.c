/* What is asked by SQL: statements of databases, versions that were rolled out. */
#include "agents/collect_inside.h"
#include <stdio.h>

static const double QUERY_COUNT_MIN = 20, QUERY_TIMES = 1.5, QUERY_MORE_MS = 50, VERSION_SPANS_MIN = 20,
                    VERSION_POINTS = 0.02;

static double cell(yyjson_val *row, size_t at)
{
    return yyjson_get_num(yyjson_arr_get(row, at));
}
static const char *word(yyjson_val *row, size_t at)
{
    const char *text = yyjson_get_str(yyjson_arr_get(row, at));
    return text == NULL ? "" : text;
}

bool collect_database(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = { "Service", "Database", "Statement",     "Count",
                                           "Total s", "Mean ms",  "Mean before ms" };
    static const char sql[] =
        "SELECT resource___service___name AS service, attributes___db___system___name AS system, name,"
        " count(*) FILTER (WHERE timestamp >= $1) AS count,"
        " coalesce(sum(duration) FILTER (WHERE timestamp >= $1), 0) / 1000000000.0 AS total_s,"
        " avg(duration) FILTER (WHERE timestamp >= $1) / 1000000.0 AS mean_ms,"
        " avg(duration) FILTER (WHERE timestamp < $1) / 1000000.0 AS mean_before_ms,"
        " max(duration) FILTER (WHERE timestamp >= $1) / 1000000.0 AS max_ms"
        " FROM otel_logs_and_spans WHERE timestamp >= $3 AND timestamp < $2"
        " AND attributes___db___system___name IS NOT NULL AND kind <> 'log'{scope}"
        " GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 50";
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct evidence *evidence;
    size_t at, count;
    yyjson_val *row;
    if (!collect_sql(collecting, sql, 50, &evidence, err)) return false;
    if (collect_failed(collecting, "Database queries", evidence)) return true;
    yyjson_mut_val *table =
        report_table(report, "Database queries, by time spent", evidence, COUNT_OF(columns), columns);
    yyjson_arr_foreach(yyjson_obj_get(evidence->root, "rows"), at, count, row)
    {
        struct bytes cells[7];
        double mean = cell(row, 5), before = cell(row, 6);
        if (cell(row, 3) == 0) continue;
        for (size_t c = 0; c < 4; c++) cells[c] = collect_text(arena, yyjson_arr_get(row, c));
        cells[4] = bytes_of_text(arena_printf(arena, "%.1f", cell(row, 4)));
        cells[5] = bytes_of_text(arena_printf(arena, "%.1f", mean));
        cells[6] = bytes_of_text(before > 0 ? arena_printf(arena, "%.1f", before) : "");
        report_row(report, table, cells, "explore");
        if (cell(row, 3) >= QUERY_COUNT_MIN && before > 0 && mean >= QUERY_TIMES * before &&
            mean - before >= QUERY_MORE_MS)
            report_finding(report, MESSAGE_WARNING,
                           arena_printf(arena, "%s: \"%.120s\" takes %.0f ms on average, %.0f ms the time before",
                                        word(row, 0), word(row, 2), mean, before),
                           evidence->id, "explore");
    }
    return true;
}

/* A version that nobody had seen before the range, of a service that had been seen. */
static void version_judge(struct collecting *collecting, yyjson_val *rows, yyjson_val *row,
                          const struct evidence *evidence)
{
    struct arena *arena = collecting->report->arena;
    double spans = 0, errors = 0;
    size_t at, count;
    yyjson_val *other;
    yyjson_arr_foreach(rows, at, count, other)
    {
        if (strcmp(word(other, 0), word(row, 0)) != 0 || other == row) continue;
        spans += cell(other, 3);
        errors += cell(other, 4);
    }
    double now = cell(row, 3) > 0 ? cell(row, 4) / cell(row, 3) : 0, before = spans > 0 ? errors / spans : 0;
    bool is_worse = cell(row, 3) >= VERSION_SPANS_MIN && spans >= VERSION_SPANS_MIN && now - before >= VERSION_POINTS;
    report_finding(
        collecting->report, is_worse ? MESSAGE_CRITICAL : MESSAGE_INFO,
        arena_printf(
            arena,
            is_worse ? "%s %s came at %.19s: %.1f%% of its spans failed, %.1f%% of those of other versions"
                     : "%s %s came at %.19s: %.1f%% of its spans failed, %.1f%% of those of other versions; no worse",
            word(row, 0), word(row, 1), word(row, 2), now * 100, before * 100),
        evidence->id, "services");
}

bool collect_deploys(struct collecting *collecting, struct err *err)
{
    static const char *const columns[] = { "Service", "Version", "First seen", "Spans", "Failed", "Longest ms" };
    static const char sql[] =
        "SELECT resource___service___name AS service, resource___service___version AS version,"
        " min(timestamp) AS first_seen, count(*) AS spans,"
        " count(*) FILTER (WHERE status_code = 'ERROR') AS errors, max(duration) / 1000000.0 AS max_ms"
        " FROM otel_logs_and_spans WHERE timestamp >= $3 AND timestamp < $2"
        " AND resource___service___version IS NOT NULL AND kind IN ('server', 'consumer'){scope}"
        " GROUP BY 1, 2 HAVING max(timestamp) >= $1 ORDER BY 1, 3 LIMIT 200";
    struct report *report = collecting->report;
    struct arena *arena = report->arena;
    const struct evidence *evidence;
    size_t at, count;
    yyjson_val *row;
    const char *from = collect_time(arena, collecting->from_unix_us);
    if (!collect_sql(collecting, sql, 200, &evidence, err)) return false;
    if (collect_failed(collecting, "Versions", evidence)) return true;
    yyjson_val *rows = yyjson_obj_get(evidence->root, "rows");
    yyjson_mut_val *table = report_table(report, "Versions", evidence, COUNT_OF(columns), columns);
    yyjson_arr_foreach(rows, at, count, row)
    {
        struct bytes cells[6];
        for (size_t c = 0; c < 5; c++) cells[c] = collect_text(arena, yyjson_arr_get(row, c));
        cells[5] = bytes_of_text(arena_printf(arena, "%.1f", cell(row, 5)));
        report_row(report, table, cells, "services");
        if (strncmp(word(row, 2), from, 19) < 0) continue;
        bool has_other = false;
        size_t o, others;
        yyjson_val *other;
        yyjson_arr_foreach(rows, o, others, other) has_other =
            has_other || (other != row && strcmp(word(other, 0), word(row, 0)) == 0);
        if (has_other) version_judge(collecting, rows, row, evidence);
    }
    return true;
}
