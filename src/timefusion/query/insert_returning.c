/* RETURNING of an INSERT: over what is known of its rows before they are kept, which is what the statement says of them, and id,
 * timestamp, date and project. What follows from these (kind, hashes, summary ...) is made once they are kept. */
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/insert.h"
#include "timefusion/query/literal.h"
#include "timefusion/query/translate.h"
#include <inttypes.h>

#define DAY_US INT64_C(86400000000)

static bool is_known(const struct plan_insert *insert, uint32_t column)
{
    const struct schema_table *table = insert->table;
    if (column == table->row_id || column == table->timestamp || column == table->date || column == table->project_id)
        return true;
    for (uint32_t i = 0; i < insert->count; i++)
        if (insert->columns[i] == column) return true;
    return false;
}

bool insert_returning_make(struct translate *ctx, const PgQuery__InsertStmt *stmt, struct plan_insert *insert)
{
    const struct schema_table *table = insert->table;
    struct scope *scope = arena_calloc(ctx->arena, sizeof *scope);
    const PgQuery__Alias *alias = stmt->relation->alias;
    if (stmt->n_returning_list == 0) return true;
    struct relation *relation = relation_create(ctx, scope, alias && alias->aliasname ? alias->aliasname : table->name);
    if (!relation) return false;
    uint32_t *returned = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *returned);
    relation->columns = arena_calloc(ctx->arena, (table->column_count + 1) * sizeof *relation->columns);
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!is_known(insert, c)) continue;
        relation->columns[insert->returned_count] =
            (struct output){ .name = table->columns[c].name, .type = type_of_schema(table->columns[c].type) };
        returned[insert->returned_count++] = c;
    }
    insert->returned = returned;
    relation->column_count = insert->returned_count;
    const char *values = returning_make(ctx, scope, stmt->returning_list, stmt->n_returning_list);
    if (!values) {
        if (ctx->err->code == ERR_NO_COLUMN)
            err_hint(ctx->err, "RETURNING knows id, timestamp, date, project_id and the columns that the statement "
                               "writes; what follows "
                               "from them is there once the row is kept: SELECT it by id");
        return false;
    }
    ctx->plan->returning =
        arena_printf(ctx->arena, "SELECT %s FROM %s AS r%u", values, mark(ctx, 'R', 0), relation->id);
    return true;
}

/* --- the relation --- */

static const char *type_put_of(enum schema_type type)
{
    return type_duckdb(type == SCHEMA_TYPE_JSON ? QUERY_TYPE_TEXT : type_of_schema(type));
}

bool insert_returned_none(const struct plan_insert *insert, struct buf *relation)
{
    bool ok = buf_printf(relation, "(SELECT ");
    for (uint32_t i = 0; ok && i < insert->returned_count; i++)
        ok = buf_printf(relation, "%sCAST(NULL AS %s) AS c%u", i ? ", " : "",
                        type_put_of(insert->table->columns[insert->returned[i]].type), i + 1);
    return ok && buf_printf(relation, " WHERE false)");
}

static bool list_put(struct buf *out, const struct batch_value *value)
{
    const uint8_t *at = value->list.at;
    bool ok = buf_printf(out, "[");
    for (uint32_t i = 0; ok && i < value->list.count; i++) {
        ok = i == 0 || buf_printf(out, ", ");
        if (value->type == SCHEMA_TYPE_TEXT_LIST)
            ok = ok && literal_quote(out, batch_list_text(&at));
        else if (value->type == SCHEMA_TYPE_BIGINT_LIST)
            ok = ok && buf_printf(out, "%" PRId64, batch_list_int(value, i));
        else
            ok = ok && buf_printf(out, "CAST('%.17g' AS DOUBLE)", batch_list_double(value, i));
    }
    return ok && buf_printf(out, "]");
}

static bool value_put(struct buf *out, const struct batch_value *value)
{
    switch (value->type) {
    case SCHEMA_TYPE_BOOLEAN: return buf_printf(out, value->boolean ? "true" : "false");
    case SCHEMA_TYPE_DATE: return buf_printf(out, "DATE '1970-01-01' + CAST(%" PRId64 " AS INTEGER)", value->integer);
    case SCHEMA_TYPE_TIMESTAMPTZ: return buf_printf(out, LITERAL_TIME, value->integer);
    case SCHEMA_TYPE_INTEGER:
    case SCHEMA_TYPE_BIGINT: return buf_printf(out, "%" PRId64, value->integer);
    case SCHEMA_TYPE_DOUBLE: return buf_printf(out, "'%.17g'", value->number);
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return literal_quote(out, value->text);
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return list_put(out, value);
    }
    return false;
}

static bool column_put(struct buf *out, const struct query_cursor *cursor, const struct batch_row *row, uint32_t column)
{
    const struct schema_table *table = cursor->plan->insert->table;
    const struct batch_value *value = batch_row_value(row, column);
    int64_t day = (row->timestamp_us - (row->timestamp_us < 0 ? DAY_US - 1 : 0)) / DAY_US;
    struct batch_value made = { .column = column, .type = table->columns[column].type, .integer = row->timestamp_us };
    char text[UUID_TEXT_BYTES + 1];
    if (column == table->timestamp) value = &made;
    if (column == table->date) {
        made.integer = day;
        value = &made;
    }
    if (column == table->project_id) {
        uuid_to_text(cursor->session->project_id, text);
        made.text = bytes_of_text(text);
        value = &made;
    }
    return buf_printf(out, "CAST(") && (value ? value_put(out, value) : buf_printf(out, "NULL")) &&
           buf_printf(out, " AS %s)", type_put_of(table->columns[column].type));
}

bool insert_returned(struct query_cursor *cursor, const struct session_rows_mark *mark, struct buf *relation,
                     struct err *err)
{
    const struct plan_insert *insert = cursor->plan->insert;
    struct bytes all = buf_bytes(&cursor->session->rows.batch.bytes);
    size_t from = mark->batch.len > 0 ? mark->batch.len : BATCH_HEAD_BYTES;
    struct batch_reader reader = { .at = all.ptr + (from < all.len ? from : all.len), .end = all.ptr + all.len };
    struct batch_row row;
    bool ok = true;
    uint32_t count = 0;
    for (; ok && batch_reader_next(&reader, &row, err); count++) {
        ok = buf_printf(relation, count ? ", (" : "(SELECT * FROM (VALUES (");
        for (uint32_t i = 0; ok && i < insert->returned_count; i++)
            ok = (i == 0 || buf_printf(relation, ", ")) && column_put(relation, cursor, &row, insert->returned[i]);
        ok = ok && buf_printf(relation, ")");
    }
    if (err->code != ERR_OK) return false;
    if (count == 0)
        return (insert_returned_none(insert, relation) && buf_add(relation, "", 1)) ||
               err_set(err, ERR_TOO_LARGE, "the statement is too long");
    ok = ok && buf_printf(relation, ") AS v(");
    for (uint32_t i = 0; ok && i < insert->returned_count; i++)
        ok = buf_printf(relation, "%sc%u", i ? ", " : "", i + 1);
    ok = ok && buf_printf(relation, "))") && buf_add(relation, "", 1);
    return ok || err_set(err, ERR_TOO_LARGE,
                         "nothing was written: RETURNING of so many rows takes too much; write fewer at once");
}
