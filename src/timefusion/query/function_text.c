/* Functions of text: by patterns, regular expressions, and joined. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/number_pattern.h"
#include "timefusion/query/translate.h"
#include <math.h>
#include <stdlib.h>

#define REGEXP_GROUPS_MAX 20
#define PATTERN_BYTES_MAX 4096

/* As concat() and format() show it: true is t. */
static const char *shown(struct translate *ctx, struct expr value)
{
    if (value.type == QUERY_TYPE_BOOL)
        return arena_printf(ctx->arena, "(CASE WHEN %s THEN 't' WHEN NOT %s THEN 'f' END)", value.sql, value.sql);
    return expr_cast(ctx, value, QUERY_TYPE_TEXT).sql;
}

static struct expr to_char_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    const char *pattern = arguments[1].sql, *sql = arguments[0].sql;
    switch (arguments[0].type) {
    case QUERY_TYPE_TIMESTAMPTZ:
        value.sql = arena_printf(ctx->arena,
                                 "mono_to_char_zoned(CAST(%s AS TIMESTAMP), %s, epoch_us(CAST(%s AS TIMESTAMP)) - "
                                 "epoch_us(%s))",
                                 sql, pattern, sql, sql);
        return value;
    case QUERY_TYPE_TIMESTAMP:
    case QUERY_TYPE_DATE:
        value.sql = arena_printf(ctx->arena, "mono_to_char_time(CAST(%s AS TIMESTAMP), %s)", sql, pattern);
        return value;
    case QUERY_TYPE_INTERVAL:
        value.sql = arena_printf(ctx->arena, "mono_to_char_interval(%s, %s)", sql, pattern);
        return value;
    default:
        if (!type_is_number(arguments[0].type) && arguments[0].type != QUERY_TYPE_UNKNOWN)
            return fail_at(ctx, called->call->location, ERR_NO_FUNCTION, "to_char() takes numbers and times, not %s",
                           type_name(arguments[0].type));
        value.sql = arena_printf(ctx->arena, "mono_to_char_number(CAST(%s AS VARCHAR), %s)", sql, pattern);
        return value;
    }
}

/* Seconds that are written as a number, of our centuries, as PostgreSQL reckons them. */
static bool seconds_read(const struct expr *argument, int64_t *unix_us)
{
    const double epoch_s = 946684800, end_s = 7258118400; /* 2000, 2200 */
    const char *text = argument->literal;
    if (!text || !type_is_number(argument->type) || text[strspn(text, "0123456789.")] != '\0') return false;
    double seconds = strtod(text, NULL);
    if (!(seconds < end_s)) return false;
    *unix_us = (int64_t)rint((seconds - epoch_s) * 1e6) + (int64_t)epoch_s * 1000000;
    return true;
}

static struct expr to_time_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    bool is_date = value.type == QUERY_TYPE_DATE;
    int64_t unix_us;
    if (called->count == 1 && seconds_read(&arguments[0], &unix_us)) {
        value.sql = arena_printf(ctx->arena, LITERAL_TIME, unix_us);
        return value;
    }
    if (called->count == 1) {
        value.sql = arena_printf(ctx->arena, "to_timestamp(CAST(%s AS DOUBLE))", arguments[0].sql);
        return value;
    }
    if (arguments[0].type != QUERY_TYPE_TEXT)
        return fail_at(ctx, called->call->location, ERR_NO_FUNCTION, "%s() takes text, not %s", called->function->name,
                       type_word(&arguments[0]));
    value.sql = arena_printf(ctx->arena, "CAST(mono_to_time(%s, %s) AS %s)", arguments[0].sql, arguments[1].sql,
                             is_date ? "DATE" : "TIMESTAMPTZ");
    return value;
}

static struct expr to_number_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value;
    if (!called->arguments[1].literal)
        return fail_at(ctx, called->call->location, ERR_UNSUPPORTED, "to_number() needs its pattern as a constant");
    uint32_t scale = number_pattern_scale(bytes_of_text(called->arguments[1].literal));
    value.type = QUERY_TYPE_NUMERIC;
    value.sql = arena_printf(ctx->arena, "CAST(mono_to_number(%s, %s) AS DECIMAL(38,%u))", called->arguments[0].sql,
                             called->arguments[1].sql, scale < 20 ? scale : 20);
    return value;
}

static struct expr pad_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    const char *name = called->function->name, *fill = called->count == 3 ? arguments[2].sql : "' '";
    const char *text = arguments[0].sql, *len = arguments[1].sql;
    value.sql =
        arena_printf(ctx->arena,
                     "(CASE WHEN %s = '' THEN left(%s, greatest(%s, 0)) ELSE %s(%s, CASE WHEN %s > 10000 THEN "
                     "CAST(error('%s() makes texts of at most 10000 characters') AS INTEGER) ELSE greatest(%s, 0) "
                     "END, %s) END)",
                     fill, text, len, name, text, len, name, len, fill);
    return value;
}

