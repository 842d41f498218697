#include "timefusion/query/gapfill.h"
#include "timefusion/query/function_list.h"

#define BUCKETS_MAX 1000000

static const char *called_name(const PgQuery__Node *node)
{
    if (!node || node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || node->func_call->n_funcname == 0) return NULL;
    return node_text(node->func_call->funcname[node->func_call->n_funcname - 1]);
}

static const PgQuery__Node *argument(const PgQuery__FuncCall *call, size_t place, const char *name)
{
    for (size_t i = 0; i < call->n_args; i++) {
        const PgQuery__Node *node = call->args[i];
        if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
            if (strcmp(node->named_arg_expr->name, name) == 0) return node->named_arg_expr->arg;
        } else if (i == place) {
            return node;
        }
    }
    return NULL;
}

static bool is_null(const PgQuery__Node *node)
{
    return !node || (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull);
}

/* The bound that an argument says. NULL when there is none, or after a failure. */
static const char *bound_make(struct translate *ctx, const PgQuery__Node *node, enum query_type type)
{
    struct scope nothing = { 0 };
    if (is_null(node)) return NULL;
    struct expr value = expr_make(ctx, &nothing, node, type);
    if (!value.sql) return NULL;
    if (!value.is_free)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "start and finish of time_bucket_gapfill() must be constants").sql;
    return arena_printf(ctx->arena, "CAST(%s AS %s)", value.sql, type_duckdb(type));
}

static bool bucket_target(struct translate *ctx, struct scope *scope, struct gapfill *gapfill,
                          const PgQuery__Node *node, uint32_t place, struct expr *value)
{
    const PgQuery__FuncCall *call = node->func_call;
    if (gapfill->place > 0)
        return fail_at(ctx, call->location, ERR_SYNTAX, "there can be one time_bucket_gapfill() in a SELECT").sql;
    *value = expr_make(ctx, scope, node, QUERY_TYPE_UNKNOWN);
    if (!value->sql) return false;
    bool has_zone = value->type == QUERY_TYPE_TIMESTAMPTZ && call->n_args > 2 && argument(call, 2, "timezone") &&
                    !is_null(argument(call, 2, "timezone"));
    const PgQuery__Node *third = argument(call, 2, "timezone");
    /* (width, time, start, finish) or (width, time, zone, start, finish) */
    size_t at = 3;
    if (third && call->args[2] == third) {
        struct scope nothing = { 0 };
        struct expr zone = expr_make(ctx, &nothing, third, QUERY_TYPE_UNKNOWN);
        if (!zone.sql) return false;
        bool is_time = zone.type >= QUERY_TYPE_DATE && zone.type <= QUERY_TYPE_TIMESTAMPTZ;
        if (is_time || (zone.is_untyped && (!zone.literal || (zone.literal[0] >= '0' && zone.literal[0] <= '9')))) {
            has_zone = false;
            at = 2;
        }
    }
    gapfill->place = place;
    gapfill->sql = value->sql;
    gapfill->time_node = argument(call, 1, "ts");
    gapfill->width = expr_make(ctx, scope, argument(call, 0, "bucket_width"), QUERY_TYPE_INTERVAL);
    if (!gapfill->width.sql) return false;
    gapfill->at = *value;
    if (has_zone) {
        struct expr zone = expr_make(ctx, scope, third, QUERY_TYPE_TEXT);
        if (!zone.sql) return false;
        gapfill->zone = zone.sql;
    }
    gapfill->start = bound_make(ctx, argument(call, at, "start"), value->type);
    gapfill->finish = bound_make(ctx, argument(call, at + 1, "finish"), value->type);
    return ctx->err->code == ERR_OK;
}

