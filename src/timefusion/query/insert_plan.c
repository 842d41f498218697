/* INSERT: the rows as a SELECT of values as they are stored, checked and typed as any other. */
#include "timefusion/query/insert.h"
#include "timefusion/query/translate.h"

static const struct schema_table *target_find(struct translate *ctx, const PgQuery__RangeVar *target)
{
    const char *schema_name = target->schemaname && target->schemaname[0] ? target->schemaname : NULL;
    const struct schema_table *table = schema_table_by_name(bytes_of_text(target->relname));
    if (target->catalogname && target->catalogname[0] && strcmp(target->catalogname, "monoscope") != 0) {
        fail_at(ctx, target->location, ERR_UNSUPPORTED, "cross-database references are not implemented");
        return NULL;
    }
    bool is_public = !schema_name || strcmp(schema_name, "public") == 0;
    if (is_public && strcmp(target->relname, "telemetry") == 0)
        fail_at(ctx, target->location, ERR_UNSUPPORTED,
                "telemetry is a view of two tables; write to otel_logs_and_spans or otel_metrics");
    else if (!is_public && (strcmp(schema_name, "pg_catalog") == 0 || strcmp(schema_name, "information_schema") == 0))
        fail_at(ctx, target->location, ERR_FORBIDDEN, "\"%.60s\" describes tables and cannot be written",
                target->relname);
    else if (!is_public || !table)
        fail_at(ctx, target->location, ERR_NO_TABLE,
                "relation \"%s%s%s\" does not exist; rows can be written to otel_logs_and_spans and otel_metrics",
                schema_name ? schema_name : "", schema_name ? "." : "", target->relname);
    else
        return table;
    return NULL;
}

static bool column_take(struct translate *ctx, const struct schema_table *table, const PgQuery__Node *node,
                        uint32_t *columns, uint32_t count)
{
    PgQuery__ResTarget plain = PG_QUERY__RES_TARGET__INIT;
    const PgQuery__ResTarget *target = &plain;
    if (node->node_case == PG_QUERY__NODE__NODE_RES_TARGET) target = node->res_target;
    const char *name = target == &plain ? node_text(node) : target->name;
    if (!name) name = "";
    int found = schema_column_index(table, bytes_of_text(name));
    struct err why = { 0 };
    if (found < 0)
        return fail_at(ctx, target->location, ERR_NO_COLUMN, "column \"%.60s\" of relation \"%s\" does not exist", name,
                       table->name)
            .sql;
    if (target->n_indirection > 0)
        return fail_at(ctx, target->location, ERR_UNSUPPORTED, "write the whole of column \"%.60s\", not a part of it",
                       name)
            .sql;
    if (!insert_column_check(table, (uint32_t)found, &why))
        return fail_at(ctx, target->location, why.code, "%s", why.text).sql;
    for (uint32_t c = 0; c < count; c++)
        if (columns[c] == (uint32_t)found) {
            fail_at(ctx, target->location, ERR_EXISTS, "column \"%.60s\" specified more than once", name);
            return false;
        }
    columns[count] = (uint32_t)found;
    return true;
}

/* Without a list: all columns, in the table's order, of which the last ones may have no value. */
static bool columns_take(struct translate *ctx, PgQuery__Node **names, size_t count, struct plan_insert *insert)
{
    uint32_t *columns = arena_calloc(ctx->arena, (insert->table->column_count + count) * sizeof *columns);
    insert->columns = columns;
    for (size_t i = 0; i < count; i++) {
        if (insert->count == insert->table->column_count)
            return fail_at(ctx, -1, ERR_EXISTS, "a column is specified more than once").sql;
        if (!column_take(ctx, insert->table, names[i], columns, insert->count)) return false;
        insert->count++;
    }
    for (uint32_t c = 0; count == 0 && c < insert->table->column_count; c++)
        if ((insert->table->columns[c].flags & SCHEMA_DERIVED) == 0) columns[insert->count++] = c;
    return true;
}

struct plan_insert *insert_target_make(struct translate *ctx, const PgQuery__RangeVar *target, PgQuery__Node **names,
                                       size_t count)
{
    struct plan_insert *insert = arena_calloc(ctx->arena, sizeof *insert);
    insert->table = target_find(ctx, target);
    return insert->table && columns_take(ctx, names, count, insert) ? insert : NULL;
}

/* PostgreSQL's casts in assignments (pg_cast), of the types there are. */
static bool is_assignable(enum query_type from, enum query_type to)
{
    if (from == to || from == QUERY_TYPE_UNKNOWN) return true;
    if (type_is_list(from) != type_is_list(to)) return to == QUERY_TYPE_TEXT;
    if (type_is_list(from)) return is_assignable(type_element(from), type_element(to));
    if (type_is_number(from) && type_is_number(to)) return true;
    if (to == QUERY_TYPE_TEXT) return true;
    bool is_time = from == QUERY_TYPE_DATE || from == QUERY_TYPE_TIMESTAMP || from == QUERY_TYPE_TIMESTAMPTZ;
    return is_time && (to == QUERY_TYPE_DATE || to == QUERY_TYPE_TIMESTAMP || to == QUERY_TYPE_TIMESTAMPTZ);
}