static struct expr format_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value;
    const char *list = "";
    for (size_t i = 1; i < called->count; i++)
        list = arena_printf(ctx->arena, "%s%s%s", list, i > 1 ? ", " : "", shown(ctx, called->arguments[i]));
    value.sql = arena_printf(ctx->arena, "mono_format(%s, CAST([%s] AS VARCHAR[]))", called->arguments[0].sql, list);
    return value;
}

static struct expr concat_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value;
    bool has_separator = called->function->name[6] == '_';
    struct text text;
    text_init(&text, ctx);
    text_put(&text, has_separator ? "concat_ws(" : "concat(");
    for (size_t i = 0; i < called->count; i++) {
        if (i > 0) text_put(&text, ", ");
        text_put(&text, has_separator && i == 0 ? called->arguments[i].sql : shown(ctx, called->arguments[i]));
    }
    text_put(&text, ")");
    value.sql = text_end(&text);
    return value;
}

static struct expr array_to_string_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    enum query_type type = type_is_list(arguments[0].type) ? type_element(arguments[0].type) : QUERY_TYPE_UNKNOWN;
    const char *element =
        shown(ctx, (struct expr){ .sql = "e", .type = type, .is_untyped = type == QUERY_TYPE_UNKNOWN });
    if (called->count == 3) element = arena_printf(ctx->arena, "coalesce(%s, %s)", element, arguments[2].sql);
    value.sql = arena_printf(ctx->arena,
                             "(CASE WHEN %s IS NOT NULL THEN coalesce(list_aggregate(list_transform(%s, lambda e: %s), "
                             "'string_agg', %s), '') END)",
                             arguments[0].sql, arguments[0].sql, element, arguments[1].sql);
    return value;
}

/* Groups that a pattern takes out. */
static uint32_t groups_of(const char *pattern)
{
    uint32_t count = 0;
    bool in_class = false;
    for (const char *at = pattern; *at; at++) {
        if (*at == '\\') {
            if (at[1]) at++;
        } else if (in_class) {
            in_class = *at != ']';
        } else if (*at == '[') {
            in_class = true;
            if (at[1] == '^') at++;
            if (at[1] == ']') at++;
        } else {
            count += *at == '(' && at[1] != '?';
        }
    }
    return count;
}

/* The pattern with its flags in front; *is_global: flag g. NULL: failed. */
static const char *pattern_of(struct translate *ctx, const struct expr *arguments, size_t count, int location,
                              bool *is_global, uint32_t *groups)
{
    *is_global = false;
    if (!arguments[1].literal || (count > 2 && !arguments[2].literal))
        return fail_at(ctx, location, ERR_UNSUPPORTED,
                       "the pattern and the flags must be constants here; regexp_substr() takes any pattern")
            .sql;
    bool ignores_case = false;
    for (const char *flag = count > 2 ? arguments[2].literal : ""; *flag; flag++) {
        *is_global = *is_global || *flag == 'g';
        ignores_case = ignores_case || *flag == 'i';
        if (*flag != 'g' && *flag != 'i' && *flag != 'c')
            return fail_at(ctx, location, ERR_UNSUPPORTED, "of the flags of a regular expression there are g, i and c")
                .sql;
    }
    *groups = groups_of(arguments[1].literal);
    if (*groups > REGEXP_GROUPS_MAX)
        return fail_at(ctx, location, ERR_TOO_LARGE, "more than %d groups in a regular expression", REGEXP_GROUPS_MAX)
            .sql;
    return quote_text(ctx, bytes_of_text(
                               arena_printf(ctx->arena, "%s%s", ignores_case ? "(?i)" : "", arguments[1].literal)));
}

static struct expr regexp_match_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value;
    bool is_global;
    uint32_t groups;
    const char *pattern =
        pattern_of(ctx, called->arguments, called->count, called->call->location, &is_global, &groups);
    if (!pattern) return (struct expr){ 0 };
    if (is_global)
        return fail_at(ctx, called->call->location, ERR_INPUT,
                       "regexp_match() does not support the \"global\" option; use regexp_matches()");
    const char *list = "", *text = called->arguments[0].sql;
    for (uint32_t g = groups > 0; g <= groups; g++)
        list = arena_printf(ctx->arena, "%s%sregexp_extract(%s, %s, %u)", list, list[0] ? ", " : "", text, pattern, g);
    value.sql = arena_printf(ctx->arena, "(CASE WHEN regexp_matches(%s, %s) THEN [%s] END)", text, pattern, list);
    return value;
}

