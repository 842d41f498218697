#include "web/api/monitor_ask.h"
#include "base/rfc3339.h"
#include "search/search.h"
#include "web/api/api_inside.h"
#include "web/api/dashboard_content.h"
#include "web/api/sql_run.h"
#include <inttypes.h>
#include <stdlib.h>

enum { METRIC_BEFORE_S = 600 /* how far back the point before the first is looked for */ };

/* ---- the explorer's address ---- */

struct address {
    struct bytes q, by, agg, of;
    bool is_sql;
};

static bool address_read(struct arena *arena, struct bytes state, struct address *address, struct err *err)
{
    *address = (struct address){ .agg = BYTES("count"), .of = BYTES("duration") };
    while (state.len > 0) {
        const uint8_t *next = memchr(state.ptr, '&', state.len);
        struct bytes one = bytes_from(state.ptr, next == NULL ? state.len : (size_t)(next - state.ptr)), text;
        state = next == NULL ? (struct bytes){ 0 } : bytes_from(next + 1, state.len - one.len - 1);
        if (!percent_decode(arena, one, true, &text))
            return err_set(err, ERR_INPUT, "it is no query of an address: percent-encoded UTF-8");
        const uint8_t *equals = text.len == 0 ? NULL : memchr(text.ptr, '=', text.len);
        if (equals == NULL) continue;
        struct bytes name = bytes_from(text.ptr, (size_t)(equals - text.ptr));
        struct bytes value = bytes_from(equals + 1, text.len - name.len - 1);
        if (value.len == 0) continue;
        if (bytes_equal(name, BYTES("q"))) address->q = value;
        if (bytes_equal(name, BYTES("by"))) address->by = value;
        if (bytes_equal(name, BYTES("agg"))) address->agg = value;
        if (bytes_equal(name, BYTES("of"))) address->of = value;
        if (bytes_equal(name, BYTES("sql"))) address->is_sql = bytes_equal(value, BYTES("1"));
    }
    return true;
}

/* What only the API's threads can look up. */
static bool has_lookup(const struct search_node *node)
{
    return node != NULL && (node->is_pattern || node->is_issue || has_lookup(node->left) || has_lookup(node->right));
}

static bool condition_make(struct arena *arena, struct bytes q, bool is_sql, struct bytes *sql, struct err *err)
{
    struct search_node *root;
    struct search_problem problem;
    *sql = q;
    if (is_sql || q.len == 0) return true;
    if (!search_parse(arena, q, &root, &problem)) return err_set(err, ERR_INPUT, "q: %s", problem.text);
    if (has_lookup(root)) return err_set(err, ERR_INPUT, "q: pattern: and issue: are not for monitors");
    *sql = search_sql(arena, root);
    return true;
}

static const char *text(struct arena *arena, struct bytes bytes)
{
    return arena_printf(arena, "%.*s", (int)bytes.len, (const char *)bytes.ptr);
}

/* "a,b" becomes ", A, B"; *places: "1, 2" */
static bool labels_make(struct arena *arena, struct bytes by, struct bytes (*field)(struct arena *, struct bytes),
                        const char **labels, const char **places, struct err *err)
{
    uint32_t count = 0;
    *labels = *places = "";
    while (by.len > 0) {
        const uint8_t *next = memchr(by.ptr, ',', by.len);
        struct bytes one = bytes_from(by.ptr, next == NULL ? by.len : (size_t)(next - by.ptr));
        by = next == NULL ? (struct bytes){ 0 } : bytes_from(next + 1, by.len - one.len - 1);
        if (one.len == 0) continue;
        if (++count > MONITOR_BY_MAX)
            return err_set(err, ERR_INPUT, "a monitor is by at most %d fields", MONITOR_BY_MAX);
        *labels = arena_printf(arena, "%s%s, ", *labels, text(arena, field(arena, one)));
        *places = arena_printf(arena, "%s%s%u", *places, count > 1 ? ", " : " GROUP BY ", count);
    }
    return true;
}

static struct bytes row_field(struct arena *arena, struct bytes name)
{
    bool is_number;
    struct bytes sql = search_field(arena, name, &is_number);
    return is_number ? bytes_of_text(arena_printf(arena, "%s::text", text(arena, sql))) : sql;
}

/* A text that is none is no value. */
static const char *number_field(struct arena *arena, struct bytes name)
{
    bool is_number;
    const char *sql = text(arena, search_field(arena, name, &is_number));
    if (is_number) return sql;
    return arena_printf(arena,
                        "CASE WHEN (%s)::text ~ '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$' THEN "
                        "(%s)::text::double precision END",
                        sql, sql);
}

