/* Functions of numbers whose type depends on theirs. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/translate.h"
#include <stdlib.h>

#define SCALE_MAX 20

/* To so many digits: numeric with as many, as PostgreSQL shows it. What is too large for that is NULL. */
static struct expr digits_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, number = called->arguments[0], digits = called->arguments[1];
    const char *name = called->function->name;
    if (!digits.is_free)
        return fail_at(ctx, called->call->location, ERR_UNSUPPORTED, "the digits of %s() must be a constant", name);
    char *end;
    const char *text = digits.literal ? digits.literal : "";
    long scale = strtol(text, &end, 10);
    bool is_round = strcmp(name, "round") == 0, is_known = *text != '\0' && *end == '\0' && labs(scale) <= SCALE_MAX;
    value.type = QUERY_TYPE_NUMERIC;
    if (!is_known) { /* how many is not known yet: as many as there are */
        value.sql =
            is_round ? arena_printf(ctx->arena, "round(CAST(%s AS DECIMAL(38,10)), %s)", number.sql, digits.sql) : NULL;
        value.type = QUERY_TYPE_NUMERIC;
        if (!value.sql)
            return fail_at(ctx, called->call->location, ERR_UNSUPPORTED, "the digits of %s() must be a number", name);
        return value;
    }
    const char *word =
        number.type == QUERY_TYPE_FLOAT4 || number.type == QUERY_TYPE_FLOAT8 || number.type == QUERY_TYPE_UNKNOWN
            ? "TRY_CAST"
            : "CAST";
    if (is_round && scale >= 0)
        value.sql = arena_printf(ctx->arena, "%s(round(%s, %ld) AS DECIMAL(38,%ld))", word,
                                 type_is_integer(number.type)
                                     ? arena_printf(ctx->arena, "CAST(%s AS DECIMAL(38,0))", number.sql)
                                     : number.sql,
                                 scale, scale);
    else if (is_round)
        value.sql = arena_printf(ctx->arena, "%s(round(CAST(%s AS DECIMAL(38,10)), %ld) AS DECIMAL(38,0))", word,
                                 number.sql, scale);
    else
        value.sql = arena_printf(ctx->arena, "%s(trunc(CAST(%s AS DOUBLE) * 1e%ld) / 1e%ld AS DECIMAL(38,%ld))", word,
                                 number.sql, scale, scale, scale > 0 ? scale : 0);
    return value;
}

struct expr number_function_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    enum query_type first = arguments[0].type;
    const char *name = called->function->sql ? called->function->sql : called->function->name;
    switch (called->function->special) {
    case LOG:
        value.sql = called->count == 2 ? arena_printf(ctx->arena, "log(CAST(%s AS DOUBLE), CAST(%s AS DOUBLE))",
                                                      arguments[0].sql, arguments[1].sql)
                                       : arena_printf(ctx->arena, "log10(%s)", arguments[0].sql);
        return value;
    case SIGN:
        value.type = first == QUERY_TYPE_NUMERIC ? QUERY_TYPE_NUMERIC : QUERY_TYPE_FLOAT8;
        value.sql = arena_printf(ctx->arena, "CAST(sign(%s) AS %s)", arguments[0].sql,
                                 first == QUERY_TYPE_NUMERIC ? "DECIMAL(18,0)" : "DOUBLE");
        return value;
    case TO_HEX: /* as many bits as the number has */
        value.sql = arena_printf(ctx->arena,
                                 first == QUERY_TYPE_INT8 ? "lower(to_hex(%s))"
                                                          : "lower(to_hex(CAST(%s AS BIGINT) & 4294967295))",
                                 arguments[0].sql);
        return value;
    case SAME_TYPE:
        value.type = type_common(first, arguments[1].type);
        value.sql = arena_printf(ctx->arena, "CAST(%s(%s, %s) AS %s)", name, arguments[0].sql, arguments[1].sql,
                                 type_duckdb(value.type));
        return value;
    default: break; /* ROUND: floor and ceil too */
    }
    if (called->count == 2) return digits_make(ctx, called);
    if (type_is_integer(first)) {
        value.type = QUERY_TYPE_FLOAT8;
        arguments[0] = expr_cast(ctx, arguments[0], QUERY_TYPE_FLOAT8);
    } else if (first == QUERY_TYPE_UNKNOWN) {
        value.type = QUERY_TYPE_UNKNOWN;
    }
    if (strcmp(name, "round") == 0 && value.type == QUERY_TYPE_FLOAT8)
        value.sql = arena_printf(ctx->arena, "round_even(%s, 0)", arguments[0].sql);
    else
        value.sql = function_fill(ctx, name, arguments, called->count);
    return value;
}
