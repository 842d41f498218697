/* Percentiles: PostgreSQL's ordered-set aggregates and Timescale's digests. */
#include "timefusion/query/function_list.h"
#include "timefusion/query/translate.h"

/* Whole numbers are compared as such, which is much cheaper than as doubles; between two of them DuckDB gives a double. */
static const char *percentile_over(struct translate *ctx, struct expr value)
{
    return type_is_integer(value.type) ? value.sql : arena_printf(ctx->arena, "CAST(%s AS DOUBLE)", value.sql);
}

/* ---- several percentiles of the same values ----
 *
 * DuckDB collects the values once for each aggregate and fraction. One aggregate with the list of all fractions that the select has
 * is written the same each time, and so is made once: percentile n is its element n. */

#define FRACTIONS_MAX 16

struct fractions {
    const char *texts[FRACTIONS_MAX];
    const PgQuery__Node *nodes[FRACTIONS_MAX];
    uint32_t count;
};

static const char *fraction_of(const PgQuery__Node *node) /* NULL: not a plain number */
{
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST || node->a_const->isnull ||
        node->a_const->val_case != PG_QUERY__A__CONST__VAL_FVAL)
        return NULL;
    return node->a_const->fval->fval;
}

static uint32_t fraction_find(const struct fractions *fractions, const char *text) /* from 1 on; 0: it is not there */
{
    for (uint32_t i = 0; text && i < fractions->count; i++)
        if (strcmp(fractions->texts[i], text) == 0) return i + 1;
    return 0;
}

static void fractions_collect(struct fractions *fractions, const PgQuery__Node *node, int depth);

static void fractions_of_call(struct fractions *fractions, const PgQuery__FuncCall *call, int depth)
{
    const char *name = call->n_funcname > 0 ? node_text(call->funcname[call->n_funcname - 1]) : NULL;
    bool is_cont = name && call->agg_within_group && call->n_args == 1 && strcmp(name, "percentile_cont") == 0,
         is_approx = name && call->n_args == 2 && strcmp(name, "approx_percentile") == 0;
    const char *fraction = (is_cont || is_approx) && !call->over ? fraction_of(call->args[0]) : NULL;
    if (fraction && fractions->count < FRACTIONS_MAX && fraction_find(fractions, fraction) == 0) {
        fractions->nodes[fractions->count] = call->args[0];
        fractions->texts[fractions->count++] = fraction;
    }
    for (size_t i = 0; i < call->n_args; i++) fractions_collect(fractions, call->args[i], depth + 1);
}

/* Of the calls in an expression, where they mostly stand; one that is not found here has its aggregate for itself. */
static void fractions_collect(struct fractions *fractions, const PgQuery__Node *node, int depth)
{
    if (!node || depth > 20) return;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RES_TARGET: fractions_collect(fractions, node->res_target->val, depth + 1); break;
    case PG_QUERY__NODE__NODE_FUNC_CALL: fractions_of_call(fractions, node->func_call, depth); break;
    case PG_QUERY__NODE__NODE_TYPE_CAST: fractions_collect(fractions, node->type_cast->arg, depth + 1); break;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
        for (size_t i = 0; i < node->a_array_expr->n_elements; i++)
            fractions_collect(fractions, node->a_array_expr->elements[i], depth + 1);
        break;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        for (size_t i = 0; i < node->coalesce_expr->n_args; i++)
            fractions_collect(fractions, node->coalesce_expr->args[i], depth + 1);
        break;
    case PG_QUERY__NODE__NODE_A_EXPR:
        fractions_collect(fractions, node->a_expr->lexpr, depth + 1);
        fractions_collect(fractions, node->a_expr->rexpr, depth + 1);
        break;
    default: break;
    }
}

/* All fractions of the select, where it has several; *pick is the call's element. NULL with pick: failed. */
static const char *fractions_list(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call,
                                  uint32_t *pick)
{
    struct fractions fractions = { .count = 0 };
    const char *text = scope && scope->select && !call->over ? fraction_of(call->args[0]) : NULL;
    for (size_t i = 0; text && i < scope->select->n_target_list; i++)
        fractions_collect(&fractions, scope->select->target_list[i], 0);
    *pick = fractions.count > 1 ? fraction_find(&fractions, text) : 0;
    const char *list = *pick == 0 ? NULL : "";
    for (uint32_t i = 0; *pick > 0 && i < fractions.count; i++) {
        struct expr one = expr_make(ctx, scope, fractions.nodes[i], QUERY_TYPE_FLOAT8);
        if (!one.sql) return NULL;
        list = arena_printf(ctx->arena, "%s%sCAST(%s AS DOUBLE)", list, i ? ", " : "", one.sql);
    }
    return list;
}

/* quantile_cont(over, fraction), by the list where the select has several fractions; *pick is the element then. NULL: failed. */
static const char *quantile_put(struct translate *ctx, struct scope *scope, const PgQuery__FuncCall *call,
                                const char *over, const char *fraction, uint32_t *pick)
{
    const char *list = fractions_list(ctx, scope, call, pick);
    if (*pick == 0) return arena_printf(ctx->arena, "quantile_cont(%s, %s)", over, fraction);
    return list ? arena_printf(ctx->arena, "quantile_cont(%s, [%s])", over, list) : NULL;
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
    if (is_cont && !is_time && !is_list && !is_descending) {
        uint32_t pick;
        const char *sql = quantile_put(ctx, scope, call, over, fraction, &pick);
        return (struct expr){ .sql = sql, .type = QUERY_TYPE_FLOAT8, .pick = pick };
    }
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

/* The mark that cube_plan.c looks for: of a whole number's rows, one by one. */
#define ONE_BY_ONE "CAST(1 AS BIGINT)"

/* duration, whose percentiles are counted by steps (steps.h): cubes know how many rows are in each. */
static bool is_stepped(const struct expr *value)
{
    return value->relation && value->relation->table >= 0 &&
           strcmp(value->relation->schema->columns[value->column].name, "duration") == 0;
}

/* approx_percentile(q, percentile_agg(x)): of duration within 0.8%; of all else exact, and faster than DuckDB's approximate one. */
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
    uint32_t pick;
    const char *one = arena_printf(ctx->arena, "CAST(%s AS DOUBLE)", fraction.sql);
    if (is_stepped(&value) &&
        !call->over) { /* over a window DuckDB 1.5 gives our aggregates one state for all rows, and they crash */
        const char *list = fractions_list(ctx, scope, call, &pick);
        if (pick == 0) list = one, pick = 1;
        return (struct expr){ .sql = list ? arena_printf(ctx->arena, "mono_percentiles(%s, " ONE_BY_ONE ", [%s])",
                                                         value.sql, list)
                                          : NULL,
                              .type = QUERY_TYPE_FLOAT8,
                              .pick = pick };
    }
    const char *sql = quantile_put(ctx, scope, call, percentile_over(ctx, value), one, &pick);
    return (struct expr){ .sql = sql, .type = QUERY_TYPE_FLOAT8, .pick = pick };
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
