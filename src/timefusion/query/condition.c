#include "timefusion/query/translate.h"
#include <stdlib.h>

struct relation *condition_column(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, int *column)
{
    if (!node || (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF && node->node_case != PG_QUERY__NODE__NODE_A_EXPR))
        return NULL;
    struct expr value;
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF)
        value = scope_column(ctx, scope, node->column_ref);
    else if (!attribute_make(ctx, scope, node->a_expr, &value))
        return NULL; /* context ->> 'trace_id' */
    if (!value.sql || !value.relation || value.relation->table < 0) return NULL;
    for (uint32_t i = 0; i < scope->relation_count; i++) {
        if (scope->relations[i] != value.relation) continue;
        *column = value.column;
        return scope->relations[i];
    }
    return NULL;
}

static void condition_add(struct translate *ctx, const struct relation *relation, int column, enum condition_op op,
                          const struct expr *value)
{
    struct plan_table *table = &ctx->plan->tables[relation->table];
    if (table->condition_count == table->condition_cap) {
        uint32_t cap = table->condition_cap ? table->condition_cap * 2 : 8;
        struct condition *conditions = arena_alloc(ctx->arena, cap * sizeof *conditions);
        if (table->condition_count > 0)
            memcpy(conditions, table->conditions, table->condition_count * sizeof *conditions);
        table->conditions = conditions;
        table->condition_cap = cap;
    }
    enum query_type type = type_is_list(value->type) ? type_element(value->type) : value->type;
    table->conditions[table->condition_count++] =
        (struct condition){ .column = (uint32_t)column, .op = op, .type = type, .value = value->sql };
}

/* Can a file be skipped by comparing its column with a value of this type, in the way DuckDB will compare rows? */
static bool is_comparable(enum query_type column, enum query_type value)
{
    if (type_is_list(value)) return false;
    switch (column) {
    case QUERY_TYPE_TIMESTAMPTZ:
    case QUERY_TYPE_DATE:
        return value == QUERY_TYPE_TIMESTAMPTZ || value == QUERY_TYPE_TIMESTAMP || value == QUERY_TYPE_DATE;
    case QUERY_TYPE_INT4:
    case QUERY_TYPE_INT8:
    case QUERY_TYPE_FLOAT8: return type_is_number(value);
    case QUERY_TYPE_TEXT: return value == QUERY_TYPE_TEXT;
    case QUERY_TYPE_UUID: return value == QUERY_TYPE_UUID || value == QUERY_TYPE_TEXT;
    case QUERY_TYPE_BOOL: return value == QUERY_TYPE_BOOL;
    default: return false;
    }
}

bool condition_is_wanted(const struct scope *scope, const struct relation *relation, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to && i < scope->relation_count; i++)
        if (scope->relations[i] == relation) return true;
    return false;
}

static enum query_type column_type(const struct relation *relation, int column)
{
    return type_of_schema(relation->schema->columns[column].type);
}

static void compare_add(struct translate *ctx, struct scope *scope, const PgQuery__Node *column_node,
                        const PgQuery__Node *value_node, const char *op, uint32_t from, uint32_t to)
{
    static const struct {
        const char *sql;
        enum condition_op op;
    } ops[] = { { "=", CONDITION_EQ },
                { "<", CONDITION_LT },
                { "<=", CONDITION_LE },
                { ">", CONDITION_GT },
                { ">=", CONDITION_GE } };
    int column;
    struct relation *relation = condition_column(ctx, scope, column_node, &column);
    if (!relation || !condition_is_wanted(scope, relation, from, to)) return;
    enum query_type type = column_type(relation, column);
    struct expr value = expr_make(ctx, scope, value_node, type);
    if (!value.sql || !value.is_free || !is_comparable(type, value.type)) return;
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        if (strcmp(ops[i].sql, op) == 0) condition_add(ctx, relation, column, ops[i].op, &value);
}

static const char *turned(const char *op)
{
    return strcmp(op, "<") == 0    ? ">"
           : strcmp(op, "<=") == 0 ? ">="
           : strcmp(op, ">") == 0  ? "<"
           : strcmp(op, ">=") == 0 ? "<="
                                   : op;
}

static void in_add(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, uint32_t from, uint32_t to)
{
    int column;
    struct relation *relation = condition_column(ctx, scope, node->lexpr, &column);
    if (!relation || !condition_is_wanted(scope, relation, from, to) ||
        node->rexpr->node_case != PG_QUERY__NODE__NODE_LIST)
        return;
    enum query_type type = column_type(relation, column);
    for (size_t i = 0; i < node->rexpr->list->n_items; i++) {
        struct expr item = expr_make(ctx, scope, node->rexpr->list->items[i], type);
        if (!item.sql || !item.is_free || !is_comparable(type, item.type) ||
            (type != item.type && type != QUERY_TYPE_UUID))
            return;
    }
    bool is_free = true;
    const char *items = expr_list(ctx, scope, node->rexpr->list->items, node->rexpr->list->n_items, type, &is_free);
    if (!items) return;
    struct expr list = { .sql = arena_printf(ctx->arena, "[%s]", items),
                         .type = type_list_of(type == QUERY_TYPE_UUID ? QUERY_TYPE_TEXT : type) };
    condition_add(ctx, relation, column, CONDITION_IN, &list);
}

