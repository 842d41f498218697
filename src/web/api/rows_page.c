#include "web/api/rows_page.h"
#include "base/rfc3339.h"

#include <stdlib.h>
#include <string.h>

bool rows_page_open(struct rows_page *rows, struct api_call *call)
{
    *rows = (struct rows_page){ .call = call };
    buf_init(&rows->sql, ROWS_PAGE_SQL_BYTES);
    return api_page_read(call, 2, &rows->page);
}

void rows_page_put(struct rows_page *rows, const char *text)
{
    if (!buf_add(&rows->sql, text, strlen(text))) abort(); /* all that comes is bounded far below */
}

void rows_page_compared(struct rows_page *rows, const char *before, struct bytes value)
{
    assert(rows->count < ROWS_PAGE_PARAMETERS_MAX);
    rows->parameters[rows->count++].value = value;
    if (!buf_printf(&rows->sql, "%s$%u", before, rows->count)) abort();
}

void rows_page_condition(struct rows_page *rows, struct bytes condition)
{
    if (condition.len == 0) return;
    rows_page_put(rows, " AND ");
    if (!buf_add(&rows->sql, condition.ptr, condition.len)) abort();
}

static struct bytes time_text(struct api_call *call, int64_t unix_us)
{
    char text[RFC3339_BYTES];
    rfc3339_write(unix_us, text);
    return arena_copy(call->arena, bytes_of_text(text));
}

void rows_page_select(struct rows_page *rows, const struct rows_field *fields, size_t count, int64_t from_us,
                      int64_t to_us)
{
    rows_page_put(rows, "SELECT ");
    for (size_t f = 0; f < count; f++) {
        if (f > 0) rows_page_put(rows, ", ");
        rows_page_put(rows, fields[f].sql);
    }
    rows_page_compared(rows, " FROM otel_logs_and_spans WHERE timestamp >= ", time_text(rows->call, from_us));
    rows_page_compared(rows, " AND timestamp < ", time_text(rows->call, to_us));
}

/* The page behind (timestamp, id). */
bool rows_page_end(struct rows_page *rows)
{
    const struct api_page *page = &rows->page;
    int64_t unix_us;
    struct uuid id;
    if (!page->is_first) {
        if (!rfc3339_read(page->after[0], &unix_us) || !uuid_from_text(page->after[1], &id))
            return api_page_wrong(rows->call);
        rows_page_compared(rows, " AND timestamp <= ", page->after[0]);
        rows_page_compared(rows, " AND (timestamp < ", page->after[0]);
        rows_page_compared(rows, " OR id < ", page->after[1]);
        rows_page_put(rows, ")");
    }
    if (!buf_printf(&rows->sql, " ORDER BY timestamp DESC, id DESC LIMIT %u", page->limit + 1)) abort();
    return true;
}

void rows_page_answer(struct rows_page *rows, const struct rows_page_how *how)
{
    struct sql_run run;
    struct err err = { 0 };
    const struct query_chunk *chunk = NULL;
    struct sql_query query = { .sql = buf_bytes(&rows->sql),
                               .parameters = rows->parameters,
                               .parameter_count = rows->count,
                               .timeout_ms = how->timeout_ms,
                               .read_only = how->read_only };
    bool ok = sql_open(&run, rows->call, &query, &err), is_full = false;
    while (ok && !is_full && (ok = sql_next(&run, &chunk, &err)) && chunk != NULL)
        for (uint32_t r = 0; !is_full && r < query_chunk_rows(chunk); r++)
            is_full = !how->row(how->ctx, rows, chunk, &run, r);
    if (ok) {
        sql_warnings_header(&run);
        api_page_answer(rows->call, &rows->page);
    } else {
        sql_fail(rows->call, &err);
    }
    sql_close(&run);
}

void rows_page_close(struct rows_page *rows)
{
    buf_deinit(&rows->sql);
}
