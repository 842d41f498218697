#include "timefusion/query/rows.h"
#include "timefusion/query/engine.h"
#include <stdlib.h>

void rows_deinit(struct rows *rows)
{
    free(rows->texts);
    *rows = (struct rows){ 0 };
}

void rows_stored(const struct schema_table *table, struct column_set *set)
{
    *set = (struct column_set){ 0 };
    for (uint32_t c = 0; c < table->column_count; c++)
        if (schema_column_is_stored(&table->columns[c])) column_set_add(set, c);
}

bool rows_names_put(struct buf *sql, const struct schema_table *table, const char *prefix)
{
    bool ok = true, any = false;
    for (uint32_t c = 0; ok && c < table->column_count; c++) {
        if (!schema_column_is_stored(&table->columns[c])) continue;
        ok = buf_printf(sql, "%s%s%u", any ? ", " : "", prefix, c);
        any = true;
    }
    return ok;
}

static duckdb_type type_wanted(enum schema_type type)
{
    switch (type) {
    case SCHEMA_TYPE_DATE: return DUCKDB_TYPE_DATE;
    case SCHEMA_TYPE_TIMESTAMPTZ: return DUCKDB_TYPE_TIMESTAMP_TZ;
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: return DUCKDB_TYPE_VARCHAR;
    case SCHEMA_TYPE_INTEGER: return DUCKDB_TYPE_INTEGER;
    case SCHEMA_TYPE_BIGINT: return DUCKDB_TYPE_BIGINT;
    case SCHEMA_TYPE_DOUBLE: return DUCKDB_TYPE_DOUBLE;
    case SCHEMA_TYPE_BOOLEAN: return DUCKDB_TYPE_BOOLEAN;
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return DUCKDB_TYPE_LIST;
    }
    return DUCKDB_TYPE_INVALID;
}

static bool is_all_null(const uint64_t *validity, uint32_t row_count)
{
    if (!validity) return false;
    for (uint32_t word = 0; word * 64 < row_count; word++) {
        uint32_t left = row_count - word * 64;
        uint64_t mask = left >= 64 ? UINT64_MAX : ((uint64_t)1 << left) - 1;
        if (validity[word] & mask) return false;
    }
    return true;
}

static bool type_check(duckdb_vector vector, const struct schema_column *column, struct err *err)
{
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    bool ok = duckdb_get_type_id(logical) == type_wanted(column->type);
    duckdb_destroy_logical_type(&logical);
    return ok || err_set(err, ERR_INTERNAL, "column \"%s\" came as another type than it is stored in", column->name);
}

bool rows_set(struct rows *rows, const struct schema_table *table, duckdb_data_chunk chunk, uint32_t first,
              struct err *err)
{
    rows->table = table;
    rows->row_count = (uint32_t)duckdb_data_chunk_get_size(chunk);
    rows->vector_count = 0;
    for (uint32_t c = 0; c < table->column_count; c++) {
        const struct schema_column *column = &table->columns[c];
        if (!schema_column_is_stored(column)) continue;
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, first + rows->vector_count);
        struct rows_vector *into = &rows->vectors[rows->vector_count++];
        *into = (struct rows_vector){ .column = c,
                                      .type = column->type,
                                      .data = duckdb_vector_get_data(vector),
                                      .validity = duckdb_vector_get_validity(vector) };
        if (!type_check(vector, column, err)) return false;
        into->is_empty = is_all_null(into->validity, rows->row_count);
        if (into->is_empty && column->flags & SCHEMA_NOT_NULL && rows->row_count > 0)
            return err_set(err, ERR_UNSUPPORTED, "column \"%s\" holds NULL, which it must not", column->name);
        if (type_wanted(column->type) == DUCKDB_TYPE_LIST) {
            duckdb_vector child = duckdb_list_vector_get_child(vector);
            into->child = duckdb_vector_get_data(child);
            into->child_validity = duckdb_vector_get_validity(child);
        }
        if (c == table->timestamp) rows->timestamp = into;
        if (c == table->service_name) rows->service = into;
    }
    return true;
}

static struct bytes text_of(const void *data, uint64_t at)
{
    duckdb_string_t *text = (duckdb_string_t *)(uintptr_t)data + at;
    uint32_t len = duckdb_string_t_length(*text);
    return bytes_from(len > 0 ? duckdb_string_t_data(text) : "", len);
}

struct bytes rows_service(const struct rows *rows, uint32_t row)
{
    if (rows->service->is_empty || rows_is_null(rows->service, row)) return (struct bytes){ 0 };
    return text_of(rows->service->data, row);
}

