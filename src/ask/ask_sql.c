/* A plan as SQL: what comes from a question, a client or a model is a parameter; the text is ours, but for plain keys of attributes. */
#include "ask/ask_inside.h"
#include <stdio.h>
#include <stdlib.h>

enum { SQL_BYTES_MAX = 64 << 10 };

#define ASK_SQL(name, text, sql) [ASK_FIELD_##name] = sql,
static const char *const field_sql[ASK_FIELDS] = { ASK_FIELD_LIST(ASK_SQL) };
#undef ASK_SQL
static const char *const of_sql[ASK_OFS] = {
    [ASK_REQUESTS] = "kind IN ('server', 'consumer')",
    [ASK_ERRORS] = "((kind = 'log' AND level IN ('ERROR', 'FATAL')) OR (kind <> 'log' AND status_code = 'ERROR'))",
    [ASK_LOGS] = "kind = 'log'",
    [ASK_SPANS] = "kind <> 'log'",
    [ASK_QUERIES] = "kind <> 'log' AND attributes___db___system___name IS NOT NULL",
};
static const char *const intervals[ASK_STEPS] = { "",       "1 minute", "5 minutes", "10 minutes", "30 minutes",
                                                  "1 hour", "3 hours",  "6 hours",   "1 day",      "7 days" };
static const char row_columns[] =
    "timestamp, id, kind, level, resource___service___name AS service, name, body, status_code AS status, "
    "status_message, "
    "duration AS duration_ns, context___trace_id AS trace_id, context___span_id AS span_id, parent_id";

struct writer {
    struct arena *arena;
    const struct ask_plan *plan;
    const struct zone *zone;
    struct ask_sql *out;
    struct buf sql;
    uint32_t from, to, before_from, before_to; /* numbers of the parameters */
};

static void put(struct writer *writer, const char *text)
{
    if (!buf_add(&writer->sql, text, strlen(text))) abort(); /* bounded by the bounds of a plan */
}

static uint32_t parameter(struct writer *writer, struct bytes value)
{
    assert(writer->out->parameter_count < ASK_PARAMETERS_MAX);
    writer->out->parameters[writer->out->parameter_count++] = value;
    return writer->out->parameter_count;
}

static void put_parameter(struct writer *writer, struct bytes value)
{
    if (!buf_printf(&writer->sql, "$%u", parameter(writer, value))) abort();
}

static uint32_t time_parameter(struct writer *writer, int64_t unix_us)
{
    struct zone_time at = zone_local(NULL, unix_us / 1000000);
    return parameter(writer,
                     bytes_of_text(arena_printf(writer->arena, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", at.year, at.month,
                                                at.day, at.hour, at.minute, at.second, (int)(unix_us % 1000000))));
}

static void put_field(struct writer *writer, const struct ask_field *field)
{
    if (field->id < ASK_FIELD_ATTRIBUTE) {
        put(writer, field_sql[field->id]);
        return;
    }
    assert(ask_key_is_plain(field->key));
    if (!buf_printf(&writer->sql, "%s->>'%.*s'", field->id == ASK_FIELD_ATTRIBUTE ? "attributes" : "resource",
                    (int)field->key.len, (const char *)field->key.ptr))
        abort();
}

/* A number to reckon with; texts that are none are NULL. */
static void put_number(struct writer *writer, const struct ask_field *field)
{
    if (field->id == ASK_FIELD_DURATION) {
        put(writer, "duration");
        return;
    }
    put(writer, "CASE WHEN ");
    put_field(writer, field);
    put(writer, " ~ '^-?[0-9]{1,15}([.][0-9]{1,15})?$' THEN CAST(");
    put_field(writer, field);
    put(writer, " AS double precision) END");
}

/* ---- conditions ---- */

static struct bytes like_pattern(struct arena *arena, struct bytes value)
{
    uint8_t *pattern = arena_alloc(arena, 2 * value.len + 2);
    size_t len = 0;
    pattern[len++] = '%';
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '%' || value.ptr[i] == '_' || value.ptr[i] == '\\') pattern[len++] = '\\';
        pattern[len++] = value.ptr[i];
    }
    pattern[len++] = '%';
    return bytes_from(pattern, len);
}

