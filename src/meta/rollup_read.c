#include "meta/rollup_read.h"

#include <math.h>
#include <stdlib.h>

#include "meta/db_rows.h"
#include "meta/rollup_inside.h"

#define MINUTES_UP_TO_US  (6 * ROLLUP_HOUR_US)
#define HOURS_UP_TO_US    (14 * ROLLUP_DAY_US)
#define MINUTES_OLDEST_US ROLLUP_KEEP_MIN_US
#define HOURS_OLDEST_US   (40 * ROLLUP_DAY_US)

int64_t rollup_grain_us(enum rollup_grain grain)
{
    return grain == ROLLUP_MINUTES ? ROLLUP_MINUTE_US : grain == ROLLUP_HOURS ? ROLLUP_HOUR_US : ROLLUP_DAY_US;
}

static void range_widen(struct rollup_range *range, enum rollup_grain grain)
{
    int64_t step = rollup_grain_us(grain), past = range->to_unix_us % step;
    range->grain = grain;
    range->from_unix_us -= range->from_unix_us % step;
    if (past > 0) range->to_unix_us += step - past;
}

void rollup_range_fit(struct rollup_range *range, int64_t now_unix_us)
{
    int64_t length = range->to_unix_us - range->from_unix_us, age = now_unix_us - range->from_unix_us;
    range->grain = ROLLUP_DAYS;
    if (length <= HOURS_UP_TO_US && age <= HOURS_OLDEST_US) range->grain = ROLLUP_HOURS;
    if (length <= MINUTES_UP_TO_US && age <= MINUTES_OLDEST_US) range->grain = ROLLUP_MINUTES;
    range_widen(range, range->grain);
}

void rollup_range_pair(struct rollup_range *range, struct rollup_range *before, int64_t now_unix_us)
{
    struct rollup_range asked = *range;
    rollup_range_fit(range, now_unix_us);
    for (;;) {
        int64_t length = range->to_unix_us - range->from_unix_us;
        *before = (struct rollup_range){ .project_id = range->project_id,
                                         .from_unix_us = range->from_unix_us - length,
                                         .to_unix_us = range->from_unix_us,
                                         .grain = range->grain };
        struct rollup_range fitted = *before;
        rollup_range_fit(&fitted, now_unix_us);
        if (fitted.grain <= range->grain) return;
        *range = asked;
        range_widen(range, fitted.grain);
    }
}

/* ---- where the rows of a range are ---- */

/* $1 project, $2 from, $3 to in all of them. SUMS and BUCKETS differ in their columns and tables alone. SERIES: where a condition
 * on x.series_id comes in (rollup_source_of). */
#define SUMS                                                                                       \
    "x.at_unix_us, x.series_id, x.row_count, x.error_count, x.duration_count, x.duration_sum_ns, " \
    "x.duration_max_ns"
#define BUCKETS   "x.at_unix_us, x.series_id, x.bucket, x.row_count"
#define SERIES    "{series}"
#define WITHIN(x) x ".project_id = $1 AND " x ".at_unix_us >= $2 AND " x ".at_unix_us < $3"
#define MINUTE    "60000000"
#define HOUR      "3600000000"
#define DAY       "86400000000"

/* Times first, then what was counted at each: a database that is asked for a range of times looks for open hours row by row, and
 * cannot go from one series to the next. `step` us from one to the next. */
#define TIMES(step, where)                                                                                       \
    "(WITH RECURSIVE t(at) AS (SELECT CAST($2 AS bigint) UNION ALL SELECT at + " step " FROM t WHERE at + " step \
    " < $3) SELECT at FROM t" where ") r"
#define CLOSED_TIMES(step, open) \
    TIMES(step, " WHERE NOT EXISTS (SELECT 1 FROM " open " o WHERE o.project_id = $1 AND o.at_unix_us = t.at)")
#define AT_TIMES(columns, table, times) \
    "SELECT " columns " FROM " times " CROSS JOIN " table " x WHERE x.project_id = $1 AND x.at_unix_us = r.at" SERIES
