#include "timefusion/query/function_list.h"
#include "timefusion/query/gate_defect.h"
#include "timefusion/query/translate.h"
#include <stdlib.h>

static const char *const *renames_of(struct translate *ctx, const PgQuery__Alias *alias, uint32_t *count)
{
    *count = 0;
    if (!alias || alias->n_colnames == 0) return NULL;
    const char **names = arena_alloc(ctx->arena, alias->n_colnames * sizeof *names);
    for (size_t i = 0; i < alias->n_colnames; i++) {
        const char *name = node_text(alias->colnames[i]);
        names[i] = arena_printf(ctx->arena, "%s", name ? name : "");
    }
    *count = (uint32_t)alias->n_colnames;
    return names;
}

static void relation_rename(struct translate *ctx, struct relation *relation, const PgQuery__Alias *alias)
{
    relation->renames = renames_of(ctx, alias, &relation->rename_count);
    if (relation->rename_count > relation_column_count(relation))
        fail_at(ctx, -1, ERR_INPUT, "table \"%s\" has %u columns available but %u columns specified", relation->alias,
                relation_column_count(relation), relation->rename_count);
}

static struct cte *cte_find(struct scope *scope, const char *name)
{
    for (struct scope *level = scope; level; level = level->outer)
        for (struct cte *cte = level->ctes; cte; cte = cte->next)
            if (strcmp(cte->name, name) == 0) return cte;
    return NULL;
}

static int table_add(struct translate *ctx, enum plan_source source, const struct schema_table *schema)
{
    if (ctx->plan->table_count == PLAN_TABLES_MAX) {
        fail_at(ctx, -1, ERR_TOO_LARGE, "more than %d table references in a statement", PLAN_TABLES_MAX);
        return -1;
    }
    struct plan_table *table = &ctx->plan->tables[ctx->plan->table_count];
    *table = (struct plan_table){ .source = source, .schema = schema };
    return (int)ctx->plan->table_count++;
}

/* For holes in the gate (gate_defect.h): a table as DuckDB has it. */
static const char *duckdb_own(struct translate *ctx, struct relation *relation, const char *name)
{
    relation->columns = arena_alloc(ctx->arena, sizeof *relation->columns);
    relation->columns[0] = (struct output){ .name = "row", .type = QUERY_TYPE_TEXT };
    relation->column_count = 1;
    return arena_printf(ctx->arena, "(SELECT CAST(t AS VARCHAR) AS c1 FROM %s AS t) AS r%u", name, relation->id);
}

static const char *table_make(struct translate *ctx, struct scope *scope, const PgQuery__RangeVar *var)
{
    const char *alias = var->alias ? var->alias->aliasname : var->relname;
    const char *schema_name = var->schemaname && var->schemaname[0] ? var->schemaname : NULL;
    if (var->catalogname && var->catalogname[0] && strcmp(var->catalogname, "monoscope") != 0)
        return fail_at(ctx, var->location, ERR_UNSUPPORTED, "cross-database references are not implemented").sql;
    struct cte *cte = schema_name ? NULL : cte_find(scope, var->relname);
    struct relation *relation = relation_create(ctx, scope, alias);
    if (!relation) return NULL;
    if (cte) {
        cte->uses++;
        relation->columns = cte->columns;
        relation->column_count = cte->column_count;
        relation_rename(ctx, relation, var->alias);
        return arena_printf(ctx->arena, "w%u AS r%u", cte->id, relation->id);
    }
    const struct temporary *own = temporary_named(ctx, var);
    if (own) {
        const char *from = temporary_relation(ctx, own, relation);
        if (from) relation_rename(ctx, relation, var->alias);
        return from;
    }
    if (!schema_name || strcmp(schema_name, "public") == 0) {
        const struct schema_table *schema = schema_table_by_name(bytes_of_text(var->relname));
        bool is_telemetry = strcmp(var->relname, "telemetry") == 0;
        if (is_telemetry) schema = schema_table(SCHEMA_LOGS_AND_SPANS);
        if (schema) {
            enum plan_source source = is_telemetry                   ? PLAN_TELEMETRY
                                      : schema->id == SCHEMA_METRICS ? PLAN_METRICS
                                                                     : PLAN_LOGS_AND_SPANS;
            relation->table = table_add(ctx, source, schema);
            if (relation->table < 0) return NULL;
            relation->schema = schema;
            relation_rename(ctx, relation, var->alias);
            GATE_LEAK_IF((GATE_DEFECT(SCHEMA) && schema_name) || (GATE_DEFECT(VIEW) && is_telemetry));
            return arena_printf(ctx->arena, "%s AS r%u", mark(ctx, 'T', (uint32_t)relation->table), relation->id);
        }
    }
    const char *sql;
    if (GATE_DEFECT(CATALOG) && schema_name && strcmp(schema_name, "public") != 0)
        return duckdb_own(ctx, relation, arena_printf(ctx->arena, "%s.%s", schema_name, var->relname));
    if (GATE_DEFECT(TEMPORARY) && !schema_name && var->relname[0] == 't' && var->relname[1] <= '9')
        return duckdb_own(ctx, relation, var->relname);
    if (stats_relation(ctx, schema_name, var->relname, &sql, &relation->columns, &relation->column_count) ||
        catalog_relation(ctx, schema_name, var->relname, &sql, &relation->columns, &relation->column_count)) {
        relation_rename(ctx, relation, var->alias);
        return arena_printf(ctx->arena, "%s AS r%u", sql, relation->id);
    }
    scope->relation_count--;
    if (schema_name && strcmp(schema_name, "public") != 0)
        return fail_at(ctx, var->location, ERR_NO_TABLE,
                       "relation \"%s.%s\" does not exist; there are otel_logs_and_spans, otel_metrics and telemetry",
                       schema_name, var->relname)
            .sql;
    return fail_at(ctx, var->location, ERR_NO_TABLE,
                   "relation \"%s\" does not exist; there are otel_logs_and_spans, otel_metrics and telemetry",
                   var->relname)
        .sql;
}