static void put_ordered(struct writer *writer, const struct ask_filter *filter)
{
    static const char *const signs[ASK_TESTS] = {
        [ASK_AT_LEAST] = " >= ", [ASK_MORE] = " > ", [ASK_AT_MOST] = " <= ", [ASK_LESS] = " < "
    };
    bool is_whole = filter->field.id == ASK_FIELD_DURATION || filter->field.id == ASK_FIELD_STATUS;
    if (is_whole) {
        put_field(writer, &filter->field); /* a status compares with a number as one */
    } else {
        put_number(writer, &filter->field);
    }
    put(writer, signs[filter->test]);
    put(writer, "CAST(");
    put_parameter(writer, filter->values[0]);
    put(writer, is_whole ? " AS bigint)" : " AS double precision)");
}

static void put_list(struct writer *writer, const struct ask_filter *filter)
{
    if (filter->value_count == 1) {
        put(writer, " = ");
        put_parameter(writer, filter->values[0]);
        return;
    }
    for (uint32_t v = 0; v < filter->value_count; v++) {
        put(writer, v == 0 ? " IN (" : ", ");
        put_parameter(writer, filter->values[v]);
    }
    put(writer, ")");
}

/* The message of logs is their body: asked for as such it can be looked up. */
static void put_place(struct writer *writer, enum ask_of of, const struct ask_field *field)
{
    if (field->id == ASK_FIELD_MESSAGE && of == ASK_LOGS) {
        put(writer, "(body #>> '{}')");
    } else if (field->id == ASK_FIELD_MESSAGE && (of == ASK_REQUESTS || of == ASK_SPANS || of == ASK_QUERIES)) {
        put(writer, "status_message");
    } else {
        put(writer, "(");
        put_field(writer, field);
        put(writer, ")");
    }
}

static void put_filter(struct writer *writer, enum ask_of of, const struct ask_filter *filter)
{
    switch (filter->test) {
    case ASK_HAS:
        put_place(writer, of, &filter->field);
        put(writer, " IS NOT NULL");
        return;
    case ASK_CONTAINS:
        put_place(writer, of, &filter->field);
        put(writer, " ILIKE ");
        put_parameter(writer, like_pattern(writer->arena, filter->values[0]));
        return;
    case ASK_IS_NOT:
        put(writer, "((");
        put_place(writer, of, &filter->field);
        put_list(writer, filter);
        put(writer, ") IS NOT TRUE)");
        return;
    case ASK_IS:
        if (filter->field.id == ASK_FIELD_DURATION) {
            put(writer, "duration::text");
        } else {
            put_place(writer, of, &filter->field);
        }
        put_list(writer, filter);
        return;
    default: put_ordered(writer, filter);
    }
}

static void put_rows(struct writer *writer, enum ask_of of, const struct ask_filter *filters, uint32_t count)
{
    bool is_first = of_sql[of] == NULL;
    if (!is_first) put(writer, of_sql[of]);
    for (uint32_t f = 0; f < count; f++) {
        if (!is_first) put(writer, " AND ");
        put_filter(writer, of, &filters[f]);
        is_first = false;
    }
    if (is_first) put(writer, "true");
}

static void put_range(struct writer *writer, uint32_t from, uint32_t to)
{
    if (!buf_printf(&writer->sql, "timestamp >= $%u AND timestamp < $%u", from, to)) abort();
}

static void put_where(struct writer *writer)
{
    const struct ask_plan *plan = writer->plan;
    put(writer, " FROM otel_logs_and_spans WHERE ");
    if (plan->has_before) { /* one range for the files, and in it the two */
        put_range(writer, writer->before_from, writer->to);
        put(writer, " AND (");
        put_range(writer, writer->from, writer->to);
        put(writer, " OR ");
        put_range(writer, writer->before_from, writer->before_to);
        put(writer, ")");
    } else {
        put_range(writer, writer->from, writer->to);
    }
    put(writer, " AND ");
    put_rows(writer, plan->of, plan->filters, plan->filter_count);
}