/* x = ANY(list) for a column x; 'x' = ANY(hashes) for a list column. */
static void any_add(struct translate *ctx, struct scope *scope, const PgQuery__AExpr *node, uint32_t from, uint32_t to)
{
    int column;
    struct relation *relation = condition_column(ctx, scope, node->lexpr, &column);
    if (relation && condition_is_wanted(scope, relation, from, to) && !type_is_list(column_type(relation, column))) {
        enum query_type type = column_type(relation, column);
        struct expr list = expr_make(ctx, scope, node->rexpr, type_list_of(type));
        if (!list.sql || !list.is_free || !type_is_list(list.type) || !is_comparable(type, type_element(list.type)) ||
            (type != type_element(list.type) && type != QUERY_TYPE_UUID))
            return;
        condition_add(ctx, relation, column, CONDITION_IN, &list);
        return;
    }
    relation = condition_column(ctx, scope, node->rexpr, &column);
    if (!relation || !condition_is_wanted(scope, relation, from, to) ||
        column_type(relation, column) != type_list_of(QUERY_TYPE_TEXT))
        return;
    struct expr item = expr_make(ctx, scope, node->lexpr, QUERY_TYPE_TEXT);
    if (!item.sql || !item.is_free || item.type != QUERY_TYPE_TEXT) return;
    struct expr list = { .sql = arena_printf(ctx->arena, "[%s]", item.sql), .type = type_list_of(QUERY_TYPE_TEXT) };
    condition_add(ctx, relation, column, CONDITION_HOLDS, &list);
}

static void contains_add(struct translate *ctx, struct scope *scope, const PgQuery__Node *column_node,
                         const PgQuery__Node *value_node, enum condition_op op, uint32_t from, uint32_t to)
{
    int column;
    struct relation *relation = condition_column(ctx, scope, column_node, &column);
    if (!relation || !condition_is_wanted(scope, relation, from, to) ||
        column_type(relation, column) != type_list_of(QUERY_TYPE_TEXT))
        return;
    struct expr list = expr_make(ctx, scope, value_node, type_list_of(QUERY_TYPE_TEXT));
    if (!list.sql || !list.is_free || list.type != type_list_of(QUERY_TYPE_TEXT)) return;
    condition_add(ctx, relation, column, op, &list);
}

/* Called after the condition itself was translated: names resolve, parameters are typed, so nothing new can fail. */
void conditions_add(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, uint32_t from, uint32_t to)
{
    if (!node) return;
    if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        for (size_t i = 0; i < node->bool_expr->n_args; i++)
            conditions_add(ctx, scope, node->bool_expr->args[i], from, to);
        return;
    }
    condition_words_add(ctx, scope, node, from, to);
    if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR || node->a_expr->n_name == 0) return;
    const PgQuery__AExpr *expr = node->a_expr;
    const char *op = node_text(expr->name[expr->n_name - 1]);
    if (!op || !expr->lexpr || !expr->rexpr) return;
    uint32_t table_count = ctx->plan->table_count;
    switch (expr->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        if (strcmp(op, "@>") == 0)
            contains_add(ctx, scope, expr->lexpr, expr->rexpr, CONDITION_HOLDS, from, to);
        else if (strcmp(op, "<@") == 0)
            contains_add(ctx, scope, expr->rexpr, expr->lexpr, CONDITION_HOLDS, from, to);
        else if (strcmp(op, "&&") == 0) {
            contains_add(ctx, scope, expr->lexpr, expr->rexpr, CONDITION_OVERLAPS, from, to);
            contains_add(ctx, scope, expr->rexpr, expr->lexpr, CONDITION_OVERLAPS, from, to);
        } else if (strpbrk(op, "<>=") && strlen(op) <= 2 && op[0] != '-' && op[0] != '@' && op[0] != '!') {
            compare_add(ctx, scope, expr->lexpr, expr->rexpr, op, from, to);
            compare_add(ctx, scope, expr->rexpr, expr->lexpr, turned(op), from, to);
        }
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
        if (strcmp(op, "=") == 0) any_add(ctx, scope, expr, from, to);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
        if (strcmp(op, "=") == 0) in_add(ctx, scope, expr, from, to);
        break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        if (expr->rexpr->node_case == PG_QUERY__NODE__NODE_LIST && expr->rexpr->list->n_items == 2) {
            compare_add(ctx, scope, expr->lexpr, expr->rexpr->list->items[0], ">=", from, to);
            compare_add(ctx, scope, expr->lexpr, expr->rexpr->list->items[1], "<=", from, to);
        }
        break;
    default: break;
    }
    ctx->plan->table_count = table_count; /* a subquery on the other side was only looked at */
}