static const char *subselect_make(struct translate *ctx, struct scope *scope, const PgQuery__RangeSubselect *range)
{
    if (!range->subquery || range->subquery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "only SELECT can stand in FROM").sql;
    struct output *columns;
    uint32_t count;
    struct scope without_from = { .outer = scope->outer, .ctes = scope->ctes };
    const char *sql =
        select_make(ctx, range->lateral ? scope : &without_from, range->subquery->select_stmt, &columns, &count);
    if (!sql) return NULL;
    struct relation *relation = relation_create(ctx, scope, range->alias ? range->alias->aliasname : NULL);
    if (!relation) return NULL;
    relation->columns = columns;
    relation->column_count = count;
    relation_rename(ctx, relation, range->alias);
    return arena_printf(ctx->arena, "%s(%s) AS r%u", range->lateral ? "LATERAL " : "", sql, relation->id);
}

static const char *range_function_make(struct translate *ctx, struct scope *scope, const PgQuery__RangeFunction *range)
{
    const PgQuery__Node *item = range->n_functions == 1 &&
                                        range->functions[0]->node_case == PG_QUERY__NODE__NODE_LIST &&
                                        range->functions[0]->list->n_items > 0
                                    ? range->functions[0]->list->items[0]
                                    : NULL;
    if (!item || item->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || range->n_coldeflist > 0 || range->is_rowsfrom)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "this form of function in FROM is not supported").sql;
    const char *sql;
    struct output *columns = arena_calloc(ctx->arena, (FUNCTION_LISTS_MAX + 1) * sizeof *columns);
    uint32_t count;
    bool allowed = scope->allows_aggregate;
    scope->allows_aggregate = false;
    bool ok = function_rows(ctx, scope, item->func_call, range->ordinality, &sql, columns, &count);
    scope->allows_aggregate = allowed;
    if (!ok) return NULL;
    struct relation *relation = relation_create(ctx, scope, range->alias ? range->alias->aliasname : columns[0].name);
    if (!relation) return NULL;
    /* A function of one column lends it its own alias: FROM unnest(hashes) AS hash. */
    if (range->alias && range->alias->n_colnames == 0 && count == 1u + (range->ordinality != 0))
        columns[0].name = relation->alias;
    relation->columns = columns;
    relation->column_count = count;
    relation_rename(ctx, relation, range->alias);
    return arena_printf(ctx->arena, "LATERAL %s AS r%u", sql, relation->id);
}

/* A column by name among the relations [from, to) of the scope, merged ones first. */
static struct expr side_column(struct translate *ctx, struct scope *scope, uint32_t from, uint32_t to,
                               uint32_t merged_from, uint32_t merged_to, const char *name,
                               const struct relation **relation)
{
    struct expr value = { 0 };
    for (uint32_t m = merged_from; m < merged_to; m++)
        if (strcmp(scope->merged[m].name, name) == 0) {
            *relation = scope->merged[m].left;
            return (struct expr){ .sql = scope->merged[m].sql, .type = scope->merged[m].type };
        }
    for (uint32_t i = from; i < to; i++) {
        int column = relation_column(scope->relations[i], name);
        if (column < 0) continue;
        if (value.sql) return fail_at(ctx, -1, ERR_INPUT, "common column name \"%s\" appears more than once", name);
        value = relation_expr(ctx, scope->relations[i], column);
        *relation = scope->relations[i];
    }
    return value;
}