#define PLAIN_MINUTES(columns, minutes) AT_TIMES(columns, minutes, TIMES(MINUTE, "")) " AND " WITHIN("x")
#define MINUTES_OF_OPEN(columns, minutes)                                                                           \
    AT_TIMES(columns, minutes,                                                                                      \
             "(WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < 59) SELECT o.at_unix_us + " \
             "CAST(n AS bigint) * " MINUTE " AS at FROM rollup_open_hours o CROSS JOIN t WHERE " WITHIN("o") ") r")
#define PLAIN_HOURS(columns, minutes, hours)                          \
    AT_TIMES(columns, hours, CLOSED_TIMES(HOUR, "rollup_open_hours")) \
    " UNION ALL " MINUTES_OF_OPEN(columns, minutes)
#define HOURS_OF_OPEN(columns, hours)                                                                                  \
    AT_TIMES(                                                                                                          \
        columns, hours,                                                                                                \
        "(WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < 23), h(at) AS (SELECT "             \
        "o.at_unix_us + n * CAST(" HOUR " AS bigint) FROM rollup_open_days o CROSS JOIN t WHERE " WITHIN(              \
            "o") ") SELECT at FROM h WHERE NOT EXISTS (SELECT 1 FROM rollup_open_hours p WHERE p.project_id = $1 AND " \
                 "p.at_unix_us = h.at)) r")
#define PLAIN_DAYS(columns, minutes, hours, days)                  \
    AT_TIMES(columns, days, CLOSED_TIMES(DAY, "rollup_open_days")) \
    " UNION ALL " HOURS_OF_OPEN(columns, hours) " UNION ALL " MINUTES_OF_OPEN(columns, minutes)
/* Aggregates know what of them is new; what our own job made before they were there is beside them. */
#define LIVE(columns, live, plain)                                                                             \
    "SELECT " columns " FROM " live " x WHERE " WITHIN("x") SERIES " UNION ALL SELECT " columns " FROM " plain \
                                                                   " x WHERE " WITHIN("x") SERIES

static const struct rollup_source sources[2][3] = {
    {
        { PLAIN_MINUTES(SUMS, "rollup_minutes"), PLAIN_MINUTES(BUCKETS, "rollup_minute_buckets") },
        { PLAIN_HOURS(SUMS, "rollup_minutes", "rollup_hours"),
          PLAIN_HOURS(BUCKETS, "rollup_minute_buckets", "rollup_hour_buckets") },
        { PLAIN_DAYS(SUMS, "rollup_minutes", "rollup_hours", "rollup_days"),
          PLAIN_DAYS(BUCKETS, "rollup_minute_buckets", "rollup_hour_buckets", "rollup_day_buckets") },
    },
    {
        { PLAIN_MINUTES(SUMS, "rollup_minutes"), PLAIN_MINUTES(BUCKETS, "rollup_minute_buckets") },
        { LIVE(SUMS, "rollup_hours_live", "rollup_hours"),
          LIVE(BUCKETS, "rollup_hour_buckets_live", "rollup_hour_buckets") },
        { LIVE(SUMS, "rollup_days_live", "rollup_days"),
          LIVE(BUCKETS, "rollup_day_buckets_live", "rollup_day_buckets") },
    },
};

/* ---- lists ---- */

/* keys: expressions over rollup_series s; those not used are ''. where: which are of the list, of one service ($4) where it is not
 * empty. */
static const struct list {
    const char *keys[ROLLUP_KEYS], *where, *durations_of;
} lists[] = {
    [ROLLUP_SERVICES] = { { "s.service", "''", "''" },
                          "s.kind <> 'edge' AND ($4 = '' OR s.service = $4)",
                          "s.kind IN ('server', 'consumer')" },
    [ROLLUP_ENDPOINTS] = { { "s.service", "s.route", "s.endpoint" },
                           "s.kind <> 'edge' AND s.endpoint <> '' AND ($4 = '' OR s.service = $4)",
                           "1 = 1" },
    [ROLLUP_EDGES] = { { "s.service", "s.target", "s.source_kind || '>' || s.target_kind" },
                       "s.kind = 'edge' AND ($4 = '' OR s.service = $4 OR s.target = $4)",
                       "1 = 1" },
};