static bool aggregate_make(struct arena *arena, const struct address *address, int64_t seconds, const char **sql,
                           struct err *err)
{
    static const struct {
        const char *agg, *share;
    } percentiles[] = { { "p50", "0.5" }, { "p95", "0.95" }, { "p99", "0.99" } };
    static const struct {
        const char *agg, *function;
    } plain[] = { { "avg", "avg" }, { "max", "max" }, { "sum", "sum" } };
    struct bytes agg = address->agg;
    bool is_number;
    if (bytes_equal(agg, BYTES("count"))) *sql = "count(*)";
    if (bytes_equal(agg, BYTES("rate"))) *sql = arena_printf(arena, "count(*) / %" PRId64 ".0", seconds);
    if (bytes_equal(agg, BYTES("errors")))
        *sql = "count(*) FILTER (WHERE status_code = 'ERROR' OR level IN ('ERROR', 'FATAL'))";
    if (bytes_equal(agg, BYTES("distinct")))
        *sql = arena_printf(arena, "count(DISTINCT %s)", text(arena, search_field(arena, address->of, &is_number)));
    for (size_t p = 0; p < COUNT_OF(plain); p++)
        if (bytes_equal(agg, bytes_of_text(plain[p].agg)))
            *sql = arena_printf(arena, "%s(%s)", plain[p].function, number_field(arena, address->of));
    for (size_t p = 0; p < COUNT_OF(percentiles); p++) {
        if (!bytes_equal(agg, bytes_of_text(percentiles[p].agg))) continue;
        const char *value = number_field(arena, address->of);
        *sql = strcmp(value, "duration") == 0
                   ? arena_printf(arena, "approx_percentile(%s, percentile_agg(duration))", percentiles[p].share)
                   : arena_printf(arena, "percentile_cont(%s) WITHIN GROUP (ORDER BY %s)", percentiles[p].share, value);
    }
    return *sql != NULL ||
           err_set(err, ERR_INPUT, "agg is one of count, rate, errors, avg, p50, p95, p99, max, sum, distinct");
}

static const char *times(struct arena *arena, int64_t from_us, int64_t to_us)
{
    char from[RFC3339_BYTES], to[RFC3339_BYTES];
    rfc3339_write(from_us, from);
    rfc3339_write(to_us, to);
    return arena_printf(arena, "timestamp >= '%s' AND timestamp < '%s'", from, to);
}

static const char *and_condition(struct arena *arena, struct bytes condition)
{
    return condition.len == 0 ? "" : arena_printf(arena, " AND (%s)", text(arena, condition));
}

static bool search_make(struct arena *arena, const struct monitor_query *query, int64_t from_us, int64_t to_us,
                        struct monitor_statement *statement, struct err *err)
{
    struct address address;
    struct bytes where, bad;
    const char *labels, *places, *value = NULL;
    if (!address_read(arena, query->text, &address, err) ||
        !condition_make(arena, address.q, address.is_sql, &where, err) ||
        !condition_make(arena, query->bad, false, &bad, err) ||
        !labels_make(arena, address.by, row_field, &labels, &places, err) ||
        (!query->has_total && !aggregate_make(arena, &address, (to_us - from_us) / 1000000, &value, err)))
        return false;
    if (query->has_total)
        value = bad.len == 0 ? "count(*), count(*)"
                             : arena_printf(arena, "count(*) FILTER (WHERE %s), count(*)", text(arena, bad));
    statement->sql = bytes_of_text(arena_printf(arena, "SELECT %s%s FROM otel_logs_and_spans WHERE %s%s%s LIMIT %d",
                                                labels, value, times(arena, from_us, to_us),
                                                and_condition(arena, where), places, MONITOR_ASK_ROWS_MAX));
    return true;
}

/* ---- SQL ---- */

static bool sql_make(struct arena *arena, const struct monitor_query *query, int64_t from_us, int64_t to_us,
                     struct monitor_statement *statement)
{
    struct dashboard_sql sql = dashboard_sql_read(arena, query->text, NULL);
    char time[RFC3339_BYTES];
    statement->sql = sql.sql;
    statement->count = sql.count; /* from, to, step: there are no other names without variables */
    for (uint32_t p = 0; p < sql.count && p < MONITOR_PARAMETERS_MAX; p++) {
        statement->types[p] = sql.types[p];
        if (sql.types[p] == QUERY_TYPE_INTERVAL) {
            statement->parameters[p].value =
                bytes_of_text(arena_printf(arena, "%" PRId64 " seconds", (to_us - from_us) / 1000000));
            continue;
        }
        rfc3339_write(bytes_equal(sql.names[p], BYTES("from")) ? from_us : to_us, time);
        statement->parameters[p].value = arena_copy(arena, bytes_of_text(time));
    }
    return true;
}