static bool using_add(struct translate *ctx, struct scope *scope, const PgQuery__JoinExpr *join, const char *name,
                      uint32_t left_from, uint32_t right_from, uint32_t merged_from, uint32_t merged_right,
                      struct text *on)
{
    const struct relation *left_relation = NULL, *right_relation = NULL;
    uint32_t merged_to = scope->merged_count;
    struct expr left = side_column(ctx, scope, left_from, right_from, merged_from, merged_right, name, &left_relation);
    struct expr right =
        side_column(ctx, scope, right_from, scope->relation_count, merged_right, merged_to, name, &right_relation);
    if (!left.sql || !right.sql) {
        fail_at(ctx, -1, ERR_NO_COLUMN, "column \"%s\" specified in USING clause does not exist on both sides", name);
        return false;
    }
    if (scope->merged_count == COUNT_OF(scope->merged)) {
        fail_at(ctx, -1, ERR_TOO_LARGE, "too many columns in USING");
        return false;
    }
    if (on->buf.len > 0) text_put(on, " AND ");
    text_put(on, arena_printf(ctx->arena, "%s = %s", left.sql, right.sql));
    const char *sql = join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL
                          ? arena_printf(ctx->arena, "coalesce(%s, %s)", left.sql, right.sql)
                      : join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? right.sql
                                                                          : left.sql;
    scope->merged[scope->merged_count++] = (struct merged){ .name = arena_printf(ctx->arena, "%s", name),
                                                            .sql = sql,
                                                            .type = left.type,
                                                            .left = left_relation,
                                                            .right = right_relation };
    return true;
}

static const char *join_make(struct translate *ctx, struct scope *scope, const PgQuery__JoinExpr *join)
{
    const char *word = join->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER   ? "INNER JOIN"
                       : join->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT  ? "LEFT JOIN"
                       : join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? "RIGHT JOIN"
                       : join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL  ? "FULL JOIN"
                                                                           : NULL;
    if (!word || (join->alias && join->alias->aliasname))
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "this form of JOIN is not supported").sql;
    uint32_t left_from = scope->relation_count, merged_from = scope->merged_count;
    const char *left = from_item(ctx, scope, join->larg);
    if (!left) return NULL;
    uint32_t right_from = scope->relation_count, merged_right = scope->merged_count;
    const char *right = from_item(ctx, scope, join->rarg);
    if (!right) return NULL;
    if (join->n_using_clause > 0 || join->is_natural) {
        struct text on;
        text_init(&on, ctx);
        for (size_t i = 0; i < join->n_using_clause; i++)
            if (!using_add(ctx, scope, join, node_text(join->using_clause[i]) ? node_text(join->using_clause[i]) : "",
                           left_from, right_from, merged_from, merged_right, &on))
                break;
        if (join->is_natural) {
            for (uint32_t i = left_from; i < right_from; i++) {
                for (uint32_t c = 0; c < relation_column_count(scope->relations[i]); c++) {
                    const char *name = relation_column_name(scope->relations[i], (int)c);
                    bool is_common = false;
                    for (uint32_t r = right_from; r < scope->relation_count; r++)
                        is_common = is_common || relation_column(scope->relations[r], name) >= 0;
                    if (is_common &&
                        !using_add(ctx, scope, join, name, left_from, right_from, merged_from, merged_right, &on))
                        break;
                }
            }
        }
        bool is_empty = on.buf.len == 0;
        const char *condition = text_end(&on);
        if (!condition) return NULL;
        return arena_printf(ctx->arena, "(%s %s %s ON %s)", left, word, right, is_empty ? "true" : condition);
    }
    if (!join->quals) { /* CROSS JOIN */
        return arena_printf(ctx->arena, "(%s CROSS JOIN %s)", left, right);
    }
    bool allowed = scope->allows_aggregate;
    scope->allows_aggregate = false;
    struct expr on = expr_make(ctx, scope, join->quals, QUERY_TYPE_BOOL);
    scope->allows_aggregate = allowed;
    if (!on.sql) return NULL;
    /* A row that fails ON has no partner; only the outer side keeps it. */
    bool drops_left =
        join->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER || join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT;
    bool drops_right =
        join->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER || join->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT;
    if (drops_left) conditions_add(ctx, scope, join->quals, left_from, right_from);
    if (drops_right) conditions_add(ctx, scope, join->quals, right_from, scope->relation_count);
    return arena_printf(ctx->arena, "(%s %s %s ON %s)", left, word, right, on.sql);
}

const char *from_item(struct translate *ctx, struct scope *scope, const PgQuery__Node *node)
{
    const char *sql;
    if (++ctx->depth > TRANSLATE_DEPTH_MAX)
        return fail_at(ctx, -1, ERR_TOO_LARGE, "the statement is nested too deeply").sql;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR: sql = table_make(ctx, scope, node->range_var); break;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT: sql = subselect_make(ctx, scope, node->range_subselect); break;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION: sql = range_function_make(ctx, scope, node->range_function); break;
    case PG_QUERY__NODE__NODE_JOIN_EXPR: sql = join_make(ctx, scope, node->join_expr); break;
    default: sql = fail_at(ctx, -1, ERR_UNSUPPORTED, "this is not supported in FROM").sql;
    }
    ctx->depth--;
    return sql;
}

const char *from_target(struct translate *ctx, struct scope *scope, const PgQuery__RangeVar *target)
{
    return table_make(ctx, scope, target);
}