bool gapfill_target(struct translate *ctx, struct scope *scope, struct gapfill *gapfill, const PgQuery__Node *node,
                    uint32_t place, struct expr *value)
{
    const char *name = called_name(node);
    if (!name) return true;
    if (strcmp(name, "time_bucket_gapfill") == 0) return bucket_target(ctx, scope, gapfill, node, place, value);
    bool is_locf = strcmp(name, "locf") == 0;
    if (!is_locf && strcmp(name, "interpolate") != 0) return true;
    const PgQuery__FuncCall *call = node->func_call;
    const PgQuery__Node *inner = argument(call, 0, "value"), *before = argument(call, 1, "prev"),
                        *nulls = argument(call, 2, "treat_null_as_missing");
    if (!inner || call->n_args > 3 || call->over || call->agg_filter)
        return fail_at(ctx, call->location, ERR_NO_FUNCTION, "function %s() does not take these arguments", name).sql;
    *value = expr_make(ctx, scope, inner, QUERY_TYPE_UNKNOWN);
    if (!value->sql) return false;
    gapfill->rules[place - 1] = is_locf ? GAP_LOCF : GAP_INTERPOLATE;
    if (!is_locf) {
        if (!is_null(before))
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "interpolate() takes its value alone").sql;
        if (!type_is_number(value->type))
            return fail_at(ctx, call->location, ERR_NO_FUNCTION, "interpolate() takes numbers, not %s",
                           type_word(value))
                .sql;
        return true;
    }
    if (!is_null(nulls)) {
        if (nulls->node_case != PG_QUERY__NODE__NODE_A_CONST ||
            nulls->a_const->val_case != PG_QUERY__A__CONST__VAL_BOOLVAL)
            return fail_at(ctx, call->location, ERR_UNSUPPORTED, "treat_null_as_missing is true or false").sql;
        if (nulls->a_const->boolval->boolval) gapfill->rules[place - 1] = GAP_LOCF_NULLS;
    }
    if (!is_null(before)) {
        struct scope nothing = { .ctes = scope->ctes };
        struct expr value_before = expr_make(ctx, &nothing, before, value->type);
        if (!value_before.sql) return false;
        gapfill->before[place - 1] = value_before.sql;
    }
    return true;
}

/* Notes what a conjunct says of the time's bounds. */
static bool bounds_note(struct translate *ctx, struct scope *scope, struct gapfill *gapfill, const char *time,
                        const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        for (size_t i = 0; i < node->bool_expr->n_args; i++)
            if (!bounds_note(ctx, scope, gapfill, time, node->bool_expr->args[i])) return false;
        return true;
    }
    if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR) return true;
    const PgQuery__AExpr *expr = node->a_expr;
    const PgQuery__Node *sides[2] = { expr->lexpr, expr->rexpr };
    const char *op = expr->n_name > 0 ? node_text(expr->name[expr->n_name - 1]) : NULL;
    bool is_between = expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN;
    if (!op || (!is_between && (expr->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || (op[0] != '<' && op[0] != '>') ||
                                (op[1] != '\0' && strcmp(op + 1, "=") != 0))))
        return true;
    for (int i = 0; i < (is_between ? 1 : 2); i++) {
        if (!sides[i] || sides[i]->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) continue;
        struct expr column = scope_column(ctx, scope, sides[i]->column_ref);
        if (!column.sql) return false;
        if (strcmp(column.sql, time) != 0) continue;
        if (is_between) {
            const PgQuery__List *list = sides[1]->node_case == PG_QUERY__NODE__NODE_LIST ? sides[1]->list : NULL;
            if (!list || list->n_items != 2) return true;
            if (!gapfill->start) gapfill->start = bound_make(ctx, list->items[0], gapfill->at.type);
            if (!gapfill->finish) {
                gapfill->finish = bound_make(ctx, list->items[1], gapfill->at.type);
                gapfill->finish_is_in = true;
            }
        } else if ((op[0] == '>') == (i == 0)) {
            if (!gapfill->start) gapfill->start = bound_make(ctx, sides[1 - i], gapfill->at.type);
        } else if (!gapfill->finish) {
            gapfill->finish = bound_make(ctx, sides[1 - i], gapfill->at.type);
            gapfill->finish_is_in = op[1] == '=';
        }
        return ctx->err->code == ERR_OK;
    }
    return true;
}

/* The bucket of another time than the select's. */
static const char *bucket_of(struct translate *ctx, const struct gapfill *gapfill, const char *at)
{
    const struct function *function = function_find("time_bucket");
    struct expr arguments[3] = { gapfill->width, { .sql = at, .type = gapfill->at.type, .is_free = true } };
    if (gapfill->zone) arguments[2] = (struct expr){ .sql = gapfill->zone, .type = QUERY_TYPE_TEXT, .is_free = true };
    return time_bucket_make(ctx, function, arguments, gapfill->zone ? 3 : 2).sql;
}

