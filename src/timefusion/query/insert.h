/* insert.h -- INSERT and COPY FROM: values become a batch of rows, which is kept as a whole.
 *
 *   INSERT --insert_plan.c--> SELECT of stored values --DuckDB--> insert.c --'
 *   COPY's text, CSV, binary --pgwire/copy_in*.c--> insert_text.c ----------+--> insert_row.c: checks, defaults --> batch
 *                                                                            '--> session_rows.c: kept now, or at COMMIT
 *
 * What PostgreSQL would keep of a table with these columns, rules and defaults: a NULL is as if the column were left out; then
 * id is made anew, project and day follow, and the worker derives the rest (worker/written).
 * Thread: the session's. Memory: one batch a session, BATCH_BYTES_MAX, within query_options.write_bytes_max of all. */
#pragma once
#include "timefusion/batch/batch.h"
#include "timefusion/query/plan.h"

struct query_cursor;
struct query_session;
struct prune_warning;

/* A value of VALUES that needs no DuckDB. */
struct insert_cell {
    enum { INSERT_NULL, INSERT_TEXT, INSERT_PARAMETER, INSERT_NOW } kind;
    struct bytes text;  /* as PostgreSQL reads it for the column */
    uint32_t parameter; /* from 1 on */
};
/* What an INSERT's select gives, column by column; in a plan's arena. */
struct plan_insert {
    const struct insert_cell *cells; /* of VALUES, row by row: if all of them are such; else NULL */
    uint32_t row_count;
    const struct schema_table *table;
    const uint32_t *columns; /* of the table */
    uint32_t count;
    bool skips_conflicts; /* ON CONFLICT DO NOTHING */
    /* RETURNING: columns of the table that are known of a row before it is kept. */
    const uint32_t *returned;
    uint32_t returned_count;
};

/* A row under way: what is given of it, by column. Texts are borrowed until insert_row_end. */
struct insert_value {
    bool is_given; /* not NULL */
    union {
        int64_t integer; /* DATE in days, TIMESTAMPTZ in us */
        double number;
        bool boolean;
        struct bytes text; /* UUID in its 36 characters; JSON without white space */
        struct {
            void *at; /* struct bytes, int64_t or double */
            uint32_t count;
        } list;
    };
};
struct insert_row {
    const struct schema_table *table;
    struct insert_value values[SCHEMA_COLUMNS_MAX];
};
/* insert_row.c: all is NULL. */
void insert_row_begin(struct insert_row *row, const struct schema_table *table);
/* Checks the row, fills in what is left out, and puts it. On failure the batch is as before. now_us: of the statement.
 * *is_span: as the worker will see it. */
MUST_CHECK bool insert_row_end(struct insert_row *row, struct uuid project_id, int64_t now_us, struct batch *batch,
                               bool *is_span, struct err *err);
/* What client may name: ERR_DERIVED for those that are made of others. */
MUST_CHECK bool insert_column_check(const struct schema_table *table, uint32_t column, struct err *err);

/* As the worker will see the row (worker/written). */
bool insert_is_span(const struct batch_row *row);

/* insert_conflict.c: takes out of what was added since the mark the rows whose id is there already. */
struct session_rows_mark;
MUST_CHECK bool insert_conflicts_skip(struct query_session *session, const struct schema_table *table,
                                      const struct session_rows_mark *mark, struct err *err);

/* insert.c: are its rows there without DuckDB? Then it needs no lane, and warns of nothing (warnings NULL). */
bool insert_is_direct(const struct query_cursor *cursor);
/* The statement as a whole; cursor->changed_rows. */
MUST_CHECK bool insert_run(struct query_cursor *cursor, struct prune_warning **warnings, struct err *err);

/* insert_returning.c */
/* The rows that stand in the batch behind the mark, as a relation for mark R; ERR_TOO_LARGE. */
struct session_rows_mark;
MUST_CHECK bool insert_returned(struct query_cursor *cursor, const struct session_rows_mark *mark, struct buf *relation,
                                struct err *err);
/* The same without rows, of the right types. */
MUST_CHECK bool insert_returned_none(const struct plan_insert *insert, struct buf *relation);

/* session_rows.c: what the session has written and not yet kept. */
struct session_rows {
    struct batch batch;
    uint64_t spans;   /* of its rows */
    uint64_t charged; /* to the engine */
    bool is_begun;
};
struct session_rows_mark {
    struct batch_mark batch;
    uint64_t spans;
    bool is_over; /* there is nothing to go back to any more */
};
/* A statement begins; what it has added goes again with session_rows_back. */
struct session_rows_mark session_rows_mark(struct query_session *session);
void session_rows_back(struct query_session *session, const struct session_rows_mark *mark);
/* After rows were added: ERR_MEMORY when all sessions together hold too much. */
MUST_CHECK bool session_rows_weigh(struct query_session *session, struct err *err);
/* The statement has ended well: outside of a transaction its rows are kept now, and seen by who asks next. */
MUST_CHECK bool session_rows_end(struct query_session *session, const char **notice, struct err *err);
/* What is there is kept now, and not waited for until it is seen: a piece of a statement that goes on. */
MUST_CHECK bool session_rows_piece(struct query_session *session, struct err *err);
void session_rows_drop(struct query_session *session);
