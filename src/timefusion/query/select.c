#include "timefusion/query/gapfill.h"
#include "timefusion/query/gate_defect.h"
#include "timefusion/query/identity.h"
#include "timefusion/query/translate.h"
#include <stdlib.h>

/* The name of an output column, by PostgreSQL's rules (FigureColname). */
static const char *output_name(const PgQuery__Node *node)
{
    const char *name = NULL;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        name =
            node->column_ref->n_fields > 0 ? node_text(node->column_ref->fields[node->column_ref->n_fields - 1]) : NULL;
        break;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        name = node->func_call->n_funcname > 0 ? node_text(node->func_call->funcname[node->func_call->n_funcname - 1])
                                               : NULL;
        break;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        name = output_name(node->type_cast->arg);
        if (strcmp(name, "?column?") == 0 && node->type_cast->type_name->n_names > 0)
            name = node_text(node->type_cast->type_name->names[node->type_cast->type_name->n_names - 1]);
        break;
    case PG_QUERY__NODE__NODE_A_INDIRECTION: return output_name(node->a_indirection->arg);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return output_name(node->collate_clause->arg);
    case PG_QUERY__NODE__NODE_CASE_EXPR: name = "case"; break;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: name = "coalesce"; break;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        name = node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
        break;
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: name = "array"; break;
    case PG_QUERY__NODE__NODE_A_EXPR:
        name = node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF ? "nullif" : NULL;
        break;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: {
        static const char *const names[] = {
            "",          "current_date", "current_time",    "current_time",   "current_timestamp", "current_timestamp",
            "localtime", "localtime",    "localtimestamp",  "localtimestamp", "current_role",      "current_user",
            "user",      "session_user", "current_catalog", "current_schema"
        };
        name = (size_t)node->sqlvalue_function->op < COUNT_OF(names) ? names[node->sqlvalue_function->op] : NULL;
        break;
    }
    case PG_QUERY__NODE__NODE_SUB_LINK:
        if (node->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK)
            name = "exists";
        else if (node->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK)
            name = "array";
        else if (node->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK &&
                 node->sub_link->subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
            const PgQuery__SelectStmt *select = node->sub_link->subselect->select_stmt;
            if (select->n_target_list > 0 && select->target_list[0]->node_case == PG_QUERY__NODE__NODE_RES_TARGET) {
                const PgQuery__ResTarget *target = select->target_list[0]->res_target;
                return target->name && target->name[0] ? target->name : output_name(target->val);
            }
        }
        break;
    default: break;
    }
    return name && name[0] ? name : "?column?";
}

/* SELECT list */

struct targets {
    struct expr *values;
    struct output *outputs;
    bool *is_constant;
    uint32_t count;
    struct gapfill gapfill;
};

static bool target_add(struct translate *ctx, struct targets *targets, struct expr value, const char *name)
{
    if (!value.sql) return false;
    if (targets->count == RELATION_COLUMNS_MAX) {
        fail_at(ctx, -1, ERR_TOO_LARGE, "target lists can have at most %d entries", RELATION_COLUMNS_MAX);
        return false;
    }
    targets->values[targets->count] = value;
    targets->outputs[targets->count++] = (struct output){ .name = arena_printf(ctx->arena, "%s", name),
                                                          .type = value.type,
                                                          .form = value.form,
                                                          .is_stored = value.relation && value.relation->table >= 0 };
    return true;
}

static bool star_add(struct translate *ctx, struct scope *scope, struct targets *targets, const char *alias,
                     int location)
{
    if (!alias && scope->relation_count == 0) {
        fail_at(ctx, location, ERR_SYNTAX, "SELECT * with no tables specified is not valid");
        return false;
    }
    if (!alias) {
        for (uint32_t m = 0; m < scope->merged_count; m++)
            if (!target_add(ctx, targets, (struct expr){ .sql = scope->merged[m].sql, .type = scope->merged[m].type },
                            scope->merged[m].name))
                return false;
    }
    bool any = false;
    for (uint32_t i = 0; i < scope->relation_count; i++) {
        const struct relation *relation = scope->relations[i];
        if (alias && strcmp(relation->alias, alias) != 0) continue;
        any = true;
        for (uint32_t c = 0; c < relation_column_count(relation); c++) {
            const char *name = relation_column_name(relation, (int)c);
            bool is_merged = false;
            for (uint32_t m = 0; !alias && m < scope->merged_count; m++)
                is_merged = is_merged || (strcmp(scope->merged[m].name, name) == 0 &&
                                          (scope->merged[m].left == relation || scope->merged[m].right == relation));
            if (!is_merged && !target_add(ctx, targets, relation_expr(ctx, relation, (int)c), name)) return false;
        }
    }
    if (!any) fail_at(ctx, location, ERR_NO_TABLE, "missing FROM-clause entry for table \"%s\"", alias ? alias : "");
    return any;
}

