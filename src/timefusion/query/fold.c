/* Which selects can be put together from groups of parts of their rows: kept.h. Of such a select the plan has
 *
 *   whole   as it was written
 *   part    SELECT keys, aggregates[, which grouping set] FROM the table WHERE all but the times GROUP BY ...
 *   now     the same with the times
 *   head, tail   SELECT keys, aggregates of aggregates FROM ( parts ) GROUP BY keys ORDER BY ...
 *
 * In doubt it is none. */
#include "timefusion/query/translate.h"
#include <stdlib.h>

/* grouping(..): the same in all of a set's groups. */
static bool is_grouping(const PgQuery__SelectStmt *select, uint32_t count, uint32_t target)
{
    if (select->n_target_list != count) return false; /* a star */
    return select->target_list[target]->res_target->val->node_case == PG_QUERY__NODE__NODE_GROUPING_FUNC;
}

static bool is_foldable(const struct expr *value)
{
    return value->fold && value->fold_sql == value->sql;
}

/* A condition on the table's times alone, which choosing files knows as such. Leaves the plan as it was. */
static bool is_of_times(struct translate *ctx, struct scope *scope, const PgQuery__Node *node)
{
    struct plan_table *table = &ctx->plan->tables[scope->relations[0]->table];
    uint32_t before = table->condition_count, words_before = table->words_count;
    conditions_add(ctx, scope, node, 0, 1);
    bool is_between =
        node->node_case == PG_QUERY__NODE__NODE_A_EXPR && node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN;
    bool is = node->node_case == PG_QUERY__NODE__NODE_A_EXPR && table->condition_count == before + (is_between ? 2 : 1);
    for (uint32_t c = before; c < table->condition_count; c++)
        is = is && table->conditions[c].column == table->schema->timestamp && table->conditions[c].op >= CONDITION_LT &&
             table->conditions[c].op <= CONDITION_GE;
    table->condition_count = before;
    table->words_count = words_before;
    return is;
}

/* The conjuncts but those on times, joined; NULL: failed. */
static const char *rest_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *node, const char *so_far)
{
    if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
        node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
        for (size_t i = 0; so_far && i < node->bool_expr->n_args; i++)
            so_far = rest_make(ctx, scope, node->bool_expr->args[i], so_far);
        return so_far;
    }
    if (is_of_times(ctx, scope, node)) return so_far;
    struct expr value = expr_make(ctx, scope, node, QUERY_TYPE_BOOL);
    if (!value.sql) return NULL;
    return so_far[0] ? arena_printf(ctx->arena, "%s AND %s", so_far, value.sql) : value.sql;
}

const char *fold_rest(struct translate *ctx, struct scope *scope, const PgQuery__Node *node)
{
    return rest_make(ctx, scope, node, "");
}

bool fold_is_alone(const struct scope *scope)
{
    for (const struct scope *outer = scope->outer; outer; outer = outer->outer)
        if (outer->relation_count > 0) return false;
    return scope->relation_count == 1 && scope->relations[0]->table >= 0 && scope->merged_count == 0;
}

/* SELECT c<n> ... of what the parts have, under the same names. */
static const char *head_make(struct arena *arena, const struct folding *folding)
{
    const char *head = "SELECT ";
    for (uint32_t i = 0; i < folding->count; i++) {
        const struct expr *value = &folding->values[i];
        const char *word = folding->is_key[i] ? "" : value->fold;
        const char *sql = arena_printf(arena, "%s(p.c%u)", word, i + 1);
        if (!folding->is_key[i] && strcmp(word, "sum") == 0 && value->type == QUERY_TYPE_INT8)
            sql = arena_printf(arena, "CAST(%s AS BIGINT)", sql);
        head = arena_printf(arena, "%s%s%s AS c%u", head, i ? ", " : "", sql, i + 1);
    }
    return arena_printf(arena, "%s FROM (", head);
}

static const char *group_make(struct arena *arena, const struct folding *folding)
{
    const char *group = "";
    for (uint32_t i = 0; i < folding->count; i++)
        if (folding->is_key[i]) group = arena_printf(arena, "%s%sp.c%u", group, group[0] ? ", " : "", i + 1);
    if (folding->has_sets) group = arena_printf(arena, "%s%sp.g", group, group[0] ? ", " : "");
    return group[0] ? arena_printf(arena, ") AS p GROUP BY %s", group) : ") AS p";
}

static const char *list_make(struct arena *arena, const PgQuery__SelectStmt *select, const struct folding *folding)
{
    const char *list = "", *keys = "";
    for (uint32_t i = 0; i < folding->count; i++) {
        list = arena_printf(arena, "%s%s%s AS c%u", list, i ? ", " : "", folding->values[i].sql, i + 1);
        if (folding->is_key[i] && !is_grouping(select, folding->count, i))
            keys = arena_printf(arena, "%s%s%s", keys, keys[0] ? ", " : "", folding->values[i].sql);
    }
    if (!folding->has_sets) return list;
    return arena_printf(arena, "%s, GROUPING(%s) AS g", list, keys);
}

/* now(), also in an aggregate? */
static bool has_now(const struct plan *plan, const char *template)
{
    for (const char *at = template; (at = strchr(at, MARK_OPEN[0])); at++) {
        if (at[1] == 'N') return true;
        if (at[1] == 'A' && has_now(plan, plan->aggregates[strtoul(at + 2, NULL, 10)].plain)) return true;
    }
    return false;
}

const char *fold_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                      struct folding *folding)
{
    struct plan *plan = ctx->plan;
    if (!fold_is_alone(scope) || !scope->has_aggregate || scope->has_window || scope->has_rows_function ||
        select->n_distinct_clause > 0 || select->having_clause || select->n_from_clause != 1 ||
        plan->fold_count == PLAN_FOLDS_MAX)
        return NULL;
    bool has_key = false;
    for (uint32_t i = 0; i < folding->count; i++) {
        if (folding->has_sets && is_grouping(select, folding->count, i))
            folding->is_key[i] = true;
        else
            has_key = has_key || folding->is_key[i];
        if (!folding->is_key[i] && !is_foldable(&folding->values[i])) return NULL;
    }
    if (folding->has_sets && !has_key) return NULL;
    const char *rest = select->where_clause ? rest_make(ctx, scope, select->where_clause, "") : "";
    if (!rest) return NULL;
    const char *list = list_make(ctx->arena, select, folding);
    struct plan_fold *fold = &plan->folds[plan->fold_count];
    *fold = (struct plan_fold){
        .table = (uint32_t)scope->relations[0]->table,
        .whole = folding->whole,
        .part = arena_printf(ctx->arena, "SELECT %s%s%s%s%s", list, folding->from, rest[0] ? " WHERE " : "", rest,
                             folding->group),
        .now = arena_printf(ctx->arena, "SELECT %s%s%s%s", list, folding->from, folding->where, folding->group),
        .head = head_make(ctx->arena, folding),
        .tail = arena_printf(ctx->arena, "%s%s", group_make(ctx->arena, folding), folding->tail),
    };
    if (has_now(plan, fold->part)) return NULL; /* never the same again */
    return mark(ctx, 'K', plan->fold_count++);
}
