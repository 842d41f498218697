/* OVER (...) and WINDOW name AS (...): partitions, order, frame. */
#include "timefusion/query/translate.h"

const char *window_make(struct translate *ctx, struct scope *scope, const PgQuery__WindowDef *window)
{
    enum {
        ROWS = 4,
        GROUPS = 8,
        RANGE = 2,
        BETWEEN = 16,
        START_UNBOUNDED = 32,
        END_UNBOUNDED = 0x100,
        START_CURRENT = 0x200,
        END_CURRENT = 0x400,
        START_PRECEDING = 0x800,
        END_PRECEDING = 0x1000,
        START_FOLLOWING = 0x2000,
        END_FOLLOWING = 0x4000,
        EXCLUDE_CURRENT = 0x8000,
        EXCLUDE_GROUP = 0x10000,
        EXCLUDE_TIES = 0x20000
    };
    const char *base = window->refname && window->refname[0] ? window->refname
                       : window->name && window->name[0] && !window->n_partition_clause && !window->n_order_clause
                           ? window->name
                           : NULL;
    const PgQuery__WindowDef *named = NULL;
    if (base) {
        for (size_t i = 0; scope->select && i < scope->select->n_window_clause; i++) {
            const PgQuery__Node *node = scope->select->window_clause[i];
            if (node->node_case == PG_QUERY__NODE__NODE_WINDOW_DEF && node->window_def != window &&
                node->window_def->name && strcmp(node->window_def->name, base) == 0)
                named = node->window_def;
        }
        if (!named || ++ctx->depth > TRANSLATE_DEPTH_MAX)
            return fail_at(ctx, window->location, ERR_NOT_FOUND, "window \"%.60s\" does not exist", base).sql;
        if (window->n_partition_clause == 0 && window->n_order_clause == 0 && !(window->frame_options & 1)) {
            const char *sql = window_make(ctx, scope, named);
            ctx->depth--;
            return sql;
        }
        ctx->depth--;
    }
    const PgQuery__WindowDef *parts = named && window->n_partition_clause == 0 ? named : window;
    const PgQuery__WindowDef *orders = named && window->n_order_clause == 0 ? named : window;
    const char *sql = "(";
    bool is_free = true;
    if (parts->n_partition_clause > 0) {
        const char *list =
            expr_list(ctx, scope, parts->partition_clause, parts->n_partition_clause, QUERY_TYPE_UNKNOWN, &is_free);
        if (!list) return NULL;
        sql = arena_printf(ctx->arena, "%sPARTITION BY %s", sql, list);
    }
    if (orders->n_order_clause > 0) {
        const char *list = expr_order_by(ctx, scope, orders->order_clause, orders->n_order_clause);
        if (!list) return NULL;
        sql = arena_printf(ctx->arena, "%s ORDER BY %s", sql, list);
    }
    int options = window->frame_options;
    if (options & 1) {
        struct expr start = { .sql = "" }, end = { .sql = "" };
        enum query_type want = options & RANGE ? QUERY_TYPE_INTERVAL : QUERY_TYPE_INT8;
        if (window->start_offset) start = expr_make(ctx, scope, window->start_offset, want);
        if (!start.sql) return NULL;
        if (window->end_offset) end = expr_make(ctx, scope, window->end_offset, want);
        if (!end.sql) return NULL;
        const char *unit = options & ROWS ? "ROWS" : options & GROUPS ? "GROUPS" : "RANGE";
        const char *from =
            options & START_UNBOUNDED ? "UNBOUNDED PRECEDING"
            : options & START_CURRENT
                ? "CURRENT ROW"
                : arena_printf(ctx->arena, "%s %s", start.sql, options & START_PRECEDING ? "PRECEDING" : "FOLLOWING");
        const char *to = options & END_UNBOUNDED ? "UNBOUNDED FOLLOWING"
                         : options & END_CURRENT ? "CURRENT ROW"
                                                 : arena_printf(ctx->arena, "%s %s", end.sql,
                                                                options & END_PRECEDING ? "PRECEDING" : "FOLLOWING");
        sql = arena_printf(ctx->arena, "%s %s BETWEEN %s AND %s%s", sql, unit, from,
                           options & BETWEEN ? to : "CURRENT ROW",
                           options & EXCLUDE_CURRENT ? " EXCLUDE CURRENT ROW"
                           : options & EXCLUDE_GROUP ? " EXCLUDE GROUP"
                           : options & EXCLUDE_TIES  ? " EXCLUDE TIES"
                                                     : "");
    }
    return arena_printf(ctx->arena, "%s)", sql);
}
