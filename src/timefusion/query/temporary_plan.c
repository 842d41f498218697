/* Statements of a session's own tables: CREATE TEMPORARY TABLE, SELECT INTO, INSERT, UPDATE, DELETE, TRUNCATE, DROP. */
#include "timefusion/query/translate.h"

#define NAME_BYTES_MAX 63 /* as PostgreSQL's */

static bool is_temporary_schema(const PgQuery__RangeVar *var)
{
    return !var->schemaname || !var->schemaname[0] || strcmp(var->schemaname, "pg_temp") == 0;
}

const struct temporary *temporary_named(struct translate *ctx, const PgQuery__RangeVar *var)
{
    return is_temporary_schema(var) ? temporaries_find(ctx->temporaries, var->relname) : NULL;
}

/* A mark for it; NULL: failed. */
static const char *mark_of(struct translate *ctx, const struct temporary *temporary)
{
    struct plan *plan = ctx->plan;
    uint32_t n = 0;
    while (n < plan->temporary_count && plan->temporary_ids[n] != temporary->id) n++;
    if (n == PLAN_TABLES_MAX)
        return fail_at(ctx, -1, ERR_TOO_LARGE, "more than %d table references in a statement", PLAN_TABLES_MAX).sql;
    if (n == plan->temporary_count) plan->temporary_ids[plan->temporary_count++] = temporary->id;
    return mark(ctx, 'X', n);
}

const char *temporary_relation(struct translate *ctx, const struct temporary *temporary, struct relation *relation)
{
    const struct temporary_table *table = &temporary->table;
    const char *sql = mark_of(ctx, temporary);
    relation->column_count = table->column_count;
    relation->columns = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *relation->columns);
    for (uint32_t c = 0; c < table->column_count; c++)
        relation->columns[c] = (struct output){ .name = arena_printf(ctx->arena, "%s", table->columns[c].name),
                                                .type = table->columns[c].type,
                                                .form = table->columns[c].form };
    return sql ? arena_printf(ctx->arena, "%s AS r%u", sql, relation->id) : NULL;
}

/* --- CREATE --- */

static bool is_telemetry(const char *name)
{
    return strcmp(name, "telemetry") == 0 || schema_table_by_name(bytes_of_text(name)) != NULL;
}

static struct plan_temporary *act_take(struct translate *ctx, enum temporary_act act, const char *tag)
{
    struct plan_temporary *temporary = arena_calloc(ctx->arena, sizeof *temporary);
    temporary->act = act;
    ctx->plan->kind = PLAN_TEMPORARY;
    ctx->plan->tag = tag;
    ctx->plan->temporary = temporary;
    return temporary;
}

static void commit_take(PgQuery__OnCommitAction action, struct temporary_table *table)
{
    table->on_commit = action == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DROP          ? TEMPORARY_GOES
                       : action == PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_DELETE_ROWS ? TEMPORARY_IS_EMPTIED
                                                                                    : TEMPORARY_STAYS;
}

/* Only a session's own tables are made here. */
static bool name_take(struct translate *ctx, const PgQuery__RangeVar *var, struct temporary_table *table)
{
    bool is_ours = var->schemaname && strcmp(var->schemaname, "pg_temp") == 0;
    if (!is_temporary_schema(var))
        return fail_at(ctx, var->location, ERR_UNSUPPORTED, "a temporary table has no schema but pg_temp").sql;
    if (strcmp(var->relpersistence, "t") != 0 && !is_ours)
        return fail_hint(ctx,
                         fail_at(ctx, var->location, ERR_FORBIDDEN,
                                 "tables of a session's own are all that can be created"),
                         "write CREATE TEMPORARY TABLE: it is there until the connection ends, and for it alone")
            .sql;
    if (strlen(var->relname) > NAME_BYTES_MAX || !var->relname[0])
        return fail_at(ctx, var->location, ERR_INPUT, "a name has at most %d bytes", NAME_BYTES_MAX).sql;
    if (is_telemetry(var->relname) || strncmp(var->relname, "pg_", 3) == 0 ||
        strncmp(var->relname, "timefusion_", 11) == 0) /* what statements of ours name must stay what it is */
        return fail_at(ctx, var->location, ERR_TABLE_EXISTS, "relation \"%.60s\" already exists, choose another name",
                       var->relname)
            .sql;
    table->name = arena_printf(ctx->arena, "%s", var->relname);
    return true;
}