/* A value as the table stores it; NULL: failed. */
static const char *stored(struct translate *ctx, const struct schema_table *table, uint32_t column, struct expr value,
                          int location)
{
    const struct schema_column *into = &table->columns[column];
    enum query_type want = type_of_schema(into->type);
    if (!value.sql) return NULL;
    if (!value.is_untyped && !is_assignable(value.type, want))
        return fail_at(ctx, location, ERR_TYPE, "column \"%s\" is of type %s but expression is of type %s", into->name,
                       type_name(want), type_name(value.type))
            .sql;
    const char *sql = expr_cast(ctx, value, want).sql;
    if (want == QUERY_TYPE_UUID) return arena_printf(ctx->arena, "CAST(%s AS VARCHAR)", sql);
    if (want == QUERY_TYPE_JSONB) return arena_printf(ctx->arena, "CAST(json(%s) AS VARCHAR)", sql);
    return sql;
}

static int location_of(const PgQuery__Node *node)
{
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST: return node->a_const->location;
    case PG_QUERY__NODE__NODE_COLUMN_REF: return node->column_ref->location;
    case PG_QUERY__NODE__NODE_PARAM_REF: return node->param_ref->location;
    case PG_QUERY__NODE__NODE_FUNC_CALL: return node->func_call->location;
    case PG_QUERY__NODE__NODE_TYPE_CAST: return node->type_cast->location;
    case PG_QUERY__NODE__NODE_A_EXPR: return node->a_expr->location;
    default: return -1;
    }
}

static bool count_check(struct translate *ctx, const struct plan_insert *insert, bool has_list, size_t count)
{
    if (count > insert->count) {
        fail_at(ctx, -1, ERR_SYNTAX, "INSERT has more expressions than target columns");
        return false;
    }
    if (has_list && count < insert->count) {
        fail_at(ctx, -1, ERR_SYNTAX, "INSERT has more target columns than expressions");
        return false;
    }
    return true;
}

/* A constant, a parameter, now(), or one of them cast to the column's own type. False: something else. */
static bool cell_read(struct translate *ctx, const PgQuery__Node *node, enum query_type want, struct insert_cell *cell)
{
    const PgQuery__AConst *constant = node->node_case == PG_QUERY__NODE__NODE_A_CONST ? node->a_const : NULL;
    bool is_number = type_is_number(want) || want == QUERY_TYPE_TEXT;
    if (node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT || (constant && constant->isnull)) {
        cell->kind = INSERT_NULL;
        return true;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
        *cell = (struct insert_cell){ .kind = INSERT_PARAMETER, .parameter = (uint32_t)node->param_ref->number };
        return true;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && want == QUERY_TYPE_TIMESTAMPTZ) {
        const PgQuery__FuncCall *call = node->func_call;
        cell->kind = INSERT_NOW;
        return call->n_args == 0 && call->n_funcname == 1 && strcmp(node_text(call->funcname[0]), "now") == 0;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
        int precision, scale;
        const PgQuery__Node *inner = node->type_cast->arg;
        bool is_plain = inner && (inner->node_case == PG_QUERY__NODE__NODE_PARAM_REF ||
                                  (inner->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                                   inner->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL));
        return is_plain && node->type_cast->type_name->n_typmods == 0 &&
               type_of_node(ctx, node->type_cast->type_name, &precision, &scale) == want &&
               cell_read(ctx, inner, want, cell);
    }
    cell->kind = INSERT_TEXT;
    if (!constant) return false;
    switch (constant->val_case) {
    case PG_QUERY__A__CONST__VAL_SVAL:
        cell->text = bytes_of_text(arena_printf(ctx->arena, "%s", constant->sval->sval));
        return true;
    case PG_QUERY__A__CONST__VAL_IVAL:
        cell->text = bytes_of_text(arena_printf(ctx->arena, "%d", constant->ival->ival));
        return is_number;
    case PG_QUERY__A__CONST__VAL_FVAL: /* what integers are rounded to is DuckDB's to say */
        cell->text = bytes_of_text(arena_printf(ctx->arena, "%s", constant->fval->fval));
        return want == QUERY_TYPE_FLOAT8;
    case PG_QUERY__A__CONST__VAL_BOOLVAL:
        cell->text = bytes_of_text(constant->boolval->boolval ? "true" : "false");
        return want == QUERY_TYPE_BOOL;
    default: return false;
    }
}

