/* postgres_inside.h -- one connection: db_postgres.c opens it and ends transactions, postgres_run.c asks on it,
 * postgres_value.c turns values into what travels and back. Thread: one at a time. */
#pragma once
#include "meta/db_backend.h"
#include <libpq-fe.h>

enum { STATEMENTS_MAX = 256, COLUMNS_MAX = 64 };

struct statement {
    uint64_t hash;
    char *sql;
    char name[16];
    uint64_t used;
};
struct connection {
    struct db_connection base;
    PGconn *pg;
    struct statement statements[STATEMENTS_MAX];
    uint32_t statement_count, names;
    uint64_t calls;
    uint32_t statement_ms_max;
    char server[64];    /* system identifier and timeline: who can say what became of a transaction; empty: nobody */
    struct buf scratch; /* bytes of one row */
};
static inline struct connection *of(struct db_connection *base)
{
    return (struct connection *)base;
}

/* What the server said, or that it is gone. Always false. */
bool postgres_err(struct connection *connection, const PGresult *result, struct err *err);
/* The next result of what was sent; NULL when there is none, or with *ok false when the connection is gone. */
PGresult *postgres_next(struct connection *connection, uint64_t deadline_ns, bool *ok, struct err *err);
/* Statements without values; *text: the last one's first column, when there is one. ms_max 0: no limit. */
MUST_CHECK bool postgres_exec(struct connection *connection, const char *sql, uint32_t ms_max, char *text,
                              size_t text_bytes, struct err *err);

/* One value on its way: its type's number, its bytes (in room, or borrowed). */
struct postgres_value {
    Oid type;
    const char *ptr;
    int len;
    char room[16];
};
MUST_CHECK bool postgres_value_write(const struct db_value *value, struct postgres_value *out, struct err *err);
/* A column of an answer's first row. Bytes are the result's, or the scratch's. */
struct db_value postgres_value_read(const PGresult *result, int column, struct buf *scratch);

bool postgres_run(struct db_connection *base, const char *sql, const struct db_value *values, size_t value_count,
                  db_row_fn *row, void *ctx, int64_t *changed, struct err *err);
bool postgres_run_many(struct db_connection *base, const char *sql, const struct db_value *values, size_t value_count,
                       size_t row_count, int64_t *changed, struct err *err);
void postgres_statements_close(struct connection *connection);
