/* COPY ... FROM STDIN into a session's own table: rows by the hundred, as INSERTs of parameters. */
#include "timefusion/query/temporary_copy.h"
#include "timefusion/query/cursor_inside.h"
#include <stdlib.h>

#define ROWS_MAX   256
#define FIELDS_MAX 8192
#define TEXT_MAX   (1u << 20) /* of the fields' bytes, before they are put in */

struct temporary_copy {
    struct query_session *session;
    const struct query_column *columns; /* the plan's */
    uint32_t column_count, batch_rows;
    const char *name;
    struct temporaries before;
    struct query_statement *full; /* INSERT of batch_rows rows; NULL: not yet */
    struct query_parameter *fields;
    uint32_t row_count;
    struct arena arena; /* of the fields' bytes */
    bool is_over;
};

struct temporary_copy *temporary_copy_begin(struct query_session *session, const struct plan *plan)
{
    struct temporary_copy *copy = mem_calloc(1, sizeof *copy);
    copy->session = session;
    copy->columns = plan->columns;
    copy->column_count = plan->column_count;
    copy->name = plan->temporary->table.name;
    copy->batch_rows = FIELDS_MAX / (plan->column_count + 1);
    if (copy->batch_rows > ROWS_MAX) copy->batch_rows = ROWS_MAX;
    copy->fields = mem_calloc((size_t)copy->batch_rows * plan->column_count + 1, sizeof *copy->fields);
    copy->before = temporaries_copy(&session->temporaries);
    arena_init(&copy->arena, 16 * 1024);
    return copy;
}

static bool name_put(struct buf *sql, const char *name)
{
    bool ok = buf_add(sql, "\"", 1);
    for (const char *at = name; ok && *at; at++) ok = buf_add(sql, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
    return ok && buf_add(sql, "\"", 1);
}

static bool insert_prepare(struct temporary_copy *copy, uint32_t rows, struct query_statement **statement,
                           struct err *err)
{
    struct buf sql;
    uint32_t parameters = 0;
    buf_init(&sql, 1u << 20);
    bool ok = buf_printf(&sql, "INSERT INTO pg_temp.") && name_put(&sql, copy->name);
    for (uint32_t c = 0; ok && c < copy->column_count; c++)
        ok = buf_printf(&sql, "%s", c ? "," : " (") && name_put(&sql, copy->columns[c].name);
    for (uint32_t r = 0; ok && r < rows; r++)
        for (uint32_t c = 0; ok && c < copy->column_count; c++)
            ok = buf_printf(&sql, "%s$%u", c ? "," : r ? "),(" : ") VALUES (", ++parameters);
    ok = (ok && buf_printf(&sql, ")")) || err_set(err, ERR_TOO_LARGE, "the table has too many columns for COPY");
    ok = ok && query_prepare(copy->session, buf_bytes(&sql), NULL, 0, statement, err);
    buf_deinit(&sql);
    return ok;
}

static bool rows_put(struct temporary_copy *copy, struct err *err)
{
    struct query_statement *statement = copy->row_count == copy->batch_rows ? copy->full : NULL;
    struct query_cursor *cursor;
    uint32_t count = copy->row_count * copy->column_count;
    if (copy->row_count == 0) return true;
    if (!statement && !insert_prepare(copy, copy->row_count, &statement, err)) return false;
    bool ok = query_execute(statement, copy->fields, count, &cursor, err);
    if (ok) query_cursor_close(cursor);
    if (copy->row_count == copy->batch_rows)
        copy->full = statement;
    else
        query_statement_close(statement);
    copy->row_count = 0;
    arena_reset(&copy->arena);
    return ok;
}

bool temporary_copy_row(struct temporary_copy *copy, const struct query_field *fields, struct err *err)
{
    struct query_parameter *row = &copy->fields[(size_t)copy->row_count * copy->column_count];
    for (uint32_t c = 0; c < copy->column_count; c++)
        row[c] = (struct query_parameter){ .value = arena_copy(&copy->arena, fields[c].value),
                                           .is_null = fields[c].is_null,
                                           .is_binary = fields[c].is_binary };
    copy->row_count++;
    return (copy->row_count < copy->batch_rows && copy->arena.bytes < TEXT_MAX) || rows_put(copy, err);
}

bool temporary_copy_end(struct temporary_copy *copy, struct err *err)
{
    copy->is_over = rows_put(copy, err);
    return copy->is_over;
}

void temporary_copy_close(struct temporary_copy *copy)
{
    if (!copy) return;
    struct query_session *session = copy->session;
    query_statement_close(copy->full);
    if (!copy->is_over) temporaries_put(session, &session->temporaries, &copy->before);
    temporaries_drop(session, &copy->before);
    arena_deinit(&copy->arena);
    free(copy->fields);
    free(copy);
}
