/* INSERT: the rows of its select, as they are stored, into the session's batch. */
#include "timefusion/query/insert.h"
#include "timefusion/query/cursor_inside.h"
#include "timefusion/query/insert_value.h"
#include "timefusion/query/rows.h"
#include <stdlib.h>

struct source_column {
    uint32_t column; /* of the table */
    enum schema_type type;
    const void *data;
    const uint64_t *validity;
    const void *child; /* of lists */
    const uint64_t *child_validity;
};

struct insertion {
    struct query_cursor *cursor;
    const struct plan_insert *insert;
    struct source_column *columns;
    struct insert_row row;
    struct arena lists; /* of one row */
};

static bool is_valid(const uint64_t *validity, uint64_t row)
{
    return !validity || (validity[row / 64] >> (row % 64) & 1);
}

static void source_set(struct insertion *insertion, duckdb_data_chunk chunk)
{
    for (uint32_t c = 0; c < insertion->insert->count; c++) {
        struct source_column *column = &insertion->columns[c];
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, c);
        column->data = duckdb_vector_get_data(vector);
        column->validity = duckdb_vector_get_validity(vector);
        if (column->type != SCHEMA_TYPE_TEXT_LIST && column->type != SCHEMA_TYPE_BIGINT_LIST &&
            column->type != SCHEMA_TYPE_DOUBLE_LIST)
            continue;
        duckdb_vector child = duckdb_list_vector_get_child(vector);
        column->child = duckdb_vector_get_data(child);
        column->child_validity = duckdb_vector_get_validity(child);
    }
}

static struct bytes text_at(const void *data, uint64_t at)
{
    duckdb_string_t *text = (duckdb_string_t *)(uintptr_t)data + at;
    return bytes_from(duckdb_string_t_data(text), duckdb_string_t_length(*text));
}

static bool list_take(struct insertion *insertion, const struct source_column *column, uint32_t row,
                      struct insert_value *value, struct err *err)
{
    const duckdb_list_entry *entry = (const duckdb_list_entry *)column->data + row;
    const char *name = insertion->insert->table->columns[column->column].name;
    if (entry->length > BATCH_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a list for column \"%s\" is too long", name);
    value->list.count = (uint32_t)entry->length;
    for (uint64_t i = 0; i < entry->length; i++)
        if (!is_valid(column->child_validity, entry->offset + i))
            return err_set(err, ERR_NULL, "a list in column \"%s\" cannot hold NULL", name);
    if (column->type == SCHEMA_TYPE_BIGINT_LIST) {
        value->list.at = (int64_t *)(uintptr_t)column->child + entry->offset;
        return true;
    }
    if (column->type == SCHEMA_TYPE_DOUBLE_LIST) {
        value->list.at = (double *)(uintptr_t)column->child + entry->offset;
        return true;
    }
    struct bytes *texts = arena_alloc(&insertion->lists, (entry->length + 1) * sizeof *texts);
    for (uint64_t i = 0; i < entry->length; i++) texts[i] = text_at(column->child, entry->offset + i);
    value->list.at = texts;
    return true;
}

static bool value_take(struct insertion *insertion, const struct source_column *column, uint32_t row, struct err *err)
{
    struct insert_value *value = &insertion->row.values[column->column];
    if (!is_valid(column->validity, row)) return true;
    value->is_given = true;
    switch (column->type) {
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_INTEGER: value->integer = ((const int32_t *)column->data)[row]; return true;
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_BIGINT: value->integer = ((const int64_t *)column->data)[row]; return true;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: value->text = text_at(column->data, row); return true;
    case SCHEMA_TYPE_DOUBLE: value->number = ((const double *)column->data)[row]; return true;
    case SCHEMA_TYPE_BOOLEAN: value->boolean = ((const bool *)column->data)[row]; return true;
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return list_take(insertion, column, row, value, err);
    }
    return true;
}

static bool row_end(struct insertion *insertion, struct err *err)
{
    struct query_cursor *cursor = insertion->cursor;
    struct query_session *session = cursor->session;
    bool is_span;
    if (!insert_row_end(&insertion->row, session->project_id, cursor->render.now_unix_us, &session->rows.batch,
                        &is_span, err))
        return false;
    session->rows.spans += is_span;
    return true;
}