static int column_named(const struct temporary_table *table, const char *name)
{
    for (uint32_t c = 0; c < table->column_count; c++)
        if (strcmp(table->columns[c].name, name) == 0) return (int)c;
    return -1;
}

static const char *body_type(struct translate *ctx, const struct temporary_column *column, uint32_t number)
{
    int modifier = (int)column->form.modifier - 1;
    if (column->type == QUERY_TYPE_NUMERIC && modifier >= 4)
        return arena_printf(ctx->arena, "DECIMAL(%d,%d)", (modifier - 4) >> 16, (modifier - 4) & 0xFFFF);
    if (column->type == QUERY_TYPE_TEXT && modifier >= 4)
        return arena_printf(ctx->arena, "VARCHAR CHECK (c%u IS NULL OR length(c%u) <= %d)", number, number,
                            modifier - 4);
    return type_duckdb(column->type);
}

/* Its rules, as DuckDB writes them behind the type; NULL: failed. */
static const char *rules_take(struct translate *ctx, const PgQuery__ColumnDef *def, struct temporary_table *table,
                              struct temporary_column *column)
{
    const char *rules = "";
    for (size_t i = 0; i < def->n_constraints; i++) {
        const PgQuery__Constraint *rule = def->constraints[i]->constraint;
        const char *word = NULL;
        switch (rule->contype) {
        case PG_QUERY__CONSTR_TYPE__CONSTR_NULL: word = ""; break;
        case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL: word = " NOT NULL"; break;
        case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY: word = " PRIMARY KEY"; break;
        case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE: word = " UNIQUE"; break;
        case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT: {
            struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
            const struct insert_column into = { .name = column->name, .type = column->type };
            struct expr value = expr_make(ctx, scope, rule->raw_expr, column->type);
            if (!value.sql) return NULL;
            if (!value.is_free)
                return fail_at(ctx, rule->location, ERR_UNSUPPORTED, "a DEFAULT here is a constant, or now()").sql;
            column->otherwise = insert_value(ctx, &into, false, value, rule->location);
            if (!column->otherwise) return NULL;
            word = "";
            break;
        }
        default: break;
        }
        if (!word)
            return fail_at(ctx, rule->location, ERR_UNSUPPORTED,
                           "a temporary table's columns may be NOT NULL, PRIMARY KEY, UNIQUE and have a DEFAULT")
                .sql;
        table->has_keys = table->has_keys || rule->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY ||
                          rule->contype == PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE;
        column->is_required = column->is_required || rule->contype == PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL ||
                              rule->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
        rules = arena_printf(ctx->arena, "%s%s", rules, word);
    }
    return rules;
}

static const char *column_take(struct translate *ctx, const PgQuery__ColumnDef *def, struct temporary_table *table,
                               struct temporary_column *column)
{
    int precision, scale;
    if (column_named(table, def->colname) >= 0)
        return fail_at(ctx, def->location, ERR_COLUMN_TWICE, "column \"%.60s\" specified more than once", def->colname)
            .sql;
    if (!def->type_name || def->coll_clause || (def->identity && def->identity[0]) ||
        (def->generated && def->generated[0]))
        return fail_at(ctx, def->location, ERR_UNSUPPORTED, "column \"%.60s\" is of a kind that is not supported here",
                       def->colname)
            .sql;
    column->name = arena_printf(ctx->arena, "%s", def->colname);
    column->type = type_of_node(ctx, def->type_name, &precision, &scale);
    if (column->type == QUERY_TYPE_UNKNOWN || !form_of_node(ctx, def->type_name, column->type, &column->form))
        return NULL;
    const char *rules = rules_take(ctx, def, table, column);
    uint32_t number = table->column_count + 1;
    return rules ? arena_printf(ctx->arena, "c%u %s%s", number, body_type(ctx, column, number), rules) : NULL;
}

/* PRIMARY KEY (a, b), UNIQUE (a) */
static const char *key_take(struct translate *ctx, const PgQuery__Constraint *rule, struct temporary_table *table,
                            struct temporary_column *columns)
{
    bool is_primary = rule->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
    if (!is_primary && rule->contype != PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE)
        return fail_at(ctx, rule->location, ERR_UNSUPPORTED, "a temporary table's rules are PRIMARY KEY and UNIQUE")
            .sql;
    const char *list = "";
    for (size_t i = 0; i < rule->n_keys; i++) {
        const char *name = node_text(rule->keys[i]);
        int found = name ? column_named(table, name) : -1;
        if (found < 0)
            return fail_at(ctx, rule->location, ERR_NO_COLUMN, "column \"%.60s\" named in key does not exist",
                           name ? name : "")
                .sql;
        list = arena_printf(ctx->arena, "%s%sc%d", list, i ? ", " : "", found + 1);
        columns[found].is_required = columns[found].is_required || is_primary;
    }
    table->has_keys = true;
    return arena_printf(ctx->arena, "%s (%s)", is_primary ? "PRIMARY KEY" : "UNIQUE", list);
}