struct list_read {
    struct arena *arena;
    struct rollup_item *items;
    uint32_t count, cap, at;        /* at: where the last row of figures belonged */
    struct ddsketch_count *buckets; /* of items[at] */
    uint32_t bucket_count;
};

static bool item_row(void *ctx, struct db_row *row, struct err *err)
{
    struct list_read *read = ctx;
    (void)err;
    if (read->count == read->cap) return true;
    struct rollup_item *item = &read->items[read->count++];
    *item = (struct rollup_item){ .kind = db_text_keep(read->arena, row, 3),
                                  .method = db_text_keep(read->arena, row, 4),
                                  .source_kind = db_text_keep(read->arena, row, 5),
                                  .target_kind = db_text_keep(read->arena, row, 6),
                                  .first_unix_us = db_row_integer(row, 7),
                                  .last_unix_us = db_row_integer(row, 8) };
    for (uint32_t k = 0; k < ROLLUP_KEYS; k++) item->keys[k] = db_text_keep(read->arena, row, k);
    item->figures.p50_ns = item->figures.p95_ns = item->figures.p99_ns = NAN;
    return true;
}

static int keys_compare(const struct rollup_item *item, struct db_row *row)
{
    for (size_t k = 0; k < ROLLUP_KEYS; k++) {
        int order = bytes_compare(item->keys[k], db_row_text(row, k));
        if (order != 0) return order;
    }
    return 0;
}

/* Items and rows are in one order. False: the row's item is not on the page. */
static bool item_find(struct list_read *read, struct db_row *row)
{
    while (read->at < read->count && keys_compare(&read->items[read->at], row) < 0) read->at++;
    return read->at < read->count && keys_compare(&read->items[read->at], row) == 0;
}

void rollup_figures_add(struct rollup_figures *figures, struct db_row *row, size_t at)
{
    figures->row_count += db_row_integer(row, at);
    figures->error_count += db_row_integer(row, at + 1);
    figures->duration_count += db_row_integer(row, at + 2);
    figures->duration_sum_ns += db_row_real(row, at + 3);
    int64_t max = db_row_integer(row, at + 4);
    if (max > figures->duration_max_ns) figures->duration_max_ns = max;
}

static bool sums_row(void *ctx, struct db_row *row, struct err *err)
{
    struct list_read *read = ctx;
    (void)err;
    if (!item_find(read, row)) return true;
    struct rollup_item *item = &read->items[read->at];
    struct bytes kind = db_row_text(row, 3);
    int64_t rows = db_row_integer(row, 5), errors = db_row_integer(row, 6);
    if (db_row_integer(row, 4) != 0) rollup_figures_add(&item->figures, row, 5);
    if (bytes_equal(kind, BYTES("log"))) {
        item->log_count += rows;
        item->log_error_count += errors;
    } else if (bytes_equal(kind, BYTES("metric"))) {
        item->point_count += rows;
    } else {
        item->span_count += rows;
        item->span_error_count += errors;
    }
    return true;
}

void rollup_quantiles(struct rollup_figures *figures, const struct ddsketch_count *buckets, uint32_t count)
{
    figures->p50_ns = ddsketch_quantile(buckets, count, 0.5);
    figures->p95_ns = ddsketch_quantile(buckets, count, 0.95);
    figures->p99_ns = ddsketch_quantile(buckets, count, 0.99);
}

static void buckets_end(struct list_read *read)
{
    if (read->bucket_count > 0) rollup_quantiles(&read->items[read->at].figures, read->buckets, read->bucket_count);
    read->bucket_count = 0;
}