static bool row_take(struct insertion *insertion, uint32_t row, struct err *err)
{
    arena_reset(&insertion->lists);
    insert_row_begin(&insertion->row, insertion->insert->table);
    for (uint32_t c = 0; c < insertion->insert->count; c++)
        if (!value_take(insertion, &insertion->columns[c], row, err)) return false;
    return row_end(insertion, err);
}

/* DuckDB's words for what PostgreSQL tells apart. */
static bool failed(struct err *err)
{
    bool is_value = err->code == ERR_VALUE || err->code == ERR_INPUT;
    if (is_value && (strstr(err->text, "out of range") || strstr(err->text, "can't be cast because the value")))
        err->code = strstr(err->text, "timestamp") || strstr(err->text, "date") ? ERR_TIME : ERR_RANGE;
    return false;
}

static bool rows_take(struct insertion *insertion, struct err *err)
{
    struct query_cursor *cursor = insertion->cursor;
    for (;;) {
        duckdb_data_chunk chunk;
        if (!cursor_chunk(cursor, &chunk, err)) return failed(err);
        if (!chunk) return true;
        source_set(insertion, chunk);
        bool ok = true;
        for (uint32_t row = 0; ok && row < duckdb_data_chunk_get_size(chunk); row++) ok = row_take(insertion, row, err);
        duckdb_destroy_data_chunk(&chunk);
        if (!ok || !session_rows_weigh(cursor->session, err)) return false;
    }
}

/* --- VALUES of constants and parameters, without DuckDB --- */

/* Of its type as the client declared it, for a column of another; false: it is DuckDB's to convert. */
static bool parameter_fits(enum query_type type, enum query_type want, const struct query_parameter *parameter)
{
    if (type == want || parameter->is_null) return true;
    bool is_number = want == QUERY_TYPE_INT4 || want == QUERY_TYPE_INT8 || want == QUERY_TYPE_FLOAT8;
    return is_number && type_is_integer(type);
}

static enum query_type want_of(const struct plan_insert *insert, uint32_t c)
{
    return type_of_schema(insert->table->columns[insert->columns[c]].type);
}

bool insert_is_direct(const struct query_cursor *cursor)
{
    const struct plan_insert *insert = cursor->plan->insert;
    if (!insert->cells) return false;
    for (uint32_t i = 0; i < insert->row_count * insert->count; i++) {
        const struct insert_cell *cell = &insert->cells[i];
        if (cell->kind == INSERT_PARAMETER &&
            !parameter_fits(cursor->plan->parameters[cell->parameter - 1], want_of(insert, i % insert->count),
                            &cursor->parameters[cell->parameter - 1]))
            return false;
    }
    return true;
}

/* Drivers send a number in as few bytes as it needs, whatever the column takes. */
static bool integer_take(enum schema_type type, struct bytes bytes, struct insert_value *value, struct err *err)
{
    if (bytes.len != 2 && bytes.len != 4 && bytes.len != 8)
        return err_set(err, ERR_VALUE, "incorrect binary data format for an integer");
    uint64_t bits = bytes.ptr[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.len; i++) bits = bits << 8 | bytes.ptr[i];
    *value = (struct insert_value){ .is_given = true, .integer = (int64_t)bits };
    if (type == SCHEMA_TYPE_DOUBLE) value->number = (double)(int64_t)bits;
    return type != SCHEMA_TYPE_INTEGER || value->integer == (int32_t)value->integer ||
           err_set(err, ERR_RANGE, "integer out of range");
}