static bool body_make(struct translate *ctx, const PgQuery__CreateStmt *stmt, struct temporary_table *table)
{
    struct temporary_column *columns = arena_calloc(ctx->arena, (stmt->n_table_elts + 1) * sizeof *columns);
    const char *body = "";
    table->columns = columns;
    for (int keys = 0; keys < 2; keys++) { /* columns first: keys may name any of them */
        for (size_t i = 0; i < stmt->n_table_elts; i++) {
            const PgQuery__Node *node = stmt->table_elts[i];
            const char *piece;
            if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
                if (keys) continue;
                if (table->column_count == TEMPORARY_COLUMNS_MAX)
                    return fail_at(ctx, -1, ERR_TOO_LARGE, "tables can have at most %d columns", TEMPORARY_COLUMNS_MAX)
                        .sql;
                piece = column_take(ctx, node->column_def, table, &columns[table->column_count]);
                table->column_count += piece != NULL;
            } else if (node->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
                if (!keys) continue;
                piece = key_take(ctx, node->constraint, table, columns);
            } else {
                return fail_at(ctx, -1, ERR_UNSUPPORTED,
                               "LIKE is not supported in CREATE TABLE; CREATE TABLE ... AS is")
                    .sql;
            }
            if (!piece) return false;
            body = arena_printf(ctx->arena, "%s%s%s", body, body[0] ? ", " : "", piece);
        }
    }
    if (table->column_count == 0)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "a table needs at least one column here").sql;
    table->body = arena_printf(ctx->arena, "(%s)", body);
    return true;
}

bool temporary_create_make(struct translate *ctx, const PgQuery__CreateStmt *stmt)
{
    struct plan_temporary *temporary = act_take(ctx, TEMPORARY_CREATE, "CREATE TABLE");
    temporary->is_there_fine = stmt->if_not_exists;
    if (!name_take(ctx, stmt->relation, &temporary->table)) return false;
    if (stmt->n_inh_relations > 0 || stmt->partbound || stmt->partspec || stmt->of_typename || stmt->n_options > 0 ||
        (stmt->tablespacename && stmt->tablespacename[0]))
        return fail_at(ctx, stmt->relation->location, ERR_UNSUPPORTED,
                       "a temporary table has columns and keys, and no partitions, parents, options or tablespace")
            .sql;
    commit_take(stmt->oncommit, &temporary->table);
    return body_make(ctx, stmt, &temporary->table);
}

static bool fill_make(struct translate *ctx, const PgQuery__IntoClause *into, const PgQuery__SelectStmt *select,
                      bool is_there_fine)
{
    struct plan_temporary *temporary = act_take(ctx, TEMPORARY_CREATE, into->skip_data ? "CREATE TABLE AS" : "SELECT");
    struct temporary_table *table = &temporary->table;
    struct plan *plan = ctx->plan;
    struct output *outputs;
    temporary->is_there_fine = is_there_fine;
    temporary->has_rows = !into->skip_data;
    if (!name_take(ctx, into->rel, table)) return false;
    plan->sql = select_make(ctx, NULL, select, &outputs, &table->column_count);
    if (!plan->sql) return false;
    if (into->n_col_names > table->column_count)
        return fail_at(ctx, into->rel->location, ERR_SYNTAX, "too many column names were specified").sql;
    struct temporary_column *columns = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *columns);
    plan->columns = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *plan->columns);
    uint32_t count = table->column_count;
    table->columns = columns;
    table->column_count = 0;
    for (uint32_t c = 0; c < count; c++) {
        const char *name = c < into->n_col_names ? node_text(into->col_names[c]) : outputs[c].name;
        if (name && column_named(table, name) >= 0)
            return fail_at(ctx, into->rel->location, ERR_COLUMN_TWICE, "column \"%.60s\" specified more than once",
                           name)
                .sql;
        columns[c].name = arena_printf(ctx->arena, "%s", name ? name : "");
        plan->columns[c] = (struct query_column){ columns[c].name, outputs[c].type, outputs[c].form };
        table->column_count++;
    }
    plan->column_count = count; /* until DuckDB has said what they are: temporary_described */
    commit_take(into->on_commit, table);
    return true;
}