static bool targets_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                         struct targets *targets)
{
    targets->values = arena_calloc(ctx->arena, RELATION_COLUMNS_MAX * sizeof *targets->values);
    targets->outputs = arena_calloc(ctx->arena, RELATION_COLUMNS_MAX * sizeof *targets->outputs);
    targets->gapfill.rules = arena_calloc(ctx->arena, (select->n_target_list + 1) * sizeof *targets->gapfill.rules);
    targets->gapfill.before = arena_calloc(ctx->arena, (select->n_target_list + 1) * sizeof *targets->gapfill.before);
    for (size_t i = 0; i < select->n_target_list; i++) {
        if (select->target_list[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            return fail_at(ctx, -1, ERR_SYNTAX, "the select list is not understood").sql;
        const PgQuery__ResTarget *target = select->target_list[i]->res_target;
        const PgQuery__Node *node = target->val;
        if (!node) return fail_at(ctx, target->location, ERR_SYNTAX, "an expression is missing").sql;
        if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields > 0 &&
            node->column_ref->fields[node->column_ref->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
            const char *alias = node->column_ref->n_fields > 1
                                    ? node_text(node->column_ref->fields[node->column_ref->n_fields - 2])
                                    : NULL;
            if (!star_add(ctx, scope, targets, alias, target->location)) return false;
            continue;
        }
        struct expr value = { 0 };
        if (targets->count < RELATION_COLUMNS_MAX &&
            !gapfill_target(ctx, scope, &targets->gapfill, node, targets->count + 1, &value))
            return false;
        if (!value.sql) value = expr_make(ctx, scope, node, QUERY_TYPE_UNKNOWN);
        if (value.is_untyped && value.sql) value = expr_make(ctx, scope, node, QUERY_TYPE_TEXT);
        /* Anything made of a column or a cast has a form no more. */
        if (node->node_case != PG_QUERY__NODE__NODE_TYPE_CAST && node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
            value.form = (struct query_form){ 0 };
        if (!target_add(ctx, targets, value, target->name && target->name[0] ? target->name : output_name(node)))
            return false;
    }
    return true;
}

/* The place in the select list that a GROUP BY or ORDER BY item means; 0: it is an expression. */
static uint32_t place_of(struct translate *ctx, const struct targets *targets, const PgQuery__Node *node, bool by_name)
{
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL &&
        !node->a_const->isnull) {
        int place = node->a_const->ival->ival;
        if (place >= 1 && (uint32_t)place <= targets->count) return (uint32_t)place;
        fail_at(ctx, node->a_const->location, ERR_INPUT, "position %d is not in select list", place);
        return 0;
    }
    if (!by_name || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1) return 0;
    const char *name = node_text(node->column_ref->fields[0]);
    for (uint32_t i = 0; name && i < targets->count; i++)
        if (strcmp(targets->outputs[i].name, name) == 0) return i + 1;
    return 0;
}

static bool is_input_column(struct scope *scope, const PgQuery__Node *node)
{
    const char *name = node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1
                           ? node_text(node->column_ref->fields[0])
                           : NULL;
    for (uint32_t i = 0; name && i < scope->relation_count; i++)
        if (relation_column(scope->relations[i], name) >= 0) return true;
    return false;
}

static const char *group_item(struct translate *ctx, struct scope *scope, const struct targets *targets,
                              const PgQuery__Node *node)
{
    if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
        static const char *const words[] = { "", "()", "", "ROLLUP", "CUBE", "GROUPING SETS" };
        const PgQuery__GroupingSet *set = node->grouping_set;
        if ((size_t)set->kind >= COUNT_OF(words) || set->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_SIMPLE)
            return fail_at(ctx, set->location, ERR_UNSUPPORTED, "this grouping is not supported").sql;
        if (set->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_EMPTY) return "()";
        const char *list = "";
        for (size_t i = 0; i < set->n_content; i++) {
            const char *item = group_item(ctx, scope, targets, set->content[i]);
            if (!item) return NULL;
            list = arena_printf(ctx->arena, "%s%s%s", list, i ? ", " : "", item);
        }
        return arena_printf(ctx->arena, "%s (%s)", words[set->kind], list);
    }
    if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        const char *list = "";
        for (size_t i = 0; i < node->row_expr->n_args; i++) {
            const char *item = group_item(ctx, scope, targets, node->row_expr->args[i]);
            if (!item) return NULL;
            list = arena_printf(ctx->arena, "%s%s%s", list, i ? ", " : "", item);
        }
        return arena_printf(ctx->arena, "(%s)", list);
    }
    uint32_t place = place_of(ctx, targets, node, !is_input_column(scope, node));
    if (ctx->err->code != ERR_OK) return NULL;
    if (place > 0)
        return targets->values[place - 1].is_free ? arena_printf(ctx->arena, "%u", place)
                                                  : targets->values[place - 1].sql;
    struct expr value = expr_make(ctx, scope, node, QUERY_TYPE_UNKNOWN);
    /* A constant is one group, but a number would be a place. */
    return value.sql && value.is_free ? arena_printf(ctx->arena, "coalesce(%s)", value.sql) : value.sql;
}