static void bucket_take(struct ddsketch_count *buckets, uint32_t *count, struct db_row *row, size_t at)
{
    if (*count <= DDSKETCH_BUCKET_MAX + 1)
        buckets[(*count)++] = (struct ddsketch_count){ (int32_t)db_row_integer(row, at), db_row_integer(row, at + 1) };
}

static bool buckets_row(void *ctx, struct db_row *row, struct err *err)
{
    struct list_read *read = ctx;
    (void)err;
    if (read->at >= read->count || keys_compare(&read->items[read->at], row) != 0) buckets_end(read);
    if (item_find(read, row)) bucket_take(read->buckets, &read->bucket_count, row, 3);
    return true;
}

/* Not the first page: after the keys $6 to $8. */
static const char *page_sql(struct arena *arena, const struct list *list, bool is_first)
{
    const char *const *k = list->keys;
    return arena_printf(
        arena,
        "SELECT k1, k2, k3, MIN(kind), MIN(method), MIN(source_kind), MIN(target_kind), MIN(first_unix_us), "
        "MAX(last_unix_us) FROM (SELECT %s AS k1, %s AS k2, %s AS k3, s.* FROM rollup_series s WHERE s.project_id = $1 "
        "AND %s) s WHERE last_unix_us >= $2 AND first_unix_us < $3%s GROUP BY k1, k2, k3 ORDER BY k1, k2, k3 LIMIT $5",
        k[0], k[1], k[2], list->where, is_first ? "" : " AND (k1, k2, k3) > ($6, $7, $8)");
}

/* Few rows are of an edge or of one service: the others are left out first. Rows are added up by their series' number, which is
 * cheaper to sort by than names are. */
#define WITHIN_PAGE "(k1, k2, k3) >= ($5, $6, $7) AND (k1, k2, k3) <= ($8, $9, $10)"

/* Of all series whose keys are from the page's first item to its last. */
static const char *sums_sql(struct arena *arena, const struct list *list, const char *source)
{
    const char *const *k = list->keys;
    return arena_printf(
        arena,
        "SELECT k1, k2, k3, kind, has_durations, CAST(SUM(row_count) AS bigint), CAST(SUM(error_count) AS bigint), "
        "CAST(SUM(duration_count) AS bigint), SUM(duration_sum_ns), MAX(duration_max_ns) FROM (SELECT %s AS k1, %s AS "
        "k2, %s AS k3, s.kind, CASE WHEN %s THEN 1 ELSE 0 END AS has_durations, y.row_count, y.error_count, "
        "y.duration_count, y.duration_sum_ns, y.duration_max_ns FROM (SELECT x.series_id, SUM(x.row_count) AS "
        "row_count, SUM(x.error_count) AS error_count, SUM(x.duration_count) AS duration_count, "
        "SUM(x.duration_sum_ns) AS duration_sum_ns, MAX(x.duration_max_ns) AS duration_max_ns FROM (%s) x "
        "GROUP BY x.series_id) y JOIN rollup_series s ON s.project_id = $1 AND s.id = y.series_id) z "
        "WHERE " WITHIN_PAGE " GROUP BY k1, k2, k3, kind, has_durations ORDER BY k1, k2, k3",
        k[0], k[1], k[2], list->durations_of, source);
}

static const char *buckets_sql(struct arena *arena, const struct list *list, const char *source)
{
    const char *const *k = list->keys;
    return arena_printf(
        arena,
        "SELECT k1, k2, k3, bucket, CAST(SUM(row_count) AS bigint) FROM (SELECT %s AS k1, %s AS k2, %s AS k3, "
        "y.bucket, y.row_count FROM (SELECT x.series_id, x.bucket, SUM(x.row_count) AS row_count FROM (%s) x "
        "GROUP BY x.series_id, x.bucket) y JOIN rollup_series s ON s.project_id = $1 AND s.id = y.series_id "
        "WHERE %s) z WHERE " WITHIN_PAGE " GROUP BY k1, k2, k3, bucket ORDER BY k1, k2, k3, bucket",
        k[0], k[1], k[2], source, list->durations_of);
}