static bool cell_take(struct insertion *insertion, uint32_t c, const struct insert_cell *cell, struct err *err)
{
    struct query_cursor *cursor = insertion->cursor;
    const struct insert_reader reader = { cursor->session, &insertion->lists };
    uint32_t column = insertion->insert->columns[c];
    enum schema_type type = insertion->insert->table->columns[column].type;
    struct insert_value *value = &insertion->row.values[column];
    if (cell->kind == INSERT_NULL) return true;
    if (cell->kind == INSERT_NOW) {
        *value = (struct insert_value){ .is_given = true, .integer = cursor->render.now_unix_us };
        return true;
    }
    if (cell->kind == INSERT_TEXT) return insert_text_read(&reader, type, cell->text, value, err);
    const struct query_parameter *parameter = &cursor->parameters[cell->parameter - 1];
    if (parameter->is_null) return true;
    if (parameter->is_binary && type_is_integer(cursor->plan->parameters[cell->parameter - 1]))
        return integer_take(type, parameter->value, value, err);
    return parameter->is_binary ? insert_binary_read(&reader, type, parameter->value, value, err)
                                : insert_text_read(&reader, type, parameter->value, value, err);
}

static bool values_run(struct insertion *insertion, struct err *err)
{
    const struct plan_insert *insert = insertion->insert;
    for (uint32_t r = 0; r < insert->row_count; r++) {
        arena_reset(&insertion->lists);
        insert_row_begin(&insertion->row, insert->table);
        for (uint32_t c = 0; c < insert->count; c++)
            if (!cell_take(insertion, c, &insert->cells[r * insert->count + c], err)) return false;
        if (!row_end(insertion, err)) return false;
    }
    return session_rows_weigh(insertion->cursor->session, err);
}

static bool source_run(struct insertion *insertion, struct prune_warning **warnings, struct err *err)
{
    struct query_cursor *cursor = insertion->cursor;
    const struct plan_insert *insert = insertion->insert;
    insertion->columns = arena_calloc(&cursor->arena, (insert->count + 1) * sizeof *insertion->columns);
    for (uint32_t c = 0; c < insert->count; c++)
        insertion->columns[c] = (struct source_column){
            insert->columns[c], insert->table->columns[insert->columns[c]].type, NULL, NULL, NULL, NULL
        };
    return cursor_tables(cursor, warnings, err) && (cursor_run(cursor, cursor->plan->sql, "", err) || failed(err)) &&
           rows_take(insertion, err);
}

/* RETURNING: of the rows that are in the batch, before it goes. */
static bool rows_return(struct query_cursor *cursor, const struct session_rows_mark *mark, struct err *err)
{
    struct buf relation;
    buf_init(&relation, RENDER_SQL_BYTES_MAX);
    bool ok = insert_returned(cursor, mark, &relation, err) && cursor_turn_take(cursor, err);
    cursor->render.written = (const char *)relation.ptr;
    ok = ok && cursor_returned(cursor, err);
    cursor_turn_give(cursor);
    cursor->render.written = NULL;
    buf_deinit(&relation);
    return ok;
}

bool insert_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err)
{
    struct query_session *session = cursor->session;
    struct session_rows_mark mark = session_rows_mark(session);
    struct insertion insertion = { .cursor = cursor, .insert = cursor->plan->insert };
    const char *notice = NULL;
    arena_init(&insertion.lists, 4096);
    bool ok = insert_is_direct(cursor) ? values_run(&insertion, err) : source_run(&insertion, warnings, err);
    arena_deinit(&insertion.lists);
    cursor_result_drop(cursor);
    cursor_turn_give(cursor); /* what follows waits for others, and asks for itself */
    uint64_t before = mark.batch.rows[insertion.insert->table->id];
    if (ok && insertion.insert->skips_conflicts)
        ok = insert_conflicts_skip(session, insertion.insert->table, &mark, err);
    uint64_t rows = session->rows.batch.rows[insertion.insert->table->id] - before;
    ok = ok && (!cursor->plan->returning || rows_return(cursor, &mark, err));
    ok = ok && session_rows_end(session, &notice, err);
    if (!ok) {
        session_rows_back(session, &mark);
        return false;
    }
    cursor->changed_rows = rows;
    if (notice) {
        cursor->notices = arena_alloc(&cursor->arena, sizeof *cursor->notices);
        cursor->notices[0] = notice;
        cursor->notice_count = 1;
    }
    return true;
}
