/* What a finding says to people, and the statement that shows it. */
#include "base/rfc3339.h"
#include "findings/finding.h"
#include <inttypes.h>
#include <stdio.h>

static const char *about(struct arena *arena, const struct finding *f)
{
    if (f->service.len == 0) return "all services";
    const char *service = arena_printf(arena, "%.*s", (int)f->service.len, (const char *)f->service.ptr);
    if (f->route.len > 0)
        return arena_printf(arena, "%.*s%s%.*s of %s", (int)f->method.len, (const char *)f->method.ptr,
                            f->method.len > 0 ? " " : "", (int)f->route.len, (const char *)f->route.ptr, service);
    if (bytes_equal(f->row_kind, BYTES("request"))) return arena_printf(arena, "requests of %s", service);
    return arena_printf(arena, "%.*s%s of %s", (int)f->row_kind.len, (const char *)f->row_kind.ptr,
                        bytes_equal(f->row_kind, BYTES("log")) ? "s" : " spans", service);
}

static bool is_rate(const struct finding *f)
{
    return bytes_equal(f->method, BYTES("rate"));
}

static const char *figure(struct arena *arena, const struct finding *f, double value)
{
    if (f->kind == DETECT_ERROR_RATE) return arena_printf(arena, "%.3g%%", value * 100);
    if (f->kind == DETECT_METRIC && is_rate(f)) return arena_printf(arena, "%.3g/s", value);
    if (f->kind != DETECT_LATENCY) return arena_printf(arena, "%.3g", value);
    return value >= 1e9   ? arena_printf(arena, "%.3g s", value / 1e9)
           : value >= 1e6 ? arena_printf(arena, "%.3g ms", value / 1e6)
                          : arena_printf(arena, "%.3g us", value / 1e3);
}

/* Of patterns each line of route is one. */
static struct bytes first_line(struct bytes text)
{
    const uint8_t *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
    return end ? bytes_from(text.ptr, (size_t)(end - text.ptr)) : text;
}

static const char *patterns_title(struct arena *arena, const struct finding *f)
{
    struct bytes first = first_line(f->route), level = f->method;
    bool is_none = level.len == 0 || bytes_equal(level, BYTES("none"));
    const char *of = arena_printf(arena, "of %.*s%s%.*s: %.*s", (int)f->service.len, (const char *)f->service.ptr,
                                  is_none ? "" : ", ", is_none ? 0 : (int)level.len, (const char *)level.ptr,
                                  (int)first.len, (const char *)first.ptr);
    if (f->effect < 2) return arena_printf(arena, "New log pattern %s", of);
    return arena_printf(arena, "%.0f new log patterns %s; and %.0f more", f->effect, of, f->effect - 1);
}

static const char *patterns_text(struct arena *arena, const struct finding *f, const char *end)
{
    struct bytes first = first_line(f->route);
    const char *text = arena_printf(arena, "First seen %s%s: %.0f lines in %lld minutes.",
                                    finding_time(arena, f->begin_unix_us), end, f->rows, (long long)f->window_minutes);
    if (first.len == f->route.len) return text;
    return arena_printf(arena, "%s\nAlso new:%.*s", text, (int)(f->route.len - first.len),
                        (const char *)f->route.ptr + first.len);
}

const char *finding_title(struct arena *arena, const struct finding *f)
{
    const char *what = about(arena, f), *value = figure(arena, f, f->value), *expected = figure(arena, f, f->expected);
    switch (f->kind) {
    case DETECT_SILENCE: return arena_printf(arena, "Nothing comes of %s", what);
    case DETECT_VOLUME_SPIKE:
    case DETECT_VOLUME_DROP:
        return arena_printf(arena, "%s %s: %s a minute, usually %s", f->is_up ? "More" : "Fewer", what, value,
                            expected);
    case DETECT_ERROR_RATE:
        return arena_printf(arena, "%s errors of %s: %s, usually %s", f->is_up ? "More" : "Fewer", what, value,
                            expected);
    case DETECT_LATENCY:
        return arena_printf(arena, "%s are %s: p95 %s, usually %s", what, f->is_up ? "slower" : "quicker", value,
                            expected);
    case DETECT_NEW_ERROR:
        return arena_printf(arena, "New error of %.*s: %.*s", (int)f->service.len, (const char *)f->service.ptr,
                            (int)f->route.len, (const char *)f->route.ptr);
    case DETECT_NEW_PATTERN: return patterns_title(arena, f);
    case DETECT_METRIC:
        return arena_printf(arena, "%.*s of %s is %s: %s, usually %s", (int)f->route.len, (const char *)f->route.ptr,
                            f->service.len > 0
                                ? arena_printf(arena, "%.*s", (int)f->service.len, (const char *)f->service.ptr)
                                : "no service",
                            f->is_up ? "higher" : "lower", value, expected);
    }
    return what;
}

const char *finding_time(struct arena *arena, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write_seconds(unix_us, text);
    return arena_printf(arena, "%s", text);
}

/* What makes it more or less severe than its effect. */
static const char *weight_text(struct arena *arena, const struct finding *f)
{
    const struct finding_weight *weight = &f->weight;
    const char *text = "";
    if (weight->breadth < 0.995)
        text = arena_printf(arena, " That is %.2g%% of what the service does of the kind.", weight->breadth * 100);
    if (weight->objective <= 0) return text;
    return arena_printf(arena,
                        "%s Of the requests of %.*s then %.2g%% failed: %.3g times what an objective of %.6g%% allows.",
                        text, (int)f->service.len, (const char *)f->service.ptr,
                        weight->burn * (1 - weight->objective) * 100, weight->burn, weight->objective * 100);
}