const char *regexp_matches_list(struct translate *ctx, const struct expr *arguments, size_t count, int location)
{
    bool is_global;
    uint32_t groups;
    const char *pattern = pattern_of(ctx, arguments, count, location, &is_global, &groups);
    if (!pattern) return NULL;
    const char *list = "", *text = arguments[0].sql;
    for (uint32_t g = groups > 0; g <= groups; g++)
        list = arena_printf(ctx->arena, "%s%slist_extract(regexp_extract_all(%s, %s, %u), i)", list,
                            list[0] ? ", " : "", text, pattern, g);
    const char *all =
        arena_printf(ctx->arena, "list_transform(range(1, len(regexp_extract_all(%s, %s)) + 1), lambda i: [%s])", text,
                     pattern, list);
    return is_global ? all : arena_printf(ctx->arena, "list_slice(%s, 1, 1)", all);
}

static struct expr substring_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    if (arguments[1].type == QUERY_TYPE_TEXT) { /* substring(x from pattern): its first group, or all of it */
        if (called->count == 3)
            return fail_at(ctx, called->call->location, ERR_UNSUPPORTED,
                           "substring(x from pattern for escape) is not supported; use substring(x from pattern)");
        if (!arguments[1].literal)
            return fail_at(ctx, called->call->location, ERR_UNSUPPORTED,
                           "the pattern of substring() must be a constant; regexp_substr() takes any");
        value.sql = arena_printf(ctx->arena, "(CASE WHEN regexp_matches(%s, %s) THEN regexp_extract(%s, %s, %d) END)",
                                 arguments[0].sql, arguments[1].sql, arguments[0].sql, arguments[1].sql,
                                 groups_of(arguments[1].literal) > 0 ? 1 : 0);
        return value;
    }
    /* A start before the text takes from the length, as in SQL; DuckDB would count from the end. */
    if (called->count == 2)
        value.sql = arena_printf(ctx->arena, "substring(%s, greatest(%s, 1))", arguments[0].sql, arguments[1].sql);
    else
        value.sql = arena_printf(ctx->arena, "substring(%s, greatest(%s, 1), greatest(%s + least(%s, 1) - 1, 0))",
                                 arguments[0].sql, arguments[1].sql, arguments[2].sql, arguments[1].sql);
    return value;
}

const char *similar_regexp(struct translate *ctx, const char *pattern, char escape)
{
    char regexp[PATTERN_BYTES_MAX], *to = regexp;
    if (strlen(pattern) > sizeof regexp / 4 - 20)
        return fail_at(ctx, -1, ERR_TOO_LARGE, "the pattern of SIMILAR TO is too long").sql;
    bool in_class = false;
    to = stpcpy(to, "(?s)^(?:");
    for (const char *at = pattern; *at; at++) {
        if (escape && *at == escape && at[1]) {
            at++;
            if ((unsigned char)*at < 0x80 && !((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') &&
                !(*at >= '0' && *at <= '9'))
                *to++ = '\\';
            *to++ = *at;
        } else if (in_class) {
            in_class = *at != ']';
            if (*at == '\\') *to++ = '\\';
            *to++ = *at;
        } else if (*at == '%') {
            to = stpcpy(to, ".*");
        } else if (*at == '_') {
            *to++ = '.';
        } else if (*at == '(') {
            to = stpcpy(to, "(?:");
        } else {
            in_class = *at == '[';
            if (strchr("\\.^$", *at)) *to++ = '\\';
            *to++ = *at;
        }
    }
    stpcpy(to, ")$");
    return quote_text(ctx, bytes_of_text(regexp));
}

struct expr text_function_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    switch (called->function->special) {
    case TO_CHAR: return to_char_make(ctx, called);
    case TO_TIME: return to_time_make(ctx, called);
    case TO_NUMBER: return to_number_make(ctx, called);
    case PAD: return pad_make(ctx, called);
    case FORMAT: return format_make(ctx, called);
    case CONCAT: return concat_make(ctx, called);
    case ARRAY_TO_STRING: return array_to_string_make(ctx, called);
    case REGEXP_MATCH: return regexp_match_make(ctx, called);
    case SUBSTRING: return substring_make(ctx, called);
    case OVERLAY: {
        const char *len =
            called->count == 4 ? arguments[3].sql : arena_printf(ctx->arena, "length(%s)", arguments[1].sql);
        value.sql =
            arena_printf(ctx->arena, "(substring(%s, 1, %s - 1) || %s || substring(%s, greatest(%s + %s, 1)))",
                         arguments[0].sql, arguments[2].sql, arguments[1].sql, arguments[0].sql, arguments[2].sql, len);
        return value;
    }
    default: /* REGEXP_REPLACE */
        if (called->count == 4 && !arguments[3].literal)
            return fail_at(ctx, called->call->location, ERR_UNSUPPORTED,
                           "the flags of regexp_replace() must be a constant");
        value.sql = function_fill(ctx, "regexp_replace", arguments, called->count);
        return value;
    }
}
