/* Times in SQL: time_bucket, date_bin, extract, date_part.
 *
 * DuckDB's own functions of a time with a zone go by way of a calendar (ICU), a hundred times the cost of a division. A time is
 * microseconds since 1970; what does not depend on a zone is reckoned in them. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/translate.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const int64_t DAY_US = 86400 * 1000000ll;
static const int64_t MONDAY_US = 946857600 * 1000000ll; /* 2000-01-03: buckets of no months begin there */

/* The width in microseconds when it is a constant without months; else 0. */
static int64_t width_us(const struct expr *width)
{
    int32_t months, days;
    int64_t micros;
    if (!width->literal || !interval_parse(bytes_of_text(width->literal), &months, &days, &micros) || months != 0)
        return 0;
    if (days < 0 || days > 1000000 || micros < 0 || micros > 1000000 * DAY_US) return 0;
    return days * DAY_US + micros;
}

/* The beginning of the bucket that holds at. */
static const char *bucket_sql(struct translate *ctx, const char *at, int64_t width, const char *origin)
{
    if (!origin)
        origin = arena_printf(ctx->arena, "CAST(%" PRId64 " AS BIGINT)", MONDAY_US);
    else
        origin = arena_printf(ctx->arena, "epoch_us(%s)", origin);
    return arena_printf(ctx->arena, "mono_bucket(%s, %s, CAST(%" PRId64 " AS BIGINT))", at, origin, width);
}

/* Timescale's: buckets of months start at 2000-01-01, others at Monday 2000-01-03, in UTC whatever the session's zone. */
static const char *bucket_plain(struct translate *ctx, const struct expr *width, const char *at, enum query_type type,
                                const char *origin)
{
    if (type == QUERY_TYPE_TIMESTAMPTZ) {
        if (width_us(width) > 0) return bucket_sql(ctx, at, width_us(width), origin);
        const char *from = origin ? arena_printf(ctx->arena, ", make_timestamp(epoch_us(%s))", origin) : "";
        return arena_printf(ctx->arena, "make_timestamptz(epoch_us(time_bucket(%s, make_timestamp(epoch_us(%s))%s)))",
                            width->sql, at, from);
    }
    return origin ? arena_printf(ctx->arena, "time_bucket(%s, %s, CAST(%s AS %s))", width->sql, at, origin,
                                 type_duckdb(type))
                  : arena_printf(ctx->arena, "time_bucket(%s, %s)", width->sql, at);
}

static bool is_absent(const struct expr *argument)
{
    return strcmp(argument->sql, "NULL") == 0 || strncmp(argument->sql, "CAST(NULL AS ", 13) == 0;
}

struct expr time_bucket_make(struct translate *ctx, const struct function *function, struct expr *arguments,
                             size_t count)
{
    enum query_type type = arguments[1].type;
    struct expr value = { .type = type, .is_free = true };
    const char *width = arguments[0].sql, *zone = NULL, *origin = NULL, *offset = NULL;
    for (size_t i = 0; i < count; i++) value.is_free = value.is_free && arguments[i].is_free;
    if (arguments[0].type != QUERY_TYPE_INTERVAL) {
        if (!type_is_integer(arguments[0].type) || !type_is_integer(type))
            return fail_at(ctx, -1, ERR_NO_FUNCTION, "%s() takes an interval such as '5 minutes' first",
                           function->name);
        value.sql = arena_printf(ctx->arena, "(%s - ((%s %% %s) + %s) %% %s)", arguments[1].sql, arguments[1].sql,
                                 width, width, width);
        return value;
    }
    if (type != QUERY_TYPE_TIMESTAMPTZ && type != QUERY_TYPE_TIMESTAMP && type != QUERY_TYPE_DATE)
        return fail_at(ctx, -1, ERR_NO_FUNCTION, "%s() takes a time as argument 2, not %s", function->name,
                       type_name(type));
    if (count > 2 && !is_absent(&arguments[2])) { /* a zone, an origin or an offset: by its type, or by how it begins */
        struct expr *third = &arguments[2];
        const char *text = third->is_untyped ? third->literal : NULL;
        int32_t months, days;
        int64_t micros;
        bool is_date = text && text[0] >= '0' && text[0] <= '9' && strspn(text, "0123456789") == 4 && text[4] == '-';
        bool is_interval = text && !is_date && interval_parse(bytes_of_text(text), &months, &days, &micros);
        if (third->type == QUERY_TYPE_INTERVAL || is_interval)
            offset = is_interval ? interval_sql(ctx, bytes_of_text(text)) : third->sql;
        else if (third->type >= QUERY_TYPE_DATE && third->type <= QUERY_TYPE_TIMESTAMPTZ)
            origin = third->sql;
        else if (is_date)
            origin = expr_cast(ctx, *third, type).sql;
        else
            zone = expr_cast(ctx, *third, QUERY_TYPE_TEXT).sql;
    }
    if (count > 3 && !is_absent(&arguments[3])) origin = arguments[3].sql;
    if (count > 4 && !is_absent(&arguments[4])) offset = arguments[4].sql;
    bool is_local = zone && type == QUERY_TYPE_TIMESTAMPTZ;
    const char *at = arguments[1].sql;
    if (is_local) {
        at = arena_printf(ctx->arena, "timezone(%s, %s)", zone, at);
        if (origin) origin = arena_printf(ctx->arena, "timezone(%s, CAST(%s AS TIMESTAMPTZ))", zone, origin);
    }
    enum query_type at_type = is_local ? QUERY_TYPE_TIMESTAMP : type;
    if (offset) at = arena_printf(ctx->arena, "CAST(%s - %s AS %s)", at, offset, type_duckdb(at_type));
    value.sql = bucket_plain(ctx, &arguments[0], at, at_type, origin);
    if (offset) value.sql = arena_printf(ctx->arena, "CAST(%s + %s AS %s)", value.sql, offset, type_duckdb(at_type));
    if (is_local) value.sql = arena_printf(ctx->arena, "timezone(%s, %s)", zone, value.sql);
    return value;
}