/* Marks what of the select list an item of GROUP BY names; false: it names something else. */
static bool keys_note(struct translate *ctx, struct scope *scope, const struct targets *targets,
                      const PgQuery__Node *node, struct folding *folding)
{
    bool is_set = node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET,
         is_row = node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR, any = false;
    if (is_set || is_row) {
        size_t count = is_set ? node->grouping_set->n_content : node->row_expr->n_args;
        PgQuery__Node **items = is_set ? node->grouping_set->content : node->row_expr->args;
        folding->has_sets = folding->has_sets || is_set;
        for (size_t i = 0; i < count; i++)
            if (!keys_note(ctx, scope, targets, items[i], folding)) return false;
        return true;
    }
    const char *item = group_item(ctx, scope, targets, node);
    for (uint32_t i = 0; item && i < targets->count; i++) {
        if (targets->values[i].is_free || strcmp(item, targets->values[i].sql) != 0) continue;
        folding->is_key[i] = any = true;
    }
    return any;
}

static bool order_by_put(struct translate *ctx, struct scope *scope, const struct targets *targets,
                         const PgQuery__SelectStmt *select, struct text *text)
{
    for (size_t i = 0; i < select->n_sort_clause; i++) {
        if (select->sort_clause[i]->node_case != PG_QUERY__NODE__NODE_SORT_BY)
            return fail_at(ctx, -1, ERR_SYNTAX, "ORDER BY is not understood").sql;
        const PgQuery__SortBy *sort = select->sort_clause[i]->sort_by;
        if (sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING)
            return fail_at(ctx, sort->location, ERR_UNSUPPORTED, "ORDER BY ... USING is not supported").sql;
        uint32_t place = place_of(ctx, targets, sort->node, true);
        if (ctx->err->code != ERR_OK) return false;
        text_put(text, i ? ", " : " ORDER BY ");
        if (place > 0) {
            text_put(text, arena_printf(ctx->arena, "%u", place));
        } else {
            if (!scope)
                return fail_at(
                           ctx, sort->location, ERR_UNSUPPORTED,
                           "ORDER BY after UNION, INTERSECT or EXCEPT, and of groups with gaps filled, takes names or "
                           "places of the result's columns")
                    .sql;
            struct expr value = expr_make(ctx, scope, sort->node, QUERY_TYPE_UNKNOWN);
            if (!value.sql) return false;
            text_put(text,
                     value.literal || value.is_free ? arena_printf(ctx->arena, "coalesce(%s)", value.sql) : value.sql);
        }
        if (sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC) text_put(text, " DESC");
        if (sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) text_put(text, " NULLS FIRST");
        if (sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) text_put(text, " NULLS LAST");
    }
    return true;
}

static bool limits_make(struct translate *ctx, const PgQuery__SelectStmt *select, const char **limit,
                        const char **offset)
{
    struct scope nothing = { 0 };
    *limit = *offset = NULL;
    if (select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "WITH TIES is not supported").sql;
    const PgQuery__Node *nodes[2] = { select->limit_count, select->limit_offset };
    const char **results[2] = { limit, offset };
    for (int i = 0; i < 2; i++) {
        if (!nodes[i] || (nodes[i]->node_case == PG_QUERY__NODE__NODE_A_CONST && nodes[i]->a_const->isnull)) continue;
        struct expr value = expr_make(ctx, &nothing, nodes[i], QUERY_TYPE_INT8);
        if (!value.sql) return false;
        if (!value.is_free || (value.type != QUERY_TYPE_UNKNOWN && !type_is_number(value.type)))
            return fail_at(ctx, -1, ERR_TYPE, "argument of %s must be a number that is no column",
                           i ? "OFFSET" : "LIMIT")
                .sql;
        *results[i] = value.type == QUERY_TYPE_INT8 || type_is_integer(value.type)
                          ? value.sql
                          : arena_printf(ctx->arena, "CAST(%s AS BIGINT)", value.sql);
    }
    return true;
}

