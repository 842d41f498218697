/* What INSERT puts into a table: VALUES or a SELECT, each value as its column takes it. */
#include "timefusion/query/insert.h"
#include "timefusion/query/translate.h"

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

const char *insert_value(struct translate *ctx, const struct insert_column *into, bool is_stored, struct expr value,
                         int location)
{
    enum query_type want = into->type;
    if (!value.sql) return NULL;
    if (!value.is_untyped && !is_assignable(value.type, want))
        return fail_at(ctx, location, ERR_TYPE, "column \"%s\" is of type %s but expression is of type %s", into->name,
                       type_name(want), type_name(value.type))
            .sql;
    const char *sql = expr_cast(ctx, value, want).sql;
    if (want == QUERY_TYPE_UUID && is_stored) return arena_printf(ctx->arena, "CAST(%s AS VARCHAR)", sql);
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

static bool count_check(struct translate *ctx, const struct insert_into *into, size_t count)
{
    if (count > into->count) {
        fail_at(ctx, -1, ERR_SYNTAX, "INSERT has more expressions than target columns");
        return false;
    }
    if (into->has_list && count < into->count) {
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

static bool values_row(struct translate *ctx, struct scope *scope, const struct insert_into *into,
                       const PgQuery__List *list, struct insert_cell *cells, bool *is_direct, struct text *text)
{
    for (size_t i = 0; i < list->n_items; i++) {
        const PgQuery__Node *node = list->items[i];
        enum query_type want = into->columns[i].type;
        const char *sql = into->columns[i].otherwise ? into->columns[i].otherwise : "NULL";
        if (node->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
            sql = insert_value(ctx, &into->columns[i], into->is_stored, expr_make(ctx, scope, node, want),
                               location_of(node));
        if (!sql) return false;
        *is_direct = *is_direct && cell_read(ctx, node, want, &cells[i]);
        text_put(text, i ? ", " : "(");
        text_put(text, sql);
    }
    text_put(text, ")");
    return true;
}

static const char *values_sql(struct translate *ctx, const PgQuery__SelectStmt *select, struct insert_into *into)
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
            if (!count_check(ctx, into, list->n_items)) break;
            into->count = count = (uint32_t)list->n_items;
            cells = arena_calloc(ctx->arena, (select->n_values_lists * count + 1) * sizeof *cells);
        }
        if (list->n_items != count) {
            fail_at(ctx, -1, ERR_SYNTAX, "VALUES lists must all be the same length");
            break;
        }
        if (r > 0) text_put(&text, ", ");
        if (!values_row(ctx, scope, into, list, cells + r * count, &is_direct, &text)) break;
    }
    if (is_direct) into->cells = cells;
    into->row_count = (uint32_t)select->n_values_lists;
    text_put(&text, ") AS v(");
    for (uint32_t c = 0; c < count; c++) text_put(&text, arena_printf(ctx->arena, "%sc%u", c ? ", " : "", c + 1));
    text_put(&text, ")");
    return text_end(&text);
}

/* A text that a select gives goes into any column, as PostgreSQL takes a literal there. */
static const char *select_sql(struct translate *ctx, const PgQuery__SelectStmt *select, struct insert_into *into)
{
    struct output *columns;
    uint32_t count;
    const char *inner = select_make(ctx, NULL, select, &columns, &count);
    if (!inner || !count_check(ctx, into, count)) return NULL;
    const char *sql = "SELECT ";
    into->count = count;
    for (uint32_t c = 0; c < count; c++) {
        struct expr value = { .sql = arena_printf(ctx->arena, "q.c%u", c + 1), .type = columns[c].type };
        value.is_untyped = value.type == QUERY_TYPE_TEXT || value.type == QUERY_TYPE_UNKNOWN;
        const char *put = insert_value(ctx, &into->columns[c], into->is_stored, value, -1);
        if (!put) return NULL;
        sql = arena_printf(ctx->arena, "%s%s%s AS c%u", sql, c ? ", " : "", put, c + 1);
    }
    return arena_printf(ctx->arena, "%s FROM (%s) AS q", sql, inner);
}

const char *insert_source(struct translate *ctx, const PgQuery__InsertStmt *stmt, struct insert_into *into)
{
    if (!stmt->select_stmt || stmt->select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, -1, ERR_UNSUPPORTED,
                       "a row needs at least one value, a timestamp for instance; DEFAULT VALUES has none")
            .sql;
    PgQuery__SelectStmt select = *stmt->select_stmt->select_stmt;
    if (stmt->with_clause && select.with_clause)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "WITH stands either before INSERT or before SELECT").sql;
    if (stmt->with_clause) select.with_clause = stmt->with_clause;
    bool is_values = select.n_values_lists > 0 && !select.with_clause && select.n_sort_clause == 0 &&
                     !select.limit_count && !select.limit_offset;
    return is_values ? values_sql(ctx, &select, into) : select_sql(ctx, &select, into);
}