const char *rollup_source_of(struct arena *arena, const char *source, const char *series, bool is_few)
{
    const char *wanted =
        arena_printf(arena, "x.series_id IN (SELECT s.id FROM rollup_series s WHERE s.project_id = $1 AND %s)",
                     series ? series : "1 = 1");
    const char *within = series && is_few ? arena_printf(arena, " AND %s", wanted) : "", *sql = "";
    for (const char *at = source, *mark; at; at = mark ? mark + strlen(SERIES) : NULL) {
        mark = strstr(at, SERIES);
        sql = arena_printf(arena, "%s%.*s%s", sql, mark ? (int)(mark - at) : (int)strlen(at), at, mark ? within : "");
    }
    return series && !is_few ? arena_printf(arena, "SELECT x.* FROM (%s) x WHERE %s", sql, wanted) : sql;
}

bool rollup_source_choose(struct db *db, enum rollup_grain grain, const struct rollup_source **source, struct err *err)
{
    bool has_aggregates;
    if (!rollup_aggregates(db, &has_aggregates, err)) return false;
    *source = &sources[has_aggregates][grain];
    return true;
}

bool rollup_list_read(struct db *db, enum rollup_list which, const struct rollup_range *range,
                      const struct rollup_page *page, struct arena *arena, struct rollup_item **items, uint32_t *count,
                      struct err *err)
{
    const struct list *list = &lists[which];
    const struct rollup_source *source;
    struct list_read read = { .arena = arena, .cap = page->limit };
    struct db_value project = db_uuid(range->project_id), from = db_integer(range->from_unix_us),
                    to = db_integer(range->to_unix_us), limit = db_integer(page->limit),
                    service = db_text_bytes(page->service);
    read.items = arena_alloc(arena, page->limit * sizeof *read.items);
    read.buckets = arena_alloc(arena, (DDSKETCH_BUCKET_MAX + 2) * sizeof *read.buckets);
    if (!rollup_source_choose(db, range->grain, &source, err)) return false;
    const struct db_value asked[] = { project,
                                      from,
                                      to,
                                      service,
                                      limit,
                                      db_text_bytes(page->after[0]),
                                      db_text_bytes(page->after[1]),
                                      db_text_bytes(page->after[2]) };
    bool ok = db_read(db, page_sql(arena, list, page->is_first), asked, page->is_first ? 5 : COUNT_OF(asked), item_row,
                      &read, err);
    *items = read.items;
    *count = read.count;
    if (!ok || read.count == 0) return ok;
    const struct rollup_item *first = &read.items[0], *last = &read.items[read.count - 1];
    const struct db_value values[] = { project,
                                       from,
                                       to,
                                       service,
                                       db_text_bytes(first->keys[0]),
                                       db_text_bytes(first->keys[1]),
                                       db_text_bytes(first->keys[2]),
                                       db_text_bytes(last->keys[0]),
                                       db_text_bytes(last->keys[1]),
                                       db_text_bytes(last->keys[2]) };
    bool is_few =
        page->service.len > 0 || which == ROLLUP_EDGES; /* services call few others: of most series are no edges */
    const char *sums = rollup_source_of(arena, source->sums, list->where, is_few),
               *buckets = rollup_source_of(arena, source->buckets, list->where, is_few);
    if (!db_read(db, sums_sql(arena, list, sums), values, COUNT_OF(values), sums_row, &read, err)) return false;
    read.at = 0;
    if (!db_read(db, buckets_sql(arena, list, buckets), values, COUNT_OF(values), buckets_row, &read, err))
        return false;
    buckets_end(&read);
    return true;
}

/* ---- over time ---- */

struct series_read {
    struct arena *arena;
    struct rollup_point *points;
    uint32_t count, cap, at;
    struct ddsketch_count *buckets;
    uint32_t bucket_count;
};

