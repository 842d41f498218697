/* rows_page.h -- a page of logs and spans, newest first: one SELECT with its parameters, as anyone could ask.
 *
 *   struct rows_page rows;
 *   if (!rows_page_open(&rows, call)) return;                            // told: the cursor is none of ours
 *   rows_page_select(&rows, fields, count, from_us, to_us);              // SELECT .. FROM .. WHERE timestamp ..
 *   rows_page_put, rows_page_compared, rows_page_condition               // AND ..
 *   if (rows_page_end(&rows)) rows_page_answer(&rows, &how);             // behind the cursor, ORDER BY, LIMIT; each row
 *   rows_page_close(&rows);
 *
 * The first two fields are the page's keys: timestamp and id.
 * Thread: the call's. Memory: SQL of ROWS_PAGE_SQL_BYTES at most. Errors: the client is told. */
#pragma once
#include "web/api/api_page.h"
#include "web/api/sql_run.h"

enum { ROWS_PAGE_PARAMETERS_MAX = 16, ROWS_PAGE_SQL_BYTES = 4 << 20 };
struct rows_field {
    const char *name, *sql; /* name NULL: it is for the reader of the row alone */
};
struct rows_page {
    struct api_call *call;
    struct api_page page;
    struct buf sql;
    struct query_parameter parameters[ROWS_PAGE_PARAMETERS_MAX];
    uint32_t count;
};
MUST_CHECK bool rows_page_open(struct rows_page *rows, struct api_call *call);
void rows_page_select(struct rows_page *rows, const struct rows_field *fields, size_t count, int64_t from_us,
                      int64_t to_us);
void rows_page_put(struct rows_page *rows, const char *text);
/* before and "$n". */
void rows_page_compared(struct rows_page *rows, const char *before, struct bytes value);
/* AND and a condition that is SQL already; of an empty one nothing. */
void rows_page_condition(struct rows_page *rows, struct bytes condition);
MUST_CHECK bool rows_page_end(struct rows_page *rows); /* false: the client was told */

struct rows_page_how {
    const char *read_only; /* as in struct sql_query */
    uint32_t timeout_ms;
    /* Adds the row to rows->page; false: the page is full. */
    bool (*row)(void *ctx, struct rows_page *rows, const struct query_chunk *chunk, const struct sql_run *run,
                uint32_t row);
    void *ctx;
};
void rows_page_answer(struct rows_page *rows, const struct rows_page_how *how);
void rows_page_close(struct rows_page *rows);