/* WITH */

static void cte_name_columns(struct translate *ctx, struct cte *cte, const PgQuery__CommonTableExpr *expr)
{
    for (size_t c = 0; c < expr->n_aliascolnames && c < cte->column_count; c++)
        cte->columns[c].name =
            arena_printf(ctx->arena, "%s", node_text(expr->aliascolnames[c]) ? node_text(expr->aliascolnames[c]) : "");
}

/* first UNION [ALL] what may name the table itself, whose columns are those of the first. */
static const char *recursion_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *query,
                                  const struct cte *cte, const char *first)
{
    struct output *columns;
    uint32_t count;
    if (query->n_sort_clause > 0 || query->limit_count || query->limit_offset)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "ORDER BY and LIMIT in a recursive query are not supported").sql;
    const char *next = select_make(ctx, scope, query->rarg, &columns, &count);
    if (!next) return NULL;
    if (count != cte->column_count)
        return fail_at(ctx, -1, ERR_SYNTAX, "each UNION query must have the same number of columns").sql;
    return arena_printf(ctx->arena, "(%s) UNION%s (%s)", first, query->all ? " ALL" : "", next);
}

#define WORD_ROOM sizeof "NOT MATERIALIZED"

/* What is named twice is reckoned once. DuckDB would rather copy its plan when there is a LIMIT, and a copied plan asks for its
 * files by another path than the one that was given. begin: of WITH in the text. */
static void ctes_materialize(const struct scope *scope, struct text *text, size_t begin)
{
    static const char word[] = "MATERIALIZED    ";
    for (const struct cte *cte = scope->ctes; cte && text->buf.ptr; cte = cte->next)
        if (cte->uses > 1 && cte->word_at > 0 && begin + cte->word_at + sizeof word - 1 <= text->buf.len)
            memcpy(text->buf.ptr + begin + cte->word_at, word, sizeof word - 1);
}

static const char *with_make(struct translate *ctx, struct scope *scope, const PgQuery__WithClause *with)
{
    struct text text;
    text_init(&text, ctx);
    text_put(&text, with->recursive ? "WITH RECURSIVE " : "WITH ");
    for (size_t i = 0; i < with->n_ctes; i++) {
        if (with->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR) {
            fail_at(ctx, with->location, ERR_SYNTAX, "WITH is not understood");
            break;
        }
        const PgQuery__CommonTableExpr *expr = with->ctes[i]->common_table_expr;
        if (!expr->ctequery || expr->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT || expr->search_clause ||
            expr->cycle_clause) {
            fail_at(ctx, expr->location, ERR_UNSUPPORTED, "WITH can hold SELECT only: the tables are read-only");
            break;
        }
        struct cte *cte = arena_calloc(ctx->arena, sizeof *cte);
        const PgQuery__SelectStmt *query = expr->ctequery->select_stmt;
        bool is_recursive = with->recursive && query->op == PG_QUERY__SET_OPERATION__SETOP_UNION && query->larg &&
                            query->rarg && !query->with_clause;
        cte->name = arena_printf(ctx->arena, "%s", expr->ctename);
        cte->id = ++ctx->cte_count;
        GATE_LEAK_IF(GATE_DEFECT(CTE) && schema_table_by_name(bytes_of_text(cte->name)) != NULL);
        const char *sql =
            select_make(ctx, scope, is_recursive ? query->larg : query, &cte->columns, &cte->column_count);
        if (!sql) break;
        cte_name_columns(ctx, cte, expr);
        cte->next = scope->ctes;
        scope->ctes = cte;
        if (is_recursive && !(sql = recursion_make(ctx, scope, query, cte, sql))) break;
        const char *word = expr->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways ? "MATERIALIZED "
                           : expr->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeNever
                               ? "NOT MATERIALIZED "
                               : "";
        text_put(&text, arena_printf(ctx->arena, "%sw%u AS ", i ? ", " : "", cte->id));
        if (!is_recursive && word[0] != 'M') cte->word_at = text.buf.len;
        text_put(&text, cte->word_at > 0 ? arena_printf(ctx->arena, "%-*s", (int)WORD_ROOM, word) : word);
        text_put(&text, "(");
        text_put(&text, sql);
        text_put(&text, ")");
    }
    text_put(&text, " ");
    return text_end(&text);
}