struct expr interval_function_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value;
    const char *parts[7];
    for (size_t i = 0; i < 7; i++)
        parts[i] = i < called->count ? arena_printf(ctx->arena, "coalesce(%s, 0)", called->arguments[i].sql) : "0";
    value.sql = arena_printf(ctx->arena,
                             "(to_months(CAST(%s * 12 + %s AS INTEGER)) + to_days(CAST(%s * 7 + %s AS INTEGER)) + "
                             "to_microseconds(CAST((%s * 3600 + %s * 60 + CAST(%s AS DOUBLE)) * 1000000 AS BIGINT)))",
                             parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]);
    return value;
}

static const char *const date_fields[] = {
    "microseconds", "milliseconds", "second",  "minute", "hour",     "day",           "week",
    "month",        "quarter",      "year",    "decade", "century",  "millennium",    "dow",
    "isodow",       "doy",          "isoyear", "epoch",  "timezone", "timezone_hour", "timezone_minute"
};

struct expr date_field_make(struct translate *ctx, const struct function *function, struct expr *arguments,
                            int location)
{
    const char *field = arguments[0].literal;
    bool is_known = false;
    if (!field)
        return fail_at(ctx, location, ERR_UNSUPPORTED, "%s() needs the name of the field as a constant",
                       function->name);
    if (strcmp(field, "seconds") == 0) field = "second";
    for (size_t i = 0; i < COUNT_OF(date_fields); i++) is_known = is_known || strcasecmp(date_fields[i], field) == 0;
    if (!is_known) return fail_at(ctx, location, ERR_INPUT, "unit \"%.40s\" is not known", field);
    enum query_type type = arguments[1].type;
    if (type != QUERY_TYPE_UNKNOWN && (type < QUERY_TYPE_DATE || type > QUERY_TYPE_INTERVAL))
        return fail_at(ctx, location, ERR_NO_FUNCTION, "%s() takes a time as argument 2, not %s", function->name,
                       type_name(type));
    struct expr value = { .type = QUERY_TYPE_FLOAT8, .is_free = arguments[1].is_free };
    if (strcasecmp(field, "epoch") == 0 && type == QUERY_TYPE_TIMESTAMPTZ) {
        value.micros = arena_printf(ctx->arena, "epoch_us(%s)", arguments[1].sql);
        value.sql = arena_printf(ctx->arena, "(%s / 1000000.0::DOUBLE)", value.micros);
    } else if (strcasecmp(field, "second") == 0)
        value.sql = arena_printf(ctx->arena, "(date_part('microseconds', %s) / 1000000.0::DOUBLE)", arguments[1].sql);
    else
        value.sql = arena_printf(ctx->arena, "CAST(date_part(%s, %s) AS DOUBLE)", quote_text(ctx, bytes_of_text(field)),
                                 arguments[1].sql);
    return value;
}