static bool list_put(struct rows *rows, const struct rows_vector *vector, uint32_t row, struct columns *columns,
                     struct err *err)
{
    const duckdb_list_entry *entry = (const duckdb_list_entry *)vector->data + row;
    const char *name = rows->table->columns[vector->column].name;
    if (entry->length > UINT32_MAX / 2) return err_set(err, ERR_TOO_LARGE, "a list in column \"%s\" is too long", name);
    uint32_t count = (uint32_t)entry->length;
    for (uint64_t i = entry->offset; vector->child_validity && i < entry->offset + count; i++)
        if (!(vector->child_validity[i / 64] >> (i % 64) & 1))
            return err_set(err, ERR_UNSUPPORTED, "a list in column \"%s\" holds NULL, which it must not", name);
    if (vector->type == SCHEMA_TYPE_BIGINT_LIST) {
        columns_put_int_list(columns, vector->column, (const uint64_t *)vector->child + entry->offset, count);
    } else if (vector->type == SCHEMA_TYPE_DOUBLE_LIST) {
        columns_put_double_list(columns, vector->column, (const double *)vector->child + entry->offset, count);
    } else {
        if (count > rows->text_cap) {
            rows->text_cap = count * 2;
            free(rows->texts);
            rows->texts = mem_alloc(rows->text_cap * sizeof *rows->texts);
        }
        for (uint32_t i = 0; i < count; i++) rows->texts[i] = text_of(vector->child, entry->offset + i);
        columns_put_text_list(columns, vector->column, rows->texts, count);
    }
    return true;
}

static bool value_put(struct rows *rows, const struct rows_vector *vector, uint32_t row, struct columns *columns,
                      struct err *err)
{
    switch (vector->type) {
    case SCHEMA_TYPE_UUID:
    case SCHEMA_TYPE_TEXT:
    case SCHEMA_TYPE_JSON: columns_put_text(columns, vector->column, text_of(vector->data, row)); return true;
    case SCHEMA_TYPE_DATE:
    case SCHEMA_TYPE_INTEGER:
        columns_put_int(columns, vector->column, ((const int32_t *)vector->data)[row]);
        return true;
    case SCHEMA_TYPE_TIMESTAMPTZ:
    case SCHEMA_TYPE_BIGINT:
        columns_put_int(columns, vector->column, ((const int64_t *)vector->data)[row]);
        return true;
    case SCHEMA_TYPE_DOUBLE:
        columns_put_double(columns, vector->column, ((const double *)vector->data)[row]);
        return true;
    case SCHEMA_TYPE_BOOLEAN: columns_put_bool(columns, vector->column, ((const bool *)vector->data)[row]); return true;
    case SCHEMA_TYPE_TEXT_LIST:
    case SCHEMA_TYPE_BIGINT_LIST:
    case SCHEMA_TYPE_DOUBLE_LIST: return list_put(rows, vector, row, columns, err);
    }
    return true;
}

/* A row that begins must end: what is required is looked for before. */
static bool required_check(const struct rows *rows, uint32_t row, struct err *err)
{
    for (uint32_t v = 0; v < rows->vector_count; v++) {
        const struct schema_column *column = &rows->table->columns[rows->vectors[v].column];
        if (column->flags & SCHEMA_NOT_NULL && rows_is_null(&rows->vectors[v], row))
            return err_set(err, ERR_UNSUPPORTED, "column \"%s\" holds NULL, which it must not", column->name);
    }
    return true;
}

bool rows_put(struct rows *rows, uint32_t row, struct columns *columns, struct err *err)
{
    if (!required_check(rows, row, err)) return false;
    bool ok = true;
    columns_row_begin(columns, rows_time(rows, row));
    for (uint32_t v = 0; ok && v < rows->vector_count; v++) {
        const struct rows_vector *vector = &rows->vectors[v];
        if (vector->is_empty || vector == rows->timestamp || rows_is_null(vector, row)) continue;
        ok = value_put(rows, vector, row, columns, err);
    }
    if (ok) columns_row_end(columns); /* after a failure the columns are only good to be destroyed */
    return ok;
}

bool rows_stream(duckdb_connection connection, const char *sql, const struct rows_stream *stream, struct err *err)
{
    duckdb_result result;
    struct engine_stop stop = { stream->is_stopped, stream->ctx };
    if (!engine_stream(connection, sql, &stop, NULL, &result, err)) return false;
    bool ok = true;
    while (ok) {
        if (stream->is_stopped && stream->is_stopped(stream->ctx, err)) {
            ok = false;
            break;
        }
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk) {
            const char *message = duckdb_result_error(&result);
            if (message && message[0]) ok = engine_err(err, duckdb_result_error_type(&result), message);
            break;
        }
        ok = stream->take(stream->ctx, chunk, err);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return ok;
}