/* VALUES (...), (...) */
static const char *values_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                               struct targets *targets)
{
    size_t width = 0, rows = select->n_values_lists;
    for (size_t r = 0; r < rows; r++) {
        const PgQuery__Node *row = select->values_lists[r];
        if (row->node_case != PG_QUERY__NODE__NODE_LIST || (r > 0 && row->list->n_items != width) ||
            row->list->n_items > RELATION_COLUMNS_MAX)
            return fail_at(ctx, -1, ERR_SYNTAX, "VALUES lists must all be the same length").sql;
        width = row->list->n_items;
    }
    targets->outputs = arena_calloc(ctx->arena, (width + 1) * sizeof *targets->outputs);
    targets->values = arena_calloc(ctx->arena, (width + 1) * sizeof *targets->values);
    targets->count = (uint32_t)width;
    enum query_type *types = arena_calloc(ctx->arena, (width + 1) * sizeof *types);
    for (size_t c = 0; c < width; c++) {
        for (size_t r = 0; r < rows; r++) {
            const PgQuery__Node *node = select->values_lists[r]->list->items[c];
            if (node_is_untyped(ctx, node)) continue;
            struct expr value = expr_make(ctx, scope, node, QUERY_TYPE_UNKNOWN);
            if (!value.sql) return NULL;
            types[c] = type_common(types[c], value.type);
        }
        if (types[c] == QUERY_TYPE_UNKNOWN) types[c] = QUERY_TYPE_TEXT;
        targets->outputs[c] = (struct output){ .name = arena_printf(ctx->arena, "column%zu", c + 1), .type = types[c] };
    }
    struct text text;
    text_init(&text, ctx);
    text_put(&text, "SELECT * FROM (VALUES ");
    for (size_t r = 0; r < rows; r++) {
        text_put(&text, r ? ", (" : "(");
        for (size_t c = 0; c < width; c++) {
            struct expr value = expr_make(ctx, scope, select->values_lists[r]->list->items[c], types[c]);
            if (!value.sql) break;
            if (c > 0) text_put(&text, ", ");
            text_put(&text, value.sql);
        }
        text_put(&text, ")");
    }
    text_put(&text, arena_printf(ctx->arena, ") AS v%u(", ++ctx->relation_count));
    for (size_t c = 0; c < width; c++) text_put(&text, arena_printf(ctx->arena, "%sc%zu", c ? ", " : "", c + 1));
    text_put(&text, ")");
    return text_end(&text);
}

static bool tail_put(struct translate *ctx, struct scope *scope, const struct targets *targets,
                     const PgQuery__SelectStmt *select, struct text *text)
{
    const char *limit, *offset;
    if (!order_by_put(ctx, scope, targets, select, text) || !limits_make(ctx, select, &limit, &offset)) return false;
    if (limit) text_put(text, arena_printf(ctx->arena, " LIMIT %s", limit));
    if (offset) text_put(text, arena_printf(ctx->arena, " OFFSET %s", offset));
    return true;
}

static const char *set_operation_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                                      struct targets *targets)
{
    static const char *const words[] = { "", "", "UNION", "INTERSECT", "EXCEPT" };
    struct output *right_columns;
    uint32_t right_count;
    const char *left = select_make(ctx, scope, select->larg, &targets->outputs, &targets->count);
    if (!left) return NULL;
    const char *right = select_make(ctx, scope, select->rarg, &right_columns, &right_count);
    if (!right) return NULL;
    const char *word = (size_t)select->op < COUNT_OF(words) ? words[select->op] : "";
    if (right_count != targets->count)
        return fail_at(ctx, -1, ERR_SYNTAX, "each %s query must have the same number of columns", word).sql;
    targets->values = arena_calloc(ctx->arena, (right_count + 1) * sizeof *targets->values);
    struct output *outputs = arena_alloc(ctx->arena, (right_count + 1) * sizeof *outputs);
    for (uint32_t i = 0; i < right_count; i++) {
        const struct output *l = &targets->outputs[i], *r = &right_columns[i];
        bool is_alike = l->type == r->type && l->form.text == r->form.text;
        outputs[i] = (struct output){ .name = l->name, .type = type_common(l->type, r->type) };
        if (is_alike) outputs[i].form = l->form;
        if (l->form.modifier != r->form.modifier) outputs[i].form.modifier = 0;
    }
    targets->outputs = outputs;
    return arena_printf(ctx->arena, "(%s) %s%s (%s)", left, word, select->all ? " ALL" : "", right);
}

/* By a place of the select list that is a column of identity.h, or may hold one. */
static bool sorts_by_identity(struct translate *ctx, const struct targets *targets, const PgQuery__SelectStmt *select)
{
    for (size_t i = 1; i < select->n_sort_clause; i++) {
        uint32_t place = place_of(ctx, targets, select->sort_clause[i]->sort_by->node, true);
        const struct expr *value = place > 0 ? &targets->values[place - 1] : NULL;
        if (value && (!value->relation || identity_field(value->relation->schema, (uint32_t)value->column) >= 0))
            return true;
    }
    return false;
}