/* A FROM item of all buckets: b(t). */
static const char *buckets_make(struct translate *ctx, const struct gapfill *gapfill)
{
    const char *first = bucket_of(ctx, gapfill, gapfill->start), *type = type_duckdb(gapfill->at.type);
    if (!first) return NULL;
    const char *last = gapfill->finish_is_in
                           ? gapfill->finish
                           : arena_printf(ctx->arena, "(%s - CAST('1 microsecond' AS INTERVAL))", gapfill->finish);
    const char *width = gapfill->width.sql;
    if (gapfill->zone) {
        first = arena_printf(ctx->arena, "timezone(%s, %s)", gapfill->zone, first);
        last = arena_printf(ctx->arena, "timezone(%s, %s)", gapfill->zone, last);
    } else if (gapfill->at.type == QUERY_TYPE_TIMESTAMPTZ) { /* buckets are UTC's */
        first = arena_printf(ctx->arena, "make_timestamp(epoch_us(%s))", first);
        last = arena_printf(ctx->arena, "make_timestamp(epoch_us(%s))", last);
    } else {
        first = arena_printf(ctx->arena, "CAST(%s AS TIMESTAMP)", first);
        last = arena_printf(ctx->arena, "CAST(%s AS TIMESTAMP)", last);
    }
    last =
        arena_printf(ctx->arena,
                     "CASE WHEN epoch(%s) - epoch(%s) > %d * epoch(%s) THEN CAST(error('time_bucket_gapfill() makes at "
                     "most %d buckets') AS TIMESTAMP) ELSE %s END",
                     last, first, BUCKETS_MAX, width, BUCKETS_MAX, last);
    const char *back = gapfill->zone ? arena_printf(ctx->arena, "timezone(%s, s.generate_series)", gapfill->zone)
                       : gapfill->at.type == QUERY_TYPE_TIMESTAMPTZ
                           ? "make_timestamptz(epoch_us(s.generate_series))"
                           : arena_printf(ctx->arena, "CAST(s.generate_series AS %s)", type);
    return arena_printf(ctx->arena, "(SELECT %s AS t FROM generate_series(%s, %s, %s) AS s)", back, first, last, width);
}

static const char *filled(struct translate *ctx, const struct gapfill *gapfill, uint32_t c, const struct expr *value,
                          const char *partition)
{
    const char *over = arena_printf(ctx->arena, "OVER (%sORDER BY b.t", partition);
    const char *past = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
               *coming = "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)";
    const char *column = arena_printf(ctx->arena, "g.c%u", c + 1), *sql;
    switch (gapfill->rules[c]) {
    case GAP_LOCF: /* the last group's, even when that is NULL */
        sql = arena_printf(
            ctx->arena,
            "CASE WHEN g.there THEN %s ELSE struct_extract(last_value(CASE WHEN g.there THEN {'v': %s} END "
            "IGNORE NULLS) %s %s, 'v') END",
            column, column, over, past);
        break;
    case GAP_LOCF_NULLS: sql = arena_printf(ctx->arena, "last_value(%s IGNORE NULLS) %s %s", column, over, past); break;
    case GAP_INTERPOLATE: {
        const char *known = arena_printf(ctx->arena, "CASE WHEN %s IS NOT NULL THEN epoch_us(b.t) END", column);
        const char *v0 =
            arena_printf(ctx->arena, "CAST(last_value(%s IGNORE NULLS) %s %s AS DOUBLE)", column, over, past);
        const char *t0 = arena_printf(ctx->arena, "last_value(%s IGNORE NULLS) %s %s", known, over, past);
        const char *v1 =
            arena_printf(ctx->arena, "CAST(first_value(%s IGNORE NULLS) %s %s AS DOUBLE)", column, over, coming);
        const char *t1 = arena_printf(ctx->arena, "first_value(%s IGNORE NULLS) %s %s", known, over, coming);
        const char *line =
            arena_printf(ctx->arena, "%s + (%s - %s) * CAST(epoch_us(b.t) - %s AS DOUBLE) / CAST(%s - %s AS DOUBLE)",
                         v0, v1, v0, t0, t1, t0);
        if (type_is_integer(value->type))
            line = arena_printf(ctx->arena, "CAST(round(%s) AS %s)", line, type_duckdb(value->type));
        return arena_printf(ctx->arena, "CASE WHEN g.there THEN %s ELSE %s END", column, line);
    }
    default: return column;
    }
    return gapfill->before[c] ? arena_printf(ctx->arena, "coalesce(%s, %s)", sql, gapfill->before[c]) : sql;
}