/* ---- metrics ---- */

static struct bytes member(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? bytes_from(yyjson_get_str(value), yyjson_get_len(value)) : (struct bytes){ 0 };
}

static bool metric_make(struct arena *arena, const struct monitor_query *query, int64_t from_us, int64_t to_us,
                        struct monitor_statement *statement, struct err *err)
{
    static const struct {
        const char *aggregate, *of_series, *over_series;
    } levels[] = { { "avg", "avg(value)", "avg(v)" },
                   { "min", "min(value)", "min(v)" },
                   { "max", "max(value)", "max(v)" },
                   { "sum", "last(value, timestamp)", "sum(v)" },
                   { "last", "last(value, timestamp)", "avg(v)" },
                   { "count", "count(*)", "count(*)" } };
    struct search_node *root;
    struct search_problem problem;
    struct bytes condition, aggregate = member(query->metric, "aggregate");
    const char *labels = "", *names = "", *places = "";
    yyjson_val *one;
    size_t i, count;
    if (!search_parse(arena, member(query->metric, "search"), &root, &problem) ||
        !search_metrics_sql(arena, root, &condition, &problem))
        return err_set(err, ERR_INPUT, "search: %s", problem.text);
    yyjson_arr_foreach(yyjson_obj_get(query->metric, "by"), i, count, one)
    {
        if (i == MONITOR_BY_MAX) return err_set(err, ERR_INPUT, "a monitor is by at most %d fields", MONITOR_BY_MAX);
        struct bytes field = search_metrics_field(arena, bytes_from(yyjson_get_str(one), yyjson_get_len(one)));
        labels = arena_printf(arena, "%s%s AS by_%zu, ", labels, text(arena, field), i + 1);
        names = arena_printf(arena, "%sby_%zu, ", names, i + 1);
        places = arena_printf(arena, "%s%s%zu", places, i > 0 ? ", " : " GROUP BY ", i + 1);
    }
    const char *where =
        arena_printf(arena, "metric_name = %s%s", text(arena, search_literal(arena, member(query->metric, "name"))),
                     and_condition(arena, condition));
    bool is_rate = bytes_equal(aggregate, BYTES("rate"));
    if (is_rate || bytes_equal(aggregate, BYTES("increase"))) {
        char from[RFC3339_BYTES];
        rfc3339_write(from_us, from);
        statement->sql = bytes_of_text(arena_printf(
            arena,
            "SELECT %ssum(CASE WHEN is_delta OR v < before THEN v ELSE v - before END)%s FROM (SELECT %stimestamp, v, "
            "is_delta, lag(v) OVER (PARTITION BY series_id ORDER BY timestamp) AS before FROM (SELECT %stimestamp, "
            "series_id, coalesce(value, distribution_count::double precision) AS v, coalesce(aggregation_temporality = "
            "'delta', false) AS is_delta FROM otel_metrics WHERE %s AND %s) p) q WHERE timestamp >= '%s'%s LIMIT %d",
            names, is_rate ? arena_printf(arena, " / %" PRId64 ".0", (to_us - from_us) / 1000000) : "", names, labels,
            where, times(arena, from_us - (int64_t)METRIC_BEFORE_S * 1000000, to_us), from, places,
            MONITOR_ASK_ROWS_MAX));
        return true;
    }
    for (size_t l = 0; l < COUNT_OF(levels); l++) {
        if (!bytes_equal(aggregate, bytes_of_text(levels[l].aggregate))) continue;
        statement->sql = bytes_of_text(arena_printf(
            arena,
            "SELECT %s%s FROM (SELECT %sseries_id, %s AS v FROM otel_metrics WHERE %s AND %s GROUP BY %sseries_id) s%s "
            "LIMIT %d",
            names, levels[l].over_series, labels, levels[l].of_series, where, times(arena, from_us, to_us), names,
            places, MONITOR_ASK_ROWS_MAX));
        return true;
    }
    return err_set(err, ERR_INPUT, "of a metric a monitor takes rate, increase, avg, min, max, sum, last or count");
}

bool monitor_statement_make(struct arena *arena, const struct monitor_query *query, int64_t from_us, int64_t to_us,
                            struct monitor_statement *statement, struct err *err)
{
    *statement = (struct monitor_statement){ 0 };
    switch (query->source) {
    case MONITOR_SEARCH: return search_make(arena, query, from_us, to_us, statement, err);
    case MONITOR_SQL: return sql_make(arena, query, from_us, to_us, statement);
    case MONITOR_METRIC: return metric_make(arena, query, from_us, to_us, statement, err);
    }
    return err_set(err, ERR_INPUT, "what is asked is not known");
}