/* ---- measures ---- */

static void put_filtered(struct writer *writer, bool is_before, const char *more)
{
    const struct ask_plan *plan = writer->plan;
    if (!plan->has_before && more == NULL) return;
    put(writer, " FILTER (WHERE ");
    if (more != NULL) put(writer, more);
    if (more != NULL && plan->has_before) put(writer, " AND ");
    if (plan->has_before)
        put_range(writer, is_before ? writer->before_from : writer->from, is_before ? writer->before_to : writer->to);
    put(writer, ")");
}

static void put_quantile(struct writer *writer, const struct ask_measure *measure, bool is_before)
{
    char quantile[16];
    snprintf(quantile, sizeof quantile, "0.%03u", measure->per_mille);
    if (writer->plan->has_before) { /* with a FILTER of its own */
        if (!buf_printf(&writer->sql, "percentile_cont(%s) WITHIN GROUP (ORDER BY ", quantile)) abort();
        put_number(writer, &measure->field);
        put(writer, ")");
        put_filtered(writer, is_before, NULL);
    } else {
        if (!buf_printf(&writer->sql, "approx_percentile(%s, percentile_agg(", quantile)) abort();
        put_number(writer, &measure->field);
        put(writer, "))");
    }
}

static void put_measure(struct writer *writer, const struct ask_measure *measure, bool is_before)
{
    static const char *const functions[ASK_MEASURES] = {
        [ASK_AVERAGE] = "avg", [ASK_MINIMUM] = "min", [ASK_MAXIMUM] = "max", [ASK_SUM] = "sum"
    };
    char name[32] = "count";
    bool is_duration = false;
    if (measure->kind == ASK_COUNT) {
        put(writer, "count(*)");
        put_filtered(writer, is_before, NULL);
    } else if (measure->kind == ASK_ERROR_RATE) {
        put(writer, "100.0 * count(*)");
        put_filtered(writer, is_before, "status_code = 'ERROR'");
        put(writer, " / nullif(count(*)");
        put_filtered(writer, is_before, NULL);
        put(writer, ", 0)");
        snprintf(name, sizeof name, "error_rate_percent");
    } else if (measure->kind == ASK_DISTINCT) {
        put(writer, "count(DISTINCT ");
        put_field(writer, &measure->field);
        put(writer, ")");
        put_filtered(writer, is_before, NULL);
        snprintf(name, sizeof name, "distinct_%s", ask_field_names[measure->field.id]);
    } else {
        is_duration = measure->field.id == ASK_FIELD_DURATION;
        if (measure->kind == ASK_PERCENTILE) {
            put_quantile(writer, measure, is_before);
            snprintf(name, sizeof name, measure->per_mille % 10 ? "p%u_%u" : "p%u", measure->per_mille / 10,
                     measure->per_mille % 10);
        } else {
            put(writer, functions[measure->kind]);
            put(writer, "(");
            put_number(writer, &measure->field);
            put(writer, ")");
            put_filtered(writer, is_before, NULL);
            snprintf(name, sizeof name, "%s", functions[measure->kind]);
        }
        if (is_duration) put(writer, " / 1e6");
    }
    if (!buf_printf(&writer->sql, " AS %s%s%s", name, is_duration ? "_ms" : "", is_before ? "_before" : "")) abort();
}

static void put_measures(struct writer *writer)
{
    for (uint32_t m = 0; m < writer->plan->measure_count; m++) {
        if (m > 0) put(writer, ", ");
        put_measure(writer, &writer->plan->measures[m], false);
        if (!writer->plan->has_before) continue;
        put(writer, ", ");
        put_measure(writer, &writer->plan->measures[m], true);
    }
}

/* ---- shapes ---- */

static void put_group(struct writer *writer, const struct ask_field *field)
{
    put_place(writer, writer->plan->of, field);
    bool has_key = field->id >= ASK_FIELD_ATTRIBUTE;
    if (!buf_printf(&writer->sql, " AS \"%.*s\"",
                    has_key ? (int)field->key.len : (int)strlen(ask_field_names[field->id]),
                    has_key ? (const char *)field->key.ptr : ask_field_names[field->id]))
        abort();
}

