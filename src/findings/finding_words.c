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

static const char *figure(struct arena *arena, const struct finding *f, double value)
{
    if (f->kind == DETECT_ERROR_RATE) return arena_printf(arena, "%.3g%%", value * 100);
    if (f->kind != DETECT_LATENCY) return arena_printf(arena, "%.3g", value);
    return value >= 1e9   ? arena_printf(arena, "%.3g s", value / 1e9)
           : value >= 1e6 ? arena_printf(arena, "%.3g ms", value / 1e6)
                          : arena_printf(arena, "%.3g us", value / 1e3);
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
    }
    return what;
}

const char *finding_time(struct arena *arena, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write_seconds(unix_us, text);
    return arena_printf(arena, "%s", text);
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
    return arena_printf(arena,
                        "Since %s%s. In %lld minutes it was %s, where 95 of 100 such times lie between %s and %s (%.1f "
                        "standard deviations off).",
                        finding_time(arena, f->begin_unix_us), end, (long long)f->window_minutes,
                        figure(arena, f, f->value), figure(arena, f, f->low), figure(arena, f, f->high), f->z);
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

/* The rows that the roll-ups' series counts. An endpoint's number is an element of `hashes`. */
static const char *condition(struct arena *arena, const struct finding *f)
{
    const char *sql = "";
    if (f->service.len > 0)
        sql = arena_printf(arena, " AND resource___service___name = %s", finding_quoted(arena, f->service));
    if (bytes_equal(f->row_kind, BYTES("request")))
        sql = arena_printf(arena, "%s AND kind IN ('server', 'consumer')", sql);
    else if (f->row_kind.len > 0 && f->kind != DETECT_NEW_ERROR)
        sql = arena_printf(arena, "%s AND kind = %s", sql, finding_quoted(arena, f->row_kind));
    if (f->endpoint.len > 0)
        sql = arena_printf(arena, "%s AND %s = ANY(hashes)", sql, finding_quoted(arena, f->endpoint));
    return sql;
}

const char *finding_sql(struct arena *arena, const struct finding *f)
{
    static const int64_t hour_us = INT64_C(3600000000);
    int64_t end = f->end_unix_us > 0 ? f->end_unix_us : f->found_unix_us;
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
