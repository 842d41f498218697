/* rows.h -- rows of a DuckDB chunk as they are stored, put into struct columns: how rewritten files get their rows.
 *
 *   SELECT s0, s1, ... FROM read_parquet(...) --chunk--> rows_set --rows_put(row)--> struct columns
 *
 * Bit by bit: texts, doubles (NaN, -0.0), NULL beside an empty list. What our tables cannot hold is refused by name: a NULL in a
 * column that has none, a NULL inside a list.
 * Thread: one. Memory: a view into the chunk, and room for the texts of one list. */
#pragma once
#include "timefusion/columns/columns.h"
#include "timefusion/query/plan.h"
#include <duckdb.h>

struct rows_vector {
    uint32_t column;
    enum schema_type type;
    bool is_empty; /* all NULL in this chunk */
    const void *data;
    const uint64_t *validity;
    const void *child; /* of lists */
    const uint64_t *child_validity;
};
struct rows {
    const struct schema_table *table;
    uint32_t row_count, vector_count;
    struct rows_vector vectors[SCHEMA_COLUMNS_MAX];
    const struct rows_vector *timestamp, *service;
    struct bytes *texts;
    uint32_t text_cap;
};
void rows_deinit(struct rows *rows); /* all zeros is fine */
/* The chunk's columns from first on are the stored columns of the table in its order. The chunk must live on. */
MUST_CHECK bool rows_set(struct rows *rows, const struct schema_table *table, duckdb_data_chunk chunk, uint32_t first,
                         struct err *err);
static inline bool rows_is_null(const struct rows_vector *vector, uint32_t row)
{
    return vector->validity && !(vector->validity[row / 64] >> (row % 64) & 1);
}
static inline int64_t rows_time(const struct rows *rows, uint32_t row)
{
    return ((const int64_t *)rows->timestamp->data)[row];
}
struct bytes rows_service(const struct rows *rows, uint32_t row); /* ptr NULL: none */
MUST_CHECK bool rows_put(struct rows *rows, uint32_t row, struct columns *columns, struct err *err);

/* Runs a statement as a stream. take is called for each chunk, which it may not keep; is_stopped (or NULL) is asked between
 * pieces of some milliseconds and answers true with err set. */
struct rows_stream {
    bool (*take)(void *ctx, duckdb_data_chunk chunk, struct err *err);
    bool (*is_stopped)(void *ctx, struct err *err);
    void *ctx;
};
MUST_CHECK bool rows_stream(duckdb_connection connection, const char *sql, const struct rows_stream *stream,
                            struct err *err);
/* "s0, s1, ..." of what is stored, and the set of it. */
MUST_CHECK bool rows_names_put(struct buf *sql, const struct schema_table *table, const char *prefix);
void rows_stored(const struct schema_table *table, struct column_set *set);