/* A select of one table's rows as they are, newest or oldest first, up to a limit. identity_uses: those of the select list. */
static void walk_note(struct translate *ctx, struct scope *scope, const struct targets *targets,
                      const PgQuery__SelectStmt *select, uint32_t identity_uses)
{
    if (scope->outer || scope->relation_count != 1 || scope->relations[0]->table < 0 || scope->has_aggregate ||
        scope->has_window || scope->has_rows_function)
        return;
    if (select->n_sort_clause == 0 || !select->limit_count || select->n_distinct_clause > 0 ||
        select->n_group_clause > 0 || select->having_clause || select->with_clause || ctx->plan->table_count != 1)
        return;
    const struct relation *relation = scope->relations[0];
    const PgQuery__SortBy *sort = select->sort_clause[0]->sort_by;
    uint32_t place = place_of(ctx, targets, sort->node, true);
    struct expr value = place > 0 ? targets->values[place - 1] : expr_make(ctx, scope, sort->node, QUERY_TYPE_UNKNOWN);
    if (value.relation != relation || value.column != (int)relation->schema->timestamp) return;
    const char *limit, *offset;
    if (!limits_make(ctx, select, &limit, &offset) || !limit) return;
    ctx->plan->is_walk = true;
    ctx->plan->walk_has_trace =
        identity_uses > 0 && ctx->identity_uses == identity_uses && !sorts_by_identity(ctx, targets, select);
    ctx->plan->is_walk_descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    ctx->plan->walk_limit = limit;
    ctx->plan->walk_offset = offset;
}

static const char *piece(struct translate *ctx, const struct text *text, size_t from, size_t to)
{
    return arena_printf(ctx->arena, "%.*s", (int)(to - from), (const char *)text->buf.ptr + from);
}

/* Puts a mark in the place of the select when it can be put together from parts. ends: of its list, FROM, WHERE, GROUP BY. */
static void fold_note(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                      const struct targets *targets, size_t begin, const size_t ends[4], struct text *text)
{
    if (ctx->err->code != ERR_OK || !text->buf.ptr || targets->count == 0 || targets->count > FOLD_COLUMNS_MAX) return;
    struct folding folding = { .values = targets->values, .count = targets->count };
    for (size_t i = 0; i < select->n_group_clause; i++)
        if (!keys_note(ctx, scope, targets, select->group_clause[i], &folding)) return;
    for (size_t i = 0; i < select->n_sort_clause; i++)
        if (place_of(ctx, targets, select->sort_clause[i]->sort_by->node, true) == 0) return;
    folding.whole = piece(ctx, text, begin, text->buf.len);
    folding.from = piece(ctx, text, ends[0], ends[1]);
    folding.where = piece(ctx, text, ends[1], ends[2]);
    folding.group = piece(ctx, text, ends[2], ends[3]);
    folding.tail = piece(ctx, text, ends[3], text->buf.len);
    const char *mark = fold_make(ctx, scope, select, &folding);
    if (!mark) return;
    text->buf.len = begin;
    text_put(text, mark);
}

/* The same where cubes can answer it, which know of whose a row is what is its own (shows_others in cube_answer.c). */
static void groups_note(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                        const struct targets *targets, size_t begin, const size_t ends[4], bool asks_whose,
                        struct text *text)
{
    struct plan *plan = ctx->plan;
    uint32_t folds = plan->fold_count;
    int number = cube_note(ctx, scope, select, begin, ends, text);
    if (scope->has_aggregate && !asks_whose) fold_note(ctx, scope, select, targets, begin, ends, text);
    if (number < 0 || ctx->err->code != ERR_OK || !text->buf.ptr) return;
    struct plan_cube *cube = &plan->cubes[number];
    if (plan->fold_count > folds) cube->fold = (int)folds;
    cube->otherwise = piece(ctx, text, begin, text->buf.len);
    text->buf.len = begin;
    text_put(text, mark(ctx, 'Q', (uint32_t)number));
}