/* The row's time, moved behind the begin of the range where it is of the time before. */
static void put_moved(struct writer *writer)
{
    const struct ask_plan *plan = writer->plan;
    if (!plan->has_before) {
        put(writer, "timestamp");
        return;
    }
    char text[48];
    snprintf(text, sizeof text, "%lld seconds", (long long)((plan->from_us - plan->before_from_us) / 1000000));
    if (!buf_printf(&writer->sql,
                    "(timestamp + CASE WHEN timestamp < $%u THEN CAST($%u AS interval) ELSE interval '0 hours' END)",
                    writer->from, parameter(writer, arena_copy(writer->arena, bytes_of_text(text)))))
        abort();
}

/* Steps begin at the zone's midnights, days and weeks as its calendar has them. */
static void put_bucket(struct writer *writer)
{
    const struct ask_plan *plan = writer->plan;
    int64_t from_s = plan->from_us / 1000000, step_s = ask_step_seconds[plan->step];
    bool is_calendar = plan->step >= ASK_STEP_1D && !zone_is_fixed(writer->zone);
    if (is_calendar) {
        uint32_t zone = parameter(writer, plan->zone);
        put(writer, plan->step == ASK_STEP_1D ? "date_trunc('day', " : "date_trunc('week', ");
        put_moved(writer);
        if (!buf_printf(&writer->sql, " AT TIME ZONE $%u) AT TIME ZONE $%u AS time", zone, zone)) abort();
        return;
    }
    if (!buf_printf(&writer->sql, "time_bucket('%s', ", intervals[plan->step])) abort();
    put_moved(writer);
    struct zone_time at = zone_local(writer->zone, from_s);
    int64_t day = zone_day_number(at.year, at.month, at.day);
    if (plan->step == ASK_STEP_1W) day -= zone_weekday(day);
    int64_t midnight_s =
        zone_instant(writer->zone, (struct zone_time){ .year = 1970, .month = 1, .day = (int)day + 1 });
    if (plan->step == ASK_STEP_1W || midnight_s % step_s != 0) {
        if (!buf_printf(&writer->sql, ", CAST($%u AS timestamptz)", time_parameter(writer, midnight_s * 1000000)))
            abort();
    }
    put(writer, ") AS time");
}

static void put_ordinals(struct writer *writer, const char *before, uint32_t count)
{
    for (uint32_t c = 1; c <= count; c++)
        if (!buf_printf(&writer->sql, "%s%u", c == 1 ? before : ", ", c)) abort();
}

static void put_groups(struct writer *writer)
{
    for (uint32_t g = 0; g < writer->plan->group_count; g++) {
        put_group(writer, &writer->plan->groups[g]);
        put(writer, ", ");
    }
}

/* Behind GROUP BY: the field is then read of the rows that count alone, and not of all (attributes are JSON). */
static void put_having(struct writer *writer)
{
    const struct ask_plan *plan = writer->plan;
    for (uint32_t g = 0; plan->groups_are_there && g < plan->group_count; g++) {
        put(writer, g == 0 ? " HAVING " : " AND ");
        put_place(writer, plan->of, &plan->groups[g]);
        put(writer, " IS NOT NULL");
    }
}

static void chart_put(struct writer *writer)
{
    put_bucket(writer);
    put(writer, ", ");
    put_groups(writer);
    put_measures(writer);
    put_where(writer);
    put_ordinals(writer, " GROUP BY ", writer->plan->group_count + 1);
    put_having(writer);
    put_ordinals(writer, " ORDER BY ", writer->plan->group_count + 1);
}

static void table_put(struct writer *writer)
{
    const struct ask_plan *plan = writer->plan;
    put_groups(writer);
    put_measures(writer);
    put_where(writer);
    put_ordinals(writer, " GROUP BY ", plan->group_count);
    put_having(writer);
    if (plan->group_count == 0) return;
    if (!buf_printf(&writer->sql, " ORDER BY %u %s NULLS LAST", plan->group_count + 1,
                    plan->order == ASK_SMALLEST ? "ASC" : "DESC"))
        abort();
    put_ordinals(writer, ", ", plan->group_count);
    if (!buf_printf(&writer->sql, " LIMIT %u", plan->limit)) abort();
}

