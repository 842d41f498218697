/* Functions that make jsonb. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/translate.h"

/* As an argument of a JSON constructor: JSON text must not become a string in it, and times are ISO 8601's. */
static const char *json_argument(struct translate *ctx, const struct expr *value)
{
    switch (value->type) {
    case QUERY_TYPE_JSONB: return arena_printf(ctx->arena, "CAST(%s AS JSON)", value->sql);
    case QUERY_TYPE_TIMESTAMP: return arena_printf(ctx->arena, "replace(CAST(%s AS VARCHAR), ' ', 'T')", value->sql);
    case QUERY_TYPE_TIMESTAMPTZ:
        return arena_printf(ctx->arena,
                            "regexp_replace(replace(CAST(%s AS VARCHAR), ' ', 'T'), '([+-][0-9][0-9])$', '\\1:00')",
                            value->sql);
    case QUERY_TYPE_NUMERIC: return arena_printf(ctx->arena, "CAST(CAST(%s AS VARCHAR) AS JSON)", value->sql);
    case QUERY_TYPE_INTERVAL: return expr_cast(ctx, *value, QUERY_TYPE_TEXT).sql;
    default: break;
    }
    if (value->type == type_list_of(QUERY_TYPE_JSONB))
        return arena_printf(ctx->arena, "list_transform(%s, lambda e: CAST(e AS JSON))", value->sql);
    return value->sql;
}

static const char *json_arguments(struct translate *ctx, const struct expr *arguments, size_t count, bool has_keys)
{
    struct text text;
    text_init(&text, ctx);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_put(&text, ", ");
        text_put(&text, has_keys && i % 2 == 0 ? expr_cast(ctx, arguments[i], QUERY_TYPE_TEXT).sql
                                               : json_argument(ctx, &arguments[i]));
    }
    return text_end(&text);
}

struct expr json_function_make(struct translate *ctx, const struct called *called)
{
    struct expr value = called->value, *arguments = called->arguments;
    const char *list;
    switch (called->function->special) {
    case JSON_AGG:
        value.sql = arena_printf(ctx->arena, "array_agg(%s%s%s)", called->distinct, json_argument(ctx, &arguments[0]),
                                 called->order);
        return value;
    case JSON_OBJECT_AGG:
        value.sql = arena_printf(ctx->arena,
                                 "string_agg(%sCAST(to_json(CAST(%s AS VARCHAR)) AS VARCHAR) || ':' || "
                                 "coalesce(CAST(to_json(%s) AS VARCHAR), 'null'), ','%s)",
                                 called->distinct, expr_cast(ctx, arguments[0], QUERY_TYPE_TEXT).sql,
                                 json_argument(ctx, &arguments[1]), called->order);
        return value;
    case JSON_OBJECT:
        if (called->count % 2)
            return fail_at(ctx, called->call->location, ERR_INPUT, "%s() needs pairs of key and value",
                           called->function->name);
        list = json_arguments(ctx, arguments, called->count, true);
        value.sql = list ? arena_printf(ctx->arena, "mono_jsonb(CAST(json_object(%s) AS VARCHAR))", list) : NULL;
        return value;
    case JSON_ARRAY:
        list = json_arguments(ctx, arguments, called->count, false);
        value.sql = list ? arena_printf(ctx->arena, "mono_jsonb(CAST(json_array(%s) AS VARCHAR))", list) : NULL;
        return value;
    case JSON_OBJECT_OF_LISTS: {
        const char *count = arena_printf(ctx->arena, called->count == 2 ? "len(%s)" : "len(%s) // 2", arguments[0].sql);
        const char *key = called->count == 2
                              ? arena_printf(ctx->arena, "list_extract(%s, i)", arguments[0].sql)
                              : arena_printf(ctx->arena, "list_extract(%s, 2 * i - 1)", arguments[0].sql);
        const char *member = called->count == 2 ? arena_printf(ctx->arena, "list_extract(%s, i)", arguments[1].sql)
                                                : arena_printf(ctx->arena, "list_extract(%s, 2 * i)", arguments[0].sql);
        value.sql =
            arena_printf(ctx->arena,
                         "mono_jsonb('{' || coalesce(list_aggregate(list_transform(range(1, %s + 1), lambda i: "
                         "CAST(to_json(%s) AS VARCHAR) || ':' || coalesce(CAST(to_json(%s) AS VARCHAR), 'null')), "
                         "'string_agg', ','), '') || '}')",
                         count, key, member);
        return value;
    }
    case TO_JSON:
        if (arguments[0].type == QUERY_TYPE_NUMERIC) { /* with its digits */
            value.sql = arena_printf(ctx->arena, "mono_jsonb(CAST(%s AS VARCHAR))", arguments[0].sql);
            return value;
        }
        value.sql =
            arena_printf(ctx->arena, "mono_jsonb(CAST(to_json(%s) AS VARCHAR))", json_argument(ctx, &arguments[0]));
        return value;
    default: { /* JSON_PATH */
        bool is_text = strstr(called->function->name, "_text") != NULL;
        struct text text;
        text_init(&text, ctx);
        text_put(&text, arena_printf(ctx->arena, "mono_json_path%s(%s, [", is_text ? "_text" : "", arguments[0].sql));
        for (size_t i = 1; i < called->count; i++)
            text_put(&text, arena_printf(ctx->arena, "%sCAST(%s AS VARCHAR)", i > 1 ? ", " : "", arguments[i].sql));
        text_put(&text, "])");
        value.sql = text_end(&text);
        return value;
    }
    }
}