/* The select of groups so far becomes one that has all buckets. begin: of the select in text. */
static const char *gaps_put(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                            struct targets *targets, size_t begin, struct text *text)
{
    if (ctx->err->code != ERR_OK) return NULL;
    struct folding folding = { .values = targets->values, .count = targets->count };
    if (targets->gapfill.place == 0 || targets->count > FOLD_COLUMNS_MAX || select->n_distinct_clause > 0 ||
        targets->count != select->n_target_list)
        return fail_at(ctx, -1, ERR_UNSUPPORTED,
                       "time_bucket_gapfill() stands as an item of its own in a select list of at most %d, without "
                       "DISTINCT",
                       FOLD_COLUMNS_MAX)
            .sql;
    for (size_t i = 0; i < select->n_group_clause; i++)
        if (!keys_note(ctx, scope, targets, select->group_clause[i], &folding) || folding.has_sets)
            return fail_at(ctx, -1, ERR_UNSUPPORTED,
                           "with time_bucket_gapfill() each key of GROUP BY stands in the select list, and there are "
                           "no sets")
                .sql;
    if (!folding.is_key[targets->gapfill.place - 1])
        return fail_at(ctx, -1, ERR_SYNTAX, "time_bucket_gapfill() needs to be in GROUP BY").sql;
    const char *groups = piece(ctx, text, begin, text->buf.len);
    const char *sql =
        gapfill_select(ctx, scope, &targets->gapfill, select, groups, targets->values, folding.is_key, targets->count);
    if (!sql) return NULL;
    text->buf.len = begin;
    text_put(text, "SELECT * FROM (");
    text_put(text, sql);
    text_put(text, arena_printf(ctx->arena, ") AS r%u", ++ctx->relation_count));
    return tail_put(ctx, NULL, targets, select, text) ? "" : NULL;
}

struct expr where_make(struct translate *ctx, struct scope *scope, const PgQuery__Node *where)
{
    struct expr condition = expr_make(ctx, scope, where, QUERY_TYPE_BOOL);
    if (!condition.sql || condition.type == QUERY_TYPE_BOOL || condition.type == QUERY_TYPE_UNKNOWN) return condition;
    return fail_at(ctx, -1, ERR_TYPE, "argument of WHERE must be type boolean, not type %s", type_name(condition.type));
}

static const char *plain_select_make(struct translate *ctx, struct scope *scope, const PgQuery__SelectStmt *select,
                                     struct targets *targets, struct text *text)
{
    const char *from = "";
    uint32_t select_count = ctx->select_count, table_count = ctx->plan->table_count, identities = ctx->identity_uses;
    for (size_t i = 0; i < select->n_from_clause; i++) {
        const char *item = from_item(ctx, scope, select->from_clause[i]);
        if (!item) return NULL;
        from = arena_printf(ctx->arena, "%s%s%s", from, i ? ", " : " FROM ", item);
    }
    scope->allows_aggregate = true;
    if (!targets_make(ctx, scope, select, targets)) return NULL;
    scope->allows_aggregate = false;
    uint32_t identity_uses = ctx->identity_uses;
    struct expr where = { .sql = "" };
    if (select->where_clause) {
        where = where_make(ctx, scope, select->where_clause);
        if (!where.sql) return NULL;
        conditions_add(ctx, scope, select->where_clause, 0, scope->relation_count);
    }
    size_t begin = text->buf.len, ends[4];
    text_put(text, "SELECT ");
    if (select->n_distinct_clause > 0) {
        text_put(text, "DISTINCT ");
        bool is_on =
            select->distinct_clause[0] && select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
        for (size_t i = 0; is_on && i < select->n_distinct_clause; i++) {
            uint32_t place = place_of(ctx, targets, select->distinct_clause[i], true);
            struct expr value = place > 0 ? targets->values[place - 1]
                                          : expr_make(ctx, scope, select->distinct_clause[i], QUERY_TYPE_UNKNOWN);
            if (!value.sql) return NULL;
            text_put(text, i ? ", " : "ON (");
            text_put(text, value.sql);
        }
        if (is_on) text_put(text, ") ");
    }
    for (uint32_t i = 0; i < targets->count; i++) {
        if (i > 0) text_put(text, ", ");
        text_put(text, targets->values[i].sql);
        text_put(text, arena_printf(ctx->arena, " AS c%u", i + 1));
    }
    if (targets->count == 0) text_put(text, "1 AS c1"); /* SELECT FROM t */
    bool is_top = !scope->outer;
    size_t extra_at = ends[0] = text->buf.len;
    text_put(text, from);
    ends[1] = text->buf.len;
    if (select->where_clause) {
        text_put(text, " WHERE ");
        text_put(text, where.sql);
    }
    ends[2] = text->buf.len;
    for (size_t i = 0; i < select->n_group_clause; i++) {
        const char *item = group_item(ctx, scope, targets, select->group_clause[i]);
        if (!item) return NULL;
        text_put(text, i ? ", " : " GROUP BY ");
        text_put(text, item);
    }
    ends[3] = text->buf.len;
    scope->allows_aggregate = true;
    if (select->having_clause) {
        struct expr having = expr_make(ctx, scope, select->having_clause, QUERY_TYPE_BOOL);
        if (!having.sql) return NULL;
        text_put(text, " HAVING ");
        text_put(text, having.sql);
    }
    if (targets->gapfill.place > 0 || scope->has_gapfill) return gaps_put(ctx, scope, select, targets, begin, text);
    if (!tail_put(ctx, scope, targets, select, text)) return NULL;
    if (ctx->select_count == select_count && ctx->plan->table_count == table_count + 1)
        groups_note(ctx, scope, select, targets, begin, ends, ctx->identity_uses != identities, text);
    if (is_top) {
        walk_note(ctx, scope, targets, select, identity_uses);
        if (ctx->plan->is_walk && ctx->err->code == ERR_OK) {
            const struct relation *relation = scope->relations[0];
            const char *extra = relation_expr(ctx, relation, (int)relation->schema->timestamp).sql;
            extra = arena_printf(ctx->arena, "%s AS walked", extra);
            if (ctx->plan->walk_has_trace)
                extra = arena_printf(ctx->arena, "%s, %s AS walked_trace", extra,
                                     relation_expr(ctx, relation, LOGS_AND_SPANS_context___trace_id).sql);
            ctx->plan->walk_sql =
                arena_printf(ctx->arena, "%.*s, %s%.*s", (int)extra_at, (const char *)text->buf.ptr, extra,
                             (int)(text->buf.len - extra_at), (const char *)text->buf.ptr + extra_at);
        }
    }
    return "";
}