static bool values_row(struct translate *ctx, struct scope *scope, struct plan_insert *insert,
                       const PgQuery__List *list, struct insert_cell *cells, bool *is_direct, struct text *text)
{
    for (size_t i = 0; i < list->n_items; i++) {
        const PgQuery__Node *node = list->items[i];
        enum query_type want = type_of_schema(insert->table->columns[insert->columns[i]].type);
        const char *sql = "NULL";
        if (node->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
            sql = stored(ctx, insert->table, insert->columns[i], expr_make(ctx, scope, node, want), location_of(node));
        if (!sql) return false;
        *is_direct = *is_direct && cell_read(ctx, node, want, &cells[i]);
        text_put(text, i ? ", " : "(");
        text_put(text, sql);
    }
    text_put(text, ")");
    return true;
}

static const char *values_sql(struct translate *ctx, const PgQuery__SelectStmt *select, struct plan_insert *insert,
                              bool has_list)
{
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    struct text text;
    struct insert_cell *cells = NULL;
    uint32_t count = 0;
    bool is_direct = true;
    text_init(&text, ctx);
    text_put(&text, "SELECT * FROM (VALUES ");
    for (size_t r = 0; r < select->n_values_lists; r++) {
        const PgQuery__List *list = select->values_lists[r]->list;
        if (r == 0) {
            if (!count_check(ctx, insert, has_list, list->n_items)) break;
            insert->count = count = (uint32_t)list->n_items;
            cells = arena_calloc(ctx->arena, (select->n_values_lists * count + 1) * sizeof *cells);
        }
        if (list->n_items != count) {
            fail_at(ctx, -1, ERR_SYNTAX, "VALUES lists must all be the same length");
            break;
        }
        if (r > 0) text_put(&text, ", ");
        if (!values_row(ctx, scope, insert, list, cells + r * count, &is_direct, &text)) break;
    }
    if (is_direct) insert->cells = cells;
    insert->row_count = (uint32_t)select->n_values_lists;
    text_put(&text, ") AS v(");
    for (uint32_t c = 0; c < count; c++) text_put(&text, arena_printf(ctx->arena, "%sc%u", c ? ", " : "", c + 1));
    text_put(&text, ")");
    return text_end(&text);
}

/* A text that a select gives goes into any column, as PostgreSQL takes a literal there. */
static const char *select_sql(struct translate *ctx, const PgQuery__SelectStmt *select, struct plan_insert *insert,
                              bool has_list)
{
    struct output *columns;
    uint32_t count;
    const char *inner = select_make(ctx, NULL, select, &columns, &count);
    if (!inner || !count_check(ctx, insert, has_list, count)) return NULL;
    const char *sql = "SELECT ";
    insert->count = count;
    for (uint32_t c = 0; c < count; c++) {
        struct expr value = { .sql = arena_printf(ctx->arena, "q.c%u", c + 1), .type = columns[c].type };
        value.is_untyped = value.type == QUERY_TYPE_TEXT || value.type == QUERY_TYPE_UNKNOWN;
        const char *put = stored(ctx, insert->table, insert->columns[c], value, -1);
        if (!put) return NULL;
        sql = arena_printf(ctx->arena, "%s%s%s AS c%u", sql, c ? ", " : "", put, c + 1);
    }
    return arena_printf(ctx->arena, "%s FROM (%s) AS q", sql, inner);
}

static bool conflict_take(struct translate *ctx, const PgQuery__OnConflictClause *clause, struct plan_insert *insert)
{
    if (clause->action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING)
        return fail_at(ctx, clause->location, ERR_UNSUPPORTED,
                       "ON CONFLICT DO UPDATE is not supported; DO NOTHING is, and UPDATE changes what was derived")
            .sql;
    const PgQuery__InferClause *infer = clause->infer;
    bool is_id = !infer || (!infer->conname[0] && infer->n_index_elems == 1 && !infer->where_clause &&
                            infer->index_elems[0]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM &&
                            strcmp(infer->index_elems[0]->index_elem->name, "id") == 0);
    if (!is_id) {
        fail_at(ctx, clause->location, ERR_UNSUPPORTED, "rows are told apart by id alone: ON CONFLICT (id) DO NOTHING");
        return false;
    }
    insert->skips_conflicts = true;
    return true;
}

bool insert_make(struct translate *ctx, const PgQuery__InsertStmt *stmt)
{
    struct plan *plan = ctx->plan;
    struct plan_insert *insert = insert_target_make(ctx, stmt->relation, stmt->cols, stmt->n_cols);
    plan->kind = PLAN_INSERT;
    plan->tag = "INSERT";
    plan->insert = insert;
    if (!insert) return false;
    if (stmt->n_returning_list > 0)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "RETURNING is not supported; write ids of your own and SELECT by them")
            .sql;
    if (stmt->on_conflict_clause && !conflict_take(ctx, stmt->on_conflict_clause, insert)) return false;
    if (!stmt->select_stmt || stmt->select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "a row needs at least a timestamp; DEFAULT VALUES has none").sql;
    PgQuery__SelectStmt select = *stmt->select_stmt->select_stmt;
    if (stmt->with_clause && select.with_clause)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "WITH stands either before INSERT or before SELECT").sql;
    if (stmt->with_clause) select.with_clause = stmt->with_clause;
    bool is_values = select.n_values_lists > 0 && !select.with_clause && select.n_sort_clause == 0 &&
                     !select.limit_count && !select.limit_offset;
    plan->sql = is_values ? values_sql(ctx, &select, insert, stmt->n_cols > 0)
                          : select_sql(ctx, &select, insert, stmt->n_cols > 0);
    return plan->sql != NULL;
}
