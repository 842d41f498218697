/* Percentiles: PostgreSQL's ordered-set aggregates and Timescale's digests. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/translate.h"

/* Whole numbers are compared as such, which is much cheaper than as doubles; between two of them DuckDB gives a double. */
static const char *percentile_over(struct translate *ctx, struct expr value)
{
    return type_is_integer(value.type) ? value.sql : arena_printf(ctx->arena, "CAST(%s AS DOUBLE)", value.sql);
}

struct expr percentile_make(struct translate *ctx, struct scope *scope, const struct function *function,
                            const PgQuery__FuncCall *call, struct expr *arguments)
{
    if (!call->agg_within_group || call->n_agg_order != 1)
        return fail_at(ctx, call->location, ERR_SYNTAX, "%s() needs WITHIN GROUP (ORDER BY x)", function->name);
    const PgQuery__SortBy *sort = call->agg_order[0]->sort_by;
    struct expr value = expr_make(ctx, scope, sort->node, QUERY_TYPE_FLOAT8);
    if (!value.sql) return value;
    bool is_descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    if (function->special == MODE)
        return (struct expr){ .sql = arena_printf(ctx->arena, "mode(%s)", value.sql), .type = value.type };
    if (!arguments[0].is_free)
        return fail_at(ctx, call->location, ERR_UNSUPPORTED, "the fraction of %s() must be a constant", function->name);
    bool is_cont = strcmp(function->name, "percentile_cont") == 0, is_list = type_is_list(arguments[0].type);
    bool is_time = value.type >= QUERY_TYPE_DATE && value.type <= QUERY_TYPE_INTERVAL;
    if (value.type == QUERY_TYPE_INTERVAL)
        return fail_at(ctx, call->location, ERR_UNSUPPORTED,
                       "percentiles of intervals are not supported; use extract(epoch from x)");
    const char *fraction = arena_printf(ctx->arena, "CAST(%s AS DOUBLE%s)", arguments[0].sql, is_list ? "[]" : "");
    const char *over = is_cont && !is_time ? percentile_over(ctx, value) : value.sql;
    enum query_type type = is_cont && !is_time ? QUERY_TYPE_FLOAT8 : value.type;
    return (struct expr){ .sql = arena_printf(ctx->arena, "quantile_%s(%s, %s%s%s)", is_cont ? "cont" : "disc", over,
                                              fraction, is_descending ? " ORDER BY " : "",
                                              is_descending ? arena_printf(ctx->arena, "%s DESC", over) : ""),
                          .type = is_list && type != QUERY_TYPE_UNKNOWN ? type_list_of(type) : type };
}

const PgQuery__FuncCall *digest_call(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || node->func_call->n_funcname == 0) return NULL;
    const PgQuery__FuncCall *inner = node->func_call;
    const char *name = node_text(inner->funcname[inner->n_funcname - 1]);
    if (!name || strcmp(name, "percentile_agg") != 0 || inner->n_args != 1) return NULL;
    return inner->over || inner->agg_distinct || inner->n_agg_order > 0 ? NULL : inner;
}

/* approx_percentile(q, percentile_agg(x)): exact here, and faster than DuckDB's approximate one. */
struct expr approx_percentile_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call)
{
    const PgQuery__FuncCall *inner = digest_call(call->args[1]);
    struct expr fraction = expr_make(ctx, scope, call->args[0], QUERY_TYPE_FLOAT8);
    if (!fraction.sql) return fraction;
    if (!fraction.is_free)
        return fail_at(ctx, call->location, ERR_UNSUPPORTED, "the fraction of approx_percentile() must be a constant");
    scope->in_aggregate = true;
    struct expr value = expr_make(ctx, scope, inner->args[0], QUERY_TYPE_FLOAT8);
    scope->in_aggregate = false;
    if (!value.sql) return value;
    return (struct expr){ .sql = arena_printf(ctx->arena, "quantile_cont(%s, CAST(%s AS DOUBLE))",
                                              percentile_over(ctx, value), fraction.sql),
                          .type = QUERY_TYPE_FLOAT8 };
}

/* Of a digest that was made elsewhere: the sorted values (percentile_agg), any fraction. */
struct expr digest_percentile_make(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call)
{
    struct expr fraction = expr_make(ctx, scope, call->args[0], QUERY_TYPE_FLOAT8);
    if (!fraction.sql) return fraction;
    struct expr digest = expr_make(ctx, scope, call->args[1], QUERY_TYPE_UNKNOWN);
    if (!digest.sql) return digest;
    if (digest.type != type_list_of(QUERY_TYPE_FLOAT8) && digest.type != QUERY_TYPE_UNKNOWN)
        return fail_at(ctx, call->location, ERR_NO_FUNCTION,
                       "approx_percentile() takes what percentile_agg() gives, not %s", type_name(digest.type));
    const char *at = arena_printf(ctx->arena, "((len(%s) - 1) * CAST(%s AS DOUBLE))", digest.sql, fraction.sql);
    const char *low = arena_printf(ctx->arena, "list_extract(%s, CAST(floor(%s) AS BIGINT) + 1)", digest.sql, at);
    const char *high = arena_printf(ctx->arena, "list_extract(%s, CAST(ceil(%s) AS BIGINT) + 1)", digest.sql, at);
    return (struct expr){ .sql = arena_printf(ctx->arena,
                                              "(CASE WHEN len(%s) > 0 THEN %s + (%s - floor(%s)) * (%s - %s) END)",
                                              digest.sql, low, at, at, high, low),
                          .type = QUERY_TYPE_FLOAT8,
                          .is_free = fraction.is_free && digest.is_free };
}