static void put_order_of_rows(struct writer *writer)
{
    static const char *const orders[ASK_ORDERS] = { [ASK_NEWEST] = "timestamp DESC, id DESC",
                                                    [ASK_OLDEST] = "timestamp, id",
                                                    [ASK_LARGEST] = "duration DESC NULLS LAST, timestamp DESC, id DESC",
                                                    [ASK_SMALLEST] = "duration NULLS LAST, timestamp DESC, id DESC" };
    if (!buf_printf(&writer->sql, " ORDER BY %s LIMIT %u", orders[writer->plan->order], writer->plan->limit)) abort();
}

static void rows_put(struct writer *writer)
{
    put(writer, row_columns);
    put_where(writer);
    put_order_of_rows(writer);
}

/* Traces whose rows in the time have one of each part. */
static void traces_put(struct writer *writer)
{
    const struct ask_plan *plan = writer->plan;
    if (plan->part_count == 0) {
        put(writer, "context___trace_id AS trace_id, timestamp, resource___service___name AS service, name, "
                    "status_code AS status, duration AS duration_ns");
        put_where(writer);
        put(writer, " AND kind <> 'log' AND parent_id IS NULL AND context___trace_id IS NOT NULL");
        put_order_of_rows(writer);
        return;
    }
    put(writer, "context___trace_id AS trace_id, min(timestamp) AS timestamp, max(duration) AS duration_ns, count(*) "
                "AS matches FROM otel_logs_and_spans WHERE ");
    put_range(writer, writer->from, writer->to);
    put(writer, " AND context___trace_id IS NOT NULL AND (");
    for (uint32_t p = 0; p < plan->part_count; p++) {
        put(writer, p == 0 ? "(" : " OR (");
        put_rows(writer, plan->parts[p].of, plan->parts[p].filters, plan->parts[p].filter_count);
        put(writer, ")");
    }
    put(writer, ") GROUP BY 1");
    for (uint32_t p = 0; plan->part_count > 1 && p < plan->part_count; p++) {
        put(writer, p == 0 ? " HAVING count(*) FILTER (WHERE " : " AND count(*) FILTER (WHERE ");
        put_rows(writer, plan->parts[p].of, plan->parts[p].filters, plan->parts[p].filter_count);
        put(writer, ") > 0");
    }
    static const char *const orders[ASK_ORDERS] = { "2 DESC", "2", "3 DESC NULLS LAST", "3 NULLS LAST" };
    if (!buf_printf(&writer->sql, " ORDER BY %s, 1 LIMIT %u", orders[plan->order], plan->limit)) abort();
}

bool ask_sql(struct arena *arena, const struct ask_plan *plan, const struct zone *zone, struct ask_sql *sql,
             struct err *err)
{
    struct writer writer = { .arena = arena, .plan = plan, .zone = zone, .out = sql };
    *sql = (struct ask_sql){ 0 };
    if (!ask_plan_check(plan, err)) return false;
    buf_init(&writer.sql, SQL_BYTES_MAX);
    writer.from = time_parameter(&writer, plan->from_us);
    writer.to = time_parameter(&writer, plan->to_us);
    if (plan->has_before) {
        writer.before_from = time_parameter(&writer, plan->before_from_us);
        writer.before_to = time_parameter(&writer, plan->before_to_us);
    }
    put(&writer, "SELECT ");
    switch (plan->display) {
    case ASK_SHOW_CHART: chart_put(&writer); break;
    case ASK_SHOW_ROWS: rows_put(&writer); break;
    case ASK_SHOW_WATERFALL: traces_put(&writer); break;
    default: table_put(&writer);
    }
    sql->sql = arena_copy(arena, buf_bytes(&writer.sql));
    buf_deinit(&writer.sql);
    return true;
}