const char *select_make(struct translate *ctx, struct scope *outer, const PgQuery__SelectStmt *select,
                        struct output **columns, uint32_t *column_count)
{
    if (select->into_clause)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "SELECT INTO is not supported: the tables are read-only").sql;
    if (select->n_locking_clause > 0)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "FOR UPDATE and FOR SHARE are not supported: the tables are read-only")
            .sql;
    if (++ctx->depth > TRANSLATE_DEPTH_MAX)
        return fail_at(ctx, -1, ERR_TOO_LARGE, "the statement is nested too deeply").sql;
    ctx->select_count++;
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    scope->outer = outer;
    scope->select = select;
    struct targets targets = { 0 };
    struct text text;
    text_init(&text, ctx);
    const char *body = "";
    size_t with_begin = text.buf.len;
    if (select->with_clause) {
        const char *with = with_make(ctx, scope, select->with_clause);
        if (!with) goto done;
        text_put(&text, with);
    }
    if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE &&
        select->op != PG_QUERY__SET_OPERATION__SET_OPERATION_UNDEFINED) {
        if (!select->larg || !select->rarg) goto done;
        body = set_operation_make(ctx, scope, select, &targets);
        if (!body) goto done;
        text_put(&text, body);
        tail_put(ctx, NULL, &targets, select, &text);
    } else if (select->n_values_lists > 0) {
        body = values_make(ctx, scope, select, &targets);
        if (!body) goto done;
        text_put(&text, body);
        tail_put(ctx, NULL, &targets, select, &text);
    } else {
        plain_select_make(ctx, scope, select, &targets, &text);
    }
done:
    ctes_materialize(scope, &text, with_begin);
    ctx->depth--;
    *columns = targets.outputs;
    *column_count = targets.count;
    return text_end(&text);
}

const char *returning_make(struct translate *ctx, struct scope *scope, PgQuery__Node **list, size_t count)
{
    PgQuery__SelectStmt select = PG_QUERY__SELECT_STMT__INIT;
    struct plan *plan = ctx->plan;
    struct targets targets = { 0 };
    struct text text;
    select.n_target_list = count;
    select.target_list = list;
    if (!targets_make(ctx, scope, &select, &targets)) return NULL;
    if (scope->has_window || scope->has_rows_function || scope->has_gapfill)
        return fail_at(ctx, -1, ERR_UNSUPPORTED,
                       "RETURNING is of each row: windows and functions that give rows are not in it")
            .sql;
    plan->column_count = targets.count;
    plan->columns = arena_calloc(ctx->arena, (targets.count + 1) * sizeof *plan->columns);
    text_init(&text, ctx);
    for (uint32_t i = 0; i < targets.count; i++) {
        plan->columns[i] =
            (struct query_column){ targets.outputs[i].name, targets.outputs[i].type, targets.outputs[i].form };
        text_put(&text, arena_printf(ctx->arena, "%s%s AS c%u", i ? ", " : "", targets.values[i].sql, i + 1));
    }
    return text_end(&text);
}