const char *gapfill_select(struct translate *ctx, struct scope *scope, struct gapfill *gapfill,
                           const PgQuery__SelectStmt *select, const char *groups, const struct expr *values,
                           const bool *is_key, uint32_t count)
{
    struct expr time = expr_make(ctx, scope, gapfill->time_node, QUERY_TYPE_UNKNOWN);
    if (!time.sql || (select->where_clause && !bounds_note(ctx, scope, gapfill, time.sql, select->where_clause)))
        return NULL;
    if (!gapfill->start || !gapfill->finish)
        return fail_at(
                   ctx, -1, ERR_INPUT,
                   "missing time_bucket_gapfill argument: could not infer %s from WHERE clause; give start and finish "
                   "as arguments, or say timestamp >= ... AND timestamp < ...",
                   gapfill->start ? "finish" : "start")
            .sql;
    const char *buckets = buckets_make(ctx, gapfill);
    if (!buckets) return NULL;
    uint32_t g = ++ctx->cte_count, bucket = gapfill->place - 1;
    const char *keys = "", *match = arena_printf(ctx->arena, "g.c%u = b.t", bucket + 1), *partition = "";
    for (uint32_t c = 0; c < count; c++) {
        if (!is_key[c] || c == bucket) continue;
        keys = arena_printf(ctx->arena, "%s%sc%u", keys, keys[0] ? ", " : "", c + 1);
        match = arena_printf(ctx->arena, "%s AND g.c%u IS NOT DISTINCT FROM d.c%u", match, c + 1, c + 1);
        partition = arena_printf(ctx->arena, "%s%sd.c%u", partition, partition[0] ? ", " : "PARTITION BY ", c + 1);
    }
    if (partition[0]) partition = arena_printf(ctx->arena, "%s ", partition);
    struct text text;
    text_init(&text, ctx);
    text_put(&text, arena_printf(ctx->arena, "WITH w%u AS MATERIALIZED (SELECT *, true AS there FROM (%s)) SELECT ", g,
                                 groups));
    for (uint32_t c = 0; c < count; c++) {
        const char *sql = c == bucket ? "b.t"
                          : is_key[c] ? arena_printf(ctx->arena, "d.c%u", c + 1)
                                      : filled(ctx, gapfill, c, &values[c], partition);
        text_put(&text, arena_printf(ctx->arena, "%s%s AS c%u", c ? ", " : "", sql, c + 1));
    }
    if (keys[0])
        text_put(&text, arena_printf(ctx->arena, " FROM (SELECT DISTINCT %s FROM w%u) AS d CROSS JOIN %s AS b", keys, g,
                                     buckets));
    else
        text_put(&text, arena_printf(ctx->arena, " FROM %s AS b", buckets));
    text_put(&text, arena_printf(ctx->arena, " LEFT JOIN w%u AS g ON %s", g, match));
    return text_end(&text);
}

struct expr gapfill_call_make(struct translate *ctx, struct scope *scope, const struct called *called)
{
    const char *name = called->function->name;
    if (strcmp(name, "time_bucket_gapfill") != 0 || !scope)
        return fail_at(ctx, called->call->location, ERR_SYNTAX,
                       "%s() stands as an item of its own in the select list beside time_bucket_gapfill()", name);
    scope->has_gapfill = true;
    /* start and finish are no part of the bucket */
    size_t count = called->count > 2 && called->arguments[2].type != QUERY_TYPE_UNKNOWN &&
                           called->arguments[2].type != QUERY_TYPE_TEXT
                       ? 2
                   : called->count > 3 ? 3
                                       : called->count;
    if (count == 3 && called->arguments[2].is_untyped) {
        const char *text = called->arguments[2].literal;
        if (!text || (text[0] >= '0' && text[0] <= '9')) count = 2;
    }
    return time_bucket_make(ctx, function_find("time_bucket"), called->arguments, count);
}
