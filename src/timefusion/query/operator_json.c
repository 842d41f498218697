/* Operators of jsonb, and what holds what. */
#include "timefusion/query/translate.h"

struct expr json_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr value;
    if (attribute_make(ctx, scope, node, &value)) return value;
    struct expr left = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_JSONB);
    if (!left.sql) return left;
    bool is_text = strcmp(op, "->>") == 0 || strcmp(op, "#>>") == 0, is_path = op[0] == '#';
    if (left.type != QUERY_TYPE_JSONB && left.type != QUERY_TYPE_UNKNOWN)
        return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s; it is for jsonb",
                       type_word(&left), op);
    struct expr right = expr_make(ctx, scope, node->rexpr, is_path ? type_list_of(QUERY_TYPE_TEXT) : QUERY_TYPE_TEXT);
    if (!right.sql) return right;
    /* attributes ->> $1: a dotted key as well, as it is when the key is a constant */
    bool is_whole = left.relation && left.relation->table >= 0 && right.type == QUERY_TYPE_TEXT && !is_path &&
                    (strcmp(left.relation->schema->columns[left.column].name, "attributes") == 0 ||
                     strcmp(left.relation->schema->columns[left.column].name, "resource") == 0);
    const char *function = is_whole                      ? "mono_attribute"
                           : is_path                     ? "mono_json_path"
                           : type_is_integer(right.type) ? "mono_json_at"
                                                         : "mono_json_get";
    const char *cast = is_path ? "VARCHAR[]" : type_is_integer(right.type) ? "BIGINT" : "VARCHAR";
    value =
        (struct expr){ .type = is_text ? QUERY_TYPE_TEXT : QUERY_TYPE_JSONB, .is_free = left.is_free && right.is_free };
    value.sql = arena_printf(ctx->arena, "%s%s(%s, CAST(%s AS %s))", function, is_text ? "_text" : "", left.sql,
                             right.sql, cast);
    return value;
}

struct expr json_delete_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr left = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_JSONB);
    if (!left.sql) return left;
    struct expr right =
        expr_make(ctx, scope, node->rexpr, op[0] == '#' ? type_list_of(QUERY_TYPE_TEXT) : QUERY_TYPE_TEXT);
    if (!right.sql) return right;
    bool is_list = right.type == type_list_of(QUERY_TYPE_TEXT), is_index = type_is_integer(right.type);
    if (left.type != QUERY_TYPE_JSONB || (!is_list && (op[0] == '#' || (!is_index && right.type != QUERY_TYPE_TEXT))))
        return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s %s", type_word(&left), op,
                       type_word(&right));
    const char *function = op[0] == '#' ? "mono_jsonb_delete_path"
                           : is_list    ? "mono_jsonb_delete_keys"
                           : is_index   ? "mono_jsonb_delete_at"
                                        : "mono_jsonb_delete";
    return (struct expr){ .sql = arena_printf(ctx->arena, is_index ? "%s(%s, CAST(%s AS BIGINT))" : "%s(%s, %s)",
                                              function, left.sql, right.sql),
                          .type = QUERY_TYPE_JSONB,
                          .is_free = left.is_free && right.is_free };
}

struct expr jsonpath_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr left = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_JSONB);
    if (!left.sql) return left;
    struct expr right = expr_text(ctx, scope, node->rexpr);
    if (!right.sql) return right;
    if (left.type != QUERY_TYPE_JSONB)
        return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s; it is for jsonb",
                       type_word(&left), op);
    return boolean(arena_printf(ctx->arena, "mono_jsonpath_%s(%s, %s, '{}', true)", op[1] == '?' ? "exists" : "match",
                                left.sql, right.sql),
                   left.is_free && right.is_free);
}

bool may_hold_null(const PgQuery__Node *node)
{
    if (node->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR) return node->node_case != PG_QUERY__NODE__NODE_PARAM_REF;
    for (size_t i = 0; i < node->a_array_expr->n_elements; i++) {
        const PgQuery__Node *element = node->a_array_expr->elements[i];
        if (element->node_case == PG_QUERY__NODE__NODE_PARAM_REF ||
            (element->node_case == PG_QUERY__NODE__NODE_A_CONST && !element->a_const->isnull))
            continue;
        return true;
    }
    return false;
}

struct expr contains_make(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, const char *op)
{
    struct expr left, right;
    if (op[0] == '?') {
        left = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_JSONB);
        if (!left.sql) return left;
        right = expr_make(ctx, scope, node->rexpr, op[1] ? type_list_of(QUERY_TYPE_TEXT) : QUERY_TYPE_TEXT);
        if (!right.sql) return right;
        if (left.type != QUERY_TYPE_JSONB)
            return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s; it is for jsonb",
                           type_word(&left), op);
        const char *function = op[1] == '|'   ? "mono_json_has_any"
                               : op[1] == '&' ? "mono_json_has_all"
                                              : "mono_json_has";
        return boolean(arena_printf(ctx->arena, "%s(%s, %s)", function, left.sql, right.sql),
                       left.is_free && right.is_free);
    }
    if (!operands_make(ctx, scope, node->lexpr, node->rexpr, QUERY_TYPE_UNKNOWN, QUERY_TYPE_UNKNOWN, &left, &right))
        return (struct expr){ 0 };
    bool is_free = left.is_free && right.is_free;
    if (strcmp(op, "<@") == 0) {
        struct expr swap = left;
        left = right;
        right = swap;
    }
    if (type_is_list(left.type) && type_is_list(right.type)) {
        const char *sql =
            arena_printf(ctx->arena, "%s(%s, %s)", op[0] == '&' ? "list_has_any" : "list_has_all", left.sql, right.sql);
        const PgQuery__Node *part = op[0] == '<' ? node->lexpr : node->rexpr;
        if (op[0] != '&' && !right.relation && may_hold_null(part)) /* no array holds NULL */
            sql = arena_printf(
                ctx->arena,
                "(CASE WHEN %s IS NULL THEN NULL WHEN len(list_filter(%s, lambda e: e IS NULL)) = 0 THEN %s WHEN %s "
                "IS NOT NULL THEN false END)",
                right.sql, right.sql, sql, left.sql);
        return boolean(sql, is_free);
    }
    if (left.type == QUERY_TYPE_JSONB && right.type == QUERY_TYPE_JSONB && op[0] != '&')
        return boolean(arena_printf(ctx->arena, "mono_json_contains(%s, %s)", left.sql, right.sql), is_free);
    return fail_at(ctx, node->location, ERR_NO_FUNCTION, "operator does not exist: %s %s %s", type_word(&left), op,
                   type_word(&right));
}