void temporary_described(struct plan *plan)
{
    struct temporary_table *table = &plan->temporary->table;
    if (plan->temporary->act != TEMPORARY_CREATE || !plan->sql) return;
    struct temporary_column *columns = arena_calloc(&plan->arena, (table->column_count + 1) * sizeof *columns);
    const char *list = "";
    for (uint32_t c = 0; c < table->column_count; c++) {
        columns[c] = (struct temporary_column){ .name = table->columns[c].name,
                                                .type = plan->columns[c].type,
                                                .form = plan->columns[c].form };
        list = arena_printf(&plan->arena, plan->casts && plan->casts[c] ? "%s%sCAST(c%u AS VARCHAR) AS c%u" : "%s%sc%u",
                            list, c ? ", " : "", c + 1, c + 1);
    }
    table->columns = columns;
    plan->sql = arena_printf(&plan->arena, "SELECT %s FROM (%s) AS q", list, plan->sql);
    plan->columns = NULL;
    plan->casts = NULL;
    plan->column_count = 0;
}

bool temporary_create_as_make(struct translate *ctx, const PgQuery__CreateTableAsStmt *stmt)
{
    if (stmt->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE || !stmt->query ||
        stmt->query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "CREATE TEMPORARY TABLE ... AS is of a SELECT").sql;
    return fill_make(ctx, stmt->into, stmt->query->select_stmt, stmt->if_not_exists);
}

bool temporary_into_make(struct translate *ctx, const PgQuery__SelectStmt *select)
{
    PgQuery__SelectStmt plain = *select;
    plain.into_clause = NULL;
    return fill_make(ctx, select->into_clause, &plain, false);
}

/* --- DROP, TRUNCATE, DISCARD --- */

bool temporary_drop_make(struct translate *ctx, const PgQuery__DropStmt *stmt)
{
    struct plan_temporary *temporary = act_take(ctx, TEMPORARY_DROP, "DROP TABLE");
    const char **names = arena_calloc(ctx->arena, (stmt->n_objects + 1) * sizeof *names);
    temporary->names = names;
    temporary->is_missing_fine = stmt->missing_ok;
    if (stmt->remove_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE)
        return fail_at(ctx, -1, ERR_FORBIDDEN, "only temporary tables can be dropped").sql;
    for (size_t i = 0; i < stmt->n_objects; i++) {
        const PgQuery__List *list =
            stmt->objects[i]->node_case == PG_QUERY__NODE__NODE_LIST ? stmt->objects[i]->list : NULL;
        const char *name = list && list->n_items > 0 ? node_text(list->items[list->n_items - 1]) : NULL;
        const char *schema = list && list->n_items == 2 ? node_text(list->items[0]) : NULL;
        bool is_own = name && list->n_items <= 2 && (!schema || strcmp(schema, "pg_temp") == 0);
        if (!name || !is_own || is_telemetry(name))
            return fail_at(ctx, -1, ERR_FORBIDDEN, "only temporary tables can be dropped").sql;
        if (!stmt->missing_ok && !temporaries_find(ctx->temporaries, name))
            return fail_at(ctx, -1, ERR_NO_TABLE, "table \"%.60s\" does not exist", name).sql;
        names[temporary->name_count++] = arena_printf(ctx->arena, "%s", name);
    }
    return true;
}

bool temporary_truncate_make(struct translate *ctx, const PgQuery__TruncateStmt *stmt)
{
    struct plan_temporary *temporary = act_take(ctx, TEMPORARY_EMPTY, "TRUNCATE TABLE");
    const char **names = arena_calloc(ctx->arena, (stmt->n_relations + 1) * sizeof *names);
    temporary->names = names;
    for (size_t i = 0; i < stmt->n_relations; i++) {
        const PgQuery__RangeVar *var =
            stmt->relations[i]->node_case == PG_QUERY__NODE__NODE_RANGE_VAR ? stmt->relations[i]->range_var : NULL;
        if (!var || !temporary_named(ctx, var))
            return fail_at(ctx, -1, ERR_FORBIDDEN,
                           "TRUNCATE is for temporary tables; of others DELETE ... WHERE removes rows")
                .sql;
        names[temporary->name_count++] = arena_printf(ctx->arena, "%s", var->relname);
    }
    return true;
}