static bool point_row(void *ctx, struct db_row *row, struct err *err)
{
    struct series_read *read = ctx;
    (void)err;
    if (read->count == read->cap) return true;
    struct rollup_point *point = &read->points[read->count++];
    *point = (struct rollup_point){ .at_unix_us = db_row_integer(row, 0) };
    rollup_figures_add(&point->figures, row, 1);
    point->figures.p50_ns = point->figures.p95_ns = point->figures.p99_ns = NAN;
    return true;
}

static void point_buckets_end(struct series_read *read)
{
    if (read->bucket_count > 0) rollup_quantiles(&read->points[read->at].figures, read->buckets, read->bucket_count);
    read->bucket_count = 0;
}

static bool point_bucket_row(void *ctx, struct db_row *row, struct err *err)
{
    struct series_read *read = ctx;
    int64_t at = db_row_integer(row, 0);
    (void)err;
    if (read->at < read->count && read->points[read->at].at_unix_us != at) point_buckets_end(read);
    while (read->at < read->count && read->points[read->at].at_unix_us < at) read->at++;
    if (read->at < read->count && read->points[read->at].at_unix_us == at)
        bucket_take(read->buckets, &read->bucket_count, row, 1);
    return true;
}

#define FILTER                                                                                                        \
    "s.kind <> 'edge' AND ($5 = '' OR s.service = $5) AND ($6 = '' OR s.kind = $6 OR ($6 = 'span' AND s.kind NOT IN " \
    "('log', 'metric')) OR ($6 = 'request' AND s.kind IN ('server', 'consumer'))) AND ($7 = '' OR s.endpoint = $7)"

bool rollup_series_read(struct db *db, const struct rollup_range *range, const struct rollup_filter *filter,
                        int64_t step_us, uint32_t limit, struct arena *arena, struct rollup_point **points,
                        uint32_t *count, struct err *err)
{
    const struct rollup_source *source;
    struct series_read read = { .arena = arena, .cap = limit };
    assert(step_us % rollup_grain_us(range->grain) == 0);
    read.points = arena_alloc(arena, limit * sizeof *read.points);
    read.buckets = arena_alloc(arena, (DDSKETCH_BUCKET_MAX + 2) * sizeof *read.buckets);
    if (!rollup_source_choose(db, range->grain, &source, err)) return false;
    const struct db_value values[] = { db_uuid(range->project_id),     db_integer(range->from_unix_us),
                                       db_integer(range->to_unix_us),  db_integer(step_us),
                                       db_text_bytes(filter->service), db_text_bytes(filter->kind),
                                       db_text_bytes(filter->endpoint) };
    bool is_few = filter->service.len > 0 || filter->endpoint.len > 0;
    const char *sums = arena_printf(
        arena,
        "SELECT x.at_unix_us - x.at_unix_us %% $4 AS step, CAST(SUM(x.row_count) AS bigint), "
        "CAST(SUM(x.error_count) AS bigint), CAST(SUM(x.duration_count) AS bigint), SUM(x.duration_sum_ns), "
        "MAX(x.duration_max_ns) FROM (%s) x GROUP BY 1 ORDER BY 1",
        rollup_source_of(arena, source->sums, FILTER, is_few));
    const char *buckets = arena_printf(arena,
                                       "SELECT x.at_unix_us - x.at_unix_us %% $4 AS step, x.bucket, "
                                       "CAST(SUM(x.row_count) AS bigint) FROM (%s) x GROUP BY 1, 2 ORDER BY 1, 2",
                                       rollup_source_of(arena, source->buckets, FILTER, is_few));
    if (!db_read(db, sums, values, COUNT_OF(values), point_row, &read, err) ||
        !db_read(db, buckets, values, COUNT_OF(values), point_bucket_row, &read, err))
        return false;
    point_buckets_end(&read);
    *points = read.points;
    *count = read.count;
    return true;
}
