#include "findings/finding_chart.h"
#include "base/ddsketch.h"
#include "chart/chart.h"
#include "meta/db_rows.h"
#include <math.h>

enum { MINUTES_MAX = 720, BUCKETS_MAX = 4096 };
#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)

struct drawing {
    const struct finding *finding;
    int64_t from_unix_us;
    uint32_t minutes, known; /* known: that have rows */
    double *values;
    struct ddsketch_count *counts; /* of the minute that is read */
    uint32_t minute, count;
};

/* Rows that its series counts, as finding_words.c has them in SQL. */
#define ROWS_OF                                                                                                  \
    " x JOIN rollup_series s ON s.project_id = x.project_id AND s.id = x.series_id WHERE x.project_id = $1 AND " \
    "s.service = $2 AND x.at_unix_us >= $3 AND x.at_unix_us < $4 AND (($5 = 'request' AND s.kind IN ('server', " \
    "'consumer')) OR (s.kind = $5 AND s.endpoint = $6)) "
#define ROWS_VALUES(finding, from, to)                                                                             \
    DB_VALUES(db_uuid((finding)->project_id), db_text_bytes((finding)->service), db_integer(from), db_integer(to), \
              db_text_bytes((finding)->row_kind), db_text_bytes((finding)->endpoint))

static bool minute_row(void *ctx, struct db_row *row, struct err *err)
{
    struct drawing *drawing = ctx;
    int64_t minute = (db_row_integer(row, 0) - drawing->from_unix_us) / MINUTE_US;
    double rows = (double)db_row_integer(row, 1), errors = (double)db_row_integer(row, 2);
    (void)err;
    if (minute < 0 || minute >= drawing->minutes || rows <= 0) return true;
    drawing->values[minute] = drawing->finding->kind == DETECT_ERROR_RATE ? 100 * errors / rows : rows;
    drawing->known++;
    return true;
}

static void minute_end(struct drawing *drawing)
{
    if (drawing->count > 0) {
        drawing->values[drawing->minute] = ddsketch_quantile(drawing->counts, drawing->count, 0.95) / 1e6;
        drawing->known++;
    }
    drawing->count = 0;
}

static bool bucket_row(void *ctx, struct db_row *row, struct err *err)
{
    struct drawing *drawing = ctx;
    int64_t minute = (db_row_integer(row, 0) - drawing->from_unix_us) / MINUTE_US;
    (void)err;
    if (minute < 0 || minute >= drawing->minutes) return true;
    if (drawing->minute != (uint32_t)minute) minute_end(drawing);
    drawing->minute = (uint32_t)minute;
    if (drawing->count < BUCKETS_MAX)
        drawing->counts[drawing->count++] =
            (struct ddsketch_count){ (int32_t)db_row_integer(row, 1), db_row_integer(row, 2) };
    return true;
}

static bool values_read(struct drawing *drawing, struct db_session *session, struct err *err)
{
    const struct finding *f = drawing->finding;
    int64_t from = drawing->from_unix_us, to = from + drawing->minutes * MINUTE_US;
    drawing->known = drawing->count = 0;
    if (f->kind != DETECT_LATENCY)
        return db_run(session,
                      "SELECT x.at_unix_us, CAST(SUM(x.row_count) AS bigint), CAST(SUM(x.error_count) AS bigint) FROM "
                      "rollup_minutes" ROWS_OF "GROUP BY 1",
                      ROWS_VALUES(f, from, to), minute_row, drawing, NULL, err);
    if (!db_run(session,
                "SELECT x.at_unix_us, x.bucket, CAST(SUM(x.row_count) AS bigint) FROM rollup_minute_buckets" ROWS_OF
                "GROUP BY 1, 2 ORDER BY 1, 2",
                ROWS_VALUES(f, from, to), bucket_row, drawing, NULL, err))
        return false;
    minute_end(drawing);
    return true;
}

static const char *unit_of(const struct finding *f)
{
    return f->kind == DETECT_ERROR_RATE ? "%" : f->kind == DETECT_LATENCY ? "ms" : "/min";
}

/* As values are drawn: shares as percent, durations in ms. */
static double drawn(const struct finding *f, double value)
{
    return f->kind == DETECT_ERROR_RATE ? 100 * value : f->kind == DETECT_LATENCY ? value / 1e6 : value;
}

bool finding_chart(struct db_session *session, struct arena *arena, const struct finding *finding, int64_t now_unix_us,
                   struct bytes *png, struct err *err)
{
    const struct finding *f = finding;
    struct err ignored = { 0 };
    int64_t end = f->found_unix_us + MINUTE_US, from = f->begin_unix_us - f->begin_unix_us % MINUTE_US - HOUR_US;
    *png = bytes_from("", 0);
    if (f->service.len == 0 || f->kind == DETECT_NEW_ERROR || f->kind == DETECT_NEW_PATTERN || f->kind == DETECT_METRIC)
        return true;
    if (now_unix_us - WATCH_DELAY_US > end) end = now_unix_us - WATCH_DELAY_US; /* found late: up to what has come */
    int64_t minutes = (end - from) / MINUTE_US;
    struct drawing drawing = { .finding = f,
                               .from_unix_us = from,
                               .minutes = (uint32_t)(minutes > MINUTES_MAX ? MINUTES_MAX : minutes),
                               .counts = arena_alloc(arena, BUCKETS_MAX * sizeof(struct ddsketch_count)) };
    double *usual = arena_alloc(arena, (drawing.minutes + 1) * sizeof *usual);
    drawing.values = arena_alloc(arena, (drawing.minutes + 1) * sizeof *drawing.values);
    bool is_count = f->kind != DETECT_ERROR_RATE && f->kind != DETECT_LATENCY;
    for (uint32_t m = 0; m < drawing.minutes; m++) {
        drawing.values[m] = is_count ? 0 : NAN;
        usual[m] = drawn(f, f->expected);
    }
    if (!values_read(&drawing, session, err)) return false;
    if (drawing.known == 0) return true;
    const struct chart_series series[] = { { BYTES("it was"), drawing.values }, { BYTES("usually"), usual } };
    const struct chart_mark since = { .from_unix_us = f->begin_unix_us };
    const struct chart chart = { .title = bytes_of_text(finding_title(arena, f)),
                                 .unit = bytes_of_text(unit_of(f)),
                                 .from_unix_us = from,
                                 .step_us = MINUTE_US,
                                 .step_count = drawing.minutes,
                                 .series = series,
                                 .series_count = COUNT_OF(series),
                                 .marks = &since,
                                 .mark_count = 1 };
    if (!chart_png(&chart, arena, png, &ignored)) *png = bytes_from("", 0); /* people are told all the same */
    return true;
}