bool temporary_discard_make(struct translate *ctx)
{
    act_take(ctx, TEMPORARY_DROP_ALL, "DISCARD TEMP");
    return true;
}

/* --- INSERT, UPDATE, DELETE --- */

/* " RETURNING ..."; NULL: failed. What the rows take is asked for behind it (temporary.c). */
static const char *returning_words(struct translate *ctx, struct scope *scope, PgQuery__Node **list, size_t count)
{
    uint32_t selects = ctx->select_count;
    const char *values = count > 0 ? returning_make(ctx, scope, list, count) : NULL;
    if (count == 0) return "";
    if (values && ctx->select_count > selects) /* DuckDB has none there */
        return fail_at(ctx, -1, ERR_UNSUPPORTED, "RETURNING of a temporary table has no subqueries: SELECT from it")
            .sql;
    return values ? arena_printf(ctx->arena, " RETURNING %s", values) : NULL;
}

static bool column_take_named(struct translate *ctx, const struct temporary_table *table, const char *name,
                              int location, bool *is_named, uint32_t *column)
{
    int found = name ? column_named(table, name) : -1;
    if (found < 0)
        return fail_at(ctx, location, ERR_NO_COLUMN, "column \"%.60s\" of relation \"%.60s\" does not exist",
                       name ? name : "", table->name)
            .sql;
    if (is_named[found])
        return fail_at(ctx, location, ERR_COLUMN_TWICE, "column \"%.60s\" specified more than once", name).sql;
    *column = (uint32_t)found;
    return is_named[found] = true;
}

static bool target_take(struct translate *ctx, const struct temporary_table *table, const PgQuery__ResTarget *target,
                        bool *is_named, uint32_t *column)
{
    if (target->n_indirection > 0)
        return fail_at(ctx, target->location, ERR_UNSUPPORTED, "write the whole of column \"%.60s\", not a part of it",
                       target->name)
            .sql;
    return column_take_named(ctx, table, target->name, target->location, is_named, column);
}

bool temporary_copy_make(struct translate *ctx, const struct temporary *temporary, const PgQuery__CopyStmt *stmt)
{
    const struct temporary_table *table = &temporary->table;
    struct plan *plan = ctx->plan;
    bool *is_named = arena_calloc(ctx->arena, table->column_count + 1);
    act_take(ctx, TEMPORARY_COPY, "COPY")->table.name = arena_printf(ctx->arena, "%s", table->name);
    if (!mark_of(ctx, temporary)) return false;
    plan->columns = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *plan->columns);
    for (size_t i = 0; i < (stmt->n_attlist ? stmt->n_attlist : table->column_count); i++) {
        uint32_t c = (uint32_t)i;
        if (stmt->n_attlist && !column_take_named(ctx, table, node_text(stmt->attlist[i]), -1, is_named, &c))
            return false;
        plan->columns[plan->column_count++] =
            (struct query_column){ arena_printf(ctx->arena, "%s", table->columns[c].name), table->columns[c].type,
                                   table->columns[c].form };
    }
    return true;
}

static const char *conflict_words(struct translate *ctx, const struct temporary_table *table,
                                  const PgQuery__OnConflictClause *clause)
{
    if (!clause) return "";
    if (clause->action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING || clause->infer)
        return fail_at(ctx, clause->location, ERR_UNSUPPORTED,
                       "of a temporary table ON CONFLICT DO NOTHING is supported, for all of its keys")
            .sql;
    return table->has_keys ? " ON CONFLICT DO NOTHING" : "";
}