const char *finding_text(struct arena *arena, const struct finding *f)
{
    const char *end = f->end_unix_us > 0 ? arena_printf(arena, " until %s%s", finding_time(arena, f->end_unix_us),
                                                        f->is_accepted ? ", since when it is the new usual" : "")
                                         : "";
    if (f->kind == DETECT_NEW_ERROR)
        return arena_printf(arena, "First seen %s%s: issue #%.*s, %.0f events in %lld minutes.",
                            finding_time(arena, f->begin_unix_us), end, (int)f->method.len, (const char *)f->method.ptr,
                            f->rows, (long long)f->window_minutes);
    if (f->kind == DETECT_NEW_PATTERN) return patterns_text(arena, f, end);
    return arena_printf(arena,
                        "Since %s%s. In %lld minutes it was %s, where 95 of 100 such times lie between %s and %s (%.1f "
                        "standard deviations off).%s",
                        finding_time(arena, f->begin_unix_us), end, (long long)f->window_minutes,
                        figure(arena, f, f->value), figure(arena, f, f->low), figure(arena, f, f->high), f->z,
                        weight_text(arena, f));
}

const char *finding_quoted(struct arena *arena, struct bytes text)
{
    char *out = arena_alloc(arena, 2 * text.len + 3), *at = out;
    *at++ = '\'';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') *at++ = '\'';
        *at++ = (char)text.ptr[i];
    }
    *at++ = '\'';
    *at = '\0';
    return out;
}

static const char *elements_condition(struct arena *arena, struct bytes elements)
{
    const char *sql = "";
    bool is_one = true;
    for (size_t from = 0, to; from < elements.len; from = to + 1) {
        for (to = from; to < elements.len && elements.ptr[to] != ' ';) to++;
        is_one = from == 0 && to == elements.len;
        sql = arena_printf(arena, "%s%s%s = ANY(hashes)", sql, from > 0 ? " OR " : "",
                           finding_quoted(arena, bytes_from(elements.ptr + from, to - from)));
    }
    return is_one ? sql : arena_printf(arena, "(%s)", sql);
}

/* The rows that the roll-ups' series counts. An endpoint's number is an element of `hashes`; of patterns there are several. */
static const char *condition(struct arena *arena, const struct finding *f)
{
    const char *sql = "";
    if (f->service.len > 0)
        sql = arena_printf(arena, " AND resource___service___name = %s", finding_quoted(arena, f->service));
    if (bytes_equal(f->row_kind, BYTES("request")))
        sql = arena_printf(arena, "%s AND kind IN ('server', 'consumer')", sql);
    else if (f->row_kind.len > 0 && f->kind != DETECT_NEW_ERROR)
        sql = arena_printf(arena, "%s AND kind = %s", sql, finding_quoted(arena, f->row_kind));
    if (f->endpoint.len > 0) sql = arena_printf(arena, "%s AND %s", sql, elements_condition(arena, f->endpoint));
    return sql;
}

/* A counter's increase is of the minute of its later point. */
static const char *metric_sql(struct arena *arena, const struct finding *f, int64_t from_unix_us, int64_t to_unix_us)
{
    const char *where = arena_printf(arena, "timestamp >= '%s' AND timestamp < '%s' AND metric_name = %s%s%s",
                                     finding_time(arena, from_unix_us), finding_time(arena, to_unix_us),
                                     finding_quoted(arena, f->route),
                                     f->service.len > 0 ? " AND resource___service___name = "
                                                        : " AND resource___service___name IS NULL",
                                     f->service.len > 0 ? finding_quoted(arena, f->service) : "");
    if (!is_rate(f))
        return arena_printf(
            arena,
            "SELECT date_trunc('minute', timestamp) AS t, avg(value) AS value\nFROM otel_metrics\nWHERE "
            "%s\nGROUP BY 1 ORDER BY 1",
            where);
    return arena_printf(
        arena,
        "SELECT date_trunc('minute', timestamp) AS t, sum(CASE WHEN is_delta OR value < before THEN value ELSE value - "
        "before END) / 60.0 AS value\nFROM (SELECT timestamp, value, coalesce(aggregation_temporality = 'delta', "
        "false) "
        "AS is_delta,\n  lag(value) OVER (PARTITION BY series_id ORDER BY timestamp) AS before FROM otel_metrics\n  "
        "WHERE %s) p\nWHERE is_delta OR before IS NOT NULL\nGROUP BY 1 ORDER BY 1",
        where);
}

const char *finding_sql(struct arena *arena, const struct finding *f)
{
    static const int64_t hour_us = INT64_C(3600000000);
    int64_t end = f->end_unix_us > 0 ? f->end_unix_us : f->found_unix_us;
    if (f->kind == DETECT_METRIC) return metric_sql(arena, f, f->begin_unix_us - hour_us, end + hour_us / 2);
    const char *value =
        f->kind == DETECT_ERROR_RATE
            ? "count(*) FILTER (WHERE status_code = 'ERROR' OR level IN ('ERROR', 'FATAL'))::float8 / count(*)"
        : f->kind == DETECT_LATENCY ? "approx_percentile(0.95, percentile_agg(duration))"
                                    : "count(*)";
    return arena_printf(
        arena,
        "SELECT date_trunc('minute', timestamp) AS t, %s AS value\nFROM otel_logs_and_spans\nWHERE timestamp "
        ">= '%s' AND timestamp < '%s'%s\nGROUP BY 1 ORDER BY 1",
        value, finding_time(arena, f->begin_unix_us - hour_us), finding_time(arena, end + hour_us / 2),
        condition(arena, f));
}
