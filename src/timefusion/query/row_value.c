/* Row values: (a, b) = (c, d), < and the like, IN. Column by column, as SQL has it. */
#include "timefusion/query/translate.h"

#define ROW_COLUMNS_MAX 100

static struct expr pair_make(struct translate *ctx, struct scope *scope, PgQuery__Node *left, PgQuery__Node *right,
                             const char *op, enum _PgQuery__AExprKind kind, int location)
{
    PgQuery__AExpr pair = PG_QUERY__A__EXPR__INIT;
    PgQuery__Node name = PG_QUERY__NODE__INIT, *names[1] = { &name };
    PgQuery__String text = PG_QUERY__STRING__INIT;
    text.sval = arena_printf(ctx->arena, "%s", op);
    name.node_case = PG_QUERY__NODE__NODE_STRING;
    name.string = &text;
    pair.kind = kind;
    pair.n_name = 1;
    pair.name = names;
    pair.lexpr = left;
    pair.rexpr = right;
    pair.location = location;
    return operator_make(ctx, scope, &pair, QUERY_TYPE_BOOL);
}

static bool rows_fit(struct translate *ctx, const PgQuery__Node *left, const PgQuery__Node *right, int location)
{
    bool are_rows = left && right && left->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
                    right->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
    if (!are_rows)
        return fail_at(ctx, location, ERR_UNSUPPORTED, "a row value compares with a row value written out").sql;
    if (left->row_expr->n_args != right->row_expr->n_args)
        return fail_at(ctx, location, ERR_SYNTAX, "unequal number of entries in row expressions").sql;
    if (left->row_expr->n_args == 0 || left->row_expr->n_args > ROW_COLUMNS_MAX)
        return fail_at(ctx, location, ERR_TOO_LARGE, "a row value has 1 to %d columns", ROW_COLUMNS_MAX).sql;
    return true;
}

struct expr row_compare_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    if (!rows_fit(ctx, node->lexpr, node->rexpr, node->location)) return (struct expr){ 0 };
    size_t count = node->lexpr->row_expr->n_args;
    PgQuery__Node **left = node->lexpr->row_expr->args, **right = node->rexpr->row_expr->args;
    bool is_distinct = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT,
         is_same = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT, is_free = true;
    const char *sql = NULL;
    if (is_distinct || is_same || op[0] == '=' || strcmp(op, "<>") == 0) {
        const char *word = is_distinct || strcmp(op, "<>") == 0 ? "OR" : "AND";
        for (size_t i = 0; i < count; i++) {
            struct expr pair = pair_make(ctx, scope, left[i], right[i], op, node->kind, node->location);
            if (!pair.sql) return pair;
            is_free = is_free && pair.is_free;
            sql = sql ? arena_printf(ctx->arena, "%s %s %s", sql, word, pair.sql) : pair.sql;
        }
        return boolean(arena_printf(ctx->arena, "(%s)", sql), is_free);
    }
    /* a < c OR (a = c AND (b < d ...)): from the last column to the first */
    const char strict[2] = { op[0], '\0' };
    for (size_t i = count; i-- > 0;) {
        struct expr less =
            pair_make(ctx, scope, left[i], right[i], i + 1 == count ? op : strict, node->kind, node->location);
        if (!less.sql) return less;
        is_free = is_free && less.is_free;
        if (!sql) {
            sql = less.sql;
            continue;
        }
        struct expr equal = pair_make(ctx, scope, left[i], right[i], "=", node->kind, node->location);
        if (!equal.sql) return equal;
        sql = arena_printf(ctx->arena, "(%s OR (%s AND %s))", less.sql, equal.sql, sql);
    }
    return boolean(sql, is_free);
}

struct expr row_in_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, bool is_not)
{
    const PgQuery__List *list = node->rexpr->list;
    bool is_free = true;
    struct text text;
    text_init(&text, ctx);
    text_put(&text, is_not ? "(NOT (" : "((");
    for (size_t i = 0; i < list->n_items; i++) {
        PgQuery__AExpr one = *node;
        one.kind = PG_QUERY__A__EXPR__KIND__AEXPR_OP;
        one.rexpr = list->items[i];
        struct expr equal = row_compare_make(ctx, scope, &one, "=");
        if (!equal.sql) break;
        is_free = is_free && equal.is_free;
        if (i > 0) text_put(&text, " OR ");
        text_put(&text, equal.sql);
    }
    text_put(&text, "))");
    return boolean(text_end(&text), is_free);
}