bool temporary_insert_make(struct translate *ctx, const struct temporary *temporary, const PgQuery__InsertStmt *stmt)
{
    const struct temporary_table *table = &temporary->table;
    struct plan *plan = ctx->plan;
    uint32_t *numbers = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *numbers), count = 0;
    bool *is_named = arena_calloc(ctx->arena, table->column_count + 1);
    struct insert_column *columns = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *columns);
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    act_take(ctx, TEMPORARY_WRITE, "INSERT");
    const char *on_conflict = conflict_words(ctx, table, stmt->on_conflict_clause);
    const char *target = from_target(ctx, scope, stmt->relation) ? mark_of(ctx, temporary) : NULL;
    if (target) scope->relations[0]->called = target;
    if (!target || !on_conflict) return false;
    for (size_t i = 0; i < stmt->n_cols; i++) {
        const PgQuery__ResTarget *named = stmt->cols[i]->res_target;
        if (!target_take(ctx, table, named, is_named, &numbers[count])) return false;
        count++;
    }
    for (uint32_t c = 0; stmt->n_cols == 0 && c < table->column_count; c++) numbers[count++] = c;
    for (uint32_t i = 0; i < count; i++) {
        const struct temporary_column *column = &table->columns[numbers[i]];
        const char *otherwise = column->otherwise ? arena_printf(ctx->arena, "%s", column->otherwise) : NULL;
        columns[i] = (struct insert_column){ arena_printf(ctx->arena, "%s", column->name), column->type, otherwise };
    }
    struct insert_into into = { .columns = columns, .count = count, .has_list = stmt->n_cols > 0 };
    const char *source = insert_source(ctx, stmt, &into), *names = "", *values = "";
    if (!source) return false;
    for (uint32_t i = 0; i < into.count; i++) {
        is_named[numbers[i]] = true;
        names = arena_printf(ctx->arena, "%s%sc%u", names, i ? ", " : "", numbers[i] + 1);
        values = arena_printf(ctx->arena, "%s%sq.c%u", values, i ? ", " : "", i + 1);
    }
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (is_named[c] || !table->columns[c].otherwise) continue;
        names = arena_printf(ctx->arena, "%s, c%u", names, c + 1);
        values = arena_printf(ctx->arena, "%s, %s", values, table->columns[c].otherwise);
    }
    const char *returning = returning_words(ctx, scope, stmt->returning_list, stmt->n_returning_list);
    if (!returning) return false;
    plan->sql = arena_printf(ctx->arena, "INSERT INTO %s (%s) SELECT %s FROM (%s) AS q%s%s", target, names, values,
                             source, on_conflict, returning);
    return true;
}

/* " WHERE ..."; NULL: failed. */
static const char *rows_chosen(struct translate *ctx, struct scope *scope, const PgQuery__Node *where)
{
    if (!where) return "";
    struct expr condition = where_make(ctx, scope, where);
    return condition.sql ? arena_printf(ctx->arena, " WHERE %s", condition.sql) : NULL;
}

bool temporary_update_make(struct translate *ctx, const struct temporary *temporary, const PgQuery__UpdateStmt *stmt)
{
    const struct temporary_table *table = &temporary->table;
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    bool *is_named = arena_calloc(ctx->arena, table->column_count + 1);
    act_take(ctx, TEMPORARY_WRITE, "UPDATE");
    const char *target = from_target(ctx, scope, stmt->relation), *list = "";
    if (!target) return false;
    for (size_t i = 0; i < stmt->n_target_list; i++) {
        uint32_t c;
        if (stmt->target_list[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            return fail_at(ctx, -1, ERR_SYNTAX, "the SET list is not understood").sql;
        const PgQuery__ResTarget *set = stmt->target_list[i]->res_target;
        if (!target_take(ctx, table, set, is_named, &c)) return false;
        const struct insert_column into = { .name = table->columns[c].name, .type = table->columns[c].type };
        const char *value = table->columns[c].otherwise ? table->columns[c].otherwise : "NULL";
        if (set->val && set->val->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT)
            value = insert_value(ctx, &into, false, expr_make(ctx, scope, set->val, into.type), set->location);
        if (!value) return false;
        list = arena_printf(ctx->arena, "%s%sc%u = %s", list, i ? ", " : "", c + 1, value);
    }
    const char *where = rows_chosen(ctx, scope, stmt->where_clause);
    const char *returning = where ? returning_words(ctx, scope, stmt->returning_list, stmt->n_returning_list) : NULL;
    if (!returning) return false;
    ctx->plan->sql = arena_printf(ctx->arena, "UPDATE %s SET %s%s%s", target, list, where, returning);
    return true;
}

bool temporary_delete_make(struct translate *ctx, const PgQuery__DeleteStmt *stmt)
{
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    act_take(ctx, TEMPORARY_WRITE, "DELETE");
    const char *target = from_target(ctx, scope, stmt->relation);
    const char *where = target ? rows_chosen(ctx, scope, stmt->where_clause) : NULL;
    const char *returning = where ? returning_words(ctx, scope, stmt->returning_list, stmt->n_returning_list) : NULL;
    if (!returning) return false;
    ctx->plan->sql = arena_printf(ctx->arena, "DELETE FROM %s%s%s", target, where, returning);
    return true;
}
