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
            fail_at(ctx, target->location, ERR_COLUMN_TWICE, "column \"%.60s\" specified more than once", name);
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
            return fail_at(ctx, -1, ERR_COLUMN_TWICE, "a column is specified more than once").sql;
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
    const struct temporary *own = temporary_named(ctx, stmt->relation);
    if (own) return temporary_insert_make(ctx, own, stmt);
    struct plan_insert *insert = insert_target_make(ctx, stmt->relation, stmt->cols, stmt->n_cols);
    plan->kind = PLAN_INSERT;
    plan->tag = "INSERT";
    plan->insert = insert;
    if (!insert) return false;
    if (stmt->on_conflict_clause && !conflict_take(ctx, stmt->on_conflict_clause, insert)) return false;
    struct insert_column *columns = arena_calloc(ctx->arena, (insert->count + 1) * sizeof *columns);
    for (uint32_t c = 0; c < insert->count; c++) {
        const struct schema_column *column = &insert->table->columns[insert->columns[c]];
        columns[c] = (struct insert_column){ .name = column->name, .type = type_of_schema(column->type) };
    }
    struct insert_into into = {
        .columns = columns, .count = insert->count, .has_list = stmt->n_cols > 0, .is_stored = true
    };
    plan->sql = insert_source(ctx, stmt, &into);
    insert->count = into.count;
    insert->cells = into.cells;
    insert->row_count = into.row_count;
    return plan->sql && insert_returning_make(ctx, stmt, insert);
}
