#include "timefusion/query/translate.h"

/* What may be changed later: what we have derived. All else is what was sent, and stays as it was sent. */
static const char *const derived_columns[] = { "hashes", "summary", "errors" };

static bool target_make(struct translate *ctx, struct scope *scope, const PgQuery__RangeVar *target,
                        const PgQuery__Node *where, const char *verb)
{
    if (!where)
        return fail_at(ctx, target->location, ERR_UNSUPPORTED,
                       "%s needs a WHERE that says which rows; write %s ... WHERE true for all rows of the project",
                       verb, verb)
            .sql;
    const char *from = from_target(ctx, scope, target);
    if (!from) return false;
    const struct relation *relation = scope->relations[0];
    if (relation->table < 0)
        return fail_at(ctx, target->location, ERR_FORBIDDEN, "\"%.60s\" describes tables and cannot be changed",
                       target->relname)
            .sql;
    struct expr condition = where_make(ctx, scope, where);
    if (!condition.sql) return false;
    conditions_add(ctx, scope, where, 0, scope->relation_count);
    ctx->plan->tag = verb;
    ctx->plan->change_relation = relation->id;
    ctx->plan->change_where = condition.sql;
    ctx->plan->sql = arena_printf(ctx->arena, "SELECT count(*) AS c1 FROM %s WHERE %s", from, condition.sql);
    return true;
}

static bool extras_refuse(struct translate *ctx, const char *verb, bool has_with, size_t using)
{
    if (has_with)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "WITH is not supported in %s; use a subquery in WHERE", verb).sql;
    if (using > 0)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "%s of other tables is not supported in %s; use a subquery in WHERE",
                       verb[0] == 'D' ? "USING" : "FROM", verb)
            .sql;
    return true;
}

/* The rows as they are; of UPDATE with their new values. */
static bool returning_take(struct translate *ctx, struct scope *scope, PgQuery__Node **list, size_t count)
{
    struct plan *plan = ctx->plan;
    const char *values = count > 0 ? returning_make(ctx, scope, list, count) : "", *news = "";
    if (count == 0 || !values) return count == 0;
    for (uint32_t a = 0; a < plan->assignment_count; a++) {
        const struct plan_assignment *assignment = &plan->assignments[a];
        if (!column_set_has(&plan->tables[0].seen, assignment->column)) continue; /* nobody asks for it */
        news =
            arena_printf(ctx->arena, "%s%s%s AS k%u", news, news[0] ? ", " : "", assignment->value, assignment->column);
    }
    const char *rows =
        arena_printf(ctx->arena, "%s AS r%u WHERE %s", mark(ctx, 'T', 0), plan->change_relation, plan->change_where);
    if (news[0])
        rows = arena_printf(ctx->arena, "(SELECT r%u.* REPLACE (%s) FROM %s) AS r%u", plan->change_relation, news, rows,
                            plan->change_relation);
    plan->returning = arena_printf(ctx->arena, "SELECT %s FROM %s", values, rows);
    return true;
}

bool delete_make(struct translate *ctx, const PgQuery__DeleteStmt *stmt)
{
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    const struct temporary *own = temporary_named(ctx, stmt->relation);
    ctx->plan->kind = PLAN_DELETE;
    if (!extras_refuse(ctx, "DELETE", stmt->with_clause != NULL, stmt->n_using_clause)) return false;
    if (own) return temporary_delete_make(ctx, stmt);
    return target_make(ctx, scope, stmt->relation, stmt->where_clause, "DELETE") &&
           returning_take(ctx, scope, stmt->returning_list, stmt->n_returning_list);
}