/* ---- rows ---- */

static bool number_of(enum query_type type, struct query_value value, double *number)
{
    switch (type) {
    case QUERY_TYPE_INT2:
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_INT8: *number = (double)value.integer; return true;
    case QUERY_TYPE_FLOAT4:
    case QUERY_TYPE_FLOAT8: *number = value.number; return true;
    case QUERY_TYPE_BOOL: *number = value.boolean; return true;
    case QUERY_TYPE_NUMERIC: {
        char copy[64];
        if (value.bytes.len >= sizeof copy) return false;
        memcpy(copy, value.bytes.ptr, value.bytes.len);
        copy[value.bytes.len] = '\0';
        *number = strtod(copy, NULL);
        return true;
    }
    default: return false;
    }
}

static struct bytes label_of(struct arena *arena, enum query_type type, struct query_value value)
{
    double number;
    if (value.is_null) return BYTES("(none)");
    if (type == QUERY_TYPE_TEXT) return arena_copy(arena, value.bytes);
    if (number_of(type, value, &number)) return bytes_of_text(arena_printf(arena, "%.15g", number));
    return BYTES("(not a text)");
}

static bool row_take(struct arena *arena, const struct query_column *columns, uint32_t labels, bool has_total,
                     const struct query_chunk *chunk, uint32_t at, struct monitor_row *row, struct err *err)
{
    struct query_value value = query_chunk_value(chunk, labels, at);
    for (uint32_t c = 0; c < labels; c++) {
        struct bytes label = label_of(arena, columns[c].type, query_chunk_value(chunk, c, at));
        row->group =
            c == 0 ? label
                   : bytes_of_text(arena_printf(arena, "%.*s" MONITOR_GROUP_JOINT "%.*s", (int)row->group.len,
                                                (const char *)row->group.ptr, (int)label.len, (const char *)label.ptr));
    }
    row->is_null = value.is_null;
    if (!value.is_null && !number_of(columns[labels].type, value, &row->value))
        return err_set(err, ERR_INPUT, "the last column is to be a number, and \"%s\" is none", columns[labels].name);
    if (!has_total) return true;
    struct query_value total = query_chunk_value(chunk, labels + 1, at);
    row->is_null = row->is_null || total.is_null;
    return total.is_null || number_of(columns[labels + 1].type, total, &row->total) ||
           err_set(err, ERR_INPUT, "the last two columns are to be numbers, and \"%s\" is none",
                   columns[labels + 1].name);
}

static bool rows_fetch(struct query_statement *prepared, struct query_cursor *cursor, bool has_total,
                       struct arena *arena, struct monitor_rows *rows, struct err *err)
{
    const struct query_column *columns;
    const struct query_chunk *chunk;
    uint32_t count = query_statement_columns(prepared, &columns), numbers = has_total ? 2 : 1;
    if (count < numbers || count > numbers + MONITOR_BY_MAX)
        return err_set(err, ERR_INPUT, "the answer is to have %s, and at most %d columns of the group before",
                       has_total ? "the bad ones and all of them" : "one number", MONITOR_BY_MAX);
    rows->rows = arena_calloc(arena, MONITOR_ASK_ROWS_MAX * sizeof *rows->rows);
    while (query_fetch(cursor, &chunk, err)) {
        if (chunk == NULL) return true;
        for (uint32_t r = 0; r < query_chunk_rows(chunk) && rows->count < MONITOR_ASK_ROWS_MAX; r++)
            if (!row_take(arena, columns, count - numbers, has_total, chunk, r, &rows->rows[rows->count++], err))
                return false;
    }
    return false;
}

bool monitor_ask(void *ctx, struct uuid project_id, const char *project_name, const struct monitor_query *query,
                 int64_t from_us, int64_t to_us, struct arena *arena, struct monitor_rows *rows, struct err *err)
{
    struct monitor_statement statement;
    struct query_session *session = NULL;
    struct query_statement *prepared = NULL;
    struct query_cursor *cursor = NULL;
    bool ok = monitor_statement_make(arena, query, from_us, to_us, &statement, err) &&
              sql_own_session(&session, ctx, project_id, project_name, "monitors", "a monitor only reads",
                              MONITOR_ASK_TIMEOUT_MS, err) &&
              query_prepare(session, statement.sql, statement.types, statement.count, &prepared, err) &&
              query_execute(prepared, statement.parameters, statement.count, &cursor, err) &&
              rows_fetch(prepared, cursor, query->has_total, arena, rows, err);
    if (cursor) query_cursor_close(cursor);
    if (prepared) query_statement_close(prepared);
    if (session) query_session_close(session);
    return ok;
}