static bool column_check(struct translate *ctx, const struct relation *relation, const PgQuery__ResTarget *target,
                         uint32_t *column)
{
    const char *name = target->name ? target->name : "";
    int found = relation_column(relation, name);
    if (found < 0)
        return fail_at(ctx, target->location, ERR_NO_COLUMN, "column \"%.60s\" of \"%s\" does not exist", name,
                       relation->schema->name)
            .sql;
    *column = (uint32_t)found;
    bool is_derived = false;
    for (size_t i = 0; i < COUNT_OF(derived_columns); i++)
        is_derived = is_derived || strcmp(relation->schema->columns[found].name, derived_columns[i]) == 0;
    if (is_derived && target->n_indirection == 0) return true;
    if (is_derived)
        return fail_at(ctx, target->location, ERR_UNSUPPORTED, "set the whole of column \"%.60s\", not a part of it",
                       name)
            .sql;
    return fail_at(ctx, target->location, ERR_FORBIDDEN,
                   "column \"%.60s\" cannot be changed: it is what was sent, or follows from it; of "
                   "otel_logs_and_spans, hashes, summary and errors can",
                   name)
        .sql;
}

static bool assignment_make(struct translate *ctx, struct scope *scope, const PgQuery__ResTarget *target,
                            struct plan_assignment *assignment, const char **check)
{
    const struct relation *relation = scope->relations[0];
    if (!column_check(ctx, relation, target, &assignment->column)) return false;
    enum query_type want = type_of_schema(relation->schema->columns[assignment->column].type);
    if (!target->val || target->val->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
        return fail_at(ctx, target->location, ERR_UNSUPPORTED, "there are no DEFAULTs; write the value").sql;
    struct expr value = expr_make(ctx, scope, target->val, want);
    if (!value.sql) return false;
    if (!value.is_untyped && value.type != want && value.type != QUERY_TYPE_UNKNOWN)
        return fail_at(ctx, target->location, ERR_TYPE, "column \"%.60s\" is of type %s but expression is of type %s",
                       target->name, type_name(want), type_name(value.type))
            .sql;
    assignment->value = expr_cast(ctx, value, want).sql;
    if (want == QUERY_TYPE_JSONB) /* stored without spaces */
        assignment->value = arena_printf(ctx->arena, "CAST(json(%s) AS VARCHAR)", assignment->value);
    *check = arena_printf(ctx->arena, "%s, count(%s)", *check, assignment->value);
    return true;
}

bool update_make(struct translate *ctx, const PgQuery__UpdateStmt *stmt)
{
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    struct plan *plan = ctx->plan;
    const struct temporary *own = temporary_named(ctx, stmt->relation);
    plan->kind = PLAN_UPDATE;
    if (!extras_refuse(ctx, "UPDATE", stmt->with_clause != NULL, stmt->n_from_clause)) return false;
    if (own) return temporary_update_make(ctx, own, stmt);
    if (!target_make(ctx, scope, stmt->relation, stmt->where_clause, "UPDATE")) return false;
    if (plan->tables[0].source == PLAN_TELEMETRY)
        return fail_at(ctx, stmt->relation->location, ERR_UNSUPPORTED,
                       "telemetry is a view of two tables; UPDATE otel_logs_and_spans")
            .sql;
    const char *check = "";
    plan->assignments = arena_calloc(ctx->arena, (stmt->n_target_list + 1) * sizeof *plan->assignments);
    for (size_t i = 0; i < stmt->n_target_list; i++) {
        if (stmt->target_list[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            return fail_at(ctx, -1, ERR_SYNTAX, "the SET list is not understood").sql;
        struct plan_assignment *assignment = &plan->assignments[plan->assignment_count];
        if (!assignment_make(ctx, scope, stmt->target_list[i]->res_target, assignment, &check)) return false;
        for (uint32_t a = 0; a < plan->assignment_count; a++)
            if (plan->assignments[a].column == assignment->column)
                return fail_at(ctx, -1, ERR_SYNTAX, "multiple assignments to same column \"%s\"",
                               plan->tables[0].schema->columns[assignment->column].name)
                    .sql;
        plan->assignment_count++;
    }
    /* So that Describe has the values checked as well. */
    plan->sql = arena_printf(ctx->arena, "SELECT count(*) AS c1%s FROM %s AS r%u WHERE %s", check, mark(ctx, 'T', 0),
                             plan->change_relation, plan->change_where);
    return returning_take(ctx, scope, stmt->returning_list, stmt->n_returning_list);
}
